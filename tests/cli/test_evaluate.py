"""``artist-nst evaluate``."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.artists import (
    save,
    save_artists,
    save_painting,
    small_pictures,
    work,
)
from tests.cli.conftest import Cli
from tests.conftest import picture


@pytest.fixture(scope="module", autouse=True)
def _small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with small_pictures(tmp_path_factory.getbasetemp() / "features"):
        yield


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora")
    save_artists(folder)
    return folder


@pytest.fixture
def paintings(cli: Cli, corpora: Path) -> list[Path]:
    """Three in the current folder, of two photos."""
    del cli
    photos = [save(Path(f"photo{n}.png"), picture(48, 64, n)) for n in range(2)]
    used = [corpora / "bram" / "00.png"]
    return [
        save_painting(Path(f"painted{n}.png"), work(1, 500 + n), photos[n % 2], used)
        for n in range(3)
    ]


@pytest.mark.usefixtures("paintings")
def test_a_table_and_what_it_comes_to(cli: Cli, corpora: Path) -> None:
    ran = cli("evaluate", "painted*.png", "-A", "bram", "--corpora", corpora)
    assert ran.code == 0
    head, *lines = ran.out.splitlines()
    assert head.split()[:4] == ["painting", "taken", "for", "probability"]
    assert [line.split()[0] for line in lines[:3]] == [
        f"painted{n}.png" for n in range(3)
    ]
    assert all(line.split()[1] == "bram" for line in lines[:3])
    assert all("2 of 2" in line for line in lines[:3])
    deception, known, medians = lines[4:]
    assert deception.startswith("taken for bram's: 100% of 3 (44–100%)")
    assert "of the photos themselves, " in deception
    assert "% of 2 (" in deception
    # Ten works each of six, one of which was painted from, and procedural's eight.
    assert "of held-out works: " in known
    assert "% of 67 (" in known
    assert "of bram's 100% of 9 (" in known
    assert "by chance 14%" in known
    assert medians.startswith("medians: edges 0.")
    assert "closer than" in medians


@pytest.mark.usefixtures("paintings")
def test_a_painting_without_a_record(cli: Cli, corpora: Path) -> None:
    save(Path("foreign.png"), work(1, 600))
    ran = cli("evaluate", "foreign.png", "-A", "bram", "--corpora", corpora, "-q")
    assert ran.code == 0
    assert "foreign.png" in ran.line
    assert "holds no artist-nst record" in ran.line
    assert "edges" not in ran.out
    assert "photos" not in ran.out
    ran = cli(
        "evaluate",
        "foreign.png",
        *("-A", "bram", "--corpora", corpora, "-q", "--content", "photo0.png"),
    )
    assert "edges" in ran.out


@pytest.mark.usefixtures("paintings")
def test_a_table_in_a_file(cli: Cli, corpora: Path) -> None:
    arguments = ("painted0.png", "-A", "Bram", "--corpora", corpora)
    assert cli("evaluate", *arguments, "--csv", "table.csv").code == 0
    with Path("table.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["painting"] == "painted0.png"
    assert row["taken_for"] == "bram"
    assert 0 < float(row["held_out"]) < 10


@pytest.mark.usefixtures("paintings")
@pytest.mark.parametrize("name", ["table.txt", "none/table.csv"])
def test_a_table_that_can_not_be_written(cli: Cli, name: str) -> None:
    """Is said before the works are looked at."""
    ran = cli("evaluate", "painted0.png", "-A", "bram", "--csv", name)
    assert ran.code == 2
    assert name in ran.line


@pytest.mark.usefixtures("paintings")
def test_without_color(cli: Cli, corpora: Path) -> None:
    arguments = ("painted*.png", "-A", "bram", "--corpora", corpora)
    ran = [cli("evaluate", *arguments, *more) for more in ((), ("--without-color",))]
    assert [one.code for one in ran] == [0, 0]
    assert ran[0].out != ran[1].out


@pytest.mark.usefixtures("paintings")
def test_what_is_wrong_is_one_line(cli: Cli, corpora: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    save_artists(few, ["anna", "bram"])
    Path("empty.png").touch()
    for arguments, code, *words in (
        (("painted0.png", "-A", "hokusai"), 2, "hokusai", "artist-nst fetch hokusai"),
        (("nothing.png", "-A", "bram"), 1, "nothing.png", "no such file"),
        (("empty.png", "-A", "bram"), 1, "empty.png"),
        (("painted0.png",), 2, "--artist"),
        (("painted0.png", "-A", "bram", "--corpora", few), 2, "6 artists", "have 3"),
    ):
        given = () if "--corpora" in arguments else ("--corpora", corpora)
        ran = cli("evaluate", *arguments, *given)
        assert ran.code == code
        assert ran.out == ""
        assert all(word in ran.line for word in words)
