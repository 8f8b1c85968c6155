"""How many workers there are: by cores, memory and jobs, then by measuring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from artist_nst.batch.jobs import Job
from artist_nst.batch.layout import Calibration, Layout, list_layouts, make_layout_key
from artist_nst.batch.plan import PlannedJob
from tests.batch.conftest import Batch

GB = 10**9
BOTH = (Layout(1, 4), Layout(4, 1))


@pytest.fixture
def planned(batch: Batch, make_job: Callable[..., Job]) -> PlannedJob:
    return batch.plan(make_job(long_side=64)).jobs[0]


@pytest.mark.parametrize(
    ("count", "cores", "memory", "expected"),
    [
        (100, 4, 100 * GB, BOTH),
        (100, 1, 100 * GB, (Layout(1, 1),)),
        # Too few to measure.
        (10, 4, 100 * GB, (Layout(4, 1),)),
        (2, 4, 100 * GB, (Layout(2, 2),)),
        # What fits into memory.
        (100, 4, 2.5 * GB, (Layout(1, 4), Layout(2, 2))),
        (100, 4, 1 * GB, (Layout(1, 4),)),
    ],
)
def test_layouts(
    planned: PlannedJob,
    count: int,
    cores: int,
    memory: float,
    expected: tuple[Layout, ...],
) -> None:
    assert list_layouts([planned] * count, cores, round(memory)) == expected


@pytest.mark.parametrize(
    ("alone", "together", "best"), [(1.0, 3.0, BOTH[1]), (1.0, 5.0, BOTH[0])]
)
def test_the_best_is_measured_and_remembered(
    planned: PlannedJob,
    tmp_path: Path,
    alone: float,
    together: float,
    best: Layout,
) -> None:
    file, key = tmp_path / "file", make_layout_key([planned], 4)
    assert key == "64x53 auto 4"
    calibration = Calibration(BOTH, file, key)
    for _ in range(2):
        assert calibration.layout == BOTH[0]
        calibration.add(planned, alone)
    for _ in range(4):
        assert calibration.layout == BOTH[1]
        calibration.add(planned, together)
    assert calibration.layout == best
    calibration.add(planned, 9.0)
    assert Calibration(BOTH, file, key).layout == best
    assert Calibration(BOTH, file, "another").layout == BOTH[0]
    # Another --max-memory than before.
    assert Calibration((Layout(1, 2), Layout(2, 1)), file, key).best is None


def test_a_damaged_file_is_no_trouble(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for content in (b"", b"[1]", b'{"k": 3}', b'{"k": [1]}', b"\xff"):
        file.write_bytes(content)
        assert Calibration(BOTH, file, "k").best is None


def test_words() -> None:
    assert str(Layout(1, 4)) == "1 worker with 4 threads"
    assert str(Layout(4, 1)) == "4 workers with 1 thread each"
