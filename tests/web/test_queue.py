"""The queue and the painter, as a studio of its own has them, with tiny paintings."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from artist_nst.painting.record import load_record
from artist_nst.painting.style_sources import StyleRequest
from artist_nst.web.jobs import Job, PaintingTask
from artist_nst.web.painter import Update
from artist_nst.web.queue import MAX_WAITING, PaintingQueue
from tests.web.browser import StudioProcess, open_studio

pytestmark = pytest.mark.tools

SECONDS = 90.0
CLIENTS = MAX_WAITING + 4
LONG = 100_000  # iterations, which never end
MAX_GROWTH = 150 << 20  # bytes, of the server


class Client:
    """What a program asks a studio."""

    def __init__(self, studio: StudioProcess, photo: Path) -> None:
        self.studio = studio
        with open(photo, "rb") as stream:
            answer = self.send("photos", files={"file": stream})
        self.photo_id = answer.json()["id"]

    def send(self, path: str, **options: Any) -> requests.Response:
        return requests.post(f"{self.studio.url}/api/{path}", timeout=30, **options)

    def get(self, path: str) -> Any:
        answer = requests.get(f"{self.studio.url}/api/{path}", timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def submit(self, iterations: int, seed: int = 0) -> requests.Response:
        request = {
            "photo": self.photo_id,
            "style": {"artist": "anna-pauw"},
            "draft": True,
            "long_side": 32,
            "settings": {"numiter": str(iterations)},
            "seed": seed,
        }
        return self.send("paintings", json=request)

    def paint(self, iterations: int) -> str:
        """Queue a painting; returns its id."""
        answer = self.submit(iterations)
        assert answer.status_code == 202, answer.text
        job_id: str = answer.json()["id"]
        return job_id

    def wait(self, job_id: str, is_met: Callable[[Any], bool]) -> Any:
        """Wait until a job meets a condition; returns it."""
        deadline = time.monotonic() + SECONDS
        while not is_met(job := self.get(f"paintings/{job_id}")):
            assert time.monotonic() < deadline, job
            time.sleep(0.1)
        return job

    def stop(self, job_id: str, *, keep: bool) -> None:
        answer = self.send(f"paintings/{job_id}/stop", json={"keep": keep})
        assert answer.status_code == 200

    def find_painter(self) -> psutil.Process:
        """Find the process that takes the most memory."""
        children = psutil.Process(self.studio.process.pid).children()
        return max(children, key=lambda child: child.memory_info().rss)

    def list_names(self) -> list[str]:
        return [painting["name"] for painting in self.get("paintings")["paintings"]]


def is_over(job: Any) -> bool:
    return job["state"] in ("done", "failed", "canceled")


def is_painting(job: Any) -> bool:
    assert not is_over(job), job
    return bool(job["state"] == "running" and job["iteration"] > 2)


@pytest.fixture(scope="module")
def studio(
    tmp_path_factory: pytest.TempPathFactory, studio_corpora: Path
) -> Iterator[StudioProcess]:
    with open_studio(tmp_path_factory.mktemp("studio"), studio_corpora) as studio:
        yield studio


@pytest.fixture
def client(studio: StudioProcess, photo: Path) -> Client:
    return Client(studio, photo)


def test_many_clients_at_once(client: Client) -> None:
    client.wait(client.paint(2), is_over)
    server = psutil.Process(client.studio.process.pid)
    memory, before = server.memory_info().rss, set(client.list_names())
    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(lambda seed: client.submit(2, seed), range(CLIENTS)))
    accepted = [answer.json() for answer in answers if answer.status_code == 202]
    refused = [answer for answer in answers if answer.status_code != 202]
    assert len(accepted) >= MAX_WAITING
    assert all(answer.status_code == 503 for answer in refused)
    assert all(answer.headers["Retry-After"] for answer in refused)
    waiting = [job for job in client.get("state")["jobs"] if job["state"] == "waiting"]
    first = waiting[0]["ahead"] if waiting else 0
    assert [job["ahead"] for job in waiting] == [
        first + place for place in range(len(waiting))
    ]
    for job in accepted:
        done = client.wait(job["id"], is_over)
        assert (done["state"], done["note"]) == ("done", "")
    names = client.list_names()
    assert len(names) == len(set(names)) == len(before) + len(accepted)
    seeds = {
        load_record(client.studio.folder / name)["seed"] for name in set(names) - before
    }
    assert seeds == {job["seed"] for job in accepted}
    assert server.memory_info().rss - memory < MAX_GROWTH


def test_stop_and_keep(client: Client) -> None:
    job_id = client.paint(LONG)
    client.wait(job_id, is_painting)
    client.stop(job_id, keep=True)
    job = client.wait(job_id, is_over)
    assert (job["state"], job["note"]) == ("done", "Stopped early")
    painting = client.get(f"paintings/{job['result'].rpartition('/')[2]}")
    assert 2 < painting["record"]["iterations"] < LONG


def test_cancel_while_waiting_and_painting(client: Client) -> None:
    before = client.list_names()
    painting, waiting, last = client.paint(LONG), client.paint(LONG), client.paint(2)
    client.wait(painting, is_painting)
    client.stop(waiting, keep=True)
    assert client.get(f"paintings/{waiting}")["state"] == "canceled"
    client.stop(painting, keep=False)
    assert client.wait(painting, is_over)["state"] == "canceled"
    assert client.wait(last, is_over)["state"] == "done"
    assert len(client.list_names()) == len(before) + 1


def test_the_painter_is_killed(client: Client) -> None:
    job_id, other = client.paint(LONG), client.paint(2)
    client.wait(job_id, is_painting)
    client.find_painter().kill()
    job = client.wait(job_id, is_over)
    assert job["state"] == "failed"
    assert job["note"].startswith("the painter ended unexpectedly")
    assert "\n" not in job["note"]
    assert client.wait(other, is_over)["state"] == "done"


def test_the_painter_is_killed_while_idle(client: Client) -> None:
    painter = client.find_painter()
    painter.kill()
    painter.wait(SECONDS)  # until the queue has noticed
    assert client.wait(client.paint(2), is_over)["state"] == "done"


def test_ctrl_c_keeps_the_painting(
    tmp_path: Path, studio_corpora: Path, photo: Path
) -> None:
    folder = tmp_path / "studio"
    with open_studio(folder, studio_corpora) as studio:
        client = Client(studio, photo)
        job_id, _ = client.paint(LONG), client.paint(LONG)
        client.wait(job_id, is_painting)
        painter = client.find_painter()
        url = f"{studio.url}/api/events"
        with requests.get(url, stream=True, timeout=30) as events:
            assert next(events.iter_content()) == b"d"
            start = time.monotonic()
            assert studio.stop() == 130
            assert time.monotonic() - start < 15
        assert not painter.is_running()
    with open_studio(folder, studio_corpora) as studio:
        names = Client(studio, photo).list_names()
    assert len(names) == 1
    assert load_record(folder / names[0])["iterations"] > 2


def test_the_studio_is_killed(
    tmp_path: Path, studio_corpora: Path, photo: Path
) -> None:
    folder = tmp_path / "studio"
    with open_studio(folder, studio_corpora) as studio:
        client = Client(studio, photo)
        client.wait(client.paint(LONG), is_painting)
        painter = client.find_painter()
        studio.process.send_signal(signal.SIGKILL)
        studio.process.wait()
        studio.stdout.close()
        painter.wait(SECONDS)
    paintings = list(folder.glob("*.png"))
    assert len(paintings) == 1
    assert load_record(paintings[0])["iterations"] > 2


# Without a process


class Painter:
    """A stand-in for the connection to the painter."""

    def __init__(self) -> None:
        self.sent: list[object] = []
        self.is_dead = False

    def send(self, message: object) -> None:
        if self.is_dead:
            raise BrokenPipeError
        self.sent.append(message)


@pytest.fixture
def painter() -> Painter:
    return Painter()


@pytest.fixture
def queue(tmp_path: Path, painter: Painter) -> PaintingQueue:
    queue = PaintingQueue(tmp_path, None)  # type: ignore[arg-type]
    queue._connection = painter  # type: ignore[assignment]
    return queue


def make_job(photo: str = "photo.png") -> Job:
    task = PaintingTask(
        photo=photo, style=StyleRequest(), recipe={}, long_side=32, seed=0
    )
    return Job(task, "A painting", "0123456789abcdef")


def test_a_stop_comes_after_its_task(queue: PaintingQueue, painter: Painter) -> None:
    queue.submit(job := make_job())
    queue.on_change = lambda: (
        queue.stop(job.id, keep=False) if job.state == "running" else None
    )
    queue._wait_for_job()
    assert painter.sent == [job.task, "cancel"]


def test_a_dead_painter_takes_no_job(queue: PaintingQueue, painter: Painter) -> None:
    queue.submit(job := make_job())
    painter.is_dead = True
    with pytest.raises(BrokenPipeError):
        queue._wait_for_job()
    assert job.state == "waiting"


def test_stopping_when_the_painter_has_died(
    queue: PaintingQueue, painter: Painter
) -> None:
    queue.submit(job := make_job())
    queue._wait_for_job()
    painter.is_dead = True
    queue.stop(job.id, keep=True)
    assert job.state == "stopping"


def test_a_painter_that_cannot_start(
    queue: PaintingQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artist_nst.web.queue.RESTART_SECONDS", 0)
    queue.submit(job := make_job())
    queue._fail_waiting()
    assert job.state == "failed"
    assert job.note.startswith("the painter cannot start")


def test_notes_name_no_folder(queue: PaintingQueue) -> None:
    job = make_job()
    for kind in ("note", "failed"):
        queue._apply(job, Update(kind, {"note": "/srv/studio/a.png is empty"}))
        assert job.note == "a.png is empty"


def test_finished_jobs_are_forgotten(queue: PaintingQueue) -> None:
    for _ in range(200):
        queue.submit(job := make_job())
        queue.stop(job.id, keep=False)
    assert len(queue.list_jobs()) <= 52
