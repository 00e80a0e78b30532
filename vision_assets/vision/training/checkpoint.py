"""The state of a training after its latest epoch, so that a crash costs one epoch.

One file, safetensors with JSON in its header, named by a fingerprint of everything that
decides the result; it is replaced as a whole after each epoch and removed with the writing of
the model. Checkpoints of trainings that nobody took up again are bounded in number.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from vision_assets.vision.atomic import write_bytes
from vision_assets.vision.training.provenance import fingerprint

if TYPE_CHECKING:
    from safetensors import safe_open

CHECKPOINTS_FOLDER = ".checkpoints"
_MOST = 8
_STATE, _N_EPOCHS = "state", "epochs"


class Checkpoint:
    """Where one training keeps its state; without a path it keeps none."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path

    @classmethod
    def of(cls, root: Path, decisive: Any) -> "Checkpoint":
        """The checkpoint of the training that these facts decide.

        Args:
            root: folder of the use case's models.
            decisive: JSON-ready; data, recipe, classes, code, machine.
        """
        return cls(root / CHECKPOINTS_FOLDER / f"{fingerprint(decisive)[:32]}.safetensors")

    def save(self, state: dict[str, Any]) -> None:
        """Replace what was saved.

        Args:
            state: nested dicts, lists, numbers, text and tensors; its `history` has one entry
                per epoch.
        """
        if self.path is None:
            return
        from safetensors.torch import save

        tensors: dict[str, torch.Tensor] = {}
        text = json.dumps(_packed(state, tensors))
        said = {_STATE: text, _N_EPOCHS: str(len(state["history"]))}
        write_bytes(self.path, save(tensors, said))
        self._drop_oldest()

    def load(self) -> dict[str, Any] | None:
        """What was saved last; None where there is nothing that can be read."""
        with self._opened() as file:
            if file is None:
                return None
            tensors = {name: file.get_tensor(name) for name in file.offset_keys()}
            return _unpacked(json.loads(file.metadata()[_STATE]), tensors)

    def n_epochs(self) -> int:
        """How many epochs were done when it was saved; 0 where there is nothing to load."""
        with self._opened() as file:
            return int(file.metadata()[_N_EPOCHS]) if file else 0

    @contextmanager
    def _opened(self) -> Iterator["safe_open | None"]:
        """The file; None where there is none, or what is left of one that a full disk cut."""
        from safetensors import SafetensorError, safe_open

        if self.path is None or not self.path.exists():
            yield None
            return
        try:
            file = safe_open(self.path, "pt")
        except SafetensorError:
            yield None
            return
        with file:
            yield file

    def remove(self) -> None:
        """Nothing is left to be resumed."""
        if self.path is None:
            return
        self.path.unlink(missing_ok=True)
        with suppress(OSError):  # others are in it, or it is gone
            self.path.parent.rmdir()

    def _drop_oldest(self) -> None:
        assert self.path is not None
        saved = sorted(self.path.parent.iterdir(), key=_written_at)
        for path in saved[:-_MOST]:
            path.unlink(missing_ok=True)


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _packed(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """A value as JSON, with its tensors set aside under the names that stand for them."""
    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {"tensor": name}
    if isinstance(value, dict):
        return {"pairs": [[key, _packed(entry, tensors)] for key, entry in value.items()]}
    if isinstance(value, list | tuple):
        return [_packed(entry, tensors) for entry in value]
    return value


def _unpacked(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, list):
        return [_unpacked(entry, tensors) for entry in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return tensors[value["tensor"]]
    return {key: _unpacked(entry, tensors) for key, entry in value["pairs"]}
