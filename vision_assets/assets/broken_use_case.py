"""does_not_load: stands in the UI for a use case whose YAML is wrong, and says what is wrong."""

import re

import dagster as dg

NOUN = "does_not_load"


def broken_use_case(name: str, why: str) -> dg.AssetsDefinition:
    """Build the asset `<use_case>/does_not_load`, the only one of a use case that is broken.

    Args:
        name: folder of the use case, which may be what is wrong.
        why: file, line, field and remedy.
    """
    group = re.sub(r"[^A-Za-z0-9_]", "_", name)

    @dg.asset(
        key=[group, NOUN],
        group_name=group,
        kinds={"broken"},
        metadata={"why": dg.MetadataValue.text(why)},
        description=(
            f"**The use case {name} does not load; all others do.** Nothing of it runs until its "
            "YAML is put right and the definitions are reloaded (Deployment, Reload). What it "
            f"has deployed goes on answering.\n\n```\n{why}\n```"
        ),
    )
    def build() -> None:
        raise dg.Failure(f"{name} does not load: {why}")

    return build
