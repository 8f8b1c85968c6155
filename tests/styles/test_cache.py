"""Arrays of files: computed once for each content, and cached."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, load_file, save

from artist_nst.errors import ArtistNstError
from artist_nst.styles import cache
from artist_nst.styles.cache import FeatureCache, Features

Compute = Callable[[Path], Features]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Four files of a letter each."""
    paths = [tmp_path / f"{letter}.txt" for letter in "abcd"]
    for path in paths:
        path.write_text(path.stem)
    return paths


class Spy:
    """Computes an array of a file's first letter, and remembers of which."""

    def __init__(self, *failing: str, times: float = 1) -> None:
        self.failing = failing
        self.times = times
        self.seen: list[str] = []

    def __call__(self, path: Path) -> Features:
        text = path.read_text()
        self.seen.append(text)
        if text in self.failing:
            raise ArtistNstError(f"{path.name} is odd")
        return array_of(text, self.times)


def array_of(text: str, times: float = 1) -> Features:
    return np.full((2, 3), ord(text) * times, dtype=np.float32)


def get(files: list[Path], compute: Compute, *more: Any) -> list[Any]:
    return FeatureCache("anna", "1").get_or_compute(files, compute, *more)


def texts(rows: list[Features | ArtistNstError]) -> str:
    sound = [row for row in rows if not isinstance(row, ArtistNstError)]
    return "".join(chr(int(row[0, 0])) for row in sound)


def test_rows_are_those_computed_in_the_order_of_the_files(files: list[Path]) -> None:
    rows = get(files[::-1], Spy())
    for row, text in zip(rows, "dcba", strict=True):
        assert row.dtype == np.float32
        assert np.array_equal(row, array_of(text))


def test_each_is_computed_once(files: list[Path]) -> None:
    first, second = Spy(), Spy()
    before = get(files, first)
    after = get(files, second)
    assert first.seen == list("abcd")
    assert second.seen == []
    assert texts(before) == texts(after) == "abcd"


def test_what_it_gives_is_kept_as_float32(files: list[Path]) -> None:
    """Kept or computed just now, it is the same."""

    def compute(_: Path) -> Features:
        return np.array([1 / 3])  # type: ignore[return-value]

    (now,) = get(files[:1], compute)
    (later,) = get(files[:1], compute)
    assert now.dtype == later.dtype == np.float32
    assert np.array_equal(now, later)


def test_a_file_that_is_renamed_or_copied_is_known(
    files: list[Path], tmp_path: Path
) -> None:
    get(files, Spy())
    moved = files[0].rename(tmp_path / "elsewhere.txt")
    copied = Path(shutil.copy(files[1], tmp_path / "copy.txt"))
    spy = Spy()
    assert texts(get([copied, moved, files[2]], spy)) == "bac"
    assert spy.seen == []


def test_a_file_of_the_old_name_and_another_content_is_computed(
    files: list[Path],
) -> None:
    get(files, Spy())
    files[1].write_text("z")
    spy = Spy()
    assert texts(get(files, spy)) == "azcd"
    assert spy.seen == ["z"]


def test_equal_files_are_computed_once(files: list[Path]) -> None:
    files[2].write_text("a")
    spy, told = Spy(), []
    rows = get([files[0], files[0], *files], spy, lambda *counts: told.append(counts))
    assert texts(rows) == "aaabad"
    assert spy.seen == ["a", "b", "d"]
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("name", "key"), [("anna", "2"), ("bert", "1"), ("ann", "a 1"), ("anna 1", "")]
)
def test_another_name_or_key_other_rows(files: list[Path], name: str, key: str) -> None:
    get(files, Spy())
    spy = Spy(times=2)
    (row, *_) = FeatureCache(name, key).get_or_compute(files, spy)
    assert spy.seen == list("abcd")
    assert np.array_equal(row, array_of("a", 2))
    # And the first ones are still there.
    again = Spy()
    assert texts(get(files, again)) == "abcd"
    assert again.seen == []


def test_no_files(files: list[Path]) -> None:
    spy = Spy()
    assert get([], spy) == []
    assert not FeatureCache("anna", "1").path.exists()
    assert texts(get(files, spy)) == "abcd"


# What fails


def test_an_error_is_in_its_place_and_the_others_are_kept(files: list[Path]) -> None:
    told: list[tuple[int, int]] = []
    rows = get(files, Spy("b", "d"), lambda *counts: told.append(counts))
    assert [isinstance(row, ArtistNstError) for row in rows] == [0, 1, 0, 1]
    assert str(rows[1]) == "b.txt is odd"
    assert str(rows[3]) == "d.txt is odd"
    assert texts(rows) == "ac"
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    # A failure is not kept: it may be mended.
    again = Spy("d")
    rows = get(files, again)
    assert again.seen == ["b", "d"]
    assert texts(rows) == "abc"


def test_equal_files_fail_alike(files: list[Path]) -> None:
    files[2].write_text("b")
    spy = Spy("b")
    rows = get(files, spy)
    assert [isinstance(row, ArtistNstError) for row in rows] == [0, 1, 1, 0]
    assert spy.seen == ["a", "b", "d"]


def test_missing_files(files: list[Path]) -> None:
    files[0].unlink()
    spy = Spy()
    rows = get(files, spy)
    assert [isinstance(row, ArtistNstError) for row in rows] == [1, 0, 0, 0]
    assert "a.txt" in str(rows[0])
    assert spy.seen == ["b", "c", "d"]


def test_other_errors_are_no_rows_and_what_is_done_is_kept(files: list[Path]) -> None:
    """Nothing hides a defect."""

    def compute(path: Path) -> Features:
        if path == files[2]:
            raise ZeroDivisionError
        return array_of(path.stem)

    with pytest.raises(ZeroDivisionError):
        get(files, compute)
    spy = Spy()
    get(files, spy)
    assert spy.seen == ["c", "d"]


@pytest.mark.parametrize("in_progress", [False, True])
def test_interrupted_it_keeps_what_is_done(
    files: list[Path], in_progress: bool
) -> None:
    def compute(path: Path) -> Features:
        if path == files[2] and not in_progress:
            raise KeyboardInterrupt
        return array_of(path.stem)

    def told(done: int, _: int) -> None:
        if done == 2 and in_progress:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get(files, compute, told)
    spy = Spy()
    assert texts(get(files, spy)) == "abcd"
    assert spy.seen == ["c", "d"]


def test_a_killed_process_loses_little(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes while it computes, not only in the end."""
    monkeypatch.setattr(cache, "SAVE_INTERVAL", 0)
    counts: list[int] = []

    def compute(path: Path) -> Features:
        path_of_cache = FeatureCache("anna", "1").path
        counts.append(len(load_file(path_of_cache)) if path_of_cache.exists() else 0)
        return array_of(path.stem)

    get(files, compute)
    assert counts == [0, 1, 2, 3]


# The file


def test_nothing_is_written_if_all_is_cached(files: list[Path]) -> None:
    get(files, Spy())
    path = FeatureCache("anna", "1").path
    before = path.stat().st_mtime_ns, path.read_bytes()
    get(files[:2], Spy())
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_it_is_in_the_users_cache(files: list[Path]) -> None:
    get(files, Spy())
    path = FeatureCache("anna", "1").path
    assert path.is_file()
    assert path.is_relative_to(os.environ["HOME"])
    assert path.name.startswith("anna-")


@pytest.mark.parametrize(
    "name", ["../../anna", "a/b\\c", "北斎", "x" * 500, "", "a\nb\0", "anna-\udcff"]
)
def test_whatever_it_is_called(files: list[Path], name: str) -> None:
    """A folder's name may hold bytes that are no UTF-8."""
    FeatureCache(name, "1").get_or_compute(files, Spy())
    path, spy = FeatureCache(name, "1").path, Spy()
    assert path.parent == FeatureCache("anna", "1").path.parent
    assert path.is_file()
    assert texts(FeatureCache(name, "1").get_or_compute(files, spy)) == "abcd"
    assert spy.seen == []


@pytest.mark.parametrize(
    "damage", ["garbage", "empty", "truncated", "header", "folder", "shape", "kind"]
)
def test_a_damaged_file_is_computed_anew(files: list[Path], damage: str) -> None:
    get(files, Spy())
    path = FeatureCache("anna", "1").path
    whole = path.read_bytes()
    if damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(
            {
                "garbage": b"\0not safetensors at all" * 20,
                "empty": b"",
                "truncated": whole[:-5],
                "header": whole[:8] + b"[" + whole[9:],
                "shape": save({**load(whole), "x": np.zeros(7, np.float32)}),
                "kind": save(
                    {key: row.astype("f8") for key, row in load(whole).items()}
                ),
            }[damage]
        )
    spy = Spy()
    assert texts(get(files, spy)) == "abcd"
    assert spy.seen == list("abcd")
    if damage != "folder":
        # And mended by that.
        assert path.read_bytes() == whole
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_folder_that_cannot_be_written_to(
    files: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    folder = FeatureCache("anna", "1").path.parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    for _ in range(2):
        spy = Spy()
        assert texts(get(files, spy)) == "abcd"
        assert spy.seen == list("abcd")
    assert not [one for one in caplog.records if one.levelname == "WARNING"]
    assert folder.read_text() == "in the way"


@pytest.mark.skipif(os.name == "nt" or not os.getuid(), reason="it may write anywhere")
def test_a_folder_that_may_only_be_read(files: list[Path]) -> None:
    get(files[:2], Spy())
    folder = FeatureCache("anna", "1").path.parent
    folder.chmod(0o500)
    try:
        for _ in range(2):
            spy = Spy()
            assert texts(get(files, spy)) == "abcd"
            assert spy.seen == ["c", "d"]
    finally:
        folder.chmod(0o700)


def test_a_full_disk(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    get(files[:2], Spy())
    path = FeatureCache("anna", "1").path
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(cache, "save_file", full)
        assert texts(get(files, Spy())) == "abcd"
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_two_writers_do_not_lose_each_others_rows(files: list[Path]) -> None:
    first, second = files[:2], files[2:]

    def compute(path: Path) -> Features:
        # Another process looks at other works, from beginning to end, meanwhile.
        if path == first[1]:
            get(second, Spy())
        return array_of(path.stem)

    get(first, compute)
    spy = Spy()
    assert texts(get(files, spy)) == "abcd"
    assert spy.seen == []
