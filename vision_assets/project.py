"""The project: the folder of use cases, each a folder with a `defs.yaml`.

The folder is `vision_assets/defs`, or the one that VISION_ASSETS_DEFS names. Dagster's
component loader reads it for the code location and for the CLI alike, so that both give
the same errors: file, line, field and what is allowed. Each use case is loaded by itself: one
whose YAML is wrong takes none of the others down.
"""

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from itertools import combinations
from pathlib import Path
from types import ModuleType

import dagster as dg

from vision_assets.assets.broken_use_case import broken_use_case
from vision_assets.components.located import told
from vision_assets.home import Home
from vision_assets.vision.errors import SpecError
from vision_assets.vision.use_case import UseCase

DEFS_VARIABLE = "VISION_ASSETS_DEFS"
_DEFS_MODULE = "vision_assets_project"


def defs_folder() -> Path:
    """The folder of use cases."""
    named = os.environ.get(DEFS_VARIABLE)
    folder = Path(named).absolute() if named else Path(__file__).parent / "defs"
    if not folder.is_dir():
        raise SpecError(f"{DEFS_VARIABLE} names {folder}, which is no folder; make it first")
    return folder


def project_file(name: str) -> Path:
    """A file of the project's top level, such as `dagster.yaml`; packaged when installed."""
    package = Path(__file__).parent
    checkout = package.parent / name
    return checkout if checkout.exists() else package / "_project" / name


def definitions() -> dg.Definitions:
    """What all use cases define; one that does not load is an asset that says why."""
    return dg.Definitions.merge(*(_definitions_of(name, case) for name, case in _looked().items()))


def use_case(name: str) -> UseCase:
    """The use case of that name, validated.

    Raises:
        SpecError: there is none of that name, its YAML is wrong, or it clashes with another.
    """
    if name not in use_case_names():
        raise SpecError(
            f"no use case {name!r} in {defs_folder()}; there are: "
            f"{', '.join(use_case_names()) or 'none'}. Write one with `vision-assets init`"
        )
    found = _looked()[name]
    if isinstance(found, SpecError):
        raise SpecError(str(found)) from found
    return found


def use_cases() -> dict[str, UseCase]:
    """Those that load, by name, validated; `broken_use_cases` has the others."""
    return {name: found for name, found in _looked().items() if isinstance(found, UseCase)}


def broken_use_cases() -> dict[str, SpecError]:
    """What is wrong with those that do not load, by name: file, line, field, remedy."""
    return {name: found for name, found in _looked().items() if isinstance(found, SpecError)}


def use_case_names() -> list[str]:
    """Names of the folders that hold a `defs.yaml`."""
    return sorted(path.parent.name for path in defs_folder().glob("*/defs.yaml"))


def taken_ports() -> set[int]:
    """Ports that the use cases name, also those that clash."""
    found = map(_read, use_case_names())
    return {case.spec.service.port for case in found if isinstance(case, UseCase)}


def _looked() -> dict[str, UseCase | SpecError]:
    """Every use case, or why it cannot be used: one that is broken leaves the others alone."""
    found = {name: _landed(_read(name)) for name in use_case_names()}
    sound = [case for case in found.values() if isinstance(case, UseCase)]
    return found | _clashes(sound)


def _clashes(cases: Sequence[UseCase]) -> dict[str, SpecError]:
    """Use cases that want the same landing folder or port: all of them, none can be preferred."""
    home, clashing = Home.from_environment(), {}
    folders = {
        case.name: Path(os.path.realpath(home.landing(case.spec.source.landing))) for case in cases
    }
    for one, other in combinations(cases, 2):
        first, second = folders[one.name], folders[other.name]
        if first.is_relative_to(second) or second.is_relative_to(first):
            what = f"source.landing: {one.name} names {first}, {other.name} names {second}; "
            what += "images of one would be taken by the other: give each a folder of its own"
        elif one.spec.service.port == other.spec.service.port:
            what = f"service.port: {one.name} and {other.name} both name {one.spec.service.port}; "
            what += "give each a port of its own"
        else:
            continue
        for name in (one.name, other.name):
            clashing.setdefault(name, SpecError(f"{_yaml(name)}: {what}"))
    return clashing


def _read(name: str) -> UseCase | SpecError:
    """One use case by itself; its YAML is read again when the file has changed."""
    path = _yaml(name)
    try:
        state = path.stat()
    except OSError as error:
        return SpecError(f"{path} cannot be read: {error}")
    return _parse(path, (state.st_ino, state.st_mtime_ns, state.st_size))


def _landed(case: UseCase | SpecError) -> UseCase | SpecError:
    """The use case, or why its landing folder can be none in this home."""
    if isinstance(case, SpecError):
        return case
    try:
        Home.from_environment().landing(case.spec.source.landing)
    except SpecError as error:
        return SpecError(f"{_yaml(case.name)}: {error}")
    return case


@lru_cache(maxsize=256)
def _parse(path: Path, _state: tuple[int, int, int]) -> UseCase | SpecError:
    from vision_assets.components.pipeline import VisionPipeline

    try:
        with _told(path):
            return _tree(path.parent).load_component(path.parent, VisionPipeline).use_case
    except SpecError as error:
        return error


def _definitions_of(name: str, case: UseCase | SpecError) -> dg.Definitions:
    if isinstance(case, SpecError):
        return dg.Definitions(assets=[broken_use_case(name, str(case))])
    folder = defs_folder() / name
    try:
        with _told(_yaml(name)):
            return _tree(folder).build_defs(folder)
    except SpecError as error:
        return _definitions_of(name, error)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Whatever is wrong with a use case is told of its file.

    Dagster draws the tree of components; what is wrong is in its cause.
    """
    try:
        yield
    except Exception as error:
        raise SpecError(f"{path}: {told(path, error.__cause__ or error)}") from error


def _yaml(name: str) -> Path:
    return defs_folder() / name / "defs.yaml"


def _tree(folder: Path) -> dg.ComponentTree:
    """Dagster's tree of the components of one use case: a tree of all falls with any of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.ComponentTree.from_module(_module_of(folder), project_root=folder.parent)


def _module_of(folder: Path) -> ModuleType:
    """A namespace package over the folder, under a name of its own."""
    name = f"{_DEFS_MODULE}.{folder.name}"
    spec = ModuleSpec(name, loader=None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    module = module_from_spec(spec)
    sys.modules[name] = module
    return module
