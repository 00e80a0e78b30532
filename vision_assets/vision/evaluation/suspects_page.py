"""The suspected labels as a page to look at and a table to edit.

<suspicion_id>/
  suspects.html    everything inline
  suspects.csv     for `vision-assets label`, once a person has edited it
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vision_assets.vision.atomic import holding, new_folder
from vision_assets.vision.evaluation.label_suspicion import LabelSuspicion
from vision_assets.vision.evaluation.pages import render
from vision_assets.vision.evaluation.pictures import smaller
from vision_assets.vision.inference.decode import STORED, decode
from vision_assets.vision.pictures import encode_jpeg
from vision_assets.vision.training.pixels import ReadBytes
from vision_assets.vision.training.provenance import fingerprint

HTML_FILE = "suspects.html"
CSV_FILE = "suspects.csv"
_ID_LENGTH = 12
_SHOWN = 120
_PAIRS = 12


@dataclass(frozen=True)
class SuspectsPage:
    """What was written.

    Attributes:
        suspicion_id: name of its folder; equal findings share it.
        folder: where it lies.
    """

    suspicion_id: str
    folder: Path

    @property
    def html(self) -> Path:
        """The page."""
        return self.folder / HTML_FILE

    @property
    def csv(self) -> Path:
        """The table."""
        return self.folder / CSV_FILE


def write_suspects(
    suspicion: LabelSuspicion, use_case: str, read: ReadBytes, root: Path
) -> SuspectsPage:
    """Write `root/<suspicion_id>/`; one of the same findings with a table that is there stays.

    Whatever else it misses: a person may have edited the table.

    Args:
        suspicion: what was found.
        use_case: whose labels they are.
        read: gives the bytes of images.
        root: folder of the use case's suspicions.
    """
    found = suspicion.suspects[["image_id", "suggested"]].to_numpy().tolist()
    name = fingerprint([suspicion.bundle_id, suspicion.dataset, found])[:_ID_LENGTH]
    with new_folder(root / name, holding(CSV_FILE)) as folder:
        page = render(
            "suspects.html.j2",
            use_case=use_case,
            suspicion=suspicion,
            shown=list(_shown(suspicion, read)),
            confused=_confused(suspicion),
            csv=CSV_FILE,
            written_at=datetime.now(UTC),
        )
        (folder / HTML_FILE).write_text(page)
        _table(suspicion).to_csv(folder / CSV_FILE, index=False, float_format="%.4f")
    return SuspectsPage(name, root / name)


def _table(suspicion: LabelSuspicion) -> Any:
    """The suspects as `vision-assets label` takes them; `label` is for a person to mend."""
    return suspicion.suspects.rename(columns={"image_id": "image"})


def _shown(suspicion: LabelSuspicion, read: ReadBytes) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The first rows, each with its picture."""
    rows = suspicion.suspects.head(_SHOWN).to_dict("records")
    images = read([row["image_id"] for row in rows])
    for rank, (row, (_, data)) in enumerate(zip(rows, images, strict=True), start=1):
        said = {"source": "", **{str(name): value for name, value in row.items()}, "rank": rank}
        yield said, encode_jpeg(smaller(decode(data, STORED)))


def _confused(suspicion: LabelSuspicion) -> list[dict[Any, Any]]:
    """The pairs of classes with the most suspects, most first."""
    pairs = suspicion.suspects.groupby(["label", "suggested"]).size().rename("n").reset_index()
    return pairs.sort_values("n", ascending=False, kind="stable").head(_PAIRS).to_dict("records")
