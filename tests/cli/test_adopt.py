"""``artist-nst adopt``: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from artist_nst.corpus import adopt as library
from artist_nst.corpus.works import load_corpus
from tests.cli.conftest import TINY, Cli, save


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Three pictures, and one of them again."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for seed, name in enumerate(["a", "b", "c"]):
        save(folder / f"{name}.png", 30, 40, seed)
    (folder / "c again.png").write_bytes((folder / "c.png").read_bytes())
    return folder


def read_row(out: str) -> dict[str, str]:
    """Read the table's only row."""
    head, values = out.splitlines()[:2]
    names = ["found", "added", "already here", "duplicates", "failed", "size"]
    assert head.split() == " ".join(["artist", *names]).split()
    cells = values.replace(" kB", "_kB").replace(" B", "_B").rsplit(None, len(names))
    return dict(zip(["artist", *names], cells, strict=True))


def test_adopt_and_paint_after_it(cli: Cli, scans: Path, photo: Path) -> None:
    ran = cli("adopt", scans, "-A", "Anna Ancher", "--corpora", "corpora")
    assert (ran.code, ran.err) == (0, "")
    row = read_row(ran.out)
    assert row.pop("size").endswith("kB")
    assert row == {
        "artist": "Anna Ancher (anna-ancher)",
        "found": "4",
        "added": "3",
        "already here": "0",
        "duplicates": "1",
        "failed": "0",
    }
    assert ran.out.splitlines()[2:] == ["in corpora"]
    again = cli("adopt", scans, "--artist", "Anna Ancher")  # ./corpora exists now
    assert again.code == 0
    assert read_row(again.out)["already here"] == "3"
    assert "anna-ancher" in cli("doctor").out
    ran = cli("paint", photo, "-A", "ancher", *TINY)
    assert ran.code == 0, ran.err


def test_folders_of_artists(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "artists"
    for seed, name in enumerate(["claude-monet", "Edvard Munch/1890"]):
        (folder / name).mkdir(parents=True)
        save(folder / name / "a.png", 30, 40, seed)
    ran = cli("adopt", folder, "--corpora", "corpora")
    assert ran.code == 0, ran.err
    for slug, artist in (("claude-monet", "Claude Monet"), ("edvard-munch", "Edvard")):
        assert f"{artist}" in ran.out
        assert len(load_corpus(Path("corpora", slug)).works) == 1
    # Pictures beside them, and folders named by years, are one artist's.
    assert cli("adopt", folder / "Edvard Munch").code == 2
    save(folder / "b.png", 30, 40, 3)
    ran = cli("adopt", folder, "--corpora", "corpora")
    assert ran.code == 2
    assert "--artist" in ran.line


def test_on_a_narrow_terminal(
    cli: Cli, scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    ran = cli("adopt", scans, "-A", "Anna Kirstine Brøndum Ancher", "--corpora", "c")
    head, values = ran.out.splitlines()[:2]
    assert [name in head for name in ("found", "added", "size")] == [False, True, False]
    assert values.split()[-4:] == ["3", "0", "1", "0"]
    assert len(values) <= 70


def test_what_fails(cli: Cli, scans: Path) -> None:
    for number in range(7):
        (scans / f"[red]broken {number}.jpg").write_bytes(b"\xff\xd8" + bytes([number]))
    adopt = ("adopt", scans, "-A", "Anna Ancher", "--corpora", "corpora")
    ran = cli(*adopt)
    assert ran.code == 1
    assert "7 of 11 pictures" in ran.line
    assert read_row(ran.out)["failed"] == "7"
    lines = ran.out.splitlines()[3:]
    assert len(lines) == 6
    assert lines[0].startswith("failed: [red]broken 0.jpg ")
    assert lines[5] == "and 2 more: `artist-nst works anna-ancher --failed`"
    # Quietly, only the failures.
    for number in range(1, 7):
        (scans / f"[red]broken {number}.jpg").unlink()
    ran = cli(*adopt, "-q")
    assert ran.code == 1
    (line,) = ran.out.splitlines()
    assert line.startswith("failed: [red]broken 0.jpg ")
    (scans / "[red]broken 0.jpg").unlink()
    ran = cli(*adopt, "-q")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_another_corpus_of_that_name(cli: Cli, scans: Path) -> None:
    assert cli("adopt", scans, "-A", "Pablo Picasso", "--corpora", "c").err == ""
    ran = cli("adopt", scans, "-A", "picasso", "--corpora", "c")
    assert ran.code == 0
    assert "Pablo Picasso (pablo-picasso) is another corpus" in ran.err
    assert cli("adopt", scans, "-A", "picasso", "--corpora", "c").err == ""
    assert cli("adopt", scans, "-A", "Pablo Picasso", "--corpora", "c").err == ""


def test_in_another_script(cli: Cli, scans: Path) -> None:
    name = "Иван Шишкин"
    assert cli("adopt", scans, "-A", name, "--corpora", "c").code == 0
    assert cli("works", "шишкин", "--corpora", "c").err.startswith("3 of 3 works")
    assert cli("forget", name.upper(), "--corpora", "c", "--yes").code == 0
    assert not list(Path("c").iterdir())


def test_copy_and_max_pixels(cli: Cli, scans: Path) -> None:
    options = ("-A", "Anna Ancher", "--corpora", "c", "--max-pixels")
    ran = cli("adopt", scans, *options, 1199)
    assert ran.code == 1
    assert "--max-pixels" in ran.out
    assert cli("adopt", scans, "--copy", *options, 1200).code == 0
    assert (scans / "a.png").stat().st_nlink == 1
    assert len(load_corpus(Path("c/anna-ancher")).available) == 3


def test_one_line_for_what_is_wrong(cli: Cli, scans: Path) -> None:
    os.chdir(scans.parent)
    Path("empty").mkdir()
    Path("file").touch()
    for folder in ("edvard-munch", "kaggle/images", "binary/images", "alone"):
        shutil.copytree(scans, folder)
    Path("kaggle/artists.csv").write_text("id,genre\n1,X\n")
    Path("binary/artists.csv").write_bytes(b"\xff\xfe\x00name")
    Path("alone/artists.csv").write_text("name\nEdvard Munch\n")
    for arguments, code, word in (
        (("scans",), 2, "--artist 'Scans'"),
        (("edvard-munch",), 2, "--artist 'Edvard Munch'"),
        (("nowhere", "-A", "X"), 2, "nowhere"),
        (("nowhere",), 2, "nowhere"),
        (("scans/a.png", "-A", "X"), 2, "scans/a.png is a file"),
        (("scans/a.png",), 2, "scans/a.png is a file"),
        (("scans", "-A", " "), 2, "--artist is empty"),
        (("scans", "-A", "X", "--corpora", "scans"), 2, "scans"),
        (("empty", "-A", "X"), 1, ".jpeg, .jpg, .pbm"),
        (("empty",), 1, ".jpeg, .jpg, .pbm"),
        (("scans", "-A", "X", "--corpora", "file/x"), 1, "file/x"),
        (("scans", "-A", "X", "--max-pixels", "0"), 2, "--max-pixels"),
        (("kaggle",), 1, "kaggle/artists.csv"),
        (("binary",), 1, "binary/artists.csv"),
        (("alone",), 1, "alone/artists.csv"),
        (("scans", "-A", "procedural", "--corpora", "c"), 2, "another name"),
        (("scans", "-A", "X", "--corpora", ""), 2, "--corpora is empty"),
        ((), 2, "`artist-nst adopt --help`"),
    ):
        ran = cli("adopt", *arguments)
        assert ran.code == code, arguments
        assert word in ran.line
        assert ran.out == ""


def test_kaggle(cli: Cli, scans: Path) -> None:
    folder = scans.parent / "archive"
    for name, scan in (("Claude_Monet", "c"), ("Edgar_Degas", "b"), ("Who", "a")):
        (folder / "images" / name).mkdir(parents=True)
        (scans / f"{scan}.png").rename(folder / "images" / name / f"{name}_1.png")
    (folder / "artists.csv").write_text("name,genre\nClaude Monet,X\nEdgar Degas,Y\n")
    ran = cli("adopt", folder, "--corpora", "c")
    assert ran.code == 0
    artists = [line.split("(")[0].strip() for line in ran.out.splitlines()[1:3]]
    assert artists == ["Claude Monet", "Edgar Degas"]
    assert "Who (1)" in ran.err
    ran = cli("adopt", folder, "--corpora", "c", "-A", "Mone")
    assert ran.code == 2
    assert "Claude Monet" in ran.line
    # A corpus that was fetched is left alone, and reported.
    header = Path("c/claude-monet/corpus.json")
    values = json.loads(header.read_text("utf-8"))
    values["source"] = "https://www.wikiart.org/en/claude-monet"
    header.write_text(json.dumps(values), "utf-8")
    ran = cli("adopt", folder, "--corpora", "c")
    assert ran.code == 1
    assert "failed: c/claude-monet was fetched from https://www.wikiart.org" in ran.out
    assert "1 of 2 pictures" in ran.line


def test_ctrl_c(cli: Cli, scans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verify, calls = library.verify_picture, 0

    def interrupt(*arguments: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 3:
            signal.raise_signal(signal.SIGINT)
        return verify(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(library, "verify_picture", interrupt)
    ran = cli("adopt", scans, "-A", "Anna Ancher", "--corpora", "c")
    assert ran.code == 130
    assert "2 of 4 pictures done" in ran.line
    assert len(load_corpus(Path("c/anna-ancher")).available) == 2
