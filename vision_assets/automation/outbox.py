"""Messages that are to be delivered, each once: a folder of small files.

    <home>/alerts/
      waiting/<id>.json   not delivered yet; how often it was tried, and when it is tried next
      sent/<id>.json      delivered
      given_up/<id>.json  tried as often as it is tried
      lock                held by the one that delivers

A message is written before it is sent, and a try is counted before it is made: a process that
dies at any point leaves a message that is tried again, a bounded number of times.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from vision_assets.vision.atomic import write_text
from vision_assets.vision.file_lock import file_lock

MAX_TRIES = 12
FIRST_WAIT_S, LONGEST_WAIT_S = 10.0, 3600.0
KEPT_S = 90 * 24 * 3600.0
AT_ONCE = 5
_LOCK_WAIT_S = 0.2
_ID = re.compile(r"[A-Za-z0-9_.-]{1,100}")

Post = Callable[[dict[str, Any]], None]


class DeliveryFailed(Exception):
    """A message was not taken; the text names no address."""


@dataclass(frozen=True)
class Letter:
    """A message and what became of it.

    Attributes:
        id: names it; a message of an id is delivered once.
        message: JSON.
        written_s: when, seconds since 1970.
        tries: how often it was tried.
        next_try_s: when it is tried next.
        error: of the last try.
    """

    id: str
    message: dict[str, Any]
    written_s: float
    tries: int = 0
    next_try_s: float = 0.0
    error: str = ""
    schema_version: int = field(default=1)


class Outbox:
    """The messages of a home.

    Args:
        folder: `home.alerts`; nothing is created before the first message.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, id: str, message: dict[str, Any], now_s: float | None = None) -> bool:
        """Write a message down for delivery; whether it is a new one."""
        assert _ID.fullmatch(id), id
        if any((self._folder / place / f"{id}.json").exists() for place in _PLACES):
            return False
        self._write(_WAITING, Letter(id, message, time.time() if now_s is None else now_s))
        return True

    def deliver(self, post: Post, now_s: float | None = None) -> list[Letter]:
        """Try the messages that are due, a few at once.

        Args:
            post: hands a message over, or raises DeliveryFailed.
            now_s: seconds since 1970; None: now.

        Returns:
            What was tried, as it is now.

        Raises:
            StoreLocked: another process delivers.
        """
        at_s = time.time() if now_s is None else now_s
        if not self._due(at_s):
            return []
        with file_lock(self._folder / "lock", _LOCK_WAIT_S):
            self._forget(at_s - KEPT_S)
            # Read again: another process may have delivered it since.
            return [self._try(letter, post, at_s) for letter in self._due(at_s)[:AT_ONCE]]

    def undelivered(self, now_s: float | None = None) -> list[Letter]:
        """Messages that failed at least once, and that nothing has got through after.

        What a clock that ran ahead wrote hides none of them.
        """
        at_s = time.time() if now_s is None else now_s
        sent = (letter.written_s for letter in self._letters(_SENT))
        sent_s = max((written_s for written_s in sent if written_s <= at_s), default=0.0)
        given_up = [each for each in self._letters(_GIVEN_UP) if each.written_s >= sent_s]
        return [*given_up, *(each for each in self._letters(_WAITING) if each.tries)]

    def _due(self, at_s: float) -> list[Letter]:
        """Those whose wait is over, or longer than any: the clock was set back since."""
        waiting = self._letters(_WAITING)
        return [each for each in waiting if not 0 < each.next_try_s - at_s <= LONGEST_WAIT_S]

    def _try(self, letter: Letter, post: Post, now_s: float) -> Letter:
        wait_s = min(FIRST_WAIT_S * 2**letter.tries, LONGEST_WAIT_S)
        tried = replace(letter, tries=letter.tries + 1, next_try_s=now_s + wait_s)
        self._write(_WAITING, tried)
        try:
            post(letter.message)
        except DeliveryFailed as error:
            tried = replace(tried, error=str(error))
            self._write(_WAITING, tried)
            if tried.tries >= MAX_TRIES:
                self._move(tried, _GIVEN_UP)
            return tried
        done = replace(tried, error="")
        self._write(_WAITING, done)
        self._move(done, _SENT)
        return done

    def _letters(self, place: str) -> Iterator[Letter]:
        for path in sorted((self._folder / place).glob("*.json")):
            try:
                yield Letter(**json.loads(path.read_text()))
            except FileNotFoundError:  # delivered by another process since it was listed
                continue

    def _write(self, place: str, letter: Letter) -> None:
        write_text(self._folder / place / f"{letter.id}.json", json.dumps(asdict(letter), indent=1))

    def _move(self, letter: Letter, place: str) -> None:
        target = self._folder / place / f"{letter.id}.json"
        target.parent.mkdir(exist_ok=True)
        (self._folder / _WAITING / target.name).replace(target)

    def _forget(self, before_s: float) -> None:
        for place in (_SENT, _GIVEN_UP):
            for letter in list(self._letters(place)):
                if letter.written_s < before_s:
                    (self._folder / place / f"{letter.id}.json").unlink()


_WAITING, _SENT, _GIVEN_UP = _PLACES = ("waiting", "sent", "given_up")
