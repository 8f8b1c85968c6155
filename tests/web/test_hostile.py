"""Hostile requests: each gets a plain refusal, and the studio goes on."""

from __future__ import annotations

import io
import json
import os
import socket
import struct
import time
import zipfile
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image

from artist_nst.web import queue, security
from artist_nst.web.folder import hide_folders
from artist_nst.web.paintings import PaintingLibrary
from artist_nst.web.security import BURST, SESSION, TRY_COST
from tests.artists import save_painting
from tests.conftest import picture
from tests.web.conftest import NOT_HTTP, StartStudio, StudioServer

TOKEN = "correct-horse-battery-staple"
IMG = "<img src=x onerror=alert(1)>"
HTML = b"<html><script>alert(1)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
FORM = "application/x-www-form-urlencoded"


def png(width: int = 40, height: int = 30) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture(height, width)).save(stream, "PNG")
    return stream.getvalue()


def make_zip(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.fixture(scope="module")
def photo_id(served: StudioServer) -> str:
    answer = served.upload("/api/photos", png())
    photo_id: str = answer.json["id"]
    assert answer.status == 201
    return photo_id


# Paths

ADDRESSES = (
    "/paintings/{}",
    "/comparisons/{}",
    "/static/{}",
    "/api/paintings/{}",
    "/api/paintings/{}/image.png",
    "/api/paintings/{}/preview",
    "/api/comparisons/{}",
    "/api/comparisons/{}/sheet",
    "/api/photos/{}/thumbnail",
    "/api/artists/{}/works",
    "/api/artists/{}/works/x/thumbnail",
    "/api/artists/anna-pauw/works/{}/thumbnail",
)
TRAVERSALS = (
    "../../../../etc/passwd",
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2fphotos",
    "..%252f..%252fetc%252fpasswd",
    "..\\..\\secret",
    "..%5c..%5csecret",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "photos%00.png",
    "%00",
    "..",
    "%2e%2e",
    ".",
    "%ff%fe",
    "%c0%ae%c0%ae%c0%af",
    "file:%2f%2f%2fetc%2fpasswd",
    "a" * 5000,
    "'%20OR%201=1--",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_path_leads_out(studio_server: StudioServer, address: str) -> None:
    for traversal in TRAVERSALS:
        answer = studio_server.ask(address.format(traversal))
        assert answer.status == 404, traversal
        assert b"root:" not in answer.body


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("//evil.example/", 404),
        ("http://evil.example/api/state", 404),
        ("/api/settings?recipe=/etc/passwd", 404),
        ("/api/settings?recipe=../x.toml", 404),
        ("/api/paintings?offset=1e400", 422),
        ("/api/paintings?offset=" + "9" * 5000, 422),
        ("/api/paintings?offset=-5&limit=-1", 200),
        ("/api/paintings?artist=%27%3B%20DROP%20TABLE%20x--", 200),
        ("/api/paintings/x/works/" + "9" * 5000, 422),
        ("/?" + "a=1&" * 10_000, 200),
        ("/api/photos/0123456789abcdef/thumbnail?large=2", 422),
    ],
)
def test_odd_addresses(studio_server: StudioServer, target: str, status: int) -> None:
    assert studio_server.ask(target).status == status


# JSON


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"null", 422),
        (b"[]", 422),
        (b"{", 422),
        (b"[" * 30_000, 400),
        (b'{"a":' * 10_000, 400),
        (b'{"photo": NaN}', 422),
        (b'{"photo": ' + b"9" * 6000 + b"}", 400),
        (b'{"photo": "\xff"}', 400),
        (b'{"photo": "\\ud800"}', 422),
        (b'{"long_side": 1e999}', 422),
        (b"[" + b" " * 70_000 + b"]", 413),
    ],
)
def test_odd_json(studio_server: StudioServer, body: bytes, status: int) -> None:
    answer = studio_server.post("/api/paintings", body)
    assert answer.status == status
    assert len(answer.error) < 200


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"extra": 1}, "extra"),
        ({"photo": "../../../etc/passwd"}, "photo"),
        ({"photo": "0123456789abcdef"}, "no such picture"),
        ({"photo": ["x"]}, "photo"),
        ({"long_side": 10**9}, "long_side"),
        ({"long_side": -1}, "long_side"),
        ({"long_side": "512; rm -rf"}, "long_side"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"recipe": "/etc/passwd"}, "recipe"),
        ({"recipe": "../x.toml"}, "recipe"),
        ({"style": {"artist": "../.."}}, "no such artist"),
        ({"style": {"artist": "anna-pauw", "works": ["../../../etc/pas"]}}, "works"),
        ({"style": {"artist": "anna-pauw", "works": ["0" * 16]}}, "no such artist"),
        ({"style": {"artist": "anna-pauw", "pick": "/etc"}}, "pick"),
        ({"style": {"images": ["../../etc/passwd"]}}, "images"),
        ({"style": {"images": ["0" * 16] * 9}}, "images"),
        ({"settings": {"numiter": str(10**9)}}, "too long"),
        ({"settings": {"numiter": "9" * 400}}, "iterations"),
        ({"settings": {"numiter": "9" * 401}}, "numiter"),
        ({"settings": {"ratio": "nan"}}, "ratio"),
        ({"settings": {"style-scale": "1e400"}}, "style-scale"),
        ({"settings": {"network": "/etc/passwd"}}, "network"),
        ({"settings": {"weights": "/etc/passwd"}}, "unknown setting"),
        ({"settings": {"__class__": "x"}}, "unknown setting"),
        ({"settings": {str(number): "1" for number in range(41)}}, "settings"),
        ({"recipe": "csce5214", "long_side": 8192}, "too long"),
    ],
)
def test_paintings_that_are_refused(
    studio_server: StudioServer, photo_id: str, changes: dict[str, object], reason: str
) -> None:
    request = {"photo": photo_id, "style": {"artist": "anna-pauw"}} | changes
    answer = studio_server.post("/api/paintings", request)
    assert answer.status == 422
    assert reason in answer.error
    assert not studio_server.studio.queue.list_jobs()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("recipe", "/etc/passwd"),
        ("recipe", "../x.toml"),
        ("recipe", "default,./x.toml"),
        ("pick", "/etc/passwd"),
        ("artist", "/etc"),
        ("weights", "/etc/passwd"),
        ("seed", "9" * 300),
        ("seed", "-1"),
        ("iterations", str(10**9)),
        ("iterations", "10,1000000"),
        ("long-side", "9" * 300),
        ("long-side", "²"),
        ("ratio", ",".join(map(str, range(1, 50)))),
    ],
)
def test_comparisons_that_are_refused(
    studio_server: StudioServer, photo_id: str, name: str, values: str
) -> None:
    request = {"photo": photo_id, "style": {"artist": "anna-pauw"}}
    axis = {"across": {"name": name, "values": values}}
    answer = studio_server.post("/api/comparisons", request | axis)
    assert answer.status == 422
    assert answer.error
    assert not studio_server.studio.queue.list_jobs()


@pytest.mark.parametrize(
    "kind", ["text/plain", FORM, "multipart/form-data; boundary=x", "", "text/json"]
)
def test_json_of_a_cross_site_form(
    studio_server: StudioServer, photo_id: str, kind: str
) -> None:
    request = {"photo": photo_id, "style": {"artist": "anna-pauw"}}
    headers = {"Content-Type": kind} if kind else {}
    body = json.dumps(request).encode()
    answer = studio_server.ask("/api/paintings", "POST", body, headers)
    assert answer.status == 422
    assert not studio_server.studio.queue.list_jobs()


# Sites, hosts and protocols


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost@evil.example"},
        {"Host": "evil.example@127.0.0.1"},
        {"Host": "127.0.0.1/evil.example"},
        {"Host": "localhost."},
        {"Host": "0x7f.1"},
        {"Host": "["},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://["},
        {"Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
def test_other_sites_are_refused(
    studio_server: StudioServer, headers: dict[str, str]
) -> None:
    assert studio_server.ask("/api/state", headers=headers).status == 403
    assert studio_server.post("/api/fetches", {"name": "x"}, **headers).status == 403


def test_a_link_of_another_site_may_lead_here(studio_server: StudioServer) -> None:
    navigation = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert studio_server.ask("/gallery", headers=navigation).status == 200
    answer = studio_server.post("/api/fetches", {"name": "x"}, **navigation)
    assert answer.status == 403


@pytest.mark.parametrize(
    "method", ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "CONNECT", "FOO"]
)
def test_other_methods(studio_server: StudioServer, method: str) -> None:
    marked = {"X-Mark": "echo"}
    answer = studio_server.ask("/api/state", method, headers=marked)
    assert answer.status == 405
    assert b"echo" not in answer.body


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET /api/state HTTP/1.0\r\nHost: {host}\r\n\r\n", 200),
        ("GET /api/state HTTP/1.0\r\n\r\n", 403),
        ("GET /api/state HTTP/1.1\r\n\r\n", 400),
        ("GET /api/state HTTP/1.1\r\nHost: {host}\r\nHost: evil\r\n\r\n", 400),
        ("GET /api/state HTTP/1.1\r\nHost: {host}\r\nX\x00: y\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: " + "9" * 5000, 400),
        ("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
    ],
)
def test_odd_http(studio_server: StudioServer, request_text: str, status: int) -> None:
    text = request_text.format(host=studio_server.host)
    answer = studio_server.send(text.encode() + b"\r\n\r\n")
    assert answer.status == status
    studio_server.problems.clear()  # the server may say that it was no HTTP


def test_two_lengths_are_refused(studio_server: StudioServer) -> None:
    smuggled = "GET /api/state HTTP/1.1\r\nHost: evil.example\r\n\r\n"
    text = (
        f"POST /api/fetches HTTP/1.1\r\nHost: {studio_server.host}\r\n"
        "Content-Type: application/json\r\nContent-Length: 4\r\n"
        f"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"
    )
    assert studio_server.send(text.encode()).status == 400


def test_a_flood_of_headers(studio_server: StudioServer) -> None:
    flood = "".join(f"X-{number}: {'a' * 100}\r\n" for number in range(3000))
    text = f"GET / HTTP/1.1\r\nHost: {studio_server.host}\r\n{flood}\r\n"
    try:
        answer = studio_server.send(text.encode())
    except ConnectionError:
        return  # cut off before it could read the answer
    assert (answer.status, answer.body) == (400, NOT_HTTP)


def test_a_cookie_that_is_slow_to_read(studio_server: StudioServer) -> None:
    start = time.monotonic()
    cookie = f'{SESSION}="' + r"\\" * 30_000 + '"'
    assert studio_server.ask("/", headers={"Cookie": cookie}).status == 200
    assert time.monotonic() - start < 1


def test_slow_connections_hold_nobody_up(studio_server: StudioServer) -> None:
    slow = [studio_server.connect() for _ in range(50)]
    try:
        for byte in b"GET":
            for connection in slow:
                connection.send(bytes([byte]))
            start = time.monotonic()
            assert studio_server.ask("/api/state").status == 200
            assert time.monotonic() - start < 2
    finally:
        for connection in slow:
            connection.close()


# Uploads


def send_chunks(
    server: StudioServer, target: str, kind: str, first: bytes, count: int
) -> int:
    """Send megabytes in chunks, without a length; returns the status."""
    head = f"POST {target} HTTP/1.1\r\nHost: {server.host}\r\nContent-Type: {kind}\r\n"
    chunk = b"100000\r\n" + b"a" * 0x100000 + b"\r\n"
    with server.connect() as connection:
        try:
            connection.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
            connection.sendall(b"%x\r\n%s\r\n" % (len(first), first) if first else b"")
            for _ in range(count):
                connection.sendall(chunk)
            connection.sendall(b"0\r\n\r\n")
        except OSError:
            pass  # it has answered already
        return server.read(connection).status


@pytest.mark.parametrize(
    ("target", "kind", "first", "count"),
    [
        ("/api/paintings", "application/json", b"", 1),
        ("/token", FORM, b"", 1),
        (
            "/api/photos",
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n',
            66,
        ),
    ],
)
def test_giants_without_a_length(
    studio_server: StudioServer, target: str, kind: str, first: bytes, count: int
) -> None:
    assert send_chunks(studio_server, target, kind, first, count) == 413


@pytest.mark.parametrize(
    ("target", "length"),
    [("/api/paintings", 10**6), ("/api/photos", 10**8), ("/api/artists", 10**11)],
)
def test_giants_that_say_so(
    studio_server: StudioServer, target: str, length: int
) -> None:
    answer = studio_server.ask(target, "POST", b"", {"Content-Length": str(length)})
    assert answer.status == 413


def test_less_than_was_said(studio_server: StudioServer) -> None:
    head = (
        f"POST /api/fetches HTTP/1.1\r\nHost: {studio_server.host}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    )
    with studio_server.connect() as connection:
        connection.sendall(head.encode())
        connection.shutdown(socket.SHUT_WR)


def make_bomb() -> bytes:
    """A PNG that says it has 60,000 × 60,000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    check = struct.pack(">I", zlib.crc32(header))
    data = b"IDAT" + zlib.compress(bytes(10**6))
    ends = struct.pack(">I", 13), struct.pack(">I", len(data) - 4)
    return b"\x89PNG\r\n\x1a\n" + ends[0] + header + check + ends[1] + data


@pytest.mark.parametrize(
    "content",
    [
        b"",
        HTML,
        SVG,
        b"GIF89a" + HTML,
        b"\xff\xd8\xff" + HTML,
        b"#!/bin/sh\nrm -rf /\n",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        b"%PDF-1.4",
        make_bomb(),
        png(200, 200)[:-30],
        make_zip(("a.png", png())),
    ],
)
def test_no_pictures(studio_server: StudioServer, content: bytes) -> None:
    before = list(studio_server.studio.folder.photos.rglob("*"))
    answer = studio_server.upload("/api/photos", content, "photo.jpg")
    assert answer.status == 400
    assert answer.error.startswith("the picture")
    assert list(studio_server.studio.folder.photos.rglob("*")) == before


def test_a_picture_that_is_a_page_too(studio_server: StudioServer) -> None:
    answer = studio_server.upload("/api/photos", png(50, 20) + HTML, "page.html")
    assert answer.status == 201
    assert answer.json["name"] == "page.png"
    shown = studio_server.ask(answer.json["thumbnail"])
    assert shown.headers["Content-Type"] == "image/jpeg"
    assert b"script" not in shown.body


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../../etc/passwd", "etc-passwd.png"),
        ("..\\..\\x.png", "x.png"),
        (f"{IMG}.png", "img-src-x-onerror-alert-1.png"),
        ("a\x1b[2J\x00b.png", "a-2j-b.png"),
        ("\udcff.png", "y.png"),
        (".", "photo.png"),
        ("", "photo.png"),
        ("画" * 300 + ".png", "photo.png"),
        ("'; DROP TABLE x--.png", "drop-table-x.png"),
        ("a" * 1000 + ".png", "a" * 40 + ".png"),
        ("a" * 10_000 + ".png", None),
    ],
)
def test_names_of_uploads(
    studio_server: StudioServer, name: str, kept: str | None
) -> None:
    content = png(20 + len(name) % 97, 20 + sum(map(ord, name)) % 97)
    answer = studio_server.upload("/api/photos", content, name)
    if kept is None:
        assert answer.status in (400, 422)
    else:
        assert answer.status == 201
        assert answer.json["name"] == kept


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"--x--", "multipart/form-data; boundary=" + "x" * 5000),
        (b"--x", "multipart/form-data"),
        (b"a=1&" * 15_000, FORM),
        (
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 1100
            + b"--x--",
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_odd_forms(studio_server: StudioServer, body: bytes, kind: str) -> None:
    answer = studio_server.ask("/api/photos", "POST", body, {"Content-Type": kind})
    assert answer.status in (400, 422)
    assert answer.error


@pytest.mark.parametrize("charset", ["unicode_escape", "punycode", "rot13", "utf-7"])
def test_odd_charsets(studio_server: StudioServer, charset: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="token"\r\n\r\n'
    kind = {"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"}
    end = b"\\ud800-\xff\r\n--x--\r\n"
    assert studio_server.ask("/token", "POST", body + end, kind).status in (303, 403)


# Zips


def upload_zip(
    server: StudioServer, content: bytes, artist: str = "Zip"
) -> tuple[int, str]:
    """Upload a zip; returns the status and the error."""
    answer = server.upload("/api/artists", content, "x.zip", {"artist": artist})
    assert not list(server.studio.folder.root.glob(".zip-*"))
    return answer.status, "" if answer.status == 201 else answer.error


def damage(content: bytes, kind: str) -> bytes:
    """Damage a zip of one file."""
    damaged, directory = bytearray(content), content.index(b"PK\1\2")
    if kind == "encrypted":
        damaged[6] |= 1
        damaged[directory + 8] |= 1
    elif kind == "method":
        damaged[8] = damaged[directory + 10] = 99
    elif kind == "data":
        damaged[40:60] = b"\xff" * 20
    elif kind == "lzma":
        damaged[8] = damaged[directory + 10] = 14
    elif kind == "name":
        damaged[directory + 9] |= 8  # UTF-8
        damaged[directory + 46] = 0xFF
    elif kind == "size":
        damaged[directory + 24 : directory + 28] = b"\1\0\0\0"
    elif kind == "cut":
        damaged = damaged[: directory + 20]
    return bytes(damaged)


@pytest.mark.parametrize(
    "kind", ["encrypted", "method", "data", "lzma", "name", "size", "cut"]
)
def test_damaged_zips(studio_server: StudioServer, kind: str) -> None:
    content = damage(make_zip(("a.png", png())), kind)
    answer = upload_zip(studio_server, content)
    assert answer == (400, "the file is no zip that can be read")


def make_directory(count: int, size: int = 0) -> bytes:
    """A zip that is only a directory, of files of a size that they don't have."""
    entry = struct.pack(
        *("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 33, 0, 9, size),
        *(5, 0, 0, 0, 0, 0, 0),
    )
    entries = (entry + b"a.png") * count
    end = b"PK\5\6", 0, 0, count & 0xFFFF, count & 0xFFFF, len(entries), 0, 0
    return entries + struct.pack("<4s4H2LH", *end)


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"PK", 400, "no zip"),
        (b"", 400, "no zip"),
        (png(), 400, "no zip"),
        (make_zip(), 400, "the zip: no pictures"),
        (make_zip(("a.txt", bytes(50 << 20))), 400, "the zip: no pictures"),
        (make_directory(30_000), 422, "more than 20,000 files"),
        (make_directory(400_000), 422, "more than 20,000 files"),
        (make_directory(5, (2 << 30) - 1), 422, "too large"),
    ],
)
def test_zips_that_are_refused(
    studio_server: StudioServer, content: bytes, status: int, reason: str
) -> None:
    start = time.monotonic()
    answer = upload_zip(studio_server, content)
    assert answer[0] == status
    assert reason in answer[1]
    assert time.monotonic() - start < 5


def test_a_zip_must_fit_on_the_disk(
    studio_server: StudioServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artist_nst.web.folder.MIN_FREE_BYTES", 1 << 60)
    status, reason = upload_zip(studio_server, make_zip(("a.png", png())))
    assert status == 400
    assert reason.startswith("the disk has")


def test_names_in_zips_lead_nowhere(studio_server: StudioServer) -> None:
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    names = (
        "../../../evil.png",
        "/absolute.png",
        "..\\windows.png",
        "C:\\drive.png",
        "a\x1b[2Jb.png",
        "画" * 150 + ".png",
        ".hidden.png",
        f"{IMG}.png",
    )
    entries = [(name, png(30 + at, 30)) for at, name in enumerate(names)]
    content = make_zip(*entries, (link, b"/etc/passwd"), ("page.jpg", HTML))
    assert upload_zip(studio_server, content, "Trick Ster") == (201, "")
    corpora = studio_server.studio.artists.corpora
    assert not list(corpora.parent.rglob("evil*"))
    assert not [path for path in corpora.rglob("*") if path.is_symlink()]
    works = studio_server.ask("/api/artists/trick-ster/works")
    assert works.headers["Content-Type"] == "application/json"
    titles = [work["title"] for work in works.json["list"]]
    assert len(titles) == 7
    assert all(title.isprintable() and "<" not in title for title in titles)


@pytest.mark.parametrize(
    ("artist", "status"),
    [
        ("../../up", 201),
        ("..", 201),
        (IMG, 201),
        ("\udcff\udcfe", 201),
        ("a\x1b\r\nb", 201),
        ("\x00", 422),
        (" ", 422),
        ("a" * 201, 422),
        ("procedural", 422),
        ("anna-pauw", 422),
    ],
)
def test_names_of_artists(
    studio_server: StudioServer, artist: str, status: int
) -> None:
    corpora = studio_server.studio.artists.corpora
    beside = sorted(corpora.parent.iterdir())
    content = make_zip(("a.png", png(17, 17)))
    assert upload_zip(studio_server, content, artist)[0] == status
    assert sorted(corpora.parent.iterdir()) == beside
    listed = studio_server.ask("/api/artists")
    assert listed.headers["Content-Type"] == "application/json"


# What is on disk


def test_a_work_that_is_a_link(studio_server: StudioServer, tmp_path: Path) -> None:
    (tmp_path / "private.png").write_bytes(png())
    folder = studio_server.studio.artists.corpora / "linked"
    folder.mkdir()
    (folder / "work.png").symlink_to(tmp_path / "private.png")
    answer = studio_server.ask("/api/artists/linked/works")
    assert answer.status == 400
    assert "outside the corpus" in answer.error


def test_a_manifest_of_scripts(studio_server: StudioServer) -> None:
    folder = studio_server.studio.artists.corpora / "scripts"
    folder.mkdir()
    (folder / "a.png").write_bytes(png())
    (folder / "corpus.json").write_text(json.dumps({"artist": f"{IMG}\ud800"}))
    work = {"id": "../../x", "title": f"{IMG}\ud800", "year": "\ud800", "file": "a.png"}
    outside = {"id": "y", "title": "y", "file": "../../../../etc/passwd"}
    (folder / "works.jsonl").write_text(json.dumps(work) + "\n")
    listed = studio_server.ask("/api/artists/scripts/works")
    assert listed.status == 200
    assert listed.headers["Content-Type"] == "application/json"
    assert listed.json["list"][0]["title"] == f"{IMG}?"
    assert studio_server.ask(listed.json["list"][0]["thumbnail"]).status == 200
    assert studio_server.ask("/api/artists").status == 200
    (folder / "works.jsonl").write_text(json.dumps(outside) + "\n")
    studio_server.studio.artists.forget_cached()
    assert studio_server.ask("/api/artists/scripts/works").status == 400


def test_a_record_that_names_any_file(
    studio_server: StudioServer, tmp_path: Path
) -> None:
    root = studio_server.studio.folder.root
    secret, work = tmp_path / "secret.txt", tmp_path / "work.png"
    secret.write_text("root:x:0:0")
    work.write_bytes(png(21, 20))
    painting = root / f"{IMG[1:]}\x1b.png"
    save_painting(painting, picture(48, 64), secret, [work])
    listed = studio_server.ask("/api/paintings")
    base = f"/api/paintings/{listed.json['paintings'][0]['id']}"
    # It is the file of that hash, but no picture.
    assert studio_server.ask(f"{base}/photo").status == 400
    assert studio_server.ask(f"{base}/works/0").status == 200
    assert studio_server.ask(f"{base}/works/1").status == 404
    assert studio_server.ask(f"{base}/image.jpg").status == 200
    assert studio_server.ask(f"{base}/image.png?download=1").status == 200
    assert studio_server.ask(base).json["record"]["content"]["path"] == "secret.txt"
    assert studio_server.post(f"{base}/reuse", {}).json["photo"] is None
    secret.write_text("another")
    work.write_bytes(png(22, 20))
    assert studio_server.ask(f"{base}/photo").status == 404
    assert studio_server.ask(f"{base}/works/0").status == 404
    painting.unlink()
    assert studio_server.ask(base).status == 404


def test_names_that_are_no_text(studio_server: StudioServer) -> None:
    root = studio_server.studio.folder.root
    source = root / "source.png"
    source.write_bytes(png())
    odd = root / os.fsdecode(b"\xff.png")
    save_painting(odd, picture(48, 64), source, [source])
    folder = studio_server.studio.artists.corpora / os.fsdecode(b"\xff")
    folder.mkdir()
    (folder / "a.png").write_bytes(png())
    assert studio_server.ask("/api/paintings").json["paintings"] == []
    assert studio_server.ask("/api/artists").status == 200
    odd.unlink()
    source.unlink()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/x/studio/a.png cannot be read", "a.png cannot be read"),
        ("'/srv/x y.png': no", "'x y.png': no"),
        ("C:\\Users\\x\\a.png is here", "a.png is here"),
        ("choose vgg16 and/or vgg19", "choose vgg16 and/or vgg19"),
        ("https://www.wikiart.org/en/x: no", "https://www.wikiart.org/en/x: no"),
        ("photos/a/b.png: no", "photos/a/b.png: no"),
    ],
)
def test_messages_without_folders(text: str, shown: str) -> None:
    assert hide_folders(text) == shown


def test_messages_without_the_home() -> None:
    home = Path.home() / "My Pictures" / "a.png"
    assert hide_folders(f"{home} is empty") == "My Pictures/a.png is empty"


def test_thousands_of_comparisons(tmp_path: Path) -> None:
    comparisons = tmp_path / "comparisons"
    for number in range(1000):
        (comparisons / str(number)).mkdir(parents=True)
        (comparisons / str(number) / "sheet.png").touch()
    library = PaintingLibrary(tmp_path, comparisons)
    start = time.monotonic()
    with pytest.raises(KeyError):
        library.find("0123456789abcdef")
    assert time.monotonic() - start < 3


# The API's other ends


def test_folders_only_of_this_machine(
    studio_server: StudioServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = {"folder": "/etc", "artist": "x"}
    assert studio_server.post("/api/folders", request).status == 400
    for folder in ("/nonexistent/\0", "\0", "a" * 1001, "/dev/null"):
        answer = studio_server.post("/api/folders", request | {"folder": folder})
        assert answer.status == 422
    monkeypatch.setattr(studio_server.studio, "is_local", False)
    assert studio_server.post("/api/folders", request).status == 422


def test_a_full_queue(
    studio_server: StudioServer, photo_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MAX_WAITING", 2)
    request = {"photo": photo_id, "style": {"artist": "anna-pauw"}}
    answers = [studio_server.post("/api/paintings", request) for _ in range(3)]
    assert [answer.status for answer in answers] == [202, 202, 503]
    assert answers[2].headers["Retry-After"] == "30"
    for answer in answers[:2]:
        target = f"/api/paintings/{answer.json['id']}/stop"
        assert studio_server.post(target, {"keep": 2}).status == 422
        assert studio_server.post(target, {}).json["state"] == "canceled"
    assert studio_server.post("/api/paintings/x/stop", {}).status == 404
    studio_server.studio.queue._jobs.clear()


def test_fetches(studio_server: StudioServer) -> None:
    names = ["../../etc", "http://127.0.0.1/x", IMG, "file:///etc/passwd"] * 3
    statuses = [
        studio_server.post("/api/fetches", {"name": name}).status for name in names
    ]
    assert statuses == [202] * 10 + [400] * 2
    for values in ({"name": ""}, {"name": "x" * 201}, {"name": "x", "limit": 0}, None):
        assert studio_server.post("/api/fetches", values).status == 422
    assert studio_server.ask("/api/state").headers["Content-Type"] == "application/json"
    studio_server.studio.fetcher.jobs.clear()


def test_a_bug_shows_nothing(
    studio_server: StudioServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError(f"in {Path(__file__)}")

    monkeypatch.setattr(studio_server.studio.photos, "list_recent", fail)
    answer = studio_server.ask("/api/photos")
    assert answer.status == 500
    assert "ZeroDivisionError" not in answer.error
    while len(studio_server.problems) < 2:  # the studio's, and the server's, later
        time.sleep(0.01)
    studio_server.problems.clear()


# Token


@pytest.fixture(scope="module")
def guarded(start_studio: StartStudio) -> StudioServer:
    return start_studio(TOKEN)


def open_session(server: StudioServer, token: str) -> str:
    """Give the token as the form does; returns the cookie, "" if it is wrong."""
    body = f"token={quote(token)}".encode()
    answer = server.ask("/token", "POST", body, {"Content-Type": FORM})
    assert answer.status in (303, 403)
    cookie = answer.headers.get("Set-Cookie", "")
    assert not cookie or ("HttpOnly" in cookie and "SameSite=strict" in cookie)
    return cookie.partition(";")[0]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer \udcff"},
        {"Cookie": f"{SESSION}=wrong"},
        {"Cookie": f"{SESSION}="},
        {"Cookie": f"{SESSION}={TOKEN}"},
        {"Cookie": "\udcff=;;=;"},
    ],
)
def test_without_the_token(guarded: StudioServer, headers: dict[str, str]) -> None:
    assert guarded.ask("/api/state", headers=headers).status == 401
    assert guarded.ask(f"/api/state?token={TOKEN}", headers=headers).status == 401
    assert guarded.ask("/gallery", headers=headers).headers["Location"] == "/token"
    for path in ("/static/../api/state", "/s/../api/state", "/token/../api/state"):
        assert guarded.ask(path, headers=headers).status == 404


def test_with_the_token(guarded: StudioServer) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert guarded.ask("/api/state", headers=bearer).status == 200
    cookie = open_session(guarded, TOKEN)
    assert guarded.ask("/api/state", headers={"Cookie": cookie}).status == 200
    # What servers on other ports of this machine have set comes along.
    for other in ('a={"b": "c\\"}', "b@ d", '"'):
        mixed = {"Cookie": f"{other}; {cookie}; {other}"}
        assert guarded.ask("/api/state", headers=mixed).status == 200
    request = {"folder": "/etc", "artist": "x"}
    assert guarded.post("/api/folders", request, **bearer).status == 422


def test_sessions_of_another_studio(
    guarded: StudioServer, start_studio: StartStudio
) -> None:
    other = start_studio("another token")
    assert open_session(other, TOKEN) == ""
    cookie = open_session(guarded, TOKEN)
    assert other.ask("/api/state", headers={"Cookie": cookie}).status == 401


def test_tokens_cannot_be_guessed(start_studio: StartStudio) -> None:
    server = start_studio(TOKEN)
    form, tries = {"Content-Type": FORM}, BURST // TRY_COST
    statuses = [
        server.ask("/token", "POST", b"token=wrong", form).status
        for _ in range(tries + 5)
    ]
    assert statuses[:tries] == [403] * tries
    assert statuses[-1] == 429


def test_too_many_requests(
    start_studio: StartStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(security, "BURST", 3)
    monkeypatch.setattr(security, "RATE", 0.001)
    server = start_studio()
    statuses = [server.ask("/api/state").status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


def test_other_sites_use_up_no_budget(guarded: StudioServer) -> None:
    for _ in range(BURST // TRY_COST + 5):
        headers = {"Content-Type": FORM, "Origin": "http://evil.example"}
        answer = guarded.ask("/token", "POST", b"token=x", headers)
        assert answer.status == 403
    assert guarded.ask("/token").status == 200
