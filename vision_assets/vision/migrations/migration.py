"""What a migration is, and the machine that runs those that a home lacks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Migration:
    """One change of what is kept in a home.

    Attributes:
        to: the schema version that it leads to; it starts from the one before.
        what: the change, in words.
        plan: what is still to be done in a home, one line for each thing; it changes nothing.
        apply: does it. Each thing is whole or not there, and what is done is not done again.
    """

    to: int
    what: str
    plan: Callable[[Path], Sequence[str]]
    apply: Callable[[Path], None]


@dataclass(frozen=True)
class Step:
    """A migration of one home: what there is, or was, to do."""

    migration: Migration
    todo: tuple[str, ...]


def steps(home: Path, version: int, migrations: Sequence[Migration]) -> Iterator[Step]:
    """The migrations that a home of a version lacks, in order, with what they would do."""
    for migration in migrations:
        if migration.to > version:
            yield Step(migration, tuple(migration.plan(home)))
