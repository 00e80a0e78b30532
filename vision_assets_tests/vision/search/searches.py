"""A search on drawn images; as a program, one that a test may kill.

python -m vision_assets_tests.vision.search.searches ROOT TRIALS
"""

import sys
from pathlib import Path
from typing import Any

from vision_assets.vision.search.question import Question, question_of
from vision_assets.vision.search.search import Bounds, Progress, search
from vision_assets.vision.search.study import opened
from vision_assets.vision.search.trial import Trial
from vision_assets.vision.search.worker import Training
from vision_assets.vision.tasks.classification.spec import ClassificationSpec
from vision_assets.vision.tasks.registry import load_task
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, DrawnDataset, draw_dataset

TASK = load_task("classification")
SPACE: dict[str, Any] = {
    "learning_rate": {"low": 1e-4, "high": 1e-1, "log": True},
    "augment": ["light", "none"],
}


def spec(
    space: dict[str, Any] | None = None, epochs: int = 20, **search: Any
) -> ClassificationSpec:
    """A YAML whose trainings take a second."""
    return ClassificationSpec.model_validate(
        {
            "source": {"landing": "none"},
            "recipe": {"image_size_px": 32, "epochs": epochs, "batch_size": 16, "augment": "light"},
            "search": {"space": SPACE if space is None else space, **search},
        }
    )


def question(space: dict[str, Any] | None = None, **options: Any) -> Question:
    """What is searched in tests."""
    return question_of(TASK, spec(space, **options), DATASET)


def training(drawn: DrawnDataset) -> Training:
    """Images to search on, in memory."""
    rows = drawn.manifest[drawn.manifest["split"] != "test"]
    return Training(TASK, rows, drawn.read, drawn.classes, DATASET)


def trials_of(root: Path, asked: Question) -> list[Trial]:
    """What the study of a question holds."""
    with opened(root, asked) as study:
        return study.trials()


def _say(progress: Progress) -> None:
    print(progress.line(), flush=True)


if __name__ == "__main__":
    search(
        Path(sys.argv[1]), question(), training(draw_dataset(10)), Bounds(int(sys.argv[2])), _say
    )
