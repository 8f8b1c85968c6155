"""The report: a page without other files, and tables."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from artist_nst.batch import report
from artist_nst.batch.jobs import Job
from artist_nst.batch.ledger import Entry, Ledger
from artist_nst.batch.plan import Plan
from artist_nst.batch.report import render_report, write_reports
from artist_nst.batch.results_table import JobRow, make_rows
from tests.batch.conftest import Batch, save_picture

MakeJob = Callable[..., Job]
EVIL = "<script>alert(1)</script>\"&'.png"


class Page(HTMLParser):
    """The elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))

    def find(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def plan(batch: Batch, make_job: MakeJob) -> Plan:
    """Three jobs: one painted, one failed, one waiting."""
    batch.out.mkdir()
    plan = batch.plan(
        make_job(line=2, out="sub/one # 1.png"),
        make_job(line=3, out="two.png", images=((Path("b.png"), 1.0),), artist=None),
        make_job(line=4, out="three.png", pick="whole"),
    )
    save_picture(batch.out / "sub" / "one # 1.png")
    one, two, _ = sorted(plan.jobs, key=lambda planned: planned.job.line)
    facts: dict[str, Any] = {"seconds": 2.5, "time": "2026-11-29T12:00:00+00:00"}
    Ledger(batch.out).add(
        Entry(key=one.key, out=one.job.out, state="finished", **facts),
        Entry(key=two.key, out=two.job.out, state="failed", reason=EVIL, **facts),
    )
    return plan


def test_the_page(batch: Batch, plan: Plan) -> None:
    path = write_reports(plan, Ledger(batch.out))
    assert path == batch.out / "report.html"
    text = path.read_text()
    page = Page(text)
    # Nothing is loaded, and nothing of a job is code.
    assert EVIL not in text
    assert len(page.find("script")) == 1
    assert not page.find("link")
    (image,) = page.find("img")
    assert (image["src"] or "").startswith("data:image/jpeg;base64,")
    links = [link["href"] for link in page.find("a")]
    assert links[0] == "sub/one%20%23%201.png"
    states = [item["data-state"] for item in page.find("li")]
    assert states == ["finished", "failed", "waiting"]
    artists = {item["data-artist"] for item in page.find("li")}
    options = {option.get("value") for option in page.find("option")}
    assert artists == {"anna", "style images"}
    assert artists | {*states, ""} == options
    assert text.index("1 failure") < text.index("<h2>Paintings")


def test_the_tables(batch: Batch, plan: Plan) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write_reports(plan, Ledger(batch.out))
    with open(batch.out / "results.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["out"] for row in rows] == ["sub/one # 1.png", "two.png", "three.png"]
    assert [row["state"] for row in rows] == ["finished", "failed", "waiting"]
    assert rows[1]["reason"] == EVIL
    assert [row["artist"] for row in rows] == ["anna", "", "anna"]
    assert rows[2]["style"] == "pick whole"
    table = parquet.read_table(batch.out / "results.parquet").to_pylist()
    texts = [
        {name: "" if value is None else str(value) for name, value in row.items()}
        for row in table
    ]
    assert texts == rows


def test_many_jobs_are_a_table(
    batch: Batch, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "MAX_THUMBNAILS", 2)
    monkeypatch.setattr(report, "MAX_ROWS", 2)
    rows = make_rows(plan, Ledger(batch.out))
    text = render_report(rows, batch.out)
    page = Page(text)
    assert not page.find("img")
    assert len([row for row in page.find("tr") if row.get("data-state")]) == 2
    assert "The first 2 of 3." in text


def test_names_that_no_encoding_has(batch: Batch) -> None:
    row = JobRow(
        *("\udcff.png", "failed", "a\nb \udcff", "\udcff", "<b>", "\x1b[1m", "r"),
        *(1, 1, 0, None, "", 1, "k"),
    )
    batch.out.mkdir()
    text = render_report([row], batch.out)
    text.encode()
    assert re.search("a b [?]", text)
    assert "<b>" not in text
