"""``artist-nst artists``: one line for each, whatever state their folder is in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from artist_nst.corpus.manifest import open_manifest
from artist_nst.corpus.works import Work
from tests.cli.conftest import Cli


def make_corpus(**header: str) -> Path:
    """Make a corpus of Picasso, of two works of four."""
    folder = Path("corpora/pablo-picasso")
    about = {"slug": folder.name, "artist": "Pablo Picasso", "source": "wikiart.org"}
    with open_manifest(folder, **about) as manifest:
        for work in (
            Work("a", "Bust", file="images/a.jpg", bytes=1_500_000),
            Work("b", "Dream", file="images/b.jpg"),
            Work("c", "Guernica", status="restricted", reason="withheld"),
            Work("d", "Head", status="pending"),
        ):
            manifest.append(work)
        for id in "ab":
            (manifest.image_folder / f"{id}.jpg").write_bytes(bytes(500_000))
        manifest.update_header(**header)
    return folder


def find_line(slug: str, out: str) -> str:
    return next(line for line in out.splitlines() if slug in line)


def test_a_corpus(cli: Cli) -> None:
    make_corpus(created="2026-01-02T03:04:05Z", updated="2026-11-21T12:30:00Z")
    ran = cli("artists")
    assert ran.code == 0
    assert ran.err == "in corpora\n"
    head = "artist folder works size changed source"
    assert ran.out.splitlines()[0].split() == head.split()
    line = "Pablo Picasso pablo-picasso 2 of 4 2 MB 2026-11-21 12:30 wikiart.org"
    assert find_line("pablo-picasso", ran.out).split() == line.split()


def test_as_json(cli: Cli) -> None:
    folder = make_corpus(created="2026-01-02T03:04:05Z")
    damaged = Path("corpora/damaged")
    damaged.mkdir()
    (damaged / "corpus.json").write_text("{")
    listed = {
        entry["folder"]: entry for entry in json.loads(cli("artists", "--json").out)
    }
    assert listed[folder.name] == {
        "artist": "Pablo Picasso",
        "folder": "pablo-picasso",
        "path": "corpora/pablo-picasso",
        "works": 2,
        "listed": 4,
        "bytes": 2_000_000,
        "changed": "2026-01-02T03:04:05Z",
        "source": "wikiart.org",
    }
    assert "unusable" in listed["damaged"]["source"]


def test_the_packaged_artist_is_always_listed(cli: Cli) -> None:
    ran = cli("artists", "--corpora", "nowhere")
    assert ran.code == 0
    assert "nowhere" in ran.err
    assert len(ran.out.splitlines()) == 2
    line = find_line("procedural", ran.out)
    assert line.startswith("Procedural  procedural      8 ")


def test_the_date_of_a_corpus_that_was_never_updated(cli: Cli) -> None:
    make_corpus(created="2026-01-02")
    assert "2026-01-02" in find_line("pablo-picasso", cli("artists").out)


def test_ones_own_pictures(cli: Cli) -> None:
    Path("corpora/anna-ancher").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save("corpora/anna-ancher/a.png")
    Path("corpora/empty").mkdir()
    out = cli("artists").out
    assert "your own pictures" in find_line("anna-ancher", out)
    assert find_line("anna-ancher", out).split()[3] == "1"
    assert find_line("empty", out).split()[2] == "0"


def test_a_damaged_corpus_does_not_stop_the_list(cli: Cli) -> None:
    make_corpus()
    folder = Path("corpora/damaged")
    folder.mkdir()
    Path("a.jpg").write_text("")
    for header, works, reason in (
        ("{", "", "not JSON"),
        ("[]", "", "not a JSON object"),
        ('{"format": 99}', "", "upgrade artist-nst"),
        ("{}", "{}\n", "has no id"),
        ("{}", '{"id": "a", "title": "A", "file": "../../a.jpg"}\n', "outside"),
    ):
        (folder / "corpus.json").write_text(header)
        (folder / "works.jsonl").write_text(works)
        ran = cli("artists")
        assert ran.code == 0
        assert "unusable: " in find_line("damaged", ran.out)
        assert reason in find_line("damaged", ran.out)
        assert "Pablo Picasso" in ran.out


def test_odd_values_of_a_manifest(cli: Cli) -> None:
    folder = make_corpus()
    header = {"artist": "[bold]\x1b[31mX\nY :cat:", "source": None}
    (folder / "corpus.json").write_text(json.dumps(header))
    with (folder / "works.jsonl").open("a") as lines:
        lines.write('{"id": "a", "title": "A", "file": "images/a.jpg", "bytes": "?"}\n')
    out = cli("artists").out
    assert "[bold] [31mX Y :cat:" in find_line("pablo-picasso", out)
    assert "\x1b" not in out


def test_on_a_narrow_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    make_corpus(updated="2026-11-21T12:30:00Z")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "70")
    out = cli("artists").out
    assert "2026-11-21" not in out
    assert "pablo-picasso" in out
    assert max(map(len, out.splitlines()[1:])) <= 70  # except the head, which is bold
    monkeypatch.setenv("COLUMNS", "120")
    assert "2026-11-21" in cli("artists").out


def test_a_file_instead_of_the_folder(cli: Cli) -> None:
    Path("file").touch()
    ran = cli("artists", "--corpora", "file")
    assert (ran.code, ran.out) == (2, "")
    assert "file is a file" in ran.line
    ran = cli("doctor", "--corpora", "file")
    assert ran.code == 0
    assert "unusable: file is a file" in ran.out


def test_an_empty_name_for_the_folder(cli: Cli) -> None:
    make_corpus().rename("x")
    for command in ("artists", "doctor", "works x", "forget x -y", "adopt . -A x"):
        ran = cli(*command.split(), "--corpora", "")
        assert ran.code == 2
        assert "--corpora is empty" in ran.line
        assert len(list(Path("x/images").iterdir())) == 2


def test_doctor_counts_thousands(cli: Cli) -> None:
    folder = Path("corpora/anna-ancher")
    folder.mkdir(parents=True)
    for number in range(1166):
        (folder / f"{number}.png").touch()
    assert "1,166 works" in find_line("anna-ancher", cli("doctor").out)
