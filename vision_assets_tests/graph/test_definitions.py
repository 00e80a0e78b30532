"""The code location: what it holds, what it refuses, and what it does not import."""

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from vision_assets.assets.graph import BATCH_PREDICTIONS, BESIDE, GRAPH, SEARCH, pools
from vision_assets.automation.status import STATUS
from vision_assets.definitions import defs
from vision_assets.execution import bound_pools, instance
from vision_assets.home import Home
from vision_assets.project import broken_use_cases, use_case
from vision_assets.vision.errors import SpecError
from vision_assets_tests.graph.conftest import PARTS_YAML

HEAVY = (
    *("torch", "mlflow", "great_expectations", "bentoml", "lance", "sklearn", "matplotlib"),
    "optuna",
)


def test_a_use_case_is_a_graph_of_seven_assets_and_those_beside_it(
    write_yaml: Callable[..., Path],
) -> None:
    write_yaml()
    graph = defs().resolve_asset_graph()
    groups = {key.path[-1]: graph.get(key).group_name for key in graph.get_all_asset_keys()}
    beside = {*BESIDE, STATUS} - {BATCH_PREDICTIONS}  # only where the YAML has a section `score`
    in_the_graph, by_hand = dict.fromkeys(GRAPH, "parts"), dict.fromkeys(beside, "parts_by_hand")
    assert groups == in_the_graph | by_hand


def test_the_search_hangs_on_the_dataset_and_shares_the_pool_of_training(
    write_yaml: Callable[..., Path],
) -> None:
    write_yaml()
    search = defs().resolve_asset_graph().get(dg.AssetKey(["parts", SEARCH]))
    assert [parent.path[-1] for parent in search.parent_keys] == ["validated_dataset"]
    assert not search.child_keys
    assert search.pools == {"training"}


def test_every_pool_is_one_that_is_bounded_before_the_first_run(
    write_yaml: Callable[..., Path],
) -> None:
    write_yaml(PARTS_YAML + "  score: {folder: to-score}\n")
    graph = defs().resolve_asset_graph()
    used = {pool for key in graph.get_all_asset_keys() for pool in graph.get(key).pools or ()}
    assert used == set(pools(use_case("parts")))


def test_pools_are_bounded_and_a_limit_that_a_person_set_stays(
    write_yaml: Callable[..., Path], home: Home
) -> None:
    write_yaml()
    cases = [use_case("parts")]
    bound_pools(home, cases)
    with instance(home) as dagster:
        dagster.event_log_storage.set_concurrency_slots("training", 2)
    bound_pools(home, cases)
    with instance(home) as dagster:
        limits = {pool.name: pool.limit for pool in dagster.event_log_storage.get_pool_limits()}
    assert limits == dict.fromkeys(pools(cases[0]), 1) | {"training": 2}


def test_nothing_that_is_made_by_hand_is_in_the_job(write_yaml: Callable[..., Path]) -> None:
    write_yaml()
    job = defs().resolve_job_def("parts_retrain")
    nouns = {key.path[-1] for key in job.asset_layer.executable_asset_keys}
    assert not nouns & set(BESIDE)


def test_the_status_is_made_by_no_run(write_yaml: Callable[..., Path]) -> None:
    write_yaml()
    assert not defs().resolve_asset_graph().get(dg.AssetKey(["parts", STATUS])).is_executable


def test_an_asset_may_be_asked_to_stay_fresh(write_yaml: Callable[..., Path]) -> None:
    write_yaml(PARTS_YAML + "  freshness: {raw_images_hours: 24}\n")
    graph = defs().resolve_asset_graph()
    policies = {
        noun: graph.get(dg.AssetKey(["parts", noun])).freshness_policy
        for noun in ("raw_images", "validated_dataset", "deployment")
    }
    assert policies == {
        "raw_images": dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=24)),
        "validated_dataset": None,
        "deployment": None,
    }


def test_each_asset_depends_on_the_one_before(write_yaml: Callable[..., Path]) -> None:
    write_yaml()
    graph = defs().resolve_asset_graph()
    for place, noun in enumerate(GRAPH):
        key = dg.AssetKey(["parts", noun])
        expected = list(GRAPH[max(0, place - 1) : place])
        assert [parent.path[-1] for parent in graph.get(key).parent_keys] == expected


def test_leakage_parity_gates_and_answers_block(write_yaml: Callable[..., Path]) -> None:
    write_yaml()
    graph = defs().resolve_asset_graph()
    blocking = {key.name for key in graph.asset_check_keys if graph.get_check_spec(key).blocking}
    assert {"no_leakage", "parity", "gate_accuracy", "answers_match"} <= blocking


def test_two_use_cases_share_no_name(write_yaml: Callable[..., Path]) -> None:
    write_yaml()
    other = PARTS_YAML.replace("landing/parts", "landing/panels")
    write_yaml(f"{other}  service: {{port: 3101}}\n", "panels")
    names = [sensor.name for sensor in defs().sensors or ()]
    assert len(names) == len(set(names)) == 10


def test_loading_imports_nothing_heavy(write_yaml: Callable[..., Path]) -> None:
    write_yaml()
    code = (
        "import sys; from vision_assets.definitions import defs; defs().get_repository_def();"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("epochs: 2", "epoch: 2", "epoch"),
        ("epochs: 2", "epochs: -2", "greater than or equal to 1"),
        ("settle_s: 0", "settle: 0", "settle"),
        ("settle_s: 0", "label: pattern", "pattern"),
        ("metric: accuracy", "metrik: accuracy", "metrik"),
        ("source:", "sourced:", "sourced"),
        ("triggers:", "search: {space: {epoch: [1]}}\n  triggers:", "search.space.epoch"),
    ],
)
def test_a_wrong_yaml_is_told_with_file_line_and_field(
    write_yaml: Callable[..., Path], before: str, after: str, said: str
) -> None:
    path = write_yaml(PARTS_YAML.replace(before, after))
    with pytest.raises(SpecError) as error:
        use_case("parts")
    assert said in str(error.value)
    assert f"{path}:" in str(error.value)


@pytest.mark.parametrize(
    ("schedule", "field"),
    [
        ("{cron: 0 3 * *}", "cron"),
        ("{cron: 0 25 * * *}", "cron"),
        ("{cron: 0 3 31 2 *}", "cron"),
        ("{timezone: Europe/Belrin}", "timezone"),
        ("{timezone: ''}", "timezone"),
        ("{timezone: ../UTC}", "timezone"),
    ],
)
def test_a_wrong_schedule_is_told_to_all_who_ask(
    write_yaml: Callable[..., Path], schedule: str, field: str
) -> None:
    write_yaml(f"{PARTS_YAML}  schedule: {schedule}\n")
    told = str(broken_use_cases()["parts"])
    assert re.search(rf"attributes.schedule.{field} at .*defs.yaml:7", told)
    assert [key.path for key in defs().resolve_asset_graph().get_all_asset_keys()] == [
        ["parts", "does_not_load"]
    ]


def test_a_use_case_that_is_not_there_is_named_with_those_that_are(
    write_yaml: Callable[..., Path],
) -> None:
    write_yaml()
    with pytest.raises(SpecError, match=r"no use case 'part'.*there are: parts"):
        use_case("part")


def test_an_unknown_expectation_is_refused_with_a_suggestion(
    write_yaml: Callable[..., Path],
) -> None:
    wrong = "  expectations: [{expectation: expect_column_value_to_be_between}]\n"
    write_yaml(PARTS_YAML + wrong)
    with pytest.raises(SpecError, match="expect_column_values_to_be_between"):
        use_case("parts")
