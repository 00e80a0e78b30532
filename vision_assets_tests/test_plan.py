"""What a change of the YAML would rebuild."""

import json
from pathlib import Path

import pytest

from vision_assets.home import Home
from vision_assets.plan import Plan, Verdict, plan, read_use_case
from vision_assets.vision.errors import SpecError
from vision_assets.vision.training.progress import EpochReport

YAML = """\
type: vision_assets.ClassificationPipeline
attributes:
  source: {landing: landing/parts}
  recipe: {epochs: 4}
  gates: [{metric: accuracy, min: 0.8}]
  service: {port: 3100, workers: 1}
"""


def _plan(tmp_path: Path, *change: str, text: str = YAML) -> Plan:
    after = text
    for old, new in zip(change[::2], change[1::2], strict=True):
        assert old in after
        after = after.replace(old, new)
    before = read_use_case("parts", text, "before")
    return plan(Home(tmp_path), before, read_use_case("parts", after, "after"))


def _verdicts(found: Plan) -> dict[str, str]:
    return {step.asset: step.verdict.value for step in found.steps}


def _with(found: Plan, *verdicts: Verdict) -> list[str]:
    return [step.asset for step in found.steps if step.verdict in verdicts]


def test_nothing_changed_rebuilds_nothing(tmp_path):
    found = _plan(tmp_path)
    assert (found.kind, found.command) == ("unchanged", None)
    assert set(_verdicts(found).values()) == {"stays"}


def test_a_recipe_trains_again_and_keeps_the_dataset(tmp_path):
    found = _plan(tmp_path, "epochs: 4", "epochs: 8")
    assert found.trains
    assert _with(found, Verdict.STAYS) == ["raw_images", "validated_dataset"]
    assert next(s.why for s in found.steps if s.asset == "trained_model") == "recipe.epochs: 4 → 8"


def test_a_gate_is_judged_again_without_a_training(tmp_path):
    found = _plan(tmp_path, "min: 0.8", "min: 0.9")
    assert not found.trains
    assert _with(found, Verdict.JUDGE) == ["evaluation_report"]
    assert _with(found, Verdict.REBUILD) == []
    assert found.command == (
        "vision-assets run parts --select evaluation_report --select bento_service "
        "--select deployment"
    )


def test_an_entry_of_a_list_is_named_by_its_place(tmp_path):
    text = YAML.replace("min: 0.8}", "min: 0.8}, {metric: recall, min: 0.7}")
    changed = _plan(tmp_path, "min: 0.7", "min: 0.6", text=text)
    assert [str(change) for change in changed.changes] == ["gates[1].min: 0.7 → 0.6"]
    assert _with(changed, Verdict.JUDGE) == ["evaluation_report"]


def test_entries_that_come_and_go_are_named_whole(tmp_path):
    found = _plan(tmp_path, "min: 0.8}", "min: 0.8}, {metric: recall, min: 0.7}")
    (change,) = found.changes
    assert str(change).startswith("gates[1]: none → {metric: recall, min: 0.7")
    gone = _plan(tmp_path, "gates: [{metric: accuracy, min: 0.8}]", "gates: []")
    assert [(c.key, c.after) for c in gone.changes] == [("gates[0]", None)]


def test_the_order_of_a_list_counts(tmp_path):
    text = YAML.replace("  recipe:", "  slices: [line, camera]\n  recipe:")
    found = _plan(tmp_path, "[line, camera]", "[camera, line]", text=text)
    assert [str(change) for change in found.changes] == ["slices: [line, camera] → [camera, line]"]


def test_costs_make_new_thresholds_without_a_training(tmp_path):
    found = _plan(tmp_path, "  gates:", "  costs: {escape: 50}\n  gates:")
    assert not found.trains
    assert _with(found, Verdict.REBUILD)[0] == "exported_model"


def test_workers_make_the_bento_alone_anew_and_the_endpoint_has_to_start_again(tmp_path):
    found = _plan(tmp_path, "workers: 1", "workers: 2")
    assert _with(found, Verdict.REBUILD) == ["bento_service", "deployment"]
    assert found.elsewhere == {"service.workers: 1 → 2": "the endpoint, when it is started again"}


def test_triggers_rebuild_nothing(tmp_path):
    found = _plan(tmp_path, "  gates:", "  triggers: {retrain_after: 7}\n  gates:")
    assert (found.kind, found.command) == ("changed", None)
    assert list(found.elsewhere or {}) == ["triggers.retrain_after: 100 → 7"]


def test_another_landing_folder_holds_for_what_comes(tmp_path):
    found = _plan(tmp_path, "landing/parts", "landing/others")
    assert _with(found, Verdict.FROM_NOW_ON) == ["raw_images"]
    assert found.command is None


def test_stricter_expectations_look_at_the_same_dataset_again(tmp_path):
    found = _plan(tmp_path, "  gates:", "  images: {min_side_px: 64}\n  gates:")
    assert _verdicts(found)["validated_dataset"] == "judge again"
    assert not found.trains


def test_another_task_rebuilds_all(tmp_path):
    found = _plan(
        *(tmp_path, "Classification", "Detection", "metric: accuracy", "metric: recall"),
        *("landing: landing/parts", "landing: landing/parts, label: voc"),
    )
    assert found.changes[0].key == "type"
    assert found.trains


def test_anomalies_are_told_by_false_alarms_not_by_costs(tmp_path):
    text = YAML.replace("Classification", "Anomaly")
    costs = _plan(tmp_path, "  gates:", "  costs: {escape: 50}\n  gates:", text=text)
    alarms = _plan(tmp_path, "  gates:", "  false_alarms: {rate: 0.01}\n  gates:", text=text)
    assert _verdicts(costs)["exported_model"] == "stays"
    assert _verdicts(alarms)["exported_model"] == "rebuild"


def test_the_last_training_says_how_long_the_next_one_takes(tmp_path):
    folder = Home(tmp_path).models("parts") / "abc"
    folder.mkdir(parents=True)
    epoch = EpochReport(4, 4, 0.1, 0.1, {}, seconds=60.0, eta_s=0.0, images_per_s=1.0).to_json()
    record = {"schema_version": 1, "model_id": "abc", "recipe": {"epochs": 4}}
    (folder / "model.json").write_text(json.dumps(record | {"history": [epoch]}))
    found = _plan(tmp_path, "epochs: 4", "epochs: 8")
    assert found.training is not None
    assert (found.training.model_id, found.training.expected_s) == ("abc", 120)


def test_new_and_removed_use_cases(tmp_path):
    case = read_use_case("parts", YAML, "here")
    assert plan(Home(tmp_path), None, case).kind == "new"
    assert plan(Home(tmp_path), None, case).command == "vision-assets run parts"
    assert plan(Home(tmp_path), case, None).kind == "removed"


@pytest.mark.parametrize(
    "text", ["[", "type: os.path\n", "type: vision_assets.Nothing\n", "type: 3\n", "{}", ""]
)
def test_what_is_no_use_case_is_told(text):
    with pytest.raises(SpecError, match=r"the YAML of a use case in main:x"):
        read_use_case("x", text, "main:x")
