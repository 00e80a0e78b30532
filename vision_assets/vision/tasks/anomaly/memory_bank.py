"""Anomalies as patches that no normal patch is like: PatchCore with a bank of fixed size.

Roth et al., "Towards Total Recall in Industrial Anomaly Detection", 2022. The backbone is any
classification network; what it was trained on decides how much its features see.
"""

from collections.abc import Callable

import torch
from torch import nn

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.tasks.anomaly.detector import Detector
from vision_assets.vision.tasks.classification.network import Network

_FINEST, _COARSEST = 8, 16
"""Strides of the feature maps that patches are described by."""
_AROUND = 3
_FAR = 1e12


class MemoryBank(Detector):
    """(n, 3, h, w) float images, 0..255 -> (n, h', w') squared distance to normal patches.

    A patch is a cell of the feature maps at 1/8 and 1/16 of the side, averaged with the cells
    around it. The distance is the mean over its nearest neighbours in the bank, and over channels
    of deviation 1, and its square, which needs no root that magnifies rounding near 0.

    Attributes:
        backbone: keeps its head, which is of no use here.
        bank: (size, d) normal patches; those from `count` on are empty.
        count: how many there are.
        deviation: (d,) of the channels, by which patches are divided.
    """

    bank: torch.Tensor
    count: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, backbone: Network, side_px: int, size: int, neighbours: int) -> None:
        """Find the feature maps, whatever the architecture, by running it once.

        Raises:
            TrainingError: the backbone has no feature map that is fine enough.
        """
        super().__init__()
        self.backbone, self.neighbours = backbone.eval(), neighbours
        self._seen: dict[int, torch.Tensor] = {}
        for place, layer in enumerate(_feature_layers(backbone, side_px)):
            layer.register_forward_hook(self._keep(place))
        with torch.no_grad():
            n_features = int(self.patches(torch.zeros(1, 3, side_px, side_px)).shape[1])
        self.register_buffer("bank", torch.zeros(size, n_features))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("deviation", torch.ones(n_features))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.look(images)[0]

    def look(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The raw anomaly map, (n, h', w'), and the embedding, the mean patch, (n, d)."""
        patches = self.patches(images) / self.deviation[:, None, None]
        flat = patches.permute(0, 2, 3, 1).flatten(0, 2)
        found = self._nearest(flat).mean(1) / self.bank.shape[1]
        size = (int(patches.shape[2]), int(patches.shape[3]))
        return found.unflatten(0, (-1, *size)), patches.mean((2, 3))

    def patches(self, images: torch.Tensor) -> torch.Tensor:
        """Features of each patch, (n, d, h', w')."""
        self.backbone(images)
        maps = [
            nn.functional.avg_pool2d(
                self._seen[place], _AROUND, 1, _AROUND // 2, count_include_pad=False
            )
            for place in sorted(self._seen)
        ]
        size = (int(maps[0].shape[2]), int(maps[0].shape[3]))
        return torch.cat(
            [maps[0]]
            + [
                nn.functional.interpolate(each, size, mode="bilinear", align_corners=False)
                for each in maps[1:]
            ],
            1,
        )

    def fill(self, points: torch.Tensor, deviation: torch.Tensor) -> None:
        """Take the bank's patches, (m, d), that were divided by the deviation, (d,)."""
        self.bank.zero_()
        self.bank[: len(points)] = points
        self.count.fill_(len(points))
        self.deviation.copy_(deviation)

    def _nearest(self, patches: torch.Tensor) -> torch.Tensor:
        """Squared distances to the nearest of the bank, (n, d) -> (n, neighbours).

        What is the same for all of the bank is added to the nearest alone.
        """
        empty = torch.arange(len(self.bank), device=self.bank.device) >= self.count
        beside = self.bank.square().sum(1) + empty * _FAR
        away = torch.addmm(beside, patches, self.bank.T, alpha=-2)
        nearest = away.topk(self.neighbours, dim=1, largest=False).values
        return (nearest + patches.square().sum(1, keepdim=True)).clamp(min=0)

    def _keep(self, place: int) -> Callable[[nn.Module, object, torch.Tensor], None]:
        def hook(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
            del module, inputs
            self._seen[place] = output

        return hook


@torch.no_grad()
def _feature_layers(backbone: Network, side_px: int) -> list[nn.Module]:
    """The last layer of each size of map between the strides, the finest first."""
    last: dict[int, nn.Module] = {}

    def look(module: nn.Module, inputs: object, output: object) -> None:
        del inputs
        if isinstance(output, torch.Tensor) and output.ndim == 4 and module is not backbone:
            last[int(output.shape[2])] = module

    hooks = [module.register_forward_hook(look) for module in backbone.modules()]
    try:
        backbone(torch.zeros(1, 3, side_px, side_px))
    finally:
        for hook in hooks:
            hook.remove()
    wanted = [cells for cells in last if side_px // _COARSEST <= cells <= -(-side_px // _FINEST)]
    if not wanted or max(wanted) < 2:
        raise TrainingError(
            f"expected a backbone with feature maps at 1/{_FINEST} or 1/{_COARSEST} of "
            f"{side_px} px, got sides of {sorted(last)}; name another one, or raise "
            "recipe.image_size_px"
        )
    return [last[cells] for cells in sorted(wanted, reverse=True)]
