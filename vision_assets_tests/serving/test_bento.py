"""Building, checking and running Bentos in the clean environment."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from vision_assets.home import Home
from vision_assets.serving.bento import BuiltBento, build_bento
from vision_assets.serving.bento_projects import requirements
from vision_assets.serving.check import (
    FORBIDDEN_MODULES,
    check_bento,
    differences,
    found_modules,
    taken_by,
)
from vision_assets.serving.environment import ensure_environment
from vision_assets.serving.process import ServiceProcess
from vision_assets.vision.errors import BundleError, ServiceError
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.spec import ImageRules
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.drawing import draw_jpeg
from vision_assets_tests.serving.bundles import COLOURS, colour_png, make_bundle

STORED = Path(__file__).parents[1] / "vision" / "inference" / "stored"


@pytest.fixture(scope="module")
def expected(bundle_folder) -> list[tuple[str, bytes, dict]]:
    predictor = Predictor(Bundle.load(bundle_folder))
    pictures = [(colour, colour_png(colour)) for colour in COLOURS]
    return [(f"{name}.png", data, predictor.predict(data)) for name, data in pictures]


def test_test_images_that_a_service_does_not_take_are_left_out_of_its_check(use_case, expected):
    large = ("large.png", expected[0][1] + bytes(20 * 2**20), {})
    assert taken_by(use_case.spec, [*expected, large]) == (expected, 1)
    with pytest.raises(ServiceError, match=r"raise service.max_body_bytes"):
        taken_by(use_case.spec, [large])


def test_a_service_takes_images_as_small_as_its_use_case(use_case):
    small = use_case.spec.model_copy(update={"images": ImageRules(min_side_px=8)})
    assert taken_by(small, [("small.jpg", draw_jpeg(0, side_px=12), {})])[1] == 0


def test_a_bento_is_named_by_use_case_and_bundle(built, bundle_folder):
    assert built.tag == f"colours:{bundle_folder.name}"
    assert (built.folder / "bento.yaml").is_file()


def test_a_bento_carries_its_bundle_and_no_training_code(built, bundle_folder):
    carried = built.folder / "src"
    assert Bundle.load(carried / "bundle") == Bundle(
        carried / "bundle", Bundle.load(bundle_folder).card
    )
    modules = {path.relative_to(carried).as_posix() for path in carried.rglob("*.py")}
    assert "vision_assets/vision/tasks/classification/answer.py" in modules
    assert not [name for name in modules if "train" in name or "task.py" in name or "spec" in name]


def test_building_again_changes_nothing(home, use_case, bundle_folder, built):
    before = {path: path.stat().st_mtime_ns for path in built.folder.rglob("*.y*ml")}
    assert build_bento(home, use_case, bundle_folder) == built
    assert {path: path.stat().st_mtime_ns for path in built.folder.rglob("*.y*ml")} == before


def test_nothing_but_bentos_is_left_in_the_store(home, built):
    assert [path.name for path in home.bentoml.iterdir() if path.name.startswith(".")] == []


def test_other_settings_make_another_bento_under_the_same_tag(
    home, use_case, built, bundle_folder, tmp_path
):
    other_home = Home(tmp_path)
    shutil.copytree(home.bentoml, other_home.bentoml)
    service = use_case.spec.service.model_copy(update={"max_pixels": 1234})
    spec = use_case.spec.model_copy(update={"service": service})
    again = build_bento(other_home, UseCase("colours", "classification", spec), bundle_folder)
    assert again.tag == built.tag
    assert json.loads((again.folder / "src/service.json").read_text())["max_pixels"] == 1234


def test_a_damaged_bundle_is_not_built(home, use_case, tmp_path):
    folder = make_bundle(tmp_path, gain=6.0)
    (folder / "model.onnx").write_bytes(b"x")
    with pytest.raises(BundleError):
        build_bento(home, use_case, folder)


def test_the_clean_environment_has_nothing_of_ours(home):
    assert found_modules(ensure_environment(home)) == ()
    assert found_modules(Path(sys.executable)) == FORBIDDEN_MODULES


def test_the_requirements_are_exact_and_name_no_place():
    lines = requirements().read_text()
    assert "://" not in lines
    assert {"torch", "dagster", "mlflow", "pandas"}.isdisjoint(
        line.split("==")[0] for line in lines.splitlines()
    )


def test_a_check_names_the_images_that_differ(home, built, expected):
    name, data, answer = expected[0]
    shifted = answer | {"score": answer["score"] + 2e-4}
    check = check_bento(home, built, [(name, data, shifted), expected[1], ("bad.png", b"", answer)])
    assert not check.passed
    assert [(m.image, m.status) for m in check.mismatches] == [(name, 200), ("bad.png", 422)]
    assert check.mismatches[0].differences[0].startswith("score: expected")


def test_a_check_needs_an_image(home, built):
    with pytest.raises(ServiceError, match="at least one"):
        check_bento(home, built, [])


@pytest.mark.parametrize(
    ("expected", "got", "n"),
    [
        ({"a": 1.0}, {"a": 1.00009, "id": "x"}, 0),
        ({"a": 1.0}, {"a": 1.0002}, 1),
        ({"a": 1}, {"a": 2}, 1),
        ({"a": {"b": "x", "c": 1.0}}, {"a": {"b": "y"}}, 2),
        ({"boxes": [[1.0, 2.0]]}, {"boxes": [[1.0, 2.0]]}, 0),
        ({"boxes": [[1.0, 2.0]]}, {"boxes": []}, 1),
        ({"a": float("nan")}, {"a": 1.0}, 1),
    ],
)
def test_answers_differ_by_numbers_or_by_anything_else(expected, got, n):
    assert len(differences(expected, got)) == n


def test_a_bento_that_was_moved_runs_alone_and_passes_its_check(home, built, expected, tmp_path):
    moved = Path(shutil.copytree(built.folder, tmp_path / "moved"))
    check = check_bento(home, BuiltBento(built.tag, moved), expected)
    assert check.passed
    assert (check.n, check.mismatches, check.modules) == (3, (), ())
    assert 0 < check.latency_ms["p50"] <= check.latency_ms["max"]


def test_a_bundle_of_the_first_release_is_served(home, use_case):
    folder = next((STORED / "schema_1").iterdir())
    predictor = Predictor(Bundle.load(folder))
    pictures = [(colour, colour_png(colour)) for colour in COLOURS]
    expected = [(f"{name}.png", data, predictor.predict(data)) for name, data in pictures]
    assert check_bento(home, build_bento(home, use_case, folder), expected).passed


START_AND_WAIT = """
import sys, time
from pathlib import Path
from vision_assets.home import Home
from vision_assets.serving.bento import BuiltBento
from vision_assets.serving.process import ServiceProcess
with ServiceProcess(Home(Path(sys.argv[1])), BuiltBento(sys.argv[2], Path(sys.argv[3]))) as service:
    print(service.pid, flush=True)
    time.sleep(600)
"""


def test_a_service_ends_with_the_process_that_started_it_even_a_killed_one(home, built):
    command = [sys.executable, "-c", START_AND_WAIT, home.root, built.tag, built.folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        service = psutil.Process(int(parent.stdout.readline()))
        family = [service, *service.children(True)]
        os.kill(parent.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []


def test_a_service_that_cannot_start_says_why(home: Home, built, tmp_path):
    broken = Path(shutil.copytree(built.folder, tmp_path / "broken"))
    (broken / "src/bundle/card.json").write_text("{}")
    with pytest.raises(ServiceError, match=r"(?s)cannot start.*card\.json"):
        ServiceProcess(home, BuiltBento(built.tag, broken)).start()
