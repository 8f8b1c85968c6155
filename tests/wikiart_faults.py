"""How the stand-in for wikiart.org spoils its answers."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from email.message import Message
from email.utils import formatdate
from typing import Literal, Protocol

from tests import wikiart_pages as pages
from tests.wikiart_catalogue import PLACEHOLDER, bomb, placeholder

CUT = 0.6  # of a body is sent where it is cut
MISSING = 1000  # bytes that are promised and never sent


@dataclass(eq=False)
class Request:
    """One request, as it came and as it was answered.

    Attributes:
        time: when it came, of the monotonic clock.
        path: decoded, without ``//`` and without the ``/moved`` of a redirect.
        target: path and query as sent.
        status: of the answer; 0 where none was sent.
        fault: its name, where the answer was spoiled.
        bytes_sent: of the body.
        complete: the whole answer was handed to the network.
        connection: number of the TCP connection, from 1.
        image: the true answer is a picture.
    """

    time: float
    method: str
    path: str
    target: str
    query: dict[str, str]
    headers: Message
    connection: int
    status: int = 0
    fault: str | None = None
    bytes_sent: int = 0
    complete: bool = False
    image: bool = False


@dataclass(frozen=True)
class Answer:
    """What to send.

    Attributes:
        length: to claim; the body's own if None.
        end: what to do after the body, if not wait for the next request; ``silence``
            is a reset before anything is sent.
    """

    body: bytes
    type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None
    end: Literal["", "close", "reset", "silence", "drip", "stall"] = ""

    @property
    def image(self) -> bool:
        return self.type.startswith("image/")


class Site(Protocol):
    """What faults have to know of the server."""

    elsewhere: str

    @property
    def url(self) -> str: ...


@dataclass(frozen=True)
class Case:
    """What a fault has to do with: the true answer to a request."""

    site: Site
    request: Request
    answer: Answer
    retry_after: float

    @property
    def cut(self) -> bytes:
        return self.answer.body[: int(len(self.answer.body) * CUT)]

    def page(self, status: int, text: str, **headers: str) -> Answer:
        """Another page in place of the answer."""
        named = tuple((name.replace("_", "-"), v) for name, v in headers.items())
        return Answer(text.encode(), status=status, headers=named)

    def elsewhere(self, address: str) -> Answer:
        return self.page(302, "", Location=address)


Fault = Callable[[Case], Answer]


def _too_many(case: Case) -> Answer:
    return case.page(429, pages.FAILED, Retry_After=f"{case.retry_after:g}")


def _too_many_until(case: Case) -> Answer:
    # Whole seconds only: rounded up, except that none is none.
    until = time.time() + case.retry_after + (0.999 if case.retry_after else 0)
    date = formatdate(until, usegmt=True)
    return case.page(429, pages.FAILED, Retry_After=date)


def _half_then_reset(case: Case) -> Answer:
    body = case.answer.body
    half = body[: len(body) // 2]
    return replace(case.answer, body=half, length=len(body), end="reset")


def _short(case: Case) -> Answer:
    length = len(case.answer.body) + MISSING
    return replace(case.answer, length=length, end="close")


def _padded(case: Case) -> Answer:
    return replace(case.answer, body=case.cut.ljust(len(case.answer.body), b"\0"))


def _frame(case: Case) -> Answer:
    return replace(case.answer, body=placeholder(), type="image/jpeg")


def _to_frame(case: Case) -> Answer:
    return case.elsewhere(f"{case.site.url}/uploads/{PLACEHOLDER}")


def _to_itself(case: Case) -> Answer:
    return case.elsewhere(f"{case.site.url}/moved{case.request.target}")


def _text(case: Case) -> Answer:
    return replace(case.answer, body=b"This is no picture.\n", type="image/jpeg")


FAULTS: dict[str, Fault] = {
    "html": lambda case: case.page(200, pages.NOT_JSON),
    "403": lambda case: case.page(403, pages.CLOUDFLARE),
    "404": lambda case: case.page(404, pages.NOT_FOUND),
    "429": _too_many,
    "429-date": _too_many_until,
    "500": lambda case: case.page(500, pages.FAILED),
    "503": lambda case: case.page(503, pages.FAILED),
    "reset": lambda case: replace(case.answer, body=b"", end="silence"),
    "reset-body": _half_then_reset,
    "short": _short,
    "long": lambda case: replace(case.answer, length=len(case.cut), end="close"),
    "truncated": lambda case: replace(case.answer, body=case.cut),
    "padded": _padded,
    "placeholder": _frame,
    "placeholder-redirect": _to_frame,
    "redirect-out": lambda case: case.elsewhere(case.site.elsewhere),
    "redirect-home": _to_itself,
    "bomb": lambda case: replace(case.answer, body=bomb(), type="image/png"),
    "drip": lambda case: replace(case.answer, end="drip"),
    "stall": lambda case: replace(case.answer, end="stall"),
    "empty": lambda case: replace(case.answer, body=b""),
    "text": _text,
}
"""Name → what becomes of the true answer."""

KINDS = (
    *("html", "403", "429", "429-date", "500", "503", "reset", "reset-body", "short"),
    *("long", "truncated", "padded", "placeholder", "placeholder-redirect"),
    *("redirect-home", "empty", "text"),
)
"""Transient faults that cost no time: asked again, all is well."""


@dataclass
class Rule:
    """A fault that `WikiArtServer.fail` laid in wait.

    Attributes:
        times: that it strikes yet; None for ever.
        used: times that it struck.
    """

    matches: Callable[[Request], bool]
    fault: str | Fault
    times: int | None
    retry_after: float | None
    used: int = 0


@dataclass
class Mischief:
    """Faults at random; the same ones however requests of several threads interleave,
    since each path has a sequence of its own."""

    share: float
    seed: int
    kinds: Sequence[str]
    in_a_row: int
    retry_after: float
    asked: Counter[str] = field(default_factory=Counter)
    spoiled: Counter[str] = field(default_factory=Counter)

    def draw(self, request: Request) -> str | None:
        key = f"{request.path}?{sorted(request.query.items())}"
        self.asked[key] += 1
        rng = random.Random(f"{self.seed} {key} {self.asked[key]}")
        if self.spoiled[key] >= self.in_a_row or rng.random() >= self.share:
            self.spoiled[key] = 0
            return None
        self.spoiled[key] += 1
        return rng.choice(self.kinds)
