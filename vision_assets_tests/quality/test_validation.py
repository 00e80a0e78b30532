import json
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar, Literal

import pandas as pd
import pytest

from vision_assets.quality.suite import TABLES, checks
from vision_assets.quality.validation import validate
from vision_assets.vision.dataset.build import count_images
from vision_assets.vision.dataset.object_table import object_table
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.expectation_result import ExpectationResult
from vision_assets.vision.objects import AnnotatedObject, to_text
from vision_assets.vision.spec import ExpectationSpec, PipelineSpec
from vision_assets_tests.vision.made_images import MadeImages, pipeline


def with_expectations(*expectations: ExpectationSpec) -> PipelineSpec:
    return pipeline().model_copy(update={"expectations": expectations})


def expectation(name: str, table: str = "images", **arguments: object) -> ExpectationSpec:
    return ExpectationSpec.model_validate(
        {"expectation": f"expect_{name}", "arguments": arguments, "name": "mine", "table": table}
    )


@pytest.fixture
def made() -> MadeImages:
    made = MadeImages()
    for label in ("good", "scratch", "spot"):
        made.add_many(10, label)
    return made


@pytest.fixture
def manifest(made: MadeImages, tmp_path: Path) -> pd.DataFrame:
    return DatasetVersions(tmp_path).create(made, pipeline()).manifest()


def results_of(
    manifest: pd.DataFrame, *expectations: ExpectationSpec
) -> dict[str, ExpectationResult]:
    results = validate(manifest, with_expectations(*expectations), MadeImages().classes(()))
    return {result.name: result for result in results}


def failing(results: dict[str, ExpectationResult]) -> set[str]:
    return {name for name, result in results.items() if not result.passed}


def test_a_good_dataset_passes_every_check(manifest: pd.DataFrame) -> None:
    spec = pipeline()
    results = validate(manifest, spec, MadeImages().classes(()))
    assert [result.name for result in results] == [check.name for check in checks(spec)]
    assert [result.severity for result in results] == [check.severity for check in checks(spec)]
    assert all(result.passed for result in results)


def test_results_are_json(manifest: pd.DataFrame) -> None:
    broken = manifest.assign(brightness=float("nan"), class_id=pd.array([7] * 30, "Int64"))
    for result in results_of(broken).values():
        assert json.loads(json.dumps(asdict(result), allow_nan=False)) == asdict(result)


def test_offenders_are_counted_and_some_are_named(manifest: pd.DataFrame) -> None:
    manifest.loc[[3, 4, 5], "brightness"] = [1.0, 2.0, 255.0]
    result = results_of(manifest)["brightness"]
    assert not result.passed
    assert result.severity == "warning"
    assert result.unexpected_count == 3
    assert {row["image_id"] for row in result.samples} == set(manifest["image_id"][[3, 4, 5]])
    assert all(row["source"].endswith(".jpg") for row in result.samples)


def test_an_image_smaller_than_the_rules_allow_now_warns(manifest: pd.DataFrame) -> None:
    manifest.loc[2, "height"] = 8
    results = results_of(manifest)
    assert failing(results) == {"heights"}
    assert [row["image_id"] for row in results["heights"].samples] == [manifest["image_id"][2]]


def test_samples_are_bounded(manifest: pd.DataFrame) -> None:
    result = results_of(manifest.assign(brightness=1.0))["brightness"]
    assert result.unexpected_count == 30
    assert len(result.samples) == 10


def test_a_missing_column_fails_what_needs_it_and_nothing_else(manifest: pd.DataFrame) -> None:
    results = results_of(manifest.drop(columns="sharpness"))
    assert failing(results) == {"columns", "sharpness"}
    assert results["sharpness"].exception is not None
    assert "sharpness" in results["sharpness"].exception


def test_an_id_twice_blocks(manifest: pd.DataFrame) -> None:
    results = results_of(pd.concat([manifest, manifest.iloc[:1]], ignore_index=True))
    assert "image_ids_unique" in failing(results)
    assert results["image_ids_unique"].unexpected_count == 2


def test_an_unknown_class_blocks(manifest: pd.DataFrame) -> None:
    manifest.loc[0, ["class_id", "label"]] = [9, "dent"]
    results = results_of(manifest)
    assert {"classes_known", "label_set"} <= failing(results)
    assert results["classes_known"].samples[0]["label"] == "dent"


def test_missing_labels_warn_with_their_share(made: MadeImages, tmp_path: Path) -> None:
    made.label_of = dict(list(made.label_of.items())[:20])
    result = results_of(DatasetVersions(tmp_path).create(made, pipeline()).manifest())[
        "labels_missing"
    ]
    assert (result.passed, result.severity) == (False, "warning")
    assert result.observed == "33.3 % unexpected"
    assert len(result.samples) == 10


def test_a_class_without_train_images_blocks(manifest: pd.DataFrame) -> None:
    spots = (manifest["label"] == "spot") & (manifest["split"] == "train")
    manifest.loc[spots, "split"] = "held_out"
    result = results_of(manifest)["train_images_per_class"]
    assert (result.passed, result.severity) == (False, "critical")
    assert result.samples == [{"label": "spot", "split": "train", "n": 0}]


def test_a_declared_class_without_images_warns(manifest: pd.DataFrame) -> None:
    good = manifest[manifest["label"] != "spot"]
    results = results_of(good.reset_index(drop=True))
    assert failing(results) == {"classes_without_images"}


@pytest.mark.parametrize(
    ("mine", "passed"),
    [
        (expectation("column_values_to_be_between", column="width", max_value=32), True),
        (expectation("column_values_to_be_between", column="width", max_value=31), False),
        (expectation("column_mean_to_be_between", column="contrast", min_value=19), True),
        (expectation("column_mean_to_be_between", column="contrast", min_value=21), False),
        (expectation("table_row_count_to_be_between", min_value=30), True),
        (expectation("table_row_count_to_be_between", min_value=31), False),
        (expectation("column_values_to_match_regex", column="source", regex=r"\.jpg$"), True),
        (expectation("column_values_to_match_regex", column="source", regex=r"\.png$"), False),
        (expectation("column_values_to_be_between", "counts", column="n", min_value=2), True),
        (expectation("column_values_to_be_between", "counts", column="n", min_value=3), False),
        (
            expectation("column_pair_values_to_be_equal", column_A="width", column_B="orientation"),
            False,
        ),
    ],
)
def test_what_yaml_adds_is_checked(
    manifest: pd.DataFrame, mine: ExpectationSpec, passed: bool
) -> None:
    result = results_of(manifest, mine)["mine"]
    assert (result.passed, result.exception) == (passed, None)


def test_a_condition_narrows_the_rows(manifest: pd.DataFrame) -> None:
    condition = {"row_condition": "split == 'test'", "column": "brightness", "max_value": 0}
    result = results_of(manifest, expectation("column_values_to_be_between", **condition))["mine"]
    assert result.unexpected_count == 6
    assert {row["split"] for row in result.samples} == {"test"}


def test_arguments_that_are_refused_fail_this_check_alone(manifest: pd.DataFrame) -> None:
    wrong = expectation("column_values_to_be_between", column="width", mostly="most")
    results = results_of(manifest, wrong)
    assert failing(results) == {"mine"}
    assert "refused" in str(results["mine"].exception)


def test_given_splits_that_leak_block_and_are_named(tmp_path: Path) -> None:
    made = MadeImages()
    leaking = {
        made.add(phash=0xFF00, given_split="train"),
        made.add(phash=0xFF01, given_split="test"),
    }
    made.add_many(9, given_split="val")
    result = results_of(DatasetVersions(tmp_path).create(made, pipeline()).manifest())["no_leakage"]
    assert (result.passed, result.severity) == (False, "critical")
    assert result.unexpected_count == 2
    assert {row["image_id"] for row in result.samples} == leaking
    assert {row["given_split"] for row in result.samples} == {"train", "test"}


def test_the_same_picture_under_two_labels_is_reported(tmp_path: Path) -> None:
    made = MadeImages()
    first = made.add("good", phash=9, brightness=50)
    made.add("spot", phash=9, brightness=50)
    made.add_many(9)
    manifest = DatasetVersions(tmp_path).create(made, pipeline()).manifest()
    result = results_of(manifest)["duplicates_agree"]
    assert not result.passed
    assert result.samples[0] | {"image_id": "", "source": ""} == {
        **{"image_id": "", "source": "", "label": "spot"},
        **{"duplicate_of": first, "other_label": "good"},
    }


def test_held_out_images_are_listed_but_for_duplicates(tmp_path: Path) -> None:
    made = MadeImages()
    made.add_many(2, phash=9, brightness=50)
    wrong = made.add(given_split="exam")
    made.add_many(9)
    manifest = DatasetVersions(tmp_path).create(made, pipeline()).manifest()
    result = results_of(manifest)["held_out"]
    assert result.unexpected_count == 1
    assert result.samples[0]["image_id"] == wrong


class ObjectSpec(PipelineSpec):
    """Of a task that learns from objects."""

    learns_from: ClassVar[Literal["label", "objects"]] = "objects"


def test_columns_that_yaml_may_ask_of_tables_are_those_that_are_made(
    manifest: pd.DataFrame,
) -> None:
    classes = MadeImages().classes(())
    assert set(count_images(manifest, classes)) == set(TABLES["counts"])
    assert set(object_table(manifest, classes).objects) == set(TABLES["objects"])


def of_objects(tmp_path: Path, *found: AnnotatedObject) -> dict[str, ExpectationResult]:
    """Results where each of 30 images shows a large spot, a small scratch, and what is found."""
    made, spec = MadeImages(), ObjectSpec(**dict(pipeline()))
    for _ in range(30):
        spot, scratch = AnnotatedObject(2, (0, 0, 20, 20)), AnnotatedObject(1, (1, 1, 9, 3))
        made.add("spot", [spot, scratch, *found])
    version = DatasetVersions(tmp_path / "objects").create(made, spec)
    results = validate(version.manifest(), spec, version.classes)
    return {result.name: result for result in results}


def test_an_image_counts_for_every_class_that_it_shows(tmp_path: Path) -> None:
    results = of_objects(tmp_path)
    assert failing(results) == {"classes_without_images"}
    assert {row["label"] for row in results["classes_without_images"].samples} == {"good"}


@pytest.mark.parametrize(
    ("found", "check"),
    [
        (AnnotatedObject(2, (5, 5, 5, 9)), "object_widths"),
        (AnnotatedObject(2, (5, 5, 9, 5)), "object_heights"),
        (AnnotatedObject(2, (-20, 0, 40, 40)), "object_areas"),
        (AnnotatedObject(9, (5, 5, 9, 9)), "object_classes_known"),
    ],
)
def test_a_wrong_object_blocks(tmp_path: Path, found: AnnotatedObject, check: str) -> None:
    results = of_objects(tmp_path, found)
    assert failing(results) == {check, "classes_without_images"}
    assert (results[check].severity, results[check].unexpected_count) == ("critical", 30)


def test_images_without_any_object_teach_nothing(tmp_path: Path) -> None:
    made, spec = MadeImages(), ObjectSpec(**dict(pipeline()))
    made.objects_of |= {made.add("good"): "[]" for _ in range(20)}
    version = DatasetVersions(tmp_path / "objects").create(made, spec)
    results = {result.name: result for result in validate(version.manifest(), spec, ())}
    assert not results["images_with_objects"].passed


def test_yaml_may_look_at_objects_whatever_is_learned(manifest: pd.DataFrame) -> None:
    wide = expectation("column_values_to_be_between", "objects", column="ratio", max_value=3)
    thin = manifest.assign(objects=to_text([AnnotatedObject(1, (0, 0, 30, 2))]))
    assert results_of(thin, wide)["mine"].unexpected_count == 30
    assert results_of(manifest, wide)["mine"].passed
