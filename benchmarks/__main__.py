"""Side by side with what one would use instead: `python -m benchmarks [NAME ...]`.

Each row is a pair of workers, each run in a process of its own, in turn, A B A B ...; the
ratio is taken pair by pair and its median is quoted. Rates of servers are taken from short bursts
in turn. Writes the table to standard output.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.row import Row
from benchmarks.rows import ROWS
from benchmarks.work import Figures
from vision_assets.home import Home


def main() -> None:
    """Run the rows that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(ROWS)}; default: all")
    parser.add_argument("--pairs", type=int, default=5)
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(ROWS))
    if unknown:
        parser.error(f"no benchmark {unknown}; there are: {', '.join(ROWS)}")
    print("| what | against | ours | other | ratio (min, median, max) | to reach | peak MB |")
    print("|---|---|---:|---:|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.names or ROWS:
            print(measure(ROWS[name], arguments.pairs, Path(folder)), flush=True)


def measure(row: Row, n_pairs: int, folder: Path) -> str:
    """The line of a row; of one whose packages are not installed, that says so."""
    if row.missing:
        return (
            f"| {row.what} | {row.against} | | | not measured: needs {', '.join(row.missing)}, "
            "see docs/benchmarks.md | | |"
        )
    for worker in sorted({row.other, row.ours}):
        _run("prepare", worker, folder)
    measured = _side_by_side(row, folder) if row.side_by_side else _in_turn(row, n_pairs, folder)
    return f"| {row.what} | {row.against} | {measured} |"


def _in_turn(row: Row, n_pairs: int, folder: Path) -> str:
    """Each side in a process of its own, A B A B ...; the ratio is taken pair by pair."""
    pairs = [
        (_run("work", row.ours, folder), _run("work", row.other, folder)) for _ in range(n_pairs)
    ]
    ours = [mine[row.figure] for mine, _ in pairs]
    other = [its[row.figure] for _, its in pairs]
    ratios = sorted(mine / its for mine, its in zip(ours, other, strict=True))
    peaks = [max(found["peak_mb"] for found in side) for side in zip(*pairs, strict=True)]
    cold = [_cold(side) for side in zip(*pairs, strict=True)]
    return (
        f"{statistics.median(ours):.3g}{cold[0]} | {statistics.median(other):.3g}{cold[1]} "
        f"| {ratios[0]:.2f}, **{statistics.median(ratios):.2f}**, {ratios[-1]:.2f} "
        f"| {row.target} | {peaks[0]:.0f}, {peaks[1]:.0f}"
    )


def _cold(found: Sequence[Figures]) -> str:
    """What the first epoch of a side gave, and what went before it, where it has any."""
    first = [each["first_images_per_s"] for each in found if "first_images_per_s" in each]
    if not first:
        return ""
    before = [each["decoding_s"] for each in found if "decoding_s" in each]
    after = f" after {statistics.median(before):.3g} s of decoding" if before else ""
    return f" (first {statistics.median(first):.3g}{after})"


def _side_by_side(row: Row, folder: Path) -> str:
    """Both sides in one process, in short bursts; the interval is that of the median."""
    found = _run("work", row.ours, folder)
    ours, other, low, ratio, high = (
        found[f"{row.figure}_{part}"] for part in ("ours", "other", "low", "ratio", "high")
    )
    return (
        f"{ours:.3g} | {other:.3g} | {ratio:.2f}, 95 % from {low:.2f} to {high:.2f} "
        f"| {row.target} |"
    )


def _run(action: str, worker: str, folder: Path) -> dict[str, float]:
    """In the environment of the servers, whose runs do this work.

    A child's peak memory is at least what its parent had when it began: nothing heavy is
    imported here, and workers are prepared in processes of their own.
    """
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.work", action, worker, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | Home(folder / "home").environment(),
    )
    if done.returncode:
        sys.exit(f"{worker} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
