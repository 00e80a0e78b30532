from vision_assets.vision.tasks import network_table
from vision_assets.vision.tasks.network_scan import scan


def test_the_table_is_what_the_tasks_can_build_with_the_installed_torchvision() -> None:
    assert {name: list(vars(network_table)[name]) for name in scan()} == scan()
