"""A service that has more requests than it takes at a time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx

from vision_assets.home import Home
from vision_assets.serving.bento import BuiltBento
from vision_assets.serving.process import ServiceProcess
from vision_assets.vision.inference.service.settings import ServiceSettings
from vision_assets_tests.serving.bundles import colour_png

WAIT_S = 30
HEADERS = ("content-type", "content-length")
PICTURE = {"image": ("red.png", colour_png("red"))}


def ask(client: httpx.Client, _: int = 0) -> httpx.Response:
    return client.post("/predict", files=PICTURE)


def dawdle(client: httpx.Client, begun: Event, end: Event) -> httpx.Response:
    """A request whose body is on its way until it is told to end."""
    whole = httpx.Request("POST", client.base_url, files=PICTURE)
    body = whole.read()

    def parts() -> Iterator[bytes]:
        yield body[:10]
        begun.set()
        end.wait(WAIT_S)
        yield body[10:]

    return client.post("/predict", content=parts(), headers={k: whole.headers[k] for k in HEADERS})


def test_what_is_too_much_is_told_to_come_later_and_the_service_stays_healthy(
    home: Home, built: BuiltBento
) -> None:
    settings = ServiceSettings(workers=1, max_in_flight=1)
    begun, end = Event(), Event()
    with (
        ServiceProcess(home, built, name="overload", settings=settings) as service,
        httpx.Client(base_url=service.base_url, timeout=WAIT_S, trust_env=False) as client,
        ThreadPoolExecutor(9) as clients,
    ):
        first = clients.submit(dawdle, client, begun, end)
        assert begun.wait(WAIT_S)
        while (probe := ask(client)).status_code == 200:
            assert not first.done()
        answers = [probe, *clients.map(ask, [client] * 8)]
        alive = client.get("/livez").status_code
        end.set()
        assert {answer.status_code for answer in answers} == {503}
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers)
        assert (alive, first.result().status_code) == (200, 200)
        assert [ask(client).status_code for _ in range(8)] == [200] * 8
