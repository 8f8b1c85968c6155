"""``artist-nst adopt``: what it says, and how it ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from artist_nst.corpus.works import load_corpus
from tests.cli.conftest import Cli
from tests.conftest import picture


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Three pictures, and one of them again."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for seed, name in enumerate(["a", "b", "c"]):
        Image.fromarray(picture(30, 40, seed)).save(folder / f"{name}.png")
    (folder / "c again.png").write_bytes((folder / "c.png").read_bytes())
    return folder


def row(out: str) -> dict[str, str]:
    """The table's only row, by its heads."""
    heads, values = out.splitlines()[:2]
    names = ["found", "added", "already here", "duplicates", "failed", "size"]
    assert heads.split() == " ".join(["artist", *names]).split()
    numbers = values.replace(" kB", "_kB").replace(" B", "_B").rsplit(None, len(names))
    return dict(zip(["artist", *names], numbers, strict=True))


def test_adopt(cli: Cli, scans: Path) -> None:
    ran = cli("adopt", scans, "-A", "Anna Ancher", "--corpora", "corpora")
    assert ran.code == 0
    assert ran.err == ""
    said = row(ran.out)
    assert said.pop("size").endswith("kB")
    assert said == {
        "artist": "Anna Ancher (anna-ancher)",
        "found": "4",
        "added": "3",
        "already here": "0",
        "duplicates": "1",
        "failed": "0",
    }
    assert ran.out.splitlines()[2:] == ["in corpora"]
    again = cli("adopt", scans, "--artist", "Anna Ancher")  # ./corpora is there now
    assert again.code == 0
    assert row(again.out)["already here"] == "3"
    assert "anna-ancher" in cli("doctor").out


def test_on_a_narrow_terminal(
    cli: Cli, scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    ran = cli("adopt", scans, "-A", "Anna Kirstine Brøndum Ancher", "--corpora", "c")
    heads, values = ran.out.splitlines()[:2]
    assert [one in heads for one in ("found", "added", "size")] == [False, True, False]
    assert values.split()[-4:] == ["3", "0", "1", "0"]
    assert len(values) <= 70


def test_paint_after_what_was_adopted(cli: Cli, scans: Path, photo: Path) -> None:
    assert cli("adopt", scans, "-A", "Anna Ancher", "--corpora", "c").code == 0
    ran = cli("paint", photo, "-A", "ancher", "--corpora", "c", "-n", 1, "-w", 48)
    assert ran.code == 0, ran.err


def test_what_fails(cli: Cli, scans: Path) -> None:
    for number in range(7):
        (scans / f"[red]broken {number}.jpg").write_bytes(b"\xff\xd8" + bytes([number]))
    ran = cli("adopt", scans, "-A", "Anna Ancher", "--corpora", "corpora")
    assert ran.code == 1
    assert ran.line == "artist-nst: 7 of 11 pictures were not adopted"
    assert row(ran.out)["failed"] == "7"
    lines = ran.out.splitlines()[3:]
    assert len(lines) == 6
    assert lines[0].startswith("failed: [red]broken 0.jpg cannot be read: ")
    assert lines[5] == "and 2 more: `artist-nst works anna-ancher --failed`"


def test_quiet(cli: Cli, scans: Path) -> None:
    ran = cli("adopt", scans, "-A", "Anna Ancher", "-q")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    (scans / "broken.png").write_text("no picture")
    ran = cli("adopt", scans, "-A", "Anna Ancher", "-q")
    assert ran.code == 1
    lines = ran.out.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("failed: broken.png")


def test_another_corpus_of_that_name(cli: Cli, scans: Path) -> None:
    assert cli("adopt", scans, "-A", "Pablo Picasso", "--corpora", "c").err == ""
    ran = cli("adopt", scans, "-A", "picasso", "--corpora", "c")
    assert ran.code == 0
    assert ran.err == (
        "note: Pablo Picasso (pablo-picasso) is another corpus; `--artist picasso` "
        "means this one from now on\n"
    )
    assert cli("adopt", scans, "-A", "picasso", "--corpora", "c").err == ""
    assert cli("adopt", scans, "-A", "Pablo Picasso", "--corpora", "c").err == ""


def test_in_another_script(cli: Cli, scans: Path) -> None:
    name = "Иван Шишкин"
    assert cli("adopt", scans, "-A", name, "--corpora", "c").code == 0
    assert cli("works", "шишкин", "--corpora", "c").err.startswith("3 of 3 listed")
    assert cli("forget", name.upper(), "--corpora", "c", "--yes").code == 0
    assert not list(Path("c").iterdir())


def test_copy_and_max_pixels(cli: Cli, scans: Path) -> None:
    options = ("-A", "Anna Ancher", "--corpora", "c", "--max-pixels")
    ran = cli("adopt", scans, *options, 1199)
    assert ran.code == 1
    assert "--max-pixels" in ran.out
    assert cli("adopt", scans, "--copy", *options, 1200).code == 0
    assert (scans / "a.png").stat().st_nlink == 1
    assert len(load_corpus(Path("c/anna-ancher")).here) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("scans",), 2, "add --artist NAME, such as --artist 'Scans'"),
        (("nowhere", "-A", "X"), 2, "nowhere: there is no such folder"),
        (("scans/a.png", "-A", "X"), 2, "scans/a.png is a file"),
        (("scans", "-A", " "), 2, "--artist is empty"),
        (("scans", "-A", "X", "--corpora", "scans"), 2, "one in the other"),
        (("empty", "-A", "X"), 1, "no pictures in it (.bmp, .gif, .jpeg, .jpg, .png"),
        (("scans", "-A", "X", "--corpora", "file/x"), 1, "cannot be written"),
        (("scans", "-A", "X", "--max-pixels", "0"), 2, "--max-pixels"),
        (("",), 2, "no folder is named"),
        (("", "-A", "X"), 2, "no folder is named"),
        (("nowhere",), 2, "nowhere: there is no such folder"),
        (("scans/a.png",), 2, "scans/a.png is a file"),
        (("empty",), 1, "empty: no pictures in it (.bmp, .gif, .jpeg, .jpg, .png"),
        (("edvard-munch",), 2, "such as --artist 'Edvard Munch'"),
        (("kaggle",), 1, "kaggle/artists.csv: no artists in it, in a column called"),
        (("binary",), 1, "binary/artists.csv: not a table in UTF-8"),
        (("alone",), 1, "alone/artists.csv: no images/ or resized/ beside it"),
        (("scans", "-A", "procedural", "--corpora", "c"), 2, "choose another name"),
        (("scans", "-A", "X", "--corpora", ""), 2, "--corpora is empty"),
        ((), 2, "see `artist-nst adopt --help`"),
    ],
)
def test_one_line_for_what_is_wrong(
    arguments: tuple[str, ...], code: int, why: str, cli: Cli, scans: Path
) -> None:
    os.chdir(scans.parent)
    Path("empty").mkdir()
    Path("file").touch()
    for folder in ("edvard-munch", "kaggle/images", "binary/images", "alone"):
        shutil.copytree(scans, folder)
    Path("kaggle/artists.csv").write_text("id,genre\n1,X\n")
    Path("binary/artists.csv").write_bytes(b"\xff\xfe\x00name")
    Path("alone/artists.csv").write_text("name\nEdvard Munch\n")
    ran = cli("adopt", *arguments)
    assert ran.code == code
    assert why in ran.line
    assert ran.out == ""


def test_kaggle(cli: Cli, scans: Path) -> None:
    folder = scans.parent / "archive"
    folder.mkdir()
    (folder / "artists.csv").write_text("name,genre\nClaude Monet,X\nEdgar Degas,Y\n")
    for name in ("Claude_Monet", "Edgar_Degas", "Who"):
        (folder / "images" / name).mkdir(parents=True)
        picture_of = (
            scans / f"{name[0].lower().replace('e', 'b').replace('w', 'a')}.png"
        )
        picture_of.rename(folder / "images" / name / f"{name}_1.png")
    ran = cli("adopt", folder, "--corpora", "c")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert [line.split("(")[0].strip() for line in lines[1:3]] == [
        "Claude Monet",
        "Edgar Degas",
    ]
    assert "left out, of no artist in artists.csv: Who (1)" in ran.err
    ran = cli("adopt", folder, "--corpora", "c", "-A", "Mone")
    assert ran.code == 2
    assert "Claude Monet" in ran.line
    # One that was fetched is passed over, and said to be.
    head = Path("c/claude-monet/corpus.json")
    values = json.loads(head.read_text("utf-8"))
    values["source"] = "https://www.wikiart.org/en/claude-monet"
    head.write_text(json.dumps(values), "utf-8")
    ran = cli("adopt", folder, "--corpora", "c")
    assert ran.code == 1
    assert "failed: c/claude-monet was fetched from https://www.wikiart.org" in ran.out
    assert ran.line.endswith("1 of 2 pictures were not adopted")


INTERRUPTED = """
import os, signal, sys
import artist_nst.collection as collection
from artist_nst.cli import run
real, asked = collection.verify_picture, 0
def slow(path, *, max_pixels):
    global asked
    asked += 1
    if asked == 3:
        os.kill(os.getpid(), signal.SIGINT)
    return real(path, max_pixels=max_pixels)
collection.verify_picture = slow
sys.exit(run(sys.argv[1:]))
"""


def test_ctrl_c(scans: Path, tmp_path: Path) -> None:
    command = [
        "adopt",
        str(scans),
        "-A",
        "Anna Ancher",
        "--corpora",
        str(tmp_path / "c"),
    ]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *command],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert done.returncode == 130
    assert done.stderr == (
        "artist-nst: interrupted; 2 of 4 pictures are done; the same command goes on\n"
    )
    assert len(load_corpus(tmp_path / "c" / "anna-ancher").here) == 2
