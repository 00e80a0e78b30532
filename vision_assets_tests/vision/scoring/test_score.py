"""A folder becomes one row per file, whatever lies in it and however often it is killed."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from vision_assets.vision.errors import DatasetError, StoreLocked
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.inference.bundle import Bundle, write_bundle
from vision_assets.vision.inference.decode import Limits
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.scoring.score import ScoreReport, score_folder
from vision_assets.vision.scoring.summary import least_sure_sheet, summarise
from vision_assets_tests.serving.bundles import COLOURS, colour_png, make_bundle


@pytest.fixture
def colours(tmp_path: Path) -> Bundle:
    return Bundle.load(make_bundle(tmp_path / "bundles"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Nine pictures in three folders, and what else lies about on a disk."""
    root = tmp_path / "images"
    for colour in COLOURS:
        (root / colour).mkdir(parents=True)
        for side_px in (32, 33, 34):
            (root / colour / f"{side_px}.png").write_bytes(colour_png(colour, side_px))
    (root / "notes.txt").write_text("no image")
    (root / "empty.png").touch()
    (root / ".hidden.png").write_bytes(colour_png("red"))
    return root


def score(bundle: Bundle, folder: Path, **options) -> tuple[ScoreReport, pd.DataFrame]:
    out = folder.parent / "out" / "scores.parquet"
    report = score_folder(bundle, folder, out, **options)
    return report, pd.read_parquet(out).set_index("path")


def test_every_file_is_a_row_in_order(colours: Bundle, folder: Path):
    report, rows = score(colours, folder)
    assert list(rows.index) == sorted(rows.index)
    assert (report.files, report.scored, report.refused) == (11, 11, 2)
    assert rows.loc["green/33.png", "label"] == "green"
    data = (folder / "green" / "33.png").read_bytes()
    assert rows.loc["green/33.png", "sha256"] == hashlib.sha256(data).hexdigest()
    assert set(rows["bundle_id"]) == {colours.bundle_id}


def test_answers_are_those_of_the_predictor(colours: Bundle, folder: Path):
    _, rows = score(colours, folder, threads=3)
    predictor = Predictor(colours)
    for path in folder.glob("*/*.png"):
        row, answer = (
            rows.loc[path.relative_to(folder).as_posix()],
            predictor.predict(path.read_bytes()),
        )
        assert dict(row["scores"]) == answer["scores"]
        assert row[["score", "defect_score", "decision"]].tolist() == [
            answer[name] for name in ("score", "defect_score", "decision")
        ]


def test_refusals_are_rows_with_a_reason(colours: Bundle, folder: Path):
    _, rows = score(colours, folder, limits=Limits(max_pixels=33 * 33))
    refused = rows["refused"].dropna().to_dict()
    assert refused == {
        "notes.txt": "not_an_image",
        "empty.png": "empty",
        **{f"{colour}/34.png": "too_many_pixels" for colour in COLOURS},
    }
    assert rows.loc["notes.txt", "label"] is None


def test_a_file_that_is_too_large_is_not_read_whole(colours: Bundle, folder: Path):
    with (folder / "huge.png").open("wb") as file:
        file.truncate(1 << 40)
    _, rows = score(colours, folder, limits=Limits(max_bytes=10_000, bytes_key="service.max"))
    assert rows.loc["huge.png", "refused"] == "too_many_bytes"
    assert str(rows.loc["huge.png", "detail"]).endswith("raise service.max")


def test_a_file_that_cannot_be_read_is_told(colours: Bundle, folder: Path):
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    _, rows = score(colours, folder)
    assert rows.loc["gone.png", "refused"] == "unreadable"


def test_a_pipe_is_told_and_not_waited_for(colours: Bundle, folder: Path):
    os.mkfifo(folder / "pipe.png")
    _, rows = score(colours, folder)
    assert rows.loc["pipe.png", "refused"] == "unreadable"
    assert "expected a file" in str(rows.loc["pipe.png", "detail"])


def test_a_link_out_of_the_folder_is_told_and_not_followed(colours: Bundle, folder: Path):
    outside = folder.with_name("outside")
    outside.mkdir()
    (outside / "secret.png").write_bytes(colour_png("red"))
    (folder / "link.png").symlink_to(outside / "secret.png")
    _, rows = score(colours, folder)
    assert rows.loc["link.png", "refused"] == "unreadable"
    assert "a link out of" in str(rows.loc["link.png", "detail"])


def test_names_that_are_no_unicode_are_rows(colours: Bundle, folder: Path):
    with open(os.fsencode(folder) + b"/\xff.png", "wb") as file:
        file.write(colour_png("blue"))
    for _ in range(2):
        _, rows = score(colours, folder)
        assert rows.loc["\\xff.png", "label"] == "blue"


def test_what_is_known_is_not_scored_again(colours: Bundle, folder: Path):
    _, before = score(colours, folder)
    (folder / "red" / "35.png").write_bytes(colour_png("red", 35))
    (folder / "red" / "32.png").write_bytes(colour_png("green", 36))
    (folder / "red" / "33.png").unlink()
    report, after = score(colours, folder)
    assert report.scored == 2 + report.refused
    assert after.loc["red/32.png", "label"] == "green"
    assert "red/33.png" not in after.index
    assert after.loc["blue/32.png"].equals(before.loc["blue/32.png"])


def test_another_bundle_scores_everything_anew(colours: Bundle, folder: Path, tmp_path: Path):
    score(colours, folder)
    other = Bundle.load(make_bundle(tmp_path / "bundles", gain=5))
    report, rows = score(other, folder)
    assert report.scored == report.files
    assert set(rows["bundle_id"]) == {other.bundle_id}


def test_other_thresholds_are_another_bundle(colours: Bundle, folder: Path, tmp_path: Path):
    card = colours.card.model_copy(update={"thresholds": {"pass_below": 0.5, "refuse_from": 0.5}})
    other = write_bundle(tmp_path / "bundles", card, colours.contents())
    score(colours, folder)
    _, rows = score(other, folder)
    assert rows.loc[["red/32.png", "blue/32.png"], "decision"].tolist() == ["pass", "refuse"]


KILLED = """
import os, signal, sys
from pathlib import Path
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.scoring import score
score._SAVED_EVERY = 1
def on_progress(done, total):
    if done == 5:
        os.kill(os.getpid(), signal.SIGKILL)
score.score_folder(Bundle.load(Path(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]),
                   on_progress=on_progress)
"""


def test_a_killed_run_is_gone_on_with(colours: Bundle, folder: Path):
    out = folder.parent / "out" / "scores.parquet"
    command = [sys.executable, "-c", KILLED, colours.folder, folder, out]
    killed = subprocess.run([str(part) for part in command], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not out.exists()
    report, rows = score(colours, folder)
    assert len(rows) == 11
    refused_among_the_first_five = 2
    assert report.scored == 11 - 5 + refused_among_the_first_five
    assert sorted(path.name for path in out.parent.iterdir()) == [
        ".scores.parquet.lock",
        "scores.parquet",
    ]


def test_the_file_itself_is_not_scored(colours: Bundle, folder: Path):
    out = folder / "scores.parquet"
    for _ in range(2):
        assert score_folder(colours, folder, out).files == 11


def test_one_run_writes_a_file_at_a_time(colours: Bundle, folder: Path):
    out = folder.parent / "scores.parquet"
    with file_lock(out.with_name(".scores.parquet.lock"), 0), pytest.raises(StoreLocked):
        score_folder(colours, folder, out)


@pytest.mark.parametrize("content", [b"precious", None], ids=["text", "another table"])
def test_something_else_is_not_overwritten(colours: Bundle, folder: Path, content: bytes | None):
    out = folder.parent / "scores.parquet"
    if content is None:
        pd.DataFrame({"a": [1]}).to_parquet(out)
    else:
        out.write_bytes(content)
    before = out.read_bytes()
    with pytest.raises(DatasetError, match=r"scores\.parquet"):
        score_folder(colours, folder, out)
    assert out.read_bytes() == before


def test_a_folder_that_is_not_there_is_told(colours: Bundle, tmp_path: Path):
    with pytest.raises(DatasetError, match="expected a folder"):
        score_folder(colours, tmp_path / "nowhere", tmp_path / "scores.parquet")


def test_an_empty_folder_has_no_rows(colours: Bundle, tmp_path: Path):
    (tmp_path / "images").mkdir()
    report, rows = score(colours, tmp_path / "images")
    assert (report.files, len(rows)) == (0, 0)


def test_a_summary_counts_and_shows_the_least_sure(colours: Bundle, folder: Path):
    report, rows = score(colours, folder)
    summary = summarise(report.out, n_least_sure=4)
    assert summary.labels == dict.fromkeys(COLOURS, 3)
    assert summary.refused == {"not_an_image": 1, "empty": 1}
    assert summary.decisions == {"none": 9}
    lowest = rows["score"].dropna().sort_values().iloc[:4]
    assert [score for _, _, score in summary.least_sure] == pytest.approx(lowest.tolist())
    sheet = least_sure_sheet(summary, folder)
    assert sheet is not None
    assert sheet.startswith(b"\xff\xd8")


def test_a_picture_that_is_gone_is_not_shown(colours: Bundle, folder: Path):
    report, _ = score(colours, folder)
    shutil.rmtree(folder)
    assert least_sure_sheet(summarise(report.out), folder) is None


def test_a_report_names_who_answered(colours: Bundle, folder: Path):
    report, _ = score(colours, folder)
    assert replace(report, seconds=0) == ScoreReport(
        folder.parent / "out" / "scores.parquet", colours.bundle_id, 11, 11, 2, 0
    )


def test_answers_of_a_release_without_objects_are_known(folder: Path, colours: Bundle):
    out = folder.parent / "scores.parquet"
    score_folder(colours, folder, out, threads=1)
    pq.write_table(pq.read_table(out).drop_columns("objects"), out)
    again = score_folder(colours, folder, out, threads=1)
    assert again.scored == again.refused
    assert pq.read_table(out)["objects"].null_count == pq.read_table(out).num_rows
