import subprocess
import sys

import pytest

from vision_assets.quality.suite import checks, suite
from vision_assets.vision.errors import SpecError
from vision_assets.vision.spec import ExpectationSpec, PipelineSpec, SourceSpec


def spec_with(*expectations: ExpectationSpec) -> PipelineSpec:
    return PipelineSpec(source=SourceSpec(landing="landing"), expectations=expectations)


def between(column: str, name: str | None = None, **arguments: object) -> ExpectationSpec:
    return ExpectationSpec(
        expectation="expect_column_values_to_be_between",
        arguments={"column": column, **arguments},
        name=name,
    )


def names(spec: PipelineSpec) -> list[str]:
    return [check.name for check in checks(spec)]


def test_the_default_suite_blocks_on_ids_classes_and_leaks_alone() -> None:
    blocking = {check.name for check in checks(spec_with()) if check.severity == "critical"}
    assert blocking == {
        "columns",
        "image_ids_present",
        "image_ids_unique",
        "classes_known",
        "label_set",
        "train_images_per_class",
        "no_leakage",
    }


def test_an_expectation_of_yaml_is_added_under_its_own_name() -> None:
    added = between("contrast", min_value=3)
    assert names(spec_with(added))[-4] == "column_values_to_be_between_contrast"
    assert len(names(spec_with(added))) == len(names(spec_with())) + 1


def test_an_expectation_of_the_same_name_replaces_a_default_one() -> None:
    replaced = between("brightness", name="brightness", min_value=50)
    assert names(spec_with(replaced)) == names(spec_with())
    assert replaced in suite(spec_with(replaced))


def test_two_over_one_column_need_names() -> None:
    twice = between("contrast", min_value=3), between("contrast", max_value=9)
    with pytest.raises(SpecError, match="two checks are named"):
        checks(spec_with(*twice))
    assert "high" in names(spec_with(twice[0], between("contrast", name="high", max_value=9)))


@pytest.mark.parametrize("name", ["no_leakage", "duplicates_agree", "held_out"])
def test_the_checks_between_images_cannot_be_replaced(name: str) -> None:
    with pytest.raises(SpecError, match=name):
        checks(spec_with(between("contrast", name=name)))


@pytest.mark.parametrize("name", ["with space", "", "ä"])
def test_a_name_is_one_that_dagster_takes(name: str) -> None:
    with pytest.raises(SpecError, match="letters, digits"):
        checks(spec_with(between("contrast", name=name)))


def test_an_unknown_expectation_is_told_with_those_alike() -> None:
    wrong = ExpectationSpec(expectation="expect_column_values_between", arguments={})
    with pytest.raises(SpecError, match="expect_column_values_to_be_between"):
        checks(spec_with(wrong))


def test_unknown_and_missing_arguments_are_named() -> None:
    wrong = ExpectationSpec(
        expectation="expect_column_values_to_be_in_set", arguments={"column": "label", "sett": []}
    )
    with pytest.raises(SpecError, match=r"unknown: \['sett'\], missing: \['value_set'\]"):
        checks(spec_with(wrong))


def test_no_share_needs_no_images() -> None:
    spec = spec_with().model_copy(
        update={
            "splits": spec_with().splits.model_copy(update={"train": 0.8, "val": 0, "test": 0.2})
        }
    )
    assert "val_images_per_class" not in names(spec)


def test_checks_are_known_without_anything_heavy() -> None:
    code = (
        "import sys; import vision_assets.quality.suite; "
        "print({'great_expectations', 'pandas', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
