"""The home: the one folder in which all state lives, and what is kept where in it.

    <home>/
      home.json                schema version of the home
      dagster/                 Dagster instance (DAGSTER_HOME)
      landing/<use_case>/      default place for new images
      batches/<use_case>/      immutable batch files written by the sensor
      requests/<use_case>/     which trigger has asked for a training last
      stores/<use_case>/       image store: images, annotations, quarantine, ledger
      datasets/<use_case>/     one folder per dataset version
      searches/<use_case>/     one folder per study, and the proposal
      models/<use_case>/       one folder per trained model
      bundles/<use_case>/      one folder per bundle
      reports/<use_case>/      one folder per evaluation report
      comparisons/<use_case>/  one folder per comparison of two bundles
      suspicions/<use_case>/   one folder per list of suspected labels
      deployments/<use_case>/  deployment log and slot
      scores/<use_case>/       answers for whole folders
      pins/                    what housekeeping leaves alone, for each use case
      mlflow/                  tracking database and artifacts
      bentoml/                 Bento store (BENTOML_HOME)
      environments/            clean environments of Bentos
      cache/                   what can be made again: decoded images
      alerts/                  messages to the webhook, delivered or not
      logs/                    output of servers

Paths inside the home are recorded relative to it, so that it can be moved.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from vision_assets.vision.errors import SpecError

_STATE = (
    *("dagster", "batches", "stores", "datasets", "searches", "models", "bundles", "reports"),
    *("comparisons", "suspicions", "deployments", "scores", "mlflow", "bentoml", "environments"),
    *("cache", "logs", "requests", "alerts", "pins", "home.json"),
)
HOME_VARIABLE = "VISION_ASSETS_HOME"
DEFAULT_HOME = ".vision_assets"


@dataclass(frozen=True)
class Home:
    """Where state is kept. Nothing is created by asking for a path."""

    root: Path

    @classmethod
    def from_environment(cls) -> "Home":
        """The folder named by VISION_ASSETS_HOME, or `.vision_assets` in the working directory."""
        return cls(Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME).absolute())

    @property
    def is_there(self) -> bool:
        """Whether any state is kept in the folder; images that wait to be taken are none."""
        return any((self.root / name).exists() for name in _STATE)

    @property
    def dagster(self) -> Path:
        return self.root / "dagster"

    @property
    def mlflow(self) -> Path:
        return self.root / "mlflow"

    @property
    def bentoml(self) -> Path:
        return self.root / "bentoml"

    @property
    def environments(self) -> Path:
        return self.root / "environments"

    @property
    def pixel_cache(self) -> Path:
        return self.root / "cache" / "pixels"

    @property
    def alerts(self) -> Path:
        return self.root / "alerts"

    @property
    def pins(self) -> Path:
        return self.root / "pins"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def landing(self, landing: str) -> Path:
        """The landing folder that a YAML names; a relative path is inside the home.

        Raises:
            SpecError: it is a folder of our own state, or holds the home.
        """
        folder = self.root / landing
        if self._is_state(folder):
            raise SpecError(
                f"expected a landing folder of its own, got {folder}, where the home keeps its "
                "state; name another one in source.landing, such as landing/<use case>"
            )
        return folder

    def _is_state(self, folder: Path) -> bool:
        root, place = Path(os.path.realpath(self.root)), Path(os.path.realpath(folder))
        if not place.is_relative_to(root):
            return root.is_relative_to(place)
        inside = place.relative_to(root).parts
        return not inside or inside[0] in _STATE

    def batches(self, use_case: str) -> Path:
        return self.root / "batches" / use_case

    def requests(self, use_case: str) -> Path:
        return self.root / "requests" / use_case

    def store(self, use_case: str) -> Path:
        return self.root / "stores" / use_case

    def datasets(self, use_case: str) -> Path:
        return self.root / "datasets" / use_case

    def searches(self, use_case: str) -> Path:
        return self.root / "searches" / use_case

    def models(self, use_case: str) -> Path:
        return self.root / "models" / use_case

    def bundles(self, use_case: str) -> Path:
        return self.root / "bundles" / use_case

    def reports(self, use_case: str) -> Path:
        return self.root / "reports" / use_case

    def comparisons(self, use_case: str) -> Path:
        return self.root / "comparisons" / use_case

    def suspicions(self, use_case: str) -> Path:
        return self.root / "suspicions" / use_case

    def deployments(self, use_case: str) -> Path:
        return self.root / "deployments" / use_case

    def scores(self, use_case: str) -> Path:
        return self.root / "scores" / use_case

    def environment(self) -> dict[str, str]:
        """The variables under which Dagster, BentoML and our commands find this home.

        OpenMP's threads spin for microseconds and then sleep: spinning on, as is its default,
        they take the cores from the servers and from each other; sleeping at once, they wake
        too late to be of use (docs/benchmarks.md). Two arenas of malloc instead of eight a core:
        memory that one thread frees is used by the next.
        """
        return {
            HOME_VARIABLE: str(self.root),
            "DAGSTER_HOME": str(self.dagster),
            "BENTOML_HOME": str(self.bentoml),
            "GOMP_SPINCOUNT": "10000",
            "MALLOC_ARENA_MAX": "2",
            "BENTOML_DO_NOT_TRACK": "True",
            "DAGSTER_DISABLE_TELEMETRY": "yes",
        }
