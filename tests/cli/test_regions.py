"""``--mask``, ``--protect`` and ``--regions`` of ``paint``, and what repaints them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from artist_nst.errors import ArtistNstError
from artist_nst.figures.explanation_page import Explanation
from artist_nst.image import faces
from artist_nst.image.files import write_picture
from artist_nst.painting import explanation
from artist_nst.painting.record import load_record
from tests.cli.conftest import TINY, Cli, files, pixels, save

PAINT = (*TINY, "--seed", 1, "-o", "a.png")


def save_mask(name: str, *, rows: bool = False) -> str:
    """Save a mask of the left half, or of the upper one."""
    mask = np.zeros((72, 96), np.uint8)
    mask[np.s_[:36] if rows else np.s_[:, :48]] = 255
    Image.fromarray(mask).save(name)
    return name


@pytest.fixture(autouse=True)
def _pictures(cli: Cli) -> None:
    """A mask and another style, in the current folder."""
    del cli
    save_mask("left.png")
    save("other.png", 60, 70, seed=5)


def mask(*values: str) -> list[str]:
    return [argument for value in values for argument in ("--mask", value)]


def list_regions(painting: str = "a.png") -> list[tuple[str | None, list[str], float]]:
    """List masks, the styles that they are after, and their strengths."""
    record = load_record(painting)
    names = [
        style["work"]["id"] if style["work"] else Path(style["path"] or "").name
        for style in record["styles"]
    ]
    return [
        (
            region["mask"] and region["mask"]["path"],
            [names[index] for index in region["styles"]],
            region["strength"],
        )
        for region in record["regions"]
    ]


# Refusals ----------------------------------------------------------------------------

# Values of --mask, exit code, and words of the message.
BAD_MASKS = [
    ("left.png", 2, "left.png: write MASK=STYLE"),
    ("=other.png", 2, "=other.png: write MASK=STYLE"),
    ("left.png=", 2, "left.png=: name a style, or keep"),
    ("", 2, "--mask is empty"),
    ("no.png=keep", 2, "no.png: there is no such file"),
    ("folder=keep", 2, "folder is a folder: name a picture"),
    ("text.png=keep", 1, "text.png cannot be read"),
    ("cut.png=keep", 1, "cut.png cannot be read: it is truncated"),
    ("nan.tif=keep", 1, "nan.tif cannot be read"),
    ("pipe.png=keep", 1, "pipe.png cannot be read: it is a pipe"),
    ("black.png=keep", 1, "black.png covers nothing"),
    ("large.png=keep", 1, "large.png cannot be read: it has 160 × 120"),
    ("left.png=no.png", 2, "there is no file no.png"),
    ("left.png=text.png", 1, "text.png cannot be read"),
    ("left.png=pipe.png", 2, "there is no file pipe.png"),
    ("left.png=folder", 2, "write ./folder"),
    ("left.png=nobody", 2, "--mask left.png: no works of 'nobody'"),
    ("left.png=procedural/nothing", 2, "has no such work"),
    ("left.png=other.png@no.png", 2, "there is no file no.png"),
    ("left.png=other.png@black.png", 1, "black.png covers nothing"),
    ("left.png=@left.png", 2, "before @"),
    ("left.png=keep@left.png", 2, "before @"),
    ("left.png=keep:2", 2, "no strength"),
    *((f"left.png=other.png:{x}", 2, "strength") for x in ("nan", "inf", "-1", "1e16")),
    ("left.png=keep left.png=other.png", 2, "painted or kept, not both"),
    ("left.png=other.png:0 left.png=style.png:0", 2, "left.png: its styles all have"),
    ("left.png=other.png@left.png left.png=style.png", 2, "part of a single style"),
    ("rest=other.png", 2, "two for one part"),
    (f"{'x' * 5000}=keep", 2, "no such file"),
    (f"left.png={'x' * 5000}", 2, "no works of"),
]


def test_bad_masks_are_one_line(cli: Cli, photo: Path, style: Path) -> None:
    style.rename("style.png")
    Path("text.png").write_text("no picture")
    Path("cut.png").write_bytes(Path("left.png").read_bytes()[:-30])
    Path("folder").mkdir()
    os.mkfifo("pipe.png")
    for name, size, value in (("black.png", 9, 0), ("nan.tif", 9, np.nan)):
        kind = np.float32 if np.isnan(value) else np.uint8
        Image.fromarray(np.full((size, size), value, kind)).save(name)
    Image.new("L", (160, 120), 255).save("large.png")
    before = files()
    for text, code, words in BAD_MASKS:
        values = mask(*(text.split() or [""]))
        ran = cli("paint", photo, "style.png", *PAINT, "--max-pixels", 15000, *values)
        assert ran.code == code, (text, ran.err)
        assert words in ran.line, text
        assert "internal error" not in ran.line
        assert len(ran.line) < 1100
        assert (ran.out, files()) == ("", before), text


def test_options_that_exclude_one_another(cli: Cli, photo: Path, style: Path) -> None:
    part = mask("left.png=other.png")
    keep = mask("left.png=keep")
    for name in ("part.png", "m.gif"):
        save_mask(name)
    before = files()
    for arguments, words in (
        ((style, *part, "--regions", "auto"), "leave out --mask"),
        (("-A", "procedural", *keep, "--works", 2), "leave out --works and --sheet"),
        (("-A", "procedural", *keep, "--sheet"), "leave out --works and --sheet"),
        ((*mask("left.png=procedural@left.png"), "--pick", "mix"), "name ARTIST/WORK"),
        ((*keep,), "name a style for a part"),
        ((style, *mask("rest=keep")), "two for one part"),
        (("--regions", "auto"), "--artist"),
        (("--protect", "faces"), "--artist"),
        ((style, "--protect", "cats"), "--protect"),
        ((style, "--regions", "manual"), "--regions"),
        ((style, *part, "-o", "left.png"), "-o left.png: it would replace"),
        ((style, *mask("m.gif=keep"), "--film", "m.gif"), "--film m.gif: it would"),
        (
            (style, *mask("left.png=other.png@part.png"), "-o", "part.png"),
            "-o part.png: it would replace",
        ),
    ):
        ran = cli("paint", photo, *PAINT, *arguments)
        assert ran.code == 2, (arguments, ran.err)
        assert words in ran.line, arguments
        assert files() == before, arguments


def test_faces_without_dlib(
    cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ArtistNstError("install it with `pip install 'artist-nst[faces]'`")

    monkeypatch.setattr(faces, "_load_detector", fail)
    ran = cli("paint", photo, style, *PAINT, "--protect", "faces")
    assert (ran.code, "artist-nst[faces]" in ran.line) == (1, True)


# What works --------------------------------------------------------------------------


def test_what_a_mask_may_be_after(cli: Cli, photo: Path, style: Path) -> None:
    work = "procedural-03"
    for values, main, expected in (
        (["left.png=other.png"], style, [["other.png"], ["style.png"]]),
        ([f"left.png=procedural/{work}"], style, [[work], ["style.png"]]),
        (["left.png=keep"], style, [[], ["style.png"]]),
        (["rest=keep", "left.png=other.png"], None, [["other.png"], []]),
        (["left.png=other.png"], None, [["other.png"], []]),
        (["rest=other.png"], None, [["other.png"]]),
        (
            ["left.png=other.png", f"rest=procedural/{work}"],
            None,
            [["other.png"], [work]],
        ),
    ):
        styles = () if main is None else (main,)
        ran = cli("paint", photo, *styles, *PAINT, *mask(*values))
        assert ran.code == 0, (values, ran.err)
        assert [styles for _, styles, _ in list_regions()] == expected, values
    ran = cli("paint", photo, style, *PAINT, *mask("left.png=procedural"))
    assert "Procedural" in ran.err
    (_, (picked,), _), _ = list_regions()
    assert picked.startswith("procedural-")
    shown = cli("info", "a.png").out
    assert "left.png: " in shown
    assert "the rest: style.png" in shown


def test_strengths_and_weights(cli: Cli, photo: Path, style: Path) -> None:
    results = {}
    for strength in ("0", "1", "9"):
        values = mask(f"left.png=other.png:{strength}")
        assert cli("paint", photo, style, *PAINT, *values).code == 0
        assert list_regions()[0][2] == float(strength)
        results[strength] = pixels("a.png").astype(int)
    plain = np.asarray(Image.open(photo).resize((32, 24))).astype(int)
    changes = [np.abs(one - plain)[:, :14].mean() for one in results.values()]
    assert changes[0] < changes[1] < changes[2]
    # A mask that is named twice is after both.
    values = mask("left.png=other.png:1", f"left.png={style}:3")
    assert cli("paint", photo, *PAINT, *values).code == 0
    (_, styles, strength), _ = list_regions()
    assert (styles, strength) == (["other.png", "style.png"], 2)
    first, second = (one["weight"] for one in load_record("a.png")["styles"])
    assert second == pytest.approx(3 * first)


def test_names_with_signs(cli: Cli, photo: Path, style: Path) -> None:
    part = save_mask("top=my@part:2.png", rows=True)
    odd = save("we=ird@ style:3.png", 60, 70, seed=6).name
    for values in (
        [f"{part}={odd}"],
        [f"{part}={odd}:4"],
        [f"{part}={odd}@{part}"],
        [f"{part}={odd}@{part}:4"],
        [f"{part}={odd}:4@{part}"],
    ):
        ran = cli("paint", photo, style, *PAINT, *mask(*values))
        assert ran.code == 0, (values, ran.err)
        strength = 4 if ":4" in values[0] else 1
        assert list_regions()[0] == (part, [odd], strength)
        style_mask = load_record("a.png")["regions"][0]["style_mask"]
        assert (style_mask is not None) == (f"@{part}" in values[0])
    Path("rest").mkdir()
    assert cli("paint", photo, *PAINT, *mask("rest=other.png")).code == 0


def test_several_photos_are_resumed(cli: Cli, photo: Path, style: Path) -> None:
    other = save("second.png", 72, 96, seed=8)
    paint = ("paint", photo, other, "--style", style, *TINY, "-o", "all")
    values = mask("left.png=other.png")
    assert "already painted" not in cli(*paint, *values).err
    assert cli(*paint, *values).err.count("already painted") == 2
    # Other masks, strengths and protections are other paintings.
    save_mask("left.png", rows=True)
    for more in (
        values,
        mask("left.png=other.png:2"),
        (),
        mask("left.png=keep"),
        ("--protect", "faces"),
    ):
        ran = cli(*paint, *more)
        assert (ran.code, "already painted" in ran.err) == (0, False), more
    assert len(os.listdir("all")) == 2 * 6
    ran = cli(*paint, *mask("left.png=nobody"))
    assert (ran.code, "left.png: no works of 'nobody'" in ran.line) == (2, True)


def test_explain_draws_the_regions(
    cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: list[Explanation] = []

    def draw(page: Explanation) -> Any:
        pages.append(page)
        return np.ones((4, 4, 3))

    monkeypatch.setattr(explanation, "draw_explanation", draw)
    values = mask("left.png=other.png@left.png")
    for more in ((), values):
        assert cli("paint", photo, style, *PAINT, "--explain", *more).code == 0
    titles = [[panel.caption for panel in page.panels] for page in pages]
    drawn = [title for title in titles[1] if title not in titles[0]]
    assert sum("regions" in title for title in drawn) >= 1
    assert any("left.png: other.png" in str(fact) for fact in pages[1].facts)
    (tinted,) = [
        panel.pixels for panel in pages[1].panels if "regions: " in panel.caption
    ]
    # The left is blue, the right is orange.
    blue = (tinted[..., 2] - tinted[..., 0]).mean(0)
    assert blue[:15].min() > 0.2
    assert blue[17:].max() < -0.2


def test_regions_are_found(cli: Cli) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)
    bands = (np.arange(160) % 16 < 8)[None, :, None] * np.full((96, 1, 3), 255)
    upper, lower = noise.repeat(4, 0).repeat(4, 1), bands.astype(np.uint8)
    Image.fromarray(np.concatenate((upper, lower))).save("photo.png")
    Image.fromarray(np.concatenate((lower, 255 - upper))).save("work.png")
    paint = ("paint", "photo.png", "work.png", *PAINT, "--network", "compact")
    ran = cli(*paint, "--regions", "auto")
    assert ran.code == 0, ran.err
    assert "found 2 regions" in ran.err or "found 3 regions" in ran.err
    assert load_record("a.png")["segmented"]
    assert "segmented alike" in cli("info", "a.png").out
    ran = cli("repaint", "a.png", "-o", "b.png")
    assert ran.code == 0
    assert (pixels("a.png") == pixels("b.png")).all()
    # A style of weight 0 shows parts that no other does.
    more = ("lower.png:1", "upper.png:0")
    Image.fromarray(lower).save("lower.png")
    Image.fromarray(upper).save("upper.png")
    ran = cli("paint", "photo.png", *more, *PAINT, "--regions", "auto")
    assert ran.code == 0, ran.err


def test_faces_are_protected(cli: Cli, style: Path) -> None:
    Image.fromarray(data.astronaut()[:256, 96:352]).resize((96, 96)).save("face.png")
    ran = cli("paint", "face.png", style, *PAINT, "--protect", "faces")
    assert (ran.code, "protected: 1 face" in ran.err) == (0, True)
    ran = cli("repaint", "a.png", "-o", "b.png")
    assert (pixels("a.png") == pixels("b.png")).all()


# Repaint -----------------------------------------------------------------------------


@pytest.fixture
def painting(cli: Cli, photo: Path, style: Path) -> str:
    values = mask("left.png=other.png:2@part.png")
    save_mask("part.png")
    assert cli("paint", photo, style, *PAINT, *values).code == 0
    return "a.png"


def test_repaint(cli: Cli, painting: str) -> None:
    assert cli("repaint", painting, "-o", "b.png").code == 0
    assert (pixels("a.png") == pixels("b.png")).all()
    assert list_regions("b.png") == list_regions("a.png")
    for name in ("left.png", "part.png"):
        Path(name).rename(f"moved-{name}")
    ran = cli("repaint", painting, "-o", "c.png")
    assert ran.code == 2
    assert "left.png, which a.png was painted from, is not here" in ran.line
    assert "--mask" in ran.line
    moved = ("--mask", "moved-left.png", "--mask", "moved-part.png")
    assert cli("repaint", painting, *moved, "-o", "c.png").code == 0
    assert (pixels("a.png") == pixels("c.png")).all()
    save_mask("left.png", rows=True)
    for more, words in (
        ((), "left.png is not the picture that a.png was painted from"),
        (("--mask", "other.png"), "other.png: a.png was not painted by it"),
        (("--mask", "no.png"), "no.png: there is no such file"),
        ((*moved, "-A", "procedural"), "leave out --artist"),
        ((*moved, "-o", "moved-left.png"), "would replace"),
    ):
        ran = cli("repaint", painting, "-o", "d.png", *more)
        assert (ran.code, words in ran.line) == (2, True), ran.err
        assert not Path("d.png").exists()
    assert pixels("moved-left.png").shape == (72, 96)


def test_a_mask_for_a_painting_without(cli: Cli, photo: Path, style: Path) -> None:
    assert cli("paint", photo, style, *PAINT).code == 0
    for name in ("left.png", "no.png"):
        ran = cli("repaint", "a.png", "--mask", name, "-o", "b.png")
        assert (ran.code, f"--mask {name}" in ran.line) == (2, True)
        assert not Path("b.png").exists()


def test_forged_records(cli: Cli, painting: str) -> None:
    record = load_record(painting)
    first, rest = record["regions"]
    for forged in (
        [{**first, "styles": [-1]}, rest],
        [{**first, "styles": [10**12]}, rest],
        [{**first, "styles": [0] * 10**5}, rest],
        [{**first, "strength": 1e300}, rest],
        [first] * 1001,
        [rest, rest],
        [{"styles": [0]}],
        "left.png",
    ):
        text = json.dumps({**record, "regions": forged})
        write_picture("bad.png", np.zeros((9, 9, 3)), record=text)
        for command in (("info", "bad.png"), ("repaint", "bad.png", "-o", "b.png")):
            ran = cli(*command)
            assert ran.code == 1
            assert "bad.png: its record is damaged" in ran.line
            assert not Path("b.png").exists()
    text = json.dumps({**record, "regions": [first] * 10**6})
    write_picture("bad.png", np.zeros((9, 9, 3)), record=text)
    ran = cli("repaint", "bad.png", "-o", "b.png")
    assert (ran.code, "bad.png" in ran.line) == (1, True)
