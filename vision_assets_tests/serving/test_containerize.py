"""What an image is built from: linted, complete, and run as the image would run it.

No Docker is needed: the Dockerfile's own command, health check and variables run in a mount
namespace with a read-only root, as a user without capabilities.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate
import pytest
import yaml

from vision_assets.home import Home
from vision_assets.serving.bento import BuiltBento
from vision_assets.serving.containerize import containerize
from vision_assets.serving.endpoint import asks_for_keys
from vision_assets.serving.environment import ensure_environment
from vision_assets.serving.process import free_port
from vision_assets.vision.errors import ServiceError
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.service.keys import (
    KEYS_FILE_VARIABLE,
    KEYS_VARIABLE,
    KEYS_VARIABLES,
)
from vision_assets.vision.spec import ServiceSpec
from vision_assets_tests.serving.bundles import colour_png

KUBERNETES = "1.31"


@pytest.fixture(scope="module")
def context(built: BuiltBento, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("image") / "context"
    containerize(built, ServiceSpec(port=3107, workers=2), folder, keyed=False)
    return folder


@pytest.fixture(scope="module")
def instructions(context: Path) -> list[tuple[str, str]]:
    """Name and argument of each instruction of the Dockerfile."""
    lines = (context / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined if line)]


@pytest.fixture(scope="module")
def last_stage(instructions: list[tuple[str, str]]) -> list[tuple[str, str]]:
    start = max(n for n, (name, _) in enumerate(instructions) if name == "FROM")
    return instructions[start:]


def of(name: str, instructions: list[tuple[str, str]]) -> list[str]:
    return [rest for found, rest in instructions if found == name]


def manifests(context: Path) -> dict[str, dict[str, Any]]:
    files = (context / "kubernetes").rglob("*.yaml")
    return {found["kind"]: found for found in (yaml.safe_load(file.read_text()) for file in files)}


def test_hadolint_finds_nothing(context: Path):
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, context / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_base_is_pinned_and_ci_can_name_a_digest(instructions):
    assert of("ARG", instructions) == ["BASE=python:3.11-slim-bookworm"]
    assert of("FROM", instructions) == ["${BASE} AS build", "${BASE}"]


def test_it_runs_as_a_user_without_rights(last_stage):
    assert of("USER", last_stage) == ["10001:10001"]
    names = [name for name, _ in last_stage]
    assert names.index("USER") > max(n for n, name in enumerate(names) if name in ("RUN", "COPY"))


def test_packages_are_installed_by_hash_and_their_tools_do_not_stay(instructions, last_stage):
    (install,) = [run for run in of("RUN", instructions) if "install" in run and "hashes" in run]
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(install.split())
    (uninstall,) = of("RUN", last_stage)
    assert uninstall.startswith("python -m pip uninstall --yes pip setuptools wheel")


def test_nothing_comes_from_a_url_and_no_secret_stays(instructions):
    text = "\n".join(rest for _, rest in instructions)
    assert of("ADD", instructions) == []
    assert not re.search(r"https?://(?!127\.0\.0\.1)", text)
    assert not re.search(r"(?i)password|token|api_?key", text)


def test_the_context_holds_all_that_is_copied_and_nothing_is_left_out(context, instructions):
    sources = [rest.split()[0] for rest in of("COPY", instructions) if "--from" not in rest]
    assert sorted(sources) == ["bento", "requirements.txt"]
    assert all((context / source).exists() for source in sources)
    ignored = (context / ".dockerignore").read_text().splitlines()
    assert [line for line in ignored if not line.startswith("#")][:3] == [
        *("*", "!requirements.txt", "!bento")
    ]


def test_the_context_needs_nothing_of_ours(context: Path, built: BuiltBento):
    written = [path for path in context.rglob("*") if path.is_file() and "bento" not in path.parts]
    texts = [path.read_text() for path in written]
    assert not [text for text in texts if str(built.folder.parent) in text or "{{" in text]
    assert Bundle.load(context / "bento/src/bundle").bundle_id == built.tag.split(":")[1]


def test_everybody_may_read_the_bento(context: Path):
    modes = {path.stat().st_mode & 0o777 for path in (context / "bento").rglob("*")}
    assert modes == {0o755, 0o644}


def test_a_folder_that_is_there_is_not_written_over(context: Path, built: BuiltBento):
    with pytest.raises(ServiceError, match="is there already"):
        containerize(built, ServiceSpec(), context, keyed=False)


def test_a_bento_that_is_gone_is_told(tmp_path: Path):
    with pytest.raises(ServiceError, match="it is gone"):
        containerize(BuiltBento("a:b", tmp_path / "b"), ServiceSpec(), tmp_path / "out", False)


def test_compose_gives_the_service_no_rights(context: Path):
    (service,) = yaml.safe_load((context / "compose.yaml").read_text())["services"].values()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"] == "1024m"
    assert service["ports"] == ["127.0.0.1:${PORT:-3107}:3000"]
    assert [mount.split(":")[0] for mount in service["tmpfs"]] == ["/tmp"]
    assert "volumes" not in service


def keys_asked_for(context: Path) -> tuple[str, dict[str, Any]]:
    """What compose and Kubernetes do about the keys."""
    (service,) = yaml.safe_load((context / "compose.yaml").read_text())["services"].values()
    deployment = manifests(context)["Deployment"]
    kubernetes_validate.validate(deployment, KUBERNETES, strict=True)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (variable,) = container["env"]
    secret = variable["valueFrom"]["secretKeyRef"]
    return service["environment"]["VISION_ASSETS_API_KEYS"], secret


def test_without_keys_the_service_starts_all_the_same(context: Path):
    variable, secret = keys_asked_for(context)
    assert variable == "${VISION_ASSETS_API_KEYS:-}"
    assert secret == {"name": "colours-api-keys", "key": "keys", "optional": True}


def test_a_service_that_asks_for_keys_does_not_start_without(built: BuiltBento, tmp_path: Path):
    containerize(built, ServiceSpec(), tmp_path / "out", keyed=True)
    variable, secret = keys_asked_for(tmp_path / "out")
    assert variable.startswith("${VISION_ASSETS_API_KEYS:?")
    assert secret == {"name": "colours-api-keys", "key": "keys", "optional": False}


@pytest.mark.parametrize(
    ("said", "named", "expected"),
    [
        (None, {}, False),
        ("keys.json", {}, True),
        (None, {KEYS_VARIABLE: '{"mes": "0123456789abcdef"}'}, True),
        (None, {KEYS_FILE_VARIABLE: "/etc/keys.json"}, True),
        ("keys.json", {KEYS_VARIABLE: ""}, True),
    ],
)
def test_keys_are_asked_for_as_the_endpoint_does(
    said: str | None, named: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
):
    for variable in KEYS_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in named.items():
        monkeypatch.setenv(variable, value)
    assert asks_for_keys(Home(Path("home")), ServiceSpec(api_keys_file=said)) is expected


def test_with_a_slot_only_acknowledgements_can_be_written(context: Path):
    overlay = yaml.safe_load((context / "compose.slot.yaml").read_text())["services"]["service"]
    mounted = {mount["target"]: mount.get("read_only", False) for mount in overlay["volumes"]}
    assert mounted == {
        "/home/bundles/colours": True,
        "/home/deployments/colours": True,
        "/home/deployments/colours/workers": False,
    }
    assert overlay["environment"]["VISION_ASSETS_SLOT"] == "/home/deployments/colours/slot.json"


def test_kubernetes_takes_every_manifest(context: Path):
    found = manifests(context)
    assert set(found) == {
        "Deployment",
        "Service",
        "PodDisruptionBudget",
        "NetworkPolicy",
        "HorizontalPodAutoscaler",
    }
    for manifest in found.values():
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_a_manifest_that_is_wrong_is_found(context: Path):
    service = manifests(context)["Service"]
    service["spec"]["portz"] = service["spec"].pop("ports")
    with pytest.raises(kubernetes_validate.ValidationError, match="portz"):
        kubernetes_validate.validate(service, KUBERNETES, strict=True)


def test_the_pod_has_no_rights_and_bounds(context: Path):
    pod = manifests(context)["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
    assert container["resources"]["limits"]["memory"] == "1024Mi"
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp"]


def test_every_manifest_selects_the_pods_of_the_deployment(context: Path):
    found = manifests(context)
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        found["Deployment"]["spec"]["selector"]["matchLabels"],
        found["Service"]["spec"]["selector"],
        found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(selector.items() <= labels.items() for selector in selectors)
    assert found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == "colours"


CONTAINER = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /opt
mkdir -p /opt/bento /opt/python /opt/venv/bin /opt/venv/lib
mount --bind "$1" /opt/bento
mount --bind "$2" /opt/python
mount --bind "$3/lib" /opt/venv/lib
ln -s /opt/python/bin/python3 /opt/venv/bin/python
echo "home = /opt/python/bin" > /opt/venv/pyvenv.cfg
mount -t tmpfs -o size=64m,mode=1777,noexec,nosuid,nodev tmpfs /tmp
mount -o remount,bind,ro /opt
mount -o remount,bind,ro /opt/bento
mount -o remount,bind,ro /
cd /opt/bento
export LD_LIBRARY_PATH=/opt/python/lib
shift 3
exec setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs \
    --bounding-set=-all --inh-caps=-all -- "$@"
"""
"""What a container would give the last stage: folders under /opt, a read-only root, a tmpfs, and
a user without capabilities. The folders of this machine stand for the layers of the image."""
can_contain = os.geteuid() == 0 and (
    subprocess.run(["unshare", "--mount", "mount", "--make-rprivate", "/"]).returncode == 0
)


class Container:
    """The last stage of the Dockerfile, in a mount namespace of its own."""

    def __init__(self, context: Path, home: Home, last_stage: list[tuple[str, str]]) -> None:
        (command,) = of("CMD", last_stage)
        (health,) = of("HEALTHCHECK", last_stage)
        (variables,) = of("ENV", last_stage)
        self.port = free_port()
        self._command = self._here(json.loads(command))
        self._health = self._here(json.loads(health.partition("CMD ")[2]))
        self._variables = dict(part.split("=", 1) for part in shlex.split(variables))
        self._variables["PATH"] = self._variables["PATH"].replace("$PATH", "/usr/bin:/bin:/sbin")
        environment = ensure_environment(home).parents[1]
        self._layers = [context / "bento", Path(sys.base_prefix), environment]

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """Start a command, by default that of the image."""
        inside = [*map(str, self._layers), *(command or self._command)]
        return subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", CONTAINER, "sh", *inside],
            env=self._variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )

    def healthy(self) -> bool:
        """Whether the health check of the image passes."""
        python, *arguments = self._health
        assert python == "python"
        done = subprocess.run([sys.executable, *arguments], capture_output=True)
        return done.returncode == 0

    def wait_until_healthy(self, service: "subprocess.Popen[str]") -> None:
        deadline = time.monotonic() + 90
        while not self.healthy():
            if service.poll() is not None or time.monotonic() > deadline:
                service.kill()
                pytest.fail(f"the service is not healthy; it said:\n{service.communicate()[0]}")
            time.sleep(0.2)

    def _here(self, command: list[str]) -> list[str]:
        """Other tests have ports as well, and nothing shall listen to the network."""
        local = [part.replace("0.0.0.0", "127.0.0.1") for part in command]
        return [part.replace("3000", str(self.port)) for part in local]


@pytest.fixture
def container(context: Path, home: Home, last_stage: list[tuple[str, str]]) -> Container:
    return Container(context, home, last_stage)


WRITE = """
import os
for folder in ("/", "/opt", "/opt/bento", "/opt/bento/src", "/var/tmp", "/dev/shm", "/tmp"):
    try:
        open(os.path.join(folder, "written"), "w").close()
    except OSError as error:
        print(folder, error.strerror)
    else:
        print(folder, "written")
print(os.getuid(), [line.split()[1] for line in open("/proc/self/status") if "CapEff" in line])
"""


@pytest.mark.skipif(not can_contain, reason="a mount namespace needs root")
def test_the_container_of_these_tests_can_write_to_tmp_alone(container: Container):
    said, _ = container.start("python", "-c", WRITE).communicate(timeout=60)
    lines = dict(line.split(" ", 1) for line in said.splitlines())
    assert lines.pop("10001") == "['0000000000000000']"
    assert lines.pop("/tmp") == "written"
    lines.pop("/dev/shm")
    assert set(lines.values()) <= {"Read-only file system", "Permission denied"}


@pytest.mark.skipif(not can_contain, reason="a mount namespace needs root")
def test_it_answers_without_rights_on_a_read_only_root(container: Container):
    assert not container.healthy()
    service = container.start()
    container.wait_until_healthy(service)
    url = f"http://127.0.0.1:{container.port}"
    picture = {"image": ("green.png", colour_png("green"))}
    answer = httpx.post(f"{url}/predict", files=picture, timeout=30, trust_env=False)
    metrics = httpx.get(f"{url}/metrics", timeout=30, trust_env=False)
    service.terminate()
    said, _ = service.communicate(timeout=30)
    assert answer.json()["label"] == "green"
    assert metrics.status_code == 200
    assert "Read-only file system" not in said
    assert "Permission denied" not in said
    assert service.returncode in (0, -signal.SIGTERM)
