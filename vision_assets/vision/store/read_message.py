"""What was read of a file, as it travels through a pipe: a line of JSON, then the bytes."""

import json
from operator import attrgetter
from typing import IO, Any

from vision_assets.vision.errors import ImageRefused, Reason, StoreError
from vision_assets.vision.inference.decode import Header
from vision_assets.vision.store.examination import Examined
from vision_assets.vision.store.landed_file import LandedFile
from vision_assets.vision.store.outcomes import Status
from vision_assets.vision.store.reading import FileRead
from vision_assets.vision.store.statistics import Statistics

# Some forty images: a process goes on while the threads of the one that asked are busy.
PIPE_BYTES = 1024 * 1024

_header_values = attrgetter(*Header.__dataclass_fields__)
_statistics_values = attrgetter(*Statistics.__dataclass_fields__)


def send(stream: IO[bytes], read: FileRead) -> None:
    """Write one message."""
    image = read.found.data if isinstance(read.found, Examined) else None
    told = {
        "missing": read.missing,
        "image_id": read.image_id,
        "n_data": None if read.data is None else len(read.data),
        "n_image": None if image is None or image == read.data else len(image),
        "found": _told(read.found),
    }
    stream.write(json.dumps(told).encode() + b"\n")
    if read.data is not None:
        stream.write(read.data)
    if image is not None and told["n_image"] is not None:
        stream.write(image)


def send_error(stream: IO[bytes], error: StoreError) -> None:
    """Write that a file ends the whole ingest."""
    stream.write(json.dumps({"error": str(error)}).encode() + b"\n")


def receive(stream: IO[bytes], file: LandedFile) -> FileRead:
    """Read the message about a file.

    Raises:
        EOFError: the other side is gone.
        StoreError: the file ends the whole ingest.
    """
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    told = json.loads(line)
    if "error" in told:
        raise StoreError(told["error"])
    data = _exactly(stream, told["n_data"])
    image = data if told["n_image"] is None else _exactly(stream, told["n_image"])
    missing = None if told["missing"] is None else Status(told["missing"])
    return FileRead(file, missing, told["image_id"], data, _found(told["found"], image))


def _told(found: Examined | ImageRefused | OSError | None) -> list[Any] | None:
    match found:
        case Examined():
            values = [*_header_values(found.header), *_statistics_values(found.statistics)]
            return ["examined", found.received_bytes, *values]
        case ImageRefused():
            return ["refused", found.reason, found.detail]
        case OSError():
            return ["unreadable", *found.args, *([found.filename] if found.filename else [])]
        case None:
            return None


def _found(told: list[Any] | None, image: bytes | None) -> Examined | ImageRefused | OSError | None:
    match told:
        case ["examined", received_bytes, format, width, height, mode, orientation, *statistics]:
            assert image is not None
            header = Header(format, width, height, mode, orientation)
            return Examined(received_bytes, header, Statistics(*statistics), image)
        case ["refused", reason, detail]:
            return ImageRefused(Reason(reason), detail)
        case ["unreadable", *arguments]:
            return OSError(*arguments)
        case _:
            return None


def _exactly(stream: IO[bytes], n_bytes: int | None) -> bytes | None:
    if n_bytes is None:
        return None
    data = stream.read(n_bytes)
    if len(data) < n_bytes:
        raise EOFError
    return data
