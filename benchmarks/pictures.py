"""Pictures that the benchmarks work on: real ones, and drawn ones in any number."""

import io
import os
import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image

DATA_VARIABLE = "VISION_ASSETS_TEST_DATA"


def real_images() -> Path:
    """The folder of the data sets; where none is named, the process ends and says so."""
    named = os.environ.get(DATA_VARIABLE)
    if not named or not Path(named).is_dir():
        sys.exit(
            f"expected {DATA_VARIABLE} to name the folder that holds neu-steel/, bccd/ and "
            f"magnetic-tile/, got {named!r}"
        )
    return Path(named)


def real_files(folder: Path) -> Path:
    """Copies of the files of neu-steel and magnetic-tile, in one folder."""
    copied = folder / "real"
    if not copied.exists():
        data = real_images()
        copied.mkdir()
        paths = [*data.glob("neu-steel/images/*.jpg"), *data.glob("magnetic-tile/*/Imgs/*.jpg")]
        for path in paths:
            shutil.copy(path, copied / f"{path.parent.parent.name}_{path.name}")
    return copied


def drawn(folder: Path, first: int, n: int) -> Path:
    """n different JPEGs of 64x64 px, numbered from `first`."""
    landing = folder / f"drawn-{first}-{n}"
    if landing.exists():
        return landing
    landing.mkdir()
    for number in range(first, first + n):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).resize((64, 64)).save(buffer, "JPEG")
        (landing / f"{('good', 'bad')[number % 2]}_{number}.jpg").write_bytes(buffer.getvalue())
    return landing
