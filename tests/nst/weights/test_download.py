"""The download of weights, from a server on loopback."""

import hashlib
import logging
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from artist_nst.errors import UsageError
from artist_nst.nst.weights import download
from artist_nst.nst.weights.download import (
    WeightsUnavailableError,
    download_weights,
    get_download_size,
)
from artist_nst.nst.weights.locate import find_weights
from tests.nst.weights.conftest import one_line, pretend_published

BODY = bytes(range(256)) * 1600  # seven pieces
HASH = hashlib.sha256(BODY).hexdigest()[:8]


class Server(ThreadingHTTPServer):
    """Serves one body; its attributes set how badly."""

    daemon_threads = True
    body = BODY
    status = 200
    knows_ranges = True
    says_size = True
    cuts: list[int]  # bytes after which to hang up, one per answer
    shift = 0  # added to the start of every range
    ranges: list[str | None]  # of each request
    agents: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/models/net-{HASH}.pth"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers["Range"])
        self.server.agents.append(self.headers["User-Agent"])
        if self.server.status != 200:
            return self.send_error(self.server.status)
        body, start = self.server.body, 0
        if self.headers["Range"] and self.server.knows_ranges:
            start = int(self.headers["Range"][len("bytes=") : -1]) + self.server.shift
            if start >= len(body):
                return self.send_error(416)
            self.send_response(206)
            span = f"bytes {start}-{len(body) - 1}/{len(body)}"
            self.send_header("Content-Range", span)
        else:
            self.send_response(200)
        if self.server.says_size:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        cut = self.server.cuts.pop(0) if self.server.cuts else len(body)
        self.wfile.write(body[start:][:cut])
        return None

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as served:
        served.cuts, served.ranges, served.agents = [], [], []
        thread = threading.Thread(target=served.serve_forever, args=(0.02,))
        thread.start()
        yield served
        served.shutdown()
        thread.join()


def part_of(folder: Path) -> Path:
    return folder / f"net-{HASH}.pth.part"


def test_download(
    server: Server, empty_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "artist_nst")
    calls: list[tuple[int, int]] = []

    def note(done: int, total: int) -> None:
        calls.append((done, total))

    path = download_weights(url=server.url, on_progress=note)
    assert path == empty_cache / f"net-{HASH}.pth"
    assert path.read_bytes() == BODY
    assert [file.name for file in empty_cache.iterdir()] == [path.name]
    assert len(calls) == 7
    assert calls == sorted(calls)
    assert calls[-1] == (len(BODY), len(BODY))
    assert server.agents[0].startswith("artist-nst/")
    assert f"downloading net-{HASH}.pth (0 MiB) from 127.0.0.1 to" in caplog.text

    assert download_weights(url=server.url) == path
    assert len(server.ranges) == 1  # a cached file is not requested again


def test_a_damaged_file_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"net-{HASH}.pth").write_bytes(BODY[:-1])
    path = download_weights(url=server.url, folder=tmp_path)
    assert path.read_bytes() == BODY


def test_size_unknown(server: Server, tmp_path: Path) -> None:
    server.says_size = False
    totals: list[int] = []
    path = download_weights(
        url=server.url,
        folder=tmp_path,
        on_progress=lambda _, total: totals.append(total),
    )
    assert path.read_bytes() == BODY
    assert set(totals) == {0}


def test_a_broken_connection_is_resumed(server: Server, tmp_path: Path) -> None:
    server.cuts = [150_000, 150_000]
    path = download_weights(url=server.url, folder=tmp_path)
    assert path.read_bytes() == BODY
    assert len(server.ranges) == 3
    first, second, third = server.ranges
    assert first is None
    assert second is not None
    assert third is not None
    assert 65_536 <= int(second[6:-1]) <= 150_000 < int(third[6:-1])


def test_a_dead_server_leaves_the_part(server: Server, tmp_path: Path) -> None:
    server.cuts = [150_000, 0]
    with pytest.raises(WeightsUnavailableError, match="could not be downloaded") as e:
        download_weights(url=server.url, folder=tmp_path)
    one_line(e)
    kept = part_of(tmp_path).read_bytes()
    assert 0 < len(kept) < len(BODY)
    assert BODY.startswith(kept)
    download_weights(url=server.url, folder=tmp_path)
    assert server.ranges[-1] == f"bytes={len(kept)}-"


def test_an_interrupted_download_is_resumed(server: Server, tmp_path: Path) -> None:
    def interrupt(done: int, _: int) -> None:
        if done > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download_weights(url=server.url, folder=tmp_path, on_progress=interrupt)
    kept = part_of(tmp_path).stat().st_size
    calls: list[int] = []
    path = download_weights(
        url=server.url, folder=tmp_path, on_progress=lambda done, _: calls.append(done)
    )
    assert path.read_bytes() == BODY
    assert server.ranges == [None, f"bytes={kept}-"]
    assert kept < calls[0]


@pytest.mark.parametrize(
    ("part", "settings", "ranges"),
    [
        (b"x" * 1000, {"knows_ranges": False}, ["bytes=1000-"]),
        (b"x" * (len(BODY) + 1), {"knows_ranges": False}, [f"bytes={len(BODY) + 1}-"]),
        (BODY, {}, [f"bytes={len(BODY)}-"]),
        (b"x" * len(BODY), {}, [f"bytes={len(BODY)}-", None]),
        (b"x" * (len(BODY) + 7), {}, [f"bytes={len(BODY) + 7}-", None]),
        (BODY[:1000], {"shift": 10}, ["bytes=1000-", None]),
    ],
    ids=["no ranges", "no ranges, long", "complete", "wrong", "long", "other range"],
)
def test_parts_that_cannot_be_resumed(
    part: bytes,
    settings: dict[str, int],
    ranges: list[str | None],
    server: Server,
    tmp_path: Path,
) -> None:
    for name, value in settings.items():
        setattr(server, name, value)
    part_of(tmp_path).write_bytes(part)
    path = download_weights(url=server.url, folder=tmp_path)
    assert path.read_bytes() == BODY
    assert server.ranges == ranges


def test_a_wrong_hash_is_never_accepted(server: Server, tmp_path: Path) -> None:
    server.body = b"not the weights" * 1000
    with pytest.raises(WeightsUnavailableError, match=f"not {HASH}, and was del") as e:
        download_weights(url=server.url, folder=tmp_path)
    one_line(e)
    assert not list(tmp_path.glob("net-*"))


def test_a_part_of_another_file_is_detected(server: Server, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(b"x" * 1000)
    with pytest.raises(WeightsUnavailableError, match="was deleted"):
        download_weights(url=server.url, folder=tmp_path)
    assert download_weights(url=server.url, folder=tmp_path).read_bytes() == BODY


@pytest.mark.parametrize("status", [404, 416, 503])
def test_a_server_that_refuses(status: int, server: Server, tmp_path: Path) -> None:
    server.status = status
    with pytest.raises(WeightsUnavailableError, match=f"{status} .*127.0.0.1") as error:
        download_weights(url=server.url, folder=tmp_path)
    line = one_line(error)
    assert line.startswith("VGG-19's weights")
    for advice in ("--weights", "`artist-nst weights`", "--network compact"):
        assert advice in line


def test_too_large_is_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_MAX_BYTES", 100_000)
    with pytest.raises(WeightsUnavailableError, match="too much"):
        download_weights(url=server.url, folder=tmp_path)
    server.says_size = False
    with pytest.raises(WeightsUnavailableError, match="sent more than"):
        download_weights(url=server.url, folder=tmp_path)


def test_connection_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/net-{HASH}.pth"
    with pytest.raises(WeightsUnavailableError, match=r"\(Connection refused\)") as e:
        download_weights("vgg16", url=url, folder=tmp_path)
    assert one_line(e).startswith("VGG-16's weights")


def test_a_folder_that_cannot_be_made(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WeightsUnavailableError, match=str(tmp_path / "file")) as error:
        download_weights(url=server.url, folder=tmp_path / "file" / "checkpoints")
    one_line(error)


def test_an_address_without_a_hash(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="carries no hash"):
        download_weights(url="http://127.0.0.1:9/vgg19.pth", folder=tmp_path)


def test_several_at_once(server: Server, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(BODY[:70_000])
    server.cuts = [90_000, 100_000]
    done: list[Path] = []
    threads = [
        threading.Thread(
            target=lambda: done.append(
                download_weights(url=server.url, folder=tmp_path)
            )
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [tmp_path / f"net-{HASH}.pth"] * 4
    assert done[0].read_bytes() == BODY


def test_download_size() -> None:
    # 143 667 240 float32 parameters and a few kilobytes of names.
    assert get_download_size("vgg19") == pytest.approx(143_667_240 * 4, abs=50_000)


def test_find_weights_downloads(
    server: Server, vgg11_pth: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = pretend_published(vgg11_pth, monkeypatch)
    server.body = vgg11_pth.read_bytes()

    class Published:
        url = server.url.replace(f"net-{HASH}.pth", name)

    monkeypatch.setattr(download, "_get_published", lambda _: Published)
    assert find_weights("vgg11").source == str(empty_cache / name)
    assert find_weights("vgg11", offline=True).input == "torchvision"
    assert len(server.ranges) == 1
