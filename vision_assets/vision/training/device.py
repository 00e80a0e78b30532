"""Where a training runs, on how many cores, and that it can be repeated bit by bit."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from vision_assets.vision.errors import TrainingError

# cuBLAS reads it when its first handle is made; without it, it may add in any order.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def choose_device(name: str) -> torch.device:
    """The device that a recipe means.

    Raises:
        TrainingError: a CUDA device is asked for and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise TrainingError(
            "the recipe says device: cuda, and torch finds no CUDA device; say device: auto or cpu"
        )
    return torch.device(name)


def computes_mixed(precision: str, device: torch.device) -> bool:
    """Whether a training on the device computes in bfloat16 where that is safe.

    Args:
        precision: `fp32`, `amp`, or `auto`: on CUDA devices that have bfloat16.
        device: of the training.
    """
    if precision == "auto":
        return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return precision == "amp"


@contextmanager
def repeatable(seed: int, device: torch.device, threads: int) -> Iterator[None]:
    """Seed everything and allow deterministic algorithms alone while the block runs.

    On CPU the same block gives the same bits on the same machine with the same number of
    threads. On CUDA, an operation that has no deterministic form is used with a warning.
    """
    before = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.benchmark,
    )
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=device.type == "cuda")
    torch.backends.cudnn.benchmark = False
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            with _seeded_elsewhere(seed):
                yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1], warn_only=before[2])
        torch.backends.cudnn.benchmark = before[3]


@contextmanager
def _seeded_elsewhere(seed: int) -> Iterator[None]:
    """The generators of Python and numpy, which a network's own code may draw from."""
    python, numpy = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
