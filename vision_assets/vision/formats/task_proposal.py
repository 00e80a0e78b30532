"""Which task fits what was found in a folder."""

from dataclasses import dataclass

from vision_assets.vision.formats.look import Findings
from vision_assets.vision.spec import ClassSpec

_MOSTLY = 0.9
"""Some objects without an outline are mistakes; many are a choice."""


@dataclass(frozen=True)
class Proposal:
    """A task by name, and why."""

    task: str
    because: str


def propose_task(findings: Findings) -> Proposal:
    """Boxes: detection; masks or outlines: segmentation; normals alone: anomaly; else classes."""
    if findings.layout.label == "mvtec":
        return Proposal("anomaly", "normal images to learn from, defects to test with")
    objects = findings.objects
    if objects is not None and objects.objects:
        if objects.n_outlined > _MOSTLY * objects.objects.total():
            return Proposal("segmentation", "objects have outlines or masks")
        return Proposal("detection", "objects have boxes")
    defects = [name for name in findings.classes if ClassSpec(id=0, name=name).is_defect]
    if findings.classes and not defects:
        return Proposal("anomaly", f"normal images alone ({', '.join(findings.classes)})")
    return Proposal("classification", "an image has one class")
