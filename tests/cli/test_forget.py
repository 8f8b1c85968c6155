"""``artist-nst forget``: asks, deletes, and says what it kept."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import pytest

from artist_nst.corpus import forget as library
from artist_nst.corpus.manifest import lock_corpus, open_manifest
from artist_nst.corpus.works import Work, get_packaged_corpora
from tests.cli.conftest import Cli

DESCRIPTION = "2 pictures (1.2 kB) of Joan Miró in corpora/joan-miro"


@pytest.fixture
def folder(cli: Cli) -> Path:
    """Joan Miró's corpus of two pictures, in the current folder."""
    del cli
    folder = Path("corpora/joan-miro")
    about = {"slug": "joan-miro", "artist": "Joan Miró", "source": "a test"}
    with open_manifest(folder, **about) as manifest:
        for id in ("a", "b"):
            manifest.append(Work(id, f"Title of {id}", file=f"images/{id}.jpg"))
            (folder / "images" / f"{id}.jpg").write_bytes(bytes(600))
    return folder


def count_pictures(folder: Path) -> int:
    return len(list(folder.rglob("*.jpg")))


def answer(monkeypatch: pytest.MonkeyPatch, agreed: bool) -> list[str]:
    """Answer every question at a terminal; returns the questions."""
    questions: list[str] = []

    def confirm(question: str, **_: Any) -> bool:
        questions.append(question)
        return agreed

    monkeypatch.setattr("typer.confirm", confirm)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    return questions


def test_yes(cli: Cli, folder: Path) -> None:
    ran = cli("forget", "miro", "--yes")
    assert (ran.code, ran.out, ran.err) == (0, "", f"deleted {DESCRIPTION}\n")
    assert not folder.exists()
    assert cli("forget", "miro", "--yes").code == 2


def test_quiet(cli: Cli, folder: Path) -> None:
    ran = cli("forget", "joan-miro", "-y", "-q")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert not folder.exists()


@pytest.mark.parametrize("agreed", [True, False])
def test_the_question(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, agreed: bool
) -> None:
    questions = answer(monkeypatch, agreed)
    ran = cli("forget", "miro")
    (question,) = questions
    assert DESCRIPTION in question
    assert folder.exists() == (not agreed)
    assert ran.code == (0 if agreed else 1)
    if not agreed:
        assert "nothing of Joan Miró was deleted" in ran.line
        assert count_pictures(folder) == 2


def test_without_a_terminal(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    ran = cli("forget", "miro")
    assert ran.code == 2
    assert "--yes" in ran.line
    assert "2 pictures" in ran.line
    assert count_pictures(folder) == 2


def test_what_is_kept_is_named(cli: Cli, folder: Path) -> None:
    for number in range(5):
        (folder / f"note-{number}.txt").write_text("mine")
    ran = cli("forget", "miro", "--yes")
    assert ran.code == 0
    assert "note-0.txt, note-1.txt, note-2.txt and 2 more" in ran.err
    assert len(list(folder.iterdir())) == 5


def test_an_empty_folder_is_kept(cli: Cli, folder: Path) -> None:
    (folder / "sketches").mkdir()
    assert "empty folders" in cli("forget", "miro", "--yes").err
    assert (folder / "sketches").exists()


@pytest.mark.usefixtures("folder")
def test_another_folder_of_corpora(cli: Cli) -> None:
    shutil.move("corpora", "elsewhere")
    assert cli("forget", "miro", "--yes").code == 2
    assert cli("forget", "miro", "--yes", "--corpora", "elsewhere").code == 0
    assert not Path("elsewhere/joan-miro").exists()


@pytest.mark.usefixtures("folder")
def test_unknown_names(cli: Cli) -> None:
    for name in ("picasso", "picaso", "J", "../here", "葛飾北斎"):
        ran = cli("forget", name, "--yes")
        assert ran.code == 2
        assert "joan-miro" in ran.line
        # An artist to forget need not be fetched.
        assert "fetch" not in ran.line


def test_procedural(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    questions = answer(monkeypatch, True)
    ran = cli("forget", "procedural")
    assert ran.code == 2
    assert not questions
    assert count_pictures(get_packaged_corpora() / "procedural") == 8


def test_ones_own_pictures(cli: Cli) -> None:
    Path("corpora/mine").mkdir(parents=True)
    Path("corpora/mine/a.jpg").write_text("mine")
    ran = cli("forget", "mine", "--yes")
    assert ran.code == 2
    assert "yourself" in ran.line
    assert Path("corpora/mine/a.jpg").exists()


def test_a_link(cli: Cli, folder: Path) -> None:
    folder.rename("moved")
    folder.symlink_to(Path("moved").resolve())
    ran = cli("forget", "miro", "--yes")
    assert ran.code == 2
    assert str(Path("moved").resolve()) in ran.line
    assert count_pictures(Path("moved")) == 2


def test_while_a_fetch_runs(cli: Cli, folder: Path) -> None:
    with lock_corpus(folder):
        ran = cli("forget", "miro", "--yes")
    assert ran.code == 1
    assert "another artist-nst" in ran.line
    assert count_pictures(folder) == 2


@pytest.mark.usefixtures("folder")
def test_ctrl_c(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> tuple[Path, ...]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(library, "forget", interrupt)
        ran = cli("forget", "miro", "--yes")
    assert ran.code == 130
    assert "partly deleted" in ran.line
    assert cli("forget", "miro", "--yes").code == 0


class Terminal(io.StringIO):
    """A terminal on which nobody types an answer, but presses a key."""

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
    # On its own line, after the question's.
    assert ran.line == "artist-nst: interrupted; nothing was deleted"
    assert ran.err.splitlines()[0].endswith("[y/N]:")
    assert count_pictures(folder) == 2


# A damaged manifest


@pytest.mark.parametrize("file", ["corpus.json", "works.jsonl"])
def test_damaged(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    (folder / file).write_text("{\n")
    (folder / "images" / ".c.jpg.part").write_text("half")
    (folder / ".works.jsonl.part").write_text("half")
    line = cli("works", "miro").line
    for word in (file, "not JSON", "`artist-nst forget joan-miro`"):
        assert word in line
    questions = answer(monkeypatch, True)
    assert cli("forget", "miro").code == 0
    assert "2 pictures (1.2 kB) of Joan Mir" in questions[0]
    assert "manifest is damaged" in questions[0]
    assert not folder.exists()


def test_damaged_with_other_files(cli: Cli, folder: Path) -> None:
    (folder / "corpus.json").write_text("")
    (folder / "images" / "more").mkdir()
    others = ["images/more/mine.jpg", "images/notes.txt", "mine.jpg"]
    for name in others:
        (folder / name).write_text("mine")
    ran = cli("forget", "miro", "-y")
    assert ran.code == 0
    assert ", ".join(others) in ran.err
    kept = [path for path in folder.rglob("*") if path.is_file()]
    assert sorted(str(path.relative_to(folder)) for path in kept) == others


def test_from_a_newer_version_is_not_damaged(cli: Cli, folder: Path) -> None:
    (folder / "corpus.json").write_text('{"format": 99}')
    ran = cli("forget", "joan-miro", "-y")
    assert ran.code == 1
    assert "upgrade" in ran.line
    assert count_pictures(folder) == 2
