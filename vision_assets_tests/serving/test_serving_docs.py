"""The examples of requests in the docs, run as they stand there."""

import re
import subprocess
from pathlib import Path

import pytest

from vision_assets_tests.docs.pages import commands
from vision_assets_tests.serving.bundles import colour_png

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = [
    block
    for page in ("serving.md", "roles/consumer.md")
    for block in commands(DOCS / page)
    if "$URL" in block
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_example_works(service, tmp_path: Path, example: str):
    (tmp_path / "part.png").write_bytes(colour_png("green"))
    (tmp_path / "other.png").write_bytes(colour_png("red"))
    done = subprocess.run(
        ["bash", "-c", example],
        cwd=tmp_path,
        env={"URL": service.base_url, "KEY": "not needed here", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout or (tmp_path / "heatmap.png").stat().st_size > 0


def test_there_is_an_example_of_every_route():
    routes = {match for example in EXAMPLES for match in re.findall(r'\$URL(/\w+)"', example)}
    assert routes == {"/predict", "/predict_batch", "/explain", "/info"}
