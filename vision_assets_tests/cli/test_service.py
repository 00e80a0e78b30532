"""predict, serve and rollback before anything is deployed."""


def test_predict_without_an_endpoint_says_how_to_start_one(steel, run, samples):
    image = next(samples.folder.iterdir())
    result = run("predict", steel, image, "--url", "http://127.0.0.1:9", code=1)
    assert "vision-assets serve" in result.stderr


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
