"""Batches that are painted on this machine, and what may happen to them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from artist_nst import load_network, recipe
from tests.batch.running import (
    PHOTOS,
    assert_as_alone,
    check_all,
    count_lines,
    count_paintings,
    finish,
    list_workers,
    run,
    stamp_paintings,
    start,
    wait_for,
)

TOTAL = PHOTOS * 3


pytestmark = pytest.mark.usefixtures("photos")


def test_workers_are_killed() -> None:
    """None is lost, none painted twice, and all have the pixels of ``paint``."""
    process = start()
    chance = random.Random(1)
    for count in (1, 5, 9, 13):
        kill_worker(process, count, chance)
    ran = finish(process)
    assert ran.code == 0, ran.err
    assert ran.out.strip() == "out/report.html"
    check_all()
    log = Path("out/batch.log").read_text()
    assert log.count(" finished p") == TOTAL
    assert "24 finished, 0 failed, 0 left" in log
    key = Path("out/batch.jsonl").read_text().split('"key": "')[1][:12]
    assert f" {key} finished p" in log


def kill_worker(
    process: subprocess.Popen[str], count: int, chance: random.Random
) -> None:
    """Kill one of the workers after some paintings."""
    wait_for(lambda: count_paintings() >= count)
    wait_for(lambda: list_workers(process))
    chance.choice(list_workers(process)).kill()


@pytest.mark.tools
@pytest.mark.timeout(1200)
def test_twenty_workers_and_two_drivers_are_killed() -> None:
    """Of two hundred jobs none is lost, and none that was finished painted again."""
    ratios = range(1, 26)
    settings = {"network": "compact", "width": "64", "iterations": "20"}
    chance = random.Random(4)
    counts = sorted(chance.sample(range(1, 190), 22))
    drivers = set(chance.sample(counts, 2))
    process = start(ratios=ratios, settings=settings)
    painted: dict[str, int] = {}
    for count in counts:
        if count not in drivers:
            kill_worker(process, count, chance)
            continue
        wait_for(lambda count=count: count_paintings() >= count)
        kill_driver(process)
        painted |= stamp_paintings()
        process = start(ratios=ratios, settings=settings)
    ran = finish(process)
    assert ran.code == 0, ran.err
    after = stamp_paintings()
    assert after.items() >= painted.items()
    photos = [f"p{number}" for number in range(PHOTOS)]
    names = {
        (photo, ratio): f"{photo}-style,ratio-{ratio}.png"
        for photo in photos
        for ratio in ratios
    }
    assert after.keys() == {*names.values()}
    assert count_lines("finished") == dict.fromkeys(names.values(), 1)
    assert not count_lines("failed")
    network = load_network(recipe("default", network="compact"))
    for photo, ratio in names:
        path = f"out/{names[photo, ratio]}"
        assert_as_alone(path, photo, ratio, settings, network)


def kill_driver(process: subprocess.Popen[str]) -> None:
    """Kill the command, and wait for its workers to notice."""
    workers = list_workers(process)
    process.kill()
    process.communicate()
    psutil.wait_procs(workers, 60)
    assert not [worker for worker in workers if worker.is_running()]


@pytest.mark.tools
def test_the_driver_is_killed_twice_and_started_again() -> None:
    for count in (4, 10):
        process = start()
        wait_for(lambda count=count: count_paintings() >= count)
        kill_driver(process)
        before = stamp_paintings()
    ran = run()
    assert ran.code == 0, ran.err
    after = stamp_paintings()
    assert {name: after[name] for name in before} == before
    check_all()
    ran = run()
    assert ran.code == 0
    assert "24 of 24 paintings finished before" in ran.err
    assert stamp_paintings() == after


def test_ctrl_c_finishes_what_is_in_flight() -> None:
    process = start()
    wait_for(lambda: count_paintings() >= 3)
    os.killpg(process.pid, signal.SIGINT)
    ran = finish(process)
    assert ran.code == 130, ran.err
    assert "finished in" in ran.err
    assert "run the same command again to continue" in ran.err
    painted = count_paintings()
    assert 3 <= painted < TOTAL
    assert len(count_lines("finished")) == painted
    before = stamp_paintings()
    assert run().code == 0
    assert stamp_paintings().items() >= before.items()
    check_all()


@pytest.mark.tools
def test_ctrl_c_twice_drops_it() -> None:
    process = start("--width", "600", "--iterations", "9999")
    wait_for(lambda: any(_is_painting(worker) for worker in list_workers(process)))
    workers = list_workers(process)
    os.killpg(process.pid, signal.SIGINT)
    assert process.stderr is not None
    while "stopping when" not in (line := process.stderr.readline()):
        assert line
    os.killpg(process.pid, signal.SIGINT)
    ran = finish(process, 30)
    assert ran.code == 130, ran.err
    assert count_paintings() == 0
    assert not [worker for worker in workers if worker.is_running()]
    assert not [*Path("out").rglob("*.part")]


def _is_painting(worker: psutil.Process) -> bool:
    return worker.cpu_times().user > 4


@pytest.mark.tools
def test_a_photo_is_damaged_after_it_was_checked() -> None:
    """It is noted, and tried again with ``--retry-failed`` only."""
    whole = Path("photos/p3.png").read_bytes()
    Path("photos/p3.png").write_bytes(whole[: len(whole) // 2])  # its header is whole
    ran = run()
    assert ran.code == 1
    assert "3 of 24 jobs could not be painted" in ran.err
    assert "p3-style,ratio-1.png: photos/p3.png" in ran.err
    assert count_paintings() == TOTAL - 3
    assert len(count_lines("failed")) == 3
    assert "3 failures" in Path("out/report.html").read_text()
    ran = run()
    assert ran.code == 1
    assert "3 jobs failed before: try again with --retry-failed" in ran.err
    assert len(count_lines("failed")) == 3
    ran = run("--retry-failed")
    assert ran.code == 1
    assert max(count_lines("failed").values()) == 2
    assert stamp_paintings().keys().isdisjoint({"p3-style,ratio-1.png"})
    Path("photos/p3.png").write_bytes(whole)  # another hash, and so another key
    ran = run()
    assert ran.code == 0, ran.err
    check_all()
    assert "3 failures" not in Path("out/report.html").read_text()


@pytest.mark.tools
def test_workers_stay_within_their_memory() -> None:
    process = start("--max-memory", "2.2")
    peak = 0
    wait_for(lambda: list_workers(process))
    while process.poll() is None and count_paintings() < TOTAL:
        for worker in list_workers(process):
            try:
                peak = max(peak, worker.memory_info().rss)
            except psutil.Error:
                continue
    assert finish(process).code == 0
    assert 0 < peak < 1.1e9
