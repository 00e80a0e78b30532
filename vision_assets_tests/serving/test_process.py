"""What processes that end with the one that started them begin with."""

import signal
import subprocess
import sys

from vision_assets.serving.process import ending_with_parent


def test_interrupts_count_again_below_a_process_that_ignores_them():
    asked = "import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        told = subprocess.check_output(ending_with_parent(sys.executable, "-c", asked), text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    assert told == "False\n"
