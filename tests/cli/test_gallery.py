"""``artist-nst paint --pick`` and ``--works``: after which works, and how often."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

from artist_nst.cli import console as talk
from artist_nst.experiments import gallery
from artist_nst.experiments.runner import SeriesProgress
from artist_nst.image.files import sha256_of
from artist_nst.nst import machine
from artist_nst.painting import record
from artist_nst.styles import descriptors as styles
from tests.cli.conftest import Cli, Ran
from tests.cli.test_paint import files, pixels
from tests.conftest import picture

TITLES = ["Wheat", "Sea", "Wheat", "Hands", "Head", "Door", "Road", "Barn", "Night"]
STYLES = ["Realism", "Cubism", "Cubism", *["Realism"] * 6]
GENRES = ["portrait", "marina", "portrait", *["landscape"] * 6]
EXTRA = {"sheet.png", "results.csv"}

Paint = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Works are looked at small, and sheets drawn small."""
    monkeypatch.setattr(styles, "LONG_SIDE", 64)
    monkeypatch.setattr(gallery, "SIDE", 80)


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    """Anna Ancher, with works of 1890, 1891 and so on."""
    own = tmp_path / "corpora" / "anna"
    own.mkdir(parents=True)
    head = {"format": 1, "slug": "anna", "artist": "Anna Ancher"}
    (own / "corpus.json").write_text(json.dumps(head))
    lines = []
    for number in range(len(TITLES)):
        name = f"{number}.png"
        Image.fromarray(picture(40, 50, seed=number)).save(own / name)
        facts = {"title": TITLES[number], "year": f"{1890 + number}"}
        kinds = {"style": STYLES[number], "genre": GENRES[number]}
        lines.append(json.dumps({"id": f"a{number}", "file": name, **facts, **kinds}))
    (own / "works.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return own.parent


@pytest.fixture
def paint(cli: Cli, corpora: Path) -> Paint:
    """``paint(photo, "--pick", "mix")``: tiny, by the compact network, after Anna."""

    def ran(*arguments: object, seed: int | None = 3) -> Ran:
        small = ("-w", 32, "-n", 2, "--draft", "-A", "ancher", "--corpora", corpora)
        seeded = () if seed is None else ("--seed", seed)
        return cli("paint", *arguments, *small, *seeded)

    return ran


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """``stopped(2)``: Ctrl-C at the first iteration of the second painting, once."""

    def at(number: int) -> None:
        waiting = [number]

        @contextmanager
        def bar(_: Console) -> Iterator[Callable[[SeriesProgress], None]]:
            def show(told: SeriesProgress) -> None:
                if told.number in waiting:
                    waiting.clear()
                    signal.raise_signal(signal.SIGINT)

            yield show

        monkeypatch.setattr(talk, "series_bar", bar)

    return at


def rows(folder: str) -> list[dict[str, str]]:
    with open(Path(folder, "results.csv"), encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def contents(folder: str) -> dict[str, tuple[int, bytes]]:
    """Of the paintings, with their times."""
    return {
        path.name: (path.stat().st_mtime_ns, path.read_bytes())
        for path in Path(folder).iterdir()
        if path.name not in EXTRA
    }


def works_of(path: str | Path) -> list[str]:
    return [style["work"]["id"] for style in record.read(path)["styles"]]


# One painting


@pytest.mark.parametrize("way", ["random", "typical", "nearest", "diverse"])
def test_one_work_picked_in_that_way(paint: Paint, photo: Path, way: str) -> None:
    ran = paint(photo, "--pick", way)
    assert ran.code == 0
    (name,) = files()
    assert ran.out == f"{name}\n"
    (work,) = works_of(name)
    assert name == f"photo-{TITLES[int(work[1:])].lower()}.png"
    assert "Anna Ancher: " in ran.err
    assert ("picked of 9" if way == "random" else f"as {way} of 9") in ran.err


def test_the_default_is_what_it_was(paint: Paint, photo: Path) -> None:
    assert paint(photo, "-o", "a.png").code == 0
    assert paint(photo, "--pick", "random", "-o", "b.png").code == 0
    assert paint(photo, "--works", 1, "-o", "c.png").code == 0
    assert (pixels("a.png") == pixels("b.png")).all()
    assert (pixels("a.png") == pixels("c.png")).all()


def test_the_work_nearest_to_each_photo(
    paint: Paint, corpora: Path, tmp_path: Path
) -> None:
    photos = [tmp_path / "one.png", tmp_path / "two.png"]
    for number, photo in zip((4, 7), photos, strict=True):
        shutil.copy(corpora / "anna" / f"{number}.png", photo)
    assert paint(*photos, "--pick", "nearest", "-o", "both").code == 0
    assert set(os.listdir("both")) == {"one-head.png", "two-barn.png"}


@pytest.mark.parametrize(
    ("narrowed", "fit"),
    [
        (("--style", "cubism"), {"a1", "a2"}),
        (("--genre", "portrait"), {"a0", "a2"}),
        (("--style", "cubism", "--genre", "portrait"), {"a2"}),
        (("--genre", "portrait", "--genre", "marina"), {"a0", "a1", "a2"}),
        (("--since", 1897), {"a7", "a8"}),
        (("--until", 1891), {"a0", "a1"}),
        (("--since", 1893, "--until", 1893), {"a3"}),
    ],
)
def test_works_are_narrowed_down(
    paint: Paint, photo: Path, narrowed: tuple[Any, ...], fit: set[str]
) -> None:
    # A mix of more than there are is one of all.
    ran = paint(photo, "--pick", "mix", *narrowed, "-o", "a.png")
    assert ran.code == 0
    assert set(works_of("a.png")) == fit
    assert f"has {len(fit)} works to pick from, not 8" in ran.err
    assert paint(photo, *narrowed, "-o", "b.png").code == 0
    assert set(works_of("b.png")) <= fit


# A mix


def test_a_mix_is_of_eight_works_in_one_painting(
    paint: Paint, cli: Cli, photo: Path, corpora: Path
) -> None:
    ran = paint(photo, "--pick", "mix")
    assert ran.code == 0
    (name,) = files()
    made = record.read(name)
    assert made["seed"] == 3
    found = made["styles"]
    assert len(found) == 8
    assert {style["weight"] for style in found} == {1}
    assert len({style["work"]["id"] for style in found}) == 8
    for style in found:
        assert style["path"] is None
        own = corpora / "anna" / f"{style['work']['id'][1:]}.png"
        assert style["sha256"] == sha256_of(own)
        assert (style["width"], style["height"]) == (50, 40)
    first = found[0]["work"]["title"]
    assert name == f"photo-anna-mix-{first.lower()}.png"
    assert f"Anna Ancher: {first}" in ran.err
    assert "picked as mix of 9 with seed 3" in ran.err
    # And from that it is painted again.
    assert cli("repaint", name, "-o", "again.png").code == 0
    assert (pixels("again.png") == pixels(name)).all()
    again = record.read("again.png")
    assert again["styles"] == found


def test_the_seed_decides_the_mix(paint: Paint, photo: Path) -> None:
    for out, seed in (("a", 3), ("b", 3), ("c", 0)):
        assert paint(photo, "--pick", "mix", "-o", f"{out}.png", seed=seed).code == 0
    assert works_of("a.png") == works_of("b.png") != works_of("c.png")
    assert (pixels("a.png") == pixels("b.png")).all()
    assert (pixels("a.png") != pixels("c.png")).any()


def test_a_mix_of_few_names_them(paint: Paint, photo: Path) -> None:
    assert paint(photo, "--pick", "mix", "--works", 2).code == 0
    (name,) = files()
    found = [TITLES[int(work[1:])].lower() for work in works_of(name)]
    assert name == f"photo-{'+'.join(found)}.png"


def test_a_mix_for_each_of_several_photos(paint: Paint, photo: Path) -> None:
    other = photo.with_name("other.png")
    Image.fromarray(picture(48, 96, seed=9)).save(other)
    more = ("--pick", "mix", "--works", 2, "-o", "all")
    assert paint(photo, other, *more).code == 0
    assert sorted(name.split("-")[0] for name in os.listdir("all")) == [
        "other",
        "photo",
    ]


def test_all_of_a_painting_goes_with_a_mix(paint: Paint, photo: Path) -> None:
    more = ("--film", "a.gif", "--explain", "-c", "-o", "a.png")
    assert paint(photo, "--pick", "mix", *more).code == 0
    assert files() == ["a.explained.png", "a.gif", "a.png"]


# Several paintings


def test_four_paintings_on_a_sheet(paint: Paint, photo: Path) -> None:
    ran = paint(photo, "--works", 4, "--sheet")
    assert (ran.code, ran.out) == (0, "photo-anna/sheet.png\n")
    assert os.listdir() == ["photo-anna"]
    found = rows("photo-anna")
    names = [row["file"] for row in found]
    assert set(os.listdir("photo-anna")) == EXTRA | set(names)
    works = [works_of(Path("photo-anna", name)) for name in names]
    assert len(names) == len({tuple(own) for own in works}) == 4
    assert all(len(own) == 1 for own in works)
    assert {row["seed"] for row in found} == {"3"}
    for name in names:
        assert pixels(f"photo-anna/{name}").shape == (24, 32, 3)
    assert "picked as diverse of 9" in ran.err
    assert pixels("photo-anna/sheet.png").shape[1] > 200


def test_again_nothing_is_painted_and_no_byte_changes(
    paint: Paint, photo: Path
) -> None:
    paint(photo, "--works", 3, "-o", "hall")
    before = contents("hall")
    extra = {name: Path("hall", name).read_bytes() for name in EXTRA}
    ran = paint(photo, "--works", 3, "--sheet", "-o", "hall")
    assert (ran.code, ran.out) == (0, "hall/sheet.png\n")
    assert "3 of 3 are there already" in ran.err
    assert contents("hall") == before
    assert {name: Path("hall", name).read_bytes() for name in EXTRA} == extra


def test_a_sheet_alone_has_nine(paint: Paint, photo: Path) -> None:
    """And works of one title are two paintings."""
    assert paint(photo, "--sheet", "-o", "hall").code == 0
    assert len(rows("hall")) == 9
    names = {f"{title.lower()}.png" for title in TITLES} | {"wheat-2.png"}
    assert set(contents("hall")) == names
    works = [works_of(Path("hall", name)) for name in names]
    assert len({work for (work,) in works}) == 9


def test_random_works_are_the_seeds_draws(paint: Paint, photo: Path) -> None:
    """One more only adds."""
    more = ("--pick", "random", "-o", "hall")
    assert paint(photo, *more, "--works", 2).code == 0
    before = contents("hall")
    ran = paint(photo, *more, "--works", 3)
    assert ran.code == 0
    assert "2 of 3 are there already" in ran.err
    assert {name: contents("hall")[name] for name in before} == before
    assert len(rows("hall")) == 3


def test_nine_different_mixes(paint: Paint, photo: Path) -> None:
    ran = paint(photo, "--pick", "mix", "--works", 2, "--sheet", "-o", "hall")
    assert ran.code == 0
    assert ran.out == "hall/sheet.png\n"
    found = rows("hall")
    works = [works_of(Path("hall", row["file"])) for row in found]
    assert {len(own) for own in works} == {2}
    assert len({frozenset(own) for own in works}) == len(works) > 3
    # Each work may be drawn once; two that are most like each other are one mix.
    assert len({own[0] for own in works}) == len(works)
    assert "Anna Ancher has" in ran.err if len(works) < 9 else True
    # The first as one painting with that seed would be.
    assert paint(photo, "--pick", "mix", "--works", 2, "-o", "a.png").code == 0
    assert (pixels("a.png") == pixels(Path("hall", found[0]["file"]))).all()


def test_every_photo_has_its_folder(paint: Paint, photo: Path) -> None:
    other = photo.with_name("other.png")
    Image.fromarray(picture(48, 96, seed=9)).save(other)
    ran = paint(photo, other, "--works", 2, "-o", "all")
    assert ran.code == 0
    assert ran.out.split() == [
        "all/photo-anna/sheet.png",
        "all/other-anna/sheet.png",
    ]
    assert len(rows("all/photo-anna")) == len(rows("all/other-anna")) == 2
    assert paint(photo, other, "--works", 2).code == 0
    assert sorted(os.listdir()) == ["all", "other-anna", "photo-anna"]


def test_quietly(paint: Paint, photo: Path) -> None:
    ran = paint(photo, "--works", 2, "-q", "-o", "hall")
    assert (ran.code, ran.out, ran.err) == (0, "hall/sheet.png\n", "")


def test_long_side(cli: Cli, tmp_path: Path, corpora: Path) -> None:
    tall = tmp_path / "tall.png"
    Image.fromarray(picture(120, 60)).save(tall)
    more = ("--corpora", corpora, "--draft", "-n", 2, "--long-side", 64, "--works", 1)
    assert cli("paint", tall, "-A", "ancher", *more, "--sheet", "-o", "hall").code == 0
    ((name, _),) = contents("hall").items()
    assert pixels(f"hall/{name}").shape == (64, 32, 3)


def test_the_machine_is_prepared_before_works_are_looked_at(
    paint: Paint, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Torch is loaded for it, which Ctrl-C must not cut short, and uses all cores."""
    prepared: list[bool] = []
    look = styles.styles_of

    def spy(*arguments: Any) -> Any:
        prepared.append(machine._prepared)
        return look(*arguments)

    monkeypatch.setattr(styles, "styles_of", spy)
    assert paint(photo, "--pick", "typical").code == 0
    assert prepared == [True]


# Ctrl-C


def test_ctrl_c_keeps_what_is_finished(
    paint: Paint, photo: Path, stopped: Callable[[int], None]
) -> None:
    arguments = (photo, "--works", 3, "-o", "hall")
    stopped(2)
    ran = paint(*arguments)
    assert (ran.code, ran.out) == (130, "hall/sheet.png\n")
    assert "1 of 3 paintings are in hall; run it again to go on" in ran.line
    (first,) = (row["file"] for row in rows("hall"))
    assert record.read(Path("hall", first))["stopped"] == ["all iterations done"]
    before = contents("hall")[first]
    ran = paint(*arguments)
    assert ran.code == 0
    assert contents("hall")[first] == before
    assert len(rows("hall")) == 3


def test_run_again_it_goes_on_with_no_seed_given(
    paint: Paint, photo: Path, stopped: Callable[[int], None]
) -> None:
    arguments = (photo, "--works", 3, "-o", "hall")
    stopped(2)
    assert "run it again to go on" in paint(*arguments, seed=None).line
    assert paint(*arguments, seed=None).code == 0


def test_ctrl_c_of_several_photos_ends_all(
    paint: Paint, photo: Path, stopped: Callable[[int], None]
) -> None:
    other = photo.with_name("other.png")
    Image.fromarray(picture(48, 96, seed=9)).save(other)
    stopped(2)
    ran = paint(photo, other, "--works", 2, "-o", "all")
    assert ran.code == 130
    assert "1 of 2 paintings are in all/photo-anna" in ran.line
    assert os.listdir("all") == ["photo-anna"]


@pytest.mark.parametrize("more", [("--works", 2), ("--pick", "typical")])
def test_ctrl_c_while_works_are_looked_at(
    paint: Paint, photo: Path, more: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []
    look = styles.style_of_file

    def spy(path: Path) -> styles.Style:
        looked.append(path)
        if len(looked) == 4:
            signal.raise_signal(signal.SIGINT)
        return look(path)

    monkeypatch.setattr(styles, "style_of_file", spy)
    ran = paint(photo, *more)
    assert (ran.code, ran.out) == (130, "")
    assert "interrupted" in ran.line
    assert files() == []
    # What was looked at by then is known.
    assert paint(photo, *more).code == 0
    assert len(looked) == 4 + 6


# What fails


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("PHOTO", "--works", 0), "--works"),
        (("PHOTO", "--works", "x"), "--works"),
        (("PHOTO", "--pick", "typicl"), "typical"),
        (("PHOTO", "--pick", "typical", "--works", 2), "--pick typical is one work"),
        (("PHOTO", "--pick", "typical", "--sheet"), "--pick typical is one work"),
        (("PHOTO", "--since", 1900, "--until", 1890), "--since 1900 is after"),
        (("PHOTO", "--since", 2000), "no work of Anna Ancher"),
        (("PHOTO", "--style", "rococo"), "style is Cubism, Realism"),
        (("PHOTO", "--genre", "x", "--works", 3), "genre is landscape, marina"),
        (("PHOTO", "--pick", "mix", "--until", 1800), "no work of Anna Ancher"),
        (("PHOTO", "--works", 2, "--film", "a.gif"), "--film is of one painting"),
        (("PHOTO", "--works", 2, "-p", 1), "--print-rate is of one painting"),
        (("PHOTO", "--sheet", "--explain"), "--explain is of one painting"),
        (("PHOTO", "--sheet", "--work", "sea"), "leave out --work"),
        (("PHOTO", "--works", 2, "--work", "sea"), "leave out --work"),
        (("PHOTO", "--pick", "mix", "--work", "sea"), "leave out --pick"),
        (("PHOTO", "--style", "cubism", "--work", "sea"), "leave out --pick"),
        (("PHOTO", "--works", 2, "-o", "a.png"), "-o a.png: several paintings need"),
        (("PHOTO", "--works", 2, "-o", "PHOTO"), "several paintings need a folder"),
        (("PHOTO", "--works", 2, "-o", "no/such"), "no/such"),
        (("PHOTO", "PHOTO", "--works", 2, "-o", "a.png"), "-o a.png: several"),
    ],
)
def test_refused_in_one_line(
    paint: Paint, photo: Path, arguments: tuple[Any, ...], says: str
) -> None:
    ran = paint(*(photo if one == "PHOTO" else one for one in arguments))
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.line
    assert files() == []


def test_too_narrow_is_said_once(cli: Cli, corpora: Path, photo: Path) -> None:
    more = ("--corpora", corpora, "--works", 3, "-w", 8, "--draft", "-o", "hall")
    ran = cli("paint", photo, "-A", "ancher", *more)
    assert (ran.code, ran.out) == (2, "")
    assert "--width" in ran.line
    assert files() == []


@pytest.mark.parametrize(
    "more", [("--pick", "mix"), ("--works", 3), ("--sheet",), ("--since", 1900)]
)
def test_files_are_no_artist(
    cli: Cli, photo: Path, style: Path, more: tuple[Any, ...]
) -> None:
    ran = cli("paint", photo, style, "-w", 32, "-n", 2, *more)
    assert (ran.code, ran.out) == (2, "")
    assert "add --artist NAME" in ran.line
    assert files() == []


@pytest.mark.parametrize("more", [("--works", 2), ("--pick", "nearest")])
def test_a_photo_that_is_no_picture(paint: Paint, more: tuple[Any, ...]) -> None:
    Path("bad.jpg").write_text("not a picture")
    ran = paint("bad.jpg", *more)
    assert (ran.code, ran.out) == (1, "")
    assert "bad.jpg" in ran.line
    assert files() == ["bad.jpg"]


def test_a_broken_photo_does_not_stop_the_others(paint: Paint, photo: Path) -> None:
    Path("bad.jpg").write_text("not a picture")
    ran = paint("bad.jpg", photo, "--works", 2, "-o", "all")
    assert ran.code == 1
    first, last = (line for line in ran.err.splitlines() if "artist-nst: " in line)
    assert first.startswith("artist-nst: bad.jpg cannot be read")
    assert "1 of 2 photos were not painted" in last
    assert os.listdir("all") == ["photo-anna"]
    assert len(rows("all/photo-anna")) == 2


def test_a_broken_work_is_left_out(paint: Paint, photo: Path, corpora: Path) -> None:
    (corpora / "anna" / "3.png").write_text("not a picture")
    ran = paint(photo, "--works", 4, "--until", 1893, "-o", "hall")
    assert ran.code == 0
    assert len(rows("hall")) == 3
    assert ran.err.count("Hands (1893) is left out") == 1


def test_a_broken_work_is_said_once_for_nine_mixes(
    paint: Paint, photo: Path, corpora: Path
) -> None:
    (corpora / "anna" / "3.png").write_text("not a picture")
    ran = paint(photo, "--pick", "mix", "--works", 2, "--sheet", "-o", "hall")
    assert ran.code == 0
    assert ran.err.count("Hands (1893) is left out") == 1


def test_no_mix_is_on_a_sheet_twice(paint: Paint, photo: Path) -> None:
    more = ("--pick", "mix", "--works", 2, "--until", 1893)
    assert paint(photo, *more, "--sheet", "-o", "hall").code == 0
    mixes = [works_of(Path("hall", row["file"])) for row in rows("hall")]
    assert len({frozenset(mix) for mix in mixes}) == len(mixes)


def test_a_random_work_that_is_broken_does_not_stop_the_others(
    paint: Paint, photo: Path, corpora: Path
) -> None:
    (corpora / "anna" / "3.png").write_text("not a picture")
    more = ("--works", 4, "--until", 1893)
    ran = paint(photo, "--pick", "random", *more, "-o", "hall")
    assert (ran.code, ran.out) == (1, "hall/sheet.png\n")
    first, last = ran.err.splitlines()[-2:]
    assert first.startswith("artist-nst: hands: ")
    assert "3 of 4 paintings are in hall; 1 could not be painted" in last


def test_a_folder_of_other_paintings_is_refused_and_kept(
    paint: Paint, photo: Path
) -> None:
    paint(photo, "--works", 2, "-o", "hall")
    before = contents("hall")
    for more, seed, says in ((("--tv", 0.5), 3, "other tv"), ((), 4, "other seed")):
        ran = paint(photo, "--works", 2, *more, "-o", "hall", seed=seed)
        assert ran.code == 2
        assert says in ran.line
        assert "-o" in ran.line
        assert contents("hall") == before


def test_help_needs_neither_numpy_nor_torch() -> None:
    code = (
        "import sys\n"
        "from artist_nst.cli import run\n"
        "assert run(['paint', '--help']) == 0\n"
        "heavy = 'torch', 'numpy', 'scipy', 'PIL', 'skimage', 'safetensors'\n"
        "print('loaded:', *(name for name in heavy if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for option in ("--pick", "--works", "--sheet", "--style", "--genre", "--since"):
        assert option in done.stdout
    assert done.stdout.splitlines()[-1] == "loaded:"
