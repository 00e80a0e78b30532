"""The best recipe survives being written, and is what a person may paste into YAML."""

from pathlib import Path

import pytest
import yaml

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.search.proposal import PROPOSAL_FILE, propose, read_proposal
from vision_assets.vision.search.study import opened
from vision_assets.vision.tasks.classification.spec import ClassificationRecipe
from vision_assets_tests.vision.search.searches import TASK, question


@pytest.fixture
def searched(tmp_path: Path) -> Path:
    """A folder with a proposal: of two trials the second is better."""
    with opened(tmp_path, question()) as study:
        for value in (0.8, 0.9):
            study.finish(study.begin().number, {"val_accuracy": value}, 2)
        propose(tmp_path, study)
    return tmp_path


def test_the_best_trial_is_proposed(searched: Path):
    proposal = read_proposal(searched)
    assert proposal is not None
    assert (proposal.trial, proposal.value, proposal.trials) == (1, 0.9, 2)
    assert set(proposal.changes) <= {"learning_rate", "augment"}
    assert proposal.recipe == question().recipe | proposal.changes


def test_its_yaml_says_the_same_recipe(searched: Path):
    proposal = read_proposal(searched)
    assert proposal is not None
    pasted = yaml.safe_load(proposal.as_yaml(TASK))["attributes"]["recipe"]
    assert ClassificationRecipe.model_validate(pasted) == proposal.of(TASK)


def test_before_a_search_there_is_none(tmp_path: Path):
    assert read_proposal(tmp_path) is None


def test_without_a_finished_trial_there_is_none(tmp_path: Path):
    with opened(tmp_path, question()) as study, pytest.raises(TrainingError, match="search on"):
        propose(tmp_path, study)


def test_a_recipe_of_another_release_is_told(searched: Path):
    proposal = read_proposal(searched)
    assert proposal is not None
    strange = proposal.model_copy(update={"recipe": {"layers": 3}})
    (searched / PROPOSAL_FILE).write_text(strange.model_dump_json())
    with pytest.raises(TrainingError, match="(?s)no recipe of this release.*search again"):
        strange.of(TASK)
