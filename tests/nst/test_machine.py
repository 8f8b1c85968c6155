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
def cgroup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A control group without limits, in another one."""
    membership = tmp_path / "self"
    membership.write_text("1:name=systemd:/x\n0::/user.slice/job.scope\n")
    monkeypatch.setattr(machine, "_MEMBERSHIP", membership)
    monkeypatch.setattr(machine, "_CGROUPS", tmp_path)
    group = tmp_path / "user.slice" / "job.scope"
    group.mkdir(parents=True)
    return group


@pytest.mark.usefixtures("cgroup")
class TestCores:
    def test_no_more_than_there_are(self) -> None:
        assert 1 <= machine.count_cores() <= (psutil.cpu_count(logical=False) or 1)

    @pytest.mark.parametrize(
        ("quota", "expected"),
        [("100000 100000", 1), ("150000 100000", 2), ("max 100000", 8), ("?", 8)],
    )
    def test_a_quota(
        self, cgroup: Path, quota: str, expected: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(psutil, "cpu_count", lambda **_: 8)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
        for group in (cgroup, cgroup.parent):
            (group / "cpu.max").write_text(quota)
            assert machine.count_cores() == expected
            (group / "cpu.max").unlink()

    def test_a_quota_of_the_older_kind(
        self, cgroup: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(psutil, "cpu_count", lambda **_: 8)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
        membership = cgroup.parents[1] / "self"
        membership.write_text("4:cpuacct,cpu:/docker/1f\n0::/\n")
        group = cgroup.parents[1] / "cpuacct,cpu" / "docker" / "1f"
        group.mkdir(parents=True)
        (group / "cpu.cfs_period_us").write_text("100000\n")
        for quota, expected in (("-1", 8), ("250000", 3)):
            (group / "cpu.cfs_quota_us").write_text(f"{quota}\n")
            assert machine.count_cores() == expected

    def test_only_some_are_allowed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(psutil, "cpu_count", lambda **_: 8)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
        assert machine.count_cores() == 3

    def test_nothing_is_known(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(psutil, "cpu_count", lambda **_: None)
        monkeypatch.setattr(os, "cpu_count", lambda: None)
        assert machine.count_cores() == 1


class TestMemory:
    def test_without_a_limit(self, cgroup: Path) -> None:
        assert 0 < machine.free_memory(CPU) < psutil.virtual_memory().total
        (cgroup / "memory.max").write_text("max\n")
        (cgroup / "memory.current").write_text("400000\n")
        assert machine.free_memory(CPU) > 600000

    def test_a_limit(self, cgroup: Path) -> None:
        (cgroup / "memory.max").write_text("1000000\n")
        (cgroup / "memory.current").write_text("900000\n")
        assert machine.free_memory(CPU) == 100000
        # The page cache can be evicted.
        stat = "anon 1\ninactive_file 300000\nactive_file 50000\nslab 7\n"
        (cgroup / "memory.stat").write_text(stat)
        assert machine.free_memory(CPU) == 450000

    def test_used_memory_grows(self) -> None:
        machine.trim_heap()
        before = machine.used_memory(CPU)
        tensor = torch.ones(20_000_000)
        assert machine.used_memory(CPU) - before > 0.9 * tensor.nbytes

    @pytest.mark.gpu
    def test_of_a_gpu(self) -> None:
        cuda = torch.device("cuda")
        used, free = machine.used_memory(cuda), machine.free_memory(cuda)
        tensor = torch.ones(100_000_000, device=cuda)
        assert machine.used_memory(cuda) - used >= tensor.nbytes
        assert free - machine.free_memory(cuda) >= 0.9 * tensor.nbytes


COUNT_FAULTS = """
import resource, sys, torch
from artist_nst.nst import machine

if sys.argv[1] != "default":
    machine.configure_process()
if sys.argv[1] == "released":
    machine.retain_heap(False)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    first = torch.ones(10_000_000)
    second = first * 2
    del first
    third = second + 1
    del second, third
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def count_faults(mode: str) -> int:
    """Count page faults of large tensors in a fresh process: a heap has a history."""
    command = [sys.executable, "-c", COUNT_FAULTS, mode]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(ran.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_a_configured_process_retains_memory() -> None:
    default = count_faults("default")
    assert count_faults("retained") < default / 2
    assert count_faults("released") > default / 2


@pytest.mark.parametrize(("variable", "threads"), [(None, [3]), ("2", [])])
def test_threads_are_set_unless_the_environment_sets_them(
    variable: str | None, threads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_is_configured", False)
    monkeypatch.setattr(machine, "count_cores", lambda: 3)
    monkeypatch.setattr(machine, "retain_heap", lambda _: None)
    calls: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", calls.append)
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if variable is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", variable)
    machine.configure_process()
    assert calls == threads


def test_another_process_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(machine, "_is_configured", False)
    monkeypatch.setattr(machine.ctypes, "CDLL", fail)
    machine.retain_heap(True)
