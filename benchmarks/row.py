"""One comparison: ours beside another."""

from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        what: ours.
        against: the other.
        ours, other: workers, as `benchmarks.work` takes them.
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
    def missing(self) -> list[str]:
        """Packages that it needs and that are not installed."""
        return [name for name in self.needs if find_spec(name) is None]
