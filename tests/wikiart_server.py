"""A stand-in for wikiart.org on loopback, with faults on demand.

    with WikiArtServer(make_catalogue(40)) as site:
        site.fail(site.works[3]["image"], "reset", times=2)
        ...  # fetch from site.url
        assert site.count_images()[site.path(site.works[3])] == 1

By hand: ``python -m tests.wikiart_server --works 40 --misbehave 0.2``.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import socketserver
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qsl

from tests import wikiart_pages as pages
from tests.wikiart_catalogue import (
    PLACEHOLDER,
    Artist,
    Record,
    draw_placeholder,
    fold_words,
    get_picture,
    load_catalogue,
    local_path,
    make_artists,
    make_catalogue,
    make_hostile_works,
    make_map,
    rewrite_record,
)
from tests.wikiart_faults import (
    FAULTS,
    TRANSIENT_FAULTS,
    Answer,
    Fault,
    FaultContext,
    FaultRule,
    RandomFaults,
    Request,
)

__all__ = [
    "FAULTS",
    "TRANSIENT_FAULTS",
    "Answer",
    "Artist",
    "FaultContext",
    "FaultRule",
    "Request",
    "WikiArtServer",
    "load_catalogue",
    "local_path",
    "make_catalogue",
    "make_hostile_works",
]

MAIN = "pablo-picasso"  # the artist of the catalogue that a server is given
PAGE_SIZE = 60


# The server ---------------------------------------------------------------------------


class WikiArtServer:
    """wikiart.org, as far as a downloader sees it; a context manager.

    Attributes:
        artists: Slug → artist.
        pictures: Address or path of a picture → bytes to serve there instead.
        details: Slug of a work → ``style``, ``genre``, ``media``, ``dimensions``,
            ``rights`` of its page, each of which has a default.
        requests: All requests, in order.
        errors: Of the stand-in itself; the end of the context raises the first.
        peak_connections: The most TCP connections that were open at once.
        peak_active: The most requests in progress at once.
        end: What comes past the last page: ``empty``, ``null`` or ``500``.
        overlap: The number of records of a page that the next one begins with.
        lose: The number of works at the end that are counted and in the text list, but
            not in JSON.
        unlinked: Titles of works that the text list shows without a link.
        awkward_rows: Whether the text list has links that are not the artist's works.
        needs_headers: Whether JSON needs the headers of the site's own scripts.
        needs_agent: Whether clients without a user agent of their own get 403.
        retry_after: The seconds that a 429 asks for.
        elsewhere: Where ``redirect-out`` leads.
        delay_s: Before each response.
        drip_s: Between two bytes of ``drip``, and between repetitions of raw bytes.
        stall_s: How long ``stall`` is silent before it hangs up.
    """

    def __init__(self, works: list[Record] | None = None, port: int = 0) -> None:
        self.artists = make_artists(make_catalogue(40) if works is None else works)
        self.pictures: dict[str, bytes] = {}
        self.details: dict[str, dict[str, Any]] = {}
        self.requests: list[Request] = []
        self.errors: list[Exception] = []
        self.peak_connections = 0
        self.peak_active = 0

        self.end: Literal["empty", "null", "500"] = "empty"
        self.overlap = 0
        self.lose = 0
        self.unlinked: list[str] = []
        self.awkward_rows = False
        self.needs_headers = True
        self.needs_agent = True
        self.retry_after = 1.0
        self.elsewhere = "http://127.0.0.1:9/evil.jpg"
        self.delay_s = 0.0
        self.drip_s = 0.2
        self.stall_s = 60.0

        self.closing = threading.Event()
        self._rules: list[FaultRule] = []
        self._mischief: RandomFaults | None = None
        self._active: set[Request] = set()
        self._lock = threading.Lock()
        self._http = _Http(port, self)
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.02,), daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if self.errors and error is None:
            raise self.errors[0]

    def stop(self) -> None:
        """Close all connections."""
        self.closing.set()
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()
        self._http.hang_up()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def works(self) -> list[Record]:
        """The catalogue's records, which tests may change."""
        return self.artists[MAIN].works

    @works.setter
    def works(self, works: list[Record]) -> None:
        self.artists[MAIN].works = works

    def path(self, what: Record | str) -> str:
        """Return the path of a work's picture, or of an address, as in `requests`."""
        return local_path(what if isinstance(what, str) else what["image"])

    # Faults ---------------------------------------------------------------------------

    def add_fault(
        self,
        where: str | re.Pattern[str] | Callable[[Request], bool],
        fault: str | Fault,
        times: int | None = None,
        *,
        exact: bool = False,
        retry_after: float | None = None,
    ) -> FaultRule:
        """Add a fault for some requests; the oldest rule that matches applies.

        Args:
            where: The beginning of a path or address, a pattern to search in
                ``path?query``, or a function that matches requests.
            fault: A key of `FAULTS`, or a function like its values.
            times: How often; None for always.
            exact: Whether ``where`` is the whole path, which leaves out derivatives.
            retry_after: Seconds, in place of the server's.
        """
        if isinstance(fault, str) and fault not in FAULTS:
            raise ValueError(f"{fault!r} is none of {', '.join(FAULTS)}")
        rule = FaultRule(_matcher(where, exact), fault, times, retry_after)
        with self._lock:
            self._rules.append(rule)
        return rule

    def add_random_faults(
        self,
        share: float,
        seed: int = 0,
        kinds: Sequence[str] = TRANSIENT_FAULTS,
        in_a_row: int = 3,
        retry_after: float = 0.0,
    ) -> None:
        """Add random faults to a share of all responses.

        Args:
            share: From 0 (none) to 1.
            seed: Of the random numbers.
            kinds: Keys of `FAULTS`.
            in_a_row: The most faults that one address has in a row.
            retry_after: The seconds that a 429 asks for.
        """
        if unknown := set(kinds) - set(FAULTS):
            raise ValueError(f"no such faults: {unknown}")
        with self._lock:
            self._mischief = RandomFaults(share, seed, kinds, in_a_row, retry_after)

    def clear_faults(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._rules.clear()
            self._mischief = None

    # What was asked -------------------------------------------------------------------

    def count_images(self) -> Counter[str]:
        """Count how often each picture was served whole, by path."""
        return Counter(
            request.path
            for request in list(self.requests)
            if request.image
            and request.complete
            and request.status == 200
            and not request.fault
        )

    def measure_rate(self) -> float:
        """Return requests per second, from the first to the last; 0 if under two."""
        times = sorted(one.time for one in list(self.requests))
        if len(times) < 2:
            return 0.0
        return (len(times) - 1) / max(times[-1] - times[0], 1e-9)

    # Called by the handlers' threads --------------------------------------------------

    def record_arrival(self, handler: _Handler) -> Request:
        """Record a request that arrived."""
        path, _, query = handler.path.partition("?")
        path = local_path(path.encode("latin-1").decode("utf-8", "replace"))
        request = Request(
            time=time.monotonic(),
            method=handler.command,
            path=re.sub(r"^(?:/moved)+(?=/|$)", "", path) or "/",
            target=handler.path,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=handler.headers,
            connection=handler.number,
        )
        with self._lock:
            self.requests.append(request)
            self._active.add(request)
            self.peak_active = max(self.peak_active, len(self._active))
        return request

    def record_end(self, request: Request) -> None:
        """Record that a request is no longer in progress."""
        with self._lock:
            self._active.discard(request)

    def record_connections(self, count: int) -> None:
        """Record the number of open connections."""
        with self._lock:
            self.peak_connections = max(self.peak_connections, count)

    def respond(self, request: Request) -> Answer:
        """Return the answer to a request, with its fault if there is one."""
        agent = request.headers.get("User-Agent", "")
        if self.needs_agent and (not agent or agent.startswith("python-requests")):
            return Answer(pages.CLOUDFLARE.encode(), status=403)
        fault, retry_after = self._fault(request)
        answer = self._true_answer(request)
        request.image = answer.image
        if fault is None:
            return answer
        named = isinstance(fault, str)
        request.fault = str(fault) if named else getattr(fault, "__name__", "fault")
        spoil = FAULTS[fault] if isinstance(fault, str) else fault
        return spoil(FaultContext(self, request, answer, retry_after))

    def _fault(self, request: Request) -> tuple[str | Fault | None, float]:
        """Return the fault of an answer, and the seconds that a 429 asks for."""
        with self._lock:
            for rule in self._rules:
                if rule.times == 0 or not rule.matches(request):
                    continue
                rule.used += 1
                rule.times = None if rule.times is None else rule.times - 1
                seconds = rule.retry_after
                return rule.fault, self.retry_after if seconds is None else seconds
            if self._mischief is not None:
                return self._mischief.draw(request), self._mischief.retry_after
        return None, 0.0

    # Endpoints ------------------------------------------------------------------------

    def _true_answer(self, request: Request) -> Answer:
        if picture := self._picture(request.path):
            png = picture.startswith(b"\x89PNG")
            return Answer(picture, "image/png" if png else "image/jpeg")
        for pattern, endpoint in _ENDPOINTS:
            if match := pattern.fullmatch(request.path):
                answer = endpoint(self, request, *match.groups())
                if answer is not None:
                    return answer
        for record in self._records():
            where = record.get("paintingUrl")
            if isinstance(where, str) and local_path(where) == request.path:
                return self._painting(record, request.path)
        return _page(pages.NOT_FOUND, 404)

    def _records(self) -> Iterator[Record]:
        for artist in self.artists.values():
            yield from list(artist.works)

    def _picture(self, path: str) -> bytes | None:
        for address, data in list(self.pictures.items()):
            if local_path(address) == path:
                return data
        if re.match(rf"/uploads\d*/{PLACEHOLDER}$", path):
            return draw_placeholder()
        plain = _plain(path)
        for record in self._records():
            if _is_at(record.get("image"), plain):
                return get_picture(record, path)
            for scan in record.get("images") or ():
                if _is_at(scan["image"], plain):
                    made = make_map(scan["width"], scan["height"])
                    return get_picture({"id": plain, "map": made, **scan}, path)
        return None

    def _painting(self, record: Record, path: str) -> Answer:
        slug = path.split("/", 3)[-1]
        raw = str(record["paintingUrl"]).rsplit("/", 1)[-1]
        told = self.details.get(slug) or self.details.get(raw) or {}
        details = pages.make_details(record) | told
        shown = rewrite_record(record, self.url)
        return _page(pages.painting_page(shown, details))

    def _artist(self, request: Request, slug: str) -> Answer | None:
        artist = self.artists.get(slug)
        if artist is None:
            return None
        if request.query.get("json") != "2":
            return _page(pages.artist_page(artist))
        return self._json(request, pages.artist_object(artist, self.url))

    def _paintings(self, request: Request, slug: str) -> Answer | None:
        artist = self.artists.get(slug)
        if artist is None or request.query.get("json") != "2":
            return None if artist is None else _page(pages.NOT_JSON)
        listed = artist.works[: max(len(artist.works) - self.lose, 0)]
        asked = request.query.get("page", "1")
        number = int(asked) if asked.isdecimal() else 1
        start = (max(number, 1) - 1) * (PAGE_SIZE - self.overlap)
        shown: list[Record] | None
        shown = [
            rewrite_record(one, self.url) for one in listed[start : start + PAGE_SIZE]
        ]
        # A page of nothing but what the page before had is past the end, too.
        if number > 1 and len(shown) <= self.overlap:
            if self.end == "500":
                return _page(pages.FAILED, 500)
            shown = None if self.end == "null" else []
        count = len(artist.works)
        return self._json(
            request, pages.envelope(Paintings=shown, AllPaintingsCount=count)
        )

    def _text_list(self, request: Request, slug: str) -> Answer | None:
        artist = self.artists.get(slug)
        if artist is None:
            return None
        if request.query.get("json") == "2":
            return self._paintings(request, slug)
        is_main = slug == MAIN
        unlinked = self.unlinked if is_main else []
        return _page(pages.text_list(artist, unlinked, is_main and self.awkward_rows))

    def _search(self, request: Request, term: str) -> Answer:
        words = fold_words(term)
        found = [
            artist
            for artist in self.artists.values()
            if all(any(one.startswith(w) for one in artist.folded) for w in words)
        ]
        if request.query.get("json") != "3":
            return self._json(request, pages.envelope(Paintings=[]))
        return self._json(
            request, pages.found_artists(found if words else [], self.url)
        )

    def _alphabet_json(self, request: Request) -> Answer:
        if request.query.get("v") != "new":
            return _page(pages.FAILED, 500)
        free = request.query.get("inPublicDomain") == "true"
        entries = [
            pages.alphabet_entry(artist, self.url)
            for artist in self.artists.values()
            if not free or (artist.died is not None and artist.died < 1956)
        ]
        return self._json(request, entries)

    def _alphabet(self, _request: Request, letter: str) -> Answer:
        found = [
            artist
            for artist in self.artists.values()
            if (fold_words(artist.last_name_first) or artist.folded[-1:])[0][0]
            == letter
        ]
        return _page(pages.alphabet_page(letter, found))

    def _robots(self, _request: Request) -> Answer:
        return Answer(pages.ROBOTS.encode(), "text/plain; charset=utf-8")

    def _json(self, request: Request, value: Any) -> Answer:
        asked = request.headers.get("X-Requested-With")
        if self.needs_headers and asked != "XMLHttpRequest":
            return _page(pages.NOT_JSON)
        body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
        return Answer(body, "application/json; charset=utf-8")


_ENDPOINTS: list[tuple[re.Pattern[str], Callable[..., Answer | None]]] = [
    (re.compile(pattern), endpoint)
    for pattern, endpoint in (
        (r"/robots\.txt", WikiArtServer._robots),
        (r"/en/Search/(.+)", WikiArtServer._search),
        (r"/en/App/Artist/AlphabetJson", WikiArtServer._alphabet_json),
        (r"/en/Alphabet/([a-z])/text-list", WikiArtServer._alphabet),
        (r"/en/([^/]+)", WikiArtServer._artist),
        (r"/en/([^/]+)/all-works/text-list", WikiArtServer._text_list),
        (r"/en/([^/]+)/mode/all-paintings", WikiArtServer._paintings),
    )
]


def _page(text: str, status: int = 200) -> Answer:
    return Answer(text.encode("utf-8", "surrogatepass"), status=status)


@lru_cache(maxsize=1 << 14)
def _plain(path: str) -> str:
    """Return the path of the original of a derivative."""
    return re.sub(r"!\w+\.\w+$", "", path)


def _is_at(image: object, plain: str) -> bool:
    return isinstance(image, str) and _plain(local_path(image)) == plain


def _matcher(
    where: str | re.Pattern[str] | Callable[[Request], bool], exact: bool
) -> Callable[[Request], bool]:
    if isinstance(where, str):
        path = local_path(where)
        if exact:
            return lambda request: request.path == path
        return lambda request: request.path.startswith(path)
    if isinstance(where, re.Pattern):
        pattern = where
        return lambda request: bool(
            pattern.search(f"{request.path}?{request.target.partition('?')[2]}")
        )
    return where


# HTTP ---------------------------------------------------------------------------------


class _Http(ThreadingHTTPServer):
    """A thread for each connection, and a count of both."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, site: WikiArtServer) -> None:
        self.site = site
        self.numbers: dict[socket.socket, int] = {}  # of open connections
        self.to_reset: set[socket.socket] = set()
        self._accepted = 0
        self._threads_left = 0
        self._change = threading.Condition()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        # Not HTTPServer's, which asks the name server for our name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._change:
            self._accepted += 1
            self._threads_left += 1
            self.numbers[request] = self._accepted
            count = sum(_is_open(one) for one in self.numbers)
        self.site.record_connections(count)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._change:
                self._threads_left -= 1
                self._change.notify_all()

    def shutdown_request(self, request: Any) -> None:
        with self._change:
            self.numbers.pop(request, None)
            reset = request in self.to_reset
            self.to_reset.discard(request)
        if not reset:
            super().shutdown_request(request)
            return
        # Closing without lingering sends RST, if no FIN was sent before.
        linger = struct.pack("ii", 1, 0)
        request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that hang up."""

    def hang_up(self) -> None:
        """Close all connections and wait for their threads."""
        with self._change:
            for one in self.numbers:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            self._change.wait_for(lambda: not self._threads_left, timeout=2)


def _is_open(connection: socket.socket) -> bool:
    """Tell whether the client has not hung up, even if its thread has not noticed."""
    flags = socket.MSG_PEEK | getattr(socket, "MSG_DONTWAIT", 0)
    if not hasattr(socket, "MSG_DONTWAIT"):
        return True
    try:
        return connection.recv(1, flags) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    @property
    def number(self) -> int:
        return self.server.numbers.get(self.connection, 0)

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        site = self.server.site
        request = site.record_arrival(self)
        try:
            site.closing.wait(site.delay_s)
            answer = site.respond(request)
            request.status = 0 if answer.end == "silence" else answer.status
            self._send(request, answer)
        except OSError:
            request.complete = False
            self.close_connection = True
        except Exception as error:
            site.errors.append(error)
            self.close_connection = True
        finally:
            site.record_end(request)

    def _send(self, request: Request, answer: Answer) -> None:
        if answer.end:
            self.close_connection = True
        if answer.end in ("reset", "silence"):
            self.server.to_reset.add(self.connection)
        if answer.end == "silence":
            self.server.site.record_end(request)
            return
        if answer.raw:
            self._repeat(*answer.raw)
            return
        body = answer.body
        head = self._head(answer)
        if answer.end == "drip":
            self._drip(request, head, body)
        elif answer.end == "stall":
            self.wfile.write(head)
            self.server.site.closing.wait(self.server.site.stall_s)
        else:
            whole = head + body
            self.wfile.write(whole[:-1])
            # Before the client can know that it has all, and goes on or looks here.
            request.bytes_sent, request.complete = len(body), True
            self.server.site.record_end(request)
            self.wfile.write(whole[-1:])

    def _head(self, answer: Answer) -> bytes:
        length = len(answer.body) if answer.length is None else answer.length
        lines = [
            f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
            f"Date: {self.date_time_string()}",
            "Server: cloudflare",
            f"Content-Type: {answer.type}",
            f"Content-Length: {length}",
            *(f"{name}: {value}" for name, value in answer.headers),
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")

    def _repeat(self, first: bytes, repeated: bytes) -> None:
        self.close_connection = True
        self.wfile.write(first)
        while not self.server.site.closing.wait(self.server.site.drip_s):
            self.wfile.write(repeated)

    def _drip(self, request: Request, head: bytes, body: bytes) -> None:
        site = self.server.site
        self.wfile.write(head)
        for index in range(len(body)):
            if site.closing.wait(site.drip_s):
                return
            self.wfile.write(body[index : index + 1])
            request.bytes_sent = index + 1


# By hand ------------------------------------------------------------------------------


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="A stand-in for wikiart.org.")
    parser.add_argument("--shared", type=Path, help="serve the catalogue in there")
    parser.add_argument("--works", type=int, default=40, help="of a made catalogue")
    parser.add_argument("--nasty", action="store_true", help="with hostile records")
    parser.add_argument("--misbehave", type=float, default=0.0, metavar="SHARE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    works = (
        load_catalogue(given.shared) if given.shared else make_catalogue(given.works)
    )
    works += make_hostile_works() if given.nasty else []
    with WikiArtServer(works, given.port) as site:
        site.add_random_faults(given.misbehave, given.seed)
        print(f"ARTIST_NST_WIKIART_URL={site.url}", flush=True)
        with suppress(KeyboardInterrupt):
            site.closing.wait()
        served_in_all = sum(site.count_images().values())
        print(f"{len(site.requests)} requests, {served_in_all} pictures")


if __name__ == "__main__":
    main()
