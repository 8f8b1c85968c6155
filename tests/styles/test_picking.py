"""Works picked out of a corpus of real files, in each of the ways."""

from __future__ import annotations

import json
import logging
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from artist_nst.corpus.filters import Selection
from artist_nst.corpus.works import Corpus, Work, load_corpus
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.styles import descriptors
from artist_nst.styles.pick import DEFAULT_MIX_SIZE, Pick, PickWay, draw_works
from artist_nst.styles.picking import pick_works
from tests.conftest import picture

WAYS: tuple[PickWay, ...] = get_args(PickWay)
BY_STYLE = [way for way in WAYS if way != "random"]

Levels = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def _small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Works are compared at a sixteenth of the pixels."""
    monkeypatch.setattr(descriptors, "LONG_SIDE", 64)


def stripes(seed: int) -> Levels:
    """A picture of hard black and white stripes."""
    levels = np.zeros((40, 40, 3), np.uint8)
    levels[:: 2 + seed % 2] = 255
    return levels


def blobs(seed: int) -> Levels:
    return picture(40, 40, seed=seed)


def corpus_of(folder: Path, *pictures: Levels, **facts: list[Any]) -> Corpus:
    """Works "00", "01" … of those pictures; ``facts`` are lists of what is known."""
    folder.mkdir(parents=True)
    head = {"format": 1, "slug": "anna", "artist": "Anna Ancher"}
    (folder / "corpus.json").write_text(json.dumps(head))
    lines = []
    for number, levels in enumerate(pictures):
        name = f"{number:02}"
        Image.fromarray(levels).save(folder / f"{name}.png")
        known = {key: values[number] for key, values in facts.items()}
        work = {"id": name, "title": f"Work {name}", "file": f"{name}.png", **known}
        lines.append(json.dumps(work))
    (folder / "works.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return load_corpus(folder)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """Four of blobs, two of stripes."""
    pictures = (blobs(1), stripes(0), blobs(2), blobs(3), stripes(1), blobs(4))
    return corpus_of(tmp_path / "anna", *pictures)


def ids(picked: list[list[Work]]) -> list[list[str]]:
    return [[work.id for work in group] for group in picked]


def flat(picked: list[list[Work]]) -> list[str]:
    """One work for each painting."""
    assert all(len(group) == 1 for group in picked)
    return [group[0].id for group in picked]


# What is asked for


@pytest.mark.parametrize(
    ("asked", "way", "count", "paintings"),
    [
        ({}, "random", 1, 1),
        ({"works": 1}, "random", 1, 1),
        ({"works": 3}, "diverse", 3, 3),
        ({"way": "random", "works": 3}, "random", 3, 3),
        ({"way": "typical"}, "typical", 1, 1),
        ({"way": "typical", "works": 1}, "typical", 1, 1),
        ({"way": "nearest"}, "nearest", 1, 1),
        ({"way": "nearest", "works": 2}, "nearest", 2, 2),
        ({"way": "diverse"}, "diverse", 1, 1),
        ({"way": "mix"}, "mix", DEFAULT_MIX_SIZE, 1),
        ({"way": "mix", "works": 3}, "mix", 3, 1),
        ({"way": "mix", "works": 1}, "mix", 1, 1),
        ({"way": "whole"}, "whole", DEFAULT_MIX_SIZE, 1),
        ({"way": "whole", "works": 30}, "whole", 30, 1),
    ],
)
def test_what_is_asked_for(
    asked: dict[str, Any], way: PickWay, count: int, paintings: int
) -> None:
    pick = Pick(**asked)
    assert pick.effective_way == way
    assert (pick.work_count, pick.painting_count) == (count, paintings)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"works": 0}, "--works must be a number from 1 up, not 0"),
        ({"works": -2}, "--works must be a number from 1 up, not -2"),
        ({"way": "typical", "works": 2}, "--pick typical is one work"),
        ({"way": "typicl"}, "--pick"),
    ],
)
def test_what_is_refused(asked: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        Pick(**asked)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


# The ways


def test_random_is_the_seeds_draw_and_looks_at_nothing(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("looked at")

    monkeypatch.setattr(descriptors, "describe_files", refuse)
    for seed in range(5):
        for count in (1, 2, 4):
            wanted = [work.id for work in draw_works(corpus.works, seed, count)]
            pick = Pick(way="random", works=count)
            assert flat(pick_works(corpus, pick, seed)) == wanted
        assert flat(pick_works(corpus, Pick(), seed)) == wanted[:1]


def test_the_typical_work_is_no_stripes(corpus: Corpus) -> None:
    picked = flat(pick_works(corpus, Pick(way="typical"), 0))
    assert picked == flat(pick_works(corpus, Pick(way="typical"), 1))
    assert picked[0] in ("00", "02", "03", "05")


def test_diverse_works_are_of_blobs_and_of_stripes(corpus: Corpus) -> None:
    first, second = flat(pick_works(corpus, Pick(way="diverse", works=2), 0))
    assert first in ("00", "02", "03", "05")
    assert second in ("01", "04")
    assert flat(pick_works(corpus, Pick(works=2), 5)) == [first, second]
    # As many as there are, each once.
    everything = flat(pick_works(corpus, Pick(works=6), 0))
    assert sorted(everything) == [work.id for work in corpus.works]


@pytest.mark.parametrize("place", range(6))
def test_the_work_nearest_to_a_copy_of_it_is_itself(
    corpus: Corpus, place: int, tmp_path: Path
) -> None:
    wanted = corpus.works[place]
    photo = Path(shutil.copy(corpus.get_path(wanted), tmp_path / "photo.png"))
    assert flat(pick_works(corpus, Pick(way="nearest"), 0, photo)) == [wanted.id]
    picked = flat(pick_works(corpus, Pick(way="nearest", works=6), 0, photo))
    assert picked[0] == wanted.id
    assert len(set(picked)) == 6


def test_nearest_depends_on_the_photo_and_on_no_seed(
    corpus: Corpus, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(stripes(0)[:, :30]).save(photo)
    for seed in range(3):
        picked = flat(pick_works(corpus, Pick(way="nearest", works=2), seed, photo))
        assert sorted(picked) == ["01", "04"]


def test_nearest_without_a_photo(corpus: Corpus) -> None:
    with pytest.raises(UsageError, match="photo"):
        pick_works(corpus, Pick(way="nearest"), 0)


def test_nearest_to_a_photo_that_is_no_picture(corpus: Corpus, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_text("no picture")
    with pytest.raises(ArtistNstError, match=r"photo\.png"):
        pick_works(corpus, Pick(way="nearest"), 0, photo)


def test_a_mix_is_a_random_work_and_its_like(corpus: Corpus) -> None:
    mixes = {}
    for seed in range(12):
        (group,) = ids(pick_works(corpus, Pick(way="mix", works=2), seed))
        assert [group] == ids(pick_works(corpus, Pick(way="mix", works=2), seed))
        # A smaller one is its beginning, and it begins with what random draws.
        (drawn,) = draw_works(corpus.works, seed)
        assert group[0] == drawn.id
        assert ids(pick_works(corpus, Pick(way="mix", works=1), seed)) == [group[:1]]
        mixes[group[0]] = group
    assert len(mixes) > 3
    for first, second in mixes.values():
        stripy = {"01", "04"}
        assert (first in stripy) == (second in stripy)


@pytest.mark.parametrize("way", WAYS)
def test_the_order_of_the_manifest_does_not_matter(
    corpus: Corpus, way: PickWay, tmp_path: Path
) -> None:
    other = Corpus(corpus.folder, "other", corpus.artist, corpus.works[::-1])
    photo = tmp_path / "photo.png"
    Image.fromarray(blobs(9)).save(photo)
    count = 1 if way == "typical" else 2
    for seed in range(3):
        pick = Pick(way=way, works=count)
        once, again = (pick_works(one, pick, seed, photo) for one in (corpus, other))
        # Of two works alone in their cluster, either may stand for it.
        stripy = [
            [work.id.replace("04", "01") for group in picked for work in group]
            for picked in (once, again)
        ]
        assert stripy[0] == stripy[1]


# How many


@pytest.mark.parametrize("way", WAYS)
def test_more_works_than_there_are(
    corpus: Corpus, way: PickWay, photo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if way in ("typical", "whole"):  # one work, and as many as are worth it
        return
    picked = pick_works(corpus, Pick(way=way, works=7), 0, photo)
    assert len(picked) == (1 if way == "mix" else 6)
    together = [work.id for group in picked for work in group]
    assert sorted(together) == [work.id for work in corpus.works]
    (said,) = [one for one in caplog.records if one.levelname == "WARNING"]
    assert "Anna Ancher has 6 works to pick from, not 7" in said.getMessage()


def test_as_many_as_there_are_is_no_warning(
    corpus: Corpus, caplog: pytest.LogCaptureFixture
) -> None:
    for way in ("random", "diverse", "mix"):
        pick_works(corpus, Pick(way=way, works=6), 0)
    assert not [one for one in caplog.records if one.levelname == "WARNING"]


@pytest.mark.parametrize("way", WAYS)
def test_a_corpus_of_one_work(
    tmp_path: Path, way: PickWay, photo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    corpus = corpus_of(tmp_path / "anna", blobs(1))
    assert ids(pick_works(corpus, Pick(way=way), 3, photo)) == [["00"]]
    warned = [one for one in caplog.records if one.levelname == "WARNING"]
    assert len(warned) == (1 if way == "mix" else 0)


@pytest.mark.parametrize("way", WAYS)
def test_a_corpus_of_identical_works(tmp_path: Path, way: PickWay, photo: Path) -> None:
    corpus = corpus_of(tmp_path / "anna", *[blobs(1)] * 4)
    picked = pick_works(corpus, Pick(way=way, works=1), 3, photo)
    assert len(picked) == len(picked[0]) == 1
    if way == "diverse":
        assert len(pick_works(corpus, Pick(way=way, works=3), 3)) == 1


@pytest.mark.parametrize("way", WAYS)
def test_an_empty_corpus(tmp_path: Path, way: PickWay, photo: Path) -> None:
    for corpus in (
        corpus_of(tmp_path / "anna"),
        Corpus(tmp_path, "b", "B", (Work(id="1", title="Gone", file="gone.png"),)),
    ):
        with pytest.raises(ArtistNstError, match="no pictures on disk") as caught:
            pick_works(corpus, Pick(way=way), 0, photo)
        assert "\n" not in str(caught.value)


# Broken files


@pytest.mark.parametrize("way", BY_STYLE)
def test_broken_files_are_named_and_left_out(
    corpus: Corpus, way: PickWay, photo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for broken in ("00", "03"):
        (corpus.folder / f"{broken}.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    works = 1 if way == "typical" else 4
    picked = pick_works(corpus, Pick(way=way, works=works), 0, photo)
    together = [work.id for group in picked for work in group]
    assert len(together) == works or (way == "whole" and 1 <= len(together) < works)
    assert not {"00", "03"} & set(together)
    lines = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert [line.split(" is left out: ")[0] for line in lines] == ["Work 00", "Work 03"]
    for line in lines:
        assert ".png cannot be read" in line
        assert "\n" not in line


@pytest.mark.parametrize("way", BY_STYLE)
def test_nothing_but_broken_files(corpus: Corpus, way: PickWay, photo: Path) -> None:
    for work in corpus.works:
        corpus.get_path(work).write_bytes(b"broken")
    with pytest.raises(ArtistNstError) as caught:
        pick_works(corpus, Pick(way=way), 0, photo)
    assert not isinstance(caught.value, UsageError)
    assert "Anna Ancher: none of 6 pictures can be read" in str(caught.value)
    assert "\n" not in str(caught.value)


# What a work must be

FACTS: dict[str, list[Any]] = {
    "style": ["Realism", "Cubism, Surrealism", "Synthetic Cubism", None, "Realism", ""],
    "genre": [
        "portrait",
        "landscape",
        "portrait",
        "self-portrait",
        "marina",
        "landscape",
    ],
    "year": ["1890", "1907", "1912-1914", "c.1920", None, "1880-1889"],
}


@pytest.fixture
def known(tmp_path: Path) -> Corpus:
    """Six works of which style, genre and year are known."""
    return corpus_of(tmp_path / "anna", *map(blobs, range(6)), **FACTS)


@pytest.mark.parametrize(
    ("asked", "fit"),
    [
        ({"style": ("cubism",)}, {"01", "02"}),
        ({"style": ("Cubism", "realism")}, {"00", "01", "02", "04"}),
        ({"genre": ("portrait",)}, {"00", "02", "03"}),
        ({"genre": ("landscape",), "style": ("cubism",)}, {"01"}),
        ({"since": 1907}, {"01", "02", "03"}),
        ({"until": 1900}, {"00", "05"}),
        ({"since": 1913, "until": 1913}, {"02"}),
        ({"since": 1885, "until": 1885}, {"05"}),
        ({}, {"00", "01", "02", "03", "04", "05"}),
    ],
)
def test_only_what_fits_is_picked(
    known: Corpus, asked: dict[str, Any], fit: set[str]
) -> None:
    selection = Selection(**asked)
    picked = flat(pick_works(known, Pick(way="random", selection=selection), 0))
    assert picked[0] in fit
    for way in ("random", "diverse"):
        pick = Pick(way=way, works=len(fit), selection=selection)
        assert set(flat(pick_works(known, pick, 0))) == fit
    (mix,) = ids(pick_works(known, Pick(way="mix", works=9, selection=selection), 0))
    assert set(mix) == fit


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"style": ("rococo",)}, "style is Cubism, Realism, Surrealism, Synthetic"),
        ({"genre": ("sculpture",)}, "genre is landscape, marina, portrait"),
        ({"since": 2000}, "--since"),
        ({"style": ("cubism",), "until": 1850}, "--until"),
    ],
)
def test_nothing_fits(
    known: Corpus, asked: dict[str, Any], says: str, photo: Path
) -> None:
    for way in WAYS:
        pick = Pick(way=way, selection=Selection(**asked))
        with pytest.raises(UsageError, match="Anna Ancher") as caught:
            pick_works(known, pick, 0, photo)
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)


def test_where_no_style_is_known(corpus: Corpus) -> None:
    pick = Pick(selection=Selection(style=("cubism",)))
    with pytest.raises(UsageError, match="style is not known"):
        pick_works(corpus, pick, 0)


@pytest.mark.parametrize("way", WAYS)
def test_sculptures_and_sketches_are_left_out(
    tmp_path: Path, way: PickWay, photo: Path
) -> None:
    kinds = ["sculpture", "portrait", "sketch and study", "photo", "marina"]
    corpus = corpus_of(tmp_path / "anna", *map(blobs, range(5)), genre=kinds)
    works = 1 if way == "typical" else 5
    picked = pick_works(corpus, Pick(way=way, works=works), 0, photo)
    together = {work.id for group in picked for work in group}
    assert together <= {"01", "04"}
    # Where they are asked for, they are what there is.
    selection = Selection(genre=("sculpture",))
    picked = pick_works(corpus, Pick(way=way, selection=selection), 0, photo)
    assert ids(picked) == [["00"]]


# What is said


def test_what_was_picked_is_said(
    corpus: Corpus, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "artist_nst")
    pick_works(corpus, Pick(way="typical"), 3)
    (line,) = caplog.messages
    assert line.startswith("Anna Ancher: Work 0")
    assert line.endswith(", picked as typical of 6")
    caplog.clear()
    ((first, *_),) = pick_works(corpus, Pick(way="mix", works=5), 3)
    (line,) = caplog.messages
    assert line.startswith(f"Anna Ancher: {first.label}; Work 0")
    assert line.endswith(" and 2 more, picked as mix of 6 with seed 3")
    assert line.count("Work") == 3
    caplog.clear()
    pick_works(corpus, Pick(way="random"), 3)
    assert caplog.messages[0].endswith(", picked of 6 with seed 3")


def test_works_are_looked_at_once(corpus: Corpus) -> None:
    told: list[tuple[int, int]] = []
    for way in ("typical", "diverse", "mix"):
        pick = Pick(way=way, works=1)
        pick_works(corpus, pick, 0, on_progress=lambda *counts: told.append(counts))
    assert told == [(number, 6) for number in range(1, 7)]


# Random draws

UNTITLED = [Work(id=f"{number:02}", title="Untitled") for number in range(20)]


@pytest.mark.parametrize("seed", [0, 1, 7, 2**31 - 1, 2**63, -5])
def test_same_seed_same_work_in_any_order(seed: int) -> None:
    picked = draw_works(UNTITLED, seed)
    for shuffle in range(5):
        other = random.Random(shuffle).sample(UNTITLED, len(UNTITLED))
        assert other != UNTITLED
        assert draw_works(other, seed) == picked
    assert draw_works(UNTITLED[::-1], seed) == picked


def test_does_not_touch_the_shared_generator() -> None:
    random.seed(5)
    expected = random.random()
    random.seed(5)
    draw_works(UNTITLED, 3)
    assert random.random() == expected


def test_seeds_pick_roughly_uniformly() -> None:
    draws = 4000
    counts = Counter(draw_works(UNTITLED, seed)[0].id for seed in range(draws))
    assert set(counts) == {work.id for work in UNTITLED}
    mean = draws / len(UNTITLED)
    chi_square = sum((counts[work.id] - mean) ** 2 / mean for work in UNTITLED)
    # 19 degrees of freedom: exceeded once in a thousand, and 5 is as rare.
    assert 5 < chi_square < 43.8


@pytest.mark.parametrize("seed", [0, 1, 7, 2**31 - 1, 2**63, -5])
def test_the_first_draw_is_what_a_seed_always_drew(seed: int) -> None:
    """As records and habits have it: by one number below the count, of ids in order."""
    for works in (UNTITLED, UNTITLED[:7], UNTITLED[:1]):
        wanted = works[random.Random(seed).randrange(len(works))]
        assert draw_works(works, seed) == [wanted]
        assert draw_works(works, seed, 5)[0] == wanted


def test_the_draws_of_seeds_are_known() -> None:
    drawn = [draw_works(UNTITLED, seed)[0].id for seed in range(8)]
    assert drawn == ["12", "04", "01", "07", "07", "19", "18", "10"]


@pytest.mark.parametrize("seed", range(6))
def test_a_larger_count_only_adds(seed: int) -> None:
    whole = draw_works(UNTITLED, seed, len(UNTITLED))
    for count in range(1, len(UNTITLED) + 1):
        picked = draw_works(UNTITLED[::-1], seed, count)
        assert picked == whole[:count]
    # None twice, and in the end all of them.
    assert sorted(work.id for work in whole) == [work.id for work in UNTITLED]
    assert draw_works(UNTITLED, seed, 99) == whole


def test_several_are_drawn_uniformly() -> None:
    """Each work is as likely to be the third as any other."""
    draws = 4000
    counts = Counter(draw_works(UNTITLED, seed, 3)[2].id for seed in range(draws))
    mean = draws / len(UNTITLED)
    chi_square = sum((counts[work.id] - mean) ** 2 / mean for work in UNTITLED)
    assert 5 < chi_square < 43.8


def test_one_work() -> None:
    assert all(draw_works(UNTITLED[:1], seed) == UNTITLED[:1] for seed in range(9))


def test_nothing_to_pick_from() -> None:
    with pytest.raises(ArtistNstError, match="no pictures") as caught:
        draw_works([], 0)
    assert "\n" not in str(caught.value)
    with pytest.raises(ArtistNstError, match="no pictures"):
        draw_works([], 0, 4)


# The whole artist


def test_a_whole_is_of_works_that_suit_the_photo(tmp_path: Path) -> None:
    """A photo half of blobs, half of stripes, is after a work of each."""
    pictures = [blobs(1), stripes(0), blobs(2), stripes(0) // 2 + 60, blobs(3)]
    corpus = corpus_of(tmp_path / "anna", *pictures)
    halves = np.concatenate((blobs(3)[:, :20], stripes(0)[:, 20:]), 1)
    Image.fromarray(halves).save(tmp_path / "halves.png")
    pick = Pick(way="whole", works=3)
    for seed in range(3):
        (chosen,) = ids(pick_works(corpus, pick, seed, tmp_path / "halves.png"))
        assert {"01", "04"} == set(chosen[:2])


def test_a_whole_needs_a_photo(corpus: Corpus) -> None:
    with pytest.raises(UsageError, match="--pick whole needs a photo"):
        pick_works(corpus, Pick(way="whole"), 0)
