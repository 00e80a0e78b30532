"""Settings of a service: those that it carries, overlaid by the environment."""

import pytest

from vision_assets.vision.errors import ImageRefused, ServiceError
from vision_assets.vision.inference.decode import check_header, read_header
from vision_assets.vision.inference.service.settings import (
    SETTINGS_VARIABLE,
    ServiceSettings,
    load_settings,
)
from vision_assets_tests.drawing import draw_jpeg


def test_defaults_hold_where_nothing_is_said(tmp_path):
    assert load_settings(tmp_path) == ServiceSettings()


def test_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    (tmp_path / "service.json").write_text('{"workers": 2, "max_pixels": 5}')
    monkeypatch.setenv(SETTINGS_VARIABLE, '{"workers": 3}')
    settings = load_settings(tmp_path)
    assert (settings.workers, settings.max_pixels) == (3, 5)
    assert settings.limits.max_pixels == 5


def test_a_refusal_names_the_key_that_sets_its_bound():
    data = draw_jpeg(0, side_px=64)
    for bounds, key in (
        ({"max_pixels": 100}, "raise service.max_pixels"),
        ({"max_body_bytes": 1024}, "raise service.max_body_bytes"),
    ):
        with pytest.raises(ImageRefused, match=key):
            check_header(read_header(data), 2000, ServiceSettings(**bounds).limits)


@pytest.mark.parametrize("wrong", ["{", "[]", '{"worker": 1}', '{"workers": 0}'])
def test_wrong_settings_are_told(tmp_path, monkeypatch, wrong):
    monkeypatch.setenv(SETTINGS_VARIABLE, wrong)
    with pytest.raises(ServiceError, match=SETTINGS_VARIABLE):
        load_settings(tmp_path)
