"""HTTP client for WikiArt: rate limit, retries, host allow-list.

All threads share one rate limit, and each has one connection. Pauses grow while the
site has trouble or asks for a pause, and no more requests are made once it refuses
them. Only WikiArt's own hosts are contacted, over TLS.
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
from email.message import Message
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urljoin

import requests
from requests.cookies import MockRequest, MockResponse
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

from artist_nst._files import get_version
from artist_nst.errors import ArtistNstError, TooLargeError, UsageError
from artist_nst.wikiart.deadline import Deadline, DeadlineAdapter

HOME = "https://www.wikiart.org"
URL_VARIABLE = "ARTIST_NST_WIKIART_URL"
WIKIART_HOST = re.compile(r"(?:[a-z0-9-]+\.)*wikiart\.org", re.ASCII)

MAX_TRIES = 5
MAX_TRIES_UNEXPECTED = 2  # of what is not going to change
BACKOFF_S = 1.0  # before the second try; doubled before each further one
MAX_BACKOFF_S = 60.0
MAX_RETRY_AFTER_S = 300.0  # a longer pause that the site asks for counts as a refusal
LOGGED_PAUSE_S = 5.0
MAX_CONSECUTIVE_FAILURES = 8  # then the site is taken to refuse requests
# Works that the site cannot serve answer 500 forever, which is no refusal until
# nothing else comes.
MAX_CONSECUTIVE_SERVER_ERRORS = 80
SERVER_ERRORS = (500, 502, 504)
TIMEOUTS_S = (10.0, 30.0)  # to connect, and between two pieces of a response
DEADLINE_S = 60.0  # for headers, and for all of a page
SLOW_AFTER_S = 60.0  # a picture that takes longer must be at least this fast:
MIN_BYTES_PER_S = 1000.0
MAX_REDIRECTS = 5
MAX_URL_LENGTH = 4000
CHUNK_BYTES = 1 << 16
# Far more than any page of the site has; parsing takes a hundred times the memory.
MAX_HTML_BYTES = 4 << 20
MAX_JSON_BYTES = 16 << 20
MAX_PICTURE_BYTES = 512 << 20
MAX_COOKIES = 50
MAX_COOKIE_LENGTH = 4096
MAX_COOKIES_LENGTH = 16384  # all together

# Errors where no request got as far as the site.
UNREACHABLE = (
    NewConnectionError,
    requests.ConnectTimeout,
    requests.exceptions.ProxyError,
)
NEVER_SET = threading.Event()

log = logging.getLogger(__name__)

T = TypeVar("T")


class InvalidResponseError(ArtistNstError):
    """A response that is not what was asked for; worth another try."""


class UnexpectedResponseError(InvalidResponseError):
    """A whole answer to something else than what was asked; worth only one try."""


class NotFoundError(ArtistNstError):
    """The site has no such page or picture."""


class UnavailableError(ArtistNstError):
    """No usable response after all tries."""


class RefusedError(ArtistNstError):
    """The site refuses requests: no more are made."""


class UrlNotAllowedError(ArtistNstError):
    """A URL that is not WikiArt's; nothing was sent to it."""


class StoppedError(ArtistNstError):
    """The thread's stop event was set (Ctrl-C)."""


@dataclass(frozen=True, slots=True)
class Download:
    """A downloaded file.

    Attributes:
        path: Where its bytes are.
        url: Where they came from, after redirects.
        bytes: The number of bytes.
        sha256: Their hash, in hexadecimal.
    """

    path: Path
    url: str
    bytes: int
    sha256: str


class WikiArtClient:
    """HTTP client that several threads share.

    Args:
        rate: Requests per second, over all threads.
        agent: The user agent; by default the project's name and version.

    Attributes:
        home: The site's address.
        requests: The number of requests so far.
        refusal: Why no more requests are made, if so.

    Raises:
        UsageError: ``$ARTIST_NST_WIKIART_URL`` is neither WikiArt nor loopback.
    """

    def __init__(self, *, rate: float = 2.0, agent: str | None = None) -> None:
        self.rate = rate
        self.home = (os.environ.get(URL_VARIABLE) or HOME).rstrip("/")
        self.requests = 0
        self.refusal: RefusedError | None = None
        self._is_stand_in = _is_loopback(_parse_url(self.home))
        self._agent = agent or (
            f"artist-nst/{get_version() or 0} "
            "(whole-artist style transfer; python-requests)"
        )
        self._limiter = RateLimiter(rate)
        self._failures = 0  # in a row
        self._was_reached = False
        self._lock = threading.Lock()
        self._local = threading.local()
        try:
            self._check_url(self.home)
        except UrlNotAllowedError as error:
            raise UsageError(
                f"${URL_VARIABLE}: {self.home} is neither WikiArt nor a loopback "
                "address"
            ) from error

    def get(
        self,
        path: str,
        parse: Callable[[str], T],
        *,
        json: bool = True,
        referer: str = "/en/",
    ) -> T:
        """Get a page and parse it.

        The request is repeated if the site has trouble or ``parse`` raises
        `InvalidResponseError`.

        Args:
            path: From the root, percent-encoded.
            parse: Makes the result of the page's text.
            json: Whether to send the headers that the site wants for JSON.
            referer: Path of the page that a browser would come from.

        Raises:
            NotFoundError: There is no such page.
            UnavailableError: No usable response after all tries.
            RefusedError: The site refuses requests.
            StoppedError: The stop event was set.
        """
        headers = {"Referer": self.home + referer}
        if json:
            headers["X-Requested-With"] = "XMLHttpRequest"
            headers["Accept"] = "application/json, text/javascript, */*; q=0.01"
        else:
            headers["Accept"] = "text/html,application/xhtml+xml"
        max_bytes = MAX_JSON_BYTES if json else MAX_HTML_BYTES

        def attempt() -> T:
            with self._open_response(self.home + path, headers) as response:
                body = b"".join(self._stream(response, max_bytes))
            try:
                return parse(body.decode("utf-8", "replace"))
            except InvalidResponseError as error:
                # Some sites refuse with a page and status 200.
                raise _TransientError(str(error)) from error

        try:
            return self._retry(self.home + path, attempt)
        except (UnavailableError, TooLargeError) as error:
            page = f"{_parse_url(self.home).host}{path.partition('?')[0]}"
            raise UnavailableError(f"{page}: {error}") from error

    def download(self, url: str, path: Path, check: Callable[[Download], T]) -> T:
        """Download a picture and return the result of ``check``.

        A broken download, and one for which ``check`` raises `InvalidResponseError`,
        is repeated.

        Args:
            url: The picture's address.
            path: Where to write it; in any case the caller's to rename or remove.
            check: Inspects the downloaded file.

        Raises:
            NotFoundError: There is no such picture.
            UrlNotAllowedError: The URL is not WikiArt's, or redirects elsewhere.
            UnavailableError: No whole picture came after all tries.
            RefusedError: The site refuses requests.
            TooLargeError: It has too many bytes.
            StoppedError: The stop event was set.
            OSError: The file cannot be written.
        """
        headers = {
            "Referer": self.home + "/en/",
            "Accept": "image/*,*/*;q=0.5",
            # So that Content-Length is the picture's own.
            "Accept-Encoding": "identity",
        }

        def attempt() -> T:
            digest, size = hashlib.sha256(), 0
            with self._open_response(url, headers) as response:
                if response.headers.get("Content-Type", "").startswith("text/html"):
                    raise _TransientError("a web page came in place of the picture")
                self._check_stopped()  # a stopped thread leaves no file behind
                with open(path, "wb") as file:
                    for piece in self._stream(
                        response, MAX_PICTURE_BYTES, may_be_slow=True
                    ):
                        file.write(piece)
                        digest.update(piece)
                        size += len(piece)
                    file.flush()
                    os.fsync(file.fileno())
            return check(Download(path, str(response.url), size, digest.hexdigest()))

        return self._retry(url, attempt)

    def close(self) -> None:
        """Close this thread's connection."""
        session = getattr(self._local, "session", None)
        if session is not None:
            session.close()
            self._local.session = None

    def set_stop_event(self, event: threading.Event) -> None:
        """Make this thread's next step raise `StoppedError` once ``event`` is set."""
        self._local.stop = event

    # Retries --------------------------------------------------------------------------

    def _retry(self, url: str, attempt: Callable[[], T]) -> T:
        retrying = Retrying(
            retry=retry_if_exception_type((_TransientError, InvalidResponseError)),
            stop=lambda state: state.attempt_number >= self._get_max_tries(state),
            wait=self._get_wait_s,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            result = retrying(attempt)
        except (StoppedError, RefusedError):
            raise
        except _TransientError as error:
            raise self._count_failure(url, error) from error
        except Exception as error:
            self._reset_failures()  # the site responded, whatever is wrong with it
            if isinstance(error, InvalidResponseError):
                raise UnavailableError(f"{error} ({MAX_TRIES} attempts)") from error
            raise
        self._reset_failures()
        return result

    def _get_max_tries(self, state: RetryCallState) -> int:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _TransientError):
            if error.is_unreachable and not self._was_reached:
                return 2  # there may be no connection
            if isinstance(error.__cause__, UnexpectedResponseError):
                return MAX_TRIES_UNEXPECTED
            if error.is_too_long or self._failures >= MAX_CONSECUTIVE_FAILURES:
                return 1
        return MAX_TRIES

    def _get_wait_s(self, state: RetryCallState) -> float:
        pause = BACKOFF_S * 2.0 ** (state.attempt_number - 1)
        pause = min(pause, MAX_BACKOFF_S) * random.uniform(0.75, 1.25)
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _TransientError) and error.concerns_all_threads:
            pause = max(pause, error.retry_after_s)
            self._limiter.block(pause)
            if pause > LOGGED_PAUSE_S:
                log.info("%s: pausing all requests for %.0f s", error, pause)
        log.debug("%s; next try in %.1f s", error, pause)
        return pause

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise StoppedError("stopped")

    def _reset_failures(self) -> None:
        with self._lock:
            self._failures = 0

    def _count_failure(self, url: str, error: "_TransientError") -> ArtistNstError:
        """Count a failed request; return what to raise for it."""
        host = _parse_url(url).host
        hint = "; it may want another --user-agent" if error.status == 403 else ""
        limit = MAX_CONSECUTIVE_FAILURES
        if error.status in SERVER_ERRORS:
            limit = MAX_CONSECUTIVE_SERVER_ERRORS
        with self._lock:
            self._failures += 1
            if error.is_unreachable and not self._was_reached:
                self.refusal = RefusedError(
                    f"{host} can't be reached ({error}); check your connection, or use "
                    "`artist-nst adopt` for pictures on disk"
                )
            elif self.refusal is None and (
                self._failures >= limit or error.is_too_long
            ):
                self.refusal = RefusedError(
                    f"{host} refuses requests ({error}); run the same command again "
                    f"later, or with a lower --rate{hint}"
                )
        is_unexpected = isinstance(error.__cause__, UnexpectedResponseError)
        tries = MAX_TRIES_UNEXPECTED if is_unexpected else MAX_TRIES
        return self.refusal or UnavailableError(f"{error} ({tries} attempts){hint}")

    # One request ----------------------------------------------------------------------

    @contextmanager
    def _open_response(
        self, url: str, headers: dict[str, str]
    ) -> Iterator[requests.Response]:
        """Send a request, follow redirects, and yield the response with unread body."""
        response = self._send(url, headers)
        try:
            for _ in range(MAX_REDIRECTS):
                target = self._get_redirect_target(response)
                if target is None:
                    break
                response.close()
                response = self._send(target, headers)
            _raise_for_status(response)
            yield response
        finally:
            response.close()

    def _get_redirect_target(self, response: requests.Response) -> str | None:
        try:
            target = self._get_session().get_redirect_target(response)
            return None if target is None else urljoin(str(response.url), target)
        except ValueError as error:
            raise UrlNotAllowedError("it redirects to an invalid address") from error

    def _send(self, url: str, headers: dict[str, str]) -> requests.Response:
        if len(url) > MAX_URL_LENGTH:
            raise UrlNotAllowedError(f"refused: {url[:80]!r}… is too long an address")
        session = self._get_session()
        try:
            request = session.prepare_request(
                requests.Request("GET", url, headers=headers)
            )
        except (requests.RequestException, UnicodeError) as error:
            raise UrlNotAllowedError(f"{url!r} is not an address") from error
        self._check_url(str(request.url))
        self._check_stopped()
        self._limiter.wait(self._stop)
        self._check_stopped()  # the site may have refused another thread meanwhile
        with self._lock:
            self.requests += 1
        self._local.deadline = deadline = Deadline(DEADLINE_S)
        with _transient_connection_errors(deadline):
            settings: dict[str, Any] = dict(
                session.merge_environment_settings(request.url, {}, True, None, None)
            )
            # Not session.send, which reads redirects' bodies, however long.
            response = session.get_adapter(str(request.url)).send(
                request, timeout=TIMEOUTS_S, **settings
            )
        _keep_cookies(session.cookies, request, response)
        self._was_reached = True
        return response

    @property
    def _stop(self) -> threading.Event:
        return getattr(self._local, "stop", NEVER_SET)

    def _check_stopped(self) -> None:
        if self._stop.is_set():
            raise StoppedError("stopped")
        if self.refusal is not None:
            raise self.refusal

    def _get_session(self) -> requests.Session:
        """Get this thread's session, which keeps at most one connection open."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.headers["User-Agent"] = self._agent
            session.trust_env = not self._is_stand_in  # no proxy to loopback
            adapter = DeadlineAdapter(pool_connections=1, pool_maxsize=1)
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            self._local.session = session
        return session

    def _check_url(self, url: str) -> None:
        """Allow WikiArt's hosts over TLS; only loopback if a stand-in is in use."""
        parsed = _parse_url(url)
        is_wikiart = (
            parsed.scheme == "https"
            and WIKIART_HOST.fullmatch((parsed.host or "").lower())
            and parsed.port in (None, 443)
        )
        is_allowed = _is_loopback(parsed) if self._is_stand_in else is_wikiart
        if parsed.auth or not is_allowed:
            raise UrlNotAllowedError(
                f"refused: {url[:200]!r} is not at WikiArt over https"
            )

    def _stream(
        self, response: requests.Response, max_bytes: int, *, may_be_slow: bool = False
    ) -> Iterator[bytes]:
        """Yield the body in pieces; fail if it is too large or too slow."""
        size, deadline = 0, self._local.deadline
        if may_be_slow:
            deadline.seconds = SLOW_AFTER_S
        with _transient_connection_errors(deadline):
            # Pieces as they come: waiting for full ones would hide a slow transfer.
            while piece := response.raw.read1(CHUNK_BYTES, decode_content=True):
                if self._stop.is_set():
                    raise StoppedError("stopped")
                size += len(piece)
                if size > max_bytes:
                    raise TooLargeError(f"more than {max_bytes >> 20} MiB")
                if may_be_slow:
                    deadline.seconds = max(SLOW_AFTER_S, size / MIN_BYTES_PER_S)
                yield piece


class RateLimiter:
    """Minimum time between requests, for all threads together."""

    def __init__(self, rate: float) -> None:
        self._gap_s = 1 / rate
        self._next_time = 0.0
        self._lock = threading.Lock()

    def wait(self, stop: threading.Event) -> None:
        """Wait for this thread's turn.

        Raises:
            StoppedError: ``stop`` was set meanwhile.
        """
        while True:
            with self._lock:
                now = time.monotonic()
                remaining = self._next_time - now
                if remaining <= 0:
                    self._next_time = now + self._gap_s
                    return
            if stop.wait(remaining):
                raise StoppedError("stopped")

    def block(self, seconds: float) -> None:
        """Let no thread have its turn for some time."""
        with self._lock:
            self._next_time = max(self._next_time, time.monotonic() + seconds)


class _TransientError(ArtistNstError):
    """An error that may pass.

    Attributes:
        status: Of HTTP; 0 if no response came.
        is_unreachable: No request got as far as the site.
        retry_after_s: The pause that the site asks for.
    """

    status = 0
    is_unreachable = False
    retry_after_s = 0.0

    @property
    def concerns_all_threads(self) -> bool:
        """Whether all threads should pause, not only the one that got it."""
        asks_for_pause = self.status in (403, 429, 503) or self.retry_after_s > 0
        return asks_for_pause and not self.is_too_long

    @property
    def is_too_long(self) -> bool:
        """Whether the site asks for a longer pause than is waited for."""
        return self.retry_after_s > MAX_RETRY_AFTER_S


@contextmanager
def _transient_connection_errors(deadline: Deadline) -> Iterator[None]:
    """Turn the errors of requests and urllib3, and delay, into `_TransientError`."""
    try:
        with deadline:
            yield
    except (requests.RequestException, HTTPError, ConnectionError) as error:
        causes = list(_iterate_causes(error))
        transient = _TransientError(_describe_causes(causes))
        transient.is_unreachable = any(
            isinstance(cause, UNREACHABLE) for cause in causes
        )
        if deadline.has_passed:
            transient.args = (_describe_delay(deadline),)
        elif any("got more than" in str(cause) for cause in causes):
            # http.client's limits, which the next answer will hardly keep.
            transient.args = ("its headers are too many, or too long",)
            raise transient from UnexpectedResponseError(str(error))
        raise transient from error
    if deadline.has_passed:
        raise _TransientError(_describe_delay(deadline))


def _describe_delay(deadline: Deadline) -> str:
    return f"no whole answer in {deadline.seconds:.0f} s"


def _describe_causes(causes: list[BaseException]) -> str:
    for kind, description in (
        (requests.exceptions.SSLError, "its certificate is not accepted"),
        (requests.exceptions.ProxyError, "the proxy does not respond"),
        (NameResolutionError, "its name is not known"),
        (ConnectionRefusedError, "connection refused"),
        (ConnectionResetError, "connection reset"),
        (requests.ConnectTimeout, f"no connection in {TIMEOUTS_S[0]:.0f} s"),
        ((TimeoutError, ReadTimeoutError), f"no response in {TIMEOUTS_S[1]:.0f} s"),
        (ProtocolError, "the response broke off"),
    ):
        if any(isinstance(cause, kind) for cause in causes):
            return description
    return "connection lost"


def _iterate_causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and every error that it was raised from or wraps."""
    while error is not None:
        yield error
        for inner in (*error.args, getattr(error, "reason", None)):
            if isinstance(inner, BaseException):
                yield from _iterate_causes(inner)
        error = error.__cause__


def _keep_cookies(
    jar: CookieJar,
    request: requests.PreparedRequest,
    response: requests.Response,
) -> None:
    """Keep the answer's cookies, as far as they are few and short."""
    headers = Message()
    for line in response.raw.headers.getlist("Set-Cookie")[:MAX_COOKIES]:
        if len(line) <= MAX_COOKIE_LENGTH and line.isascii() and line.isprintable():
            headers["Set-Cookie"] = line  # adds one
    mocks: Any = MockResponse, MockRequest  # untyped in requests
    jar.extract_cookies(mocks[0](headers), mocks[1](request))
    length = 0
    for number, cookie in enumerate(list(jar)):
        length += len(cookie.name) + len(cookie.value or "")
        if number >= MAX_COOKIES or length > MAX_COOKIES_LENGTH:
            jar.clear(cookie.domain, cookie.path, cookie.name)


def _raise_for_status(response: requests.Response) -> None:
    status = response.status_code
    if status == 200:
        return
    if status in (404, 410):
        raise NotFoundError(f"HTTP {status}")
    if status not in (403, 408, 425, 429) and status < 500:
        raise UnavailableError(f"HTTP {status}")
    error = _TransientError(f"HTTP {status}")
    error.status = status
    with suppress(HTTPError, KeyError, ValueError, OverflowError):
        retry_after = Retry().parse_retry_after(response.headers["Retry-After"])
        error.retry_after_s = min(retry_after or 0.0, 1e6)
    if error.is_too_long:
        minutes = error.retry_after_s / 60
        error.args = (f"HTTP {status}, asks for a pause of {minutes:.0f} min",)
    raise error


def _parse_url(url: str) -> Url:
    """Parse a URL as the library that connects does, so that both agree on the host."""
    try:
        return parse_url(url)
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
