"""A home that the first release wrote, of 25 drawn images, under the code of today.

`homes/release_1.tar.xz` was made by the oldest code of this repository that has the whole chain,
with narrower layers, and without its environments, logs and snapshots of jobs.
"""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from vision_assets.cli import app
from vision_assets.home import HOME_VARIABLE, Home
from vision_assets.keeping.only_one import only_one
from vision_assets.project import DEFS_VARIABLE
from vision_assets.serving.deployments import Deployments
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.migrations.home_version import home_version, migrate, pending
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets_tests.drawing import draw_jpeg

ARCHIVE = Path(__file__).parent / "homes" / "release_1.tar.xz"
Run = Callable[..., Result]


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The home as it was, and the use case's YAML."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setenv(DEFS_VARIABLE, str(tmp_path / "defs"))
    return Home.from_environment()


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def test_it_is_read_without_a_migration(old: Home) -> None:
    store = ImageStore.open(old.store("parts"))
    ids = store.images()["image_id"].tolist()
    assert len(dict(store.read(ids))) == len(store.labels()) == 24
    assert sorted(store.quarantine()["reason"]) == ["label_conflict", "not_an_image"]
    assert len(DatasetVersions(old.datasets("parts")).get().manifest()) == 24
    (model,) = old.models("parts").iterdir()
    assert TrainedModel.load(model).metrics["seconds"] > 0


def test_its_bundle_still_answers(old: Home) -> None:
    deployments = Deployments(old.deployments("parts"))
    current = deployments.current()
    assert current is not None
    bundle = Bundle.load(deployments.bundle_folder(current))
    assert bundle.card.schema_version == 1
    assert Predictor(bundle).predict(draw_jpeg(1, "scratch"))["label"] in {"good", "scratch"}


@pytest.mark.parametrize(
    "command", [("ingest", "parts"), ("run", "parts"), ("label", "parts", ARCHIVE)]
)
def test_nothing_is_written_to_it_before_it_is_migrated(old: Home, command: tuple) -> None:
    refused = run(*command, code=1)
    assert "vision-assets migrate --backup TARGET" in refused.stderr
    assert home_version(old.root) == 1


def test_it_is_told_what_would_be_done_and_asked_for_a_backup(old: Home) -> None:
    said = json.loads(run("migrate", "--dry-run", "--json").stdout)
    assert (said["before"], said["now"], len(said["steps"])) == (1, 1, 1)
    assert "--backup" in run("migrate", code=2).stderr
    assert home_version(old.root) == 1


def test_it_is_not_migrated_under_its_servers(old: Home) -> None:
    with only_one(old.root):
        assert "run already" in run("migrate", "--no-backup", code=1).stderr
    assert home_version(old.root) == 1


def test_a_migrated_home_is_written_to(old: Home, tmp_path: Path) -> None:
    (old.landing("landing/parts") / "good" / "new.jpg").write_bytes(draw_jpeg(999))
    run("migrate", "--backup", tmp_path / "archive")
    run("backup", tmp_path / "archive", "--verify")
    run("ingest", "parts")
    assert len(ImageStore.open(old.store("parts")).images()) == 25
    assert run("migrate").output.strip().endswith("nothing to do")


def test_an_old_version_says_what_changed(old: Home) -> None:
    """The first release did not keep it."""
    migrate(old.root)
    version = DatasetVersions(old.datasets("parts")).get()
    assert version.difference.counts == version.changes
    assert version.changes["added"] == 24


@pytest.mark.parametrize("record", ["{", "[]", "{}"])
def test_a_version_that_cannot_be_read_stops_no_other(old: Home, record: str) -> None:
    damaged = old.datasets("another") / "v0001-damaged"
    damaged.mkdir(parents=True)
    (damaged / "version.json").write_text(record)
    (step,) = pending(old.root)
    assert [line.partition("/v")[0] for line in step.todo] == ["datasets/parts"]
    assert migrate(old.root) == 2
    assert DatasetVersions(old.datasets("parts")).get().changes["added"] == 24


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_whole_graph_runs_on_it(old: Home) -> None:
    from vision_assets.execution import run_graph

    before = Deployments(old.deployments("parts")).current()
    migrate(old.root)
    _compare_on_few_images(old)
    assert run_graph("parts", log_level="ERROR")
    after = Deployments(old.deployments("parts")).current()
    assert before is not None
    assert after is not None
    assert (after.previous, after.sequence) == (before.bundle_id, 2)
    first, second = DatasetVersions(old.datasets("parts")).list()
    assert second.parent == first.name
    assert not any(second.changes.values()), "groups have other names now, no image moved"


def _compare_on_few_images(old: Home) -> None:
    """The old bundle is judged again as the champion; five test images are too few to be sure."""
    yaml = old.root.parent / "defs" / "parts" / "defs.yaml"
    yaml.write_text(yaml.read_text() + "  champion: {min_n: 5, margin: 1.0}\n")
