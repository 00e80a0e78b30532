from collections.abc import Callable
from pathlib import Path

import pytest

from vision_assets.quality.validation import validate
from vision_assets.vision.dataset.card import write_card
from vision_assets.vision.dataset.export import export
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.manifest import SPLITS
from vision_assets.vision.spec import PipelineSpec, SourceSpec, SplitSpec
from vision_assets.vision.store.erasure import remove
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest
from vision_assets.vision.store.landing import sweep


def taken(landing: Path, spec: PipelineSpec, root: Path) -> ImageStore:
    """The store after everything in the landing folder was ingested."""
    store = ImageStore.open(root / "store")
    for batch in sweep(landing, store, spec.source, root / "batches"):
        ingest(store, batch, landing, spec)
    return store


@pytest.fixture
def spec() -> PipelineSpec:
    return PipelineSpec(source=SourceSpec(landing="landing", settle_s=0))


def test_a_version_of_a_real_store_is_valid_shown_and_exported(
    draw_folder: Callable[..., Path], tmp_path: Path, spec: PipelineSpec
) -> None:
    store = taken(draw_folder(12), spec, tmp_path)
    version = DatasetVersions(tmp_path / "datasets").create(store, spec)
    results = validate(version.manifest(), spec, version.classes)
    assert version.record_validation(results)
    assert write_card(version, store).count("data:image/jpeg") == 21
    done = export(version, store, tmp_path / "out")
    manifest = version.manifest()
    rows = manifest[manifest["split"].isin(SPLITS)]
    exported = dict(store.read(rows["image_id"].tolist()))
    files = {path.stem: path.read_bytes() for path in (tmp_path / "out").glob("*/*/*")}
    assert files == exported
    assert done.n_images == len(rows)


def test_an_image_erased_from_a_real_store_is_said_so(
    draw_folder: Callable[..., Path], tmp_path: Path, spec: PipelineSpec
) -> None:
    store = taken(draw_folder(6), spec, tmp_path)
    versions = DatasetVersions(tmp_path / "datasets")
    version = versions.create(store, spec)
    manifest = version.manifest()
    gone = manifest.loc[manifest["split"].isin(SPLITS), "image_id"].iloc[0]
    remove(store, [gone], author="a person", why="asked for")
    assert version.erased(store) == (gone,)
    assert gone in write_card(version, store)
    assert export(version, store, tmp_path / "out").erased == (gone,)
    assert versions.create(store, spec).difference.removed == (gone,)


@pytest.mark.real_data
def test_neu_steel_becomes_a_valid_dataset(real_data: Path, tmp_path: Path) -> None:
    spec = PipelineSpec(
        source=SourceSpec(
            landing="landing", label="pattern", pattern=r"(?P<label>.+)_\d+\.jpg", settle_s=0
        ),
        splits=SplitSpec(train=0.6, val=0.2, test=0.2),
    )
    store = taken(real_data / "neu-steel" / "images", spec, tmp_path)
    version = DatasetVersions(tmp_path / "datasets").create(store, spec)
    manifest = version.manifest()
    assert len(manifest) == 1799  # two of the 1,800 files are the same bytes
    assert len(version.classes) == 6
    in_splits = manifest[manifest["split"].isin(SPLITS)]
    test_images = in_splits[in_splits["split"] == "test"].groupby("label").size()
    assert test_images.between(55, 65).all()
    assert version.record_validation(validate(manifest, spec, version.classes))
