"""A receiver of messages that listens on a real port and does as it is told."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Received:
    """One request."""

    body: bytes
    headers: Message


@dataclass
class Receiver:
    """What came, and how the next ones are answered.

    Attributes:
        answers: statuses of the next requests; 200 once they are used up.
        slow_s: how long each answer takes.
    """

    port: int = 0
    answers: list[int] = field(default_factory=list)
    slow_s: float = 0.0
    requests: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        """With something in it that nobody may see."""
        return f"http://127.0.0.1:{self.port}/hook/token-of-the-receiver"


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """Listen on a port of this machine; 0 picks a free one."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.requests.append(Received(body, self.headers))
            time.sleep(receiver.slow_s)
            self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
