"""``artist-nst paint --pick`` and ``--works``: which works, and how many paintings."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artist_nst._files import hash_file
from artist_nst.nst import machine
from artist_nst.painting.record import load_record
from artist_nst.styles import descriptors
from tests.cli.conftest import (
    EXTRA,
    TINY,
    Cli,
    Ran,
    files,
    pixels,
    read_paintings,
    read_rows,
    save,
)

TITLES = ["Wheat", "Sea", "Wheat", "Hands", "Head", "Door", "Road", "Barn", "Night"]
STYLES = ["Realism", "Cubism", "Cubism", *["Realism"] * 6]
GENRES = ["portrait", "marina", "portrait", *["landscape"] * 6]

Paint = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare works at a small size."""
    monkeypatch.setattr(descriptors, "LONG_SIDE", 64)


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    """Anna Ancher, with works of 1890, 1891 and so on."""
    folder = tmp_path / "corpora" / "anna"
    folder.mkdir(parents=True)
    header = {"format": 1, "slug": "anna", "artist": "Anna Ancher"}
    (folder / "corpus.json").write_text(json.dumps(header))
    lines = []
    for number, (title, style, genre) in enumerate(
        zip(TITLES, STYLES, GENRES, strict=True)
    ):
        name = f"{number}.png"
        save(folder / name, 40, 50, seed=number)
        facts = {"title": title, "year": f"{1890 + number}"}
        facts |= {"style": style, "genre": genre}
        lines.append(json.dumps({"id": f"a{number}", "file": name, **facts}))
    (folder / "works.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return folder.parent


@pytest.fixture
def paint(cli: Cli, corpora: Path) -> Paint:
    """``paint(photo, "--pick", "mix")``: tiny, by the compact network, after Anna."""

    def run(*arguments: object, seed: int | None = 3) -> Ran:
        more = (*TINY, "--draft", "-A", "ancher", "--corpora", corpora)
        return cli(
            "paint", *arguments, *more, *(() if seed is None else ("--seed", seed))
        )

    return run


def get_works(path: str | Path) -> list[str]:
    return [style["work"]["id"] for style in load_record(path)["styles"]]


# One painting


def test_one_work_picked_in_each_way(paint: Paint, photo: Path) -> None:
    for way in ("random", "typical", "nearest", "diverse"):
        ran = paint(photo, "--pick", way)
        assert ran.code == 0
        name = ran.out.strip()
        (work,) = get_works(name)
        assert name == f"photo-anna-{TITLES[int(work[1:])].lower()}.png"
        assert "Anna Ancher: " in ran.err
        assert ("picked of 9" if way == "random" else f"as {way} of 9") in ran.err
        Path(name).unlink()


def test_the_default_is_one_random_work(paint: Paint, photo: Path) -> None:
    for name, more in (
        ("a", ()),
        ("b", ("--pick", "random")),
        ("c", ("--works", 1)),
    ):
        assert paint(photo, *more, "-o", f"{name}.png").code == 0
        assert (pixels("a.png") == pixels(f"{name}.png")).all()


def test_the_work_nearest_to_each_photo(
    paint: Paint, corpora: Path, tmp_path: Path
) -> None:
    photos = [tmp_path / "one.png", tmp_path / "two.png"]
    for number, photo in zip((4, 7), photos, strict=True):
        shutil.copy(corpora / "anna" / f"{number}.png", photo)
    assert paint(*photos, "--pick", "nearest", "-o", "both").code == 0
    assert set(os.listdir("both")) == {"one-anna-head.png", "two-anna-barn.png"}


def test_filters(paint: Paint, photo: Path) -> None:
    for filters, ids in (
        (("--movement", "cubism"), {"a1", "a2"}),
        (("--genre", "portrait"), {"a0", "a2"}),
        (("--movement", "cubism", "--genre", "portrait"), {"a2"}),
        (("--genre", "portrait", "--genre", "marina"), {"a0", "a1", "a2"}),
        (("--since", 1897), {"a7", "a8"}),
        (("--until", 1891), {"a0", "a1"}),
        (("--since", 1893, "--until", 1893), {"a3"}),
    ):
        # A mix of more works than there are has all of them.
        ran = paint(photo, "--pick", "mix", *filters, "-o", "a.png")
        assert ran.code == 0
        assert set(get_works("a.png")) == ids
        assert f"has {len(ids)} works to pick from, not 8" in ran.err
    assert paint(photo, *filters, "-o", "b.png").code == 0
    assert set(get_works("b.png")) <= ids


# A mix


def test_a_mix_of_eight_works_with_a_film_can_be_repainted(
    paint: Paint, cli: Cli, photo: Path, corpora: Path
) -> None:
    ran = paint(photo, "--pick", "mix", "--film", "a.gif", "-c")
    assert ran.code == 0
    name, film = ran.out.split()
    assert film == "a.gif"
    assert files() == ["a.gif", name]
    record = load_record(name)
    assert record["seed"] == 3
    styles = record["styles"]
    assert len({style["work"]["id"] for style in styles}) == len(styles) == 8
    assert {style["weight"] for style in styles} == {1}
    for style in styles:
        assert style["path"] is None
        path = corpora / "anna" / f"{style['work']['id'][1:]}.png"
        assert style["sha256"] == hash_file(path)
        assert (style["width"], style["height"]) == (50, 40)
    first = styles[0]["work"]["title"]
    assert name == f"photo-anna-{first.lower()}-and-7-more.png"
    assert f"Anna Ancher: {first}" in ran.err
    assert "picked as mix of 9 with seed 3" in ran.err
    assert cli("repaint", name, "-o", "again.png").code == 0
    assert (pixels("again.png") == pixels(name)).all()
    assert load_record("again.png")["styles"] == styles


def test_the_seed_decides_the_mix(paint: Paint, photo: Path) -> None:
    for out, seed in (("a", 3), ("b", 3), ("c", 0)):
        assert paint(photo, "--pick", "mix", "-o", f"{out}.png", seed=seed).code == 0
    assert get_works("a.png") == get_works("b.png") != get_works("c.png")
    assert (pixels("a.png") == pixels("b.png")).all()
    assert (pixels("a.png") != pixels("c.png")).any()


def test_a_mix_of_few_for_each_of_several_photos(paint: Paint, photo: Path) -> None:
    other = save(photo.with_name("other.png"), 48, 96, seed=9)
    more = ("--pick", "mix", "--works", 2, "-o", "all")
    assert paint(photo, other, *more).code == 0
    for path in Path("all").iterdir():
        start = path.name.split("-")[0]
        titles = [TITLES[int(work[1:])].lower() for work in get_works(path)]
        assert path.name == f"{start}-anna-{'+'.join(titles)}.png"
    assert len(os.listdir("all")) == 2


# Several paintings


def test_four_paintings_on_a_sheet(paint: Paint, photo: Path) -> None:
    ran = paint(photo, "--works", 4, "--sheet")
    assert (ran.code, ran.out) == (0, "photo-anna/sheet.png\n")
    assert os.listdir() == ["photo-anna"]
    rows = read_rows("photo-anna")
    names = [row["file"] for row in rows]
    assert set(os.listdir("photo-anna")) == {"sheet.png", "results.csv", *names}
    works = [get_works(Path("photo-anna", name)) for name in names]
    assert all(len(group) == 1 for group in works)
    assert len({work for (work,) in works}) == len(names) == 4
    assert {row["seed"] for row in rows} == {"3"}
    for name in names:
        assert pixels(f"photo-anna/{name}").shape == (24, 32, 3)
    assert "picked as diverse of 9" in ran.err
    assert pixels("photo-anna/sheet.png").shape[1] > 200


def test_again_nothing_is_painted_and_nothing_changes(
    paint: Paint, photo: Path
) -> None:
    ran = paint(photo, "--works", 3, "-o", "hall", "-q")
    assert (ran.code, ran.out, ran.err) == (0, "hall/sheet.png\n", "")
    before = read_paintings("hall")
    extra = {name: Path("hall", name).read_bytes() for name in EXTRA - {"losses.png"}}
    ran = paint(photo, "--works", 3, "--sheet", "-o", "hall")
    assert (ran.code, ran.out) == (0, "hall/sheet.png\n")
    assert "3 of 3" in ran.err
    assert read_paintings("hall") == before
    assert {name: Path("hall", name).read_bytes() for name in extra} == extra
    # Other paintings are refused.
    for more, seed, difference in ((("--tv", 0.5), 3, "tv"), ((), 4, "seed")):
        ran = paint(photo, "--works", 3, *more, "-o", "hall", seed=seed)
        assert ran.code == 2
        assert f"other {difference}" in ran.line
        assert "-o" in ran.line
        assert read_paintings("hall") == before


def test_a_sheet_alone_has_nine(paint: Paint, photo: Path) -> None:
    """And works of one title are two paintings."""
    assert paint(photo, "--sheet", "-o", "hall").code == 0
    assert len(read_rows("hall")) == 9
    names = {f"{title.lower()}.png" for title in TITLES} | {"wheat-2.png"}
    assert set(read_paintings("hall")) == names
    assert len({work for name in names for work in get_works(f"hall/{name}")}) == 9


def test_one_more_random_work_only_adds(paint: Paint, photo: Path) -> None:
    more = ("--pick", "random", "-o", "hall")
    assert paint(photo, *more, "--works", 2).code == 0
    before = read_paintings("hall")
    ran = paint(photo, *more, "--works", 3)
    assert ran.code == 0
    assert "2 of 3" in ran.err
    assert read_paintings("hall").items() >= before.items()
    assert len(read_rows("hall")) == 3


def test_different_mixes_on_a_sheet(paint: Paint, photo: Path, corpora: Path) -> None:
    (corpora / "anna" / "3.png").write_text("not a picture")
    ran = paint(photo, "--pick", "mix", "--works", 2, "--sheet", "-o", "hall")
    assert (ran.code, ran.out) == (0, "hall/sheet.png\n")
    assert ran.err.count("Hands (1893) is left out") == 1
    rows = read_rows("hall")
    works = [get_works(Path("hall", row["file"])) for row in rows]
    assert {len(mix) for mix in works} == {2}
    assert len({frozenset(mix) for mix in works}) == len(works) > 3
    # Each work is drawn once; two that are most like each other are one mix.
    assert len({mix[0] for mix in works}) == len(works)
    # The first is what a single painting with that seed would be.
    assert paint(photo, "--pick", "mix", "--works", 2, "-o", "a.png").code == 0
    assert (pixels("a.png") == pixels(Path("hall", rows[0]["file"]))).all()


def test_every_photo_has_its_folder(paint: Paint, photo: Path) -> None:
    other = save(photo.with_name("other.png"), 48, 96, seed=9)
    Path("bad.jpg").write_text("not a picture")
    ran = paint(photo, "bad.jpg", other, "--works", 2, "-o", "all")
    assert ran.code == 1
    assert ran.out.split() == ["all/photo-anna/sheet.png", "all/other-anna/sheet.png"]
    first, last = (line for line in ran.err.splitlines() if "artist-nst: " in line)
    assert first.startswith("artist-nst: bad.jpg cannot be read")
    assert "1 of 3 photos were not painted" in last
    assert len(read_rows("all/photo-anna")) == len(read_rows("all/other-anna")) == 2
    assert paint(photo, other, "--works", 1, "--sheet").code == 0
    assert sorted(os.listdir()) == ["all", "bad.jpg", "other-anna", "photo-anna"]


def test_long_side(cli: Cli, tmp_path: Path, corpora: Path) -> None:
    tall = save(tmp_path / "tall.png", 120, 60)
    more = ("--corpora", corpora, "--draft", "-n", 2, "--long-side", 64, "--works", 1)
    assert cli("paint", tall, "-A", "ancher", *more, "--sheet", "-o", "hall").code == 0
    (name,) = read_paintings("hall")
    assert pixels(f"hall/{name}").shape == (64, 32, 3)


def test_torch_is_configured_before_works_are_analyzed(
    paint: Paint, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading torch must not be cut short by Ctrl-C, and it uses all cores."""
    configured: list[bool] = []
    describe = descriptors.describe_files

    def spy(*arguments: Any) -> Any:
        configured.append(machine._is_configured)
        return describe(*arguments)

    monkeypatch.setattr(descriptors, "describe_files", spy)
    assert paint(photo, "--pick", "typical").code == 0
    assert configured == [True]


# Ctrl-C


def test_ctrl_c_keeps_what_is_finished(
    paint: Paint, photo: Path, interrupt: Callable[[int], None]
) -> None:
    """And the same command continues, without a seed too."""
    arguments = (photo, "--works", 3, "-o", "hall")
    interrupt(2)
    ran = paint(*arguments, seed=None)
    assert (ran.code, ran.out) == (130, "hall/sheet.png\n")
    assert "1 of 3 paintings" in ran.line
    (first,) = (row["file"] for row in read_rows("hall"))
    assert load_record(Path("hall", first))["stopped"] == ["all iterations done"]
    before = read_paintings("hall")[first]
    assert paint(*arguments, seed=None).code == 0
    assert read_paintings("hall")[first] == before
    assert len(read_rows("hall")) == 3


def test_ctrl_c_of_several_photos_ends_all(
    paint: Paint, photo: Path, interrupt: Callable[[int], None]
) -> None:
    other = save(photo.with_name("other.png"), 48, 96, seed=9)
    interrupt(2)
    ran = paint(photo, other, "--works", 2, "-o", "all")
    assert ran.code == 130
    assert "1 of 2 paintings in all/photo-anna; 0 of 2 photos are done; run" in ran.line
    assert os.listdir("all") == ["photo-anna"]


@pytest.mark.parametrize("more", [("--works", 2), ("--pick", "typical")])
def test_ctrl_c_while_works_are_analyzed(
    paint: Paint, photo: Path, more: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    described: list[Path] = []
    describe = descriptors.describe_file

    def spy(path: Path) -> descriptors.StyleDescriptor:
        described.append(path)
        if len(described) == 4:
            signal.raise_signal(signal.SIGINT)
        return describe(path)

    monkeypatch.setattr(descriptors, "describe_file", spy)
    ran = paint(photo, *more)
    assert (ran.code, ran.out) == (130, "")
    assert "interrupted" in ran.line
    assert files() == []
    # What was computed by then is cached.
    assert paint(photo, *more).code == 0
    assert len(described) == 4 + 6


# What fails


def test_refused_in_one_line(
    paint: Paint, cli: Cli, photo: Path, style: Path, corpora: Path
) -> None:
    paths = {"P": str(photo), "S": str(style)}
    for text, word in (
        ("P --works 0", "--works"),
        ("P --works x", "--works"),
        ("P --pick typicl", "typical"),
        ("P --pick typical --works 2", "--pick typical"),
        ("P --pick typical --sheet", "--pick typical"),
        ("P --since 1900 --until 1890", "--since 1900"),
        ("P --since 2000", "no work of Anna Ancher"),
        ("P --movement rococo", "style is Cubism, Realism"),
        ("P --genre x --works 3", "genre is landscape, marina"),
        ("P --pick mix --until 1800", "no work of Anna Ancher"),
        ("P --works 2 --film a.gif", "--film"),
        ("P --works 2 -p 1", "--print-rate"),
        ("P --sheet --explain", "--explain"),
        ("P --sheet --work sea", "--work"),
        ("P --works 2 --work sea", "--work"),
        ("P --pick mix --work sea", "--pick"),
        ("P --movement cubism --work sea", "--pick"),
        ("P --works 2 -o a.png", "-o a.png"),
        ("P --works 2 -o P", "folder"),
        ("P P --works 2 -o a.png", "-o a.png"),
    ):
        ran = paint(*(paths.get(part, part) for part in text.split()))
        assert (ran.code, ran.out) == (2, ""), text
        assert word in ran.line, text
        assert files() == [], text
    # What fails for all paintings is said once.
    more = ("--corpora", corpora, "--works", 3, "-w", 8, "--draft", "-o", "hall")
    ran = cli("paint", photo, "-A", "ancher", *more)
    assert (ran.code, ran.out) == (2, "")
    assert "--width" in ran.line
    # Style images are no artist.
    for more in (("--pick", "mix"), ("--works", 3), ("--sheet",), ("--since", 1900)):
        ran = cli("paint", photo, style, *TINY, *more)
        assert (ran.code, ran.out) == (2, "")
        assert "add --artist NAME" in ran.line
    assert files() == []


def test_a_photo_that_is_no_picture(paint: Paint) -> None:
    Path("bad.jpg").write_text("not a picture")
    for more in (("--works", 2), ("--pick", "nearest")):
        ran = paint("bad.jpg", *more)
        assert (ran.code, ran.out) == (1, "")
        assert "bad.jpg" in ran.line
        assert files() == ["bad.jpg"]


def test_a_broken_work(paint: Paint, photo: Path, corpora: Path) -> None:
    """It is left out, however works are picked."""
    (corpora / "anna" / "3.png").write_text("not a picture")
    more = ("--works", 4, "--until", 1893)
    ran = paint(photo, *more, "-o", "diverse")
    assert ran.code == 0
    assert len(read_rows("diverse")) == 3
    assert ran.err.count("Hands (1893) is left out") == 1
    ran = paint(photo, "--pick", "random", *more, "-o", "random")
    assert (ran.code, ran.out) == (0, "random/sheet.png\n")
    assert len(read_rows("random")) == 3
    assert ran.err.count("Hands (1893) is left out") == 1
