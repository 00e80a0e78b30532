"""The champion is judged again, on the images that are fair to both."""

import json
import shutil
from pathlib import Path

import pytest

from vision_assets.vision.errors import DatasetError
from vision_assets.vision.evaluation.champion import Challenge, challenge
from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.evaluation.evidence import Evidence
from vision_assets.vision.evaluation.thresholds import with_thresholds
from vision_assets.vision.inference.bundle import Bundle, Card, CardClass, write_bundle
from vision_assets.vision.spec import ChampionSpec, CostSpec
from vision_assets.vision.tasks.registry import load_task
from vision_assets_tests.vision.dataset.drawn_dataset import DrawnDataset, spec_of

TASK = load_task("classification")
ASKED = ChampionSpec(margin=0.02, min_n=20)


@pytest.fixture(scope="module")
def found(bundle: Bundle, drawn: DrawnDataset) -> Evidence:
    scorecard = evaluate(TASK, bundle, drawn.test, drawn.read)
    assert scorecard.metrics["accuracy"] > 0.8
    return Evidence(TASK, scorecard, drawn.test, CostSpec())


def with_classes(bundle: Bundle, root: Path, classes: tuple[CardClass, ...]) -> Bundle:
    """The same model under a card that orders or names its classes otherwise."""
    card = bundle.card.model_copy(
        update={"classes": classes, "thresholds": {"pass_below": 0.3, "refuse_from": 0.6}}
    )
    return write_bundle(root, card, {name: bundle.read(name) for name in bundle.card.files})


@pytest.fixture(scope="module")
def confused(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle that takes every class for another one."""
    first, *others = bundle.card.classes
    return with_classes(bundle, tmp_path_factory.mktemp("confused"), (*others, first))


def nothing(card: Card) -> list[str]:
    return []


def against(
    evidence: Evidence, champion: Bundle | None, drawn: DrawnDataset, **said: object
) -> Challenge:
    spec = ASKED.model_copy(update=said)
    return challenge(evidence, champion.folder if champion else None, nothing, drawn.read, spec)


def test_a_first_model_has_no_champion_to_beat(found: Evidence, drawn: DrawnDataset):
    result = against(found, None, drawn)
    assert result.gate.passed
    assert "no champion yet" in result.gate.text


def test_the_champion_itself_passes(found: Evidence, bundle: Bundle, drawn: DrawnDataset):
    result = against(found, bundle, drawn)
    assert result.gate.passed
    assert "is the champion itself" in result.gate.text


def test_a_worse_champion_is_beaten(found: Evidence, confused: Bundle, drawn: DrawnDataset):
    result = against(found, confused, drawn)
    assert result.gate.passed
    assert result.contest is not None
    rows = result.contest.figures.set_index("figure")
    assert rows.loc["accuracy", "new"] == found.scorecard.metrics["accuracy"]
    assert rows.loc["accuracy", "difference"] == pytest.approx(
        rows.loc["accuracy", "new"] - rows.loc["accuracy", "champion"]
    )
    assert result.contest.comparison.counts["fixed"] > 15
    assert result.contest.comparison.counts["broken"] < 3
    assert len(result.contest.images.rows) == 24


def test_a_worse_model_fails(confused: Bundle, bundle: Bundle, drawn: DrawnDataset):
    scorecard = evaluate(TASK, confused, drawn.test, drawn.read)
    worse = Evidence(TASK, scorecard, drawn.test, CostSpec())
    result = against(worse, bundle, drawn)
    assert result.gate.verdict == "failed"
    assert "the lower bound has to lie above -0.02" in result.gate.text
    assert against(worse, bundle, drawn, margin=1.1).gate.passed


def test_the_same_answers_pass_by_a_margin_and_prove_nothing_without_one(
    found: Evidence, bundle: Bundle, drawn: DrawnDataset, tmp_path: Path
):
    same = with_classes(bundle, tmp_path, bundle.card.classes)
    assert against(found, same, drawn).gate.passed
    assert against(found, same, drawn, margin=0.0).gate.verdict == "failed"


def test_fewer_escapes_are_a_gain(bundle: Bundle, drawn: DrawnDataset, tmp_path: Path):
    """A bundle that passes everything below 1 lets every defect escape."""
    bundles = {
        name: decide_at(bundle, tmp_path / name, at)
        for name, at in (("careful", 1e-6), ("careless", 1.0))
    }
    scorecards = {
        name: evaluate(TASK, one, drawn.test, drawn.read) for name, one in bundles.items()
    }
    evidence = {
        name: Evidence(TASK, scorecard, drawn.test, CostSpec())
        for name, scorecard in scorecards.items()
    }
    asked = {"metric": "escape_rate"}
    assert against(evidence["careful"], bundles["careless"], drawn, **asked).gate.passed
    result = against(evidence["careless"], bundles["careful"], drawn, **asked)
    assert result.gate.verdict == "failed"


def decide_at(bundle: Bundle, root: Path, at: float) -> Bundle:
    card = bundle.card.model_copy(update={"thresholds": {"pass_below": at, "refuse_from": at}})
    return write_bundle(root, card, {name: bundle.read(name) for name in bundle.card.files})


def test_images_that_the_champion_was_trained_on_are_left_out(
    found: Evidence, confused: Bundle, drawn: DrawnDataset
):
    seen = drawn.test["image_id"].tolist()[:3]
    result = challenge(found, confused.folder, lambda card: seen, drawn.read, ASKED)
    assert result.contest is not None
    assert result.contest.images.trained_on == 3
    assert not set(seen) & set(result.contest.images.rows["image_id"])
    assert "left out: 3 that the champion was trained on" in result.gate.text


def test_images_of_a_class_that_one_does_not_know_are_left_out(
    found: Evidence, bundle: Bundle, drawn: DrawnDataset, tmp_path: Path
):
    *known, last = bundle.card.classes
    older = with_classes(bundle, tmp_path, (*known, last.model_copy(update={"id": 99})))
    result = against(found, older, drawn, min_n=16)
    assert result.contest is not None
    assert result.contest.images.unknown_class == 8
    assert set(result.contest.images.rows["label"]) == {entry.name for entry in known}


def test_too_few_images_are_undecided(found: Evidence, confused: Bundle, drawn: DrawnDataset):
    result = against(found, confused, drawn, min_n=25)
    assert result.gate.verdict == "undecided"
    assert "24 images" in result.gate.text
    assert "what is undecided is not deployed" in result.gate.text


def test_not_knowing_what_the_champion_was_trained_on_is_undecided(
    found: Evidence, confused: Bundle, drawn: DrawnDataset
):
    def gone(card: Card) -> list[str]:
        raise DatasetError(f"there is no {card.dataset['name']}")

    result = challenge(found, confused.folder, gone, drawn.read, ASKED)
    assert result.gate.verdict == "undecided"
    assert "there is no v0001-drawn" in result.gate.text


def test_a_champion_whose_folder_is_gone_is_undecided(
    found: Evidence, drawn: DrawnDataset, tmp_path: Path
):
    result = challenge(found, tmp_path / "gone", nothing, drawn.read, ASKED)
    assert result.gate.verdict == "undecided"
    assert "champion: null" in result.gate.text


def test_a_damaged_champion_is_undecided(
    found: Evidence, confused: Bundle, drawn: DrawnDataset, tmp_path: Path
):
    folder = Path(shutil.copytree(confused.folder, tmp_path / confused.bundle_id))
    (folder / "model.onnx").write_bytes(b"damaged")
    result = challenge(found, folder, nothing, drawn.read, ASKED)
    assert result.gate.verdict == "undecided"
    assert "was changed" in result.gate.text


def test_a_champion_of_the_first_schema_is_judged(
    found: Evidence, confused: Bundle, drawn: DrawnDataset, tmp_path: Path
):
    """It decides nothing, so that a comparison of escapes is undecided, one of accuracy is not."""
    said = json.loads((confused.folder / "card.json").read_text())
    said |= {"schema_version": 1, "bundle_id": said["files"]["model.onnx"][:12], "thresholds": {}}
    folder = Path(shutil.copytree(confused.folder, tmp_path / "old"))
    (folder / "card.json").write_text(json.dumps(said))
    assert challenge(found, folder, nothing, drawn.read, ASKED).gate.passed
    of_escapes = ASKED.model_copy(update={"metric": "escape_rate"})
    assert challenge(found, folder, nothing, drawn.read, of_escapes).gate.verdict == "undecided"


def test_new_thresholds_alone_are_another_bundle(
    found: Evidence, bundle: Bundle, drawn: DrawnDataset, tmp_path: Path
):
    val = drawn.manifest[drawn.manifest["split"] == "val"]
    champion = with_thresholds(TASK, bundle, val, drawn.read, spec_of(CostSpec()), tmp_path)
    result = against(found, champion, drawn)
    assert result.gate.passed
    assert result.contest is not None
    counts = result.contest.comparison.counts
    assert (counts["fixed"], counts["broken"]) == (0, 0)
