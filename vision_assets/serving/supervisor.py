"""Serves a Bento by forked workers: `python -P supervisor.py BENTO --host HOST --port PORT`.

    supervisor   imports BentoML and the Bento's service, once; never answers
      └─ worker  forked; runs BentoML's own entry point of a worker, loads the model, answers

A script for the clean environment: nothing of vision_assets is imported here but what the
Bento carries. It stands for `bentoml serve`, which imports BentoML in its supervisor and then
again in each worker, at a second of one core each. For Bentos of one service.
"""

import argparse
import ctypes
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.context import ForkProcess

STARTUP_FAILURE = 3
"""Exit status of a worker of uvicorn that ended before it served."""
DRAIN_S = 30.0
"""A worker that still answers so long after it was told to end is killed."""
STEADY_S = 10.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 10.0
LOOK_S = 5.0
"""A worker whose end made no signal is found so late."""
_BACKLOG = 2048
_STOPS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_AWAITED = _STOPS | {signal.SIGCHLD, signal.SIGALRM}
_PR_SET_PDEATHSIG = 1
_PRELOADED = (
    "_bentoml_impl.client",
    "_bentoml_impl.server.app",
    "_bentoml_impl.worker.service",
    "opentelemetry.instrumentation.asgi",
    "opentelemetry.sdk.trace",
    "uvicorn.protocols.http.auto",
)
"""What every worker imports. ONNX Runtime is missing: it starts a thread, which a fork loses."""
_FORK = get_context("fork")
_LOG = logging.getLogger("bentoml.supervisor")

Work = Callable[[int], object]


@dataclass
class Place:
    """A place for one worker, filled again whenever its worker ends.

    The first failure in a row is mended at once, later ones after a growing wait.

    Attributes:
        number: of the worker, from 1; it keeps it when it is started again.
        work: what a worker does, given its number.
    """

    number: int
    work: Work
    process: ForkProcess = field(init=False)
    due_s: float | None = field(init=False, default=None)
    _started_s: float = field(init=False)
    _wait_s: float = field(init=False, default=0.0)
    _is_first: bool = field(init=False, default=True)

    def start(self) -> None:
        """Fork the worker."""
        self.process = _FORK.Process(
            target=_begin, args=(self.work, self.number, os.getpid()), daemon=True
        )
        self.process.start()
        self._started_s, self.due_s = time.monotonic(), None

    def cannot_start(self) -> bool:
        """Whether the first worker here has ended before it served: the next one would, too."""
        return self._is_first and self.process.exitcode == STARTUP_FAILURE

    def revive(self) -> None:
        """Start the worker again if it has ended and its time has come."""
        now_s = time.monotonic()
        if self.due_s is None and self.process.exitcode is not None:
            self._plan(now_s)
        if self.due_s is not None and self.due_s <= now_s:
            self._is_first = False
            self.start()

    def _plan(self, now_s: float) -> None:
        if now_s - self._started_s > STEADY_S:
            self._wait_s = 0.0
        self.due_s = now_s + self._wait_s
        self._wait_s = min(max(2 * self._wait_s, FIRST_WAIT_S), LONGEST_WAIT_S)
        _LOG.warning(
            "worker %d ended with %s; it is started again in %.1f s",
            *(self.number, self.process.exitcode, self.due_s - now_s),
        )


def supervise(work: Work, n_workers: int) -> int:
    """Keep workers running until a signal says to stop, or until none can start.

    Returns:
        The exit status.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    places = [Place(number, work) for number in range(1, n_workers + 1)]
    for place in places:
        place.start()
    while _next_signal(places) not in _STOPS:
        if any(place.cannot_start() for place in places):
            _LOG.error("a worker cannot start; the service ends")
            _stop(places)
            return STARTUP_FAILURE
        for place in places:
            place.revive()
    _stop(places)
    return 0


def _next_signal(places: Sequence[Place]) -> int:
    """Sleep until a worker ends, is due to start, or all are to stop; not for long."""
    now_s = time.monotonic()
    dues_s = [place.due_s - now_s for place in places if place.due_s is not None]
    signal.setitimer(signal.ITIMER_REAL, max(min([*dues_s, LOOK_S]), 0.001))
    return signal.sigwait(_AWAITED)


def _stop(places: Sequence[Place]) -> None:
    """Tell all workers to end; kill those that are not done in time."""
    for place in places:
        place.process.terminate()
    deadline_s = time.monotonic() + DRAIN_S
    for place in places:
        place.process.join(max(0.0, deadline_s - time.monotonic()))
        place.process.kill()
        place.process.join()


def _begin(work: Work, number: int, supervisor: int) -> None:
    """In a new worker."""
    end_with_parent()
    if os.getppid() != supervisor:
        return
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
    gc.enable()
    work(number)


def end_with_parent() -> None:
    """Be told to end when the parent ends, even by SIGKILL; on Linux, which alone can do it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def listen(host: str, port: int) -> socket.socket:
    """The socket that all workers accept from; who asks before one is ready waits."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def load_service(bento: str) -> tuple[str, int]:
    """Import BentoML and the service of a Bento.

    Returns:
        The service's import string, by which a worker finds it, and its number of workers.
    """
    _parse_yaml_in_c()
    from _bentoml_impl.loader import load
    from bentoml._internal.log import configure_server_logging
    from bentoml.serving import ensure_prometheus_dir

    configure_server_logging()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = ensure_prometheus_dir()
    service = load(bento, standalone_load=True)
    for module in _PRELOADED:
        import_module(module)
    n_workers = service.config.get("workers")
    if not isinstance(n_workers, int):
        raise SystemExit(f"expected a number of workers in the service of {bento}, got {n_workers}")
    return service.import_string, n_workers


def _parse_yaml_in_c() -> None:
    """The requirements in a bento.yaml, with their hashes, cost the parser in Python 0.1 s."""
    import yaml

    yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def run_worker(service: str, listener: socket.socket, number: int) -> None:
    """What `bentoml serve` starts as a process, in this one."""
    from _bentoml_impl.worker.service import main as bentoml_worker

    arguments = {"--fd": listener.fileno(), "--worker-id": number, "--backlog": _BACKLOG}
    words = [str(word) for pair in arguments.items() for word in pair]
    bentoml_worker([service, *words], standalone_mode=False)


def main() -> int:
    """Serve the Bento that the command line names.

    Garbage is not collected while modules are imported, and never among what they leave:
    that costs time, and would make each worker copy pages that it shares by the fork; see
    https://docs.python.org/3/library/gc.html#gc.freeze.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bento")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    end_with_parent()
    gc.disable()
    listener = listen(arguments.host, arguments.port)
    service, n_workers = load_service(arguments.bento)
    gc.freeze()
    return supervise(lambda number: run_worker(service, listener, number), n_workers)


if __name__ == "__main__":
    sys.exit(main())
