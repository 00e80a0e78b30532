"""torchvision's detectors of one stage: RetinaNet, FCOS, SSD; their heads' outputs decoded.

torchvision makes boxes one inside of the network, image by image, which an exported model of a
free batch cannot; here all anchors leave it with their scores.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torchvision.models.detection import FCOS, RetinaNet
from torchvision.models.detection.ssd import SSD
from torchvision.ops import box_iou

from vision_assets.vision.tasks.detection.anchors import about, anchors_of, likeliest, moved
from vision_assets.vision.tasks.detection.detector import Detector, Seen
from vision_assets.vision.tasks.detection.targets import BoxTargets


@dataclass(frozen=True)
class Response:
    """What the layers give.

    Attributes:
        said: outputs of the head by torchvision's names, each (n, a, ...).
        maps: of the backbone, the finest first.
    """

    said: Mapping[str, torch.Tensor]
    maps: list[torch.Tensor]


class OneStageDetector(Detector):
    """Wraps a torchvision detector for square views of one size."""

    anchors: torch.Tensor

    def __init__(self, network: nn.Module, side_px: int) -> None:
        """Find the anchors by running the backbone once.

        Args:
            network: a RetinaNet, FCOS or SSD.
            side_px: of the views.
        """
        super().__init__()
        self.network: Any = network
        self.side_px = side_px
        with torch.no_grad():
            maps = self._maps(torch.zeros(2, 3, side_px, side_px))
        anchors, self.counts = anchors_of(self.network.anchor_generator, maps, side_px)
        self.register_buffer("anchors", anchors, persistent=False)

    def respond(self, images: torch.Tensor) -> Response:
        maps = self._maps(images)
        return Response(self.network.head(maps), maps)

    def losses(self, response: Response, targets: BoxTargets) -> dict[str, torch.Tensor]:
        wanted = torchvision_targets(targets, self.side_px, self.anchors.device, self._first_class)
        anchors = [self.anchors] * len(targets)
        said = {name: value.float() for name, value in response.said.items()}
        if isinstance(self.network, SSD):
            matches = [self._matches(each["boxes"]) for each in wanted]
            return self.network.compute_loss(wanted, said, anchors, matches)
        if isinstance(self.network, FCOS):
            return self.network.compute_loss(wanted, said, anchors, self.counts)
        return self.network.compute_loss(wanted, said, anchors)

    def see(self, response: Response) -> Seen:
        scores = self._scores(response.said)
        decode = about if isinstance(self.network, FCOS) else moved
        coder = getattr(self.network, "box_coder", None)
        weights = () if decode is about else (coder.weights,)
        boxes = decode(response.said["bbox_regression"], self.anchors, *weights)
        return Seen(
            boxes=(boxes / self.side_px).clamp(0, 1),
            scores=scores,
            embedding=response.maps[-1].mean((2, 3)),
            activation=likeliest(scores.amax(2), response.maps, self.counts),
        )

    @property
    def _first_class(self) -> int:
        """SSD counts the background as a class, the first one."""
        return int(isinstance(self.network, SSD))

    def _maps(self, images: torch.Tensor) -> list[torch.Tensor]:
        return list(self.network.backbone(images).values())

    def _scores(self, said: Mapping[str, torch.Tensor]) -> torch.Tensor:
        logits = said["cls_logits"]
        if isinstance(self.network, SSD):
            return logits.softmax(2)[..., 1:]
        if isinstance(self.network, RetinaNet):
            return logits.sigmoid()
        return (logits.sigmoid() * said["bbox_ctrness"].sigmoid()).sqrt()

    def _matches(self, boxes: torch.Tensor) -> torch.Tensor:
        """The object of each anchor, (a,) int64; -1 where it is background."""
        if not len(boxes):
            return torch.full((len(self.anchors),), -1, device=self.anchors.device)
        return self.network.proposal_matcher(box_iou(boxes, self.anchors))


def torchvision_targets(
    targets: BoxTargets, side_px: int, device: torch.device, first_class: int
) -> list[dict[str, torch.Tensor]]:
    """Objects as torchvision's losses take them: in pixels of the view, classes from 0 or 1."""
    return [
        {
            "boxes": (view.boxes * side_px).to(device),
            "labels": (view.classes + first_class).to(device),
        }
        for view in targets
    ]
