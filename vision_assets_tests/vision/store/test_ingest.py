"""What becomes of each kind of file, once and again."""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vision_assets.vision.errors import DiskFull, LandingUnreadable, StoreLocked
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.inference.decode import decode
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest
from vision_assets.vision.store.landing import sweep
from vision_assets_tests.drawing import draw_jpeg, draw_pixels, encode
from vision_assets_tests.vision.store.conftest import Take


def _png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds hardly any pixels."""
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", size), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


REFUSED = {
    "empty": b"",
    "not_an_image": b"a text that calls itself a picture",
    "truncated": draw_jpeg(0, side_px=64)[:-200],
    "too_small": encode(draw_pixels(0, side_px=8)),
    "too_many_pixels": _png_header(60_000, 60_000),
    "unsupported_mode": encode(np.full((32, 32), 0.5, np.float32), "TIFF"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_taken_is_kept_aside_with_its_bytes_and_the_reason(
    take: Take, store: ImageStore, reason: str
) -> None:
    outcome = take({"good/a.jpg": REFUSED[reason]})["good/a.jpg"]
    assert (outcome.status, outcome.reason) == ("quarantined", reason)
    assert store.quarantine()["reason"].tolist() == [reason]
    assert store.quarantine_bytes([str(outcome.item_id)]) == {outcome.item_id: REFUSED[reason]}
    assert len(store.images()) == 0


def _as(mode: str, format: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(draw_pixels(0)).convert(mode).save(buffer, format)
    return buffer.getvalue()


def _rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(draw_pixels(0)[:, :24]).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


ACCEPTED = {
    "grey": _as("L", "JPEG"),
    "RGBA": _as("RGBA", "PNG"),
    "CMYK": _as("CMYK", "JPEG"),
    "palette": _as("P", "PNG"),
    "16 bit": encode(draw_pixels(0).astype(np.uint16) << 8, "PNG"),
    "rotated": _rotated(),
}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_odd_images_are_taken_and_come_back_as_the_same_pixels(
    take: Take, store: ImageStore, kind: str
) -> None:
    outcome = take({"good/a.png": ACCEPTED[kind]})["good/a.png"]
    assert outcome.status == "accepted"
    ((_, stored),) = store.read([str(outcome.image_id)])
    assert np.array_equal(decode(stored), decode(ACCEPTED[kind]))


def test_unicode_names_are_taken(take: Take, store: ImageStore) -> None:
    take({"good/größe 面.jpg": draw_jpeg(0)})
    assert store.images()["source"].tolist() == ["good/größe 面.jpg"]


def test_an_image_without_a_label_is_kept(take: Take, store: ImageStore) -> None:
    assert take({"a.jpg": draw_jpeg(0)})["a.jpg"].status == "accepted"
    assert (len(store.images()), len(store.labels())) == (1, 0)


def test_an_unlabelled_image_gets_the_label_that_comes_later(take: Take, store: ImageStore) -> None:
    take({"a.jpg": draw_jpeg(0)})
    assert take({"spot/a.jpg": draw_jpeg(0)})["spot/a.jpg"].status == "labelled"
    assert store.labels()["label"].tolist() == ["spot"]


def test_the_same_image_again_changes_nothing(take: Take, store: ImageStore) -> None:
    take({"good/a.jpg": draw_jpeg(0)})
    token = store.token()
    assert take({"good/b.jpg": draw_jpeg(0)})["good/b.jpg"].status == "known"
    assert store.token() == token


def test_the_same_image_under_another_label_is_a_conflict_for_a_person(
    take: Take, store: ImageStore
) -> None:
    take({"good/a.jpg": draw_jpeg(0)})
    assert take({"spot/a.jpg": draw_jpeg(0)})["spot/a.jpg"].reason == "label_conflict"
    assert store.labels()["label"].tolist() == ["good"]


def test_an_unknown_class_is_kept_aside_with_its_bytes(take: Take, store: ImageStore) -> None:
    outcome = take({"dent/a.jpg": draw_jpeg(0)})["dent/a.jpg"]
    assert outcome.reason == "unknown_class"
    assert store.quarantine_bytes([str(outcome.item_id)]) == {outcome.item_id: draw_jpeg(0)}


def test_a_file_is_taken_once(take: Take) -> None:
    assert len(take({"good/a.jpg": draw_jpeg(0)})) == 1
    assert take() == {}


def test_statistics_are_those_of_the_grey_picture(take: Take, store: ImageStore) -> None:
    pixels = draw_pixels(0)
    take({"good/a.png": encode(pixels, "PNG")})
    row = store.images().iloc[0]
    assert row["brightness"] == pytest.approx(pixels.mean(), abs=0.1)
    assert row["contrast"] == pytest.approx(pixels.std(), abs=0.1)


def test_a_file_that_changes_after_the_batch_was_written_waits_for_the_next(
    landing: Path, store: ImageStore, spec: PipelineSpec, tmp_path: Path, take: Take
) -> None:
    (landing / "good").mkdir()
    (landing / "good/a.jpg").write_bytes(draw_jpeg(0)[:100])
    (batch,) = sweep(landing, store, spec.source, tmp_path / "batches")
    (landing / "good/a.jpg").write_bytes(draw_jpeg(0))
    (outcome,) = ingest(store, batch, landing, spec).outcomes
    assert outcome.status == "changed"
    assert take()["good/a.jpg"].status == "accepted"


@pytest.mark.parametrize("after", ["keep", "move", "delete"])
def test_a_taken_file_is_kept_moved_or_deleted(
    take: Take, landing: Path, spec: PipelineSpec, after: str
) -> None:
    object.__setattr__(spec.source, "after", after)
    take({"good/a.jpg": draw_jpeg(0)})
    assert (landing / "good/a.jpg").exists() == (after == "keep")
    assert (landing / "taken/good/a.jpg").exists() == (after == "move")


def test_a_locked_store_is_told_and_the_next_try_completes(
    take: Take, store: ImageStore, spec: PipelineSpec, landing: Path, tmp_path: Path
) -> None:
    (landing / "good").mkdir()
    (landing / "good/a.jpg").write_bytes(draw_jpeg(0))
    hasty = ImageStore.open(store.root, lock_wait_s=0.1)
    (batch,) = sweep(landing, store, spec.source, tmp_path / "batches")
    with file_lock(store.root / "lock", wait_s=1), pytest.raises(StoreLocked, match="process"):
        ingest(hasty, batch, landing, spec)
    assert take()["good/a.jpg"].status == "accepted"


def test_an_almost_full_disk_is_told_and_the_next_try_completes(
    take: Take, store: ImageStore, spec: PipelineSpec, landing: Path, tmp_path: Path
) -> None:
    (landing / "good").mkdir()
    (landing / "good/a.jpg").write_bytes(draw_jpeg(0))
    full = ImageStore.open(store.root, min_free_bytes=1 << 60)
    (batch,) = sweep(landing, store, spec.source, tmp_path / "batches")
    with pytest.raises(DiskFull):
        ingest(full, batch, landing, spec)
    assert len(store.images()) == 0
    assert take()["good/a.jpg"].status == "accepted"


def test_a_landing_folder_that_is_not_there_is_told(take: Take, landing: Path) -> None:
    landing.rmdir()
    with pytest.raises(LandingUnreadable, match="create it, mount it"):
        take()


def test_a_batch_file_is_immutable_and_named_by_its_content(
    landing: Path, store: ImageStore, spec: PipelineSpec, tmp_path: Path
) -> None:
    (landing / "a.jpg").write_bytes(draw_jpeg(0))
    (batch,) = sweep(landing, store, spec.source, tmp_path / "batches")
    content = json.loads((tmp_path / "batches" / f"{batch.batch_id}.json").read_text())
    assert [entry[0] for entry in content["files"]] == ["a.jpg"]
