"""predict, serve and rollback before anything is deployed."""

import re

from vision_assets.serving.process import free_port
from vision_assets_tests.graph.receiver import receiving


def test_predict_without_an_endpoint_says_how_to_start_one(steel, run, samples):
    image = next(samples.folder.iterdir())
    result = run("predict", steel, image, "--url", "http://127.0.0.1:9", code=1)
    assert "vision-assets serve" in result.stderr


def test_predict_asks_no_proxy_for_the_endpoint_of_this_machine(
    steel, run, samples, home, monkeypatch
):
    image, path = next(samples.folder.iterdir()), home.parent / "defs" / steel / "defs.yaml"
    path.write_text(re.sub(r"port: \d+", f"port: {free_port()}", path.read_text()))
    with receiving() as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        assert "vision-assets serve" in run("predict", steel, image, code=1).stderr
        assert proxy.requests == []
        run("predict", steel, image, "--url", "http://plant.example", code=1)
        assert len(proxy.requests) == 1


def test_predict_locally_needs_a_deployment(steel, run, samples):
    image = next(samples.folder.iterdir())
    assert "no deployment" in run("predict", steel, image, "--local", code=1).stderr


def test_serve_needs_a_deployment(steel, run):
    assert "no deployment" in run("serve", steel, code=1).stderr


def test_rollback_needs_a_deployment_before(steel, run):
    assert "before" in run("rollback", steel, "--why", "worse", code=1).stderr


def test_an_image_that_does_not_exist_is_wrong_usage(steel, run):
    run("predict", steel, "nowhere.jpg", code=2)


def test_run_of_an_unknown_asset_names_those_that_exist(steel, run):
    assert "trained_model" in run("run", steel, "--select", "modle", code=2).stderr
