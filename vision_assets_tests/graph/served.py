"""What a deployed use case answers over HTTP, held against its bundle in this process."""

from collections.abc import Sequence

import httpx

from vision_assets.home import Home
from vision_assets.serving.bento import find_bento
from vision_assets.serving.deployments import Deployment, Deployments
from vision_assets.serving.process import ServiceProcess
from vision_assets.vision.inference.answers import Answer
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.tasks.registry import load_answers


def assert_served_as_bundled(home: Home, name: str, most: int = 20) -> list[Answer]:
    """Start the deployed Bento and ask it about so many pictures of the store; the answers.

    Where answers have objects, one of them at least has some, so that there is something to
    compare.
    """
    deployed = Deployments(home.deployments(name)).current()
    assert deployed is not None
    pictures = _pictures(home, name, most)
    answers = _over_http(home, deployed, pictures)
    predictor = Predictor(Bundle.load(home.bundles(name) / deployed.bundle_id))
    same = load_answers(predictor.bundle.card.task).same
    for picture, answer in zip(pictures, answers, strict=True):
        bundled = predictor.predict(picture)
        assert bundled.keys() <= answer.keys()
        assert same(bundled, answer), (bundled, answer)
    if "objects" in answers[0]:
        assert any(answer["objects"] for answer in answers)
    return answers


def _pictures(home: Home, name: str, most: int) -> list[bytes]:
    store = ImageStore.open(home.store(name))
    ids = sorted(store.images()["image_id"])[:most]
    return [data for _, data in store.read(ids)]


def _over_http(home: Home, deployed: Deployment, pictures: Sequence[bytes]) -> list[Answer]:
    with (
        ServiceProcess(home, find_bento(home, deployed.bento_tag)) as service,
        httpx.Client(base_url=service.base_url, timeout=30) as client,
    ):
        explained = client.post("/explain", files={"image": pictures[0]})
        assert explained.raise_for_status().json()["heatmap_png"]
        asked = [client.post("/predict", files={"image": picture}) for picture in pictures]
        return [response.raise_for_status().json() for response in asked]
