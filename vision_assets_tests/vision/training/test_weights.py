"""Weights are read from files that hold tensors alone, once their checksum is right."""

import hashlib
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.training.weights import load_weights, read_weights, take_weights

TENSORS = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.tensor([1.0, 2.0])}


def save_named(tensors: object, folder: Path, name: str = "net") -> Path:
    """A `.pth` file whose name carries its checksum, as torchvision's do."""
    torch.save(tensors, folder / "unnamed.pth")
    digest = hashlib.sha256((folder / "unnamed.pth").read_bytes()).hexdigest()
    return (folder / "unnamed.pth").rename(folder / f"{name}-{digest[:8]}.pth")


def test_safetensors_are_read(tmp_path):
    save_file(TENSORS, tmp_path / "w.safetensors")
    tensors, sha256 = read_weights(tmp_path / "w.safetensors")
    assert torch.equal(tensors["weight"], TENSORS["weight"])
    assert sha256 == hashlib.sha256((tmp_path / "w.safetensors").read_bytes()).hexdigest()


def test_a_pth_file_is_read_when_its_name_tells_its_checksum(tmp_path):
    tensors, _ = read_weights(save_named(TENSORS, tmp_path))
    assert torch.equal(tensors["bias"], TENSORS["bias"])


def test_a_pth_file_of_another_checksum_is_refused(tmp_path):
    path = save_named(TENSORS, tmp_path).rename(tmp_path / "net-00000000.pth")
    with pytest.raises(TrainingError, match="to have the SHA-256 00000000, got"):
        read_weights(path)


def test_a_pth_file_without_a_checksum_is_refused(tmp_path):
    path = save_named(TENSORS, tmp_path).rename(tmp_path / "net.pth")
    with pytest.raises(TrainingError, match="recipe.weights_sha256"):
        read_weights(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_weights(path, digest)[1] == digest


def test_a_given_checksum_wins(tmp_path):
    save_file(TENSORS, tmp_path / "w.safetensors")
    with pytest.raises(TrainingError, match="fetch the file again"):
        read_weights(tmp_path / "w.safetensors", "ab" * 32)


class Harmful:
    """What a pickle may do: run a command when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_nothing_pickled_is_run(tmp_path):
    path = save_named({"weight": Harmful(tmp_path / "mark")}, tmp_path)
    with pytest.raises(TrainingError, match="cannot be read as tensors alone"):
        read_weights(path)
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("content", [b"", b"no tensors"])
def test_a_file_without_tensors_is_told(content: bytes, tmp_path):
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(TrainingError, match="cannot be read as tensors alone"):
        read_weights(tmp_path / "w.safetensors")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(TrainingError, match="change recipe.weights"):
        read_weights(tmp_path / "none.safetensors")


def test_a_head_of_other_classes_stays_as_it_was():
    network, other = nn.Linear(3, 4), nn.Linear(3, 2)
    before = network.weight.detach().clone()
    left, unused = take_weights(network, other.state_dict() | {"extra": torch.zeros(1)}, 4)
    assert left == ("weight", "bias")
    assert unused == ("extra",)
    assert torch.equal(network.weight, before)


def test_the_weights_of_another_network_are_refused():
    with pytest.raises(TrainingError, match="of another shape: weight"):
        take_weights(nn.Linear(3, 4), nn.Linear(5, 4).state_dict(), 4)
    with pytest.raises(TrainingError, match="missing: weight, bias"):
        take_weights(nn.Linear(3, 4), {}, 4)


def test_networks_that_ask_for_a_layout_version_are_loaded():
    import torchvision

    network = torchvision.models.mnasnet0_5(num_classes=2)
    load_weights(network, {name: value.clone() for name, value in network.state_dict().items()})
