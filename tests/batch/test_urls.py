"""Files behind URLs: their places, and what is written of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tenacity
from fsspec.implementations.local import LocalFileSystem

from artist_nst.batch import urls
from artist_nst.batch.urls import fetch, get_mirror, name_urls, to_path, to_url, upload
from artist_nst.errors import ArtistNstError, UsageError


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("s3://bucket/photos/a b.jpg", "s3/bucket/photos/a b.jpg"),
        ("gs://bucket/", "gs/bucket"),
        ("file:///data/a.jpg", "file/data/a.jpg"),
    ],
)
def test_places(url: str, place: str) -> None:
    path = to_path(url)
    assert path == get_mirror() / place
    assert to_url(path) == url.rstrip("/")
    assert to_url(path.parent / ".." / "x") == to_url(path.parent.parent / "x")
    assert name_urls(f"{path}: bad") == f"{url.rstrip('/')}: bad"


def test_paths_that_are_no_urls() -> None:
    for path in (Path("s3/bucket"), get_mirror(), get_mirror() / "s3"):
        assert to_url(path) is None
    assert not urls.is_url("C:/a.jpg")
    with pytest.raises(UsageError, match="parts must be names"):
        to_path("s3://bucket//a.jpg")


def test_an_upload_that_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again; what was there stays, and nothing is left beside it."""
    monkeypatch.setattr(upload.retry, "wait", tenacity.wait_none())  # type: ignore[attr-defined]
    (tmp_path / "store").mkdir()
    there = tmp_path / "store" / "a.png"
    there.write_bytes(b"before")
    path = to_path(f"file://{there}")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"after that")
    tries = []

    def put(_: Any, source: str, target: str, **__: Any) -> None:
        tries.append(target)
        Path(target).write_bytes(Path(source).read_bytes()[:4])
        raise OSError("the connection is lost")

    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, "put_file", put)
        with pytest.raises(ArtistNstError) as caught:
            upload(path)
    assert str(caught.value) == (
        f"file://{there} cannot be written: the connection is lost"
    )
    assert len(tries) == urls.MAX_TRIES
    assert (there.read_bytes(), [*there.parent.iterdir()]) == (b"before", [there])
    upload(path)
    assert (there.read_bytes(), [*there.parent.iterdir()]) == (b"after that", [there])


def test_only_other_versions_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "a.txt"
    there.write_text("one")
    path = to_path(f"file://{there}")
    reads = []
    get_file = LocalFileSystem.get_file

    def count(*arguments: Any, **options: Any) -> Any:
        reads.append(arguments)
        return get_file(*arguments, **options)

    monkeypatch.setattr(LocalFileSystem, "get_file", count)
    for text in ("one", "one", "three"):
        if there.read_text() != text:
            there.write_text(text)
        fetch(path)
        assert path.read_text() == text
    assert len(reads) == 2
    there.unlink()
    with pytest.raises(ArtistNstError, match="there is no such file"):
        fetch(path)
