"""The first `defs.yaml` of a use case, written from what was found in a folder."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from vision_assets.vision.atomic import write_text
from vision_assets.vision.errors import SpecError
from vision_assets.vision.formats.look import Findings
from vision_assets.vision.spec import GateSpec, PipelineSpec

DEFAULT_COMPONENT = "vision_assets.ClassificationPipeline"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_MAX_SLICE_VALUES = 20
FIRST_PORT = 3100
_RETRAIN_AFTER = 100


def write_yaml(
    findings: Findings,
    name: str,
    defs_folder: Path,
    *,
    landing: str | None = None,
    component: str = DEFAULT_COMPONENT,
    gates: Sequence[GateSpec] = (),
    port: int = FIRST_PORT,
    recipe: Mapping[str, Any] = MappingProxyType({}),
) -> Path:
    """Write `<defs_folder>/<name>/defs.yaml`; never over one that exists.

    Args:
        findings: what was found in the folder of images.
        name: name of the use case.
        defs_folder: the folder of use cases.
        landing: the landing folder as the YAML says it; default: the folder looked at.
        component: the type that the YAML names.
        gates: of the task, to begin with; they are written as a comment.
        port: of the endpoint; no other use case may have it.
        recipe: what differs from the task's defaults.

    Returns:
        The file.

    Raises:
        SpecError: the name is none for a use case, or the use case exists.
    """
    if not _NAME.fullmatch(name):
        raise SpecError(
            f"expected a name of lower case letters, digits and underscores, got {name!r}"
        )
    path = defs_folder / name / "defs.yaml"
    if path.exists():
        raise SpecError(f"{path} exists and is not overwritten; edit it, or choose another name")
    landing = landing or str(findings.folder.absolute())
    text = yaml_text(findings, landing, component, gates, port, recipe)
    write_text(path, text)
    return path


def yaml_text(
    findings: Findings,
    landing: str,
    component: str = DEFAULT_COMPONENT,
    gates: Sequence[GateSpec] = (),
    port: int = FIRST_PORT,
    recipe: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """The text of the YAML file; but for the recipe it says only what tasks share."""
    text = "\n".join(_lines(findings, landing, component, gates, port, recipe)) + "\n"
    attributes = yaml.safe_load(text)["attributes"]
    PipelineSpec.model_validate({key: attributes[key] for key in attributes if key != "recipe"})
    return text


def _lines(
    findings: Findings,
    landing: str,
    component: str,
    gates: Sequence[GateSpec],
    port: int,
    recipe: Mapping[str, Any],
) -> Iterator[str]:
    yield f"# {_summary(findings)}"
    yield "# All that is not said here has a default; docs/reference/yaml.md lists every attribute."
    yield f"type: {component}"
    yield ""
    yield "attributes:"
    yield from _source(findings, landing)
    yield from _classes(findings)
    yield from _splits(findings)
    yield from _slices(findings)
    yield from _triggers(findings)
    if recipe:
        yield f"  recipe: {_flow(dict(recipe))}"
    yield "  # gates: a model below this is not deployed"
    yield "  # gates:"
    for gate in (*gates, GateSpec(metric="escape_rate", max=0.02)):
        yield f"  #   - {_flow(gate.model_dump(exclude_unset=True))}"
    yield "  # costs: of a defect that is passed, a good part that is refused, a look by a person"
    yield "  # costs: {escape: 20, overkill: 1, review: 0.25}"
    yield "  # schedule: {cron: 0 3 * * 0, timezone: UTC, enabled: true}"
    yield f"  service: {{port: {port}}}"


def _summary(findings: Findings) -> str:
    broken = f", {len(findings.broken)} broken" if findings.broken else ""
    found = f"{findings.n_images} images{broken}: {findings.layout.because}"
    return f"Written by `vision-assets init` from {found}."


def _source(findings: Findings, landing: str) -> Iterator[str]:
    layout = findings.layout
    yield "  source:"
    yield "    # New images are dropped here; a relative path is inside the home."
    yield f"    landing: {_flow(landing)}"
    yield f"    label: {layout.label}"
    if layout.pattern is not None:
        yield "    # Named groups become attributes to slice and group by."
        yield f"    pattern: '{layout.pattern.replace(chr(39), chr(39) * 2)}'"
    if layout.csv is not None:
        yield f"    csv: {_flow(layout.csv)}"
    if layout.annotations is not None:
        yield f"    annotations: {_flow(layout.annotations)}"
    if layout.masks:
        yield "    # What the values of masks mean; docs/reference/yaml.md has the other kinds."
        yield f"    masks: {_flow(dict(layout.masks))}"
    yield from _faults(findings)
    if findings.ignore:
        yield "    # What lies beside the images and is none of them."
        yield f"    ignore: {_flow(list(findings.ignore))}"
    yield "    after: keep # keep, move (to `taken/`) or delete a file that was taken"


def _faults(findings: Findings) -> Iterator[str]:
    if findings.objects is not None and findings.objects.n_faults:
        found = ", ".join(f"{kind} {n}" for kind, n in sorted(findings.objects.n_faults.items()))
        yield f"    # Wrong in annotations: {found}. What is done about each kind:"
        yield "    # annotation_errors: {no_area: drop, outside: clip, unknown_class: refuse}"


def _classes(findings: Findings) -> Iterator[str]:
    if not findings.classes:
        yield "  # No label was found. Add them with `vision-assets label NAME CSV`."
        return
    yield "  # An id stays with its class for ever; the name may change."
    yield "  classes:"
    numbers = set(findings.class_ids.values())
    free = (number for number in count() if number not in numbers)
    for label, n in findings.classes.items():
        number = findings.class_ids[label] if label in findings.class_ids else next(free)
        few = "; few" if label in findings.few else ""
        yield f"    - {_flow({'id': number, 'name': label})} # {n} images{few}"


def _splits(findings: Findings) -> Iterator[str]:
    if findings.splits:
        given = ", ".join(f"{name} {count}" for name, count in findings.splits.items())
        yield f"  # Given splits are kept: {given}."
    elif "part" in findings.attributes:
        yield "  # Images of one part are never in two splits."
        yield "  splits: {train: 0.7, val: 0.1, test: 0.2, group_by: [part]}"
    else:
        yield "  splits: {train: 0.7, val: 0.1, test: 0.2}"


def _slices(findings: Findings) -> Iterator[str]:
    names = [name for name, n in findings.attributes.items() if 2 <= n <= _MAX_SLICE_VALUES]
    if names:
        yield "  # The report shows these apart."
        yield f"  slices: {_flow(names)}"


def _triggers(findings: Findings) -> Iterator[str]:
    labelled = findings.n_images - findings.unlabelled
    if labelled:
        yield "  # A training starts by itself once this many new labelled images are stored."
        yield f"  triggers: {{retrain_after: {min(_RETRAIN_AFTER, max(1, labelled // 2))}}}"


def _flow(value: Any) -> str:
    """A value as YAML on one line, quoted where it has to be."""
    dumped = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000
    )
    return dumped.removesuffix("...\n").strip()
