"""Writes `network_table.py` from the installed torchvision.

    python -m vision_assets.vision.tasks.network_scan

Run it after torchvision was updated; a test compares the table with what it would write.
"""

from pathlib import Path


def scan() -> dict[str, list[str]]:
    """The networks that each task can build, by the name of their table."""
    from vision_assets.vision.tasks.classification.network import network_names as classification
    from vision_assets.vision.tasks.detection.network import network_names as detection
    from vision_assets.vision.tasks.segmentation.network import network_names as segmentation

    return {
        "CLASSIFICATION": classification(),
        "DETECTION": detection(),
        "SEGMENTATION": segmentation(),
    }


def source(tables: dict[str, list[str]]) -> str:
    """The text of `network_table.py`."""
    lines = [
        '"""Every network that can be named in a recipe.',
        "",
        "Lets YAML be checked without importing torch. Written by",
        "`python -m vision_assets.vision.tasks.network_scan`; a test keeps it true.",
        '"""',
    ]
    for table, names in tables.items():
        lines += ["", f"{table} = (", *(f'    "{name}",' for name in names), ")"]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    Path(__file__).with_name("network_table.py").write_text(source(scan()))
