"""What to do about each kind of error: one table, for alerts, status and the runbook.

A message of an error says what was expected, what came and what to do in that one case; a remedy
says it of the whole kind, with the command to begin with.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Remedy:
    """What to do about a kind of error.

    Attributes:
        kind: class of the error, or a name of this table for what is no error of Python.
        means: what has happened, in one sentence.
        do: what to do, in one or two sentences.
        command: to begin with; `{name}` stands for the use case.
    """

    kind: str
    means: str
    do: str
    command: str

    def command_for(self, name: str) -> str:
        """The command with the use case in it."""
        return self.command.format(name=name)


SERVICE_STOPPED = "ServiceStopped"
DAEMON_STOPPED = "DaemonStopped"
ALERT_UNDELIVERED = "AlertUndelivered"
UNKNOWN = "UnknownError"

_TABLE = (
    Remedy(
        "SpecError",
        "A YAML file, or an argument of a command, says something that cannot be.",
        "Correct the line that the message names; nothing was changed.",
        "vision-assets doctor",
    ),
    Remedy(
        "ImageRefused",
        "An image was not taken; it lies in the quarantine with its bytes and the reason.",
        "Accept it under a label, or dismiss it.",
        "vision-assets resolve {name}",
    ),
    Remedy(
        "StoreError",
        "The image store could not do what was asked; nothing of it was written.",
        "Do what the message says, then start the run again.",
        "vision-assets status {name}",
    ),
    Remedy(
        "StoreLocked",
        "Another process writes the same store, or trains the same use case.",
        "Wait until the process that the message names has ended, then start the run again.",
        "vision-assets status {name}",
    ),
    Remedy(
        "DiskFull",
        "Too little disk space is left to write safely; files wait in the landing folder.",
        "Free space or give the home a larger disk; ingest goes on by itself.",
        "vision-assets housekeeping --dry-run",
    ),
    Remedy(
        "LandingUnreadable",
        "The landing folder cannot be listed or read, as when a share is not mounted.",
        "Mount it, or give the user of the servers the right to read it; then it goes on.",
        "vision-assets doctor",
    ),
    Remedy(
        "DatasetError",
        "A dataset version is missing, damaged, or not valid for a training.",
        "Look at the failed checks of validated_dataset, mend the data they name, run it again.",
        "vision-assets explain {name}",
    ),
    Remedy(
        "TrainingError",
        "The recipe cannot be trained on this dataset version.",
        "Change the recipe or add images as the message says, then train again.",
        "vision-assets run {name}",
    ),
    Remedy(
        "BundleError",
        "A bundle is missing, damaged, or of another contract.",
        "Restore it from a backup, or materialize exported_model again.",
        "vision-assets run {name} --select exported_model",
    ),
    Remedy(
        "CheckFailed",
        "A check that blocks has failed, so nothing was built upon it.",
        "Read which check and why, mend what it names, run from that asset on.",
        "vision-assets explain {name}",
    ),
    Remedy(
        "DagsterAssetCheckFailedError",
        "A gate, or another check that blocks, did not pass; what answers is what answered before.",
        "Read which one and by how much: add or mend labels, train longer, or change the gate.",
        "vision-assets explain {name}",
    ),
    Remedy(
        "ServiceError",
        "A Bento could not be built, started or reached.",
        "Read the end of its log below logs/ of the home; materialize bento_service again.",
        "vision-assets run {name} --select bento_service --select deployment",
    ),
    Remedy(
        "DeploymentError",
        "A switch or a roll-back could not be done; what answers is what answered before.",
        "Do what the message says; a damaged log is restored from a backup.",
        "vision-assets status {name}",
    ),
    Remedy(
        "BackupError",
        "A backup cannot be taken, is damaged, or cannot be restored; the home is as it was.",
        "Do what the message says, then take the backup again: only what is new is copied.",
        "vision-assets backup DIR --verify",
    ),
    Remedy(
        "HomeVersionError",
        "The home was written by another release.",
        "Of an older release: `vision-assets migrate --backup TARGET`. Of a newer one: use it.",
        "vision-assets migrate --dry-run",
    ),
    Remedy(
        "RunFailure",
        "A run ended without an error of its own: its process died, or was ended.",
        "Dagster starts it again, twice at most; if it stays away, look at the log of the run.",
        "vision-assets status {name}",
    ),
    Remedy(
        SERVICE_STOPPED,
        "The endpoint does not answer although a model is deployed.",
        "Start the servers, or read the end of logs/endpoint-<use case>.log in the home.",
        "vision-assets up",
    ),
    Remedy(
        DAEMON_STOPPED,
        "Dagster's daemon does not run: no sensor looks for images, nothing retrains.",
        "Start the servers.",
        "vision-assets up",
    ),
    Remedy(
        ALERT_UNDELIVERED,
        "A message could not be delivered to the webhook.",
        "See that the receiver runs and that VISION_ASSETS_WEBHOOK_URL names it.",
        "vision-assets doctor",
    ),
    Remedy(
        UNKNOWN,
        "An error that vision_assets did not foresee, of Python or of a library.",
        "Read the run's log in the Dagster UI; if it is none of yours, report it with the log.",
        "vision-assets status {name}",
    ),
)

REMEDIES = {remedy.kind: remedy for remedy in _TABLE}
"""By kind."""


def remedy_for(kind: str) -> Remedy:
    """The remedy of a kind of error; that of the unknown where the table has none."""
    return REMEDIES.get(kind, REMEDIES[UNKNOWN])
