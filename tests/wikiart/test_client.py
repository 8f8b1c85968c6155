"""The HTTP client: rate limit, connections, retries, host allow-list."""

from __future__ import annotations

import gzip
import json
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from artist_nst._files import get_version
from artist_nst.errors import ArtistNstError, TooLargeError, UsageError
from artist_nst.wikiart import client as client_module
from artist_nst.wikiart.client import (
    Download,
    InvalidResponseError,
    NotFoundError,
    RefusedError,
    StoppedError,
    UnavailableError,
    UrlNotAllowedError,
    WikiArtClient,
)
from artist_nst.wikiart.parsing import parse_artist, parse_work_page
from tests.wikiart_server import (
    FAULTS,
    TRANSIENT_FAULTS,
    Answer,
    FaultContext,
    WikiArtServer,
)

ARTIST = "/en/pablo-picasso?json=2"
FAST = 1000.0


def parse_name(text: str) -> str:
    try:
        return str(json.loads(text)["artistName"])
    except ValueError as error:
        raise InvalidResponseError("no JSON") from error


def check_jpeg(file: Download) -> Download:
    """Check that it begins and ends like a JPEG."""
    content = file.path.read_bytes()
    if not (content.startswith(b"\xff\xd8") and content.endswith(b"\xff\xd9")):
        raise InvalidResponseError("no whole JPEG")
    return file


def image(site: WikiArtServer) -> str:
    return site.url + site.path(site.works[0])


@pytest.fixture
def client(site: WikiArtServer) -> WikiArtClient:
    assert site.url
    return WikiArtClient(rate=FAST)


def test_request_headers(site: WikiArtServer) -> None:
    client = WikiArtClient(rate=FAST)
    assert client.get(ARTIST, parse_name, referer="/en/artists") == "Pablo Picasso"
    headers = site.requests[0].headers
    assert headers["User-Agent"].startswith(f"artist-nst/{get_version()} (")
    assert headers["X-Requested-With"] == "XMLHttpRequest"
    assert headers["Referer"] == f"{site.url}/en/artists"
    WikiArtClient(rate=FAST, agent="Mozilla/5.0 (mine)").get(ARTIST, parse_name)
    assert site.requests[1].headers["User-Agent"] == "Mozilla/5.0 (mine)"


def test_a_picture(site: WikiArtServer, client: WikiArtClient, tmp_path: Path) -> None:
    file = client.download(image(site), tmp_path / "a", check_jpeg)
    assert file.bytes == (tmp_path / "a").stat().st_size
    assert file.url == image(site)
    assert site.requests[0].headers["Accept-Encoding"] == "identity"
    assert client.requests == 1


@pytest.mark.parametrize("times", [1, 4])
def test_transient_faults_are_retried(
    site: WikiArtServer, client: WikiArtClient, tmp_path: Path, times: int
) -> None:
    for fault in set(TRANSIENT_FAULTS) - {"placeholder"}:
        site.clear_faults()
        site.requests.clear()
        for what in (image(site), "/en/pablo-picasso"):
            site.add_fault(what, fault, times=times, retry_after=0)
        assert client.get(ARTIST, parse_name) == "Pablo Picasso", fault
        file = client.download(image(site), tmp_path / "a", check_jpeg)
        if fault != "placeholder-redirect":  # whose picture is whole, but another's
            assert len(site.requests) > 2, fault
            assert site.count_images()[site.path(site.works[0])] >= 1, fault
            assert file.sha256


@pytest.mark.parametrize("fault", ["500", "reset", "short", "html", "truncated"])
def test_trouble_stays(
    site: WikiArtServer, client: WikiArtClient, tmp_path: Path, fault: str
) -> None:
    client.get(ARTIST, parse_name)
    site.add_fault(image(site), fault)
    with pytest.raises(UnavailableError, match="5 attempts"):
        client.download(image(site), tmp_path / "a", check_jpeg)
    assert len(site.requests) == 1 + client_module.MAX_TRIES


@pytest.mark.parametrize(
    ("json_", "page", "attempts"),
    [
        (True, '{"Artists": []}', 2),
        (True, "[]", 2),
        (True, '{"artistName": "X", "url": ".."}', 2),
        (False, "{}", 2),
        (False, "<title>Home - WikiArt.org</title></html>", 2),
        (True, '{"artistName": "X", ', 5),
        (True, "<title>Home - WikiArt.org</title></html>", 5),
        (False, "<title>Home - WikiArt.org</title>", 5),
        (False, "<title>Just a moment...</title></html>", 5),
        (False, "", 5),
    ],
)
def test_what_will_not_change_is_asked_for_twice(
    site: WikiArtServer, client: WikiArtClient, json_: bool, page: str, attempts: int
) -> None:
    site.add_fault("/en/", lambda case: case.page(200, page))
    with pytest.raises(UnavailableError, match=rf"\({attempts} attempts\)"):
        client.get(ARTIST, parse_artist if json_ else parse_work_page, json=json_)
    assert len(site.requests) == attempts


def test_what_is_not_there_is_not_asked_for_again(
    site: WikiArtServer, client: WikiArtClient, tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError, match="404"):
        client.get("/en/nobody?json=2", parse_name)
    with pytest.raises(NotFoundError):
        client.download(f"{site.url}/uploads1/none.jpg", tmp_path / "a", check_jpeg)
    assert len(site.requests) == 2


def test_pauses_grow_and_are_not_all_alike(
    site: WikiArtServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "BACKOFF_S", 0.1)
    site.add_fault("/en/", "500", times=3)
    WikiArtClient(rate=FAST).get(ARTIST, parse_name)
    times = [request.time for request in site.requests]
    gaps = [after - before for before, after in pairwise(times)]
    for gap, pause in zip(gaps, (0.1, 0.2, 0.4), strict=True):
        assert gap > 0.5 * pause
    assert gaps[0] / gaps[1] != pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize("fault", ["429", "429-date"])
def test_retry_after_holds_for_all(
    site: WikiArtServer, client: WikiArtClient, tmp_path: Path, fault: str
) -> None:
    site.add_fault("/en/pablo-picasso", fault, times=1, retry_after=1)
    asks = threading.Thread(target=client.get, args=(ARTIST, parse_name))
    asks.start()
    while not (site.requests and site.requests[0].status):
        time.sleep(0.005)
    time.sleep(0.05)
    client.download(image(site), tmp_path / "a", check_jpeg)
    asks.join()
    waited = [one.time - site.requests[0].time for one in site.requests[1:]]
    assert all(wait > 0.8 for wait in waited)


def test_a_long_retry_after_is_a_refusal(
    site: WikiArtServer, client: WikiArtClient
) -> None:
    site.add_fault("/en/", "429", retry_after=3600)
    with pytest.raises(RefusedError, match="60 min"):
        client.get(ARTIST, parse_name)
    with pytest.raises(RefusedError):
        client.get("/en/joan-miro?json=2", parse_name)
    assert len(site.requests) == 1


def test_no_requests_after_a_refusal(
    site: WikiArtServer, client: WikiArtClient
) -> None:
    site.add_fault("/en/", "403")
    for number in range(client_module.MAX_CONSECUTIVE_FAILURES + 3):
        kind = (
            UnavailableError
            if number < client_module.MAX_CONSECUTIVE_FAILURES - 1
            else RefusedError
        )
        with pytest.raises(kind, match="403") as raised:
            client.get(f"/en/artist-{number}?json=2", parse_name)
    assert "refuses requests" in str(raised.value)
    assert client.refusal is raised.value
    assert (
        len(site.requests)
        == client_module.MAX_TRIES * client_module.MAX_CONSECUTIVE_FAILURES
    )


def test_pictures_that_are_bad_are_no_refusal(
    site: WikiArtServer, client: WikiArtClient, tmp_path: Path
) -> None:
    site.add_fault(re.compile("uploads"), "truncated")
    for work in site.works[: 2 * client_module.MAX_CONSECUTIVE_FAILURES]:
        with pytest.raises(UnavailableError, match="no whole JPEG"):
            client.download(site.url + site.path(work), tmp_path / "a", check_jpeg)
    assert client.refusal is None


def test_pages_in_place_of_pictures_are_a_refusal(
    site: WikiArtServer, client: WikiArtClient, tmp_path: Path
) -> None:
    site.add_fault(re.compile("uploads"), "html")
    for work in site.works[: client_module.MAX_CONSECUTIVE_FAILURES]:
        with pytest.raises(ArtistNstError, match="a web page came"):
            client.download(site.url + site.path(work), tmp_path / "a", check_jpeg)
    assert client.refusal is not None


@pytest.mark.parametrize("fault", [None, "404", "redirect-out"])
def test_any_response_between_is_enough(
    site: WikiArtServer, client: WikiArtClient, tmp_path: Path, fault: str | None
) -> None:
    site.elsewhere = "https://evil.example/x.jpg"
    site.add_fault("/en/bad", "500")
    if fault:
        site.add_fault(image(site), fault)
    for number in range(2 * client_module.MAX_CONSECUTIVE_FAILURES):
        with pytest.raises(UnavailableError):
            client.get(f"/en/bad-{number}", parse_name)
        with suppress(NotFoundError, UrlNotAllowedError):
            client.download(image(site), tmp_path / "a", check_jpeg)
    assert client.refusal is None


def run_in_threads(count: int, function: Callable[[], object]) -> None:
    threads = [threading.Thread(target=function) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_one_rate_for_all_threads(site: WikiArtServer) -> None:
    client = WikiArtClient(rate=40)

    def ask() -> None:
        for _ in range(5):
            client.get(ARTIST, parse_name)
        client.close()

    run_in_threads(6, ask)
    assert len(site.requests) == 30
    # The server may have noticed the first one late.
    assert site.measure_rate() <= 40 * 1.1


def test_one_connection_a_thread(site: WikiArtServer, client: WikiArtClient) -> None:
    def ask() -> None:
        for _ in range(10):
            client.get(ARTIST, parse_name)
        client.close()

    run_in_threads(4, ask)
    assert site.peak_connections <= 4
    assert len({request.connection for request in site.requests}) == 4


FOREIGN = [
    "https://evil.example/a.jpg",
    "https://evilwikiart.org/a.jpg",
    "https://wikiart.org.evil.example/a.jpg",
    "https://uploads1.wikiart.org@evil.example/a.jpg",
    "https://evil.example\\@uploads1.wikiart.org/a.jpg",
    "https://user:secret@uploads1.wikiart.org/a.jpg",
    "https://uploads1.wikiart.org:8443/a.jpg",
    "http://uploads1.wikiart.org/a.jpg",
    "ftp://uploads1.wikiart.org/a.jpg",
    "file:///etc/passwd",
    "//evil.example/a.jpg",
    "https://wikiart.org./a.jpg",
    "https://xn--wikirt-7ve.org/a.jpg",
    "https:///a.jpg",
    "not an address",
    "",
    "https://[::1/a.jpg",
    # Loopback is allowed only if the site is there.
    "http://127.0.0.1:9/a.jpg",
    "http://localhost:9/a.jpg",
    "http://[::1]:9/a.jpg",
]


def test_no_other_host_is_contacted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: object, **__: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr("socket.create_connection", connect)
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    client = WikiArtClient(rate=FAST)
    for url in FOREIGN:
        with pytest.raises(UrlNotAllowedError):
            client.download(url, tmp_path / "a", check_jpeg)


def test_a_stand_in_is_all_that_is_asked(client: WikiArtClient, tmp_path: Path) -> None:
    with pytest.raises(UrlNotAllowedError):
        client.download(
            "https://uploads1.wikiart.org/a.jpg", tmp_path / "a", check_jpeg
        )


def test_redirects(site: WikiArtServer, client: WikiArtClient, tmp_path: Path) -> None:
    site.add_fault(image(site), "redirect-home", times=1)
    file = client.download(image(site), tmp_path / "a", check_jpeg)
    assert "/moved/" in file.url
    for elsewhere in ("https://evil.example/x.jpg", "file:///etc/passwd"):
        site.elsewhere = elsewhere
        site.add_fault(image(site), "redirect-out", times=1)
        with pytest.raises(UrlNotAllowedError, match=elsewhere):
            client.download(image(site), tmp_path / "a", check_jpeg)


@pytest.mark.parametrize(
    "location", ["http://[::1", b"http://\xe9\xff/".decode("latin-1")]
)
def test_redirects_to_nonsense(
    site: WikiArtServer, client: WikiArtClient, tmp_path: Path, location: str
) -> None:
    site.elsewhere = location
    site.add_fault(image(site), "redirect-out")
    with pytest.raises(UrlNotAllowedError):
        client.download(image(site), tmp_path / "a", check_jpeg)


def test_redirects_in_a_ring_end(
    site: WikiArtServer, client: WikiArtClient, tmp_path: Path
) -> None:
    site.elsewhere = image(site)
    site.add_fault(image(site), "redirect-out")
    with pytest.raises(UnavailableError, match="HTTP 302"):
        client.download(image(site), tmp_path / "a", check_jpeg)
    assert len(site.requests) <= client_module.MAX_REDIRECTS + 1


def test_a_slow_response_is_given_up(
    site: WikiArtServer,
    client: WikiArtClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_module, "SLOW_AFTER_S", 0.2)
    site.drip_s = 0.02
    site.add_fault(image(site), "drip", times=1)
    client.get(ARTIST, parse_name)
    client.download(image(site), tmp_path / "a", check_jpeg)
    assert len(site.requests) == 3


def test_a_silence_is_given_up(
    site: WikiArtServer, client: WikiArtClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "TIMEOUTS_S", (0.2, 0.05))
    client.get(ARTIST, parse_name)
    site.add_fault("/en/", "stall")
    with pytest.raises(UnavailableError, match="no response"):
        client.get(ARTIST, parse_name)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS = {
    "status line": (b"HTTP/1.1 ", b"2"),
    "a header": (HEAD + b"X: ", b"x"),
    "headers": (HEAD, b"X: x\r\n"),
    "100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "100 Continue with headers": (b"HTTP/1.1 100 Continue\r\n", b"X: x\r\n"),
    "chunk size": (CHUNKED, b"0"),
    "chunk extension": (CHUNKED + b"1;", b"x"),
    "trailers": (CHUNKED + b"1\r\nx\r\n0\r\n", b"X: x\r\n"),
    "empty gzip members": (
        HEAD + b"Content-Encoding: gzip\r\n\r\n",
        gzip.compress(b"", mtime=0),
    ),
    "body": (HEAD + b"Content-Length: 1000000\r\n\r\n", b"x"),
    "body without a length": (HEAD + b"Connection: close\r\n\r\n", b"x"),
}


# http.client leaves the file of a connection that ends in the headers to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("delay_s", [0.0, 0.02])
@pytest.mark.parametrize("kind", ENDLESS)
def test_an_endless_answer_is_given_up(
    site: WikiArtServer,
    client: WikiArtClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    delay_s: float,
) -> None:
    monkeypatch.setattr(client_module, "DEADLINE_S", 0.3)
    monkeypatch.setattr(client_module, "SLOW_AFTER_S", 0.3)
    monkeypatch.setattr(client_module, "MIN_BYTES_PER_S", 1e12)
    for name in ("MAX_TRIES", "MAX_TRIES_UNEXPECTED"):
        monkeypatch.setattr(client_module, name, 1)
    site.drip_s = delay_s
    site.add_fault("/", lambda case: replace(case.answer, raw=ENDLESS[kind]))
    start = time.monotonic()
    with pytest.raises(ArtistNstError):
        client.get(ARTIST, parse_name)
    with pytest.raises(ArtistNstError):
        client.download(image(site), tmp_path / "a", check_jpeg)
    assert time.monotonic() - start < 10
    assert len(site.requests) == 2
    site.clear_faults()
    monkeypatch.setattr(client_module, "DEADLINE_S", 60)
    assert client.get(ARTIST, parse_name) == "Pablo Picasso"


def test_a_slow_picture_may_take_long(
    site: WikiArtServer,
    client: WikiArtClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site.pictures[site.works[0]["image"]] = b"\xff\xd8" + 30 * b"x" + b"\xff\xd9"
    site.drip_s = 0.05
    site.add_fault(image(site), "drip")
    monkeypatch.setattr(client_module, "SLOW_AFTER_S", 0.5)
    monkeypatch.setattr(client_module, "MIN_BYTES_PER_S", 2.0)
    assert client.download(image(site), tmp_path / "a", check_jpeg).bytes == 34
    assert len(site.requests) == 1


def test_pages_that_are_too_large_are_refused_at_once(
    site: WikiArtServer, client: WikiArtClient
) -> None:
    too_large = client_module.MAX_HTML_BYTES + 1
    for zipped in (False, True):
        body = too_large * b" "
        headers = (("Content-Encoding", "gzip"),) if zipped else ()
        answer = Answer(gzip.compress(body) if zipped else body, headers=headers)
        site.clear_faults()
        site.add_fault("/en/", lambda _, answer=answer: answer)
        site.requests.clear()
        with pytest.raises(UnavailableError, match="picasso: more than 4 MiB"):
            client.get("/en/pablo-picasso", parse_name, json=False)
        assert len(site.requests) == 1
        assert client.get("/en/pablo-picasso", len) == too_large


def test_cookies_are_few(site: WikiArtServer, client: WikiArtClient) -> None:
    def send_cookies(length: int, case: FaultContext) -> Answer:
        cookies = [f"{'c' * length}{number}=x" for number in range(60)]
        return replace(
            case.answer, headers=tuple(("Set-Cookie", one) for one in cookies)
        )

    for length in (1, 60_000, 4000, 1, 1000, 2):
        site.add_fault("/en/", partial(send_cookies, length), times=1)
        client.get(ARTIST, parse_name)
    client.get(ARTIST, parse_name)
    sent = [request.headers.get("Cookie", "") for request in site.requests]
    assert "c0=x" in sent[1]
    assert "c0=x" in sent[-1]
    assert all(cookies.count("=") <= client_module.MAX_COOKIES for cookies in sent)
    limit = client_module.MAX_COOKIES_LENGTH + 3 * client_module.MAX_COOKIES
    assert 10 < max(map(len, sent)) <= limit


def test_too_many_headers_are_not_asked_for_often(
    site: WikiArtServer, client: WikiArtClient
) -> None:
    def flood(case: FaultContext) -> Answer:
        return replace(case.answer, headers=(("Set-Cookie", "a=b"),) * 200)

    site.add_fault("/en/", flood)
    with pytest.raises(UnavailableError, match="headers are too many"):
        client.get(ARTIST, parse_name)
    assert len(site.requests) <= 2


def test_a_cookie_of_other_signs_is_not_sent(
    site: WikiArtServer, client: WikiArtClient
) -> None:
    raw = b"HTTP/1.1 302 Found\r\nLocation: /en/x\r\nContent-Length: 0\r\n"
    cookies = b"Set-Cookie: a=\xe9\r\nSet-Cookie: e=\0\r\n"
    site.drip_s = 60
    whole = (raw + cookies + b"\r\n", b"")
    site.add_fault("/en/", lambda case: replace(case.answer, raw=whole), times=1)
    with suppress(NotFoundError):
        client.get(ARTIST, parse_name)
    assert "Cookie" not in site.requests[1].headers


def test_too_many_bytes(
    site: WikiArtServer,
    client: WikiArtClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_module, "MAX_PICTURE_BYTES", 1000)
    with pytest.raises(TooLargeError):
        client.download(image(site), tmp_path / "a", check_jpeg)
    assert len(site.requests) == 1


def test_retry_after_of_any_status(site: WikiArtServer, client: WikiArtClient) -> None:
    site.add_fault("/en/", lambda case: case.page(502, "", Retry_After="1"), times=1)
    client.get(ARTIST, parse_name)
    first, second = site.requests
    assert second.time - first.time > 0.8


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "BACKOFF_S", 0.01)
    monkeypatch.setenv(client_module.URL_VARIABLE, "http://127.0.0.1:9")
    client = WikiArtClient(rate=FAST)
    for _ in range(2):
        with pytest.raises(RefusedError, match=r"refused\).*artist-nst adopt"):
            client.get(ARTIST, parse_name)
    assert client.requests == 2


def test_stop(site: WikiArtServer, client: WikiArtClient) -> None:
    site.add_fault("/en/pablo", "429", retry_after=60, times=1)
    stop = threading.Event()

    def ask() -> None:
        client.set_stop_event(stop)
        with pytest.raises(StoppedError):
            client.get(ARTIST, parse_name)

    asks = threading.Thread(target=ask)
    asks.start()
    while not site.requests:
        time.sleep(0.005)
    stop.set()
    asks.join(2)
    assert not asks.is_alive()


def test_stop_ends_a_drip(
    site: WikiArtServer, client: WikiArtClient, tmp_path: Path
) -> None:
    site.drip_s = 0.05
    site.add_fault(image(site), "drip")
    stop = threading.Event()

    def ask() -> None:
        client.set_stop_event(stop)
        with pytest.raises(StoppedError):
            client.download(image(site), tmp_path / "a", check_jpeg)

    asks = threading.Thread(target=ask)
    asks.start()
    time.sleep(0.3)
    assert asks.is_alive()
    stop.set()
    asks.join(2)
    assert not asks.is_alive()
    # Only threads that heed it stop.
    assert client.get(ARTIST, parse_name) == "Pablo Picasso"


def test_the_disk_is_not_the_network(
    site: WikiArtServer, client: WikiArtClient, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        client.download(image(site), tmp_path / "no" / "a", check_jpeg)
    assert len(site.requests) == 1


@pytest.mark.parametrize("home", ["https://example.org", "http://10.0.0.1", "loopback"])
def test_the_stand_in_is_on_loopback(
    monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.setenv(client_module.URL_VARIABLE, home)
    with pytest.raises(UsageError, match=client_module.URL_VARIABLE):
        WikiArtClient()


def test_every_fault_was_tried() -> None:
    """What is not transient has a test of its own here or in test_fetch.py."""
    others = {"404", "redirect-out", "bomb", "drip", "stall"}
    assert set(FAULTS) == set(TRANSIENT_FAULTS) | others
