"""Asking WikiArt for things as its operators would wish to be asked.

One rate for all threads, one connection a thread, longer and longer pauses when the
site is in trouble or says so, an end when it refuses us. Only WikiArt's own hosts are
contacted, over TLS. requests does the HTTP, tenacity the trying again.
"""

import hashlib
import ipaddress
import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urljoin

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import extract_cookies_to_jar
from tenacity import RetryCallState, Retrying, retry_if_exception_type
from urllib3.exceptions import (
    HTTPError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)
from urllib3.util import Retry, Url, parse_url

from artist_nst.errors import ArtistNstError, TooLargeError, UsageError

HOME = "https://www.wikiart.org"
VARIABLE = "ARTIST_NST_WIKIART_URL"
WIKIART = re.compile(r"(?:[a-z0-9-]+\.)*wikiart\.org", re.ASCII)

log = logging.getLogger(__name__)

TRIES = 5
BACKOFF_S = 1.0  # before the second try; doubled before each further one
LONG_S = 5.0  # a pause that is worth a word
LONGEST_BACKOFF_S = 60.0
LONGEST_WAIT_S = 300.0  # that the site may ask for; beyond, we leave
PATIENCE = 8  # requests in a row that were given up: the site refuses us
# A work that the site stumbles over answers 500 for ever: that is no refusal, until
# nothing else comes.
MUCH_PATIENCE = 80
TIMEOUTS_S = (10.0, 30.0)  # to connect, and between two pieces of an answer
DRIP_S = 60.0  # after which an answer must have come at
DRIP_BYTES_PER_S = 1000.0  # at least
REDIRECTS = 5
CHUNK = 1 << 16
LARGEST_TEXT = 32 << 20
LARGEST_PICTURE = 512 << 20

STUMBLES = (500, 502, 504)
# Nothing of ours got as far as the site.
UNREACHED = (
    NewConnectionError,
    requests.ConnectTimeout,
    requests.exceptions.ProxyError,
)

NEVER = threading.Event()

T = TypeVar("T")


class BadAnswerError(ArtistNstError):
    """The site answered something else than was asked for: worth another try."""


class NotFoundError(ArtistNstError):
    """The site has no such page or picture."""


class UnavailableError(ArtistNstError):
    """No usable answer, however often it was asked."""


class RefusedError(UnavailableError):
    """The site will have none of us: no more requests are made."""


class ForeignAddressError(ArtistNstError):
    """An address that is not WikiArt's; nothing was asked of it."""


class StoppedError(ArtistNstError):
    """We were told to stop (Ctrl-C)."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file as it came.

    Attributes:
        path: where its bytes are.
        address: where they came from, after redirects.
        bytes: how many.
        sha256: of them, in hexadecimal.
    """

    path: Path
    address: str
    bytes: int
    sha256: str


class Polite:
    """A client of WikiArt's that several threads share.

    Args:
        rate: requests a second, over all threads.
        agent: what to call ourselves, if not the project's name and version.
    Raises:
        UsageError: ``$ARTIST_NST_WIKIART_URL`` is neither WikiArt nor loopback.
    """

    def __init__(self, *, rate: float = 2.0, agent: str | None = None) -> None:
        self.rate = rate
        self.home = (os.environ.get(VARIABLE) or HOME).rstrip("/")
        self._tests = _is_loopback(_parsed(self.home))
        self._agent = agent or user_agent()
        self._pace = _Pace(rate)
        self._refusal: RefusedError | None = None
        self._given_up = 0
        self._heard = False
        self._lock = threading.Lock()
        self._own = threading.local()
        self.requests = 0
        try:
            self._check(self.home)
        except ForeignAddressError as error:
            raise UsageError(
                f"${VARIABLE}: {self.home} is neither WikiArt nor a loopback address"
            ) from error

    def read(
        self,
        path: str,
        parse: Callable[[str], T],
        *,
        json: bool = True,
        referer: str = "/en/",
    ) -> T:
        """What ``parse`` makes of the page at ``path``, which is asked again where
        the site is in trouble or ``parse`` raises `BadAnswerError`.

        Args:
            path: from the root, percent-encoded.
            json: send what the site wants to see before it answers JSON.
            referer: path of the page that a browser would come from.
        Raises:
            NotFoundError: there is no such page.
            UnavailableError: no usable answer.
            StoppedError: we were told to stop.
        """
        headers = {"Referer": self.home + referer}
        if json:
            headers["X-Requested-With"] = "XMLHttpRequest"
            headers["Accept"] = "application/json, text/javascript, */*; q=0.01"
        else:
            headers["Accept"] = "text/html,application/xhtml+xml"

        def attempt() -> T:
            with self._answer(self.home + path, headers) as answer:
                body = b"".join(self._pieces(answer, LARGEST_TEXT))
            try:
                return parse(body.decode("utf-8", "replace"))
            except BadAnswerError as error:
                # Some sites refuse us with a page and a friendly status.
                raise _TroubleError(str(error)) from error

        try:
            return self._persist(self.home + path, attempt)
        except RefusedError:
            raise
        except UnavailableError as error:
            where = f"{_parsed(self.home).host}{path.partition('?')[0]}"
            raise UnavailableError(f"{where}: {error}") from error

    def download(self, address: str, path: Path, check: Callable[[Download], T]) -> T:
        """Write the picture at ``address`` to ``path``, and return ``check``'s verdict.

        A broken download, and one that ``check`` calls a `BadAnswerError`, is begun
        anew. Whatever happens, ``path`` is the caller's to rename or remove.

        Raises:
            NotFoundError: there is no such picture.
            ForeignAddressError: it is not WikiArt's, or redirects elsewhere.
            UnavailableError: it could not be had whole.
            TooLargeError: it has too many bytes.
            StoppedError: we were told to stop.
            OSError: the disk refused.
        """
        headers = {
            "Referer": self.home + "/en/",
            "Accept": "image/*,*/*;q=0.5",
            # So that Content-Length is the picture's own.
            "Accept-Encoding": "identity",
        }

        def attempt() -> T:
            digest, size = hashlib.sha256(), 0
            with self._answer(address, headers) as answer, self._open(path) as file:
                if answer.headers.get("Content-Type", "").startswith("text/html"):
                    raise _TroubleError("a page came in place of the picture")
                for piece in self._pieces(answer, LARGEST_PICTURE):
                    file.write(piece)
                    digest.update(piece)
                    size += len(piece)
                file.flush()
                os.fsync(file.fileno())
            return check(Download(path, str(answer.url), size, digest.hexdigest()))

        return self._persist(address, attempt)

    def _open(self, path: Path) -> BinaryIO:
        self._go_on()  # who was told to stop leaves nothing behind
        return open(path, "wb")

    def rest(self) -> None:
        """Close this thread's connection."""
        session = getattr(self._own, "session", None)
        if session is not None:
            session.close()
            self._own.session = None

    def heed(self, stop: threading.Event) -> None:
        """From ``stop`` on, this thread's next step raises `StoppedError`."""
        self._own.stop = stop

    @property
    def _stop(self) -> threading.Event:
        return getattr(self._own, "stop", NEVER)

    @property
    def refusal(self) -> RefusedError | None:
        """Why no more requests are made, if so."""
        return self._refusal

    # Trying again ---------------------------------------------------------------------

    def _persist(self, address: str, attempt: Callable[[], T]) -> T:
        tries = Retrying(
            retry=retry_if_exception_type((_TroubleError, BadAnswerError)),
            stop=lambda state: state.attempt_number >= self._tries(state),
            wait=self._wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            result = tries(attempt)
        except (StoppedError, RefusedError):
            raise
        except _TroubleError as error:
            raise self._gave_up(address, error) from error
        except Exception as error:
            self._answered()  # whatever is wrong with it
            if isinstance(error, BadAnswerError):
                raise UnavailableError(f"{error}, {TRIES} times") from error
            raise
        self._answered()
        return result

    def _tries(self, state: RetryCallState) -> int:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _TroubleError):
            if error.unreached and not self._heard:
                return 2  # there may be no network
            if error.too_long or self._given_up >= PATIENCE:
                return 1
        return TRIES

    def _wait(self, state: RetryCallState) -> float:
        pause = BACKOFF_S * 2.0 ** (state.attempt_number - 1)
        pause = min(pause, LONGEST_BACKOFF_S) * random.uniform(0.75, 1.25)
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _TroubleError) and error.means_all:
            pause = max(pause, error.retry_after_s)
            self._pace.pause(pause)
            if pause > LONG_S:
                log.info("%s, so nothing is asked for %.0f s", error, pause)
        log.debug("%s; again in %.1f s", error, pause)
        return pause

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise StoppedError("stopped")

    def _answered(self) -> None:
        with self._lock:
            self._given_up = 0

    def _gave_up(self, address: str, error: "_TroubleError") -> UnavailableError:
        host = _parsed(address).host
        with self._lock:
            self._given_up += 1
            patience = MUCH_PATIENCE if error.status in STUMBLES else PATIENCE
            refused = self._given_up >= patience or error.too_long
            if error.unreached and not self._heard:
                self._refusal = RefusedError(
                    f"{host} can't be reached ({error}): is there a network? "
                    "`artist-nst adopt` makes a corpus of pictures on disk without one"
                )
            elif refused and self._refusal is None:
                self._refusal = RefusedError(
                    f"{host} refuses us ({error}), so no more is asked of it; the same "
                    f"command goes on, later or with a lower --rate{_hint(error)}"
                )
        return self._refusal or UnavailableError(
            f"{error}, {TRIES} times{_hint(error)}"
        )

    # One request ----------------------------------------------------------------------

    @contextmanager
    def _answer(
        self, address: str, headers: dict[str, str]
    ) -> Iterator[requests.Response]:
        """The answer from ``address``, whose body is still to be read."""
        answer = self._ask(address, headers)
        try:
            for _ in range(REDIRECTS):
                target = self._redirect(answer)
                if target is None:
                    break
                answer.close()
                answer = self._ask(target, headers)
            _judge(answer)
            yield answer
        finally:
            answer.close()

    def _redirect(self, answer: requests.Response) -> str | None:
        try:
            target = self._session().get_redirect_target(answer)
            return urljoin(str(answer.url), target) if target is not None else None
        except ValueError as error:
            raise ForeignAddressError("it redirects to what is no address") from error

    def _ask(self, address: str, headers: dict[str, str]) -> requests.Response:
        session = self._session()
        try:
            request = session.prepare_request(
                requests.Request("GET", address, headers=headers)
            )
        except (requests.RequestException, UnicodeError) as error:
            raise ForeignAddressError(f"{address!r} is not an address") from error
        self._check(str(request.url))
        self._go_on()
        self._pace.wait(self._stop)
        self._go_on()  # much may have happened while we waited
        with self._lock:
            self.requests += 1
        with _network():
            settings: dict[str, Any] = dict(
                session.merge_environment_settings(request.url, {}, True, None, None)
            )
            # Not session.send, which reads redirects' bodies, however long.
            answer = session.get_adapter(str(request.url)).send(
                request, timeout=TIMEOUTS_S, **settings
            )
        cookies: Any = extract_cookies_to_jar
        cookies(session.cookies, request, answer.raw)
        self._heard = True
        return answer

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise StoppedError("stopped")
        if self._refusal is not None:
            raise self._refusal

    def _session(self) -> requests.Session:
        """This thread's own, which keeps one connection open at most."""
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            session = requests.Session()
            session.headers["User-Agent"] = self._agent
            session.trust_env = not self._tests  # no proxy on the way to loopback
            adapter = HTTPAdapter(pool_connections=1, pool_maxsize=1)
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            self._own.session = session
        return session

    def _check(self, address: str) -> None:
        """WikiArt's hosts over TLS alone; loopback alone, where a stand-in is there."""
        url = _parsed(address)
        host, port = (url.host or "").lower(), url.port or 443
        ours = url.scheme == "https" and WIKIART.fullmatch(host) and port == 443
        if url.auth or not (_is_loopback(url) if self._tests else ours):
            raise ForeignAddressError(
                f"refused: {address[:200]!r} is not at WikiArt over https"
            )

    def _pieces(self, answer: requests.Response, largest: int) -> Iterator[bytes]:
        """The body, of at most ``largest`` bytes, coming at a bearable speed."""
        size, begun = 0, time.monotonic()
        with _network():
            # As it comes: a piece that must be full would hide how slow it is.
            while piece := answer.raw.read1(CHUNK, decode_content=True):
                if self._stop.is_set():
                    raise StoppedError("stopped")
                size += len(piece)
                if size > largest:
                    raise TooLargeError(f"more than {largest >> 20} MiB")
                seconds = time.monotonic() - begun
                if seconds > DRIP_S and size / seconds < DRIP_BYTES_PER_S:
                    raise _TroubleError(f"only {size} bytes in {seconds:.0f} s")
                yield piece


def user_agent() -> str:
    """What we call ourselves: the project's name and version, and what we are."""
    try:
        version = metadata.version("artist-nst")
    except metadata.PackageNotFoundError:
        version = "0"
    return f"artist-nst/{version} (whole-artist style transfer; python-requests)"


class _Pace:
    """Room between requests, for all threads together."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self, stop: threading.Event) -> None:
        """Until it is this thread's turn."""
        while True:
            with self._lock:
                left = self._next - time.monotonic()
                if left <= 0:
                    self._next = time.monotonic() + self._gap
                    return
            if stop.wait(left):
                raise StoppedError("stopped")

    def pause(self, seconds: float) -> None:
        """Nobody's turn for so long."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)


class _TroubleError(ArtistNstError):
    """Trouble that may pass."""

    status = 0  # of HTTP, where it came so far
    unreached = False
    retry_after_s = 0.0

    @property
    def means_all(self) -> bool:
        """The site means all of our threads, not only the one that it told."""
        told = self.status in (403, 429, 503) or self.retry_after_s > 0
        return told and not self.too_long

    @property
    def too_long(self) -> bool:
        """The site asks for a longer pause than we stay for."""
        return self.retry_after_s > LONGEST_WAIT_S


@contextmanager
def _network() -> Iterator[None]:
    """Whatever requests and urllib3 raise as trouble that may pass."""
    try:
        yield
    except (requests.RequestException, HTTPError, ConnectionError) as error:
        trouble = _TroubleError(_in_words(error))
        trouble.unreached = any(isinstance(one, UNREACHED) for one in _causes(error))
        raise trouble from error


def _hint(error: _TroubleError) -> str:
    return "; it may want another --user-agent" if error.status == 403 else ""


def _in_words(error: BaseException) -> str:
    causes = list(_causes(error))
    for kind, words in (
        (requests.exceptions.SSLError, "its certificate is not accepted"),
        (requests.exceptions.ProxyError, "the proxy does not answer"),
        (NameResolutionError, "its name is not known"),
        (ConnectionRefusedError, "connection refused"),
        (ConnectionResetError, "connection reset"),
        (requests.ConnectTimeout, f"no connection in {TIMEOUTS_S[0]:.0f} s"),
        (TimeoutError, f"no answer in {TIMEOUTS_S[1]:.0f} s"),
        (ReadTimeoutError, f"no answer in {TIMEOUTS_S[1]:.0f} s"),
        (ProtocolError, "the answer broke off"),
    ):
        if any(isinstance(cause, kind) for cause in causes):
            return words
    return "connection lost"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what it was raised for or about."""
    while error is not None:
        yield error
        inner = [one for one in error.args if isinstance(one, BaseException)]
        reason = getattr(error, "reason", None)
        if isinstance(reason, BaseException):
            inner.append(reason)
        for one in inner:
            yield from _causes(one)
        error = error.__cause__


def _judge(answer: requests.Response) -> None:
    """Raise where the status says that this is not what was asked for."""
    status = answer.status_code
    if status == 200:
        return
    if status in (404, 410):
        raise NotFoundError(f"HTTP {status}")
    if status not in (403, 408, 425, 429) and status < 500:
        raise UnavailableError(f"HTTP {status}")
    trouble = _TroubleError(f"HTTP {status}")
    trouble.status = status
    with suppress(HTTPError, ValueError, OverflowError):
        after = answer.headers.get("Retry-After", "0")
        trouble.retry_after_s = min(Retry().parse_retry_after(after) or 0.0, 1e6)
    if trouble.too_long:
        minutes = trouble.retry_after_s / 60
        trouble.args = (f"HTTP {status}, come again in {minutes:.0f} min",)
    raise trouble


def _parsed(address: str) -> Url:
    """As the library that connects will read it, so that nothing slips between."""
    try:
        return parse_url(address)
    except LocationParseError:
        return Url()


def _is_loopback(url: Url) -> bool:
    if url.scheme not in ("http", "https") or url.host is None:
        return False
    if url.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(url.host.strip("[]")).is_loopback
    except ValueError:
        return False
