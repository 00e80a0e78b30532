"""exported_model: the bundle that ships, and the proof that it answers as the network does."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import dagster as dg

from vision_assets.assets.graph import REFERENCE, asset_key, upstream
from vision_assets.assets.metadata import records_table
from vision_assets.resources.home import HomeResource
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    import pandas as pd

    from vision_assets.vision.inference.bundle import Bundle
    from vision_assets.vision.int8 import Int8Trial
    from vision_assets.vision.parity import Parity
    from vision_assets.vision.training.pixels import ReadBytes

PARITY_IMAGES = 200
_PARITY = "parity"
_INT8 = "int8_ships"


def exported_model(use_case: UseCase) -> dg.AssetsDefinition:
    """Build the asset `<use_case>/exported_model` with its blocking parity check."""
    key = asset_key(use_case, "exported_model")

    @dg.asset(
        key=key,
        deps=[asset_key(use_case, "trained_model")],
        group_name=use_case.name,
        kinds={"onnx"},
        description="The bundle: ONNX with normalisation and head inside, and its card.",
        check_specs=_check_specs(use_case, key),
    )
    def build(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
        from vision_assets.vision.dataset.sample import spread_sample
        from vision_assets.vision.evaluation.thresholds import decide_by_cost
        from vision_assets.vision.export import export
        from vision_assets.vision.inference.golden import MAX_IMAGES
        from vision_assets.vision.parity import check_parity
        from vision_assets.vision.tasks.registry import load_task
        from vision_assets.vision.training.trained_model import TrainedModel

        task = load_task(use_case.task)
        model_id = upstream(context, use_case, "trained_model")
        trained = TrainedModel.load(home.home.models(use_case.name) / model_id)
        manifest = home.datasets(use_case).get(trained.dataset["name"]).manifest()
        read, bundles = home.image_store(use_case).read, home.home.bundles(use_case.name)
        val = manifest[manifest["split"] == "val"]
        golden = [data for _, data in read(spread_sample(manifest, MAX_IMAGES))]

        def decided(model: "Bundle") -> "Bundle":
            return decide_by_cost(task, model, val, read, use_case.spec.costs, bundles)

        with TemporaryDirectory() as folder:
            floats = export(task, trained, Path(folder), use_case.name, golden)
            bundle = decided(floats)
            int8 = use_case.spec.export.int8
            integers = decided(_quantised(floats, manifest, read, golden)) if int8 else None
        parity = check_parity(task, trained, bundle, read(_parity_images(manifest)))
        shipped, checks, metadata = bundle, [_parity_check(parity)], _float_metadata(bundle)
        if integers is not None:
            trial = _try_int8(use_case, bundle, integers, manifest, read)
            shipped = integers if trial.passed else bundle
            checks.append(_int8_check(trial))
            metadata |= _int8_metadata(integers, trial)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(shipped.bundle_id),
            metadata={
                REFERENCE: shipped.bundle_id,
                "model": model_id,
                "precision": shipped.card.precision,
                "folder": dg.MetadataValue.path(str(shipped.folder)),
                **_threshold_metadata(shipped),
                **metadata,
            },
            check_results=checks,
        )

    return build


def _check_specs(use_case: UseCase, key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    parity = dg.AssetCheckSpec(
        _PARITY,
        asset=key,
        blocking=True,
        description="torch and bundle agree on the same tensors and from bytes.",
    )
    if not use_case.spec.export.int8:
        return [parity]
    margin = use_case.spec.export.int8_margin
    said = f"INT8 is faster and loses at most {margin:g}; where it fails, the fp32 bundle ships."
    return [parity, dg.AssetCheckSpec(_INT8, asset=key, description=said)]


def _parity_images(manifest: "pd.DataFrame") -> list[str]:
    """Ids of test images first, then of the others: 200, or all there are."""
    labelled = manifest[manifest["split"].isin(["test", "val", "train"])]
    return labelled.sort_values("split")["image_id"].tolist()[:PARITY_IMAGES]


def _parity_check(parity: "Parity") -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=_PARITY,
        passed=parity.passed,
        metadata={
            "images": parity.n,
            "largest difference of a score": parity.max_difference,
            "label flips": records_table(parity.flips),
        },
    )


def _quantised(
    floats: "Bundle", manifest: "pd.DataFrame", read: "ReadBytes", golden: list[bytes]
) -> "Bundle":
    """The INT8 bundle beside the one of floats, calibrated without test images."""
    from vision_assets.vision.dataset.sample import spread_sample
    from vision_assets.vision.quantize import CALIBRATION_IMAGES, quantise

    calibration = [data for _, data in read(spread_sample(manifest, CALIBRATION_IMAGES))]
    return quantise(floats, calibration, golden)


def _try_int8(
    use_case: UseCase,
    bundle: "Bundle",
    integers: "Bundle",
    manifest: "pd.DataFrame",
    read: "ReadBytes",
) -> "Int8Trial":
    from vision_assets.vision.int8 import try_int8
    from vision_assets.vision.tasks.registry import load_task

    test = manifest[manifest["split"] == "test"]
    task, spec = load_task(use_case.task), use_case.spec.export
    return try_int8(task, bundle, integers, test, read, spec)


def _int8_check(trial: "Int8Trial") -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=_INT8,
        passed=trial.passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=trial.text,
        metadata={
            "images": trial.n,
            "other outcomes": trial.flips,
            "loss, lower bound": trial.difference[0],
            "loss, upper bound": trial.difference[1],
            "times as fast": trial.speed_up,
        },
    )


def _threshold_metadata(bundle: "Bundle") -> dict[str, Any]:
    from vision_assets.vision.evaluation.thresholds import ORIGIN

    return {"thresholds": bundle.card.options[ORIGIN], **bundle.card.thresholds}


def _float_metadata(bundle: "Bundle") -> dict[str, Any]:
    return {"fp32 bundle": bundle.bundle_id, "fp32 bytes": _model_bytes(bundle)}


def _int8_metadata(integers: "Bundle", trial: "Int8Trial") -> dict[str, Any]:
    rows = [
        {
            "bundle": name,
            "accuracy on the test split": trial.correct[which],
            "median ms of an image": trial.latency_ms[which],
            "bytes": trial.bytes[which],
        }
        for which, name in enumerate(("fp32", "int8"))
    ]
    return {
        "int8 bundle": integers.bundle_id,
        "int8 bytes": _model_bytes(integers),
        "int8 against fp32": records_table(rows),
        "what ships": trial.text,
    }


def _model_bytes(bundle: "Bundle") -> int:
    from vision_assets.vision.inference.bundle import MODEL_FILE

    return (bundle.folder / MODEL_FILE).stat().st_size
