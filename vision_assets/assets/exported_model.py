"""exported_model: the bundle that ships, and the proof that it answers as the network does."""

from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg

from vision_assets.assets.graph import REFERENCE, asset_key, upstream
from vision_assets.assets.metadata import records_table
from vision_assets.resources.home import HomeResource
from vision_assets.vision.use_case import UseCase

PARITY_IMAGES = 200
_PARITY = "parity"


def exported_model(use_case: UseCase) -> dg.AssetsDefinition:
    """Build the asset `<use_case>/exported_model` with its blocking parity check."""
    key = asset_key(use_case, "exported_model")

    @dg.asset(
        key=key,
        deps=[asset_key(use_case, "trained_model")],
        group_name=use_case.name,
        kinds={"onnx"},
        description="The bundle: ONNX with normalisation and head inside, and its card.",
        check_specs=[
            dg.AssetCheckSpec(
                _PARITY,
                asset=key,
                blocking=True,
                description="torch and bundle agree on the same tensors and from bytes.",
            )
        ],
    )
    def build(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
        from vision_assets.vision.evaluation.thresholds import ORIGIN, decide_by_cost
        from vision_assets.vision.export import export
        from vision_assets.vision.parity import check_parity
        from vision_assets.vision.tasks.registry import load_task
        from vision_assets.vision.training.trained_model import TrainedModel

        task = load_task(use_case.task)
        model_id = upstream(context, use_case, "trained_model")
        trained = TrainedModel.load(home.home.models(use_case.name) / model_id)
        read = home.image_store(use_case).read
        manifest = home.datasets(use_case).get(trained.dataset["name"]).manifest()
        val, bundles = manifest[manifest["split"] == "val"], home.home.bundles(use_case.name)
        with TemporaryDirectory() as folder:
            undecided = export(task, trained, Path(folder), use_case.name)
            bundle = decide_by_cost(task, undecided, val, read, use_case.spec.costs, bundles)
        parity = check_parity(task, trained, bundle, read(_parity_images(manifest)))
        return dg.MaterializeResult(
            data_version=dg.DataVersion(bundle.bundle_id),
            metadata={
                REFERENCE: bundle.bundle_id,
                "model": model_id,
                "thresholds": bundle.card.options[ORIGIN],
                **bundle.card.thresholds,
                "bytes": (bundle.folder / "model.onnx").stat().st_size,
                "folder": dg.MetadataValue.path(str(bundle.folder)),
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name=_PARITY,
                    passed=parity.passed,
                    metadata={
                        "images": parity.n,
                        "largest difference of a score": parity.max_difference,
                        "label flips": records_table(parity.flips),
                    },
                )
            ],
        )

    return build


def _parity_images(manifest) -> list[str]:
    """Ids of test images first, then of the others: 200, or all there are."""
    labelled = manifest[manifest["split"].isin(["test", "val", "train"])]
    return labelled.sort_values("split")["image_id"].tolist()[:PARITY_IMAGES]
