"""A process that reads files for another one: `python -m ...reading_worker LANDING LIMITS`.

Each line of its input is a JSON list of files; it answers each file with a message, in order, or
the line with an error. It ends with its input, so that it does not outlive the process that
started it, and imports no more than it needs to read: without pandas and Lance it starts in
0.25 s and takes 53 MB.
"""

import json
import os
import signal
import sys
from pathlib import Path

from vision_assets.vision.errors import StoreError
from vision_assets.vision.inference.decode import Limits
from vision_assets.vision.store.landed_file import LandedFile
from vision_assets.vision.store.read_message import PIPE_BYTES, send, send_error
from vision_assets.vision.store.reading import read_files


def main() -> None:
    """Answer until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one decides
    landing, limits = Path(sys.argv[1]), Limits(**json.loads(sys.argv[2]))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb", PIPE_BYTES)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library that prints harms no answer
    for line in sys.stdin.buffer:
        files = [LandedFile(*entry) for entry in json.loads(line)]
        try:
            for read in read_files(landing, files, limits):
                send(answers, read)
        except StoreError as error:
            send_error(answers, error)
        answers.flush()


if __name__ == "__main__":
    main()
