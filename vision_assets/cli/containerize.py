"""`vision-assets containerize`: what an image of the deployed Bento is built from."""

from pathlib import Path
from typing import Annotated

import typer

from vision_assets.cli.output import Json, Name, say, show_json
from vision_assets.home import Home


def containerize(
    name: Name,
    out: Annotated[
        Path | None, typer.Option(help="New folder; default: image-<use case>-<bundle>.")
    ] = None,
    json: Json = False,
) -> None:
    """Write Dockerfile, compose and Kubernetes manifests for the deployed Bento, beside it."""
    from vision_assets.project import use_case
    from vision_assets.serving.containerize import containerize as write
    from vision_assets.serving.containerize import service_name
    from vision_assets.serving.endpoint import asks_for_keys, deployed_bento

    home, case = Home.from_environment(), use_case(name)
    bento = deployed_bento(home, case)
    folder = (out or Path(f"image-{bento.tag.replace(':', '-')}")).absolute()
    keys = asks_for_keys(home, case.spec.service)
    files = write(bento, case.spec.service, folder, keys)
    if json:
        show_json({"folder": folder, "bento": bento.tag, "files": files, "asks_for_keys": keys})
        return
    say(f"[bold]{folder}[/] holds {', '.join(str(path) for path in files)}")
    say("It starts with keys alone:" if keys else "It answers everybody who reaches it; for keys:")
    say("  compose: VISION_ASSETS_API_KEYS, a JSON object of consumer to key")
    say(f"  Kubernetes: the same as key `keys` of the secret {service_name(bento)}-api-keys")
    say(f"docker compose --project-directory {folder} up --build")
