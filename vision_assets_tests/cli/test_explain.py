"""vision-assets explain: the decision in words, and as JSON."""


def test_what_is_missing_for_a_training_is_said(steel, run):
    said = run("explain", steel).stdout
    assert "does not start by itself now" in said
    assert "0 new labelled images, 15 start a training" in said
    assert "nothing was deployed yet" in said


def test_that_the_servers_do_not_run_is_said(steel, run):
    said = run("explain", steel).stdout
    assert "daemon does not run" in said
    assert "vision-assets up" in said


def test_a_script_gets_every_trigger(steel, run_json):
    run_found = run_json("explain", steel)
    names = [trigger["name"] for trigger in run_found["decision"]["triggers"]]
    assert names == ["retrain_after", "retrain_after_share", "retrain_after_days"]
    assert run_found["decision"]["trains"] is False


def test_explaining_changes_nothing(steel, run, home):
    before = sorted(home.rglob("*"))
    run("explain", steel)
    assert sorted(home.rglob("*")) == before


def test_images_that_wait_are_named_with_whom_they_wait_for(steel, run_json, samples):
    (wait,) = run_json("explain", steel)["waits"]
    assert wait["number"] == samples.n_files
    assert wait["whom"] == "the daemon"
