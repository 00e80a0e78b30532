"""A command of the system, run to its end: what it printed, or why it failed."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from vision_assets.vision.errors import VisionAssetsError

_TAIL = 4000
"""Characters of the output of a command that failed."""


def output_of(
    command: Sequence[str],
    timeout_s: float,
    failed: Callable[[str], VisionAssetsError],
    input: str | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """What a command of our own prints on standard output.

    Args:
        command: program and arguments; no shell reads them.
        timeout_s: after so long it is killed.
        failed: makes the error from what became of the command, such as "ended with 1: ...".
        input: what it reads from standard input.
        cwd: where it runs.
        env: its whole environment; default: ours.

    Raises:
        VisionAssetsError: the one that `failed` makes, where the command cannot be started, is not
            done in time, or ends with another status than 0.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own command line, no shell
            command,
            input=input,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            cwd=cwd,
            env=env,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise failed(f"was not done within {timeout_s:g} s") from error
    except OSError as error:
        raise failed(f"cannot be started ({error})") from error
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-_TAIL:]
        raise failed(f"ended with {done.returncode}: {said or 'it said nothing'}")
    return done.stdout
