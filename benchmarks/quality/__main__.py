"""How good the default recipes are on real images, through the project's own store and splits.

    VISION_ASSETS_TEST_DATA=../shared/data python -m benchmarks.quality [ROW ...]

Every training is judged as it would serve: bundle, bytes, answers. Writes a table of the
trainings, each as it ends, and one of what they say together.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from benchmarks.pictures import real_images
from benchmarks.quality.data import DATA
from benchmarks.quality.rows import ROWS
from benchmarks.quality.training import Result, Trainings
from benchmarks.quality.verdict import Verdict, verdict


def main() -> None:
    """Train and judge the rows that are named, or all."""
    arguments = _arguments()
    images = real_images()
    with tempfile.TemporaryDirectory() as work:
        trainings = Trainings(images, Path(work), arguments.recipe, arguments.threads)
        print("| row | seed | figure | false alarms | training, s | train, val, test |")
        print("|---|---:|---|---|---:|---|")
        verdicts = {name: _measured(name, trainings, arguments.seeds) for name in arguments.rows}
    print("\n| row | figure | mean | least | floor, goal | reached | false alarms | longest, s |")
    print("|---|---|---:|---:|---|---|---|---|")
    for name, found in verdicts.items():
        print(_line(name, found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Formatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}; default all")
    parser.add_argument("--seeds", type=int, nargs="+", help="default: those of each row")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--threads", type=int, help="default: all cores of this process")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="of the recipe"
    )
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.rows) - set(ROWS))
    if unknown:
        parser.error(f"no row {unknown}; there are: {', '.join(ROWS)}")
    arguments.rows = arguments.rows or list(ROWS)
    try:
        arguments.recipe = _recipe(arguments)
    except (ValueError, ValidationError) as error:
        parser.error(str(error))
    return arguments


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the description."""


def _recipe(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields that are said, checked against the recipe of every row.

    Raises:
        ValueError: one is not FIELD=VALUE, or no field of a recipe (pydantic's own error).
    """
    said: dict[str, Any] = {"device": arguments.device}
    for entry in arguments.set:
        field, equals, value = entry.partition("=")
        if not equals:
            raise ValueError(f"expected FIELD=VALUE for --set, got {entry!r}")
        said[field] = yaml.safe_load(value)
    if arguments.epochs is not None:
        said["epochs"] = arguments.epochs
    for row in arguments.rows:
        DATA[ROWS[row].data].spec(Path(), said, 0)
    return said


def _measured(name: str, trainings: Trainings, seeds: list[int] | None) -> Verdict:
    """Train with every seed, and say of each how it went."""
    row, results = ROWS[name], []
    for seed in seeds or row.seeds:
        print(f"{name}, seed {seed}", file=sys.stderr, flush=True)
        results.append(trainings.result(row.data, seed))
        one = verdict(row, results[-1:])
        print(_training_line(name, one, results[-1]), flush=True)
    return verdict(row, results)


def _training_line(name: str, found: Verdict, result: Result) -> str:
    sizes = ", ".join(str(result.splits.get(split, 0)) for split in ("train", "val", "test"))
    return (
        f"| {name} | {result.seed} | {found.row.figure} {found.mean:.4f} "
        f"| {_false_alarms(found)} | {result.train_s:.0f} | {sizes} |"
    )


def _line(name: str, found: Verdict) -> str:
    row = found.row
    least = "" if row.least is None else f" (each {row.least:g})"
    return (
        f"| {name} | {row.figure} | **{found.mean:.4f}** | {min(found.values):.4f} "
        f"| {row.floor:g}{least}, {row.goal:g} | {found.reached} | {_false_alarms(found)} "
        f"| {found.longest_s:.0f} of {row.minutes * 60:.0f} |"
    )


def _false_alarms(found: Verdict) -> str:
    """Those of all trainings together, which come last."""
    if not found.false_alarms:
        return ""
    pooled = found.false_alarms[-1]
    return (
        f"{pooled.refused} of {pooled.n}, {pooled.promised:.0%} promised, p {pooled.p_value:.2g}"
        f"{'' if found.kept else ', refuted'}"
    )


if __name__ == "__main__":
    main()
