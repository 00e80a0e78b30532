"""What the UI shows of an ingest: counts, classes, pictures, throughput."""

from collections.abc import Callable

import dagster as dg

from vision_assets.assets.raw_images import raw_images
from vision_assets.home import Home
from vision_assets.resources.home import HomeResource
from vision_assets.vision.use_case import UseCase


def test_an_ingest_shows_counts_classes_pictures_and_throughput(
    parts: UseCase, home: Home, drop: Callable[[int], None]
) -> None:
    drop(4)
    landing = home.landing(parts.spec.source.landing)
    (landing / "good" / "broken.jpg").write_bytes(b"no picture")
    made = dg.materialize([raw_images(parts)], resources={"home": HomeResource()})
    (event,) = made.asset_materializations_for_node("parts__raw_images")
    shown = {name: value.value for name, value in event.metadata.items()}
    assert [shown[name] for name in ("images", "labelled", "quarantined")] == [4, 4, 1]
    assert "| good | 2 |" in str(shown["classes"])
    assert "| scratch | 2 |" in str(shown["classes"])
    assert "| accepted | 4 |" in str(shown["this run"])
    assert float(str(shown["images per second"])) > 0
    for pictures in ("accepted, a sample", "refused, a sample"):
        assert "data:image/jpeg;base64," in str(shown[pictures])
