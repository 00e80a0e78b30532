"""Dataset versions: immutable, numbered, named by what they hold.

    <root>/v0001-<fingerprint, 12 digits>/
      manifest.parquet     one row per image
      near_pairs.parquet   near duplicates: pairs of perceptual hashes
      changes.parquet      what changed since the version before: image_id, kind
      version.json         number, fingerprint, classes, counts, parent, hashes of these files
      validation.json      what the checks said; written later, replaced as a whole
      card.html            the data-set card; written later, replaced as a whole

A folder appears complete or not at all. The same content as the latest version is the same
version. Erasing an image does not touch a version: the manifest keeps its hash.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import pyarrow.parquet as pq

from vision_assets.vision.atomic import new_folder, write_text
from vision_assets.vision.dataset.build import build_manifest, build_pairs
from vision_assets.vision.dataset.difference import Difference
from vision_assets.vision.dataset.duplicates import no_pairs
from vision_assets.vision.dataset.manifest_file import (
    SCHEMA_VERSION,
    fingerprint,
    read_manifest,
    write_manifest,
)
from vision_assets.vision.errors import DatasetError
from vision_assets.vision.expectation_result import ExpectationResult
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.spec import ClassSpec, PipelineSpec

_LOCK_WAIT_S = 600
_KEPT = ("image_id", "phash", "class_id", "objects", "split", "assigned_split")
_NAME = re.compile(r"v(\d{4,})-([0-9a-f]{12})")
_NUMBER = re.compile(r"v0*(\d+)")
_PREFIX = re.compile(r"[0-9a-f]{6,64}")


class ImageSource(Protocol):
    """What a version is made from; `ImageStore` is one."""

    def images(self, ids: Sequence[str] | None = None) -> pd.DataFrame: ...

    def labels(self) -> pd.DataFrame: ...

    def classes(self, declared: tuple[ClassSpec, ...]) -> tuple[ClassSpec, ...]: ...

    def erased(self) -> pd.DataFrame: ...


@dataclass(frozen=True)
class DatasetVersion:
    """One version, as its folder says.

    Attributes:
        folder: where it lies; its name is the version's name.
        number: 1, 2, 3, ...
        fingerprint: SHA-256 of the content, 64 hexadecimal digits.
        parent: name of the version before, or None.
        created_at: when it was made, UTC.
        classes: the classes at that time.
        counts: images per label and split, e.g. `{"scratch": {"train": 12, ...}}`; the label ""
            stands for images without one.
        near_duplicate_bits: within how many bits `pairs()` holds near duplicates.
        changes: how many images were added, removed, relabelled, moved since the parent.
    """

    folder: Path
    number: int
    fingerprint: str
    parent: str | None
    created_at: datetime
    classes: tuple[ClassSpec, ...]
    counts: dict[str, dict[str, int]]
    near_duplicate_bits: int
    changes: dict[str, int]
    _hashes: dict[str, str]

    @property
    def name(self) -> str:
        return self.folder.name

    def manifest(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """One row per image, sorted by id; all columns or some.

        Raises:
            DatasetError: the file is missing or was changed.
        """
        return read_manifest(self._checked("manifest.parquet"), columns)

    def pairs(self) -> pd.DataFrame:
        """Near duplicates: `first`, `second` (uint64 perceptual hashes), `bits`."""
        return pq.read_table(self._checked("near_pairs.parquet")).to_pandas()

    @cached_property
    def difference(self) -> Difference:
        """What changed since the parent; everything is added where there is none."""
        return Difference.from_table(pd.read_parquet(self._checked("changes.parquet")))

    def parent_manifest(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The manifest of the version before; without rows where there is none."""
        if self.parent is None:
            return self.manifest(columns).iloc[:0]
        return _read(self.folder.parent / self.parent).manifest(columns)

    @property
    def valid(self) -> bool | None:
        """Whether every critical expectation held; None before the version was validated."""
        recorded = self._validation()
        return None if recorded is None else recorded["valid"]

    def results(self) -> tuple[ExpectationResult, ...]:
        """What the latest validation said; empty before the first one."""
        recorded = self._validation()
        return (
            ()
            if recorded is None
            else tuple(ExpectationResult(**result) for result in recorded["results"])
        )

    def record_validation(self, results: Sequence[ExpectationResult]) -> bool:
        """Write down what the checks said, in place of what an earlier validation said.

        Returns:
            Whether the version is valid: no critical expectation failed.
        """
        valid = all(result.passed for result in results if result.severity == "critical")
        record = {
            "schema_version": SCHEMA_VERSION,
            "valid": valid,
            "validated_at": datetime.now(UTC).isoformat(),
            "results": [asdict(result) for result in results],
        }
        write_text(self.folder / "validation.json", json.dumps(record, indent=1))
        return valid

    def erased(self, source: ImageSource) -> tuple[str, ...]:
        """Ids of images of this version whose bytes were erased since, sorted."""
        ids = self.manifest(["image_id"])["image_id"]
        return tuple(ids[ids.isin(source.erased()["image_id"])])

    def _validation(self) -> dict[str, Any] | None:
        path = self.folder / "validation.json"
        try:
            return json.loads(path.read_text()) if path.exists() else None
        except ValueError as error:
            raise DatasetError(
                f"{path} is damaged ({error}); remove it and materialize validated_dataset again: "
                "the version is validated anew"
            ) from error

    def _checked(self, name: str) -> Path:
        path = self.folder / name
        if not path.exists() or _sha256(path) != self._hashes[name]:
            raise DatasetError(
                f"{path} is missing or was changed after the version was made; restore it from a "
                "backup, or remove the version's folder and make a new version"
            )
        return path


class DatasetVersions:
    """The versions of one use case."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(self, source: ImageSource, spec: PipelineSpec) -> DatasetVersion:
        """Make a version of what the store holds now.

        Safe against other processes that do the same, and against being killed at any time.

        Returns:
            The new version, or the latest one when its content is the same.

        Raises:
            DatasetError: there is nothing to make a version of.
            StoreLocked: another process has been making one for ten minutes.
        """
        with file_lock(self.root / ".lock", _LOCK_WAIT_S):
            self._clear_leftovers()
            return self._create(source, spec)

    def list(self) -> "list[DatasetVersion]":
        """All versions, oldest first."""
        if not self.root.is_dir():
            return []
        folders = [folder for folder in self.root.iterdir() if _NAME.fullmatch(folder.name)]
        return sorted((_read(folder) for folder in folders), key=lambda version: version.number)

    def get(self, name: str = "latest") -> DatasetVersion:
        """A version by name.

        Args:
            name: `latest`, a number (`v3`), a full name (`v0003-1f2e...`) or the first six or
                more digits of a fingerprint; of versions with the same content the newest.

        Raises:
            DatasetError: there is none, or the digits fit several.
        """
        versions = self.list()
        if name == "latest":
            found = versions[-1:]
        elif number := _NUMBER.fullmatch(name):
            found = [version for version in versions if version.number == int(number[1])]
        else:
            found = [version for version in versions if name == version.name]
            found = found or _by_fingerprint(versions, name)
        if not found:
            raise DatasetError(
                f"expected latest, vN, a name or the start of a fingerprint, got {name!r}; "
                f"there are {[version.name for version in versions][-20:] or 'no versions yet'}"
            )
        return found[-1]

    def _create(self, source: ImageSource, spec: PipelineSpec) -> DatasetVersion:
        parent = next(reversed(self.list()), None)
        before = parent.manifest(_KEPT) if parent else None
        images, classes = source.images(), source.classes(spec.classes)
        bits = spec.splits.near_duplicate_bits
        same_bits = parent is not None and parent.near_duplicate_bits == bits
        known_pairs = parent.pairs() if parent and same_bits else no_pairs()
        pairs = build_pairs(images, before if same_bits else None, known_pairs, bits)
        manifest = build_manifest(
            *(images, source.labels(), classes, pairs, before, spec.splits),
            of_objects=spec.learns_from == "objects",
            test_only=spec.test_only(classes),
        )
        digest = fingerprint(manifest, classes)
        if parent and parent.fingerprint == digest:
            return parent
        changes = Difference.between(manifest.iloc[:0] if before is None else before, manifest)
        record = {
            "number": parent.number + 1 if parent else 1,
            "fingerprint": digest,
            "parent": parent.name if parent else None,
            "created_at": datetime.now(UTC).isoformat(),
            "classes": [entry.recorded() for entry in classes],
            "counts": _counts(manifest),
            "near_duplicate_bits": bits,
            "changes": changes.counts,
        }
        return self._publish(record, manifest, pairs, changes)

    def _clear_leftovers(self) -> None:
        """Hidden folders of writers that were killed; whoever holds the lock is alone."""
        for folder in self.root.glob(".v*-*"):
            shutil.rmtree(folder)

    def _publish(
        self,
        record: dict[str, Any],
        manifest: pd.DataFrame,
        pairs: pd.DataFrame,
        changes: Difference,
    ) -> DatasetVersion:
        target = self.root / f"v{record['number']:04d}-{record['fingerprint'][:12]}"
        with new_folder(target) as folder:
            write_manifest(manifest, folder / "manifest.parquet")
            pairs.to_parquet(folder / "near_pairs.parquet", index=False)
            changes.to_table().to_parquet(folder / "changes.parquet", index=False)
            hashes = {path.name: _sha256(path) for path in folder.iterdir()}
            record = {"schema_version": SCHEMA_VERSION, **record, "files": hashes}
            (folder / "version.json").write_text(json.dumps(record, indent=1))
        return _read(target)


def _read(folder: Path) -> DatasetVersion:
    try:
        record = json.loads((folder / "version.json").read_text())
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{folder} is no readable dataset version ({error}); restore or remove the folder"
        ) from error
    if record["schema_version"] != SCHEMA_VERSION:
        raise DatasetError(
            f"expected {folder} to be of schema version {SCHEMA_VERSION}, "
            f"got {record['schema_version']}; it was written by another release of vision_assets"
        )
    return DatasetVersion(
        folder=folder,
        number=record["number"],
        fingerprint=record["fingerprint"],
        parent=record["parent"],
        created_at=datetime.fromisoformat(record["created_at"]),
        classes=tuple(ClassSpec(**entry) for entry in record["classes"]),
        counts=record["counts"],
        near_duplicate_bits=record["near_duplicate_bits"],
        changes=record["changes"],
        _hashes=record["files"],
    )


def _by_fingerprint(versions: Sequence[DatasetVersion], prefix: str) -> list[DatasetVersion]:
    if not _PREFIX.fullmatch(prefix):
        return []
    found = [version for version in versions if version.fingerprint.startswith(prefix)]
    if len({version.fingerprint for version in found}) > 1:
        names = [version.name for version in found]
        raise DatasetError(f"{prefix!r} fits several versions, {names}; give more digits")
    return found


def _counts(manifest: pd.DataFrame) -> dict[str, dict[str, int]]:
    sizes = manifest.groupby([manifest["label"].fillna(""), "split"]).size()
    table = sizes.unstack("split", fill_value=0)
    return {
        str(label): {str(split): int(n) for split, n in row.items() if n}
        for label, row in table.iterrows()
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
