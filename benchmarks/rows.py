"""What is set beside what: one row of the table for each comparison."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        what: ours.
        against: the other.
        ours, other: workers, as `benchmarks.work` takes them.
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
        "ingest.real",
        "decoding.torchvision",
        "images_per_s",
        ">= 0.7",
    ),
    "memory": Row(
        "ingest, peak memory (MB) at 50,000 images",
        "at 5,000",
        "ingest.into_empty:50000",
        "ingest.into_empty:5000",
        "peak_mb",
        "<= 1.2",
    ),
    "growth": Row(
        "ingest of 1,000 images into a store of 100,000 (s)",
        "into one of 1,000",
        "ingest.into_store:100000",
        "ingest.into_store:1000",
        "seconds",
        "<= 1.3",
    ),
    "version": Row(
        "a new version after 1,000 more images at 100,000 (s)",
        "at 1,000",
        "ingest.version:100000",
        "ingest.version:1000",
        "seconds",
        "<= 3",
    ),
    "load": Row(
        "loading the code location (s)",
        "import dagster",
        "loading.definitions",
        "loading.dagster",
        "seconds",
        "<= 1.5",
    ),
    "chain": Row(
        "the chain on 300 images, one epoch, through Dagster (s)",
        "the same functions called directly",
        "chain.through_dagster",
        "chain.directly",
        "seconds",
        "<= 15 s more",
    ),
    "endpoint": Row(
        "endpoint, one worker on one core, MobileNetV3-small, JPEGs of 36 kB, requests/s",
        "FastAPI and uvicorn, the same predictor",
        "endpoint.bento",
        "endpoint.fastapi",
        "images_per_s",
        ">= 0.9",
    ),
    "endpoint_p99": Row(
        "the same, p99 (ms)",
        "FastAPI and uvicorn, the same predictor",
        "endpoint.bento",
        "endpoint.fastapi",
        "p99_ms",
        "<= 1",
    ),
    "endpoint_loop": Row(
        "the same, requests/s",
        "the same work in a loop without HTTP",
        "endpoint.bento",
        "endpoint.loop",
        "images_per_s",
        ">= 0.75",
    ),
    "endpoint_start": Row(
        "the same, start to first answer (s)",
        "FastAPI and uvicorn, the same predictor",
        "endpoint.bento",
        "endpoint.fastapi",
        "start_s",
        "<= 1.5",
    ),
    "endpoint_memory": Row(
        "the same, memory of the worker (MB)",
        "FastAPI and uvicorn, the same predictor",
        "endpoint.bento",
        "endpoint.fastapi",
        "worker_mb",
        "<= 1.5",
    ),
    "train_memory": Row(
        "training, peak memory (MB) at 20,000 images",
        "at 2,000",
        "training.drawn_images:20000",
        "training.drawn_images:2000",
        "peak_mb",
        "<= 1.2",
    ),
    "epoch": Row(
        "one training epoch, default recipe, 600 neu-steel images, images/s",
        "the same steps and augmentations on tensors in memory",
        "training.epoch",
        "training.epoch_in_memory",
        "images_per_s",
        ">= 0.95",
    ),
    "loader": Row(
        "the same epoch, images/s",
        "torchvision's ImageFolder, DataLoader with two processes, same network and augmentations",
        "training.epoch",
        "training.epoch_image_folder:2",
        "images_per_s",
        ">= 1.2",
    ),
}
