"""The project: the folder of use cases, each a folder with a `defs.yaml`.

The folder is `vision_assets/defs`, or the one that VISION_ASSETS_DEFS names. Dagster's
component loader reads it for the code location and for the CLI alike, so that both give
the same errors: file, line, field and what is allowed.
"""

import os
import sys
import warnings
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

import dagster as dg

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


def component_tree() -> dg.ComponentTree:
    """Dagster's tree of the components below the folder of use cases."""
    folder = defs_folder()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.ComponentTree.from_module(_module_of(folder), project_root=folder.parent)


def use_case(name: str) -> UseCase:
    """The use case of that name, validated.

    Raises:
        SpecError: there is none of that name, or its YAML is wrong.
    """
    if name not in use_case_names():
        raise SpecError(
            f"no use case {name!r} in {defs_folder()}; there are: "
            f"{', '.join(use_case_names()) or 'none'}. Write one with `vision-assets init`"
        )
    return _load(name)


def use_cases() -> dict[str, UseCase]:
    """All use cases by name, validated."""
    return {name: _load(name) for name in use_case_names()}


def use_case_names() -> list[str]:
    """Names of the folders that hold a `defs.yaml`."""
    return sorted(path.parent.name for path in defs_folder().glob("*/defs.yaml"))


def _load(name: str) -> UseCase:
    from vision_assets.components.pipeline import VisionPipeline

    try:
        component = component_tree().load_component(Path(name), VisionPipeline)
    except Exception as error:
        # Dagster draws the tree of components; file, line and field are in its cause.
        raise SpecError(
            f"{defs_folder() / name / 'defs.yaml'}: {error.__cause__ or error}"
        ) from error
    return component.use_case


def _module_of(folder: Path) -> ModuleType:
    """A namespace package over the folder, under a name of its own."""
    if folder == Path(__file__).parent / "defs":
        import vision_assets.defs

        return vision_assets.defs
    spec = ModuleSpec(_DEFS_MODULE, loader=None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    module = module_from_spec(spec)
    sys.modules[_DEFS_MODULE] = module
    return module
