"""What the endpoints of the benchmarks serve: a bundle of each task, its Bento, and pictures.

Classification: MobileNetV3-small at 224 px with its first weights; what it answers does not
matter. The others have trained for a moment, so that there are objects in their answers.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.pictures import real_files

if TYPE_CHECKING:
    from vision_assets.home import Home

CLASSIFICATION = "classification"
SIDE_PX = 224
JPEG_BYTES = 36_000
N_JPEGS = 20


def make(task: str, folder: Path) -> None:
    """Make the bundle and its Bento, once, and what pictures are chosen from."""
    from vision_assets.serving.bento import build_bento
    from vision_assets.vision.spec import PipelineSpec, SourceSpec
    from vision_assets.vision.use_case import UseCase

    home, name = home_of(folder), use_case_name(task)
    if task == CLASSIFICATION:
        real_files(folder)
    if home.bundles(name).exists():
        return
    if task == CLASSIFICATION:
        _export_untrained(home.bundles(name))
    else:
        _export_trained(task, folder, home.bundles(name))
    spec = PipelineSpec(source=SourceSpec(landing=name))
    build_bento(home, UseCase(name, task, spec), bundle_of(task, folder))


def home_of(folder: Path) -> "Home":
    """Where bundles and Bentos are kept."""
    from vision_assets.home import Home

    return Home(folder / "endpoint")


def use_case_name(task: str) -> str:
    """The use case that serves a task."""
    return f"benchmark_{task}"


def bundle_of(task: str, folder: Path) -> Path:
    """The folder of the one bundle of a task."""
    (bundle,) = home_of(folder).bundles(use_case_name(task)).iterdir()
    return bundle


def pictures_of(task: str, folder: Path) -> list[bytes]:
    """The real JPEGs whose length is nearest to the one that is wanted."""
    paths = sorted(_files_of(task, folder), key=lambda path: abs(path.stat().st_size - JPEG_BYTES))
    return [path.read_bytes() for path in paths[:N_JPEGS]]


def _files_of(task: str, folder: Path) -> list[Path]:
    if task == CLASSIFICATION:
        return sorted(real_files(folder).iterdir())
    from benchmarks.epochs import files_of, subject_of

    return files_of(subject_of(task, folder))


def _export_trained(task: str, folder: Path, root: Path) -> None:
    """The network of the default recipe after a few epochs, with thresholds."""
    from benchmarks.epochs import fill, subject_of
    from vision_assets.vision.evaluation.thresholds import with_thresholds
    from vision_assets.vision.export import export
    from vision_assets.vision.training.fit import fit

    fill(task, folder)
    subject = subject_of(task, folder)
    read, rows, version = subject.store.read, subject.rows, subject.version
    dataset = {"name": version.name, "fingerprint": version.fingerprint}
    work = folder / "served" / task
    trained = fit(
        subject.task, rows, read, subject.spec.recipe, version.classes, work / "models", dataset
    )
    plain = export(subject.task, trained, work / "plain", use_case_name(task))
    val = rows[rows["split"] == "val"]
    with_thresholds(subject.task, plain, val, read, subject.spec, root)


def _export_untrained(root: Path) -> None:
    """MobileNetV3-small with its first weights."""
    from vision_assets.vision.export import to_onnx
    from vision_assets.vision.inference.bundle import Card, CardClass, InputSize, write_bundle
    from vision_assets.vision.tasks.classification.network import build
    from vision_assets.vision.tasks.classification.spec import ClassificationRecipe
    from vision_assets.vision.tasks.registry import load_task

    recipe = ClassificationRecipe(network="mobilenet_v3_small", image_size_px=SIDE_PX)
    classes = tuple(CardClass(id=n, name=f"class {n}", defect=n > 0) for n in range(6))
    network = build(recipe.network, len(classes), SIDE_PX).eval()
    size = InputSize(height_px=SIDE_PX, width_px=SIDE_PX)
    exportable = load_task(CLASSIFICATION).exportable(network, recipe, {})
    name = use_case_name(CLASSIFICATION)
    card = Card(
        task=CLASSIFICATION,
        use_case=name,
        model_id=name,
        created_at=datetime.now(UTC),
        dataset={"name": name, "fingerprint": name},
        code_version=name,
        input=size,
        classes=classes,
        options=exportable.options,
    )
    write_bundle(root, card, {"model.onnx": to_onnx(exportable, size)})
