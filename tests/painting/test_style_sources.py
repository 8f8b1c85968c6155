"""Style sources: files or an artist's works, their weights, and what is refused."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from artist_nst.corpus.filters import Selection
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.painting.sources import Source, name_sources, parse_weight
from artist_nst.painting.style_sources import StyleRequest
from artist_nst.styles import descriptors
from artist_nst.styles.pick import Pick
from tests.conftest import picture

WORKS = [
    ("Wheat", "landscape"),
    ("Sea", "marina"),
    ("Hands", "sketch and study"),
    ("Head", "sculpture"),
]


@pytest.fixture
def corpora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Anna Ancher with two paintings, a sketch, a bust, and one not downloaded."""
    monkeypatch.setattr(descriptors, "LONG_SIDE", 64)
    folder = tmp_path / "corpora" / "anna-ancher"
    folder.mkdir(parents=True)
    head = {"format": 1, "slug": "anna-ancher", "artist": "Anna Ancher"}
    (folder / "corpus.json").write_text(json.dumps(head))
    lines = []
    for number, (title, genre) in enumerate(WORKS):
        pixels = picture(30, 40, seed=number)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        work = {"id": f"{number}", "title": title, "genre": genre, "year": "1890"}
        lines.append(json.dumps({**work, "rights": "PD", "file": f"{number}.png"}))
    missing = {"id": "9", "title": "Gone", "file": "9.png"}
    lines.append(json.dumps(missing))
    (folder / "works.jsonl").write_text("\n".join(lines) + "\n")
    return folder.parent


def choose(corpora: Path, *works: Any, seed: int = 0, **request: Any) -> list[Source]:
    """Choose among Anna Ancher's works."""
    request = {"artist": "ancher", "works": works, "corpora": corpora, **request}
    return StyleRequest(**request).choose(seed)


# Files


def test_files_in_their_order() -> None:
    given = Source(Path("c.png"), 2.0, {"title": "C"})
    images: Any = ["a.png", Path("b.png"), ("d.png", 0.25), (Path("e.png"), 0), given]
    sources = StyleRequest(images=images).choose(0)
    assert sources == [
        Source(Path("a.png")),
        Source(Path("b.png")),
        Source(Path("d.png"), 0.25),
        Source(Path("e.png"), 0),
        given,
    ]
    assert sources[-1] is given


def test_one_image_needs_no_list() -> None:
    one = Source(Path("a.png"))
    for images in ("a.png", Path("a.png"), one, ["a.png"], ("a.png",)):
        assert StyleRequest(images=images).choose(0) == [one]
    weighted = StyleRequest(images=("a.png", 0.5)).choose(0)
    assert weighted == [Source(Path("a.png"), 0.5)]
    two = StyleRequest(images=("a.png", "b.png")).choose(0)
    assert [source.path.name for source in two] == ["a.png", "b.png"]


def test_files_need_no_corpora(tmp_path: Path) -> None:
    (tmp_path / "corpora").write_text("not even a folder")
    request = StyleRequest(images=["a.png"], corpora=tmp_path / "corpora")
    assert [source.path for source in request.choose(0)] == [Path("a.png")]


def test_weights_are_parsed_off_names() -> None:
    for text, expected in {
        "a.jpg:0.7": ("a.jpg", 0.7),
        "a.jpg": ("a.jpg", 1.0),
        "Night: a study": ("Night: a study", 1.0),
        "Night: 2:3": ("Night: 2", 3.0),
        ":3": (":3", 1.0),
    }.items():
        assert parse_weight(text) == expected


# Works


def test_works_named_with_their_weights(
    corpora: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "artist_nst")
    sources = choose(corpora, "sea", ("0", 0.5), ("Hands", 3), "Head:2")
    folder = corpora / "anna-ancher"
    assert [(source.path, source.weight) for source in sources] == [
        (folder / "1.png", 1.0),
        (folder / "0.png", 0.5),
        (folder / "2.png", 3),
        (folder / "3.png", 2.0),
    ]
    assert sources[0].work == {
        "artist": "Anna Ancher",
        "corpus": "anna-ancher",
        "id": "1",
        "title": "Sea",
        "year": "1890",
        "rights": "PD",
    }
    json.dumps([source.work for source in sources])
    assert caplog.messages == ["Anna Ancher: Sea, Wheat, Hands, Head"]
    assert [
        source.work["title"] for source in choose(corpora, "sea") if source.work
    ] == ["Sea"]


def test_a_picked_work_is_logged(
    corpora: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "artist_nst")
    titles = set()
    for seed in range(20):
        caplog.clear()
        (source,) = choose(corpora, seed=seed)
        assert source.weight == 1
        assert source.work is not None
        titles.add(source.work["title"])
        assert caplog.messages == [
            f"Anna Ancher: {source.work['title']} (1890), picked of 2 with seed {seed}"
        ]
        assert choose(corpora, artist="anna ancher", seed=seed) == [source]
    assert titles == {"Wheat", "Sea"}  # no sketch, bust or missing picture


def test_corpora_from_the_environment(
    corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTIST_NST_CORPORA", str(corpora))
    (source,) = StyleRequest(artist="ancher", works="sea").choose(0)
    assert source.path == corpora / "anna-ancher" / "1.png"


def test_an_artist_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "nobody").mkdir()
    with pytest.raises(ArtistNstError, match="no pictures"):
        choose(tmp_path, artist="nobody")


# Picks


def test_several_are_several_paintings(corpora: Path) -> None:
    request = StyleRequest(artist="ancher", pick=Pick(works=2), corpora=corpora)
    groups = request.choose_groups(0)
    assert [len(group) for group in groups] == [1, 1]
    works = [source.work for (source,) in groups]
    assert {work["title"] for work in works if work} == {"Wheat", "Sea"}
    assert all(source.weight == 1 for (source,) in groups)


def test_a_mix_is_one_painting_of_equal_weights(corpora: Path) -> None:
    pick = Pick(way="mix", works=2)
    sources = choose(corpora, pick=pick, seed=3)
    request = StyleRequest(artist="ancher", pick=pick, corpora=corpora)
    assert request.choose_groups(3) == [sources]
    assert [source.weight for source in sources] == [1, 1]
    assert {source.path.name for source in sources} == {"0.png", "1.png"}


def test_without_a_pick_several_are_one_painting(corpora: Path) -> None:
    for request in (
        StyleRequest(images=["a.png", "b.png"]),
        StyleRequest(artist="ancher", works=["sea", "Head"], corpora=corpora),
        StyleRequest(artist="ancher", corpora=corpora),
    ):
        (group,) = request.choose_groups(5)
        assert request.choose(5) == group


def test_a_pick_sees_the_photo_and_reports_its_progress(corpora: Path) -> None:
    request = StyleRequest(artist="ancher", pick=Pick(way="nearest"), corpora=corpora)
    reports: list[tuple[int, int]] = []
    for name in ("0.png", "1.png"):
        photo = corpora / "anna-ancher" / name
        (source,) = request.choose(0, photo, lambda *counts: reports.append(counts))
        assert source.path.name == name
    assert reports == [(1, 2), (2, 2)]


def test_refused_requests(corpora: Path) -> None:
    artist: dict[str, Any] = {"artist": "ancher"}
    nan, inf = float("nan"), float("inf")
    refused: list[tuple[dict[str, Any], str]] = [
        ({}, "no style: name style images, or an --artist"),
        ({**artist, "images": ["a.png"]}, "style images or an --artist, not both"),
        ({**artist, "images": "a.png", "works": "sea"}, "not both"),
        ({**artist, "images": "a.png", "pick": Pick()}, "not both"),
        ({"works": ["sea"]}, "add --artist"),
        ({"images": ["a.png"], "works": ["sea"]}, "add --artist"),
        ({"images": ["a.png"], "pick": Pick()}, "--pick is of an artist's works"),
        ({"pick": Pick(way="mix")}, "--pick is of an artist's works: add --artist"),
        ({"artist": "nobody"}, "no works of 'nobody'"),
        ({**artist, "works": ["nothing"]}, "no such work"),
        ({**artist, "works": ["gone"]}, "no such work"),
        ({**artist, "works": ["sea", "nothing"]}, "no such work"),
        ({**artist, "works": "sea", "pick": Pick()}, "leave out --pick"),
        ({**artist, "pick": Pick(works=2)}, "--works 2 is for as many paintings"),
        (
            {**artist, "pick": Pick(selection=Selection(since=1900))},
            "no work of Anna",
        ),
        ({**artist, "pick": Pick(way="nearest")}, "--pick nearest"),
        ({"images": [("a.png", -1)]}, "a.png:-1: a weight must be 0 or more"),
        ({"images": ["b.png", ("a.png", -0.5)]}, "a.png:-0.5: a weight"),
        ({"images": [("a.png", nan)]}, "a.png:nan: a weight"),
        ({"images": [("a.png", inf), "b.png"]}, "a.png:inf: a weight"),
        ({"images": [Source(Path("x/a.png"), -2)]}, "a.png:-2: a weight"),
        ({"images": [("a.png", 0.0), ("b.png", -0.0)]}, "weights are all 0"),
        ({**artist, "works": [("sea", -1)]}, "1.png:-1: a weight"),
        ({**artist, "works": [("sea", nan)]}, "1.png:nan: a weight"),
        ({**artist, "works": [("sea", 0), ("wheat", 0)]}, "weights are all 0"),
    ]
    for request, message in refused:
        with pytest.raises(UsageError) as caught:
            StyleRequest(corpora=corpora, **request).choose(0)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


# Names for files


def test_names_of_several() -> None:
    files = [Source(Path(f"x/{name}.png")) for name in "abcde"]
    assert name_sources(files[:1]) == "a"
    # Every file that was named is named.
    assert name_sources(files) == "a+b+c+d+e"
    works = [
        Source(Path(f"{number}.png"), 1.0, {"title": title, "corpus": "anna-ancher"})
        for number, title in enumerate(["Wheat", "The Sea", "睡蓮", "Head"])
    ]
    assert name_sources(works[:1]) == "wheat"
    assert name_sources(works[:3]) == "wheat+the-sea+2"
    assert name_sources(works) == "anna-ancher-wheat-and-3-more"


def test_slugs() -> None:
    for path, title, slug in [
        ("styles/Starry Night.jpg", None, "Starry Night"),
        ("神奈川.png", None, "神奈川"),
        (".hidden", None, ".hidden"),
        ("images/577.png", "Étretat, la porte d’Aval", "etretat-la-porte-d-aval"),
        ("images/582.png", "睡蓮", "582"),
        ("images/583.png", "", "583"),
        ("images/584.png", "../../etc/passwd", "etc-passwd"),
    ]:
        work = None if title is None else {"title": title}
        assert Source(Path(path), 1.0, work).slug == slug
