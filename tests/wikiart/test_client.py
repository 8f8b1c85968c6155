"""How WikiArt is asked: rate, connections, patience, and whom never."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from artist_nst.errors import TooLargeError, UsageError
from artist_nst.wikiart import client as polite
from artist_nst.wikiart.client import (
    BadAnswerError,
    Download,
    ForeignAddressError,
    NotFoundError,
    Polite,
    RefusedError,
    StoppedError,
    UnavailableError,
)
from tests.wikiart_server import FAULTS, KINDS, WikiArtServer

ARTIST = "/en/pablo-picasso?json=2"
FAST = 1000.0


def name(text: str) -> str:
    try:
        return str(json.loads(text)["artistName"])
    except ValueError as error:
        raise BadAnswerError("no JSON") from error


def whole(came: Download) -> Download:
    """As if decoded: a JPEG from its beginning to its end."""
    content = came.path.read_bytes()
    if not (content.startswith(b"\xff\xd8") and content.endswith(b"\xff\xd9")):
        raise BadAnswerError("no whole JPEG")
    return came


def image(site: WikiArtServer) -> str:
    return site.url + site.path(site.works[0])


@pytest.fixture
def client(site: WikiArtServer) -> Polite:
    assert site.url
    return Polite(rate=FAST)


def test_what_we_send(site: WikiArtServer) -> None:
    client = Polite(rate=FAST)
    assert client.read(ARTIST, name, referer="/en/artists") == "Pablo Picasso"
    headers = site.requests[0].headers
    assert headers["User-Agent"].startswith("artist-nst/0.1.0 (")
    assert headers["X-Requested-With"] == "XMLHttpRequest"
    assert headers["Referer"] == f"{site.url}/en/artists"
    Polite(rate=FAST, agent="Mozilla/5.0 (mine)").read(ARTIST, name)
    assert site.requests[1].headers["User-Agent"] == "Mozilla/5.0 (mine)"


def test_a_picture(site: WikiArtServer, client: Polite, tmp_path: Path) -> None:
    came = client.download(image(site), tmp_path / "a", whole)
    assert came.bytes == (tmp_path / "a").stat().st_size
    assert came.address == image(site)
    assert site.requests[0].headers["Accept-Encoding"] == "identity"
    assert client.requests == 1


@pytest.mark.parametrize("fault", [one for one in KINDS if one != "placeholder"])
@pytest.mark.parametrize("times", [1, 4])
def test_trouble_passes(
    site: WikiArtServer, client: Polite, tmp_path: Path, fault: str, times: int
) -> None:
    for what in (image(site), "/en/pablo-picasso"):
        site.fail(what, fault, times=times, retry_after=0)
    assert client.read(ARTIST, name) == "Pablo Picasso"
    came = client.download(image(site), tmp_path / "a", whole)
    if fault != "placeholder-redirect":  # whose picture is whole, but another's
        assert len(site.requests) > 2
        assert site.images_served()[site.path(site.works[0])] >= 1
        assert came.sha256


@pytest.mark.parametrize("fault", ["500", "reset", "short", "html", "truncated"])
def test_trouble_stays(
    site: WikiArtServer, client: Polite, tmp_path: Path, fault: str
) -> None:
    client.read(ARTIST, name)
    site.fail(image(site), fault)
    with pytest.raises(UnavailableError, match="5 times"):
        client.download(image(site), tmp_path / "a", whole)
    assert len(site.requests) == 1 + polite.TRIES


def test_what_is_not_there_is_not_asked_for_again(
    site: WikiArtServer, client: Polite, tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError, match="404"):
        client.read("/en/nobody?json=2", name)
    with pytest.raises(NotFoundError):
        client.download(f"{site.url}/uploads1/none.jpg", tmp_path / "a", whole)
    assert len(site.requests) == 2


def test_pauses_grow_and_are_not_all_alike(
    site: WikiArtServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polite, "BACKOFF_S", 0.1)
    site.fail("/en/", "500", times=3)
    Polite(rate=FAST).read(ARTIST, name)
    times = [request.time for request in site.requests]
    gaps = [after - before for before, after in pairwise(times)]
    for gap, pause in zip(gaps, (0.1, 0.2, 0.4), strict=True):
        assert gap > 0.5 * pause
    assert gaps[0] / gaps[1] != pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize("fault", ["429", "429-date"])
def test_retry_after_holds_for_all(
    site: WikiArtServer, client: Polite, tmp_path: Path, fault: str
) -> None:
    site.fail("/en/pablo-picasso", fault, times=1, retry_after=1)
    asks = threading.Thread(target=client.read, args=(ARTIST, name))
    asks.start()
    while not (site.requests and site.requests[0].status):
        time.sleep(0.005)
    time.sleep(0.05)
    client.download(image(site), tmp_path / "a", whole)
    asks.join()
    waited = [one.time - site.requests[0].time for one in site.requests[1:]]
    assert all(wait > 0.8 for wait in waited)


def test_a_long_retry_after_is_a_refusal(site: WikiArtServer, client: Polite) -> None:
    site.fail("/en/", "429", retry_after=3600)
    with pytest.raises(RefusedError, match="come again in 60 min"):
        client.read(ARTIST, name)
    with pytest.raises(RefusedError):
        client.read("/en/joan-miro?json=2", name)
    assert len(site.requests) == 1


def test_a_site_that_refuses_us_is_left_alone(
    site: WikiArtServer, client: Polite
) -> None:
    site.fail("/en/", "403")
    for number in range(polite.PATIENCE + 3):
        kind = UnavailableError if number < polite.PATIENCE - 1 else RefusedError
        with pytest.raises(kind, match="403") as raised:
            client.read(f"/en/artist-{number}?json=2", name)
    assert "refuses us" in str(raised.value)
    assert client.refusal is raised.value
    assert len(site.requests) == polite.TRIES * polite.PATIENCE


def test_pictures_that_are_bad_are_no_refusal(
    site: WikiArtServer, client: Polite, tmp_path: Path
) -> None:
    site.fail(re.compile("uploads"), "truncated")
    for work in site.works[: 2 * polite.PATIENCE]:
        with pytest.raises(UnavailableError, match="no whole JPEG, 5 times"):
            client.download(site.url + site.path(work), tmp_path / "a", whole)
    assert client.refusal is None


def test_pages_in_place_of_pictures_are(
    site: WikiArtServer, client: Polite, tmp_path: Path
) -> None:
    site.fail(re.compile("uploads"), "html")
    for work in site.works[: polite.PATIENCE]:
        with pytest.raises(UnavailableError, match="a page came"):
            client.download(site.url + site.path(work), tmp_path / "a", whole)
    assert client.refusal is not None


@pytest.mark.parametrize("fault", ["404", "redirect-out"])
def test_any_answer_between_is_enough(
    site: WikiArtServer, client: Polite, tmp_path: Path, fault: str
) -> None:
    site.elsewhere = "https://evil.example/x.jpg"
    site.fail("/en/bad", "500")
    site.fail(image(site), fault)
    for number in range(2 * polite.PATIENCE):
        with pytest.raises(UnavailableError):
            client.read(f"/en/bad-{number}", name)
        with pytest.raises((NotFoundError, ForeignAddressError)):
            client.download(image(site), tmp_path / "a", whole)
    assert client.refusal is None


def test_one_answer_between_is_enough(site: WikiArtServer, client: Polite) -> None:
    site.fail("/en/bad", "500")
    for number in range(2 * polite.PATIENCE):
        with pytest.raises(UnavailableError):
            client.read(f"/en/bad-{number}", name)
        client.read(ARTIST, name)
    assert client.refusal is None


def in_threads(count: int, do: Callable[[], object]) -> None:
    threads = [threading.Thread(target=do) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_one_rate_for_all_threads(site: WikiArtServer) -> None:
    client = Polite(rate=40)

    def ask() -> None:
        for _ in range(5):
            client.read(ARTIST, name)
        client.rest()

    in_threads(6, ask)
    assert len(site.requests) == 30
    # The server may have noticed the first one late.
    assert site.rate() <= 40 * 1.1


def test_one_connection_a_thread(site: WikiArtServer, client: Polite) -> None:
    def ask() -> None:
        for _ in range(10):
            client.read(ARTIST, name)
        client.rest()

    in_threads(4, ask)
    assert site.peak_connections <= 4
    assert len({request.connection for request in site.requests}) == 4


@pytest.mark.parametrize(
    "address",
    [
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
    ],
)
def test_nobody_else_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    def connects(*_: object, **__: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr("socket.create_connection", connects)
    monkeypatch.setattr("urllib3.util.connection.create_connection", connects)
    with pytest.raises(ForeignAddressError):
        Polite(rate=FAST).download(address, tmp_path / "a", whole)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_loopback_only_where_the_site_is(tmp_path: Path, host: str) -> None:
    with pytest.raises(ForeignAddressError):
        Polite(rate=FAST).download(f"http://{host}:9/a.jpg", tmp_path / "a", whole)


def test_a_stand_in_is_all_that_is_asked(client: Polite, tmp_path: Path) -> None:
    with pytest.raises(ForeignAddressError):
        client.download("https://uploads1.wikiart.org/a.jpg", tmp_path / "a", whole)


def test_redirects(site: WikiArtServer, client: Polite, tmp_path: Path) -> None:
    site.fail(image(site), "redirect-home", times=1)
    came = client.download(image(site), tmp_path / "a", whole)
    assert "/moved/" in came.address
    for elsewhere in ("https://evil.example/x.jpg", "file:///etc/passwd"):
        site.elsewhere = elsewhere
        site.fail(image(site), "redirect-out", times=1)
        with pytest.raises(ForeignAddressError, match=elsewhere):
            client.download(image(site), tmp_path / "a", whole)


@pytest.mark.parametrize(
    "location", ["http://[::1", b"http://\xe9\xff/".decode("latin-1")]
)
def test_redirects_to_nonsense(
    site: WikiArtServer, client: Polite, tmp_path: Path, location: str
) -> None:
    site.elsewhere = location
    site.fail(image(site), "redirect-out")
    with pytest.raises(ForeignAddressError):
        client.download(image(site), tmp_path / "a", whole)


def test_redirects_in_a_ring_end(
    site: WikiArtServer, client: Polite, tmp_path: Path
) -> None:
    site.elsewhere = image(site)
    site.fail(image(site), "redirect-out")
    with pytest.raises(UnavailableError, match="HTTP 302"):
        client.download(image(site), tmp_path / "a", whole)
    assert len(site.requests) <= polite.REDIRECTS + 1


def test_a_drip_is_given_up(
    site: WikiArtServer,
    client: Polite,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(polite, "DRIP_S", 0.2)
    site.drip_s = 0.02
    site.fail(image(site), "drip", times=1)
    client.read(ARTIST, name)
    client.download(image(site), tmp_path / "a", whole)
    assert len(site.requests) == 3


def test_a_silence_is_given_up(
    site: WikiArtServer, client: Polite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polite, "TIMEOUTS_S", (0.2, 0.2))
    client.read(ARTIST, name)
    site.fail("/en/", "stall")
    with pytest.raises(UnavailableError, match="no answer"):
        client.read(ARTIST, name)


def test_too_many_bytes(
    site: WikiArtServer,
    client: Polite,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(polite, "LARGEST_PICTURE", 1000)
    with pytest.raises(TooLargeError):
        client.download(image(site), tmp_path / "a", whole)
    assert len(site.requests) == 1


def test_retry_after_of_any_status(site: WikiArtServer, client: Polite) -> None:
    site.fail("/en/", lambda case: case.page(502, "", Retry_After="1"), times=1)
    client.read(ARTIST, name)
    first, second = site.requests
    assert second.time - first.time > 0.8


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polite, "BACKOFF_S", 0.01)
    monkeypatch.setenv(polite.VARIABLE, "http://127.0.0.1:9")
    client = Polite(rate=FAST)
    for _ in range(2):
        with pytest.raises(RefusedError, match=r"refused\).*artist-nst adopt"):
            client.read(ARTIST, name)
    assert client.requests == 2


def test_stop(site: WikiArtServer, client: Polite) -> None:
    site.fail("/en/pablo", "429", retry_after=60, times=1)
    stop = threading.Event()

    def ask() -> None:
        client.heed(stop)
        with pytest.raises(StoppedError):
            client.read(ARTIST, name)

    asks = threading.Thread(target=ask)
    asks.start()
    while not site.requests:
        time.sleep(0.005)
    stop.set()
    asks.join(2)
    assert not asks.is_alive()


def test_stop_ends_a_drip(site: WikiArtServer, client: Polite, tmp_path: Path) -> None:
    site.drip_s = 0.05
    site.fail(image(site), "drip")
    stop = threading.Event()

    def ask() -> None:
        client.heed(stop)
        with pytest.raises(StoppedError):
            client.download(image(site), tmp_path / "a", whole)

    asks = threading.Thread(target=ask)
    asks.start()
    time.sleep(0.3)
    assert asks.is_alive()
    stop.set()
    asks.join(2)
    assert not asks.is_alive()
    # Only threads that heed it stop.
    assert client.read(ARTIST, name) == "Pablo Picasso"


def test_the_disk_is_not_the_network(
    site: WikiArtServer, client: Polite, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        client.download(image(site), tmp_path / "no" / "a", whole)
    assert len(site.requests) == 1


@pytest.mark.parametrize("home", ["https://example.org", "http://10.0.0.1", "loopback"])
def test_the_stand_in_is_on_loopback(
    monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.setenv(polite.VARIABLE, home)
    with pytest.raises(UsageError, match=polite.VARIABLE):
        Polite()


def test_every_fault_was_tried() -> None:
    """What is not transient has a test of its own here or in test_fetch.py."""
    others = {"404", "redirect-out", "bomb", "drip", "stall"}
    assert set(FAULTS) == set(KINDS) | others
