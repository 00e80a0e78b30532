"""exported_model: the bundle that ships, and the proof that it answers as the network does."""

import math
from typing import TYPE_CHECKING, Any

import dagster as dg

from vision_assets.assets.graph import REFERENCE, asset_key, upstream, verdict
from vision_assets.assets.metadata import records_table
from vision_assets.assets.yaml_keys import yaml_version
from vision_assets.resources.home import HomeResource
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.inference.bundle import Bundle
    from vision_assets.vision.int8 import Int8Trial
    from vision_assets.vision.parity import Parity
    from vision_assets.vision.shipment import Integers, Shipment

_PARITY = "parity"
_INT8 = "int8_ships"


def exported_model(use_case: UseCase) -> dg.AssetsDefinition:
    """Build the asset `<use_case>/exported_model` with its blocking parity check."""
    key = asset_key(use_case, "exported_model")

    @dg.asset(
        key=key,
        deps=[asset_key(use_case, "trained_model")],
        code_version=yaml_version(use_case, "exported_model"),
        group_name=use_case.name,
        kinds={"onnx"},
        description="The bundle: ONNX with normalisation and head inside, and its card.",
        check_specs=_check_specs(use_case, key),
    )
    def build(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
        from vision_assets.vision.shipment import make_shipment
        from vision_assets.vision.tasks.registry import load_task
        from vision_assets.vision.training.trained_model import TrainedModel

        model_id = upstream(context, use_case, "trained_model")
        trained = TrainedModel.load(home.home.models(use_case.name) / model_id)
        shipment = make_shipment(
            load_task(use_case.task),
            trained,
            home.datasets(use_case).get(trained.dataset["name"]).manifest(),
            home.image_store(use_case).read,
            home.home.bundles(use_case.name),
            use_case,
        )
        checks = _check_results(shipment)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(shipment.bundle.bundle_id),
            metadata={"model": model_id, **_metadata(shipment), **verdict(checks)},
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


def _check_results(shipment: "Shipment") -> list[dg.AssetCheckResult]:
    parity = _parity_check(shipment.parity)
    if shipment.integers is None:
        return [parity]
    return [parity, _int8_check(shipment.integers.trial)]


def _parity_check(parity: "Parity") -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=_PARITY,
        passed=parity.passed,
        metadata={
            "images": parity.n,
            "largest difference of a score": _shown(parity.max_difference),
            "label flips": records_table(parity.flips),
        },
    )


def _shown(difference: float) -> float | str:
    """A number for Dagster's UI, which shows no infinite one."""
    return difference if math.isfinite(difference) else "an output is not a finite number"


def _int8_check(trial: "Int8Trial") -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=_INT8,
        passed=trial.passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=trial.text,
        metadata={
            "images": trial.n,
            "other answers": trial.flips,
            "loss, lower bound": trial.difference[0],
            "loss, upper bound": trial.difference[1],
            **_known("escapes", trial.escapes),
            **_known("overkill", trial.overkill),
            "times as fast": trial.speed_up,
        },
    )


def _known(name: str, rates: tuple[float, float]) -> dict[str, float]:
    """A rate of both bundles; nothing where no part says anything of it."""
    if math.isnan(rates[0]):
        return {}
    return {f"{name}, fp32": rates[0], f"{name}, INT8": rates[1]}


def _metadata(shipment: "Shipment") -> dict[str, Any]:
    from vision_assets.vision.inference.decision import ORIGIN, led_to
    from vision_assets.vision.inference.golden import GOLDEN_FILE

    bundle = shipment.bundle
    return {
        REFERENCE: bundle.bundle_id,
        "precision": bundle.card.precision,
        "folder": dg.MetadataValue.path(str(bundle.folder)),
        "thresholds": bundle.card.options[ORIGIN],
        **bundle.card.thresholds,
        **{f"{name} on val": value for name, value in led_to(bundle.card.options).items()},
        "has golden images": GOLDEN_FILE in bundle.card.files,
        "fp32 bundle": shipment.floats.bundle_id,
        "fp32 bytes": _model_bytes(shipment.floats),
        **({} if shipment.integers is None else _int8_metadata(shipment.integers)),
    }


def _int8_metadata(integers: "Integers") -> dict[str, Any]:
    trial = integers.trial
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
        "int8 bundle": integers.bundle.bundle_id,
        "int8 bytes": _model_bytes(integers.bundle),
        "int8 against fp32": records_table(rows),
        "what ships": trial.text,
    }


def _model_bytes(bundle: "Bundle") -> int:
    from vision_assets.vision.inference.bundle import MODEL_FILE

    return (bundle.folder / MODEL_FILE).stat().st_size
