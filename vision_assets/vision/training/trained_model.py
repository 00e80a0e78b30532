"""A trained model on disk: `weights.safetensors` and `model.json` in a folder of its own."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vision_assets.vision.atomic import new_folder
from vision_assets.vision.errors import TrainingError
from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.spec import Recipe
from vision_assets.vision.training.progress import EpochReport, kept_epoch
from vision_assets.vision.training.provenance import fingerprint

if TYPE_CHECKING:
    from torch import nn

    from vision_assets.vision.tasks.task import Task

SCHEMA_VERSION = 1
WEIGHTS_FILE = "weights.safetensors"
RECORD_FILE = "model.json"
ID_LENGTH = 12


@dataclass(frozen=True)
class TrainedModel:
    """What a training left behind.

    Attributes:
        folder: where it lies; its name is the model id.
        record: content of model.json: `task`, `recipe`, `classes`, `dataset`,
            `data_fingerprint`, `code_version`, `environment`, `first_weights`, `history`,
            `calibration`, `weights_sha256`.
    """

    folder: Path
    record: dict[str, Any]

    @classmethod
    def load(cls, folder: Path) -> "TrainedModel":
        """Read a trained model; the weights are verified when they are used.

        Raises:
            TrainingError: the folder holds no model, or one of another schema version.
        """
        path = folder / RECORD_FILE
        try:
            record = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise TrainingError(
                f"{path} cannot be read ({error}); a model is a folder with {WEIGHTS_FILE} and "
                f"{RECORD_FILE}: train it again"
            ) from error
        if record.get("schema_version") != SCHEMA_VERSION:
            raise TrainingError(
                f"{path} is of schema version {record.get('schema_version')!r}, this release "
                f"reads {SCHEMA_VERSION}; train the model again with this release"
            )
        return cls(folder, record)

    @property
    def model_id(self) -> str:
        """The first 12 hex digits of the fingerprint of what the model is."""
        return self.record["model_id"]

    @property
    def classes(self) -> tuple[CardClass, ...]:
        """Its classes in the order of its scores."""
        return tuple(CardClass.model_validate(entry) for entry in self.record["classes"])

    @property
    def dataset(self) -> dict[str, str]:
        """`name` and `fingerprint` of the dataset version that it was trained on."""
        return self.record["dataset"]

    @property
    def calibration(self) -> dict[str, float]:
        """What makes its scores probabilities; empty in a model of an early release."""
        return self.record.get("calibration", {})

    @property
    def first_weights(self) -> str:
        """What it started from, in words."""
        started = self.record.get("first_weights", {"source": "from scratch", "file": ""})
        return ", ".join(filter(None, (started["source"], started["file"])))

    @property
    def code_version(self) -> str:
        """Of the code that trained it."""
        return self.record["code_version"]

    @property
    def history(self) -> tuple[EpochReport, ...]:
        """One report per epoch."""
        return tuple(EpochReport(**entry) for entry in self.record["history"])

    @property
    def metrics(self) -> dict[str, float]:
        """Figures of the epoch whose weights were kept, and how long all epochs took."""
        kept = kept_epoch(self.history, self.record["recipe"].get("keep", "last"))
        return kept.metrics() | {"seconds": self.history[-1].seconds}

    def recipe(self, task: "Task") -> Recipe:
        """How it was trained."""
        return task.recipe_type.model_validate(self.record["recipe"])

    def environment_tags(self) -> dict[str, str]:
        """Code, libraries and machine as flat text, for a tracker."""
        environment = dict(self.record["environment"])
        libraries = environment.pop("libraries")
        flat = {"code_version": self.code_version, "first_weights": self.first_weights}
        flat |= environment | libraries
        return {name: str(value) for name, value in flat.items()}

    def network(self, task: "Task") -> "nn.Module":
        """The network with its weights, on the CPU, in evaluation mode.

        Raises:
            TrainingError: the weights are missing or were changed.
        """
        from safetensors.torch import load

        from vision_assets.vision.training.weights import load_weights

        weights = self.verified_weights()
        network = task.network(self.recipe(task), len(self.classes))
        load_weights(network, load(weights))
        return network.eval()

    def verified_weights(self) -> bytes:
        """The content of the file of weights.

        Raises:
            TrainingError: it is missing or was changed.
        """
        path = self.folder / WEIGHTS_FILE
        if not path.is_file():
            raise TrainingError(f"{path} is missing; train the model again")
        weights = path.read_bytes()
        found = hashlib.sha256(weights).hexdigest()
        if found != self.record["weights_sha256"]:
            raise TrainingError(
                f"{path} was changed: expected SHA-256 {self.record['weights_sha256']}, got "
                f"{found}; train the model again or restore the file"
            )
        return weights


def write_trained_model(root: Path, network: "nn.Module", record: dict[str, Any]) -> TrainedModel:
    """Write `root/<model_id>/`; a model of the same content that is there and whole stays.

    Args:
        root: folder of the use case's models.
        network: its weights are kept.
        record: model.json without `schema_version`, `model_id` and `weights_sha256`.
    """
    from safetensors.torch import save

    weights = save({name: value.contiguous() for name, value in network.state_dict().items()})
    digest = hashlib.sha256(weights).hexdigest()
    identity = [record[name] for name in ("task", "recipe", "classes", "dataset")]
    model_id = fingerprint([*identity, digest])[:ID_LENGTH]
    said = {"schema_version": SCHEMA_VERSION, "model_id": model_id, "weights_sha256": digest}
    with new_folder(root / model_id, _is_sound) as folder:
        (folder / WEIGHTS_FILE).write_bytes(weights)
        (folder / RECORD_FILE).write_text(json.dumps(said | record, indent=2, ensure_ascii=False))
    return TrainedModel.load(root / model_id)


def _is_sound(folder: Path) -> bool:
    try:
        TrainedModel.load(folder).verified_weights()
    except TrainingError:
        return False
    return True
