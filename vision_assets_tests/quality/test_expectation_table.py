from vision_assets.quality.expectation_scan import scan
from vision_assets.quality.expectation_table import EXPECTATIONS


def test_the_table_is_what_the_installed_great_expectations_has() -> None:
    assert scan() == EXPECTATIONS
