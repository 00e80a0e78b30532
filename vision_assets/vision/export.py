"""From a trained model to its bundle."""

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from vision_assets.vision.dataset.sample import spread_views
from vision_assets.vision.errors import BundleError
from vision_assets.vision.inference.bundle import (
    CONTRACT_VERSION,
    MODEL_FILE,
    Bundle,
    Card,
    InputSize,
    write_bundle,
)
from vision_assets.vision.inference.decode import STORED
from vision_assets.vision.inference.golden import GOLDEN_FILE, golden_count, golden_file
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.inference.session import INPUT
from vision_assets.vision.tasks.task import ExportableNetwork, Task
from vision_assets.vision.training.trained_model import TrainedModel

OPSET = 18
_TRACED_BATCH = 2


def export(
    task: Task,
    trained: TrainedModel,
    root: Path,
    use_case: str,
    golden: Sequence[bytes] = (),
) -> Bundle:
    """Write `root/<bundle_id>/`; a bundle of the same content that is there already stays.

    Args:
        task: the plug-in.
        trained: what to export.
        root: folder of the use case's bundles.
        use_case: whose model it is.
        golden: encoded images whose outputs the bundle shall carry; as many as fit are taken.

    Raises:
        TrainingError: the weights are missing or were changed.
        BundleError: the network does not become a valid ONNX model.
    """
    recipe = trained.recipe(task)
    size = recipe.input_size()
    network = task.exportable(trained.network(task), recipe, trained.calibration)
    model = _with_metadata(
        to_onnx(network, size),
        {
            "contract_version": str(CONTRACT_VERSION),
            "task": task.name,
            "use_case": use_case,
            "model_id": trained.model_id,
        },
    )
    card = Card(
        task=task.name,
        use_case=use_case,
        model_id=trained.model_id,
        created_at=datetime.now(UTC),
        dataset=trained.dataset,
        code_version=trained.code_version,
        input=size,
        classes=trained.classes,
        calibration=trained.calibration,
        options=network.options,
    )
    return write_with_golden(root, card, model, golden)


def write_with_golden(root: Path, card: Card, model: bytes, golden: Sequence[bytes]) -> Bundle:
    """Write a bundle that carries what its model says of a few images.

    Args:
        root: folder of the use case's bundles.
        card: without id and hashes.
        model: the ONNX model.
        golden: encoded images, of which one view each is taken, at another place where they are
            seen in tiles; as many as fit. None, or an input of which not one fits, make a
            bundle without golden images.
    """
    files = {MODEL_FILE: model}
    if golden:
        with tempfile.TemporaryDirectory() as folder:
            predictor = Predictor(write_bundle(Path(folder), card, files), STORED)
            if images := golden[: golden_count(predictor)]:
                files[GOLDEN_FILE] = golden_file(predictor, [*spread_views(predictor, images)])
    return write_bundle(root, card, files)


def to_onnx(network: ExportableNetwork, size: InputSize) -> bytes:
    """Trace the network; the batch stays free.

    The tracing exporter: in torch 2.14 the one built on dynamo takes twelve seconds longer for
    the same graph.
    """
    import torch

    example = torch.zeros(_TRACED_BATCH, size.height_px, size.width_px, 3, dtype=torch.uint8)
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(action="ignore"),
        _plain_attention(),
    ):
        path = Path(folder, MODEL_FILE)
        torch.onnx.export(
            network.module,
            (example,),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=list(network.output_names),
            dynamic_axes={name: {0: "n"} for name in (INPUT, *network.output_names)},
        )
        return path.read_bytes()


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Without torch's fused attention, which has no ONNX form."""
    import torch

    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _with_metadata(model: bytes, metadata: dict[str, str]) -> bytes:
    """Check the model, and write into it whose it is, so that equal bytes mean equal models."""
    import onnx

    proto = onnx.load_from_string(model)
    onnx.helper.set_model_props(proto, metadata)
    try:
        onnx.checker.check_model(proto, full_check=True)
    except onnx.checker.ValidationError as error:
        raise BundleError(f"the exported model is not valid ONNX: {error}") from error
    return proto.SerializeToString(deterministic=True)
