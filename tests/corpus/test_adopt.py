"""Adopting: a folder's pictures made a corpus; nothing lost or hurt."""

import errno
import hashlib
import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from artist_nst._files import hash_file
from artist_nst.corpus import adopt as module
from artist_nst.corpus.adopt import AdoptReport, adopt, parse_stem
from artist_nst.corpus.manifest import Manifest, open_manifest
from artist_nst.corpus.works import (
    Corpus,
    Work,
    find_corpus,
    get_packaged_corpora,
    load_corpus,
)
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.verify import Verified
from artist_nst.image.verify import verify_picture as verify
from tests.corpus.conftest import content, counts, draw

NAME = "Anna Ancher"
SLUG = "anna-ancher"


def run(folder: Path, corpora: Path, artist: str = NAME, **more: Any) -> AdoptReport:
    return adopt(folder, artist, corpora, **more)


def corpus_of(corpora: Path) -> Corpus:
    return load_corpus(corpora / SLUG)


def images(corpora: Path) -> list[Path]:
    return sorted((corpora / SLUG / "images").iterdir())


# A folder


def test_adopt(scans: Path, corpora: Path) -> None:
    before = content(scans)
    result = run(scans, corpora)
    assert content(scans) == before
    assert counts(result) == (4, 4, 0, 0, 0)
    assert (result.artist, result.folder) == (NAME, corpora / SLUG)
    corpus = find_corpus("ancher", corpora)
    assert corpus.available == corpus.works
    assert result.bytes == sum(work.bytes or 0 for work in corpus.works)
    titles = [work.title for work in corpus.works]
    assert titles == ["A", "B", "C10", "C9"]
    work = corpus.works[1]
    data = (scans / "b.jpg").read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    assert work == Work(
        id=sha256[:16],
        title="B",
        artist=NAME,
        width=4,
        height=3,
        sha256=sha256,
        file=f"images/{sha256[:16]}_b.jpg",
        bytes=len(data),
    )
    assert corpus.get_path(work).samefile(scans / "b.jpg")
    assert len(images(corpora)) == 4


def test_what_the_manifest_says_of_it(scans: Path, corpora: Path) -> None:
    run(scans, corpora)
    head = json.loads((corpora / SLUG / "corpus.json").read_text("utf-8"))
    assert head["source"] == "adopted from my scans"
    assert (head["slug"], head["artist"]) == (SLUG, NAME)
    assert head["created"] == head["updated"]
    run(scans, corpora)
    again = json.loads((corpora / SLUG / "corpus.json").read_text("utf-8"))
    assert again | {"updated": ""} == head | {"updated": ""}


def test_numbers_are_sorted_as_numbers(tmp_path: Path, corpora: Path) -> None:
    for seed, name in enumerate(["x10.png", "x9.png", "x1/z.png", "x1.png"]):
        draw(tmp_path / "in" / name, seed)
    run(tmp_path / "in", corpora)
    titles = [work.title for work in corpus_of(corpora).works]
    assert titles == ["X1", "Z", "X9", "X10"]


def test_what_is_not_taken(scans: Path, corpora: Path) -> None:
    for name in (".hidden.png", ".thumbs/a.png", "late/._c.webp"):
        draw(scans / name, 9)
    (scans / "notes.txt").write_text("no picture")
    (scans / "album.png").mkdir()
    os.mkfifo(scans / "pipe.png")
    assert counts(run(scans, corpora)) == (4, 4, 0, 0, 0)


def test_suffix_is_that_of_the_format(tmp_path: Path, corpora: Path) -> None:
    draw(tmp_path / "in" / "wrong.JPG", format="PNG")
    run(tmp_path / "in", corpora)
    (path,) = images(corpora)
    assert path.suffix == ".png"


def test_the_same_picture_twice(scans: Path, corpora: Path) -> None:
    (scans / "z again.png").write_bytes((scans / "a.png").read_bytes())
    assert counts(run(scans, corpora)) == (5, 4, 0, 1, 0)
    assert counts(run(scans, corpora)) == (5, 0, 4, 1, 0)
    assert len(images(corpora)) == 4


def test_titles_and_years() -> None:
    for name, title, year in [
        ("starry_night", "Starry Night", None),
        ("starry-night_1889", "Starry Night", "1889"),
        ("Starry Night (1889)", "Starry Night", "1889"),
        ("Starry Night(1889)", "Starry Night", "1889"),
        ("Starry Night, 1889", "Starry Night", "1889"),
        ("1889 - starry night", "Starry Night", "1889"),
        ("(1889) starry night", "Starry Night", "1889"),
        ("olive_trees_1888-1889", "Olive Trees", "1888-1889"),
        ("olive trees (c. 1889)", "Olive Trees", "c. 1889"),
        ("Magic 1900", "Magic", "1900"),
        ("1889", "1889", None),
        ("(1889)", "(1889)", None),
        ("12345", "12345", None),
        ("room 12345", "Room 12345", None),
        ("Composition 10", "Composition 10", None),
        ("IMG_1987", "IMG 1987", None),
        ("scan-2004", "Scan 2004", None),
        ("2024-05-12 beach", "2024 05 12 Beach", None),
        ("the  artist's_MOTHER", "The Artist's MOTHER", None),
        ("睡蓮 1906", "睡蓮", "1906"),
        ("---", "---", None),
    ]:
        work = parse_stem(name)
        assert (work.title, work.year) == (title, year)


def test_names_that_are_no_text(tmp_path: Path, corpora: Path) -> None:
    folder = tmp_path / "in"
    draw(folder / "a.png")
    for number, name in enumerate([b"n\xff.png", b"new\nline\x1b[31m.png"], 1):
        path = os.path.join(os.fsencode(folder), name)
        os.rename(draw(folder / "x.png", number), path)
    draw(folder / "x.png", 9)
    os.rename(folder / "x.png", os.fsencode(folder) + b"/broken\xff\n.png")
    with open(os.fsencode(folder) + b"/broken\xff\n.png", "wb") as file:
        file.write(b"no picture")
    result = run(folder, corpora, "Anna\n\udcff  Ancher\x1b")
    assert counts(result) == (4, 3, 0, 0, 1)
    corpus = load_corpus(result.folder)
    said = [corpus.artist, result.failed[0], *(work.title for work in corpus.works)]
    assert all(text.isprintable() and text.encode() for text in said)
    assert corpus.artist == "Anna ? Ancher"


@pytest.mark.parametrize("artist", ["", "  ", "\n\x00"])
def test_no_name(artist: str, scans: Path, corpora: Path) -> None:
    with pytest.raises(UsageError, match="--artist is empty"):
        run(scans, corpora, artist)


def test_a_name_in_other_letters(scans: Path, corpora: Path) -> None:
    result = run(scans, corpora, "葛飾北斎")
    assert result.folder.name.startswith("works-of-")
    assert counts(run(scans, corpora, "葛飾北斎")) == (4, 0, 4, 0, 0)


def test_progress(scans: Path, corpora: Path) -> None:
    told: list[tuple[int, int, str]] = []
    run(scans, corpora, on_progress=lambda *one: told.append(one))
    assert told == [
        (0, 4, ""),
        (1, 4, "a.png"),
        (2, 4, "b.jpg"),
        (3, 4, "c10.tif"),
        (4, 4, "late/c9.webp"),
    ]


# Links and copies


def test_copy(scans: Path, corpora: Path) -> None:
    run(scans, corpora, copy=True)
    corpus = corpus_of(corpora)
    path = corpus.get_path(corpus.works[0])
    assert not path.samefile(scans / "a.png")
    assert path.read_bytes() == (scans / "a.png").read_bytes()
    assert path.stat().st_nlink == (scans / "a.png").stat().st_nlink == 1


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM, errno.ENOTSUP])
def test_copies_where_links_cannot_be_made(
    number: int, scans: Path, corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    assert counts(run(scans, corpora)) == (4, 4, 0, 0, 0)
    corpus = corpus_of(corpora)
    assert all(corpus.get_path(work).stat().st_nlink == 1 for work in corpus.available)
    assert counts(run(scans, corpora)) == (4, 0, 4, 0, 0)


def test_a_copy_asked_for_later(scans: Path, corpora: Path) -> None:
    run(scans, corpora)
    result = run(scans, corpora, copy=True)
    assert counts(result) == (4, 4, 0, 0, 0)
    assert (scans / "a.png").stat().st_nlink == 1
    assert counts(run(scans, corpora)) == (4, 0, 4, 0, 0)


def test_symbolic_links(tmp_path: Path, corpora: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "out"
    draw(folder / "a.png", 1)
    draw(outside / "real.png", 2)
    draw(outside / "not followed.png", 3)
    (folder / "b.png").symlink_to(outside / "real.png")
    (folder / "loop").symlink_to(folder)
    (folder / "elsewhere").symlink_to(outside)
    (folder / "gone.png").symlink_to("nowhere.png")
    (folder / "self.png").symlink_to("self.png")
    result = run(folder, corpora)
    assert counts(result) == (4, 2, 0, 0, 2)
    assert sorted(reason.split()[0] for reason in result.failed) == [
        "gone.png",
        "self.png",
    ]
    assert all(path.is_file() and not path.is_symlink() for path in images(corpora))
    corpus = corpus_of(corpora)
    assert len(corpus.available) == 2
    assert corpus.get_path(corpus.works[1]).samefile(outside / "real.png")


def test_a_linked_folder_is_adopted(scans: Path, tmp_path: Path, corpora: Path) -> None:
    (tmp_path / "link").symlink_to(scans)
    assert counts(run(tmp_path / "link", corpora)) == (4, 4, 0, 0, 0)


def test_a_picture_that_changes_while_it_is_copied(
    scans: Path, corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meddling(path: Path, **options: Any) -> Verified:
        seen = verify(path, **options)
        if path.name == "a.png":
            draw(path, 77)
        return seen

    with monkeypatch.context() as patched:
        patched.setattr(module, "verify_picture", meddling)
        result = run(scans, corpora, copy=True)
    assert counts(result) == (4, 3, 0, 0, 1)
    assert "a.png was changed while it was read" in result.failed[0]
    assert len(images(corpora)) == 3
    assert counts(run(scans, corpora, copy=True)) == (4, 1, 3, 0, 0)


# Again


def test_again_adds_what_is_new(scans: Path, corpora: Path) -> None:
    run(scans, corpora)
    before = content(corpora)
    assert counts(run(scans, corpora)) == (4, 0, 4, 0, 0)
    assert content(corpora) == before
    draw(scans / "a2.png", 9)
    assert counts(run(scans, corpora)) == (5, 1, 4, 0, 0)
    titles = [work.title for work in corpus_of(corpora).available]
    assert titles == ["A", "A2", "B", "C10", "C9"]


def test_nothing_is_decoded_twice(
    scans: Path, corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(scans, corpora)
    monkeypatch.delattr(module, "verify_picture")
    assert counts(run(scans, corpora)) == (4, 0, 4, 0, 0)


@pytest.mark.parametrize("copy", [False, True])
def test_missing_and_damaged_files_are_put_back(
    copy: bool, scans: Path, corpora: Path
) -> None:
    run(scans, corpora, copy=True)
    before = content(corpora)
    first, second, *_ = images(corpora)
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1] + b"!")
    assert counts(run(scans, corpora, copy=copy)) == (4, 2, 2, 0, 0)
    assert content(corpora) == before


def test_what_was_said_by_hand_is_kept(scans: Path, corpora: Path) -> None:
    run(scans, corpora)
    path = corpora / SLUG / "works.jsonl"
    text = path.read_text("utf-8").replace('"title": "A"', '"title": "Harvesters"')
    path.write_text(text, "utf-8")
    run(scans, corpora)
    assert corpus_of(corpora).available[0].title == "Harvesters"
    images(corpora)[0].unlink()
    assert counts(run(scans, corpora)) == (4, 1, 3, 0, 0)
    assert corpus_of(corpora).available[0].title == "Harvesters"


def test_originals_that_are_gone_leave_their_works(scans: Path, corpora: Path) -> None:
    run(scans, corpora)
    (scans / "b.jpg").unlink()
    assert counts(run(scans, corpora)) == (3, 0, 3, 0, 0)
    assert len(corpus_of(corpora).available) == 4


def test_two_folders_of_one_artist(scans: Path, tmp_path: Path, corpora: Path) -> None:
    run(scans, corpora)
    for seed, name in enumerate(["a1.png", "a2.png"], 20):
        draw(tmp_path / "more" / name, seed)
    assert counts(run(tmp_path / "more", corpora)) == (2, 2, 0, 0, 0)
    order = [work.id for work in corpus_of(corpora).available]
    assert [work.title for work in corpus_of(corpora).available][4:] == ["A1", "A2"]
    run(scans, corpora)
    assert [work.id for work in corpus_of(corpora).available] == order
    draw(scans / "d.png", 30)
    run(scans, corpora)
    titles = [work.title for work in corpus_of(corpora).available]
    assert titles == ["A", "B", "C10", "D", "C9", "A1", "A2"]


def test_an_original_edited_in_place_is_not_there_twice(
    scans: Path, corpora: Path
) -> None:
    run(scans, corpora)
    with open(scans / "a.png", "r+b") as file:
        file.write(draw(scans.parent / "new.png", 99).read_bytes())
    assert counts(run(scans, corpora)) == (4, 1, 3, 0, 0)
    corpus = corpus_of(corpora)
    assert [work.title for work in corpus.works] == ["A", "B", "C10", "C9"]
    assert len(images(corpora)) == 4
    assert (scans / "a.png").stat().st_nlink == 2
    for work in corpus.available:
        data = corpus.get_path(work).read_bytes()
        assert hashlib.sha256(data).hexdigest() == work.sha256


# What fails


def test_broken_pictures(scans: Path, corpora: Path) -> None:
    (scans / "b.jpg").write_bytes((scans / "b.jpg").read_bytes()[:200])
    (scans / "late/c9.webp").write_bytes(b"")
    result = run(scans, corpora)
    assert counts(result) == (4, 2, 0, 0, 2)
    assert result.failed[0].startswith("b.jpg cannot be read: ")
    assert result.failed[1].startswith("late/c9.webp cannot be read: ")
    corpus = corpus_of(corpora)
    assert [work.status for work in corpus.works] == ["ok", "failed", "ok", "failed"]
    failed = corpus.works[1]
    assert failed.reason == result.failed[0]
    assert failed.file is None
    assert failed.bytes is None
    assert len(corpus.available) == len(images(corpora)) == 2
    assert str(scans) not in (corpora / SLUG / "works.jsonl").read_text("utf-8")


def test_mended_pictures_are_failed_no_more(scans: Path, corpora: Path) -> None:
    whole = (scans / "b.jpg").read_bytes()
    (scans / "b.jpg").write_bytes(whole[:200])
    assert counts(run(scans, corpora)) == (4, 3, 0, 0, 1)
    assert counts(run(scans, corpora)) == (4, 0, 3, 0, 1)
    (scans / "b.jpg").write_bytes(whole)
    assert counts(run(scans, corpora)) == (4, 1, 3, 0, 0)
    corpus = corpus_of(corpora)
    assert [work.title for work in corpus.works] == ["A", "B", "C10", "C9"]
    assert corpus.available == corpus.works


def test_a_picture_too_large_until_the_limit_is_raised(
    scans: Path, corpora: Path
) -> None:
    draw(scans / "a.png", 1, size=(50, 40))
    result = run(scans, corpora, max_pixels=1000)
    assert result.failed[0].startswith("a.png cannot be read")
    assert "--max-pixels" in result.failed[0]
    assert counts(run(scans, corpora)) == (4, 1, 3, 0, 0)
    assert len(corpus_of(corpora).available) == 4


def test_an_unreadable_picture(
    scans: Path, corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read all, so that permissions are no test."""

    def refuse(path: Path) -> str:
        if path.name == "a.png":
            raise ArtistNstError(f"{path} cannot be read: permission denied")
        return hash_file(path)

    monkeypatch.setattr(module, "hash_file", refuse)
    result = run(scans, corpora)
    assert counts(result) == (4, 3, 0, 0, 1)
    assert result.failed[0].startswith("a.png cannot be read: permission denied")
    assert len(corpus_of(corpora).works) == 3


def unreadable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def scandir(path: Any) -> Any:
        if not isinstance(path, int) and Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)


def test_an_unreadable_folder(
    scans: Path,
    corpora: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    unreadable(scans, monkeypatch)
    with pytest.raises(ArtistNstError, match="no pictures"):
        run(scans, corpora)
    assert f"{scans} cannot be read (Permission denied)" in caplog.text


def test_an_unreadable_folder_below(
    scans: Path,
    corpora: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    unreadable(scans / "late", monkeypatch)
    assert counts(run(scans, corpora)) == (3, 3, 0, 0, 0)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert str(scans / "late") in record.getMessage()


def test_no_pictures(tmp_path: Path, corpora: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(ArtistNstError, match=r"no pictures in it .*\.jpg") as caught:
        run(tmp_path / "in", corpora)
    assert not isinstance(caught.value, UsageError)
    assert not corpora.exists()


@pytest.mark.parametrize(
    ("name", "why"), [("none", "no such folder"), ("a.png", "is a file")]
)
def test_no_folder(name: str, why: str, scans: Path, corpora: Path) -> None:
    with pytest.raises(UsageError, match=why):
        run(scans / name, corpora)
    assert not corpora.exists()


def test_corpora_that_are_a_file(scans: Path, corpora: Path) -> None:
    corpora.write_text("mine")
    with pytest.raises(ArtistNstError, match="--corpora"):
        run(scans, corpora)
    assert corpora.read_text() == "mine"


@pytest.mark.parametrize("copy", [False, True])
def test_a_full_disk(
    copy: bool, scans: Path, corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = os.replace, 0

    def full(source: Any, target: Any) -> None:
        nonlocal asked
        if Path(target).parent.name == "images":
            asked += 1
            if asked == 3:
                raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        with pytest.raises(ArtistNstError, match="no space left"):
            run(scans, corpora, copy=copy)
    assert len(corpus_of(corpora).available) == 2
    assert counts(run(scans, corpora, copy=copy)) == (4, 2, 2, 0, 0)
    assert len(images(corpora)) == 4


# Where it may not go


def fetched(folder: Path) -> Path:
    address = "https://www.wikiart.org/en/anna-ancher"
    with open_manifest(folder, slug=SLUG, artist=NAME, source=address) as manifest:
        manifest.append(Work("57", "Harvesters", status="pending"))
    return folder


def test_never_into_what_was_fetched(scans: Path, corpora: Path) -> None:
    before = content(fetched(corpora / SLUG))
    with pytest.raises(UsageError, match=r"was fetched from https://.*--artist"):
        run(scans, corpora)
    assert content(corpora / SLUG) == before


def test_never_into_the_packaged_corpus(scans: Path) -> None:
    with pytest.raises(UsageError, match="comes with artist-nst; choose another name"):
        run(scans, get_packaged_corpora(), "Procedural")
    with pytest.raises(UsageError, match="comes with artist-nst; choose another name"):
        run(scans, scans.parent / "c", "Procedural")
    assert not (scans.parent / "c").exists()


def test_never_into_a_folder_of_the_users_own(scans: Path, corpora: Path) -> None:
    draw(corpora / SLUG / "mine.png")
    before = content(corpora)
    with pytest.raises(UsageError, match=r"a corpus already.*choose another --artist"):
        run(scans, corpora)
    assert content(corpora) == before


def test_a_folder_with_other_things_is_used(scans: Path, corpora: Path) -> None:
    (corpora / SLUG).mkdir(parents=True)
    (corpora / SLUG / "notes.txt").write_text("mine")
    assert counts(run(scans, corpora)) == (4, 4, 0, 0, 0)
    assert (corpora / SLUG / "notes.txt").read_text() == "mine"


def test_never_out_of_itself(scans: Path, corpora: Path) -> None:
    plain = draw(corpora / SLUG / "a.png").parent
    with pytest.raises(UsageError, match=r"is the corpus .*another --artist"):
        run(plain, corpora)
    run(scans, corpora, "Michael Ancher")
    before = content(corpora)
    for folder in (corpora / "michael-ancher" / "images", corpora, corpora.parent):
        with pytest.raises(UsageError, match=r"inside the other.*--corpora"):
            run(folder, corpora, "Michael Ancher")
    assert content(corpora) == before
    # Another artist's corpus may be adopted like any folder.
    assert counts(run(corpora / SLUG, corpora, "Helga Ancher")) == (1, 1, 0, 0, 0)


def test_while_another_process_works_on_it(scans: Path, corpora: Path) -> None:
    folder = corpora / SLUG
    with (
        open_manifest(folder, slug=SLUG, artist=NAME, source="adopted from x"),
        pytest.raises(ArtistNstError, match="another artist-nst is working"),
    ):
        run(scans, corpora)


# Ctrl-C and worse


@pytest.mark.parametrize("copy", [False, True])
@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(
    "place", ["verify", "append", "after append", "rewrite", "update_header"]
)
def test_ctrl_c_anywhere(
    place: str,
    number: int,
    copy: bool,
    scans: Path,
    corpora: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = 0

    def interrupting(real: Callable[..., Any], after: bool = False) -> Any:
        def called(*given: Any, **more: Any) -> Any:
            nonlocal asked
            asked += 1
            if asked == number and not after:
                raise KeyboardInterrupt
            result = real(*given, **more)
            if asked == number:
                raise KeyboardInterrupt
            return result

        return called

    with monkeypatch.context() as patched:
        if place == "verify":
            patched.setattr(module, "verify_picture", interrupting(verify))
        else:
            name = place.removeprefix("after ")
            real = getattr(Manifest, name)
            patched.setattr(Manifest, name, interrupting(real, place != name))
        try:
            run(scans, corpora, copy=copy)
            interrupted = False
        except KeyboardInterrupt:
            interrupted = True
    assert interrupted or asked < number
    run(scans, corpora, copy=copy)
    run(scans, corpora.parent / "undisturbed", copy=copy)
    assert content(corpora) == content(corpora.parent / "undisturbed")


ADOPT = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1]]
from tests.corpus.test_adopt import run
print("ready", flush=True)
run(Path(sys.argv[2]), Path(sys.argv[3]), copy=sys.argv[4] == "copy")
"""


@pytest.mark.parametrize("how", ["link", "copy"])
def test_kill_9_and_again(how: str, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    rng = random.Random(how)
    for number in range(40):
        path = folder / f"wheat field {number} (1888).png"
        path.parent.mkdir(exist_ok=True)
        Image.frombytes("RGB", (180, 120), rng.randbytes(64800)).save(path)
    (folder / "broken.png").write_bytes(b"no picture")
    root = Path(__file__).resolve().parents[2]

    def begun(corpora: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", ADOPT, root, folder, corpora, how]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    with begun(tmp_path / "undisturbed") as process:
        assert process.wait() == 0
    corpora = tmp_path / "corpora"
    lines, reached = corpora / SLUG / "works.jsonl", []
    for enough in (0, *sorted(rng.sample(range(1, 35), 3))):
        with begun(corpora) as process:
            while process.poll() is None and line_count(lines) < enough:
                time.sleep(0.0005)
            time.sleep(rng.uniform(0, 0.002))
            process.send_signal(signal.SIGKILL)
        reached.append(line_count(lines))
        if enough:
            corpus = corpus_of(corpora)
            assert all(verify(corpus.get_path(work)) for work in corpus.available)
    assert any(0 < count < 40 for count in reached), reached
    with begun(corpora) as process:
        assert process.wait() == 0
    assert content(corpora) == content(tmp_path / "undisturbed")
    assert len(corpus_of(corpora).available) == 40


def line_count(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0
