"""A studio behind a real server in this process, and raw requests to it."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from requests.structures import CaseInsensitiveDict

from artist_nst.painting.compute import ComputeOptions
from artist_nst.web import server
from artist_nst.web.app import create_app
from artist_nst.web.fetches import Fetcher
from artist_nst.web.queue import PaintingQueue
from artist_nst.web.security import HEADERS
from artist_nst.web.studio import Studio
from tests.conftest import picture

SECONDS = 20.0
HOMES = "HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TORCH_HOME"
# Of the server itself, to what is no HTTP: nothing of ours is asked.
NOT_HTTP = b"Invalid HTTP request received."


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The reason, which is one line."""
        error: str = self.json["error"]
        assert "\n" not in error
        return error


@dataclass
class StudioServer:
    """A studio that is served on a port of this machine.

    Attributes:
        problems: What was logged as an error by the studio, the server or asyncio.
    """

    port: int
    studio: Studio
    token: str
    problems: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), SECONDS)

    def send(self, request: bytes) -> Answer:
        """Send bytes as they are, and read one answer."""
        with self.connect() as connection:
            with suppress(OSError):  # it may have answered, and read no more
                connection.sendall(request)
            return self.read(connection)

    def read(self, connection: socket.socket) -> Answer:
        """Read an answer, which must be safe whatever it is."""
        with HTTPResponse(connection) as response:
            response.begin()
            headers = CaseInsensitiveDict(response.headers.items())
            answer = Answer(response.status, headers, response.read())
        if answer.body != NOT_HTTP:
            for name, value in HEADERS.items():
                assert answer.headers.get(name) == value, (name, answer)
        if not answer.headers.get("Content-Type", "").startswith("image/"):
            self._check_text(answer.body)
        self._check_text(str(answer.headers).encode())
        return answer

    def _check_text(self, text: bytes) -> None:
        root = self.studio.folder.root.parent
        for secret in (
            str(root),
            "Traceback",
            'File "',
            str(Path(__file__).parents[2]),
        ):
            assert secret.encode() not in text, text

    def ask(
        self,
        target: str,
        method: str = "GET",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask as a program on this machine does; ``headers`` are added or replaced."""
        all_headers = {"Host": self.host, "Content-Length": str(len(body))}
        all_headers |= headers or {}
        lines = [f"{method} {target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in all_headers.items()]
        head = "\r\n".join([*lines, "Connection: close", "", ""])
        return self.send(head.encode("utf-8", "surrogateescape") + body)

    def post(self, target: str, values: object, **headers: str) -> Answer:
        """Post JSON; bytes are sent as they are."""
        body = values if isinstance(values, bytes) else json.dumps(values).encode()
        return self.ask(
            target, "POST", body, {"Content-Type": "application/json"} | headers
        )

    def upload(
        self,
        target: str,
        content: bytes,
        name: str = "photo.png",
        fields: Mapping[str, str] | None = None,
        **headers: str,
    ) -> Answer:
        """Post a file as a browser's form does."""
        parts = [
            f'--x\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
            for key, value in (fields or {}).items()
        ]
        parts.append(
            f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        body = "".join(parts).encode("utf-8", "surrogateescape")
        form = {"Content-Type": "multipart/form-data; boundary=x"}
        return self.ask(
            target, "POST", body + content + b"\r\n--x--\r\n", form | headers
        )


StartStudio = Callable[..., StudioServer]


@pytest.fixture(scope="session")
def studio_corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Corpora of one artist, with three tiny pictures."""
    corpora = tmp_path_factory.mktemp("corpora")
    (corpora / "anna-pauw").mkdir()
    for seed in range(3):
        work = corpora / "anna-pauw" / f"work-{seed}.png"
        Image.fromarray(picture(30, 40, seed)).save(work)
    return corpora


@pytest.fixture(scope="module", autouse=True)
def _away_from_home_too(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the studios of whole modules away from the user's folders."""
    with pytest.MonkeyPatch.context() as patch:
        for name in HOMES:
            patch.setenv(name, str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def start_studio(
    tmp_path_factory: pytest.TempPathFactory, studio_corpora: Path
) -> Iterator[StartStudio]:
    """Start studios that accept paintings, but neither paint nor fetch."""
    folder = tmp_path_factory.mktemp("studios")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PaintingQueue, "start", lambda _: None)
        patch.setattr(Fetcher, "start", lambda _: None)
        running: list[AbstractContextManager[StudioServer]] = []

        def start(token: str = "", host: str = "127.0.0.1") -> StudioServer:
            root = folder / f"root-{len(running)}"
            serving = _serve(patch, root, studio_corpora, token, host)
            running.append(serving)
            return serving.__enter__()

        yield start
        for serving in running:
            serving.__exit__(None, None, None)


@pytest.fixture(scope="module")
def served(start_studio: StartStudio) -> StudioServer:
    return start_studio()


@pytest.fixture
def studio_server(served: StudioServer) -> Iterator[StudioServer]:
    """A studio that must still answer afterwards, and have nothing to complain of."""
    served.problems.clear()
    yield served
    assert served.ask("/").status == 200
    assert served.problems == []


@contextmanager
def _serve(
    patch: pytest.MonkeyPatch, root: Path, corpora: Path, token: str, host: str
) -> Iterator[StudioServer]:
    servers: list[server._Server] = []
    ready = threading.Event()

    class Server(server._Server):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            servers.append(self)

    patch.setattr(server, "_Server", Server)
    studio = Studio(root / "studio", corpora, ComputeOptions(), is_local=not token)
    bound = server.open_socket(host, 0)
    thread = threading.Thread(
        target=server.serve,
        args=(create_app(studio, host, token), bound, lambda _: ready.set()),
        kwargs={"on_end": studio.end_streams, "open_browser": False},
        daemon=True,
    )
    thread.start()
    assert ready.wait(SECONDS)
    served = StudioServer(bound.getsockname()[1], studio, token)
    with _collect_problems(served.problems):
        yield served
    servers[0].should_exit = True
    thread.join(SECONDS)
    bound.close()
    assert not thread.is_alive()


@contextmanager
def _collect_problems(problems: list[str]) -> Iterator[None]:
    """Collect what is logged as an error, which a request must never lead to."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            problems.append(logging.Formatter().format(record))

    handler = Handler(logging.ERROR)
    loggers = [logging.getLogger(), logging.getLogger("uvicorn.error")]
    # The studio silences the server's log.
    loggers[1].setLevel(logging.ERROR)
    for logger in loggers:
        logger.addHandler(handler)
    yield
    for logger in loggers:
        logger.removeHandler(handler)
