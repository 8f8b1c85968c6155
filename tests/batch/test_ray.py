"""Batches that are painted by a Ray cluster of two nodes on this machine."""

from __future__ import annotations

import os
import pty
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from artist_nst.batch.ray_cluster import NODE_LETTERS
from tests.batch.running import (
    check_all,
    count_paintings,
    finish,
    kill_group,
    run,
    stamp_paintings,
    start,
    wait_for,
)

pytest.importorskip("ray")
pytestmark = [pytest.mark.tools, pytest.mark.usefixtures("photos")]


COUNT_BYTES = """
import ray, sys, time
ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR")
time.sleep(3)  # until the nodes have told it
whole, free = ray.cluster_resources(), ray.available_resources()
print(whole["object_store_memory"] - free["object_store_memory"])
"""


class Cluster:
    """Nodes of one CPU each."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        # Of nodes and command: whoever else reaches the port must not run code.
        self.access = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
        }
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.nodes: list[subprocess.Popen[bytes]] = []
        port = self.address.rpartition(":")[2]
        self._start("--head", f"--port={port}", "--include-dashboard=false")
        self._start(f"--address={self.address}")

    def _start(self, *options: str) -> None:
        environment = {
            **os.environ,
            **self.access,
            "RAY_health_check_initial_delay_ms": "1000",
            "RAY_health_check_period_ms": "500",
            "RAY_health_check_failure_threshold": "4",
        }
        place = Path(self.folder, f"node-{len(self.nodes)}")
        place.mkdir()
        with open(place / "output", "wb") as output:
            node = subprocess.Popen(
                [
                    *(str(Path(sys.executable).with_name("ray")), "start", "--block"),
                    *("--num-cpus=1", "--num-gpus=0", "--disable-usage-stats"),
                    *("--object-store-memory=100000000", f"--temp-dir={place}"),
                    *("--node-ip-address=127.0.0.1", *options),
                ],
                env=environment,
                stdout=output,
                stderr=output,
            )
        self.nodes.append(node)
        wait_for(lambda: self._has_started(place))

    def _has_started(self, place: Path) -> bool:
        text = (place / "output").read_text()
        assert self.nodes[-1].poll() is None, text
        return "Ray runtime started" in text

    def count_object_bytes(self) -> float:
        """Count the bytes that the object stores of all nodes hold."""
        ran = subprocess.run(
            [sys.executable, "-c", COUNT_BYTES, self.address],
            env={**os.environ, **self.access},
            stdout=subprocess.PIPE,
            check=True,
        )
        return float(ran.stdout)

    def kill(self, number: int) -> None:
        """Kill all processes of a node."""
        node = self.nodes[number]
        if node.poll() is None:
            root = psutil.Process(node.pid)
            processes = [root, *root.children(recursive=True)]
            for process in processes:
                try:
                    process.kill()
                except psutil.NoSuchProcess:
                    continue
            psutil.wait_procs(processes, 10)
        node.wait()


@contextmanager
def open_cluster() -> Iterator[Cluster]:
    """Start the nodes, in the environment that is set, and end them."""
    # Not pytest's folder, whose path is too long for Ray's sockets.
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    cluster = Cluster(folder)
    try:
        yield cluster
    finally:
        for number in reversed(range(len(cluster.nodes))):
            cluster.kill(number)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with open_cluster() as cluster:
        yield cluster


def test_a_node_is_lost(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is painted once; then nothing is."""
    for name, value in cluster.access.items():
        monkeypatch.setenv(name, value)
    process = start("--ray", cluster.address)
    wait_for(lambda: count_paintings() >= 4)
    cluster.kill(1)
    assert count_paintings() < 24
    ran = finish(process)
    assert ran.code == 0, ran.err
    assert "Ray cluster of 2 nodes with 2 CPUs and 0 GPUs" in ran.err
    check_all()
    assert cluster.count_object_bytes() == 0
    before = stamp_paintings()
    began = time.monotonic()
    ran = run("--ray", cluster.address)
    assert ran.code == 0
    assert "24 of 24 paintings finished before" in ran.err
    assert stamp_paintings() == before
    assert time.monotonic() - began < 60


def test_a_line_for_each_worker() -> None:
    """In a terminal, with its node and what it paints."""
    ours, theirs = pty.openpty()
    process = start("--ray", "local", stderr=theirs)
    os.close(theirs)
    node = socket.gethostname().partition(".")[0][-NODE_LETTERS:]
    line = re.compile(rf"{re.escape(node)} \d+ .*p\d-style,ratio-\d".encode())
    shown = b""
    try:
        while not line.search(shown):
            shown += os.read(ours, 10_000)
    finally:
        kill_group(process)
        process.communicate()
        os.close(ours)


def test_ctrl_c() -> None:
    """What is in flight is finished; the same command goes on without Ray."""
    process = start("--ray", "local")
    wait_for(lambda: count_paintings() >= 3)
    os.killpg(process.pid, signal.SIGINT)
    ran = finish(process)
    assert ran.code == 130, ran.err
    assert "run the same command again to continue" in ran.err
    painted = stamp_paintings()
    assert 3 <= len(painted) < 24
    assert run().code == 0
    check_all()
    assert stamp_paintings().items() >= painted.items()
