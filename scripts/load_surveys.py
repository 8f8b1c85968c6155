"""Let many raters answer a survey at once, while its server is killed and restarted.

Every answer that the server acknowledged must be in the survey's file afterwards.
"""

from __future__ import annotations

import secrets
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from typing import Annotated, Any, Self

import numpy as np
import requests
import typer
from command import run_script
from PIL import Image

from artist_nst.surveys.creation import create_survey
from artist_nst.surveys.survey import SIDES, Kind

PAINTINGS = 30
SIDE = 800  # pixels
RETRY_SECONDS = 0.2
TIMEOUT = 30

Key = tuple[str, str]
"""A rater's id and a task's."""


class Server:
    """``artist-nst survey serve`` in a process of its own."""

    def __init__(self, survey: Path) -> None:
        self.survey = survey
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "artist_nst", "survey", "serve"]
        command += [str(self.survey), "--port", str(self.port), "--no-browser", "-q"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        address = self.process.stdout.readline().strip()
        assert address, "the server does not start"
        self.url = address.rstrip("/")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def restart(self) -> None:
        """Kill it in the middle of whatever it does, and start it again."""
        self.process.kill()
        self.process.communicate()
        self._start()


@dataclass
class Load:
    """What all raters have done.

    Attributes:
        acknowledged: Answers that the server said it has.
        seconds: That it took to acknowledge each.
        waits: The same, from when each was first sent.
        retries: How often a request was sent again.
    """

    acknowledged: dict[Key, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    retries: int = 0


class Rater(threading.Thread):
    """One rater after another, in one browser."""

    def __init__(
        self, url: str, load: Load, pause: float, stop: threading.Event, seed: int
    ) -> None:
        super().__init__()
        self.load = load
        self.pause = pause
        self.stop = stop
        self.random = Random(seed)
        self.session = requests.Session()
        self.page = self._ask("GET", f"{url}/").url

    def run(self) -> None:
        """Answer until it is time to stop."""
        while not self.stop.is_set():
            self.session.cookies.clear()
            self._ask("GET", self.page)
            task = self._ask("GET", f"{self.page}/task").json()["task"]
            while task is not None and not self.stop.is_set():
                host = self.page.rpartition("/s/")[0]
                for picture in task["paintings"]:
                    self._ask("GET", host + picture)
                self.stop.wait(self.pause * self.random.uniform(0.5, 1.5))
                task = self._answer(task["id"], len(task["paintings"]) == 2)
        self.session.close()

    def _answer(self, task: str, is_pair: bool) -> Any:
        """Answer a task, until it is acknowledged, and return the next one."""
        value = self.random.choice(SIDES if is_pair else "12345")
        answer = {"task": task, "value": value, "seconds": self.pause}
        began = time.perf_counter()
        response = self._ask("POST", f"{self.page}/answers", json=answer)
        self.load.waits.append(time.perf_counter() - began)
        self.load.seconds.append(response.elapsed.total_seconds())
        self.load.acknowledged[self.session.cookies["rater"], task] = value
        return response.json()["task"]

    def _ask(self, method: str, url: str, **options: Any) -> requests.Response:
        """Ask until the server answers, as the page does."""
        while True:
            try:
                response = self.session.request(method, url, timeout=TIMEOUT, **options)
                if response.status_code < 400:
                    return response
                busy = response.status_code in (429, 503)
                assert busy, f"{url}: {response.status_code} {response.text}"
            except requests.RequestException:
                pass
            self.load.retries += 1
            time.sleep(RETRY_SECONDS)


def measure(
    kind: Kind = "rating",
    raters: int = 30,
    seconds: float = 300,
    kills: int = 3,
    pause: float = 0.5,
) -> dict[str, Any]:
    """Run the load, and compare the survey's file with what was acknowledged."""
    load, stop = Load(), threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        survey = _make_survey(Path(folder), kind)
        with Server(survey) as server:
            threads = [
                Rater(server.url, load, pause, stop, seed) for seed in range(raters)
            ]
            for thread in threads:
                thread.start()
            for _ in range(kills):
                time.sleep(seconds / (kills + 1))
                server.restart()
            time.sleep(seconds / (kills + 1))
            stop.set()
            for thread in threads:
                thread.join()
        kept = _read_answers(survey, kind)
    acknowledged = load.acknowledged
    return {
        "raters": raters,
        "persons": len({rater for rater, _ in acknowledged}),
        "seconds": seconds,
        "kills": kills,
        "answers": len(load.seconds),
        "retries": load.retries,
        "lost": sum(kept.get(key) != value for key, value in acknowledged.items()),
        "unexpected": len(kept.keys() - acknowledged.keys()),
        "median_ms": 1000 * median(load.seconds),
        "p99_ms": 1000 * float(np.quantile(load.seconds, 0.99)),
        "worst_ms": 1000 * max(load.seconds),
        "worst_wait_ms": 1000 * max(load.waits),
    }


def _make_survey(folder: Path, kind: Kind) -> Path:
    """Make a survey about smooth noise, whose pictures have an ordinary size."""
    source = np.random.default_rng(1)
    (folder / "paintings").mkdir()
    for number in range(PAINTINGS):
        coarse = source.integers(0, 256, (SIDE // 8, SIDE // 8, 3), np.uint8)
        image = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        image.save(folder / "paintings" / f"{number}.png")
    path = folder / f"{secrets.token_hex(8)}.db"
    return create_survey(path, folder / "paintings", kind=kind).path


def _read_answers(survey: Path, kind: Kind) -> dict[Key, str]:
    """Read what is in the file, past the program that is tested."""
    with closing(sqlite3.connect(survey)) as database:
        [check] = database.execute("PRAGMA integrity_check").fetchone()
        assert check == "ok", check
        if kind == "rating":
            rows = database.execute("SELECT rater, item, value FROM rating")
            return {(rater, str(item)): str(value) for rater, item, value in rows}
        rows = database.execute(
            "SELECT rater, left_item, right_item, chosen FROM choice "
            "WHERE chosen IS NOT NULL"
        )
        return {
            (rater, f"{left}-{right}"): SIDES[chosen == right]
            for rater, left, right, chosen in rows
        }


def main(
    kind: Annotated[Kind, typer.Option(help="What is asked.")] = "rating",
    raters: Annotated[int, typer.Option(min=1, help="At once.")] = 30,
    seconds: Annotated[float, typer.Option(help="In all.")] = 300,
    kills: Annotated[int, typer.Option(min=0, help="Of the server.")] = 3,
    pause: Annotated[float, typer.Option(help="Seconds before an answer.")] = 0.5,
) -> None:
    """Print the figures; exit with 1 if an answer was lost."""
    figures = measure(kind, raters, seconds, kills, pause)
    for name, value in figures.items():
        shown = f"{value:.1f}" if isinstance(value, float) else value
        print(f"{name:>14} {shown}")
    sys.exit(1 if figures["lost"] or figures["unexpected"] else 0)


if __name__ == "__main__":
    run_script(main)
