"""Rows of annotations, and of the tasks beside classification."""

from benchmarks.row import Row

_VOC = "reading 1,800 XML files of Pascal VOC, 4,189 boxes, objects/s"
_COCO = "reading a COCO file of 18,000 images, 41,890 boxes, into its index and out, objects/s"
_PATCHES = "the same 28,160 patches of magnetic tiles"


def _reading(kind: str, against: str, other: str, *needs: str) -> Row:
    what, target = (_VOC, ">= 1") if kind == "voc" else (_COCO, "no mark")
    workers = (f"annotations.{kind}", f"annotations.{kind}_{other}")
    return Row(what, against, *workers, "objects_per_s", target, needs)


def _epoch(task: str, data: str) -> Row:
    return Row(
        f"one training epoch of {task}, default recipe, 160 {data} images, images/s",
        "torchvision's decoder, DataLoader with two processes, same network and augmentations",
        f"epochs.{task}",
        f"epochs.{task}_loader",
        "images_per_s",
        ">= 1",
    )


def _endpoint(task: str, data: str) -> Row:
    return Row(
        f"endpoint of {task}, one worker on one core, {data} images, requests/s",
        "FastAPI and uvicorn, the same predictor",
        f"endpoint.side_by_side_{task}",
        f"endpoint.side_by_side_{task}",
        "images_per_s",
        ">= 0.9",
    )


def _memory_bank(what: str, figure: str, target: str) -> Row:
    workers = ("memory_bank.ours", "memory_bank.anomalib")
    return Row(what, f"anomalib's PatchCore, {_PATCHES}", *workers, figure, target, ("anomalib",))


TASK_ROWS = {
    "annotations": _reading("voc", "the parser of torchvision's VOCDetection", "torchvision"),
    "annotations_supervision": _reading("voc", "supervision", "supervision", "supervision"),
    "annotations_coco": _reading("coco", "faster-coco-eval's COCO", "faster"),
    "annotations_coco_pycocotools": _reading(
        "coco", "pycocotools' COCO", "pycocotools", "pycocotools"
    ),
    "annotations_coco_supervision": _reading("coco", "supervision", "supervision", "supervision"),
    "epoch_detection": _epoch("detection", "bccd"),
    "epoch_segmentation": _epoch("segmentation", "magnetic-tile"),
    "epoch_anomaly": _epoch("anomaly", "normal magnetic-tile"),
    "endpoint_detection": _endpoint("detection", "bccd"),
    "endpoint_segmentation": _endpoint("segmentation", "magnetic-tile"),
    "endpoint_anomaly": _endpoint("anomaly", "normal magnetic-tile"),
    "memory_bank": _memory_bank("choosing a memory bank of 2,048 patches (s)", "bank_s", "<= 1"),
    "memory_bank_scoring": _memory_bank("scoring with it, images/s", "images_per_s", ">= 1"),
    "memory_bank_memory": _memory_bank("both, growth of the peak (MB)", "added_mb", "<= 1"),
    "memory_bank_cover": _memory_bank(
        "largest distance of a patch to the bank", "radius", "no mark"
    ),
}
