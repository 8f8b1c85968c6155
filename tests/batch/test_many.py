"""A hundred thousand jobs: memory, and how often files are opened."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.batch.conftest import Batch, save_picture

PHOTOS, WORKS, RATIOS = 1000, 20, 5

PLAN = """
import collections, json, os, sys, time
from pathlib import Path
from artist_nst.batch.checking import check_jobs
from artist_nst.batch.finished import find_finished
from artist_nst.batch.job_file import read_jobs
from artist_nst.batch.ledger import Entry, Ledger
from artist_nst.batch.pictures import PictureIndex
from artist_nst.batch.plan import make_plan
from artist_nst.image import header

opened = collections.Counter()
open_file = header.open_file

def count(path):
    opened[os.fspath(path)] += 1
    return open_file(path)

header.open_file = count
out = Path("out")
times = [time.perf_counter()]
listed = read_jobs("jobs.csv")
times.append(time.perf_counter())
index = PictureIndex(out, 10**8)
checked, problems = check_jobs(listed.jobs, out, Path("corpora"), index)
assert problems == listed.problems == []
index.save()
times.append(time.perf_counter())
plan = make_plan(checked, lambda recipe: (recipe.network, "w"))
times.append(time.perf_counter())
assert "torch" not in sys.modules
ledger = Ledger(out)
if "paint" in sys.argv:
    entries = []
    for planned in plan.jobs:
        path = out / planned.job.out
        path.touch()
        status = path.stat()
        entries.append(Entry(key=planned.key, out=planned.job.out, state="finished",
            size=status.st_size, mtime_ns=status.st_mtime_ns))
    ledger.add(*entries)
times.append(time.perf_counter())
found = find_finished(plan, out, ledger)
times.append(time.perf_counter())
# Not ru_maxrss, which begins with what the parent had.
status = Path("/proc/self/status").read_text()
peak = next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)
print(json.dumps({
    "jobs": len(plan.jobs),
    "keys": len({planned.key for planned in plan.jobs}),
    "finished": len(found.finished),
    "opened": len(opened),
    "most": max(opened.values(), default=0),
    "megabytes": peak / 1000,
    "seconds": [round(b - a, 1) for a, b in zip(times, times[1:])],
}))
"""


@pytest.mark.tools
@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells the peak")
def test_planning_a_hundred_thousand_jobs(batch: Batch) -> None:
    for seed in range(PHOTOS):
        save_picture(batch.place / "photos" / f"p{seed}.png", seed, 24, 24)
    for seed in range(WORKS):
        save_picture(batch.place / "corpora" / "bea" / f"w{seed}.png", 9000 + seed)
    rows = [
        f"photos/p{photo}.png,bea,w{work}.png,{ratio}"
        for work in range(WORKS)
        for ratio in range(1, RATIOS + 1)
        for photo in range(PHOTOS)
    ]
    batch.write("jobs.csv", "\n".join(["photo,artist,work,ratio", *rows]))
    batch.out.mkdir()
    first = run(batch.place, "paint")
    assert first["jobs"] == first["keys"] == first["finished"] == 100_000
    assert first["megabytes"] < 700
    # Photos and works, each once.
    assert (first["opened"], first["most"]) == (PHOTOS + WORKS, 1)
    again = run(batch.place)
    assert again["finished"] == 100_000
    assert again["opened"] == 0
    assert again["megabytes"] < 700


def run(place: Path, *arguments: str) -> dict[str, int]:
    ran = subprocess.run(
        [sys.executable, "-c", PLAN, *arguments],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    print(ran.stdout)
    found: dict[str, int] = json.loads(ran.stdout)
    return found
