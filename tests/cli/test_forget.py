"""``artist-nst forget``: asks, deletes, and says what stays."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer

from artist_nst.corpus import forget as library
from artist_nst.corpus.manifest import open_manifest, lock_corpus
from artist_nst.corpus.works import Work, get_packaged_corpora
from tests.cli.conftest import Cli


@pytest.fixture
def folder(cli: Cli) -> Path:  # noqa: ARG001 - it goes to an empty folder
    """Joan Miró's corpus of two pictures."""
    folder = Path("corpora/joan-miro")
    with open_manifest(folder, slug="joan-miro", artist="Joan Miró", source="a test") as one:
        for id in ("a", "b"):
            one.append(Work(id, f"Title of {id}", file=f"images/{id}.jpg"))
            (folder / "images" / f"{id}.jpg").write_bytes(bytes(600))
    return folder


def answer(monkeypatch: pytest.MonkeyPatch, yes: bool) -> list[str]:
    """A user at a terminal; what they are asked."""
    asked: list[str] = []

    def confirm(question: str, **_: Any) -> bool:
        asked.append(question)
        return yes

    monkeypatch.setattr("typer.confirm", confirm)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    return asked


def test_yes(cli: Cli, folder: Path) -> None:
    ran = cli("forget", "miro", "--yes")
    assert ran.code == 0
    assert ran.out == ""
    what = "2 pictures (1.2 kB) of Joan Miró in corpora/joan-miro"
    assert ran.err == f"deleted {what}\n"
    assert not folder.exists()
    assert cli("forget", "miro", "--yes").code == 2


def test_quiet(cli: Cli, folder: Path) -> None:
    ran = cli("forget", "joan-miro", "-y", "-q")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert not folder.exists()


@pytest.mark.parametrize("yes", [True, False])
def test_the_question(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, yes: bool
) -> None:
    asked = answer(monkeypatch, yes)
    ran = cli("forget", "miro")
    assert len(asked) == 1
    assert "2 pictures (1.2 kB) of Joan Miró in corpora/joan-miro" in asked[0]
    assert folder.exists() == (not yes)
    if yes:
        assert ran.code == 0
    else:
        assert ran.code == 1
        assert "nothing was deleted" in ran.line
        assert len(list(folder.rglob("*.jpg"))) == 2


def test_an_empty_folder_stays(cli: Cli, folder: Path) -> None:
    (folder / "sketches").mkdir()
    assert "the folder stays" in cli("forget", "miro", "--yes").err


def test_without_a_terminal(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    ran = cli("forget", "miro")
    assert ran.code == 2
    assert "--yes" in ran.line
    assert "2 pictures" in ran.line
    assert len(list(folder.rglob("*.jpg"))) == 2


def test_what_stays_is_said(cli: Cli, folder: Path) -> None:
    for number in range(5):
        (folder / f"note-{number}.txt").write_text("mine")
    ran = cli("forget", "miro", "--yes")
    assert ran.code == 0
    assert "the folder stays" in ran.err
    assert "note-0.txt, note-1.txt, note-2.txt and 2 more" in ran.err
    assert len(list(folder.iterdir())) == 5


@pytest.mark.usefixtures("folder")
def test_elsewhere(cli: Cli) -> None:
    shutil.move("corpora", "elsewhere")
    assert cli("forget", "miro", "--yes").code == 2
    assert cli("forget", "miro", "--yes", "--corpora", "elsewhere").code == 0
    assert not Path("elsewhere/joan-miro").exists()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["picasso", "", "J", "../here"])
def test_nobody_is_called_so(cli: Cli, name: str) -> None:
    ran = cli("forget", name, "--yes")
    assert ran.code == 2
    assert "joan-miro" in ran.line


def test_procedural(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer(monkeypatch, True)
    ran = cli("forget", "procedural")
    assert ran.code == 2
    assert "can't be forgotten" in ran.line
    assert not asked
    assert len(list(get_packaged_corpora().glob("procedural/images/*.jpg"))) == 8


def test_ones_own_pictures(cli: Cli) -> None:
    Path("corpora/mine").mkdir(parents=True)
    Path("corpora/mine/a.jpg").write_text("mine")
    ran = cli("forget", "mine", "--yes")
    assert ran.code == 2
    assert "delete it yourself" in ran.line
    assert Path("corpora/mine/a.jpg").exists()


def test_a_link(cli: Cli, folder: Path) -> None:
    folder.rename("moved")
    folder.symlink_to(Path("moved").resolve())
    ran = cli("forget", "miro", "--yes")
    assert ran.code == 2
    assert str(Path("moved").resolve()) in ran.line
    assert len(list(Path("moved").rglob("*.jpg"))) == 2


def test_while_a_fetch_runs(cli: Cli, folder: Path) -> None:
    with lock_corpus(folder):
        ran = cli("forget", "miro", "--yes")
    assert ran.code == 1
    assert "another artist-nst" in ran.line
    assert len(list(folder.rglob("*.jpg"))) == 2


@pytest.mark.usefixtures("folder")
def test_ctrl_c(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> tuple[Path, ...]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(library, "forget", interrupted)
        ran = cli("forget", "miro", "--yes")
    assert ran.code == 130
    assert "the same command goes on" in ran.line
    assert cli("forget", "miro", "--yes").code == 0


class Terminal(io.StringIO):
    """On which nobody types an answer, but presses a key."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key

    def isatty(self) -> bool:
        return True

    def readline(self, _: int | None = -1) -> str:
        if self.key == "ctrl-c":
            raise KeyboardInterrupt
        return ""  # the end of the input


@pytest.mark.parametrize("key", ["ctrl-c", "ctrl-d"])
def test_no_answer(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(key))
    ran = cli("forget", "miro")
    assert ran.code == 130
    # On a line of its own, after the question's.
    assert ran.line == "artist-nst: interrupted; nothing was deleted"
    assert ran.err.splitlines()[0].endswith("[y/N]:")
    assert len(list(folder.rglob("*.jpg"))) == 2


def test_no_answer_to_any_question(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise typer.Abort

    monkeypatch.setattr("artist_nst.cli.console.set_up", stopped)
    ran = cli("artists")
    assert ran.code == 130
    assert ran.line == "artist-nst: interrupted"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["picaso", "", "葛飾北斎"])
def test_the_unknown_need_not_be_fetched(cli: Cli, name: str) -> None:
    assert "fetch" not in cli("forget", name, "--yes").line


# A damaged manifest


@pytest.mark.parametrize("file", ["corpus.json", "works.jsonl"])
def test_damaged(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    (folder / file).write_text("{\n")
    (folder / "images" / ".c.jpg.part").write_text("half")
    (folder / ".works.jsonl.part").write_text("half")
    line = cli("works", "miro").line
    assert f"{file}" in line
    assert "not JSON" in line
    assert "`artist-nst forget joan-miro`" in line
    asked = answer(monkeypatch, True)
    ran = cli("forget", "miro")
    assert ran.code == 0
    assert "2 pictures (1.2 kB) of Joan Mir" in asked[0]
    assert "its manifest is damaged" in asked[0]
    assert not folder.exists()


def test_damaged_and_what_is_not_ours(cli: Cli, folder: Path) -> None:
    (folder / "corpus.json").write_text("")
    (folder / "images" / "notes.txt").write_text("mine")
    (folder / "mine.jpg").write_text("mine")
    (folder / "images" / "more").mkdir()
    (folder / "images" / "more" / "mine.jpg").write_text("mine")
    ran = cli("forget", "miro", "-y")
    assert ran.code == 0
    assert "the folder stays" in ran.err
    assert sorted(one.name for one in folder.rglob("*") if one.is_file()) == [
        "mine.jpg",
        "mine.jpg",
        "notes.txt",
    ]


def test_from_a_newer_version_is_not_damaged(cli: Cli, folder: Path) -> None:
    (folder / "corpus.json").write_text('{"format": 99}')
    ran = cli("forget", "joan-miro", "-y")
    assert ran.code == 1
    assert "upgrade" in ran.line
    assert len(list(folder.rglob("*.jpg"))) == 2
