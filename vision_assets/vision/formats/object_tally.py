"""What annotations say, counted while they are read: nothing of them is kept but figures."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from vision_assets.vision.formats.annotations.check import check
from vision_assets.vision.formats.annotations.said import Fault, Said
from vision_assets.vision.formats.annotations.upright import Frame
from vision_assets.vision.spec import AnnotationErrors, ClassSpec

MAX_NAMED = 1000
_POLICY = AnnotationErrors()


@dataclass
class ObjectTally:
    """Figures over the annotations of some images.

    Attributes:
        objects: objects per class, by name.
        images: images that show a class, by name.
        n_annotated: images that a file speaks of.
        n_empty: those of them without objects.
        n_outlined: objects whose outline or pixels are known.
        n_faults: what is wrong, and how many times.
        faults: the first MAX_NAMED of it in words, with file and object.
    """

    objects: Counter[str] = field(default_factory=Counter)
    images: Counter[str] = field(default_factory=Counter)
    n_annotated: int = 0
    n_empty: int = 0
    n_outlined: int = 0
    n_faults: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def add(self, said: Said, size: tuple[int, int] | None, label: str | None = None) -> None:
        """Count what is said of one image.

        Args:
            said: by its annotation file.
            size: width and height of the upright picture; None where it cannot be decoded.
            label: what its path says of the image.
        """
        named = {each.label for each in said.objects or ()}
        if said.objects is not None:
            self.n_annotated += 1
            self.n_empty += not said.objects
            self.objects.update(each.label for each in said.objects)
            self.images.update(named)
            self.n_outlined += sum(
                bool(each.polygons) or each.mask is not None for each in said.objects
            )
        if size is not None:
            classes = _classes(named | ({label} if label is not None else set()))
            for fault in check(said, Frame(size), classes, _POLICY, label).faults:
                self.note(fault)

    def note(self, fault: Fault) -> None:
        """Count something that is wrong."""
        self.n_faults[fault.kind.value] += 1
        if len(self.faults) < MAX_NAMED:
            self.faults.append(str(fault))


def _classes(names: set[str]) -> Mapping[str, ClassSpec]:
    """Every name is a class before there is a use case."""
    return {name: ClassSpec(id=n, name=name) for n, name in enumerate(sorted(names))}
