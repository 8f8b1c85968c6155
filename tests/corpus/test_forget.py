"""What forgetting deletes, what it leaves, and what it refuses."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from artist_nst.corpus.forget import find_owned_pictures, forget
from artist_nst.corpus.manifest import encode_work, lock_corpus, open_manifest
from artist_nst.corpus.works import Corpus, Work, get_packaged_corpora, load_corpus
from artist_nst.errors import ArtistNstError, UsageError


def corpus(folder: Path, files: dict[str, str | None] | None = None) -> Corpus:
    """A corpus of two pictures, or with those files for those ids."""
    given = {"a": "images/a.jpg", "b": "images/b.jpg"} if files is None else files
    source = {"slug": folder.name, "artist": "Joan Miró", "source": "a test"}
    with open_manifest(folder, **source) as manifest:
        for id, file in given.items():
            manifest.append(Work(id, f"Title of {id}", file=file))
    for id, file in given.items():
        if file and not os.path.lexists(folder / file):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(id.encode() * 10)
    return load_corpus(folder)


def left(folder: Path) -> set[str]:
    return {one.relative_to(folder).as_posix() for one in folder.rglob("*")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "corpora" / "joan-miro"


def test_all_that_is_ours_goes(folder: Path) -> None:
    found = corpus(folder, {"a": "images/a.jpg", "b": "images/b/b.jpg", "c": None})
    (folder / ".works.jsonl.part").write_text("half")
    (folder / "images" / ".a.part").write_text("half")
    ours = find_owned_pictures(found)
    assert [path.name for path in ours] == ["a.jpg", "b.jpg"]
    assert forget(found) == ()
    assert not folder.exists()
    assert folder.parent.is_dir()


def test_what_others_put_there_stays(folder: Path) -> None:
    found = corpus(folder)
    (folder / "notes.txt").write_text("mine")
    (folder / "images" / "own.jpg").write_text("mine")
    (folder / "images" / ".hidden").write_text("mine")
    (folder / "sketches").mkdir()
    names = {one.relative_to(folder).as_posix() for one in forget(found)}
    assert names == {"notes.txt", "images/own.jpg", "images/.hidden"}
    assert left(folder) == names | {"images", "sketches"}


def test_a_folder_named_in_a_roundabout_way(folder: Path) -> None:
    corpus(folder, {"a": "images/deep/er/a.jpg", "b": "images/./deep//b.jpg"})
    found = load_corpus(folder.parent / ".." / "corpora" / folder.name)
    assert len(find_owned_pictures(found)) == 2
    assert forget(found) == ()
    assert not folder.exists()


def test_an_empty_folder_of_others_keeps_the_corpuss(folder: Path) -> None:
    found = corpus(folder)
    (folder / "sketches").mkdir()
    assert forget(found) == ()
    assert left(folder) == {"sketches"}


def test_a_work_is_not_deleted_outside_of_images(folder: Path) -> None:
    found = corpus(
        folder, {"a": "images/a.jpg", "b": "b.jpg", "c": "images/../c.jpg", "d": "."}
    )
    assert [path.name for path in find_owned_pictures(found)] == ["a.jpg"]
    forget(found)
    assert left(folder) == {"b.jpg", "c.jpg"}


@pytest.mark.parametrize("file", ["../../mine.jpg", "images/../../../mine.jpg"])
def test_a_manifest_that_points_away(folder: Path, file: str) -> None:
    mine = folder.parent.parent / "mine.jpg"
    mine.write_text("mine")
    found = corpus(folder, {"a": "images/a.jpg", "b": file})
    assert len(find_owned_pictures(found)) == 1
    assert forget(found) == ()
    assert mine.read_text() == "mine"
    absolute = corpus(folder, {"a": str(mine)})
    assert forget(absolute) == ()
    assert mine.read_text() == "mine"


def test_links_go_and_not_what_they_lead_to(folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in ("a.jpg", "b.jpg", ".c.part"):
        (mine / name).write_text("mine")
    corpus(folder, {"z": "images/z.jpg"})
    (folder / "images" / "a.jpg").symlink_to(mine / "a.jpg")
    (folder / "images" / "gone.jpg").symlink_to(mine / "gone.jpg")
    (folder / "images" / "linked").symlink_to(mine)
    found = corpus(
        folder,
        {
            "a": "images/a.jpg",
            "b": "images/linked/b.jpg",
            "gone": "images/gone.jpg",
        },
    )
    assert forget(found) == (folder / "images" / "linked",)
    assert len(left(mine)) == 3


def test_images_elsewhere_stay(folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "a.jpg").write_text("mine")
    (mine / ".a.part").write_text("mine")
    corpus(folder, {})
    (folder / "images").rmdir()
    (folder / "images").symlink_to(mine)
    lines = encode_work(Work("a", "A", file="images/a.jpg"))
    (folder / "works.jsonl").write_bytes(lines)
    assert forget(load_corpus(folder)) == (folder / "images",)
    assert len(left(mine)) == 2


# Refused


def test_a_linked_corpus(folder: Path, tmp_path: Path) -> None:
    corpus(folder)
    before = left(folder)
    link = tmp_path / "link"
    link.symlink_to(folder)
    for call in (find_owned_pictures, forget):
        with pytest.raises(UsageError, match=str(folder)):
            call(load_corpus(link))
    assert left(folder) == before


def test_a_folder_of_the_users_own_pictures(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("mine")
    for call in (find_owned_pictures, forget):
        with pytest.raises(UsageError, match="delete it yourself"):
            call(load_corpus(tmp_path))
    assert left(tmp_path) == {"a.jpg"}


def test_the_packaged_artist() -> None:
    found = load_corpus(get_packaged_corpora() / "procedural")
    for call in (find_owned_pictures, forget):
        with pytest.raises(UsageError, match="procedural comes with artist-nst"):
            call(found)
    assert len(load_corpus(found.folder).available) == 8


def test_an_artist_of_ones_own_called_procedural(tmp_path: Path) -> None:
    found = corpus(tmp_path / "procedural")
    forget(found)
    assert not found.folder.exists()


def test_while_another_process_works_on_it(folder: Path) -> None:
    found = corpus(folder)
    before = left(folder)
    with lock_corpus(folder), pytest.raises(ArtistNstError, match="another artist-nst"):
        forget(found)
    assert left(folder) >= before


# Interrupted


def interrupt_after(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    unlink = Path.unlink
    done = 0

    def sometimes(path: Path, *arguments: Any, **options: Any) -> None:
        nonlocal done
        if done == count:
            raise KeyboardInterrupt
        done += 1
        unlink(path, *arguments, **options)

    monkeypatch.setattr(Path, "unlink", sometimes)


@pytest.mark.parametrize("count", range(6))
def test_interrupted_anywhere_it_can_be_done_again(folder: Path, count: int) -> None:
    found = corpus(folder)
    (folder / "images" / ".a.part").write_text("half")
    with pytest.MonkeyPatch.context() as patch:
        interrupt_after(patch, count)
        with pytest.raises(KeyboardInterrupt):
            forget(found)
    again = load_corpus(folder)
    if count < 5:  # corpus.json, the last one, is still there
        assert again.artist == "Joan Miró"
    find_owned_pictures(again)
    assert forget(again) == ()
    assert not folder.exists()


def test_twice_at_once(folder: Path) -> None:
    found = corpus(folder)
    forget(found)
    assert forget(found) == ()
    assert not folder.exists()


def test_works_that_came_meanwhile_go_too(folder: Path) -> None:
    found = corpus(folder)
    corpus(folder, {"c": "images/c.jpg"})
    assert forget(found) == ()
    assert not folder.exists()


def test_the_disk_refuses(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = corpus(folder)

    def refuse(path: Path, **_: bool) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(ArtistNstError, match=r"a\.jpg cannot be deleted: Permission"):
        forget(found)
    head = json.loads((folder / "corpus.json").read_text())
    assert head["artist"] == "Joan Miró"


def test_a_damaged_manifest_is_left_alone(folder: Path) -> None:
    found = corpus(folder)
    (folder / "works.jsonl").write_text("{}\n")
    with pytest.raises(ArtistNstError, match=r"works\.jsonl:1"):
        forget(found)
    assert (folder / "images" / "a.jpg").exists()
