"""A trained segmentation network with the outputs of the bundle's contract."""

import torch
from torch import nn

from vision_assets.vision.tasks.segmentation.answer import LEVELS
from vision_assets.vision.tasks.segmentation.calibration import calibrated
from vision_assets.vision.tasks.segmentation.network import Network

OUTPUT_NAMES = ("probabilities", "shares", "embedding", "activation")
ACTIVATION = "probability that there is an object, the mean over 4x4 pixels"
_CELL_PX = 4


class ExportableSegmenter(nn.Module):
    """(n, h, w, 3) uint8 -> probabilities, shares, embedding, activation.

    probabilities, (n, k + 1, h, w) uint8: of each pixel in 255ths, the background first; a quarter
        of the bytes of floats, and finer than anybody reads them.
    shares, (n, k + 1) float32: mean probability of each class, not rounded.
    embedding, (n, d) float32: means of the deepest features.
    activation, (n, h / 4, w / 4) float32: probability that there is an object.
    """

    def __init__(
        self, network: Network, temperature: float = 1.0, object_offset: float = 0.0
    ) -> None:
        """Take in a network.

        Args:
            network: gives logits.
            temperature: what logits are divided by before the softmax.
            object_offset: what is then added to those of objects.
        """
        super().__init__()
        self.network = network
        self.temperature, self.object_offset = temperature, object_offset
        self._deepest: list[torch.Tensor] = []
        network.deepest.register_forward_hook(self._keep)
        self.eval()

    @torch.no_grad()
    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        logits = self.network(images.permute(0, 3, 1, 2).float())
        probabilities = torch.softmax(calibrated(logits, self.temperature, self.object_offset), 1)
        levels = (probabilities * LEVELS).round().to(torch.uint8)
        there = 1 - probabilities[:, 0]
        cells = nn.functional.avg_pool2d(there[:, None], _CELL_PX)[:, 0]
        embedding = self._deepest.pop().mean((2, 3))
        return levels, probabilities.mean((2, 3)), embedding, cells

    def _keep(self, module: nn.Module, inputs: object, output: object) -> None:
        """The last map of the deepest part, which may give several by name or in order."""
        maps = list(output.values()) if isinstance(output, dict) else output
        assert isinstance(maps, list)
        self._deepest[:] = [maps[-1]]
