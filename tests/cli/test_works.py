"""``artist-nst works``: what is here, what is not and why, and all on one sheet."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path

import pytest
from PIL import Image

from artist_nst.corpus.manifest import open_manifest
from artist_nst.corpus.works import Work, load_corpus
from tests.cli.conftest import Cli, files

WORKS = (
    Work(
        "a1",
        "Bust of a Woman",
        "1907",
        width=120,
        height=80,
        rights="Public domain",
        style="Cubism",
        genre="portrait",
        file="images/a.png",
    ),
    Work("b2", "Café [blue]", file="images/b.png"),
    Work("c3", "Guernica", "1937", status="restricted", reason="withheld"),
    Work("d4", "Head", status="failed", reason="HTTP 404"),
    Work("e5", "Later", status="pending"),
    Work("f6", "Moved", file="images/f.png"),
)


@pytest.fixture
def folder(cli: Cli) -> Path:
    """Picasso's corpus, with two pictures, in the current folder."""
    del cli
    folder = Path("corpora/pablo-picasso")
    about = {"slug": folder.name, "artist": "Pablo Picasso", "source": "a test"}
    with open_manifest(folder, **about) as manifest:
        for work in WORKS:
            manifest.append(work)
        Image.new("RGB", (120, 80), "red").save(manifest.image_folder / "a.png")
        Image.new("RGB", (80, 120), "blue").save(manifest.image_folder / "b.png")
    return folder


SUMMARY = ("2 of 6 works", "1 restricted", "1 failed", "1 with", "1 not fetched")


@pytest.mark.usefixtures("folder")
class TestTable:
    def test_what_is_here(self, cli: Cli) -> None:
        ran = cli("works", "picasso")
        assert ran.code == 0
        assert [" ".join(line.split()) for line in ran.out.splitlines()] == [
            "title year pixels style genre rights id",
            "Bust of a Woman 1907 120×80 Cubism portrait Public domain a1",
            "Café [blue] b2",
        ]
        assert all(words in ran.err for words in SUMMARY)

    def test_what_is_not(self, cli: Cli) -> None:
        ran = cli("works", "picasso", "--failed")
        assert ran.code == 0
        assert [line.split() for line in ran.out.splitlines()] == [
            ["title", "year", "status", "id", "reason"],
            ["Guernica", "1937", "restricted", "c3", "withheld"],
            ["Head", "failed", "d4", "HTTP", "404"],
            ["Moved", "gone", "f6", "its", "file", "is", "gone:", "images/f.png"],
        ]
        assert all(words in ran.err for words in SUMMARY)

    def test_quiet(self, cli: Cli) -> None:
        ran = cli("works", "picasso", "-q")
        assert "Bust" in ran.out
        assert ran.err == ""

    def test_unknown(self, cli: Cli) -> None:
        ran = cli("works", "picaso")
        assert ran.code == 2
        assert "pablo-picasso" in ran.line

    def test_terminals(self, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", "60")
        narrow = cli("works", "picasso").out
        assert "a1" in narrow
        assert "1907" in narrow
        assert "portrait" not in narrow
        # But for the head, which is bold.
        assert max(map(len, narrow.splitlines()[1:])) <= 60
        monkeypatch.setenv("COLUMNS", "120")
        assert "portrait" in cli("works", "picasso").out


def test_long_cells_do_not_pad_every_row(cli: Cli, folder: Path) -> None:
    title, reason = "Long " * 80, "Why " * 80
    about = {"slug": folder.name, "artist": "Pablo Picasso", "source": "a test"}
    with open_manifest(folder, **about) as manifest:
        manifest.append(Work("g7", title, "1950", file="images/a.png"))
        manifest.append(Work("h8", title, status="failed", reason=reason))
    ran = cli("works", "picasso")
    assert max(map(len, ran.out.splitlines())) < 200
    assert "Long Long…  1950" in ran.out
    *_, last = (lines := cli("works", "picasso", "--failed").out.splitlines())
    assert last.endswith(reason.strip())
    assert max(map(len, lines[:-1])) < 170
    assert title in cli("works", "picasso", "--json").out


def test_all_here(cli: Cli) -> None:
    ran = cli("works", "procedural")
    assert ran.err == "8 of 8 works on disk\n"
    assert "1000×800" in ran.out
    failed = cli("works", "procedural", "--failed")
    assert (failed.code, failed.out) == (0, "")


def test_nothing_here(cli: Cli) -> None:
    Path("corpora/empty").mkdir(parents=True)
    ran = cli("works", "empty")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("0 of 0 works")


def test_ones_own_pictures(cli: Cli) -> None:
    Path("corpora/mine").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save("corpora/mine/night_sky.png")
    ran = cli("works", "mine")
    assert ran.out.split() == ["title", "id", "Night", "Sky", "night_sky.png"]


def test_odd_values_of_a_manifest(cli: Cli, folder: Path) -> None:
    work = {"id": "z", "title": "\x1b[2J\u2028Z\n", "file": "images/a.png"}
    work |= {"year": 1907, "width": None, "style": "\ud800", "status": "ok"}
    with (folder / "works.jsonl").open("a") as lines:
        lines.write(json.dumps(work) + "\n")
    ran = cli("works", "picasso")
    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert "[2J Z" in ran.out
    assert len(ran.out.splitlines()) == 4
    assert cli("works", "picasso", "--sheet", "sheet.png").code == 0


def test_json(cli: Cli, folder: Path) -> None:
    ran = cli("works", "picasso", "--json")
    objects = [json.loads(line) for line in ran.out.splitlines()]
    assert objects == [asdict(work) for work in WORKS[:2]]
    assert list(objects[0]) == [field.name for field in fields(Work)]
    assert "é" in ran.out
    failed = cli("works", "picasso", "--json", "--failed")
    objects = [json.loads(line) for line in failed.out.splitlines()]
    assert [values["id"] for values in objects] == ["c3", "d4", "f6"]
    assert objects[0] == asdict(WORKS[2])
    assert "images/f.png" in objects[2]["reason"]
    assert load_corpus(folder).works == WORKS  # nothing of it is written


class TestSheet:
    def test_sheet(self, cli: Cli) -> None:
        name = "new name.WebP"
        ran = cli("works", "procedural", "--sheet", name)
        assert ran.code == 0
        assert ran.out == f"{name}\n"
        with Image.open(name) as page:
            assert page.width > 1400
            assert page.height > 700
        assert files() == [name]

    @pytest.mark.usefixtures("folder")
    def test_with_json(self, cli: Cli) -> None:
        ran = cli("works", "picasso", "--sheet", "sheet.png", "--json")
        assert len([json.loads(line) for line in ran.out.splitlines()]) == 2
        assert Path("sheet.png").exists()

    @pytest.mark.usefixtures("folder")
    def test_only_what_is_here(self, cli: Cli) -> None:
        Path("corpora/pablo-picasso/images/b.png").write_text("no picture")
        ran = cli("works", "picasso", "--sheet", "sheet.png")
        assert ran.code == 0
        assert "b.png cannot be read" in ran.err
        with Image.open("sheet.png") as page:
            assert (255, 0, 0) in {color for _, color in page.getcolors(2**20)}

    @pytest.mark.usefixtures("folder")
    def test_where_it_can_not_be_written(
        self, cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is refused before the sheet is drawn."""
        monkeypatch.setattr("artist_nst.figures.contact_sheet.draw_contact_sheet", None)
        for name in ("sheet.txt", "nowhere/sheet.png", ".", "a.gif"):
            ran = cli("works", "picasso", "--sheet", name)
            assert ran.code == 2
            assert name in ran.line

    def test_a_work_is_not_replaced(self, cli: Cli, folder: Path) -> None:
        path = folder / "images" / "a.png"
        before = path.read_bytes()
        Path("link.png").symlink_to(path.resolve())
        for name in (path, "link.png"):
            ran = cli("works", "picasso", "--sheet", name)
            assert ran.code == 2
            assert "one of the works" in ran.line
        assert path.read_bytes() == before

    def test_nothing_to_draw(self, cli: Cli) -> None:
        Path("corpora/empty").mkdir(parents=True)
        ran = cli("works", "empty", "--sheet", "sheet.png")
        assert ran.code == 1
        assert "artist-nst fetch empty" in ran.line

    def test_not_of_the_failed(self, cli: Cli) -> None:
        ran = cli("works", "procedural", "--sheet", "a.png", "--failed")
        assert ran.code == 2
        assert "--failed" in ran.line


def test_a_large_corpus(cli: Cli) -> None:
    about = {"slug": "pablo-picasso", "artist": "Pablo Picasso", "source": "a test"}
    with open_manifest(Path("corpora/pablo-picasso"), **about) as manifest:
        works = [
            Work(f"{n:024x}", f"Title {n} " * 5, "1907", file=f"images/{n}.jpg")
            for n in range(1166)
        ]
        manifest.rewrite(works)
        for n in range(1166):
            (manifest.image_folder / f"{n}.jpg").touch()
    ran = cli("works", "picasso")
    assert len(ran.out.splitlines()) == 1167
    assert "1,166 of 1,166" in ran.err
