"""A trained classification network with the outputs of the bundle's contract."""

import math

import torch
from torch import nn

from vision_assets.vision.errors import TrainingError

OUTPUT_NAMES = ("scores", "embedding", "activation")
CLASS_ACTIVATION = "class activation map of the top class"
FEATURE_NORM = "L2 norm of the last feature map"
_TOLERANCE = 1e-4


class ExportableClassifier(nn.Module):
    """(n, h, w, 3) uint8 -> scores (n, k), embedding (n, d), activation (n, h', w').

    The embedding is what the head takes. The activation map is that of the top class where the
    head is linear over pooled features (Zhou et al., "Learning Deep Features for
    Discriminative Localization", 2016), otherwise the L2 norm of the last feature map.

    Attributes:
        activation_kind: which of the two.
    """

    def __init__(self, network: nn.Module, side_px: int, temperature: float = 1.0) -> None:
        """Find head and last feature map, whatever the architecture, by running it once.

        Args:
            network: gives logits.
            side_px: side of its images.
            temperature: what logits are divided by before the softmax.

        Raises:
            TrainingError: the network has no feature map of more than one pixel.
        """
        super().__init__()
        self.network = network
        self.temperature = temperature
        self.eval()
        self._seen: dict[str, torch.Tensor] = {}
        self._head = _head(network)
        probe = torch.randint(0, 256, (2, 3, side_px, side_px)).float()
        features = _last_with_map(network, self._head, probe)
        self._head.register_forward_pre_hook(self._keep_embedding)
        features.register_forward_hook(self._keep_features)
        self.activation_kind = self._kind(probe)

    @torch.no_grad()
    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        logits = self.network(images.permute(0, 3, 1, 2).float())
        embedding = self._seen["embedding"]
        if embedding.ndim == 4:
            embedding = embedding.mean((2, 3))
        return torch.softmax(logits / self.temperature, 1), embedding, self._activation(logits)

    def _activation(self, logits: torch.Tensor) -> torch.Tensor:
        features = self._seen["features"]
        if self.activation_kind == FEATURE_NORM:
            return features.square().sum(1).sqrt()
        assert isinstance(self._head, nn.Linear), "only a linear head has class activation maps"
        top = self._head.weight[logits.argmax(1)]
        weights = top.unflatten(1, (-1, features.shape[1])).sum(1)
        return (features * weights[:, :, None, None]).sum(1)

    @torch.no_grad()
    def _kind(self, probe: torch.Tensor) -> str:
        self.network(probe)
        features, embedding = self._seen["features"], self._seen["embedding"]
        average = features.mean((2, 3))
        pooled = (average, torch.cat([average, features.amax((2, 3))], 1))
        linear = any(
            each.shape == embedding.shape
            and torch.allclose(each, embedding, rtol=_TOLERANCE, atol=_TOLERANCE)
            for each in pooled
        )
        return CLASS_ACTIVATION if linear else FEATURE_NORM

    def _keep_embedding(self, module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        self._seen["embedding"] = inputs[0]

    def _keep_features(
        self, module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor
    ) -> None:
        features = _as_map(output)
        assert features is not None
        self._seen["features"] = features


def _head(network: nn.Module) -> nn.Module:
    """The last linear layer, or the last convolution where there is none (SqueezeNet)."""
    modules = list(network.modules())
    for kind in (nn.Linear, nn.Conv2d):
        found = [module for module in modules if isinstance(module, kind)]
        if found:
            return found[-1]
    raise TrainingError(f"{type(network).__name__} has neither a linear layer nor a convolution")


@torch.no_grad()
def _last_with_map(network: nn.Module, head: nn.Module, probe: torch.Tensor) -> nn.Module:
    """The module whose output is the last feature map before the head."""
    with_map: list[nn.Module] = []
    reached_head: list[bool] = []

    def look(module: nn.Module, inputs: object, output: object) -> None:
        if not reached_head and isinstance(output, torch.Tensor) and _as_map(output) is not None:
            with_map.append(module)

    hooks = [module.register_forward_hook(look) for module in network.modules()]
    hooks.append(head.register_forward_pre_hook(lambda *_: reached_head.append(True)))
    try:
        network(probe)
    finally:
        for hook in hooks:
            hook.remove()
    if not with_map:
        raise TrainingError(
            f"the network has no feature map of more than one pixel for images of "
            f"{probe.shape[-1]} px; raise recipe.image_size_px"
        )
    return with_map[-1]


def _as_map(output: torch.Tensor) -> torch.Tensor | None:
    """A module's output as (n, c, h, w) with more than one pixel, where it is such a map.

    The tokens of a vision transformer, (n, 1 + side * side, c), are one without the first.
    """
    if output.ndim == 4:
        return output if output.shape[2] * output.shape[3] > 1 else None
    if output.ndim != 3:
        return None
    side = math.isqrt(int(output.shape[1]) - 1) if output.shape[1] > 1 else 0
    if side < 2 or side * side + 1 != output.shape[1]:
        return None
    return output[:, 1:].transpose(1, 2).unflatten(2, (side, side))
