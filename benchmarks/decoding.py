"""The worker that only decodes, beside an ingest."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torchvision.io import ImageReadMode, decode_image

from benchmarks.pictures import real_files
from benchmarks.work import Figures


def prepare(_worker: str, folder: Path, _n: int) -> None:
    """Copy the files."""
    real_files(folder)


def torchvision(folder: Path, _n: int) -> Figures:
    """Decoding to RGB alone, on one thread a core."""
    torch.set_num_threads(1)
    paths = sorted(real_files(folder).iterdir())

    def decode(path: Path) -> None:
        data = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)
        decode_image(data, mode=ImageReadMode.RGB)

    began = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(decode, paths))
    return {"images_per_s": len(paths) / (time.perf_counter() - began)}
