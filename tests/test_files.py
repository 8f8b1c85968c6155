"""Atomic writing, hashes, and errors of the disk in one line."""

import errno
import os
import stat
from pathlib import Path

import pytest

from artist_nst._files import (
    PICTURE_SUFFIXES,
    atomic_write,
    check_writable,
    describe_read_error,
    describe_write_error,
    format_path,
    get_version,
    hash_file,
    open_file,
    write_bytes,
    write_text,
)
from artist_nst.errors import ArtistNstError, UsageError


def test_versions() -> None:
    assert get_version() == get_version("artist-nst")
    assert get_version("numpy")
    assert get_version("no-such-package") is None


def test_paths_in_messages() -> None:
    assert format_path("a b/é.png") == "a b/é.png"
    for path in ("a\nb", "\x1b[31m", ""):
        assert format_path(path) == repr(path)


@pytest.mark.parametrize("describe", [describe_read_error, describe_write_error])
def test_errors_are_one_line(describe: object) -> None:
    assert callable(describe)
    for number in (*errno.errorcode, 9999):
        line = describe("a\nb.png", OSError(number, os.strerror(number)))
        assert line.startswith("'a\\nb.png' cannot be ")
        assert len(line.splitlines()) == 1
    for error in (OSError("a\nb"), ValueError("a b")):
        assert describe("x", error).endswith(": a b")


def test_an_option_is_named() -> None:
    for number in (errno.ENOSPC, errno.EACCES, errno.ENOTDIR, errno.EIO):
        line = describe_write_error("x", OSError(number, "why"), option="--corpora")
        assert "another folder with --corpora" in line


# Reading


def test_hash_file(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert hash_file(path).startswith("ba7816bf8f01cfea")
    path.write_bytes(b"")
    assert hash_file(path).startswith("e3b0c44298fc1c14")
    for missing in (tmp_path / "none", path / "below", tmp_path, "a\0b"):
        with pytest.raises(ArtistNstError, match="cannot be read"):
            hash_file(missing)


def test_open_file(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    with pytest.raises(ArtistNstError, match="0 bytes"):
        open_file(path)
    with open_file(path, allow_empty=True) as stream:
        assert stream.read() == b""


# Writing


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def fill_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("place", ["os.fsync", "os.replace"])
def test_a_failure_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    path = tmp_path / "kept"
    path.write_text("old")
    monkeypatch.setattr(place, fill_disk)
    with pytest.raises(OSError, match="No space"):
        write_bytes(path, b"new")
    with pytest.raises(ArtistNstError, match="no space left"):
        write_text(path, "new")
    monkeypatch.setattr(place, interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["kept"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_disk_that_is_truly_full(tmp_path: Path) -> None:
    """The kernel's own ENOSPC, raised as the buffer is flushed."""

    def fill() -> None:
        with atomic_write(tmp_path / "kept") as temporary:
            temporary.symlink_to("/dev/full")
            temporary.write_bytes(b"new")

    with pytest.raises(OSError, match="No space"):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_an_exception_in_the_block_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_text("old")

    def fail() -> None:
        with atomic_write(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["kept"]


@pytest.mark.skipif(os.name == "nt", reason="no umask there")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask(tmp_path: Path, mask: int) -> None:
    path = tmp_path / "mine"
    before = os.umask(mask)
    try:
        write_text(path, "é")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    assert path.read_bytes() == "é".encode()


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_links_are_written_through(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "real" / "picture.png")
    check_writable(link)
    write_text(link, "new")
    assert link.is_symlink()
    assert (tmp_path / "real" / "picture.png").read_text() == "new"
    assert os.listdir(tmp_path / "real") == ["picture.png"]


def test_check_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for suffix in PICTURE_SUFFIXES:
        check_writable(tmp_path / f"out{suffix.upper()}")
    check_writable(tmp_path / "out.csv", (".csv",))
    assert list(tmp_path.iterdir()) == []
    monkeypatch.chdir(tmp_path)
    check_writable("bare.png")
    (tmp_path / "folder.png").mkdir()
    for name, problem in [
        ("no/such/out.png", "does not exist"),
        ("folder.png", "folder"),
        ("x" * 300 + ".png", "too long"),
        ("out.gif", r"\.png"),
        ("out", r"\.png"),
        ("a\0b.png", "null"),
    ]:
        with pytest.raises(UsageError, match=problem) as caught:
            check_writable(name)
        assert len(str(caught.value).splitlines()) == 1
    assert os.listdir(tmp_path) == ["folder.png"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_unwritable_folder(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    with pytest.raises(UsageError, match="permission denied"):
        check_writable(folder / "out.png")
    with pytest.raises(ArtistNstError, match="permission denied"):
        write_text(folder / "out.txt", "new")


def test_what_a_killed_process_left_is_deleted(tmp_path: Path) -> None:
    old, young = (f".artist-nst-{digit * 16}.part" for digit in "01")
    for name in (old, young, "mine.part", ".artist-nst-1.part"):
        (tmp_path / name).write_text("half")
        os.utime(tmp_path / name, (0, 0))
    os.utime(tmp_path / young)
    write_bytes(tmp_path / "a.txt", b"whole")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted([young, "mine.part", ".artist-nst-1.part", "a.txt"])
