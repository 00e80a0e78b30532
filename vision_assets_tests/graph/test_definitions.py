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
        ("epochs: 2", "epoch: 2", "attributes.recipe.epoch:4 did you mean epochs?"),
        ("epochs: 2", "epochs: -2", "attributes.recipe.epochs:4 greater than or equal to 1"),
        ("epochs: 2", "network: resnot18", "attributes.recipe.network:4 did you mean resnet18?"),
        ("settle_s: 0", "settle: 0", "attributes.source.settle:3 did you mean settle_s?"),
        ("settle_s: 0", "label: pattern", "attributes.source:3 (?P<label>...)"),
        ("metric: accuracy", "metrik: a", "attributes.gates.0.metrik:5 did you mean metric?"),
        ("accuracy", "acuracy", "attributes.gates.0.metric:5 did you mean accuracy?"),
        ("accuracy", "accurac/good", "attributes.gates.0.metric:5 one of auroc"),
        ("min: 0.0", "each: lin, min: 0", "attributes.gates.0.each:5 one of assigned_split"),
        ("min: 0.0", "each: class, min: 0", "attributes.gates.0.metric:5 of each class"),
        ("source:", "sourced:", "attributes.sourced:3 did you mean source?"),
        ("attributes:", "attribute:", "attribute:2 did you mean attributes?"),
        ("ClassificationPipeline", "ClasificationPipeline", "type:1 ClassificationPipeline?"),
    ],
)
def test_a_wrong_yaml_is_told_with_file_line_and_field(
    write_yaml: Callable[..., Path], before: str, after: str, said: str
) -> None:
    path = write_yaml(PARTS_YAML.replace(before, after))
    assert _told(path, said)


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("search: {space: {epoch: [1]}}", "attributes.search.space.epoch:7 no such field"),
        ("champion: {metric: acuracy}", "attributes.champion.metric:7 did you mean accuracy?"),
        ("champion: {metric: macro_auroc}", "attributes.champion.metric:7 one of accuracy"),
        ("slices: [mode, lin]", "attributes.slices.1:7 got 'lin'"),
        ("splits: {group_by: [lot]}", "attributes.splits.group_by.0:7 got 'lot'"),
        (
            "expectations: [{expectation: expect_column_to_exit, arguments: {}}]",
            "attributes.expectations.0.expectation:7 did you mean expect_column_to_exist?",
        ),
        (
            "expectations: [{expectation: expect_column_to_exist, arguments: {}}]",
            "attributes.expectations.0.arguments:7 missing: ['column']",
        ),
        (
            "expectations: [{expectation: expect_column_values_to_be_unique, "
            "arguments: {column: widht}}]",
            "attributes.expectations.0.arguments.column:7 did you mean width?",
        ),
        (
            "expectations: [{expectation: expect_column_values_to_be_unique, table: objects, "
            "arguments: {column: contrast}}]",
            "attributes.expectations.0.arguments.column:7 one of area_share",
        ),
    ],
)
def test_names_that_nothing_has_are_told_with_file_line_and_field(
    write_yaml: Callable[..., Path], added: str, said: str
) -> None:
    path = write_yaml(f"{PARTS_YAML}  {added}\n")
    assert _told(path, said)


def _told(path: Path, said: str) -> bool:
    """Whether `<field>:<line> <words>` is what is said of a YAML file."""
    place, words = said.split(" ", 1)
    field, line = place.split(":")
    with pytest.raises(SpecError) as error:
        use_case("parts")
    assert f"`{field} at {path}:{line}`" in str(error.value)
    return words in str(error.value)


def test_columns_that_a_pattern_or_a_table_gives_may_be_named(
    write_yaml: Callable[..., Path],
) -> None:
    by_line = "  slices: [line]\n  splits: {group_by: [line]}\n"
    for attributes in ("pattern: '(?P<line>.)_.*'", "label: csv, csv: labels.csv"):
        write_yaml(PARTS_YAML.replace("settle_s: 0", attributes) + by_line)
        assert use_case("parts").spec.slices == ("line",)


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
