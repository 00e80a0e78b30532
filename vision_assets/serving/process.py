"""A Bento as a running service: our supervisor and BentoML's workers, in the clean environment."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

import httpx

from vision_assets.home import Home
from vision_assets.serving.bento import BuiltBento
from vision_assets.serving.environment import clean_variables, ensure_environment
from vision_assets.vision.errors import ServiceError
from vision_assets.vision.inference.service.settings import (
    SETTINGS_VARIABLE,
    SLOT_VARIABLE,
    ServiceSettings,
)

HOST = "127.0.0.1"
_READY_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 15
_POLL_S = 0.1
_LOG_TAIL = 3000
_SUPERVISOR = Path(__file__).with_name("supervisor.py")
# A script's `up &` ignores interrupts; Dagster would take that for its answer to SIGTERM too.
_END_WITH_PARENT = (
    "import ctypes, os, signal, sys\n"
    "signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
    "if sys.platform == 'linux':\n"
    "    ctypes.CDLL(None).prctl(1, signal.SIGTERM)\n"
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])\n"
)


class ServiceProcess:
    """Starts a Bento, waits until it is ready, stops it with all its workers.

    Args:
        home: takes the log; names the clean environment.
        bento: what to serve.
        port: on 127.0.0.1; 0 picks a free one.
        slot: the slot file to follow; None: the Bento's own bundle for ever.
        settings: win over those in the Bento.
        name: of the log file.
        variables: more of the environment, such as the API keys.
    """

    def __init__(
        self,
        home: Home,
        bento: BuiltBento,
        port: int = 0,
        slot: Path | None = None,
        settings: ServiceSettings | None = None,
        name: str | None = None,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._home = home
        self._variables = variables
        self._bento = bento
        self._slot = slot
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._bentoml_home = tempfile.TemporaryDirectory(prefix="vision-assets-service-")
        self.port = port or free_port()
        self.base_url = f"http://{HOST}:{self.port}"
        self.log = home.logs / f"{name or bento.tag.replace(':', '-')}-{self.port}.log"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of the supervisor of the workers."""
        assert self._process is not None, "the service was not started"
        return self._process.pid

    def start(self) -> None:
        """Start and wait for /readyz.

        Raises:
            ServiceError: it ended or did not get ready in time; the message ends with its log.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line, no shell
                serve_command(ensure_environment(self._home), self._bento, self.port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._bento.folder,
                env={
                    **serve_variables(Path(self._bentoml_home.name), self._slot, self._settings),
                    **self._variables,
                },
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the service: politely, then by force, with everything it started."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            end_group(process, _STOP_TIMEOUT_S)
        self._bentoml_home.cleanup()

    def wait(self) -> int:
        """Wait until the service ends by itself; its exit status."""
        assert self._process is not None, "the service was not started"
        return self._process.wait()

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise self._failure(f"cannot start, it ended with {self._process.returncode}")
            if _is_ready(self.base_url):
                return
            time.sleep(_POLL_S)
        raise self._failure(f"was not ready within {_READY_TIMEOUT_S} s")

    def _failure(self, what: str) -> ServiceError:
        tail = self.log.read_text(errors="replace")[-_LOG_TAIL:]
        return ServiceError(
            f"the service {self._bento.tag} {what}; its log {self.log} ends:\n{tail}"
        )


def serve_command(python: Path, bento: BuiltBento, port: int) -> list[str]:
    """The command line that serves a Bento on 127.0.0.1; it does not outlive who starts it.

    -P keeps the modules beside the supervisor, which is a script, from being imported.
    """
    address = ("--host", HOST, "--port", str(port))
    return [str(python), "-P", str(_SUPERVISOR), str(bento.folder), *address]


def ending_with_parent(python: str, *arguments: str) -> list[str]:
    """A command line of Python that does not outlive who starts it, even when that is killed.

    By PR_SET_PDEATHSIG, which Linux alone has; elsewhere a server may be left behind.
    """
    return [python, "-c", _END_WITH_PARENT, *arguments]


def serve_variables(
    bentoml_home: Path, slot: Path | None, settings: ServiceSettings | None
) -> Mapping[str, str]:
    """The variables of a service.

    BENTOML_HOME is its own, because BentoML empties the metrics folder in it at each start.
    """
    variables = clean_variables(BENTOML_HOME=str(bentoml_home))
    if slot is not None:
        variables[SLOT_VARIABLE] = str(slot.absolute())
    if settings is not None:
        variables[SETTINGS_VARIABLE] = json.dumps(settings.model_dump())
    return variables


def _is_ready(base_url: str) -> bool:
    try:
        return httpx.get(f"{base_url}/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def end_group(process: subprocess.Popen[bytes], wait_s: float = 0.0) -> None:
    """Wait until a process has ended, then kill what is left of its group, itself included.

    Args:
        process: leader of a group of its own.
        wait_s: the longest that it is waited for.
    """
    with suppress(subprocess.TimeoutExpired):
        process.wait(wait_s)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """A port on 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]
