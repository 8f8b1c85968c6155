"""The ledger, and what is finished according to it or to the paintings themselves."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artist_nst.batch.finished import FinishedJobs, find_finished
from artist_nst.batch.jobs import Job
from artist_nst.batch.ledger import Entry, Ledger
from artist_nst.batch.plan import Plan
from artist_nst.errors import ArtistNstError
from artist_nst.image.files import write_picture
from artist_nst.recipes.published import RECIPES
from tests.batch.conftest import Batch

MakeJob = Callable[..., Job]


def make_entry(key: str, path: Path, out: str, **changes: Any) -> Entry:
    status = path.stat()
    facts = {
        "key": key,
        "out": out,
        "state": "finished",
        "seconds": 2.5,
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "time": "2026-11-29T12:00:00+00:00",
    }
    return Entry(**{**facts, **changes})


def write_painting(path: Path, key: str | None) -> None:
    """Write a painting whose record may have a job's key."""
    size = {"width": 4, "height": 4, "sha256": "0" * 64}
    record: dict[str, Any] = {
        "artist_nst": "1",
        "format": 1,
        "painted": "",
        "content": {"path": "a.png", **size},
        "styles": [{"path": "b.png", "weight": 1.0, "work": None, **size}],
        "corpora": None,
        "recipe": RECIPES["default"].to_dict(),
        "seed": 0,
        "size": [4, 4],
        "network": {"name": "vgg19", "sha256": "0", "input": "oxford"},
        "device": "cpu",
        "versions": {},
        "stopped": [],
        "iterations": 1,
        "evaluations": 1,
        "history": [],
        "seconds": 3.0,
    }
    if key is not None:
        record["job"] = key
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).random((40, 40, 3))
    write_picture(path, noise, record=json.dumps(record))


@pytest.fixture
def plan(batch: Batch, make_job: MakeJob) -> Plan:
    """Four jobs, two of them in a folder of their own."""
    outs = ("one.png", "two.png", "deep/three.png", "deep/four.jpg")
    batch.out.mkdir()
    return batch.plan(
        *(make_job(line=n, seed=n, out=out) for n, out in enumerate(outs, 1))
    )


def get_key(plan: Plan, out: str) -> str:
    return next(planned.key for planned in plan.jobs if planned.job.out == out)


def list_outs(found: FinishedJobs) -> dict[str, list[str]]:
    return {
        "remaining": sorted(planned.job.out for planned in found.remaining),
        "finished": sorted(planned.job.out for planned, _ in found.finished),
        "recovered": sorted(entry.out for entry in found.recovered),
    }


class TestLedger:
    def test_what_was_added_is_read_again(self, tmp_path: Path) -> None:
        (tmp_path / "x.png").touch()
        entry = make_entry("0" * 64, tmp_path / "x.png", "x.png")
        failed = Entry(key="1" * 64, out="y.png", state="failed", reason="é\nx")
        ledger = Ledger(tmp_path)
        ledger.add(entry)
        ledger.add(failed)
        assert Ledger(tmp_path).entries == ledger.entries
        assert ledger.find("0" * 64, "x.png") == entry
        assert ledger.find("0" * 64, "y.png") is None
        again = Entry(key="1" * 64, out="y.png", state="finished", size=3, mtime_ns=4)
        ledger.add(again)
        assert Ledger(tmp_path).find("1" * 64, "y.png") == again
        assert len(ledger.path.read_text().splitlines()) == 3

    def test_a_line_that_was_cut_off(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        ledger = Ledger(tmp_path)
        keys = [str(number) * 64 for number in range(3)]
        for key in keys[:2]:
            ledger.add(Entry(key=key, out="x.png", state="failed"))
        whole = ledger.path.read_bytes()
        ledger.path.write_bytes(whole[:-20])
        cut = Ledger(tmp_path)
        assert [key for key, _ in cut.entries] == keys[:1]
        assert "damaged lines are left out: 1" in caplog.text
        cut.add(Entry(key=keys[2], out="x.png", state="failed"))
        assert [key for key, _ in Ledger(tmp_path).entries] == [keys[0], keys[2]]

    @pytest.mark.parametrize(
        "line", [b"\xff", b"[]", b'{"key": "x"}', b"[" * 100_000, b"null", b""]
    )
    def test_lines_that_are_not_ours(self, tmp_path: Path, line: bytes) -> None:
        (tmp_path / "batch.jsonl").write_bytes(line + b"\n")
        assert Ledger(tmp_path).entries == {}

    def test_a_folder_in_its_place(self, tmp_path: Path) -> None:
        (tmp_path / "batch.jsonl").mkdir()
        with pytest.raises(ArtistNstError, match="it is a folder"):
            Ledger(tmp_path)


class TestFinished:
    def test_nothing_is_there(self, batch: Batch, plan: Plan) -> None:
        batch.out.rmdir()
        found = find_finished(plan, batch.out, Ledger(batch.out))
        assert found.remaining == plan.jobs
        assert found.finished == found.recovered == found.conflicts == ()

    def test_by_ledger_or_record(self, batch: Batch, plan: Plan) -> None:
        ledger = Ledger(batch.out)
        one, four = batch.out / "one.png", batch.out / "deep" / "four.jpg"
        # What the ledger knows is not opened.
        one.write_text("painted")
        ledger.add(make_entry(get_key(plan, "one.png"), one, "one.png"))
        ledger.add(Entry(key=get_key(plan, "two.png"), out="two.png", state="failed"))
        write_painting(four, get_key(plan, "deep/four.jpg"))
        found = find_finished(plan, batch.out, ledger)
        assert found.conflicts == ()
        assert list_outs(found) == {
            "remaining": ["deep/three.png", "two.png"],
            "finished": ["deep/four.jpg", "one.png"],
            "recovered": ["deep/four.jpg"],
        }
        assert found.recovered[0].seconds == 3.0
        ledger.add(*found.recovered)
        four.write_bytes(four.read_bytes())
        os.utime(four, ns=(0, found.recovered[0].mtime_ns or 0))
        assert find_finished(plan, batch.out, Ledger(batch.out)).recovered == ()

    def test_other_files_are_conflicts(self, batch: Batch, plan: Plan) -> None:
        write_painting(batch.out / "one.png", None)
        write_painting(batch.out / "two.png", "0" * 64)
        (batch.out / "deep" / "three.png").mkdir(parents=True)
        (batch.out / "deep" / "four.jpg").symlink_to("nowhere")
        found = find_finished(plan, batch.out, Ledger(batch.out))
        assert found.remaining == ()
        assert sorted(problem.line for problem in found.conflicts) == [1, 2, 3, 4]
        for problem in found.conflicts:
            assert problem.field == "out"
            assert "is not this job's painting: choose" in problem.reason

    def test_a_painting_that_changed(self, batch: Batch, plan: Plan) -> None:
        """Since the ledger was written: by someone else, or by a crash."""
        ledger = Ledger(batch.out)
        for name in ("one.png", "two.png"):
            write_painting(batch.out / name, get_key(plan, name))
            path = batch.out / name
            ledger.add(make_entry(get_key(plan, name), path, name))
        cut = (batch.out / "one.png").read_bytes()[:-60]
        (batch.out / "one.png").write_bytes(cut)
        (batch.out / "two.png").write_bytes(b"mine")
        found = find_finished(plan, batch.out, ledger)
        assert list_outs(found)["finished"] == []
        assert "one.png" in list_outs(found)["remaining"]
        assert [problem.line for problem in found.conflicts] == [2]

    def test_a_file_in_place_of_a_folder(self, batch: Batch, plan: Plan) -> None:
        (batch.out / "deep").touch()
        with pytest.raises(ArtistNstError, match="is no folder"):
            find_finished(plan, batch.out, Ledger(batch.out))

    def test_each_folder_is_listed_once(
        self, batch: Batch, plan: Plan, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        listed = []
        original = os.scandir

        def scan(path: Path) -> Any:
            listed.append(path)
            return original(path)

        monkeypatch.setattr("artist_nst.batch.finished.os.scandir", scan)
        find_finished(plan, batch.out, Ledger(batch.out))
        assert len(listed) == 2
