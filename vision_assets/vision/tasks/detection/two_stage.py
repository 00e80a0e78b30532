"""torchvision's detectors of two stages: Faster R-CNN, with proposals of a fixed number.

What torchvision does image by image is done for the whole batch at once, so that an exported
model takes batches of any size: proposals of all images are made one in one go, moved apart so
that those of different images never overlap.
"""

import math
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import nms, roi_align

from vision_assets.vision.tasks.detection.anchors import anchors_of, likeliest, moved
from vision_assets.vision.tasks.detection.detector import Detector, Seen
from vision_assets.vision.tasks.detection.one_stage import torchvision_targets
from vision_assets.vision.tasks.detection.targets import BoxTargets

_OF_EACH_MAP = 256
_PROPOSALS = 128
"""Before and after those of one object are made one."""

Maps = OrderedDict[str, torch.Tensor]


class TwoStageDetector(Detector):
    """Wraps a Faster R-CNN of torchvision for square views of one size."""

    anchors: torch.Tensor

    def __init__(self, network: nn.Module, side_px: int) -> None:
        """Find the anchors by running the backbone once.

        Args:
            network: a FasterRCNN.
            side_px: of the views.
        """
        super().__init__()
        self.network: Any = network
        self.side_px = side_px
        with torch.no_grad():
            maps = list(self.respond(torch.zeros(2, 3, side_px, side_px)).values())
        anchors, self.counts = anchors_of(self.network.rpn.anchor_generator, maps, side_px)
        self.register_buffer("anchors", anchors, persistent=False)

    def respond(self, images: torch.Tensor) -> Maps:
        return self.network.backbone(images)

    def losses(self, response: Maps, targets: BoxTargets) -> dict[str, torch.Tensor]:
        wanted = torchvision_targets(targets, self.side_px, self.anchors.device, first_class=1)
        n, sides = len(targets), (self.side_px, self.side_px)
        views = ImageList(torch.zeros(n, 3, *sides, device=self.anchors.device), [sides] * n)
        with _choosing(self.network.rpn, self.network.roi_heads):
            proposals, of_proposals = self.network.rpn(views, response, wanted)
            _, of_boxes = self.network.roi_heads(response, proposals, views.image_sizes, wanted)
        return of_proposals | of_boxes

    def see(self, response: Maps) -> Seen:
        maps = list(response.values())
        objectness, deltas = self._proposed(maps)
        proposals = self._chosen(objectness, moved(deltas, self.anchors).clamp(0, self.side_px))
        boxes, scores = self._judged(response, proposals)
        return Seen(
            boxes=(boxes / self.side_px).clamp(0, 1),
            scores=scores,
            embedding=maps[-1].mean((2, 3)),
            activation=likeliest(objectness, maps, self.counts),
        )

    def _proposed(self, maps: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, a) objectness in 0..1 and (n, a, 4) deltas of all anchors."""
        objectness, deltas = self.network.rpn.head(maps)
        said = [each.permute(0, 2, 3, 1).flatten(1) for each in objectness]
        sides = [each.unflatten(1, (-1, 4)).permute(0, 3, 4, 1, 2).flatten(1, 3) for each in deltas]
        return torch.cat(said, 1).sigmoid(), torch.cat(sides, 1)

    def _chosen(self, scores: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
        """(n, p, 4) proposals: the likeliest of each map, of one object the likeliest."""
        some_boxes, some_scores, levels = [], [], []
        parts = zip(scores.split(self.counts, 1), boxes.split(self.counts, 1), strict=True)
        for level, (of_map, there) in enumerate(parts):
            top = of_map.topk(min(_OF_EACH_MAP, int(of_map.shape[1])), 1)
            some_scores.append(top.values)
            some_boxes.append(there.gather(1, top.indices[..., None].expand(-1, -1, 4)))
            levels.append(torch.full_like(top.values, level))
        scores, boxes = torch.cat(some_scores, 1), torch.cat(some_boxes, 1)
        image = torch.ones_like(scores[:, :1]).cumsum(0)
        apart = (image * len(self.counts) + torch.cat(levels, 1)) * (2 * self.side_px)
        kept = nms(
            (boxes + apart[..., None]).flatten(0, 1),
            scores.flatten(),
            self.network.rpn.nms_thresh,
        )
        stays = torch.zeros_like(scores.flatten()).scatter(0, kept, torch.ones_like(kept).float())
        ranked = scores * stays.view_as(scores)
        top = ranked.topk(min(_PROPOSALS, int(scores.shape[1])), 1).indices
        return boxes.gather(1, top[..., None].expand(-1, -1, 4))

    def _judged(self, maps: Maps, proposals: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, p k, 4) boxes in pixels, as each class has its own, and (n, p k, k) scores."""
        heads, n_proposals = self.network.roi_heads, int(proposals.shape[1])
        logits, deltas = heads.box_predictor(heads.box_head(self._pooled(maps, proposals)))
        deltas = deltas.unflatten(1, (-1, 4))[:, 1:].unflatten(0, (-1, n_proposals))
        boxes = moved(deltas, proposals[:, :, None], heads.box_coder.weights)
        scores = logits.softmax(1)[:, 1:].unflatten(0, (-1, n_proposals))
        of_each = scores[..., None] * torch.eye(int(scores.shape[2])).to(scores)
        return boxes.flatten(1, 2).clamp(0, self.side_px), of_each.flatten(1, 2)

    def _pooled(self, maps: Maps, proposals: torch.Tensor) -> torch.Tensor:
        """(n p, c, h, w), each from the map that suits the proposal's size."""
        pool = self.network.roi_heads.box_roi_pool
        pooled_maps = [maps[name] for name in pool.featmap_names if name in maps]
        image = torch.ones_like(proposals[:, :, :1]).cumsum(0) - 1
        places = torch.cat([image, proposals], 2).flatten(0, 1)
        scales = [
            2.0 ** round(math.log2(int(each.shape[2]) / self.side_px)) for each in pooled_maps
        ]
        levels = _levels(places[:, 1:], scales, pool.canonical_scale, pool.canonical_level)
        found = [
            roi_align(each, places, pool.output_size, scale, pool.sampling_ratio)
            * (levels == level)[:, None, None, None]
            for level, (each, scale) in enumerate(zip(pooled_maps, scales, strict=True))
        ]
        return torch.stack(found).sum(0)


def _levels(
    boxes: torch.Tensor, scales: list[float], canonical_px: int, canonical: int
) -> torch.Tensor:
    """The map of each box by the root of its area (Lin et al., "Feature Pyramid Networks")."""
    sides = boxes[:, 2:] - boxes[:, :2]
    root = (sides[:, 0] * sides[:, 1]).clamp(min=0).sqrt()
    said = torch.floor(canonical + torch.log2(root / canonical_px + 1e-8) + 1e-6)
    coarsest, finest = -math.log2(scales[-1]), -math.log2(scales[0])
    return said.clamp(finest, coarsest) - finest


@contextmanager
def _choosing(*parts: nn.Module) -> Iterator[None]:
    """Let parts compare with targets, as in training, while their layers stay as they are."""
    before = [part.training for part in parts]
    for part in parts:
        part.training = True
    try:
        yield
    finally:
        for part, was in zip(parts, before, strict=True):
            part.training = was
