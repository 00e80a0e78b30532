"""CSV tables that people write: read whole, bounded, and errors name file and row."""

import csv
import unicodedata
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

from vision_assets.vision.errors import SpecError

MAX_BYTES = 256 * 1024 * 1024
MAX_ROWS = 2_000_000
_DELIMITERS = ",;\t"


def read_csv(path: Path, required: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows of a UTF-8 table with a header; comma, semicolon or tab between the fields.

    Texts are stripped and in Unicode's composed form (NFC).

    Args:
        path: the table.
        required: columns that it must have.

    Yields:
        The place of a row for messages, such as `labels.csv, row 3`, and its texts by column.

    Raises:
        SpecError: the table is missing, too large, or a row is wrong.
    """
    text = _read_text(path)
    delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
    reader = csv.DictReader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        _check_columns(path, reader.fieldnames or [], required)
        for count, row in enumerate(reader):
            place = f"{path}, row {reader.line_num}"
            if count == MAX_ROWS:
                raise SpecError(f"{place}: expected at most {MAX_ROWS} rows; split the table")
            if None in row or None in row.values():
                raise SpecError(f"{place}: expected as many fields as the header has columns")
            yield place, {name: field.strip() for name, field in row.items()}
    except csv.Error as error:
        raise SpecError(f"{path}, after row {reader.line_num}: not a row: {error}") from error


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SpecError(f"the table {path} cannot be read ({error.strerror})") from error
    if len(data) > MAX_BYTES:
        raise SpecError(f"{path}: expected at most {MAX_BYTES} bytes; split the table")
    try:
        return unicodedata.normalize("NFC", data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        raise SpecError(f"{path}, row {row}: expected UTF-8; save the table as UTF-8") from error


def _check_columns(path: Path, columns: Sequence[str], required: Sequence[str]) -> None:
    missing = [name for name in required if name not in columns]
    if missing or len(set(columns)) != len(columns):
        raise SpecError(
            f"{path}, row 1: expected columns {list(required)}, each once, got {list(columns)}"
        )
