"""The bundle: the one form of a model that is judged, deployed and served.

A folder, named by `bundle_id`, that never changes:

    model.onnx   images (n, h, w, 3) uint8 RGB -> the outputs of the task; normalisation,
                 head and activation function are inside
    golden.npz   a few prepared images and what the model said of them; early ones, and
                 those of huge inputs, have none
    card.json    what the model is, what it was made from, and the SHA-256 of each file
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from vision_assets.vision.atomic import new_folder
from vision_assets.vision.errors import BundleError
from vision_assets.vision.inference.geometry.windows import Picture, tiled, whole

SCHEMA_VERSION = 3
"""Of card.json; a change that readers must know of raises it."""
_READABLE = (1, 2, SCHEMA_VERSION)
CONTRACT_VERSION = 1
"""Of the inputs and outputs of model.onnx; a service takes bundles of its own contract alone."""
MODEL_FILE = "model.onnx"
CARD_FILE = "card.json"
ID_LENGTH = 12
_PLAIN = re.compile(r"[\w.-]+")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CardClass(_Part):
    """One class; its position in the card is its index in the scores, its id is stable."""

    id: int
    name: str
    defect: bool


class Tiling(_Part):
    """How a large picture is cut into tiles; see `geometry.windows.tiled`."""

    tile_px: int = Field(ge=16)
    overlap: float = Field(ge=0, le=0.9)


class InputSize(_Part):
    """What the model takes.

    Attributes:
        height_px: of one view of a picture.
        width_px: of one view.
        tiling: None where a picture is seen at once.
    """

    height_px: int = Field(ge=1)
    width_px: int = Field(ge=1)
    tiling: Tiling | None = None

    def picture(self, height_px: int, width_px: int) -> Picture:
        """Through which windows a picture of this size is seen."""
        if self.tiling is None:
            return whole(height_px, width_px)
        return tiled(height_px, width_px, self.tiling.tile_px, self.tiling.overlap)


class Card(_Part):
    """What a bundle says of itself.

    Attributes:
        dataset: `name` and `fingerprint` of the dataset version that it was trained on.
        precision: of the weights and activations inside model.onnx.
        calibration: what makes the scores probabilities, such as `temperature`; it is inside
            model.onnx already.
        options: facts of the task about its own outputs, such as the kind of activation map.
        thresholds: decision thresholds by name; empty where nothing is decided by them.
        files: SHA-256, in hex, of each file of the bundle but the card.
    """

    schema_version: int = SCHEMA_VERSION
    contract_version: int = CONTRACT_VERSION
    task: str
    use_case: str
    bundle_id: str = ""
    model_id: str
    created_at: datetime
    dataset: dict[str, str]
    code_version: str
    input: InputSize
    classes: tuple[CardClass, ...]
    precision: Literal["fp32", "int8"] = "fp32"
    calibration: dict[str, float] = {}
    thresholds: dict[str, float] = {}
    options: dict[str, str] = {}
    files: dict[str, str] = {}

    @field_validator("files")
    @classmethod
    def _files_lie_in_the_folder(cls, files: dict[str, str]) -> dict[str, str]:
        """A card may come from elsewhere; its names are opened and copied."""
        wrong = [name for name in files if name in ("", ".", "..") or not _PLAIN.fullmatch(name)]
        if wrong:
            raise ValueError(f"expected names of files in the bundle's folder, got {wrong[0]!r}")
        return files


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files were found to be what its card says.

    Attributes:
        folder: where it lies.
        card: what it says of itself.
    """

    folder: Path
    card: Card

    @classmethod
    def load(cls, folder: Path) -> "Bundle":
        """Read and verify a bundle.

        Raises:
            BundleError: a file is missing or was changed, or the bundle is of another schema
                or contract version.
        """
        card = read_card(folder)
        bundle = cls(folder, card)
        for name in card.files:
            bundle.read(name)
        expected = _expected_id(card)
        if card.bundle_id != expected:
            raise BundleError(
                f"{folder} says it is bundle {card.bundle_id}, its content is {expected}; "
                "export the model again"
            )
        return bundle

    @property
    def bundle_id(self) -> str:
        """12 hex digits over its files, its thresholds and its tiles."""
        return self.card.bundle_id

    def contents(self) -> dict[str, bytes]:
        """The bytes of all its files but the card, verified."""
        return {name: self.read(name) for name in self.card.files}

    def read(self, name: str) -> bytes:
        """The bytes of one of its files, verified.

        Raises:
            BundleError: the file is missing, not named by the card, or was changed.
        """
        if name not in self.card.files:
            raise BundleError(f"{self.folder} has no {name!r}, only {sorted(self.card.files)}")
        data = _read_bytes(self.folder / name)
        found = hashlib.sha256(data).hexdigest()
        if found != self.card.files[name]:
            raise BundleError(
                f"{self.folder / name} was changed: expected SHA-256 {self.card.files[name]}, "
                f"got {found}; export the model again or restore the file"
            )
        return data


def write_bundle(root: Path, card: Card, files: Mapping[str, bytes]) -> Bundle:
    """Write `root/<bundle_id>/`; a bundle of the same content that is there and whole stays.

    Args:
        root: folder of the use case's bundles.
        card: without its id and the hashes of its files, which are worked out here.
        files: the bytes of each file by name.
    """
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    bundle_id = content_id(hashes, card.thresholds, card.input.tiling)
    said = card.model_copy(
        update={"schema_version": SCHEMA_VERSION, "bundle_id": bundle_id, "files": hashes}
    )
    with new_folder(root / bundle_id, _is_sound) as folder:
        for name, data in files.items():
            (folder / name).write_bytes(data)
        (folder / CARD_FILE).write_text(
            json.dumps(said.model_dump(mode="json"), indent=2, ensure_ascii=False)
        )
    return Bundle.load(root / bundle_id)


def _is_sound(folder: Path) -> bool:
    try:
        Bundle.load(folder)
    except BundleError:
        return False
    return True


def content_id(
    files: Mapping[str, str], thresholds: Mapping[str, float], tiling: Tiling | None = None
) -> str:
    """The id of a bundle: 12 hex digits over what decides its answers.

    Args:
        files: SHA-256, in hex, by name of file.
        thresholds: by name.
        tiling: of pictures; where there is none, it does not count.
    """
    said = [dict(files), dict(thresholds), *([tiling.model_dump()] if tiling else [])]
    content = json.dumps(said, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:ID_LENGTH]


def _expected_id(card: Card) -> str:
    """Bundles of schema version 1 had no thresholds and were named by their model alone."""
    if card.schema_version == 1:
        return card.files.get(MODEL_FILE, "none")[:ID_LENGTH]
    return content_id(card.files, card.thresholds, card.input.tiling)


def read_card(folder: Path) -> Card:
    """What a bundle says of itself; whether its files are so is for `Bundle.load`.

    Raises:
        BundleError: the card is missing, damaged, or of another schema or contract version.
    """
    path = folder / CARD_FILE
    try:
        said: Any = json.loads(_read_bytes(path))
    except ValueError as error:
        raise BundleError(f"{path} is not JSON ({error}); export the model again") from error
    if not isinstance(said, dict):
        raise BundleError(f"{path} must hold a JSON object, got {type(said).__name__}")
    for field, known in (
        ("schema_version", _READABLE),
        ("contract_version", (CONTRACT_VERSION,)),
    ):
        if said.get(field) not in known:
            raise BundleError(
                f"{path} is of {field} {said.get(field)!r}, this release reads "
                f"{' and '.join(map(str, known))}; export the model again with this release"
            )
    try:
        return Card.model_validate(said)
    except ValidationError as error:
        raise BundleError(f"{path} is not a bundle's card: {error}") from error


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(
            f"{path} cannot be read ({error.strerror}); a bundle is a folder with "
            f"{MODEL_FILE} and {CARD_FILE}, made by exporting a model"
        ) from error
