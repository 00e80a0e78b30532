"""Watches which keys of the YAML the bodies of assets read."""

from collections import defaultdict
from typing import Any

import dagster as dg
import pytest
from dagster._core.errors import DagsterInvariantViolationError

from vision_assets.assets.yaml_keys import reads
from vision_assets.vision.spec import PipelineSpec, Spec


class Reading:
    """Keys by the noun of the asset that read them, as paths such as `service.workers`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found: dict[str, set[str]] = defaultdict(set)
        self._paths: dict[int, str] = {}
        self._alive: list[object] = []
        plain = Spec.__getattribute__

        def watched(spec: Spec, name: str) -> Any:
            value = plain(spec, name)
            if name in type(spec).model_fields:
                self._note(spec, name, value)
            return value

        monkeypatch.setattr(Spec, "__getattribute__", watched)

    def _note(self, spec: Spec, name: str, value: Any) -> None:
        above = "" if isinstance(spec, PipelineSpec) else self._paths.get(id(spec))
        if above is None:
            return
        path = f"{above}.{name}".lstrip(".")
        if isinstance(value, Spec):
            self._paths[id(value)] = path
            self._alive.append(value)
        noun = _asset_that_runs()
        if noun:
            self.found[noun].add(path)

    def undeclared(self, noun: str, spec: PipelineSpec) -> list[str]:
        """Keys that the asset read and that `yaml_keys` does not name."""
        last = {
            path
            for path in self.found[noun]
            if not any(other.startswith(f"{path}.") for other in self.found[noun])
        }
        named = list(reads(noun, spec))
        return sorted(path for path in last if not any(_within(path, key) for key in named))

    def unread(self, noun: str, spec: PipelineSpec) -> list[str]:
        """Keys that `yaml_keys` names and that the asset did not read."""
        return [
            key
            for key in reads(noun, spec)
            if not any(_within(path, key) or _within(key, path) for path in self.found[noun])
        ]


def _within(path: str, key: str) -> bool:
    return f"{path}.".startswith(f"{key}.")


def _asset_that_runs() -> str | None:
    try:
        return dg.AssetExecutionContext.get().asset_key.path[-1]
    except DagsterInvariantViolationError:
        return None
