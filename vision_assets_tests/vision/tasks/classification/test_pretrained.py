"""What a network starts from, and that its images are normalised as those weights expect."""

import shutil
from pathlib import Path

import pytest
import torch
import torchvision

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.tasks.classification.network import Network, build
from vision_assets.vision.tasks.classification.pretrained import begin
from vision_assets.vision.tasks.classification.spec import ClassificationRecipe
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.first_weights import cached_weights
from vision_assets.vision.training.fit import fit
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets.vision.training.weights import FROM_SCRATCH, FirstWeights
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, DrawnDataset
from vision_assets_tests.vision.training.test_weights import save_named

SIDE_PX = 64
N_CLASSES = 5
NORMALISE = torchvision.transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.fixture
def hub(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of torch."""
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def images() -> torch.Tensor:
    return torch.randint(0, 256, (2, 3, SIDE_PX, SIDE_PX), generator=torch.manual_seed(0)).float()


def start(name: str, weights: str, files: Path, **more: object) -> tuple[Network, FirstWeights]:
    torch.manual_seed(1)
    network = build(name, N_CLASSES, SIDE_PX)
    recipe = ClassificationRecipe.model_validate(
        {"network": name, "weights": weights, "image_size_px": SIDE_PX} | more
    )
    return network, begin(network, recipe, N_CLASSES, files)


def of_imagenet(name: str, **more: object) -> torch.nn.Module:
    """torchvision's own network of 1,000 classes, with weights of this test."""
    torch.manual_seed(2)
    return torchvision.models.get_model(name, weights=None, num_classes=1000, **more).eval()


@pytest.mark.parametrize(
    ("name", "more", "n_head"),
    [
        ("resnet18", {}, 2),
        ("densenet121", {}, 2),
        ("squeezenet1_1", {}, 2),
        ("mnasnet0_5", {}, 2),
        ("googlenet", {"transform_input": True, "init_weights": True}, 2),
    ],
)
def test_torchvision_s_weights_see_images_as_they_did(name, more, n_head, tmp_path):
    theirs = of_imagenet(name, **more)
    path = save_named(theirs.state_dict(), tmp_path, name)
    network, first = start(name, f"file:{path}", tmp_path)
    assert first.source == "torchvision's"
    assert first.file == path.name
    assert len(first.left) == n_head
    with torch.no_grad():
        ours = features(network.eval(), network.backbone, images())
        expected = features(theirs, theirs, NORMALISE(images() / 255))
    assert torch.allclose(ours, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


def features(network: torch.nn.Module, within: torch.nn.Module, shown: torch.Tensor):
    """What the layer before the head gets."""
    seen: list[torch.Tensor] = []
    layers = [m for m in within.modules() if isinstance(m, torch.nn.Linear | torch.nn.Conv2d)]
    linear = [layer for layer in layers if isinstance(layer, torch.nn.Linear)]
    main = [layer for layer in linear if layer.out_features in (N_CLASSES, 1000)]
    head = (main or layers)[-1]
    hook = head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network(shown)
    hook.remove()
    return seen[-1]


def test_dense_layers_of_old_files_are_known_by_their_new_names(tmp_path):
    import re

    theirs = of_imagenet("densenet121").state_dict()
    old = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", k): v for k, v in theirs.items()
    }
    assert old.keys() != theirs.keys()
    path = save_named(old, tmp_path)
    network, _ = start("densenet121", f"file:{path}", tmp_path)
    name = "features.denseblock1.denselayer1.conv1.weight"
    assert torch.equal(network.backbone.state_dict()[name], theirs[name])


def test_the_weights_of_another_network_are_refused(tmp_path):
    path = save_named(of_imagenet("resnet34").state_dict(), tmp_path)
    with pytest.raises(TrainingError, match="do not fit|of no use"):
        start("squeezenet1_1", f"file:{path}", tmp_path)


def test_none_is_from_scratch(tmp_path):
    assert start("small", "none", tmp_path)[1] == FROM_SCRATCH


def test_auto_says_that_there_are_no_weights_of_our_own_network(hub: Path, tmp_path):
    network, first = start("small", "auto", tmp_path)
    assert first.line() == "first weights: from scratch (no weights of small)"
    assert network.mean.flatten().tolist() == [127.5] * 3


def test_auto_begins_from_scratch_rather_than_download(hub: Path, tmp_path):
    _, first = start("resnet18", "auto", tmp_path)
    assert first.line() == "first weights: from scratch (not in torch's cache: resnet18)"
    assert list(hub.iterdir()) == []


def test_auto_takes_what_lies_in_torch_s_cache(hub: Path, tmp_path, monkeypatch):
    theirs = of_imagenet("resnet18")
    path = save_named(theirs.state_dict(), hub, "resnet18")
    published = torchvision.models.ResNet18_Weights.DEFAULT.value
    monkeypatch.setattr(published, "url", f"models/{path.name}")
    network, first = start("resnet18", "auto", tmp_path)
    assert (first.source, first.file) == ("torchvision's", path.name)
    assert torch.equal(network.backbone.conv1.weight, theirs.conv1.weight)
    assert torch.allclose(network.std.flatten() / 255, torch.tensor([0.229, 0.224, 0.225]))


def test_auto_says_when_what_lies_there_does_not_fit(hub: Path, tmp_path, monkeypatch):
    path = save_named(of_imagenet("squeezenet1_0").state_dict(), hub, "resnet18")
    published = torchvision.models.ResNet18_Weights.DEFAULT.value
    monkeypatch.setattr(published, "url", f"models/{path.name}")
    _, first = start("resnet18", "auto", tmp_path)
    assert first.source.startswith(f"from scratch ({path.name}: the weights do not fit")


def test_auto_refuses_a_file_that_was_changed(hub: Path, tmp_path):
    (hub / "resnet18-f37072fd.pth").write_bytes(b"something else")
    assert cached_weights("resnet18") == hub / "resnet18-f37072fd.pth"
    with pytest.raises(TrainingError, match="to have the SHA-256 f37072fd"):
        start("resnet18", "auto", tmp_path)


def test_a_recipe_names_weights_in_one_of_three_ways():
    for wrong in ("yes", "file:", "http://x"):
        with pytest.raises(ValueError, match="weights"):
            ClassificationRecipe.model_validate({"weights": wrong})


def test_a_model_of_ours_is_a_beginning(trained: TrainedModel, drawn: DrawnDataset, tmp_path):
    """With its own classes all is taken, and a relative path begins at the folder given."""
    shutil.copy(trained.folder / "weights.safetensors", tmp_path / "first.safetensors")
    recipe = ClassificationRecipe(
        image_size_px=32, epochs=1, learning_rate=1e-5, weights="file:first.safetensors"
    )
    said: list[str] = []
    model = fit(
        load_task("classification"),
        drawn.manifest,
        drawn.read,
        recipe,
        drawn.classes,
        tmp_path / "models",
        DATASET,
        threads=1,
        say=said.append,
        files=tmp_path,
    )
    assert said[0].startswith("first weights: a model of ours, first.safetensors, SHA-256 ")
    assert model.record["first_weights"]["sha256"] == trained.record["weights_sha256"]
    assert model.metrics["val_accuracy"] >= trained.metrics["val_accuracy"] - 0.1
    assert "first.safetensors" in model.environment_tags()["first_weights"]


def test_weights_of_the_first_release_load(trained: TrainedModel):
    network = trained.network(load_task("classification"))
    early = {k: v for k, v in network.state_dict().items() if k not in ("mean", "std")}
    fresh = build("small", len(trained.classes), 32)
    fresh.load_state_dict(early)
    assert torch.equal(fresh.mean, network.mean)


def test_what_weights_expect_is_kept_with_them(tmp_path):
    """A trained model's network normalises as the weights that it began with."""
    network = build("small", 3, 32)
    network.expect((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    again = build("small", 3, 32)
    again.load_state_dict(network.state_dict())
    assert torch.allclose(again.mean.flatten() / 255, torch.tensor([0.485, 0.456, 0.406]))
