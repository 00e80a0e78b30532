"""One comparison: ours beside another."""

from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        what: ours.
        against: the other.
        ours, other: workers, as `benchmarks.work` takes them; where both are the same one, it
            measures both sides in turn, as `benchmarks.bursts` does.
        figure: key of what a worker prints that is compared.
        target: what the ratio ours / other has to reach, in words.
        needs: packages of the other side that are none of the project's; see docs/benchmarks.md
            for where to install them.
    """

    what: str
    against: str
    ours: str
    other: str
    figure: str
    target: str
    needs: tuple[str, ...] = ()

    @property
    def side_by_side(self) -> bool:
        """Whether one worker measures both sides."""
        return self.ours == self.other

    @property
    def missing(self) -> list[str]:
        """Packages that it needs and that are not installed."""
        return [name for name in self.needs if find_spec(name) is None]
