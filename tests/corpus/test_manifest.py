"""The manifest while it is written, and after a crash."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from artist_nst.corpus.manifest import Manifest, encode_work, open_manifest
from artist_nst.corpus.works import FORMAT, Work, load_corpus
from artist_nst.errors import ArtistNstError


def works(count: int) -> list[Work]:
    return [Work(id=f"work-{n}", title=f"No. {n}") for n in range(count)]


def begin(folder: Path, *listed: Work) -> None:
    with open_manifest(folder, slug="a", artist="A", source="here") as manifest:
        manifest.rewrite(listed)


def titles(folder: Path) -> list[str]:
    return [work.title for work in load_corpus(folder).works]


def test_a_corpus_is_begun(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "a"
    begin(folder, *works(2))
    head = json.loads((folder / "corpus.json").read_text())
    assert head == {"format": FORMAT, "slug": "a", "artist": "A", "source": "here"}
    assert titles(folder) == ["No. 0", "No. 1"]
    assert (folder / "images").is_dir()


def test_what_is_put_last_wins_and_keeps_its_place(tmp_path: Path) -> None:
    one, two = works(2)
    begin(tmp_path, one, two)
    with open_manifest(tmp_path, slug="a", artist="A", source="here") as manifest:
        manifest.append(replace(one, title="New"))
        assert titles(tmp_path) == ["New", "No. 1"]
        assert manifest.corpus.works[0].title == "New"
        assert (tmp_path / "works.jsonl").read_bytes().count(b"\n") == 3
        manifest.rewrite(manifest.works.values())
    assert (tmp_path / "works.jsonl").read_bytes().count(b"\n") == 2
    assert titles(tmp_path) == ["New", "No. 1"]


def test_appending_after_a_cut_off_line(tmp_path: Path) -> None:
    begin(tmp_path, *works(1))
    with open(tmp_path / "works.jsonl", "ab") as file:
        file.write(b'{"id": "half", "ti')
    with open_manifest(tmp_path, slug="a", artist="A", source="here") as manifest:
        manifest.append(Work(id="new", title="New"))
    assert titles(tmp_path) == ["No. 0", "New"]


def test_a_last_line_without_its_break_is_kept(tmp_path: Path) -> None:
    begin(tmp_path, *works(2))
    manifest = tmp_path / "works.jsonl"
    manifest.write_bytes(manifest.read_bytes().rstrip(b"\n"))
    with open_manifest(tmp_path, slug="a", artist="A", source="here") as held:
        held.append(Work(id="new", title="New"))
    assert titles(tmp_path) == ["No. 0", "No. 1", "New"]


def test_leftovers_are_cleared_away(tmp_path: Path) -> None:
    begin(tmp_path)
    parts = [tmp_path / ".corpus.json.part", tmp_path / "images" / ".abc.part"]
    for path in parts:
        path.write_bytes(b"half")
    begin(tmp_path)
    assert not any(path.exists() for path in parts)


def test_one_at_a_time(tmp_path: Path) -> None:
    begin(tmp_path)
    code = (
        "import sys; from pathlib import Path; "
        "from artist_nst.corpus.manifest import open_manifest\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "with open_manifest(folder, slug='a', artist='A', source='here'):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(ArtistNstError, match="another artist-nst is working on"):
            begin(tmp_path)
        other.send_signal(signal.SIGKILL)
        other.wait()
    begin(tmp_path, *works(1))
    assert titles(tmp_path) == ["No. 0"]


def test_a_newer_format_is_left_alone(tmp_path: Path) -> None:
    begin(tmp_path, *works(1))
    head = tmp_path / "corpus.json"
    head.write_text(json.dumps({"format": FORMAT + 1}))
    before = {path: path.read_bytes() for path in tmp_path.glob("*.json*")}
    with pytest.raises(ArtistNstError, match="upgrade artist-nst"):
        begin(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.glob("*.json*")} == before


def test_a_folder_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtistNstError, match=r"a file in place.*--corpora"):
        begin(tmp_path / "file" / "a")
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(ArtistNstError, match="permission denied"):
        begin(tmp_path / "b")
    tmp_path.chmod(stat.S_IRWXU)


def test_a_full_disk_leaves_whole_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(tmp_path, *works(1))
    real = os.write

    def full(descriptor: int, content: bytes) -> int:
        if len(content) > 20:
            return real(descriptor, content[:20])
        raise OSError(28, "No space left on device")

    with open_manifest(tmp_path, slug="a", artist="A", source="here") as manifest:
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(ArtistNstError, match="no space left on the disk"):
            manifest.append(Work(id="ab", title=""))
        monkeypatch.undo()
    assert titles(tmp_path) == ["No. 0"]
    assert (tmp_path / "works.jsonl").read_bytes().endswith(b"\n")


@pytest.mark.parametrize("title", ["U+2028 \u2028", "lone \ud800", "é", "\n\r\0"])
def test_any_title_comes_back(tmp_path: Path, title: str) -> None:
    work = Work(id="a", title=title)
    assert encode_work(work).count(b"\n") == 1
    begin(tmp_path, work)
    assert load_corpus(tmp_path).works == (work,)


def test_a_manifest_is_a_corpus(tmp_path: Path) -> None:
    head = {"slug": "a", "artist": "A"}
    corpus = Manifest(tmp_path, head, works(2)).corpus
    assert (corpus.slug, corpus.artist) == ("a", "A")
    assert corpus.works == tuple(works(2))


def test_a_corpus_that_got_no_works_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    with (
        pytest.raises(KeyboardInterrupt),
        open_manifest(folder, slug="a", artist="A", source="here"),
    ):
        raise KeyboardInterrupt
    assert not folder.exists()
    begin(folder, *works(1))
    with (
        pytest.raises(KeyboardInterrupt),
        open_manifest(folder, slug="a", artist="A", source="here"),
    ):
        raise KeyboardInterrupt
    assert titles(folder) == ["No. 0"]
