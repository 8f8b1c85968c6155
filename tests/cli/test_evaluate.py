"""``artist-nst evaluate``."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.artists import save, save_artists, save_painting, small_pictures, work
from tests.cli.conftest import Cli
from tests.conftest import picture


@pytest.fixture(scope="module", autouse=True)
def _small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with small_pictures(tmp_path_factory.mktemp("cache")):
        yield


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora")
    save_artists(folder)
    return folder


@pytest.fixture(autouse=True)
def _paintings(cli: Cli, corpora: Path) -> None:
    """Save three paintings in the current folder, of two photos."""
    del cli
    photos = [
        save(Path(f"photo{number}.png"), picture(48, 64, number)) for number in range(2)
    ]
    sources = [corpora / "bram" / "00.png"]
    for number in range(3):
        pixels = work(1, 500 + number)
        path = Path(f"painted{number}.png")
        save_painting(path, pixels, photos[number % 2], sources)


def test_a_table_its_summary_and_a_file_of_it(cli: Cli, corpora: Path) -> None:
    arguments = ("-A", "Bram", "--corpora", corpora, "--csv", "table.csv")
    ran = cli("evaluate", "painted*.png", *arguments)
    assert ran.code == 0
    verdict, _, head, *lines = ran.out.splitlines()
    assert verdict.startswith("The judges take 100% of 3 paintings for bram's; ")
    assert "100% of bram's own works" in verdict
    # Without --artist, the one that the paintings are after.
    again = cli("evaluate", "painted*.png", "--corpora", corpora)
    assert again.out == ran.out, again.err
    assert head.split()[:4] == ["painting", "taken", "for", "probability"]
    for number, line in enumerate(lines[:3]):
        assert line.split()[:2] == [f"painted{number}.png", "bram"]
        assert "2 of 2" in line
    deception, accuracy, medians = lines[4:]
    assert deception.startswith("taken for bram's: 100% of 3 (44–100%)")
    assert "photos" in deception
    assert "% of 2 (" in deception
    # Ten works each of six, one of which was painted from, and procedural's eight.
    for words in ("% of 67 (", "100% of 9 (", "14% by chance"):
        assert words in accuracy
    assert medians.startswith("medians: edges 0.")
    assert "closer than" in medians
    with Path("table.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["painting"] for row in rows] == [f"painted{n}.png" for n in range(3)]
    assert rows[0]["taken_for"] == "bram"
    assert 0 < float(rows[0]["held_out"]) < 10


def test_a_painting_without_a_record_and_without_color(cli: Cli, corpora: Path) -> None:
    save(Path("foreign.png"), work(1, 600))
    evaluate = ("evaluate", "foreign.png", "-A", "bram", "--corpora", corpora, "-q")
    ran = cli(*evaluate)
    assert ran.code == 0
    assert "foreign.png" in ran.line
    assert "no artist-nst record" in ran.line
    assert "edges" not in ran.out
    assert "photos" not in ran.out
    more = ("--content", "photo0.png", "--without-color")
    other = cli(*evaluate, *more)
    assert "edges" in other.out
    # Judged by other features.
    row = [out.splitlines()[3].split()[:3] for out in (ran.out, other.out)]
    assert row[0] != row[1]
    ran = cli("evaluate", "foreign.png", "--corpora", corpora, "-q")
    assert ran.code == 2
    assert "--artist" in ran.err.splitlines()[-1]


def test_what_is_wrong_is_one_line(cli: Cli, corpora: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    save_artists(few, ["anna", "bram"])
    Path("empty.png").touch()
    painting = "painted0.png"
    for arguments, code, *words in (
        ((painting, "-A", "hokusai"), 2, "hokusai", "artist-nst fetch hokusai"),
        (("nothing.png", "-A", "bram"), 1, "nothing.png"),
        (("empty.png", "-A", "bram"), 1, "empty.png"),
        ((painting, "-A", "bram", "--corpora", few), 2, "6 artists", "have 3"),
        ((painting, "-A", "bram", "--csv", "table.txt"), 2, "table.txt"),
        ((painting, "-A", "bram", "--csv", "none/table.csv"), 2, "none/table.csv"),
    ):
        more = () if "--corpora" in arguments else ("--corpora", corpora)
        ran = cli("evaluate", *arguments, *more)
        assert ran.code == code
        assert ran.out == ""
        assert all(word in ran.line for word in words)
