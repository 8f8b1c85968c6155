"""``artist-nst artists``: one line for each, whatever state their folder is in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from artist_nst.corpus.manifest import Manifest, hold
from artist_nst.corpus.works import Work
from tests.cli.conftest import Cli


def picasso(**head: str) -> Path:
    """A corpus of two works of four."""
    folder = Path("corpora/pablo-picasso")
    about = {"slug": folder.name, "artist": "Pablo Picasso", "source": "wikiart.org"}
    with hold(folder, **about) as one:
        fill(one)
        one.describe(**head)
    return folder


def fill(manifest: Manifest) -> None:
    manifest.put(Work("a", "Bust", file="images/a.jpg", bytes=1_500_000))
    manifest.put(Work("b", "Dream", file="images/b.jpg"))
    manifest.put(Work("c", "Guernica", status="restricted", reason="withheld"))
    manifest.put(Work("d", "Head", status="pending"))
    for id in "ab":
        (manifest.images / f"{id}.jpg").write_bytes(bytes(500_000))


def line_of(slug: str, out: str) -> str:
    return next(line for line in out.splitlines() if slug in line)


def test_a_corpus(cli: Cli) -> None:
    picasso(created="2026-01-02T03:04:05Z", updated="2026-11-21T12:30:00Z")
    ran = cli("artists")
    assert ran.code == 0
    assert ran.err == "in corpora\n"
    assert ran.out.splitlines()[0].split() == [
        *("artist", "folder", "works", "size", "changed", "source")
    ]
    assert line_of("pablo-picasso", ran.out).split() == [
        *("Pablo", "Picasso", "pablo-picasso", "2", "of", "4", "2", "MB"),
        *("2026-11-21", "12:30", "wikiart.org"),
    ]


def test_the_packaged_artist_is_always_there(cli: Cli) -> None:
    ran = cli("artists", "--corpora", "nowhere")
    assert ran.code == 0
    assert "nowhere (not there yet)" in ran.err
    assert len(ran.out.splitlines()) == 2
    assert line_of("procedural", ran.out).startswith("Procedural  procedural      8 ")


def test_created_where_nothing_was_updated(cli: Cli) -> None:
    picasso(created="2026-01-02")
    assert "2026-01-02" in line_of("pablo-picasso", cli("artists").out)


def test_ones_own_pictures(cli: Cli) -> None:
    Path("corpora/anna-ancher").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save("corpora/anna-ancher/a.png")
    Path("corpora/empty").mkdir()
    out = cli("artists").out
    assert "your own pictures" in line_of("anna-ancher", out)
    assert line_of("anna-ancher", out).split()[3] == "1"
    assert line_of("empty", out).split()[2] == "0"


@pytest.mark.parametrize(
    ("head", "works", "reason"),
    [
        ("{", "", "not JSON"),
        ("[]", "", "not a JSON object"),
        ('{"format": 99}', "", "upgrade artist-nst"),
        ("{}", "{}\n", "no id"),
        ("{}", '{"id": "a", "title": "A", "file": "../../a.jpg"}\n', "outside"),
    ],
)
def test_a_damaged_corpus_does_not_stop_the_list(
    cli: Cli, head: str, works: str, reason: str
) -> None:
    picasso()
    folder = Path("corpora/damaged")
    folder.mkdir()
    (folder / "corpus.json").write_text(head)
    (folder / "works.jsonl").write_text(works)
    Path("a.jpg").write_text("")
    ran = cli("artists")
    assert ran.code == 0
    assert "unusable: " in line_of("damaged", ran.out)
    assert reason in line_of("damaged", ran.out)
    assert "Pablo Picasso" in ran.out


def test_odd_values_of_a_manifest(cli: Cli) -> None:
    folder = picasso()
    head = {"artist": "[bold]\x1b[31mX\nY :cat:", "source": 7, "updated": ["now"]}
    (folder / "corpus.json").write_text(json.dumps(head))
    with (folder / "works.jsonl").open("a") as lines:
        lines.write('{"id": "a", "title": "A", "file": "images/a.jpg", "bytes": "?"}\n')
    out = cli("artists").out
    assert "[bold] [31mX Y :cat:" in line_of("pablo-picasso", out)
    assert "\x1b" not in out


def test_on_a_narrow_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    picasso(updated="2026-11-21T12:30:00Z")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "70")
    out = cli("artists").out
    assert "2026-11-21" not in out
    assert "pablo-picasso" in out
    assert max(map(len, out.splitlines()[1:])) <= 70  # but the head, which is bold
    monkeypatch.setenv("COLUMNS", "120")
    assert "2026-11-21" in cli("artists").out


def test_a_reader_who_has_enough(tmp_path: Path) -> None:
    """``artist-nst artists | head -0``"""
    code = "from artist_nst.__main__ import main; main()"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", code, "artists", "-q"],
        stdout=writing,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        check=False,
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 0


def test_imports_little() -> None:
    heavy = ("torch", "numpy", "scipy", "skimage", "PIL", "requests")
    code = (
        "import sys; from artist_nst.cli import run; run(['artists'])\n"
        f"print('loaded', *(name for name in {heavy} if name in sys.modules))"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded"


def test_a_file_for_the_folder(cli: Cli) -> None:
    Path("file").touch()
    ran = cli("artists", "--corpora", "file")
    assert ran.code == 2
    assert "file is a file, not a folder" in ran.line
    assert ran.out == ""
    ran = cli("doctor", "--corpora", "file")
    assert ran.code == 0
    assert "unusable: file is a file" in ran.out
    assert "not there yet" not in ran.out


@pytest.mark.parametrize(
    "command", ["artists", "doctor", "works x", "forget x -y", "adopt . -A x"]
)
def test_an_empty_name_for_the_folder(cli: Cli, command: str) -> None:
    picasso().rename("x")
    ran = cli(*command.split(), "--corpora", "")
    assert ran.code == 2
    assert "--corpora is empty" in ran.line
    assert len(list(Path("x/images").iterdir())) == 2


def test_doctor_counts_thousands(cli: Cli) -> None:
    folder = Path("corpora/anna-ancher")
    folder.mkdir(parents=True)
    for number in range(1166):
        (folder / f"{number}.png").touch()
    assert "1,166 works" in line_of("anna-ancher", cli("doctor").out)
