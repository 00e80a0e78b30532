"""Models that are needed no longer, with all that was made of them: what refers goes first."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from vision_assets.home import Home
from vision_assets.keeping.housekeeping.item import Item, remove_folder, written_before, written_s
from vision_assets.keeping.housekeeping.protection import Protection, in_use
from vision_assets.resources.tracking import remove_artifacts, runs_with_artifacts
from vision_assets.serving.deployments import Deployments
from vision_assets.vision.disk import size_of
from vision_assets.vision.use_case import UseCase

_MODEL, _BUNDLE, _REPORT, _BENTO = "model.json", "card.json", "scorecard.json", "bento.yaml"


def old_models(home: Home, case: UseCase, stays: Protection) -> Iterator[Item]:
    """Bentos, reports, bundles, MLflow's copies of weights and models, in the order of removal."""
    if case.spec.keep.models_days is not None:
        yield from _Past(home, case, stays).items(case.spec.keep.models_days)


class _Past:
    """The models of a use case, and what was made of each."""

    def __init__(self, home: Home, case: UseCase, stays: Protection) -> None:
        self.home, self.case, self.stays = home, case, stays
        self.models = _folders(home.models(case.name), _MODEL)
        self.bundles = _folders(home.bundles(case.name), _BUNDLE)
        self.model_of = {each.name: _said(each / _BUNDLE, "model_id") for each in self.bundles}
        for bundle, model in self.model_of.items():
            if stays.covers(bundle):
                stays.reasons.setdefault(model, f"bundle {bundle} stays")
        for folder in sorted(self.models, key=_made_s)[-case.spec.keep.models :]:
            stays.reasons.setdefault(folder.name, f"one of the {case.spec.keep.models} newest")

    def items(self, days: int) -> Iterator[Item]:
        """What is older, and neither stays nor was made of what stays."""
        why = f"older than {days} days, not of the {self.case.spec.keep.models} newest models"
        for marker, ids in self._things():
            old = written_before(marker, days) and written_s(marker) < self.stays.since_s
            if old and not self.stays.covers(*ids):
                yield from self._items(marker, why)

    def _things(self) -> Iterator[tuple[Path, tuple[str, ...]]]:
        """The file that marks each thing, with its id and the ids of what it was made of."""
        for folder in _folders(self.home.bentoml / "bentos" / self.case.name, _BENTO):
            yield folder / _BENTO, self._with_model(folder.name)
        for folder in _folders(self.home.reports(self.case.name), _REPORT):
            bundle = _said(folder / _REPORT, "bundle_id")
            yield folder / _REPORT, (folder.name, *self._with_model(bundle))
        for folder in self.bundles:
            yield folder / _BUNDLE, self._with_model(folder.name)
        for folder in self.models:
            yield folder / _MODEL, (folder.name,)

    def _with_model(self, bundle: str) -> tuple[str, ...]:
        return bundle, self.model_of.get(bundle, "")

    def _items(self, marker: Path, why: str) -> Iterator[Item]:
        folder, kind = marker.parent, _KINDS[marker.name]
        if kind == "Bento" and in_use(folder):
            return
        if kind == "model":
            yield from self._tracked(folder.name, why)
        remove = partial(self._remove, folder)
        yield Item(kind, self.case.name, folder.name, size_of(folder), why, remove)

    def _tracked(self, model_id: str, why: str) -> Iterator[Item]:
        """The weights that MLflow keeps of a model; its runs stay, with figures and reports."""
        for run_id, folder in runs_with_artifacts(self.home, self.case.name, model_id):
            remove = partial(remove_artifacts, self.home, run_id, folder)
            kind = "MLflow artifacts"
            yield Item(kind, self.case.name, run_id, size_of(folder), why, remove)

    def _remove(self, folder: Path) -> None:
        """Remove a folder, unless somebody has gone back to it since the plan was made."""
        current = Deployments(self.home.deployments(self.case.name)).current()
        used = () if current is None else (current.bundle_id, current.previous, current.model_id)
        if folder.name not in used:
            remove_folder(folder)


_KINDS = {_MODEL: "model", _BUNDLE: "bundle", _REPORT: "report", _BENTO: "Bento"}


def _folders(root: Path, marker: str) -> list[Path]:
    """Whole folders, by name; hidden ones are on their way in or out."""
    return sorted(path.parent for path in root.glob(f"[!.]*/{marker}"))


def _made_s(model: Path) -> float:
    return written_s(model / _MODEL)


def _said(card: Path, name: str) -> str:
    """What a card says; nothing where it is damaged: then its age alone decides."""
    try:
        return str(json.loads(card.read_text()).get(name, ""))
    except (OSError, ValueError):
        return ""
