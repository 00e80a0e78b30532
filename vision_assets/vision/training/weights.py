"""Weights from a file: ours are safetensors, torchvision's `.pth` with a checksum.

Nothing pickled is loaded: `.pth` files are read by torch's restricted reader, which knows
tensors alone.
"""

import hashlib
import pickle
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from vision_assets.vision.errors import TrainingError

_NAMED_CHECKSUM = re.compile(r"-([0-9a-f]{8,64})\.pth$")
_SHOWN = 4
_COUNTER = "num_batches_tracked"
"""Steps of a batch normalisation, which decide nothing; older files do not have them."""


@dataclass(frozen=True)
class FirstWeights:
    """What a network started from, as model.json keeps it.

    Attributes:
        source: in words, such as `from scratch`.
        file: name of the file; empty where there is none.
        sha256: of the file.
        left: tensors of the network that the file does not give: a head of other classes.
        unused: tensors of the file that the network does not have.
    """

    source: str
    file: str = ""
    sha256: str = ""
    left: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def line(self) -> str:
        """One line for a log."""
        if not self.file:
            return f"first weights: {self.source}"
        said = [f"first weights: {self.source}, {self.file}, SHA-256 {self.sha256[:12]}"]
        if self.left:
            said.append(f"not taken, as their shapes differ: {_some(self.left)}")
        if self.unused:
            said.append(f"of no use here: {_some(self.unused)}")
        return "; ".join(said)

    def to_json(self) -> dict[str, Any]:
        """As model.json keeps it."""
        return asdict(self)


FROM_SCRATCH = FirstWeights("from scratch")


def read_weights(path: Path, sha256: str | None = None) -> tuple[dict[str, torch.Tensor], str]:
    """Tensors of a file, and its SHA-256.

    Args:
        path: `.safetensors`, or `.pth` whose name ends with the first digits of its SHA-256 as
            torchvision's do.
        sha256: what it must be, all of it or the first 8 or more hex digits.

    Raises:
        TrainingError: the file is missing, is another one, or holds more than tensors.
    """
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TrainingError(
            f"expected weights in {path} ({error}); put the file there or change recipe.weights"
        ) from error
    expected = sha256 or _named_checksum(path)
    if expected and not found.startswith(expected):
        raise TrainingError(
            f"expected {path} to have the SHA-256 {expected}, got {found}; fetch the file again "
            "from where you trust it"
        )
    return _tensors(path), found


def load_weights(network: nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Load all weights of a network, which must all be there.

    Some of torchvision's networks ask for the version of their layout, which safetensors do
    not keep: it is the one that the network has now.
    """
    state = OrderedDict(tensors)
    state._metadata = network.state_dict()._metadata  # type: ignore[attr-defined]
    network.load_state_dict(state)


def take_weights(
    network: nn.Module, tensors: Mapping[str, torch.Tensor], n_classes: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Load what fits; a head of another number of classes keeps its first weights.

    Args:
        network: gets the weights.
        tensors: by the network's own names.
        n_classes: by which its head is known: the length of the first dimension.

    Returns:
        Names of the network's tensors that were left out, and of those that nothing took.

    Raises:
        TrainingError: the weights are those of another network, or of another image size.
    """
    own = network.state_dict()
    missing = [name for name in own if name not in tensors and not name.endswith(_COUNTER)]
    other_shape = [
        name for name in own if name in tensors and own[name].shape != tensors[name].shape
    ]
    wrong = [name for name in other_shape if not _of_a_head(own[name], tensors[name], n_classes)]
    if missing or wrong:
        raise TrainingError(
            "the weights do not fit the network: "
            + "; ".join(
                f"{what}: {_some(names)}"
                for what, names in (("missing", missing), ("of another shape", wrong))
                if names
            )
            + "; name the network that they are of, and the size of images it was made for"
        )
    load_weights(
        network,
        {n: own[n] if n in other_shape else tensors.get(n, own[n]) for n in own},
    )
    return tuple(other_shape), tuple(name for name in tensors if name not in own)


def _of_a_head(own: torch.Tensor, other: torch.Tensor, n_classes: int) -> bool:
    """Whether two tensors differ in the number of classes alone."""
    return own.ndim == other.ndim and own.shape[0] == n_classes and own.shape[1:] == other.shape[1:]


def _named_checksum(path: Path) -> str | None:
    """The digits of the SHA-256 at the end of a file's name; ours need none.

    Raises:
        TrainingError: a `.pth` file without them.
    """
    if path.suffix == ".safetensors":
        return None
    named = _NAMED_CHECKSUM.search(path.name)
    if named is None:
        raise TrainingError(
            f"expected a .safetensors file, or a .pth file whose name ends with its checksum "
            f"(-<8 hex digits>.pth), got {path.name}; say recipe.weights_sha256"
        )
    return named[1]


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise TrainingError(
            f"{path} cannot be read as tensors alone ({str(error)[:300]}); give weights as a "
            ".safetensors file"
        ) from error
    if not isinstance(found, dict) or not all(isinstance(v, torch.Tensor) for v in found.values()):
        raise TrainingError(f"expected tensors by name in {path}, got something else")
    return found


def _some(names: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
