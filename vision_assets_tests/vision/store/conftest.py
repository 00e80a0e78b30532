"""A landing folder, a store, and ways to put files in and see what became of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest_all
from vision_assets.vision.store.landing import sweep
from vision_assets.vision.store.outcomes import Outcome

Take = Callable[..., dict[str, Outcome]]


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    (tmp_path / "landing").mkdir()
    return tmp_path / "landing"


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore.open(tmp_path / "store")


@pytest.fixture
def spec(landing: Path) -> PipelineSpec:
    """Labelled by folder, classes good, scratch and spot."""
    source = {"landing": str(landing), "settle_s": 0}
    return PipelineSpec.model_validate({"source": source, "classes": ["good", "scratch", "spot"]})


@pytest.fixture
def take_into(landing: Path, spec: PipelineSpec, tmp_path: Path) -> Callable[[ImageStore], Take]:
    """Writes files (path -> bytes) into the landing folder and sweeps it into a store."""

    def into(store: ImageStore) -> Take:
        def run(files: dict[str, bytes] | None = None) -> dict[str, Outcome]:
            for path, data in (files or {}).items():
                (landing / path).parent.mkdir(parents=True, exist_ok=True)
                (landing / path).write_bytes(data)
            batches = sweep(landing, store, spec.source, tmp_path / "batches")
            results = list(ingest_all(store, batches, landing, spec))
            return {outcome.path: outcome for result in results for outcome in result.outcomes}

        return run

    return into


@pytest.fixture
def take(store: ImageStore, take_into: Callable[[ImageStore], Take]) -> Take:
    """`take_into` the store."""
    return take_into(store)
