"""``artist-nst batch``: job files and options, problems, estimates, resuming."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artist_nst.batch.ledger import Entry
from artist_nst.batch.pictures import CACHE_FILE
from artist_nst.batch.urls import get_mirror, to_path
from artist_nst.errors import ArtistNstError
from artist_nst.painting.record import load_record
from tests.cli.conftest import SMALL, Cli, files, pixels, save

GOOD = "photo,artist,out\na.png,procedural,one.png\nb.png,procedural,two.png\n"
BAD = GOOD + "no.png,procedural,\na.png,nobody,\nb.png,nobody,\n"


@pytest.fixture(autouse=True)
def _photos(cli: Cli) -> None:  # noqa: ARG001 - it makes the folder
    save("a.png", 40, 48)
    save("b.png", 48, 40, 1)


def write(text: str, name: str = "jobs.csv") -> str:
    Path(name).write_text(text)
    return name


def read_estimate(out: str) -> dict[str, str]:
    rows = [line.partition(" ") for line in out.splitlines()]
    return {name: text.strip() for name, _, text in rows}


class TestDryRun:
    def test_of_a_file(self, cli: Cli) -> None:
        ran = cli("batch", write(GOOD), "-o", "out", "--dry-run", *SMALL)
        assert (ran.code, ran.err) == (0, "")
        facts = read_estimate(ran.out)
        assert facts["paintings"] == "2"
        assert facts["photos"] == "2"
        assert re.fullmatch(
            r"\d+:\d\d on this machine, by \d workers? with .*", facts["time"]
        )
        assert files() == ["a.png", "b.png", "jobs.csv"]

    @pytest.mark.usefixtures("without_weights")
    def test_without_weights(self, cli: Cli) -> None:
        """Nothing is downloaded for an estimate."""
        ran = cli("batch", write(GOOD), "-o", "out", "--dry-run", *SMALL)
        assert ran.code == 0
        expected = "not known: the weights are not on this machine"
        assert read_estimate(ran.out)["time"] == expected

    @pytest.mark.usefixtures("_without_trial")
    def test_of_options(self, cli: Cli) -> None:
        ran = cli(
            *("batch", "--photos", "*.png", "--artists", "procedural", "-o", "out"),
            *("--vary", "ratio=1,5", "--vary", "pick=random,whole", "--dry-run"),
        )
        assert ran.code == 0
        facts = read_estimate(ran.out)
        assert facts["paintings"] == "8"
        assert facts["works"] == "1; those of 4 paintings are still to be picked"

    def test_of_a_folder_with_paintings(self, cli: Cli) -> None:
        """By the ledger, whose times are those of this machine."""
        command = ("batch", write(GOOD), "-o", "out", *SMALL)
        Path("out").mkdir()
        (planned, _) = get_keys(*command)
        painting = Path("out/one.png")
        painting.write_text("painted")
        status = painting.stat()
        entry = Entry(
            key=planned,
            out="one.png",
            state="finished",
            seconds=8.0,
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
        )
        Path("out/batch.jsonl").write_text(json.dumps(asdict(entry)))
        ran = cli(*command, "--dry-run")
        assert ran.code == 0
        facts = read_estimate(ran.out)
        assert facts["paintings"] == "1; 1 more are finished"
        assert facts["time"].startswith("0:1")
        painting.write_text("something else")
        ran = cli(*command, "--dry-run")
        assert ran.code == 2
        assert "is not this job's painting" in ran.out
        ran = cli(*command, "--dry-run", "--skip-bad")
        assert ran.code == 0
        assert read_estimate(ran.out)["paintings"] == "1"

    def test_without_torch(self, tmp_path: Path) -> None:
        code = f"""
import sys
from artist_nst.cli import run
photos = ["--photos", {str(tmp_path / "here" / "a.png")!r}]
arguments = ["batch", *photos, "--artists", "procedural", "-o", "out", "--dry-run"]
assert run(arguments) == 0
assert "torch" not in sys.modules
"""
        subprocess.run([sys.executable, "-c", code], check=True)


def get_keys(*command: str) -> list[str]:
    """Return the keys that a command gives its jobs, in another process."""
    code = f"""
import artist_nst.batch.finished as finished
from artist_nst.cli import run
def find(plan, *_):
    print(*(planned.key for planned in plan.jobs))
    raise KeyboardInterrupt
finished.find_finished = find
run({[*command]!r} + ["--dry-run"])
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    return ran.stdout.split()


class TestProblems:
    def test_a_table(self, cli: Cli) -> None:
        ran = cli("batch", write(BAD), "-o", "out")
        assert ran.code == 2
        assert "jobs.csv: 3 of 5 jobs cannot be painted" in ran.line
        assert "--skip-bad" in ran.line
        head, missing, unknown = ran.out.splitlines()
        assert head.split() == ["line", "field", "problem"]
        assert missing.split()[:2] == ["4", "photo"]
        assert "no.png cannot be read" in missing
        assert unknown.startswith("5 and 1 more")
        assert "no works of 'nobody'" in unknown
        assert files() == ["a.png", "b.png", "jobs.csv"]

    def test_they_can_be_skipped(self, cli: Cli) -> None:
        ran = cli("batch", write(BAD), "-o", "out", "--skip-bad", "--dry-run")
        assert ran.code == 0
        assert read_estimate(ran.out)["paintings"] == "2"
        text = "photo,artist\nno.png,procedural\n"
        ran = cli("batch", write(text), "-o", "out", "--skip-bad", "--dry-run")
        assert ran.code == 2
        assert "1 of 1 job cannot be painted: correct them" in ran.line

    def test_of_options(self, cli: Cli) -> None:
        ran = cli("batch", "--photos", "a.png", "--artists", "nobody", "-o", "out")
        assert ran.code == 2
        assert ran.out.split()[:4] == ["job", "field", "problem", "1"]


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("", "no jobs: name a job file, or photos with --photos"),
            ("no.csv", "no.csv cannot be read: there is no such file"),
            ("a.png b.png", "b.png: name one job file"),
            ("a.png", "a.png: name one job file, or photos with --photos"),
            ("jobs.csv --photos a.png", "--photos makes jobs, and jobs.csv lists them"),
            ("jobs.csv --vary ratio=1", "--vary makes jobs"),
            ("--photos a.png", "no style: name --artists"),
            ("--photos a.png --artists x,,y", "separate names by single commas"),
            ("--photos a.png --artists x --vary ratoi=1", "did you mean 'ratio'"),
            (
                "--photos a.png --artists x --vary ratio=1 --ratio 2",
                "--ratio: leave it out, ratio is varied",
            ),
            (
                "--photos a.png --artists x --vary seed=1 --seed 2",
                "--seed: leave it out, seed is varied",
            ),
            (
                "--photos a.png --artists x --vary width=9 --long-side 2",
                "--long-side: leave it out, width is varied",
            ),
            ("jobs.csv --recipe defualt", "unknown recipe 'defualt'"),
            ("jobs.csv --color-strength 0.5", "no effect without --color"),
            ("jobs.csv -o a.png", "a batch needs a folder"),
            ("jobs.csv --corpora a.png", "is a file, not a folder of corpora"),
        ],
    )
    def test_mistakes(self, cli: Cli, arguments: str, expected: str) -> None:
        write(GOOD)
        ran = cli("batch", "-o", "out", *arguments.split())
        assert ran.code == 2
        assert expected in ran.line
        assert ran.out == ""
        assert "out" not in files()

    def test_a_folder_is_needed(self, cli: Cli) -> None:
        ran = cli("batch", write(GOOD))
        assert (ran.code, "--out" in ran.line) == (2, True)

    def test_many_paintings_need_a_confirmation(
        self, cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("artist_nst.cli.commands.batch.MAX_UNCONFIRMED", 1)
        ran = cli("batch", write(GOOD), "-o", "out")
        assert ran.code == 2
        assert "these are 2 paintings" in ran.line
        assert "--yes" in ran.line
        ran = cli("batch", "jobs.csv", "-o", "out", "--yes", "--draft", *SMALL)
        assert ran.code == 0

    @pytest.mark.usefixtures("_without_trial")
    def test_color_strength_with_colors_of_jobs(self, cli: Cli) -> None:
        text = "photo,artist,color\na.png,procedural,linear\n"
        command = ("batch", write(text), "-o", "out", "--color-strength", 0.5)
        assert cli(*command, "--dry-run").code == 0


@pytest.fixture
def _without_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Estimates without a time, which take none."""

    def refuse(*_: object) -> None:
        raise ArtistNstError("not tried")

    monkeypatch.setattr("artist_nst.batch.trial.run_trial", refuse)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A folder that is named by URLs: a photo, and two artists."""
    folder = tmp_path / "store"
    for name in ("in", "corpora/anna", "corpora/bob/images"):
        (folder / name).mkdir(parents=True)
    save(folder / "in" / "c.png", 40, 48, 2)
    save(folder / "corpora" / "anna" / "one.png", 40, 40, 3)
    save(folder / "corpora" / "bob" / "images" / "two.png", 40, 40, 4)
    return folder


class TestURLs:
    def test_all_is_behind_urls(self, cli: Cli, store: Path) -> None:
        """What is finished is not read again; nothing else is left in the store."""
        url, out = f"file://{store}", store / "out"
        command = (
            *("batch", "--photos", f"{url}/in/*.png", "--artists", "anna"),
            *("--corpora", f"{url}/corpora", "-o", f"{url}/out", "--draft", *SMALL),
        )
        ran = cli(*command)
        assert (ran.code, ran.out) == (0, f"{url}/out/report.html\n"), ran.err
        names = {"c-anna.png", "batch.jsonl", "batch.log", "report.html", "results.csv"}
        assert {*os.listdir(out)} - {"results.parquet"} == names
        assert "data:image/jpeg" in (out / "report.html").read_text()
        record = load_record(out / "c-anna.png")
        assert record["content"]["path"] == f"{url}/in/c.png"
        assert record["corpora"] == f"{url}/corpora"
        here = to_path(f"{url}/out/c-anna.png")
        assert not here.exists()
        # No other artist's works are read.
        assert to_path(f"{url}/corpora/anna/one.png").exists()
        assert not to_path(f"{url}/corpora/bob/images").exists()
        ran = cli(*command)
        assert "1 of 1 painting finished before" in ran.err
        assert not here.exists()
        # On another machine, and without the ledger: by the painting's record.
        shutil.rmtree(get_mirror())
        (out / "batch.jsonl").unlink()
        before = (out / "c-anna.png").stat().st_mtime_ns
        ran = cli(*command)
        assert "1 of 1 painting finished before" in ran.err
        assert (out / "c-anna.png").stat().st_mtime_ns == before
        assert '"state": "finished"' in (out / "batch.jsonl").read_text()
        # Another photo under the same name has another key.
        save(store / "in" / "c.png", 48, 40, 9)
        ran = cli(*command)
        assert ran.code == 2
        assert f"{url}/out/c-anna.png is there, and is not this job's" in ran.out

    @pytest.mark.usefixtures("_without_trial")
    def test_of_a_job_file(self, cli: Cli, store: Path) -> None:
        """Its paths are relative to its URL."""
        url = f"file://{store}"
        rows = "photo,artist,style\nin/c.png,./corpora/anna,\n../here/a.png,procedural,"
        rows += f"\nin/no.png,procedural,\nin/c.png,,{url}/corpora/bob/images/two.png:2"
        (store / "jobs.csv").write_text(rows)
        command = ("batch", f"{url}/jobs.csv", "-o", "out", "--dry-run", "--skip-bad")
        ran = cli(*command, *SMALL)
        assert ran.code == 0, ran.err
        reason = "cannot be read: there is no such file or bucket; check the URL"
        assert f"4     photo  {url}/in/no.png {reason}" in " ".join(ran.out.split("\n"))
        assert read_estimate(ran.out)["paintings"] == "3"

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("file:///no/jobs.csv", "file:///no/jobs.csv cannot be read: there is no"),
            ("--photos file:///no/*.png --style a.png", "no file fits the pattern"),
            ("--photos nos3://b/a.png --style a.png", "no kind that fsspec knows"),
            ("--photos s3://b/../../a.png --style a.png", "parts must be names"),
            ("--photos ftp://me:secret@b/a.png --style a.png", "leave the password"),
            ("--photos gs://b/a.png --style a.png", "`pip install gcsfs`"),
            (
                "--photos a.png --artists x --corpora file:///no",
                "no folder of an artist",
            ),
        ],
    )
    def test_mistakes(self, cli: Cli, arguments: str, expected: str) -> None:
        ran = cli("batch", "-o", "out", *arguments.split())
        assert ran.code == 2
        assert expected in ran.line

    def test_without_fsspec(self, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "fsspec.core", None)
        ran = cli("batch", "--photos", "s3://b/a.png", "--style", "a.png", "-o", "out")
        expected = (
            "URLs need fsspec: install it with `pip install 'artist-nst[cluster]'`"
        )
        assert (ran.code, expected in ran.line) == (2, True)


class TestPainting:
    def test_it_is_painted_and_reported(self, cli: Cli) -> None:
        ran = cli("batch", write(GOOD), "-o", "out", "--draft", *SMALL)
        assert (ran.code, ran.out) == (0, "out/report.html\n")
        assert {"one.png", "two.png", "batch.log", "batch.jsonl"} <= {
            *os.listdir("out")
        }
        assert f"out/{CACHE_FILE}" not in files()
        ran = cli("batch", "jobs.csv", "-o", "out", "--draft", *SMALL)
        assert ran.code == 0
        assert "2 of 2 paintings finished before" in ran.err
        assert files()[-1] == "out/two.png"

    def test_failures_are_told(self, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        """As many as fit; the report has all."""
        monkeypatch.setattr("artist_nst.cli.batches.MAX_PRINTED", 1)
        for name in ("a.png", "b.png"):
            content = Path(name).read_bytes()
            Path(name).write_bytes(content[: len(content) // 2])
        ran = cli("batch", write(GOOD), "-o", "out", "--draft", *SMALL)
        assert ran.code == 1
        first, more, last = ran.err.splitlines()
        assert first.startswith("artist-nst: one.png: a.png cannot be read")
        assert "1 more failures: see out/report.html" in more
        assert "2 of 2 jobs could not be painted" in last
        assert "--retry-failed" in last

    def test_a_cluster_that_does_not_answer(self, cli: Cli) -> None:
        pytest.importorskip("ray")
        command = ("batch", write(GOOD), "-o", "out", "--draft", *SMALL)
        ran = cli(*command, "--ray", "127.0.0.1:1")
        assert ran.code == 2
        assert "--ray 127.0.0.1:1: no Ray cluster answers" in ran.line
        ran = cli(*command, "--ray", "nowhere")
        assert "an address is HOST:PORT" in ran.line
        ran = cli(*command, "--gpus-per-worker", 1)
        assert "add --ray ADDRESS" in ran.line

    def test_without_ray(self, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "ray", None)
        command = ("batch", write(GOOD), "-o", "out", "--draft", *SMALL)
        ran = cli(*command, "--ray", "auto")
        assert (ran.code, "pip install 'artist-nst[cluster]'" in ran.line) == (2, True)

    def test_parts_are_those_of_paint(self, cli: Cli) -> None:
        """Jobs with masks, faces and regions are painted as ``paint`` does."""
        os.mkdir("works")
        for seed in range(3):
            save(f"works/{seed}.png", 40, 40, seed)
        mask = np.zeros((40, 48), np.uint8)
        mask[:, :24] = 255
        Image.fromarray(mask).save("a-left.png")
        Image.fromarray(mask[:20]).save("top.png")
        rows: list[dict[str, str | list[str]]] = [
            {"artist": "procedural", "mask": "{stem}-left.png=keep"},
            {"mask": ["a-left.png=b.png:2@top.png", "rest=procedural"]},
            {"style": "b.png", "mask": ["top.png=works/0.png:3", "top.png=b.png"]},
            {"mask": "a-left.png=./works", "pick": "whole", "protect": "faces"},
            {"style": ["works/1.png:2", "b.png"], "regions": "auto"},
        ]
        text = "\n".join(
            json.dumps({"photo": "a.png", "seed": 4, "out": f"{number}.png", **row})
            for number, row in enumerate(rows)
        )
        command = ("batch", write(text, "jobs.jsonl"), "-o", "out", "--draft", *SMALL)
        ran = cli(*command)
        assert ran.code == 0, ran.err
        for number, row in enumerate(rows):
            options = [
                option
                for name, values in row.items()
                for value in (values if isinstance(values, list) else [values])
                for option in (f"--{name}", value.replace("{stem}", "a"))
            ]
            more = ("--seed", 4, "--draft", *SMALL, "-o", "alone.png")
            assert cli("paint", "a.png", *options, *more).code == 0
            assert (pixels("alone.png") == pixels(f"out/{number}.png")).all(), row
            alone, painted = load_record("alone.png"), load_record(f"out/{number}.png")
            for key in ("regions", "protect_faces", "segmented", "styles", "losses"):
                assert painted.get(key) == alone.get(key), (row, key)
        ran = cli(*command)
        assert "5 of 5 paintings finished before" in ran.err
        # Also without the ledger; but not by another mask.
        os.unlink("out/batch.jsonl")
        Image.fromarray(mask[::-1, ::-1]).save("a-left.png")
        ran = cli(*command, "--dry-run", "--skip-bad")
        assert read_estimate(ran.out)["paintings"] == "0; 2 more are finished"
        for line in (1, 2, 4):
            reason = f"out/{line - 1}.png is there, and is not this job's painting"
            assert f"{line}     out    {reason}" in ran.out

    @pytest.mark.usefixtures("_without_trial")
    def test_jobs_under_two_names_are_noted(self, cli: Cli) -> None:
        text = GOOD + "a.png,procedural,three.png\n"
        ran = cli("batch", write(text), "-o", "out", "--dry-run")
        assert ran.code == 0
        assert "1 job would be painted like another one" in ran.err
        assert "line 4 like line 2" in ran.err
