"""Local workers that cannot start, and the GPUs that they are divided among."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import torch

from artist_nst.batch import local
from artist_nst.batch.jobs import Job
from artist_nst.batch.layout import Calibration, Layout
from artist_nst.batch.ledger import Ledger
from artist_nst.batch.local import LocalPool
from artist_nst.batch.runner import run
from artist_nst.batch.tasks import Workplace
from artist_nst.errors import ArtistNstError
from artist_nst.painting.compute import DEFAULT_COMPUTE
from tests.batch.conftest import Batch


def end_at_once(*_: object) -> None:
    os._exit(3)


def test_no_worker_can_start(
    batch: Batch, make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "run_worker", end_at_once)
    monkeypatch.setattr(local, "MAX_START_FAILURES", 2)
    batch.out.mkdir()
    calibration = Calibration((Layout(1, 1),), batch.out / "layout", "")
    pool = LocalPool(Workplace(batch.out, DEFAULT_COMPUTE), calibration)
    ledger = Ledger(batch.out)
    with pytest.raises(ArtistNstError, match=r"no worker can start: .*exit code 3"):
        run(batch.plan(make_job()).jobs, pool, ledger)
    assert not ledger.entries
    assert not pool.pids


@pytest.mark.parametrize(
    ("visible", "expected"),
    [(None, ["0", "1"]), ("", ["0", "1"]), ("3,5,7", ["3", "5"])],
)
def test_gpus(
    visible: str | None, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert local._list_gpus() == expected
