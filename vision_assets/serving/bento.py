"""Building a Bento: a bundle and the torch-free code that answers with it.

The build context is put together file by file, so that nothing else can get in, and built
in the clean environment: what a Bento needs and does not carry shows itself here.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vision_assets.command import output_of
from vision_assets.home import Home
from vision_assets.serving.bento_projects import bento_project, requirements, shared_project
from vision_assets.serving.environment import clean_variables, ensure_environment
from vision_assets.vision.atomic import sync_tree, write_text
from vision_assets.vision.errors import ServiceError
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.inference.bundle import CARD_FILE, Bundle
from vision_assets.vision.inference.decode import Limits
from vision_assets.vision.inference.service.settings import (
    SETTINGS_FILE,
    ServiceSettings,
    service_limits,
)
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.tasks.registry import task_folder
from vision_assets.vision.use_case import UseCase

_PACKAGE = Path(__file__).parents[1]
_CARRIED = (
    "__init__.py",
    "vision/__init__.py",
    "vision/atomic.py",
    "vision/errors.py",
    "vision/inference/**/*.py",
    "vision/tasks/__init__.py",
    "vision/tasks/registry.py",
)
"""The modules of vision_assets that a service needs, beside those of its task."""
_ANSWERS = ("__init__.py", "answer.py", "answer/**/*.py")
_CONTEXT_LABEL = "context"
_BUILD_TIMEOUT_S = 300
_LOCK_WAIT_S = 300
_BUILD_SCRIPT = """
import json, sys, bentoml
bentoml.build(**json.load(sys.stdin))
"""


@dataclass(frozen=True)
class BuiltBento:
    """A Bento in the store of a home.

    Attributes:
        tag: `<use_case>:<bundle_id>`.
        folder: where it lies; it runs from there alone.
    """

    tag: str
    folder: Path


def build_bento(home: Home, use_case: UseCase, bundle_folder: Path) -> BuiltBento:
    """Build the Bento of a bundle; the same content again returns the one that is there.

    Args:
        home: its Bento store takes the Bento.
        use_case: its name and its service settings.
        bundle_folder: the bundle to carry; verified first.

    Raises:
        BundleError: the bundle is damaged.
        ServiceError: the build fails; the message ends with what BentoML said.
    """
    bundle = Bundle.load(bundle_folder)
    built = find_bento(home, f"{use_case.name}:{bundle.bundle_id}")
    home.bentoml.mkdir(parents=True, exist_ok=True)
    with (
        file_lock(home.bentoml / f"{use_case.name}.lock", _LOCK_WAIT_S),
        _workplace(home.bentoml / f".building-{use_case.name}") as work,
    ):
        context = work / "context"
        _fill(context, use_case, bundle)
        digest = _digest(context)
        if _context_of(built.folder) != digest:
            new = _build(ensure_environment(home), work, context, built.tag, digest)
            _put(new, built.folder)
    return built


def find_bento(home: Home, tag: str) -> BuiltBento:
    """Where the Bento of a tag lies, or would lie."""
    name, version = tag.lower().split(":")
    return BuiltBento(f"{name}:{version}", home.bentoml / "bentos" / name / version)


def settings_of(use_case_spec: PipelineSpec) -> ServiceSettings:
    """The settings of a service from the YAML of its use case."""
    spec = use_case_spec.service
    return ServiceSettings(
        min_side_px=use_case_spec.images.min_side_px,
        workers=spec.workers,
        max_body_bytes=spec.max_body_bytes,
        max_pixels=spec.max_pixels,
        max_pictures=spec.max_pictures,
        slot_poll_s=spec.slot_poll_s,
    )


def limits_of(spec: PipelineSpec) -> Limits:
    """What the service of a use case decodes at all."""
    service = spec.service
    return service_limits(spec.images.min_side_px, service.max_pixels, service.max_body_bytes)


@contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    """An empty folder; what a killed build left in it is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _fill(context: Path, use_case: UseCase, bundle: Bundle) -> None:
    _copy_some(_PACKAGE, _CARRIED, context / _PACKAGE.name)
    # A task of another package is a built-in one there: it is found without being registered.
    task = context / _PACKAGE.name / "vision" / "tasks" / use_case.task
    _copy_some(task_folder(use_case.task), _ANSWERS, task)
    for project in (shared_project(), bento_project(use_case.task)):
        _copy_some(project, ("**/*",), context)
    for name in (CARD_FILE, *bundle.card.files):
        _copy(bundle.folder / name, context / "bundle" / name)
    _copy(requirements(), context / "requirements.txt")
    settings = settings_of(use_case.spec)
    (context / SETTINGS_FILE).write_text(settings.model_dump_json(indent=1))


def _copy_some(folder: Path, patterns: Sequence[str], target: Path) -> None:
    """Copy the files of a folder that match; what Python compiled stays behind."""
    for pattern in patterns:
        for file in folder.glob(pattern):
            if file.is_file() and file.suffix != ".pyc":
                _copy(file, target / file.relative_to(folder))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _context_of(bento: Path) -> str | None:
    """The digest that a Bento was built from, or None where there is no Bento."""
    marker = bento / _CONTEXT_LABEL
    return marker.read_text() if marker.exists() else None


def _build(python: Path, work: Path, context: Path, tag: str, digest: str) -> Path:
    """Build into a store of its own, so that the real one only ever sees whole Bentos."""
    name, version = tag.split(":")
    options = {
        "service": "service.py",
        "name": name,
        "version": version,
        "description": f"Answers for {name} with the bundle {version}.",
        "labels": {_CONTEXT_LABEL: digest},
        "build_ctx": str(context),
        "include": ["*"],
        "python": {"packages": _pins(requirements()), "lock_packages": False},
    }

    def failed(how: str) -> ServiceError:
        return ServiceError(f"the Bento {tag} cannot be built; BentoML {how}")

    said = output_of(
        [str(python), "-c", _BUILD_SCRIPT],
        _BUILD_TIMEOUT_S,
        failed,
        input=json.dumps(options),
        cwd=context,
        env=clean_variables(BENTOML_HOME=str(work / "store"), PYTHONDONTWRITEBYTECODE="1"),
    )
    built = work / "store" / "bentos" / name / version
    if not built.is_dir():
        raise failed(f"wrote no {built}: {said}")
    (built / _CONTEXT_LABEL).write_text(digest)
    return built


def _pins(requirements_txt: Path) -> list[str]:
    """The lines of a compiled requirements file, each with its hashes.

    BentoML refuses to read the file itself where a folder above it is hidden, as a home is.
    """
    lines = requirements_txt.read_text().replace("\\\n", " ").splitlines()
    return [" ".join(line.split()) for line in lines if line and not line.lstrip().startswith("#")]


def _put(new: Path, folder: Path) -> None:
    """Rename into the store, on disk; one of other content is moved away first."""
    sync_tree(new)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        folder.rename(new.parent / "replaced")
    new.rename(folder)
    write_text(folder.parent / "latest", folder.name)
