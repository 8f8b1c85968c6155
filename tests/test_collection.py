"""Adopting through the facade, with real pictures."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from artist_nst.collection import adopt
from artist_nst.corpus.works import find_corpus, find_work
from artist_nst.errors import UsageError
from tests.conftest import picture


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "Anna_Ancher"
    folder.mkdir()
    Image.fromarray(picture(40, 60)).save(folder / "harvesters_1905.jpg")
    whole = (folder / "harvesters_1905.jpg").read_bytes()
    (folder / "cut off.jpg").write_bytes(whole[: len(whole) // 2])
    return folder


def test_what_is_adopted_is_found(scans: Path, tmp_path: Path) -> None:
    (result,) = adopt(scans, "Anna Ancher", tmp_path / "corpora")
    assert (result.found, result.added) == (2, 1)
    assert result.failed[0].startswith("cut off.jpg cannot be read")
    corpus = find_corpus("ancher", tmp_path / "corpora")
    work = find_work(corpus, "harvesters")
    assert corpus.available == (work,)
    assert corpus.get_path(work).samefile(scans / "harvesters_1905.jpg")
    assert (work.title, work.year) == ("Harvesters", "1905")


def test_max_pixels(scans: Path, tmp_path: Path) -> None:
    (result,) = adopt(scans, "Anna Ancher", tmp_path / "corpora", max_pixels=2399)
    assert (result.added, len(result.failed)) == (0, 2)
    (result,) = adopt(scans, "Anna Ancher", tmp_path / "corpora", max_pixels=2400)
    assert (result.added, len(result.failed)) == (1, 1)


def test_whose_pictures(scans: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"add --artist NAME.*'Anna Ancher'"):
        adopt(scans, corpora=tmp_path / "corpora")
    assert not (tmp_path / "corpora").exists()


def test_corpora_are_where_they_are_looked_for(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTIST_NST_CORPORA", str(tmp_path / "elsewhere"))
    (result,) = adopt(scans, "Anna Ancher")
    assert result.folder == tmp_path / "elsewhere" / "anna-ancher"


def test_kaggle_is_noticed(scans: Path, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    (folder / "images" / "images").mkdir(parents=True)
    scans.rename(folder / "images" / "images" / "Anna_Ancher")
    (folder / "artists.csv").write_text("id,name,genre\n0,Anna Ancher,Realism\n")
    (result,) = adopt(folder, corpora=tmp_path / "corpora")
    assert (result.artist, result.added) == ("Anna Ancher", 1)
    with pytest.raises(UsageError, match=r"not in artists\.csv"):
        adopt(folder, "Michael Ancher", tmp_path / "corpora")


def test_it_does_not_wait_for_torch() -> None:
    code = (
        "import sys, artist_nst.collection\n"
        "print(*(one for one in ('torch', 'skimage') if one in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
