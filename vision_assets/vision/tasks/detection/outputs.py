"""A trained detector with the outputs of the bundle's contract."""

import torch
from torch import nn

from vision_assets.vision.tasks.detection.answer import MOST_OBJECTS, OVERLAP
from vision_assets.vision.tasks.detection.detector import Detector, strongest
from vision_assets.vision.tasks.detection.spec import DetectionRecipe
from vision_assets.vision.tasks.task import ExportableNetwork

OUTPUT_NAMES = ("boxes", "scores", "classes", "embedding", "activation")
OBJECTNESS = "how surely an object of any class is there"
CANDIDATES = 400
"""Pairs of box and class that leave the network for one view."""


class ExportableDetector(nn.Module):
    """(n, h, w, 3) uint8 -> boxes (n, m, 4), scores (n, m), classes (n, m), embedding (n, d),
    activation (n, h', w'), strongest first; boxes of one object are not made one yet."""

    def __init__(self, network: Detector) -> None:
        super().__init__()
        self.network = network
        self.eval()

    @torch.no_grad()
    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        seen = self.network(images.permute(0, 3, 1, 2).float())
        found = strongest(seen, CANDIDATES)
        return found.boxes, found.scores, found.classes, seen.embedding, seen.activation


def exportable(network: Detector, recipe: DetectionRecipe) -> ExportableNetwork:
    """The network as a bundle runs it, and how its boxes are made objects."""
    options = {
        "activation": OBJECTNESS,
        OVERLAP: str(recipe.overlap),
        MOST_OBJECTS: str(recipe.most_objects),
    }
    return ExportableNetwork(ExportableDetector(network), OUTPUT_NAMES, options)
