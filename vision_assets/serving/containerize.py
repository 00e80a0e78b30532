"""A Bento as a build context: Dockerfile, compose and Kubernetes manifests beside it.

The folder needs nothing of this source tree, nor of the home, to be built where Docker is.
"""

import shutil
from pathlib import Path

from vision_assets.serving.bento import BuiltBento
from vision_assets.serving.bento_projects import image_recipe, requirements
from vision_assets.vision.atomic import new_folder
from vision_assets.vision.errors import ServiceError
from vision_assets.vision.spec import ServiceSpec

_TEMPLATE = ".j2"
_HIDDEN = {"dockerignore": ".dockerignore"}
_BASE_MIB, _WORKER_MIB = 256, 384
"""Memory of the supervisor and of a worker: a worker was seen to use 156 MB, the rest is room."""


def containerize(bento: BuiltBento, spec: ServiceSpec, out: Path, keyed: bool) -> list[Path]:
    """Write the build context of a Bento's image.

    Args:
        bento: what the image holds.
        spec: port and number of workers.
        out: a folder that is not there yet.
        keyed: whether the service starts with keys of its consumers alone; else it starts without
            any, too, and then answers everybody.

    Returns:
        The files that were written for people, relative to `out`.

    Raises:
        ServiceError: `out` is there already, or the Bento is gone.
    """
    if out.exists():
        raise ServiceError(f"{out} is there already; remove it, or name another folder")
    if not bento.folder.is_dir():
        raise ServiceError(
            f"expected the Bento {bento.tag} in {bento.folder}, it is gone; materialize its "
            "bento_service"
        )
    values = _values(bento, spec) | {"keyed": keyed}
    recipe = image_recipe()
    templates = sorted(path.relative_to(recipe) for path in recipe.rglob(f"*{_TEMPLATE}"))
    with new_folder(out) as folder:
        shutil.copytree(
            bento.folder, folder / "bento", ignore=shutil.ignore_patterns("__pycache__")
        )
        _let_everybody_read(folder / "bento")
        shutil.copyfile(requirements_of(bento), folder / "requirements.txt")
        for template in templates:
            target = folder / _target(template)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_filled(recipe / template, values))
    return [_target(template) for template in templates]


def service_name(bento: BuiltBento) -> str:
    """Name of the service in compose and Kubernetes, where none has an underscore."""
    return bento.tag.split(":")[0].replace("_", "-")


def requirements_of(bento: BuiltBento) -> Path:
    """The requirements that a Bento was built with, with exact versions and hashes."""
    return bento.folder / "src" / requirements().name


def _let_everybody_read(folder: Path) -> None:
    """Images keep the modes of files; the user of the service is not the one who built it."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _values(bento: BuiltBento, spec: ServiceSpec) -> dict[str, object]:
    name, version = bento.tag.split(":")
    host = service_name(bento)
    return {
        "tag": bento.tag,
        "name": name,
        "version": version,
        "host": host,
        "image": f"vision-assets/{host}:{version}",
        "port": spec.port,
        "cpus": spec.workers,
        "memory_mib": _BASE_MIB + spec.workers * _WORKER_MIB,
    }


def _target(template: Path) -> Path:
    name = template.name.removesuffix(_TEMPLATE)
    return template.with_name(_HIDDEN.get(name, name))


def _filled(template: Path, values: dict[str, object]) -> str:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - no HTML
    return environment.from_string(template.read_text()).render(values)
