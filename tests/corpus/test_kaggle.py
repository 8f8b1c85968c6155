"""Kaggle's data set: its artists' corpora, whatever unpacking made of the names."""

import csv
import hashlib
import json
import logging
from pathlib import Path

import pytest

from artist_nst.corpus.kaggle import adopt_kaggle, is_kaggle
from artist_nst.corpus.manifest import open_manifest
from artist_nst.corpus.works import Work, load_corpus
from artist_nst.errors import ArtistNstError, UsageError
from tests.corpus.conftest import content, counts, draw

MANGLED = ["Albrecht_DuΓòá├¬rer", "Albrecht_Du╠êrer"]
HEAD = ["id", "name", "years", "genre", "nationality", "bio", "wikipedia", "paintings"]
ROWS = [
    [
        "0",
        "Albrecht Dürer",
        "1471 - 1528",
        "Northern Renaissance",
        "German",
        'A "painter",\nprintmaker, and theorist.',
        "http://en.wikipedia.org/wiki/Albrecht_Dürer",
        "328",
    ],
    ["1", "Claude Monet", "1840 - 1926", "Impressionism", "French", "", "", "73"],
    ["2", "Edouard Manet", "1832 - 1883", "Realism,Impressionism", "French"],
    ["3", "Vincent van Gogh", "1853 – 1890", "Post-Impressionism", "Dutch", "", "", ""],
]


def write_artists(folder: Path, rows: list[list[str]] = ROWS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "artists.csv", "w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([HEAD, *rows])
    return folder


@pytest.fixture
def kaggle(tmp_path: Path) -> Path:
    """The layout of the data set as it is unpacked, mangled names included."""
    folder = write_artists(tmp_path / "archive")
    full, small = folder / "images" / "images", folder / "resized" / "resized"
    seed = 0
    for name, count in (("Albrecht_Dürer", 2), ("Claude_Monet", 11)):
        for number in range(1, count + 1):
            seed += 1
            draw(full / name / f"{name}_{number}.jpg", seed)
            draw(small / f"{name}_{number}.jpg", seed + 100)
    for mangled in MANGLED:
        (full / mangled).mkdir()
    # In one of them the same pictures, in the other more.
    for number in (1, 2):
        picture = full / "Albrecht_Dürer" / f"Albrecht_Dürer_{number}.jpg"
        again = full / MANGLED[0] / f"{MANGLED[0]}_{number}.jpg"
        again.write_bytes(picture.read_bytes())
    draw(full / MANGLED[1] / f"{MANGLED[1]}_7.jpg", 70)
    draw(full / "Nobody" / "Nobody_1.jpg", 71)
    # One artist is among the small ones only.
    draw(small / "Vincent_van_Gogh_3.jpg", 72)
    return folder


def test_is_kaggle(kaggle: Path, scans: Path) -> None:
    assert is_kaggle(kaggle)
    assert not is_kaggle(scans)
    assert not is_kaggle(kaggle / "images")
    assert not is_kaggle(kaggle / "none")
    (scans / "artists.csv").write_text("name\nAnna Ancher\n")
    assert not is_kaggle(scans)
    (scans / "images").mkdir()
    assert is_kaggle(scans)
    (scans / "artists.csv").write_bytes(b"id,artist\n\xff\n")
    assert not is_kaggle(scans)


def test_kaggle(kaggle: Path, corpora: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    before = content(kaggle)
    durer, monet, van_gogh = adopt_kaggle(kaggle, corpora)
    assert content(kaggle) == before
    assert (durer.artist, counts(durer)) == ("Albrecht Dürer", (5, 3, 0, 2, 0))
    assert (monet.artist, counts(monet)) == ("Claude Monet", (11, 11, 0, 0, 0))
    assert (van_gogh.artist, counts(van_gogh)) == ("Vincent van Gogh", (1, 1, 0, 0, 0))
    said = [(one.levelname, one.getMessage()) for one in caplog.records]
    assert ("WARNING", "left out, not in artists.csv: Nobody (1)") in said
    assert ("INFO", "no pictures of Edouard Manet") in said
    for name in MANGLED:
        assert ("INFO", f"{name} is taken for Albrecht Dürer") in said
    works = load_corpus(corpora / "claude-monet").available
    titles = [f"Claude Monet, no. {number}" for number in range(1, 12)]
    assert [work.title for work in works] == titles
    assert {(work.artist, work.style) for work in works} == {
        ("Claude Monet", "Impressionism")
    }
    assert {work.rights or work.genre or work.year for work in works} == {None}
    # The better pictures, not the small ones.
    data = (kaggle / "images/images/Claude_Monet/Claude_Monet_1.jpg").read_bytes()
    assert works[0].sha256 == hashlib.sha256(data).hexdigest()


def test_names_that_unzip_has_escaped(
    tmp_path: Path, corpora: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And none that are merely alike: Altdorfer is not Dürer."""
    folder = write_artists(tmp_path / "archive")
    escaped = "Albrecht_Du#U0393#U00f2#U00e1#U251c#U00acrer"
    for seed, name in enumerate((escaped, "Albrecht_Altdorfer")):
        draw(folder / "images" / "images" / name / f"{name}_1.jpg", seed)
    (durer,) = adopt_kaggle(folder, corpora)
    assert (durer.artist, durer.found) == ("Albrecht Dürer", 1)
    assert "left out, not in artists.csv: Albrecht_Altdorfer (1)" in caplog.text


def test_what_kaggle_says_of_the_artist(kaggle: Path, corpora: Path) -> None:
    adopt_kaggle(kaggle, corpora)
    head = json.loads((corpora / "albrecht-durer/corpus.json").read_text("utf-8"))
    assert head["artist"] == "Albrecht Dürer"
    assert head["source"] == "adopted from archive"
    assert head["years"] == "1471 - 1528"
    assert head["nationality"] == "German"
    assert head["wikipedia"] == "http://en.wikipedia.org/wiki/Albrecht_Dürer"
    assert "bio" not in head
    head = json.loads((corpora / "claude-monet/corpus.json").read_text("utf-8"))
    assert "wikipedia" not in head


def test_kaggle_again(kaggle: Path, corpora: Path) -> None:
    adopt_kaggle(kaggle, corpora)
    before = content(corpora)
    told: list[tuple[int, int, str]] = []
    results = adopt_kaggle(kaggle, corpora, on_progress=lambda *one: told.append(one))
    assert sum(one.added for one in results) == 0
    assert content(corpora) == before
    assert [done for done, _, note in told if note] == list(range(1, 18))
    assert {total for _, total, _ in told} == {17}


@pytest.mark.parametrize("part", ["images", "resized"])
def test_kaggle_without_the_doubled_folder(
    part: str, tmp_path: Path, corpora: Path
) -> None:
    folder = write_artists(tmp_path / "archive")
    draw(folder / part / "Claude_Monet_1.jpg", 1)
    draw(folder / part / "Claude_Monet" / "Claude_Monet_2.jpg", 2)
    draw(folder / part / "Claude_Monet" / "nymphéas.jpg", 3)
    (result,) = adopt_kaggle(folder, corpora)
    assert counts(result) == (3, 3, 0, 0, 0)
    titles = {work.title for work in load_corpus(corpora / "claude-monet").available}
    assert titles == {"Claude Monet, no. 1", "Claude Monet, no. 2", "Nymphéas"}


@pytest.mark.parametrize("only", ["Claude Monet", "claude-monet", "monet", "CLAUDE"])
def test_one_of_kaggles_artists(
    only: str, kaggle: Path, corpora: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (result,) = adopt_kaggle(kaggle, corpora, only=only)
    assert result.artist == "Claude Monet"
    assert [path.name for path in corpora.iterdir()] == ["claude-monet"]
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("only", "why"),
    [
        (
            "Claude Manet",
            "'Claude Manet' is not in artists.csv: did you mean 'Claude M",
        ),
        ("Picasso", "choose from Albrecht Dürer, Claude Monet, Edouard Manet, Vinc"),
        ("", "is not in"),
        ("葛飾北斎", "is not in"),
    ],
)
def test_not_one_of_kaggles_artists(
    only: str, why: str, kaggle: Path, corpora: Path
) -> None:
    with pytest.raises(UsageError, match=why):
        adopt_kaggle(kaggle, corpora, only=only)
    assert not corpora.exists()


def test_several_of_kaggles_artists(tmp_path: Path, corpora: Path) -> None:
    rows = [["0", "Jan van Eyck"], ["1", "Vincent van Gogh"]]
    folder = write_artists(tmp_path / "archive", rows)
    with pytest.raises(UsageError, match="Jan van Eyck or Vincent van Gogh; say which"):
        adopt_kaggle(folder, corpora, only="van")


def test_an_artist_of_kaggles_without_pictures(kaggle: Path, corpora: Path) -> None:
    with pytest.raises(ArtistNstError, match="no pictures of Edouard Manet"):
        adopt_kaggle(kaggle, corpora, only="Edouard Manet")


def test_names_in_other_letters(tmp_path: Path, corpora: Path) -> None:
    folder = write_artists(
        tmp_path / "archive", [["0", "葛飾北斎"], ["1", "歌川 広重"]]
    )
    draw(folder / "images/images/歌川_広重/歌川_広重_1.jpg")
    draw(folder / "images/images/東洲斎_写楽/東洲斎_写楽_1.jpg")  # in no list
    (result,) = adopt_kaggle(folder, corpora)
    assert (result.artist, result.found) == ("歌川 広重", 1)


def test_an_artist_who_was_fetched_is_passed_over(kaggle: Path, corpora: Path) -> None:
    address = "https://www.wikiart.org/en/claude-monet"
    with open_manifest(
        corpora / "claude-monet",
        slug="claude-monet",
        artist="Claude Monet",
        source=address,
    ) as manifest:
        manifest.append(Work("57", "Poplars", status="pending"))
    before = content(corpora)
    durer, monet, van_gogh = adopt_kaggle(kaggle, corpora)
    assert (durer.added, van_gogh.added) == (3, 1)
    assert (monet.found, monet.added) == (11, 0)
    assert f"was fetched from {address}" in monet.failed[0]
    assert content(corpora).items() >= before.items()
    with pytest.raises(UsageError, match="was fetched"):
        adopt_kaggle(kaggle, corpora, only="monet")


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (b"id,name\n0,Albrecht D\xfcrer\n", "not a table in UTF-8"),
        (b"id,name\n", "no artists in it"),
        (b"", "no artists in it"),
        (b"id,artist\n0,X\n", "a column called name"),
        (b"id,name\n0,a\0b\n0,\r" + b'"' + b"x" * 200_000, "no"),
    ],
)
def test_tables_that_are_none(
    table: bytes, why: str, kaggle: Path, corpora: Path
) -> None:
    (kaggle / "artists.csv").write_bytes(table)
    with pytest.raises(
        ArtistNstError, match=f"artists.csv.*{why}|no pictures"
    ) as caught:
        adopt_kaggle(kaggle, corpora)
    assert "\n" not in str(caught.value)


def test_no_table(scans: Path, corpora: Path) -> None:
    with pytest.raises(ArtistNstError, match=r"artists\.csv cannot be read"):
        adopt_kaggle(scans, corpora)


def test_names_of_columns_and_spaces(tmp_path: Path, corpora: Path) -> None:
    folder = tmp_path / "archive"
    draw(folder / "images" / "Claude_Monet" / "1.jpg")
    text = "ID, Name ,Genre\n0, Claude  Monet ,\n\n1\n"
    (folder / "artists.csv").write_text(text, "utf-8")
    assert is_kaggle(folder)
    (result,) = adopt_kaggle(folder, corpora)
    assert result.artist == "Claude Monet"
    assert load_corpus(corpora / "claude-monet").available[0].style is None
