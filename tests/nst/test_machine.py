"""The machine: cores, memory, and the process's own settings."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch

from artist_nst.nst import machine

CPU = torch.device("cpu")


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A control group without limits."""
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    return tmp_path


class TestCores:
    def test_no_more_than_there_are(self, group: Path) -> None:
        del group
        most = psutil.cpu_count(logical=False) or 1
        assert 1 <= machine.cores() <= most

    @pytest.mark.parametrize(
        ("quota", "expected"),
        [("100000 100000", 1), ("150000 100000", 2), ("max 100000", 8), ("?", 8)],
    )
    def test_a_quota(
        self, group: Path, quota: str, expected: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(psutil, "cpu_count", lambda **_: 8)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
        (group / "cpu.max").write_text(quota)
        assert machine.cores() == expected

    def test_only_some_are_allowed(
        self, group: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        del group
        monkeypatch.setattr(psutil, "cpu_count", lambda **_: 8)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
        assert machine.cores() == 3

    def test_nothing_is_known(
        self, group: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        del group
        monkeypatch.setattr(psutil, "cpu_count", lambda **_: None)
        monkeypatch.setattr(os, "cpu_count", lambda: None)
        assert machine.cores() == 1


class TestMemory:
    def test_what_is_left(self, group: Path) -> None:
        del group
        left = machine.memory_left(CPU)
        assert 0 < left < psutil.virtual_memory().total

    def test_a_limit(self, group: Path) -> None:
        (group / "memory.max").write_text("1000000\n")
        (group / "memory.current").write_text("400000\n")
        assert machine.memory_left(CPU) == 600000

    def test_files_that_were_read_make_way(self, group: Path) -> None:
        (group / "memory.max").write_text("1000000\n")
        (group / "memory.current").write_text("900000\n")
        stat = "anon 1\ninactive_file 300000\nactive_file 50000\nslab 7\n"
        (group / "memory.stat").write_text(stat)
        assert machine.memory_left(CPU) == 450000

    def test_no_limit(self, group: Path) -> None:
        (group / "memory.max").write_text("max\n")
        (group / "memory.current").write_text("400000\n")
        assert machine.memory_left(CPU) > 600000

    def test_what_is_taken_grows(self) -> None:
        machine.give_back()
        before = machine.memory_taken(CPU)
        held = torch.ones(20_000_000)
        assert machine.memory_taken(CPU) - before > 0.9 * held.nbytes

    def test_it_is_given_back(self) -> None:
        machine.give_back()

    @pytest.mark.gpu
    def test_of_a_gpu(self) -> None:
        cuda = torch.device("cuda")
        before, left = machine.memory_taken(cuda), machine.memory_left(cuda)
        held = torch.ones(100_000_000, device=cuda)
        assert machine.memory_taken(cuda) - before >= held.nbytes
        assert left - machine.memory_left(cuda) >= 0.9 * held.nbytes


PREPARED = """
import resource, sys, torch
from artist_nst.nst import machine
machine.cores = lambda: 1
if sys.argv[1] != "plain":
    machine.prepare()
if sys.argv[1] == "released":
    machine.keep_memory(False)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    one = torch.ones(10_000_000)
    two = one * 2
    del one
    three = two + 1
    del two, three
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(torch.get_num_threads(), faults)
"""


def prepared(how: str, **env: str) -> tuple[int, int]:
    """Threads, and page faults of some large tensors, in a process of its own."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
    }
    ran = subprocess.run(
        [sys.executable, "-c", PREPARED, how],
        env={**inherited, **env},
        capture_output=True,
        text=True,
        check=True,
    )
    threads, faults = map(int, ran.stdout.split())
    return threads, faults


def test_a_process_is_prepared() -> None:
    threads, faults = prepared("prepared")
    assert threads == 1
    if sys.platform == "linux":
        _, usual = prepared("plain")
        _, released = prepared("released")
        assert faults < usual / 2
        assert released > usual / 2


def test_threads_that_were_asked_for_are_left() -> None:
    assert prepared("prepared", OMP_NUM_THREADS="2")[0] == 2


def test_a_process_that_was_not_prepared_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def loud(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(machine, "_prepared", False)
    monkeypatch.setattr(machine.ctypes, "CDLL", loud)
    machine.keep_memory(True)
