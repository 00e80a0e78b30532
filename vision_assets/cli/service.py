"""`vision-assets serve`, `predict` and `rollback`: what answers."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vision_assets.cli.output import Author, Json, Name, say, show_error, show_json, show_table
from vision_assets.home import Home
from vision_assets.user import by_whom
from vision_assets.vision.errors import DeploymentError, ImageRefused, Reason, ServiceError

if TYPE_CHECKING:
    import httpx

    from vision_assets.vision.use_case import UseCase

_TIMEOUT_S = 60
_SWITCH_S = 10
Ask = Callable[[Path], dict[str, Any]]


def serve(name: Name) -> None:
    """Serve the deployed Bento of a use case in the foreground, on 127.0.0.1."""
    from vision_assets.project import use_case
    from vision_assets.serving.endpoint import serve as serve_use_case

    serve_use_case(Home.from_environment(), use_case(name))


def predict(
    name: Name,
    images: Annotated[list[Path], typer.Argument(help="Images.", exists=True, dir_okay=False)],
    local: Annotated[
        bool, typer.Option("--local", help="From the deployed bundle, without the endpoint.")
    ] = False,
    url: Annotated[
        str | None, typer.Option(help="Endpoint; default: that of the use case on 127.0.0.1.")
    ] = None,
    json: Json = False,
) -> None:
    """Ask what is on images: the running endpoint, or the deployed bundle with --local.

    Exit code 1 if an image was refused; the others are answered all the same.
    """
    from vision_assets.project import use_case

    case = use_case(name)
    here = f"http://127.0.0.1:{case.spec.service.port}"
    ask = _local(case) if local else _remote(url or here, trust_env=url is not None)
    answers, refused = _answers(ask, images)
    if json:
        show_json([{"image": image, **answer} for image, answer in answers])
    else:
        columns = ("image", "label", "score", "decision", "objects")
        show_table(f"Answers of {name}", columns, [_row(*each) for each in answers])
    if refused:
        raise typer.Exit(1)


def _row(image: Path, answer: dict[str, Any]) -> tuple[str, ...]:
    """What a table shows of one answer."""
    found = Counter(each["label"] for each in answer.get("objects", ()))
    objects = ", ".join(f"{n} {label}" for label, n in found.most_common())
    return (
        str(image),
        answer["label"],
        f"{answer['score']:.3f}",
        answer.get("decision") or "",
        objects,
    )


def rollback(
    name: Name,
    why: Annotated[str, typer.Option(help="The reason, for the log.")] = "rolled back by command",
    to: Annotated[
        str | None, typer.Option(help="A bundle that answered before; default: the last one.")
    ] = None,
    author: Author = None,
    json: Json = False,
) -> None:
    """Deploy again a bundle that answered before; running endpoints switch without a restart."""
    from vision_assets.project import use_case
    from vision_assets.resources.tracking import set_champion
    from vision_assets.serving.deployments import Deployments

    home, case = Home.from_environment(), use_case(name)
    deployments = Deployments(home.deployments(case.name))
    back = deployments.rollback(why, author or by_whom(), to)
    switch = deployments.wait_for_workers(_SWITCH_S, case.spec.service.slot_poll_s)
    set_champion(home, case.name, back.model_id)
    if json:
        show_json(back.model_dump(mode="json") | {"workers": len(switch.taken)})
    else:
        say(f"{name}: [bold]{back.bundle_id}[/] answers again, instead of {back.previous}")
        say(f"{len(switch.taken)} running workers answer with it")
    if switch.pending or switch.refused:
        raise ServiceError(
            f"{len(switch.pending)} workers have not taken it yet and {len(switch.refused)} "
            "refused it; /info of the endpoint says why"
        )


def _answers(ask: Ask, images: Sequence[Path]) -> tuple[list[tuple[Path, dict[str, Any]]], int]:
    """The answers, and how many images were refused; the reasons go to standard error."""
    answers: list[tuple[Path, dict[str, Any]]] = []
    for image in images:
        try:
            answers.append((image, ask(image)))
        except ImageRefused as error:
            show_error(error, about=str(image))
    return answers, len(images) - len(answers)


def _local(case: "UseCase") -> Ask:
    """Answers from the bundle that is deployed."""
    from vision_assets.serving.bento import limits_of
    from vision_assets.serving.deployments import Deployments
    from vision_assets.vision.inference.bundle import Bundle
    from vision_assets.vision.inference.predictor import Predictor

    deployments = Deployments(Home.from_environment().deployments(case.name))
    current = deployments.current()
    if current is None:
        raise DeploymentError(
            f"{case.name} has no deployment; run `vision-assets run {case.name}` first"
        )
    limits = limits_of(case.spec)
    predictor = Predictor(Bundle.load(deployments.bundle_folder(current)), limits)
    return lambda image: dict(predictor.predict(image.read_bytes()))


def _remote(url: str, trust_env: bool = True) -> Ask:
    """Answers over HTTP, on one connection; by the proxy of the environment where it is trusted."""
    import httpx

    from vision_assets.vision.inference.service.keys import own_key

    client = httpx.Client(base_url=url, timeout=_TIMEOUT_S, headers=own_key(), trust_env=trust_env)

    def ask(image: Path) -> dict[str, Any]:
        with image.open("rb") as file:
            try:
                response = client.post("/predict", files={"image": (image.name, file)})
            except httpx.TransportError as error:
                raise ServiceError(
                    f"no endpoint answers at {url} ({error}); start it with `vision-assets serve`, "
                    "or use --local"
                ) from error
        return _checked(response)

    return ask


def _checked(response: "httpx.Response") -> dict[str, Any]:
    """The answer of the endpoint.

    Raises:
        ImageRefused: the endpoint refuses this image.
        ServiceError: it fails, or what answers is none of our endpoints.
    """
    try:
        body = response.json()
    except ValueError:
        body = None
    if response.is_success and isinstance(body, dict) and "label" in body:
        return body
    if isinstance(body, dict) and body.get("reason") in set(Reason):
        raise ImageRefused(Reason(body["reason"]), str(body.get("detail")))
    raise ServiceError(
        f"{response.url} answered {response.status_code}: {response.text[:500]}; look at the "
        "log of the endpoint"
    )
