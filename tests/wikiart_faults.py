"""Faults of the stand-in for wikiart.org."""

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
from tests.wikiart_catalogue import PLACEHOLDER, draw_placeholder, make_bomb

CUT = 0.6  # of a body is sent where it is cut
MISSING = 1000  # bytes that are promised and never sent


@dataclass(eq=False)
class Request:
    """One request, and how it was answered.

    Attributes:
        time: When it came, of the monotonic clock.
        path: Decoded, without ``//`` and without the ``/moved`` of a redirect.
        target: Path and query as sent.
        status: Of the answer; 0 if none was sent.
        fault: The name of the fault, if the answer had one.
        bytes_sent: Of the body.
        complete: Whether the whole answer was handed to the network.
        connection: The number of the TCP connection, from 1.
        image: Whether the answer without faults is a picture.
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
    """A response to send.

    Attributes:
        length: The Content-Length; by default the body's own.
        end: What to do after the body, if not wait for the next request; ``silence``
            is a reset before anything is sent.
        raw: What to send in place of headers and body, and what then to repeat, every
            ``drip_s`` seconds, until the client hangs up.
    """

    body: bytes
    type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None
    end: Literal["", "close", "reset", "silence", "drip", "stall"] = ""
    raw: tuple[bytes, bytes] | None = None

    @property
    def image(self) -> bool:
        return self.type.startswith("image/")


class Site(Protocol):
    """What faults need to know of the server."""

    elsewhere: str

    @property
    def url(self) -> str: ...


@dataclass(frozen=True)
class FaultContext:
    """What a fault may use: the request and the answer without the fault."""

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


Fault = Callable[[FaultContext], Answer]


def _too_many(case: FaultContext) -> Answer:
    return case.page(429, pages.FAILED, Retry_After=f"{case.retry_after:g}")


def _too_many_until(case: FaultContext) -> Answer:
    # Whole seconds only: rounded up, except that none is none.
    until = time.time() + case.retry_after + (0.999 if case.retry_after else 0)
    date = formatdate(until, usegmt=True)
    return case.page(429, pages.FAILED, Retry_After=date)


def _half_then_reset(case: FaultContext) -> Answer:
    body = case.answer.body
    half = body[: len(body) // 2]
    return replace(case.answer, body=half, length=len(body), end="reset")


def _short(case: FaultContext) -> Answer:
    length = len(case.answer.body) + MISSING
    return replace(case.answer, length=length, end="close")


def _padded(case: FaultContext) -> Answer:
    return replace(case.answer, body=case.cut.ljust(len(case.answer.body), b"\0"))


def _frame(case: FaultContext) -> Answer:
    return replace(case.answer, body=draw_placeholder(), type="image/jpeg")


def _to_frame(case: FaultContext) -> Answer:
    return case.elsewhere(f"{case.site.url}/uploads/{PLACEHOLDER}")


def _to_itself(case: FaultContext) -> Answer:
    return case.elsewhere(f"{case.site.url}/moved{case.request.target}")


def _text(case: FaultContext) -> Answer:
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
    "bomb": lambda case: replace(case.answer, body=make_bomb(), type="image/png"),
    "drip": lambda case: replace(case.answer, end="drip"),
    "stall": lambda case: replace(case.answer, end="stall"),
    "empty": lambda case: replace(case.answer, body=b""),
    "text": _text,
}
"""Name → function that turns the answer into a faulty one."""

TRANSIENT_FAULTS = (
    *("html", "403", "429", "429-date", "500", "503", "reset", "reset-body", "short"),
    *("long", "truncated", "padded", "placeholder", "placeholder-redirect"),
    *("redirect-home", "empty", "text"),
)
"""Transient faults that cost no time."""


@dataclass
class FaultRule:
    """A fault that `WikiArtServer.add_fault` added.

    Attributes:
        times: How often it will still be used; None for always.
        used: How often it was used.
    """

    matches: Callable[[Request], bool]
    fault: str | Fault
    times: int | None
    retry_after: float | None
    used: int = 0


@dataclass
class RandomFaults:
    """Random faults, with a sequence for each path.

    They do not depend on how the requests of several threads interleave.
    """

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
