"""Batches from and to an S3 server on this machine."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections import Counter
from collections.abc import Iterator
from math import inf
from pathlib import Path

import pytest
import s3fs
from moto import server

from artist_nst.batch.urls import get_mirror
from tests.batch.running import (
    PHOTOS,
    RATIOS,
    Ran,
    assert_as_alone,
    finish,
    kill_group,
    run,
    start,
    wait_for,
)
from tests.batch.test_ray import open_cluster

pytestmark = [pytest.mark.tools, pytest.mark.usefixtures("photos")]


class Store:
    """An S3 server with two buckets, ``photos`` and ``prints``."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.files = s3fs.S3FileSystem(
            client_kwargs={"endpoint_url": address},
            key="x",
            secret="y",
            use_listings_cache=False,
        )
        for bucket in ("photos", "prints"):
            self.files.mkdir(bucket)
        self.files.put("photos", "photos/in", recursive=True)
        self.files.put_file("style.png", "photos/style.png")

    def list_paintings(self) -> dict[str, str]:
        """Return the tags of the paintings by their names."""
        found = self.files.find("prints/out", detail=True, refresh=True)
        return {
            name.rpartition("/")[2]: info["ETag"]
            for name, info in found.items()
            if name.endswith(".png")
        }

    def count_lines(self) -> Counter[str]:
        lines = self.files.cat_file("prints/out/batch.jsonl").splitlines()
        entries = map(json.loads, lines)
        return Counter(line["out"] for line in entries if line["state"] == "finished")

    def set_limit(self, requests: float) -> None:
        """Allow some requests more; then nobody has a right to any."""
        self._post("reset-auth", requests)

    def clear(self) -> None:
        """Let the server forget all: it has one state for the whole process."""
        self.set_limit(inf)
        self._post("reset", "")

    def _post(self, action: str, value: object) -> None:
        request = urllib.request.Request(
            f"{self.address}/moto-api/{action}",
            str(value).encode(),
            {"Content-Type": "text/plain"},
        )
        urllib.request.urlopen(request).close()


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    thread = server.ThreadedMotoServer("127.0.0.1", 0)
    thread.start()
    host, port = thread.get_host_and_port()
    address = f"http://{host}:{port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    s3fs.S3FileSystem.clear_instance_cache()
    store = Store(address)
    yield store
    store.clear()
    thread.stop()
    s3fs.S3FileSystem.clear_instance_cache()


CHANGES = {
    "photos": "s3://photos/in/*.png",
    "style": "s3://photos/style.png",
    "out": "s3://prints/out",
}
NAMES = {f"p{p}-style,ratio-{ratio}.png" for p in range(PHOTOS) for ratio in RATIOS}


def check(store: Store, ran: Ran) -> None:
    """Assert that all is painted, each once, and one as the library paints it."""
    assert ran.code == 0, ran.err
    assert ran.out.strip() == "s3://prints/out/report.html"
    assert store.list_paintings().keys() == NAMES
    assert store.count_lines() == dict.fromkeys(NAMES, 1)
    store.files.get_file("prints/out/p3-style,ratio-20.png", "p3.png")
    assert_as_alone("p3.png", "p3", 20)


def test_the_driver_is_killed_and_started_elsewhere(store: Store) -> None:
    process = start(**CHANGES)
    wait_for(lambda: len(store.list_paintings()) >= 5)
    kill_group(process)
    finish(process)
    before = store.list_paintings()
    # Another machine has neither photos nor a ledger.
    shutil.rmtree(get_mirror())
    ran = run(**CHANGES)
    check(store, ran)
    assert f"{len(before)} of 24 paintings finished before" in ran.err
    after = store.list_paintings()
    assert after.items() >= before.items()
    ran = run(**CHANGES)
    assert "24 of 24 paintings finished before" in ran.err
    assert store.list_paintings() == after


def test_nodes_share_no_folder(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "nodes"))
    with open_cluster() as cluster:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "driver"))
        for name, value in cluster.access.items():
            monkeypatch.setenv(name, value)
        check(store, run("--ray", cluster.address, **CHANGES))
    fetched = {path.name for path in (tmp_path / "nodes").rglob("*.png")}
    assert fetched == {"style.png", *(f"p{number}.png" for number in range(PHOTOS))}


def test_the_store_refuses(store: Store) -> None:
    """Before the first job, and while they are painted: in one line each."""
    process = start(**CHANGES)
    wait_for(lambda: len(store.list_paintings()) >= 3)
    store.set_limit(0)
    ran = finish(process)
    assert ran.code == 1
    assert ".png cannot be" in ran.err
    assert "permission denied; check the credentials" in ran.err
    assert "batch.log cannot be written: permission denied" in ran.err
    assert "jobs could not be painted" in ran.err
    ran = run(**CHANGES)
    assert (ran.code, len(ran.err.splitlines())) == (1, 1)
    assert "s3://photos/in/*.png cannot be read: permission denied" in ran.err


@pytest.mark.parametrize(
    ("changes", "code", "expected"),
    [
        ({"photos": "s3://no/a.png"}, 2, "s3://no/a.png cannot be read: there is no"),
        ({"photos": "s3://photos/in/*.gif"}, 2, "no file fits the pattern"),
        ({"style": "s3://photos/no.png"}, 2, "s3://photos/no.png cannot be read"),
        ({"out": "s3://no/out"}, 1, "s3://no/out/batch.log cannot be written: there"),
    ],
)
def test_mistakes(
    store: Store, changes: dict[str, str], code: int, expected: str
) -> None:
    ran = run(**{**CHANGES, **changes})
    assert ran.code == code
    assert expected in f"{ran.out}{ran.err}"
    assert len(ran.err.splitlines()) == 1
    assert not store.list_paintings()
