"""The chain on real images: landing folder, daemon, sensors, runs, endpoint, browser.

One set of servers for the whole module; the tests run in the order in which they are written.
"""

import json
import os
import re
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import httpx
import psutil
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from typer.testing import CliRunner

from vision_assets import demo
from vision_assets.assets.graph import GRAPH
from vision_assets.cli import app
from vision_assets.definitions import defs
from vision_assets.execution import instance
from vision_assets.home import HOME_VARIABLE, Home
from vision_assets.project import DEFS_VARIABLE, use_case
from vision_assets.serving.deployments import Deployments
from vision_assets.serving.endpoint import is_ready
from vision_assets.stack import Ports, Stack
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.use_case import UseCase

pytestmark = [pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(900)]

PER_CLASS = 40
DEADLINE_S = 600
# Playwright looks for five seconds, a machine with other work may take longer.
expect.set_options(timeout=60_000)
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--headless",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
STEEL_YAML = """\
type: vision_assets.ClassificationPipeline
attributes:
  source:
    landing: landing/steel
    label: pattern
    pattern: '(?P<label>.+)_(?P<number>\\d+)\\.jpg'
    settle_s: 1
    batch: {{max_wait_s: 1}}
  recipe: {{epochs: 4, image_size_px: 48}}
  gates: [{{metric: accuracy, min: 0.3}}]
  triggers: {{retrain_after: 200}}
  service: {{port: {port}}}
"""


@dataclass(frozen=True)
class Plant:
    """The servers, and what they work on."""

    home: Home
    case: UseCase
    stack: Stack
    images: Path


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Iterator[Plant]:
    root = tmp_path_factory.mktemp("plant")
    before = dict(os.environ)
    os.environ |= {HOME_VARIABLE: str(root / "home"), DEFS_VARIABLE: str(root / "defs")}
    (root / "defs" / "steel").mkdir(parents=True)
    (root / "defs" / "steel" / "defs.yaml").write_text(STEEL_YAML.format(port=_free_port()))
    home, case = Home.from_environment(), use_case("steel")
    _drop(real_data / "neu-steel" / "images", home.landing("landing/steel"))
    with Stack(home, Ports(_free_port(), _free_port())) as stack:
        yield Plant(home, case, stack, real_data / "neu-steel" / "images")
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.fail(f"expected Chromium at {CHROMIUM}; apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS, headless=True
        )
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1500, "height": 1000})
    opened.set_default_timeout(60_000)
    yield opened
    opened.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _drop(images: Path, landing: Path) -> None:
    """The first images of each class, and one broken file."""
    landing.mkdir(parents=True)
    for path in images.iterdir():
        if int(re.findall(r"_(\d+)\.jpg", path.name)[0]) <= PER_CLASS:
            shutil.copy(path, landing)
    (landing / "crazing_9999.jpg").write_bytes(b"not an image")


def _materialized(plant: Plant) -> dict[str, dg.AssetMaterialization]:
    with instance(plant.home) as dagster:
        events = {
            noun: dagster.get_latest_materialization_event(dg.AssetKey(["steel", noun]))
            for noun in GRAPH
        }
    return {
        noun: event.asset_materialization
        for noun, event in events.items()
        if event and event.asset_materialization
    }


def test_images_in_the_landing_folder_become_an_answering_endpoint(plant: Plant) -> None:
    steps = list(demo.watch(plant.home, plant.case, plant.stack, DEADLINE_S))
    assert [step.asset for step in steps if step.asset in GRAPH] == list(GRAPH)
    assert is_ready(plant.home, plant.case)


def test_every_server_listens_on_this_machine_alone(plant: Plant) -> None:
    open_ports = {
        (each.laddr.ip, each.laddr.port)
        for process in psutil.Process().children(recursive=True)
        for each in process.net_connections("inet")
        if each.status == psutil.CONN_LISTEN
    }
    assert {ip for ip, _ in open_ports} <= {"127.0.0.1", "::1"}
    served = {plant.stack.ports.dagster, plant.stack.ports.mlflow, plant.case.spec.service.port}
    assert served <= {port for _, port in open_ports}


def test_every_image_is_stored_once_and_the_broken_one_is_kept_aside(plant: Plant) -> None:
    store = ImageStore.open(plant.home.store("steel"))
    assert len(store.images()) == 6 * PER_CLASS
    assert store.quarantine()["reason"].tolist() == ["not_an_image"]


def test_the_endpoint_answers_with_the_bundle_that_was_deployed(plant: Plant) -> None:
    answer = demo.ask(plant.case, plant.images / "scratches_300.jpg")
    deployed = Deployments(plant.home.deployments("steel")).current()
    assert deployed is not None
    assert answer["versions"]["bundle_id"] == deployed.bundle_id
    assert set(answer["scores"]) == {
        "crazing",
        "inclusion",
        "patches",
        "pitted_surface",
        "rolled-in_scale",
        "scratches",
    }
    assert sum(answer["scores"].values()) == pytest.approx(1, abs=1e-4)


def test_a_text_is_refused_with_a_reason(plant: Plant) -> None:
    url = f"{demo.endpoint_url(plant.case)}/predict"
    response = httpx.post(url, files={"image": ("a.jpg", b"hello")}, timeout=30)
    assert response.status_code == 422 or response.status_code == 400
    assert response.json()["reason"] == "not_an_image"


def test_the_command_line_answers_as_the_endpoint_does(plant: Plant) -> None:
    image = str(plant.images / "scratches_300.jpg")
    expected = demo.ask(plant.case, Path(image))["scores"]
    for how in ([], ["--local"]):
        done = CliRunner().invoke(app, ["predict", "steel", image, "--json", *how])
        (answer,) = json.loads(done.stdout)
        assert answer["scores"] == pytest.approx(expected, abs=1e-5)


def test_the_command_line_says_what_is_deployed(plant: Plant) -> None:
    said = json.loads(CliRunner().invoke(app, ["status", "steel", "--json"]).stdout)["steel"]
    deployed = Deployments(plant.home.deployments("steel")).current()
    assert deployed is not None
    assert said["images"] == 6 * PER_CLASS
    assert said["answers"]["bundle_id"] == deployed.bundle_id
    assert said["answers"]["ready"]


def test_the_model_is_registered_and_is_the_champion(plant: Plant) -> None:
    import mlflow

    from vision_assets.resources.tracking import tracking_uri

    client = mlflow.MlflowClient(tracking_uri(plant.home))
    champion = client.get_model_version_by_alias("steel", "champion")
    trained = _materialized(plant)["trained_model"].metadata["reference"].value
    assert champion.tags["model_id"] == trained
    run = client.get_run(str(champion.run_id))
    assert run.data.params["epochs"] == "4"
    for name in ("train_loss", "eta_s"):
        assert len(client.get_metric_history(run.info.run_id, name)) == 4


def test_nothing_new_starts_no_second_training(plant: Plant) -> None:
    with instance(plant.home) as dagster:
        runs = dagster.get_runs(dg.RunsFilter(job_name="steel_retrain"))
    assert len(runs) == 1


@pytest.mark.browser
def test_a_person_materializes_the_graph_by_its_button(plant: Plant, page: Page) -> None:
    page.goto(f"{_dagster_ui(plant)}/locations/vision_assets/asset-groups/steel")
    page.get_by_role("button", name=re.compile("Materialize all", re.I)).click()
    page.get_by_text(re.compile("Launched run", re.I)).first.wait_for()
    with instance(plant.home) as dagster:
        run_id = dagster.get_runs(limit=1)[0].run_id
    page.goto(f"{_dagster_ui(plant)}/runs/{run_id}")
    green = page.get_by_text("Success", exact=True).first
    expect(green).to_be_visible(timeout=DEADLINE_S * 1000)
    assert _last_runs(plant) == dict.fromkeys(GRAPH, run_id)


@pytest.mark.browser
@pytest.mark.parametrize("noun", ["validated_dataset", "exported_model", "evaluation_report"])
def test_an_asset_shows_its_checks(plant: Plant, page: Page, noun: str) -> None:
    keys = defs().resolve_asset_graph().asset_check_keys
    names = [key.name for key in keys if key.asset_key.path == ["steel", noun]]
    page.goto(f"{_dagster_ui(plant)}/assets/steel/{noun}?view=checks")
    assert names
    expect(page.get_by_text(f"Checks ({len(names)})").first).to_be_visible()
    expect(page.get_by_text(min(names, key=len), exact=True).first).to_be_visible()


@pytest.mark.browser
def test_the_report_shows_its_plots(plant: Plant, page: Page) -> None:
    page.goto(f"{_dagster_ui(plant)}/assets/steel/evaluation_report?view=events")
    plot = page.locator("img[src^='data:image/png']").first
    if not plot.is_visible():
        page.get_by_text("Show Markdown").first.click()
    expect(plot).to_be_visible()
    assert plot.evaluate("image => image.naturalWidth") > 100


@pytest.mark.browser
def test_a_person_drops_a_picture_on_the_page_of_the_service(plant: Plant, page: Page) -> None:
    page.goto(demo.endpoint_url(plant.case))
    page.set_input_files("input[type=file]", plant.images / "scratches_300.jpg")
    expected = demo.ask(plant.case, plant.images / "scratches_300.jpg")["label"]
    expect(page.get_by_text(expected).first).to_be_visible()


@pytest.mark.browser
def test_the_training_is_shown_by_mlflow(plant: Plant, page: Page) -> None:
    import mlflow

    server = f"http://127.0.0.1:{plant.stack.ports.mlflow}"
    client = mlflow.MlflowClient(server)
    champion = client.get_model_version_by_alias("steel", "champion")
    run = client.get_run(str(champion.run_id)).info
    page.goto(f"{server}/#/experiments/{run.experiment_id}/runs/{run.run_id}")
    for shown in ("train_loss", "epochs"):
        expect(page.get_by_text(shown).first).to_be_visible()


def test_the_same_data_and_recipe_give_the_same_model_and_version(plant: Plant) -> None:
    versions = DatasetVersions(plant.home.datasets("steel")).list()
    assert [version.number for version in versions] == [1]
    assert len(list(plant.home.models("steel").glob("[0-9a-f]*"))) == 1


def _dagster_ui(plant: Plant) -> str:
    return f"http://127.0.0.1:{plant.stack.ports.dagster}"


def _last_runs(plant: Plant) -> dict[str, str]:
    """The run that materialized each asset of the graph last."""
    with instance(plant.home) as dagster:
        keys = {noun: dg.AssetKey(["steel", noun]) for noun in GRAPH}
        events = {noun: dagster.get_latest_materialization_event(keys[noun]) for noun in GRAPH}
    return {noun: event.run_id for noun, event in events.items() if event is not None}
