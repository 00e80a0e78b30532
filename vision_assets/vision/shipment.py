"""From a trained model to the bundle that may ship: exported, decided by cost, proved.

The bundle of floats always; the one of 8-bit integers where the YAML asks for it, and it ships
where it may. Plain bundles live in a temporary folder: only those with thresholds are kept.
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from vision_assets.vision.dataset.sample import spread_sample
from vision_assets.vision.evaluation.thresholds import with_thresholds
from vision_assets.vision.export import export
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.golden import MAX_IMAGES
from vision_assets.vision.int8 import Int8Trial, try_int8
from vision_assets.vision.parity import Parity, check_parity
from vision_assets.vision.quantize import CALIBRATION_IMAGES, quantise
from vision_assets.vision.tasks.task import Task
from vision_assets.vision.training.pixels import ReadBytes
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets.vision.use_case import UseCase

PARITY_IMAGES = 200


@dataclass(frozen=True)
class Integers:
    """The bundle of 8-bit integers, and how it did against the one of floats."""

    bundle: Bundle
    trial: Int8Trial


@dataclass(frozen=True)
class Shipment:
    """What became of a trained model.

    Attributes:
        floats: the fp32 bundle.
        parity: whether it answers as the network does.
        integers: None where nobody asked for it.
    """

    floats: Bundle
    parity: Parity
    integers: Integers | None = None

    @property
    def bundle(self) -> Bundle:
        """The one that goes on."""
        if self.integers is not None and self.integers.trial.passed:
            return self.integers.bundle
        return self.floats


def make_shipment(
    task: Task,
    trained: TrainedModel,
    manifest: pd.DataFrame,
    read: ReadBytes,
    root: Path,
    use_case: UseCase,
) -> Shipment:
    """Export a model, choose its thresholds, and compare what came out with what went in.

    Args:
        task: the plug-in.
        trained: what is exported.
        manifest: of the dataset version that it was trained on.
        read: gives the bytes of images.
        root: folder of the use case's bundles.
        use_case: whose costs, and whether it asks for integers.

    Raises:
        TrainingError: the weights are missing or were changed.
        BundleError: the network does not become a valid ONNX model, or cannot be quantised.
        DatasetError: an image is missing in the store, or the test split is empty.
    """
    spec = use_case.spec
    val, test = (manifest[manifest["split"] == name] for name in ("val", "test"))

    def decided(plain: Bundle) -> Bundle:
        return with_thresholds(task, plain, val, read, spec, root)

    with TemporaryDirectory() as folder:
        golden = _bytes_of(manifest, read, MAX_IMAGES)
        plain = export(task, trained, Path(folder), use_case.name, golden)
        floats = decided(plain)
        parity = check_parity(task, trained, floats, read(_parity_images(manifest)))
        if not spec.export.int8:
            return Shipment(floats, parity)
        calibration = _bytes_of(manifest, read, CALIBRATION_IMAGES)
        integers = decided(quantise(plain, calibration, golden))
    trial = try_int8(task, floats, integers, test, read, spec.export)
    return Shipment(floats, parity, Integers(integers, trial))


def _bytes_of(manifest: pd.DataFrame, read: ReadBytes, n: int) -> list[bytes]:
    """Images spread over the classes of the train split."""
    return [data for _, data in read(spread_sample(manifest, n))]


def _parity_images(manifest: pd.DataFrame) -> list[str]:
    """Ids of test images first, then of the others: 200, or all there are."""
    labelled = manifest[manifest["split"].isin(["test", "val", "train"])]
    return labelled.sort_values("split")["image_id"].tolist()[:PARITY_IMAGES]
