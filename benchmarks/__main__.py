"""Side by side with what one would use instead: `python -m benchmarks [NAME ...]`.

Each row is a pair of workers, each run in a process of its own, in turn, A B A B ...; the
ratio is taken pair by pair and its median is quoted. Writes the table to standard output.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.work import WORKERS, prepare
from vision_assets.home import Home


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        what: ours.
        against: the other.
        ours, other: names of workers, with arguments.
        figure: key of what a worker prints that is compared.
        target: what the ratio ours / other has to reach, in words.
    """

    what: str
    against: str
    ours: str
    other: str
    figure: str
    target: str


ROWS = {
    "ingest": Row(
        "ingest with all statistics, images/s, 1,800 neu-steel and 1,344 magnetic-tile images",
        "torchvision decoding the same files on as many cores",
        "ingest_real",
        "torchvision_decode",
        "images_per_s",
        ">= 0.7",
    ),
    "memory": Row(
        "ingest, peak memory (MB) at 50,000 images",
        "at 5,000",
        "ingest_drawn:50000",
        "ingest_drawn:5000",
        "peak_mb",
        "<= 1.2",
    ),
    "growth": Row(
        "ingest of 1,000 images into a store of 100,000 (s)",
        "into one of 1,000",
        "ingest_more:100000",
        "ingest_more:1000",
        "seconds",
        "<= 1.3",
    ),
    "version": Row(
        "a new version after 1,000 more images at 100,000 (s)",
        "at 1,000",
        "version_more:100000",
        "version_more:1000",
        "seconds",
        "<= 3",
    ),
    "load": Row(
        "loading the code location (s)",
        "import dagster",
        "load_definitions",
        "import_dagster",
        "seconds",
        "<= 1.5",
    ),
    "chain": Row(
        "the chain on 300 images, one epoch, through Dagster (s)",
        "the same functions called directly",
        "chain_dagster",
        "chain_direct",
        "seconds",
        "<= 15 s more",
    ),
    "endpoint": Row(
        "endpoint, one worker on one core, MobileNetV3-small, JPEGs of 36 kB, requests/s",
        "FastAPI and uvicorn, the same predictor",
        "endpoint_bento",
        "endpoint_fastapi",
        "images_per_s",
        ">= 0.9",
    ),
    "endpoint_p99": Row(
        "the same, p99 (ms)",
        "FastAPI and uvicorn, the same predictor",
        "endpoint_bento",
        "endpoint_fastapi",
        "p99_ms",
        "<= 1",
    ),
    "endpoint_loop": Row(
        "the same, requests/s",
        "the same work in a loop without HTTP",
        "endpoint_bento",
        "predict_loop",
        "images_per_s",
        ">= 0.75",
    ),
    "endpoint_start": Row(
        "the same, start to first answer (s)",
        "FastAPI and uvicorn, the same predictor",
        "endpoint_bento",
        "endpoint_fastapi",
        "start_s",
        "<= 1.5",
    ),
    "endpoint_memory": Row(
        "the same, memory of the worker (MB)",
        "FastAPI and uvicorn, the same predictor",
        "endpoint_bento",
        "endpoint_fastapi",
        "worker_mb",
        "<= 1.5",
    ),
    "train_memory": Row(
        "training, peak memory (MB) at 20,000 images",
        "at 2,000",
        "train_drawn:20000",
        "train_drawn:2000",
        "peak_mb",
        "<= 1.2",
    ),
    "epoch": Row(
        "one training epoch, default recipe, 600 neu-steel images, images/s",
        "the same steps and augmentations on tensors in memory",
        "epoch_ours",
        "epoch_in_memory",
        "images_per_s",
        ">= 0.95",
    ),
    "loader": Row(
        "the same epoch, images/s",
        "torchvision's ImageFolder, DataLoader with two processes, same network and augmentations",
        "epoch_ours",
        "epoch_image_folder:2",
        "images_per_s",
        ">= 1.2",
    ),
}


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
            print(_measure(ROWS[name], arguments.pairs, Path(folder)), flush=True)


def _measure(row: Row, n_pairs: int, folder: Path) -> str:
    for worker in (row.other, row.ours):
        prepare(worker, folder)
    pairs = [(_run(row.ours, folder), _run(row.other, folder)) for _ in range(n_pairs)]
    ours = [mine[row.figure] for mine, _ in pairs]
    other = [its[row.figure] for _, its in pairs]
    ratios = sorted(mine / its for mine, its in zip(ours, other, strict=True))
    peaks = [max(found["peak_mb"] for found in side) for side in zip(*pairs, strict=True)]
    return (
        f"| {row.what} | {row.against} | {statistics.median(ours):.3g} "
        f"| {statistics.median(other):.3g} "
        f"| {ratios[0]:.2f}, **{statistics.median(ratios):.2f}**, {ratios[-1]:.2f} "
        f"| {row.target} | {peaks[0]:.0f}, {peaks[1]:.0f} |"
    )


def _run(worker: str, folder: Path) -> dict[str, float]:
    """In the environment of the servers, whose runs do this work."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.work", worker, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | Home(folder / "home").environment(),
    )
    if done.returncode:
        sys.exit(f"{worker} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    assert all(
        worker.split(":")[0] in WORKERS for row in ROWS.values() for worker in (row.ours, row.other)
    )
    main()
