"""Sources: files or an artist's works, their weights, and what is refused."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from artist_nst.corpus.filters import Selection
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.painting.style_sources import (
    Source,
    choose_several,
    choose_sources,
    named,
)
from artist_nst.styles import descriptors as styles_module
from artist_nst.styles.picking import Pick
from tests.conftest import picture

TITLES = ["Wheat", "Sea", "Hands", "Head"]
GENRES = ["landscape", "marina", "sketch and study", "sculpture"]


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    """Anna Ancher with two paintings, a sketch, a bust, and one not downloaded."""
    folder = tmp_path / "corpora" / "anna-ancher"
    folder.mkdir(parents=True)
    head = {"format": 1, "slug": "anna-ancher", "artist": "Anna Ancher"}
    (folder / "corpus.json").write_text(json.dumps(head))
    lines = []
    for number, (title, genre) in enumerate(zip(TITLES, GENRES, strict=True)):
        Image.new("RGB", (2, 2)).save(folder / f"{number}.png")
        work = {"id": f"{number}", "title": title, "genre": genre, "year": "1890"}
        lines.append(json.dumps({**work, "rights": "PD", "file": f"{number}.png"}))
    gone = {"id": "9", "title": "Gone", "file": "9.png"}
    lines.append(json.dumps(gone))
    (folder / "works.jsonl").write_text("\n".join(lines) + "\n")
    return folder.parent


# Files


def test_files_in_their_order() -> None:
    given = Source(Path("c.png"), 2.0, {"title": "C"})
    found = choose_sources(
        ["a.png", Path("b.png"), ("d.png", 0.25), (Path("e.png"), 0), given],
        None,
        [],
        None,
        seed=0,
    )
    assert found == [
        Source(Path("a.png"), 1.0, None),
        Source(Path("b.png"), 1.0, None),
        Source(Path("d.png"), 0.25, None),
        Source(Path("e.png"), 0, None),
        given,
    ]
    assert found[-1] is given


def test_files_need_no_corpora(tmp_path: Path) -> None:
    (tmp_path / "corpora").write_text("not even a folder")
    found = choose_sources(["a.png"], None, (), tmp_path / "corpora", seed=0)
    assert [source.path for source in found] == [Path("a.png")]


# Works


def test_how_many_it_is_picked_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "anna-ancher"
    folder.mkdir()
    for number in range(1166):
        (folder / f"{number}.png").touch()
    with caplog.at_level("INFO", "artist_nst"):
        choose_sources([], "ancher", [], tmp_path, seed=0)
    assert "picked of 1,166 with" in caplog.text


def test_works_named_with_their_weights(corpora: Path) -> None:
    found = choose_sources(
        [], "Ancher", ["sea", ("0", 0.5), ("Hands", 3)], corpora, seed=0
    )
    folder = corpora / "anna-ancher"
    assert [(source.path, source.weight) for source in found] == [
        (folder / "1.png", 1.0),
        (folder / "0.png", 0.5),
        (folder / "2.png", 3),
    ]
    assert found[0].work == {
        "artist": "Anna Ancher",
        "corpus": "anna-ancher",
        "id": "1",
        "title": "Sea",
        "year": "1890",
        "rights": "PD",
    }
    json.dumps([source.work for source in found])


def test_a_picked_work_is_said(corpora: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "artist_nst")
    seen = set()
    for seed in range(20):
        caplog.clear()
        (source,) = choose_sources([], "anna ancher", [], corpora, seed=seed)
        assert source.weight == 1
        assert source.work is not None
        seen.add(source.work["title"])
        assert caplog.messages == [
            f"Anna Ancher: {source.work['title']} (1890), picked of 2 with seed {seed}"
        ]
        assert choose_sources([], "ancher", [], corpora, seed=seed) == [source]
    assert seen == {"Wheat", "Sea"}  # neither sketch nor bust, nor what is not here


def test_a_named_work_is_said(corpora: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "artist_nst")
    choose_sources([], "ancher", ["Head"], corpora, seed=3)
    assert caplog.messages == ["Anna Ancher: Head"]


def test_corpora_from_the_environment(
    corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTIST_NST_CORPORA", str(corpora))
    (source,) = choose_sources([], "ancher", ["sea"], None, seed=0)
    assert source.path == corpora / "anna-ancher" / "1.png"


def test_an_artist_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "nobody").mkdir()
    with pytest.raises(ArtistNstError, match="no pictures"):
        choose_sources([], "nobody", [], tmp_path, seed=0)


# What is refused


@pytest.mark.parametrize(
    ("styles", "artist", "works", "why"),
    [
        ([], None, [], "no style: name style images, or an --artist"),
        (["a.png"], "ancher", [], "style images or an --artist, not both"),
        (["a.png"], "ancher", ["sea"], "style images or an --artist, not both"),
        ([], None, ["sea"], "add --artist"),
        (["a.png"], None, ["sea"], "add --artist"),
        ([], "nobody", [], "no works of 'nobody'"),
        ([], "ancher", ["nothing"], "no such work"),
        ([], "ancher", ["gone"], "no such work"),
        ([], "ancher", ["sea", "nothing"], "no such work"),
        ([("a.png", -1)], None, [], "a.png:-1: a weight must be 0 or more"),
        (["b.png", ("a.png", -0.5)], None, [], "a.png:-0.5: a weight"),
        ([("a.png", float("nan"))], None, [], "a.png:nan: a weight"),
        ([("a.png", float("inf")), "b.png"], None, [], "a.png:inf: a weight"),
        ([Source(Path("x/a.png"), -2)], None, [], "a.png:-2: a weight"),
        ([("a.png", 0)], None, [], "weights are all 0"),
        ([("a.png", 0.0), ("b.png", -0.0)], None, [], "weights are all 0"),
        ([], "ancher", [("sea", -1)], "1.png:-1: a weight"),
        ([], "ancher", [("sea", float("nan"))], "1.png:nan: a weight"),
        ([], "ancher", [("sea", 0), ("wheat", 0)], "weights are all 0"),
    ],
)
def test_refused(
    styles: list[Any], artist: str | None, works: list[Any], why: str, corpora: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        choose_sources(styles, artist, works, corpora, seed=0)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


# Picks


@pytest.fixture
def pictures(corpora: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same corpora, whose pictures differ, looked at at a glance."""
    monkeypatch.setattr(styles_module, "LONG_SIDE", 64)
    for number in range(4):
        levels = picture(30, 40, seed=number)
        Image.fromarray(levels).save(corpora / "anna-ancher" / f"{number}.png")
    return corpora


def test_several_are_several_paintings(pictures: Path) -> None:
    found = choose_several([], "ancher", [], pictures, 0, Pick(works=2))
    assert [len(sources) for sources in found] == [1, 1]
    works = [source.work for (source,) in found]
    assert {work["title"] for work in works if work} == {"Wheat", "Sea"}
    assert all(source.weight == 1 for (source,) in found)


def test_a_mix_is_one_painting_of_equal_weights(pictures: Path) -> None:
    pick = Pick(way="mix", works=2)
    (sources,) = choose_several([], "ancher", [], pictures, 3, pick)
    assert choose_sources([], "ancher", [], pictures, 3, pick) == sources
    assert [source.weight for source in sources] == [1, 1]
    assert {source.path.name for source in sources} == {"0.png", "1.png"}


def test_without_a_pick_several_are_one_painting(corpora: Path) -> None:
    for asked in (
        (["a.png", "b.png"], None, []),
        ([], "ancher", ["sea", "Head"]),
        ([], "ancher", []),
    ):
        (sources,) = choose_several(*asked, corpora, 5)
        assert choose_sources(*asked, corpora, 5) == sources


def test_a_pick_sees_the_photo_and_tells_how_far_it_is(pictures: Path) -> None:
    told: list[tuple[int, int]] = []
    for name in ("0.png", "1.png"):
        (source,) = choose_sources(
            [],
            "ancher",
            [],
            pictures,
            0,
            Pick(way="nearest"),
            pictures / "anna-ancher" / name,
            lambda *counts: told.append(counts),
        )
        assert source.path.name == name
    assert told == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("pick", "styles", "artist", "works", "why"),
    [
        (Pick(), ["a.png"], None, [], "--pick is of an artist's works: add --artist"),
        (Pick(way="mix"), [], None, [], "--pick is of an artist's works: add --artist"),
        (Pick(), [], "ancher", ["sea"], "--work names the works: leave out --pick"),
        (Pick(), ["a.png"], "ancher", [], "style images or an --artist, not both"),
        (Pick(works=2), [], "ancher", [], "--works 2 is for as many paintings"),
        (Pick(selection=Selection(since=1900)), [], "ancher", [], "no work of Anna"),
        (Pick(way="nearest"), [], "ancher", [], "--pick nearest is nearest to a photo"),
    ],
)
def test_picks_that_are_refused(
    pick: Pick,
    styles: list[Any],
    artist: str | None,
    works: list[Any],
    why: str,
    pictures: Path,
) -> None:
    with pytest.raises(UsageError) as caught:
        choose_sources(styles, artist, works, pictures, 0, pick)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


# Names for files


def test_names_of_several() -> None:
    files = [Source(Path(f"x/{name}.png")) for name in "abcde"]
    assert named(files[:1]) == "a"
    # Every file that was named is named.
    assert named(files) == "a+b+c+d+e"
    works = [
        Source(Path(f"{number}.png"), 1.0, {"title": title, "corpus": "anna-ancher"})
        for number, title in enumerate(["Wheat", "The Sea", "睡蓮", "Head"])
    ]
    assert named(works[:1]) == "wheat"
    assert named(works[:3]) == "wheat+the-sea+2"
    assert named(works) == "anna-ancher-mix-wheat"


@pytest.mark.parametrize(
    ("path", "title", "slug"),
    [
        ("styles/Starry Night.jpg", None, "Starry Night"),
        ("神奈川.png", None, "神奈川"),
        (".hidden", None, ".hidden"),
        ("images/577.png", "Étretat, la porte d’Aval", "etretat-la-porte-d-aval"),
        ("images/582.png", "睡蓮", "582"),
        ("images/583.png", "", "583"),
        ("images/584.png", "../../etc/passwd", "etc-passwd"),
    ],
)
def test_slug(path: str, title: str | None, slug: str) -> None:
    work = None if title is None else {"title": title}
    assert Source(Path(path), 1.0, work).slug == slug
