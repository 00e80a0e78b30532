"""Where objects on images are said, and what becomes of an annotation that is wrong."""

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from vision_assets.vision.spec.base import Spec

_COLOUR = re.compile(r"#[0-9a-f]{6}")
MAX_VALUE = 65535


class AnnotationErrors(Spec):
    """What is done, per kind of error; all of it is counted and shown.

    refuse: the image goes to the quarantine. drop: the object is left out; of an error in the
    whole file, what it says of the image, which then counts as unlabelled. clip: the object is
    cut at the border. keep: told, nothing else.
    """

    no_area: Literal["drop", "refuse"] = Field(
        default="drop", description="A box or mask without any area."
    )
    outside: Literal["clip", "drop", "refuse"] = Field(
        default="clip", description="An object that is partly outside of its image."
    )
    wholly_outside: Literal["drop", "refuse"] = Field(
        default="drop", description="An object that lies outside of its image."
    )
    unknown_class: Literal["drop", "refuse"] = Field(
        default="refuse", description="A class that `classes` does not name."
    )
    bad_object: Literal["drop", "refuse"] = Field(
        default="drop", description="An object without a class, or of numbers that are none."
    )
    duplicate_id: Literal["drop", "refuse"] = Field(
        default="drop", description="An object of an id that an earlier one has."
    )
    crowd: Literal["keep", "drop", "refuse"] = Field(
        default="drop", description="COCO's `iscrowd`: many objects in one region."
    )
    difficult: Literal["keep", "drop", "refuse"] = Field(
        default="keep", description="VOC's `difficult`."
    )
    another_size: Literal["drop", "refuse"] = Field(
        default="drop", description="A file or mask made for an image of another size."
    )
    damaged: Literal["drop", "refuse"] = Field(
        default="drop", description="A file that is cut off or none of its format."
    )
    too_large: Literal["drop", "refuse"] = Field(
        default="drop", description="A file of more bytes, or a mask of more pixels, than allowed."
    )
    no_object: Literal["keep", "drop", "refuse"] = Field(
        default="drop",
        description=(
            "An image whose label is a defect, and no object is on it, as with an empty mask; "
            "drop: the label stays alone. keep: it counts as looked at."
        ),
    )
    missing_annotation: Literal["unlabelled", "nothing", "refuse"] = Field(
        default="unlabelled",
        description="An image that no annotation speaks of; nothing: it shows no object.",
    )


class MaskSpec(Spec):
    """How a mask belongs to its image, and what its values mean."""

    kind: Literal["binary", "index", "colour"] = Field(
        default="binary",
        description=(
            "binary: light is the class that the folder or `pattern` says. index: a value per "
            "class. colour: a colour per class."
        ),
    )
    suffix: str = Field(
        default="", description="What a mask's name has after that of its image, such as `_mask`."
    )
    extension: str | None = Field(
        default=None,
        description=(
            "Extension of masks, such as `.png`; needed where they lie beside their images and "
            "have no suffix, then images have another one."
        ),
    )
    threshold: int = Field(
        default=128, ge=1, le=MAX_VALUE, description="A binary mask is light from this value on."
    )
    classes: dict[str, str] = Field(
        default_factory=dict,
        description="Class by value (`1: scratch`) or colour (`'#ff0000': scratch`).",
    )
    background: tuple[str, ...] = Field(
        default=("0", "#000000"), description="Values or colours where there is no object."
    )
    void: tuple[str, ...] = Field(
        default=(),
        description="Values or colours of which nothing is said; they count as background.",
    )
    instances: bool = Field(
        default=False,
        description="Each connected region is one object; false: all pixels of a class are one.",
    )

    @field_validator("classes", mode="before")
    @classmethod
    def _keys_are_texts(cls, classes: object) -> object:
        if isinstance(classes, dict):
            return {str(key).lower(): name for key, name in classes.items()}
        return classes

    @field_validator("background", "void", mode="before")
    @classmethod
    def _values_are_texts(cls, values: object) -> object:
        if isinstance(values, list | tuple):
            return tuple(str(value).lower() for value in values)
        return values

    @model_validator(mode="after")
    def _values_are_of_the_kind(self) -> "MaskSpec":
        if self.kind == "binary":
            return self
        if not self.classes:
            raise ValueError(f"masks of kind {self.kind} need `classes`, a class by {self._form}")
        wrong = [key for key in self.classes if not self._is_of_kind(key)]
        if wrong:
            raise ValueError(f"expected {self._form} in masks.classes, got {wrong[0]!r}")
        return self

    @property
    def _form(self) -> str:
        return f"values 0..{MAX_VALUE}" if self.kind == "index" else "colours such as '#ff0000'"

    def _is_of_kind(self, key: str) -> bool:
        if self.kind == "index":
            return key.isascii() and key.isdecimal() and int(key) <= MAX_VALUE
        return _COLOUR.fullmatch(key) is not None
