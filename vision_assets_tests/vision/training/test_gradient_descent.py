"""How a network is trained: which images, at what rate, and which weights are kept."""

import numpy as np
import pytest
import torch
from torch import nn

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.spec import Recipe
from vision_assets.vision.tasks.classification.objective import objective
from vision_assets.vision.tasks.classification.spec import ClassificationRecipe
from vision_assets.vision.tasks.task import Samples
from vision_assets.vision.training.average import MovingAverage
from vision_assets.vision.training.checkpoint import Checkpoint
from vision_assets.vision.training.device import computes_mixed
from vision_assets.vision.training.gradient_descent import descend
from vision_assets.vision.training.progress import EpochReport, ignore_progress, kept_epoch
from vision_assets.vision.training.schedule import schedule
from vision_assets.vision.training.validation import validate

CPU = torch.device("cpu")
NOTHING = Samples(np.empty((0, 8, 8, 3), np.uint8), torch.empty(0, dtype=torch.int64))


class Brightness(nn.Module):
    """Logits of two classes from the mean grey level."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head = nn.Linear(1, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head((images.mean((1, 2, 3)) - 128)[:, None] / 16)


def samples(n_dark: int, n_bright: int, seed: int = 0) -> Samples:
    """Dark and bright images whose grey levels overlap."""
    rng = np.random.default_rng(seed)
    levels = np.concatenate([rng.normal(118, 10, n_dark), rng.normal(138, 10, n_bright)])
    pixels = levels.clip(0, 255).astype(np.uint8)[:, None, None, None]
    targets = torch.tensor([0] * n_dark + [1] * n_bright)
    return Samples(np.broadcast_to(pixels, (len(levels), 8, 8, 3)), targets)


def recipe(**changes: object) -> ClassificationRecipe:
    basic = {"epochs": 4, "batch_size": 16, "augment": "none", "label_smoothing": 0}
    return ClassificationRecipe.model_validate(basic | changes)


def train(how: ClassificationRecipe, train: Samples, val: Samples = NOTHING):
    network = Brightness()
    aim = objective(how, train.targets)
    history = descend(network, aim, train, val, how, CPU, ignore_progress, Checkpoint())
    return network.eval(), history


def recall_of_bright(network: nn.Module) -> float:
    judged = samples(0, 400, seed=9)
    with torch.no_grad():
        said = network(torch.from_numpy(judged.pixels.copy()).permute(0, 3, 1, 2).float())
    return float((said.argmax(1) == 1).float().mean())


def test_a_rare_class_is_found_more_often_when_imbalance_is_met():
    few_bright = samples(380, 20)
    how = {"epochs": 15, "learning_rate": 0.05}
    recalls = {
        imbalance: recall_of_bright(train(recipe(imbalance=imbalance, **how), few_bright)[0])
        for imbalance in ("none", "weights", "sampler")
    }
    assert recalls["none"] + 0.1 < recalls["weights"] < recalls["sampler"]
    assert recalls["sampler"] > 0.75


def test_balanced_classes_need_no_weights():
    plain, _ = train(recipe(), samples(40, 40))
    weighted, _ = train(recipe(imbalance="weights"), samples(40, 40))
    assert torch.allclose(plain.head.weight, weighted.head.weight, atol=1e-6)


def test_the_loss_of_a_class_without_training_images_is_no_obstacle():
    aim = objective(recipe(imbalance="weights"), torch.tensor([0, 0, 1]))
    assert aim.loss(torch.zeros(2, 4), torch.tensor([1, 3])).isfinite()


def test_patience_ends_a_training_that_no_longer_improves():
    """The val images say the contrary of the training images."""
    contrary = samples(20, 20)
    contrary = Samples(contrary.pixels, 1 - contrary.targets)
    how = recipe(epochs=40, patience=3, learning_rate=0.02, schedule="constant")
    _, history = train(how, samples(40, 40), contrary)
    best = kept_epoch(history, "best").epoch
    assert len(history) == best + 3 < 40


def test_the_best_weights_are_kept_where_asked_for():
    contrary = samples(20, 20)
    contrary = Samples(contrary.pixels, 1 - contrary.targets)
    how = {"epochs": 6, "learning_rate": 0.05, "schedule": "constant"}
    last, history = train(recipe(**how), samples(40, 40), contrary)
    best, _ = train(recipe(keep="best", **how), samples(40, 40), contrary)
    assert kept_epoch(history, "best").epoch == 1
    assert val_loss(last, contrary) == pytest.approx(history[-1].val_loss)
    assert val_loss(best, contrary) == pytest.approx(history[0].val_loss)


def val_loss(network: nn.Module, val: Samples) -> float | None:
    return validate(network, objective(recipe(), val.targets), val, 16, CPU)[0]


@pytest.mark.parametrize("changes", [{"keep": "best"}, {"patience": 2}])
def test_what_needs_a_val_split_says_so(changes: dict):
    with pytest.raises(TrainingError, match="expected images in the val split"):
        train(recipe(**changes), samples(10, 10))


@pytest.mark.parametrize(
    ("name", "begin", "middle", "end"),
    [("one_cycle", 0.04, 0.69, 0.0), ("cosine", 0.2, 0.54, 0.0), ("constant", 0.2, 1.0, 1.0)],
)
def test_a_schedule_rises_and_falls_as_its_name_says(name, begin, middle, end):
    how = Recipe.model_validate({"schedule": name, "learning_rate": 1})
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], 1.0)
    steps = schedule(optimizer, how, 100)
    rates = []
    for _ in range(100):
        rates.append(steps.get_last_lr()[0])
        optimizer.step()
        steps.step() if len(rates) < 100 else None
    assert rates[0] == pytest.approx(begin, abs=0.01)
    assert rates[50] == pytest.approx(middle, abs=0.03)
    assert rates[99] == pytest.approx(end, abs=0.01)
    assert max(rates) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("n_steps", range(1, 12))
def test_a_training_of_few_steps_has_a_schedule(n_steps: int):
    optimizer = torch.optim.AdamW([nn.Parameter(torch.zeros(1))], 1.0)
    steps = schedule(optimizer, Recipe(), n_steps)
    for _ in range(n_steps - 1):
        optimizer.step()
        steps.step()
    assert 0 <= steps.get_last_lr()[0] < 0.1


def test_a_moving_average_lags_behind_and_arrives():
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    average = MovingAverage(network, decay=0.9)
    nn.init.ones_(network.weight)
    values = []
    for _ in range(100):
        average.follow(network)
        values.append(average.network.weight.item())
    assert values == sorted(values)
    assert 0.9 < values[0] < 1
    assert values[-1] == pytest.approx(1, abs=1e-3)


def test_the_average_is_what_is_kept():
    plain, _ = train(recipe(), samples(40, 40))
    averaged, history = train(recipe(average=0.99), samples(40, 40), samples(20, 20))
    assert not torch.equal(plain.head.weight, averaged.head.weight)
    assert history[-1].val_loss is not None


def test_mixed_precision_is_for_those_who_ask_and_for_cuda():
    assert not computes_mixed("auto", CPU)
    assert not computes_mixed("fp32", torch.device("cuda"))
    assert computes_mixed("amp", CPU)
    mixed, _ = train(recipe(precision="amp"), samples(40, 40))
    plain, _ = train(recipe(), samples(40, 40))
    assert mixed.head.weight.dtype == torch.float32
    assert not torch.equal(mixed.head.weight, plain.head.weight)
    assert torch.allclose(mixed.head.weight, plain.head.weight, atol=0.02)


def test_the_first_of_equally_good_epochs_is_the_best():
    history = [EpochReport(n, 3, 1.0, 0.5, {}, 1.0, 0.0, 1.0) for n in (1, 2, 3)]
    assert kept_epoch(history, "best").epoch == 1
    assert kept_epoch(history, "last").epoch == 3
