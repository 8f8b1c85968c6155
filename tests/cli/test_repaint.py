"""``artist-nst repaint``: the same pixels from the record, or changed on purpose."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from artist_nst.corpus.works import get_packaged_corpora
from artist_nst.image.files import write_picture
from artist_nst.nst.machine import count_cores
from artist_nst.painting.record import load_record
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import from_dict
from artist_nst.recipes.toml_file import find_recipe
from tests.cli.conftest import SMALL, Cli, files, pixels, save


@pytest.fixture
def painting(cli: Cli, photo: Path, style: Path) -> Path:
    more = ("-i", "rand", "--color", "linear", "--tv", "0.01", "-s", "0.8")
    assert cli("paint", photo, style, *SMALL, *more, "-o", "a.png").code == 0
    return Path("a.png")


def test_same_pixels_through_every_format(cli: Cli, painting: Path) -> None:
    name = str(painting)
    for suffix in ("jpg", "tif", "webp", "png"):
        assert cli("repaint", name, "-o", f"b.{suffix}").code == 0
        name = f"b.{suffix}"
    assert (pixels(painting) == pixels("b.png")).all()


def test_of_an_artist(cli: Cli, photo: Path) -> None:
    cli("paint", photo, "-A", "procedural", *SMALL, "-o", "a.png")
    assert cli("repaint", "a.png", "-o", "b.png").code == 0
    assert (pixels("a.png") == pixels("b.png")).all()
    first, second = (load_record(name) for name in ("a.png", "b.png"))
    for key in ("content", "styles", "recipe", "seed", "network", "losses"):
        assert first[key] == second[key], key
    # Except for the seconds.
    losses = [[row[:5] for row in record["history"]] for record in (first, second)]
    assert losses[0] == losses[1]


@pytest.mark.skipif(count_cores() < 2, reason="one core")
def test_with_as_many_threads(cli: Cli, painting: Path) -> None:
    """A batch paints with one thread what is painted again with all."""
    assert load_record(painting)["device"] == "cpu (1 threads)"
    torch.set_num_threads(2)
    try:
        for more, threads in (([], 1), (["--seed", "5"], 1), (["-w", "40"], 2)):
            torch.set_num_threads(2)
            assert cli("repaint", painting, *more, "-o", "b.png").code == 0
            assert load_record("b.png")["device"] == f"cpu ({threads} threads)"
    finally:
        torch.set_num_threads(1)


def test_of_an_artist_in_another_folder_of_corpora(
    cli: Cli, photo: Path, tmp_path: Path
) -> None:
    corpora = tmp_path / "corpora"
    shutil.copytree(get_packaged_corpora() / "procedural", corpora / "anna")
    cli("paint", photo, "-A", "anna", "--corpora", corpora, *SMALL, "-o", "a.png")
    assert cli("repaint", "a.png", "-o", "b.png").code == 0
    # The second record leads to the works again, too.
    assert cli("repaint", "b.png", "-o", "c.png").code == 0
    assert (pixels("a.png") == pixels("c.png")).all()


def test_a_record_of_an_older_version(cli: Cli, painting: Path) -> None:
    """Fields and figures that were added later have their defaults."""
    record = load_record(painting)
    for key in ("losses", "distances"):
        del record[key]
    for field in ("tv_sum", "style_size", "draft_levels"):
        del record["recipe"][field]
    record["history"] = [row[:5] for row in record["history"]]
    write_picture("old.png", pixels(painting), record=json.dumps(record))
    assert cli("repaint", "old.png", "-o", "b.png").code == 0
    assert (pixels(painting) == pixels("b.png")).all()
    now = load_record("b.png")
    expected = load_record(painting)["recipe"]
    assert now["recipe"] == {**expected, "draft_levels": 0}
    assert len(now["history"][0]) == 7


@pytest.mark.parametrize("name", ["../../\x1b[31mx", "/tmp/x", "..", "a\u202eb"])
@pytest.mark.parametrize("corpus", ["monet", None])
def test_names_in_a_record_stay_in_the_folder(
    cli: Cli, painting: Path, style: Path, name: str, corpus: str | None
) -> None:
    record = load_record(painting)
    record["styles"][0]["work"] = {
        "id": name,
        "title": name,
        "artist": name,
        "corpus": corpus or name,
        "year": "1900",
        "rights": None,
    }
    write_picture("bad.png", pixels(painting), record=json.dumps(record))
    before = {*files()}
    ran = cli("repaint", "bad.png", "--style-image", style)
    assert "\x1b" not in ran.out + ran.err
    made = {*files()} - before
    assert len(made) == (ran.code == 0)
    for path in made:
        assert path == Path(path).name
        assert path.isprintable()


def test_a_style_that_was_adopted_meanwhile(
    cli: Cli, painting: Path, style: Path
) -> None:
    scans = style.parent / "scans"
    scans.mkdir()
    style.rename(scans / "a.png")
    assert cli("repaint", painting, "-o", "b.png").code == 2
    adopted = ("adopt", scans, "-A", "Anna", "--corpora", "corpora")
    assert cli(*adopted).code == 0
    ran = cli("repaint", painting, "-o", "b.png", "--corpora", "corpora")
    assert ran.code == 0, ran.err
    assert (pixels(painting) == pixels("b.png")).all()


def test_a_draft_becomes_a_painting(cli: Cli, photo: Path, style: Path) -> None:
    assert cli("paint", photo, style, *SMALL, "--draft", "-o", "d.png").code == 0
    assert "--no-draft" in cli("repaint", "d.png", "-o", "b.png").err
    ran = cli("repaint", "d.png", "--no-draft", "-w", 40, "-o", "b.png")
    assert (ran.code, "--no-draft" in ran.err) == (0, False)
    record = load_record("b.png")
    assert record["network"]["name"] == "vgg19"
    assert record["size"][0] == 40
    # All iterations of its recipe, of which a draft has fewer.
    assert cli("paint", photo, style, "-w", 32, "--draft", "-o", "e.png").code == 0
    levels = load_record("e.png")["recipe"]["levels"]
    assert cli("repaint", "e.png", "--no-draft", "-o", "f.png").code == 0
    full = load_record("f.png")["recipe"]["levels"]
    assert full == [[*level] for level in RECIPES["default"].levels] != levels
    ran = cli("repaint", "d.png", "--no-draft", "--network", "vgg16", "-o", "c.png")
    assert ran.code == 2
    assert "--no-draft" in ran.line


def test_a_film(cli: Cli, painting: Path) -> None:
    ran = cli("repaint", painting, "-o", "b.png", "--film", "b.gif")
    assert (ran.code, ran.out) == (0, "b.png\nb.gif\n")
    assert files() == ["a.png", "b.gif", "b.png"]
    assert (pixels(painting) == pixels("b.png")).all()


def test_options_override(cli: Cli, painting: Path) -> None:
    more = ("-w", 64, "-n", 2, "--color", "none", "--seed", 3, "--ratio", 9)
    assert cli("repaint", painting, *more, "-o", "b.png").code == 0
    record = load_record("b.png")
    assert record["size"] == [64, 48]
    assert record["seed"] == 3
    before = load_record(painting)["recipe"]
    changed = {key for key, value in record["recipe"].items() if before[key] != value}
    assert changed == {"width", "levels", "color", "ratio"}


def test_pictures_that_moved(
    cli: Cli, painting: Path, photo: Path, style: Path
) -> None:
    photo.rename("p.png")
    ran = cli("repaint", painting, "-o", "b.png")
    assert ran.code == 2
    assert "--content" in ran.line
    style.rename("s.png")
    ran = cli("repaint", painting, "--content", "p.png", "-o", "b.png")
    assert ran.code == 2
    assert "--style-image" in ran.line
    now = ("--content", "p.png", "--style-image", "s.png")
    assert cli("repaint", painting, *now, "-o", "b.png").code == 0
    assert (pixels(painting) == pixels("b.png")).all()


def test_a_photo_that_moved_with_the_painting(
    cli: Cli, photo: Path, style: Path
) -> None:
    shutil.copy(photo, "photo.png")
    cli("paint", "photo.png", style, *SMALL, "-o", "a.png")
    Path("deep").mkdir()
    for name in ("photo.png", "a.png"):
        Path(name).rename(Path("deep") / name)
    assert cli("repaint", "deep/a.png", "-o", "b.png").code == 0


def test_pictures_that_are_missing_or_others(
    cli: Cli, painting: Path, photo: Path
) -> None:
    for option, path, word in (
        ("--content", "nothere.png", "nothere.png"),
        ("--style-image", "nothere.png", "nothere.png"),
        ("--style-image", photo, "hash"),
    ):
        ran = cli("repaint", painting, option, path, "-o", "b.png")
        assert ran.code == 2
        assert word in ran.line
    save(photo, 40, 40, seed=7)
    ran = cli("repaint", painting, "-o", "b.png")
    assert ran.code == 2
    assert "hash" in ran.line
    assert files() == ["a.png"]


def test_another_photo_with_the_same_settings(
    cli: Cli, painting: Path, style: Path
) -> None:
    ran = cli("repaint", painting, "--content", style, "-o", "b.png")
    assert ran.code == 0
    assert "another photo" in ran.err
    recorded, repainted = load_record(painting), load_record("b.png")
    assert repainted["recipe"] == recorded["recipe"]
    assert repainted["content"]["sha256"] != recorded["content"]["sha256"]


def test_its_record_in_words_and_its_recipe(cli: Cli, painting: Path) -> None:
    record = load_record(painting)
    ran = cli("info", painting)
    assert ran.code == 0
    assert record["content"]["path"] in ran.out
    assert json.loads(cli("info", painting, "--json").out) == record
    assert cli("recipes", painting, "--save", "again.toml").code == 0
    assert find_recipe("again.toml").levels == from_dict(record["recipe"]).levels
    assert cli("info", "nothere.png").code != 0


def test_a_damaged_record_is_one_line(cli: Cli, painting: Path) -> None:
    record = load_record(painting)
    for damage in ({"recipe": {"levels": 5}}, {"size": [1]}, {"styles": [7]}):
        text = json.dumps({**record, **damage})
        write_picture("bad.png", np.zeros((9, 9, 3)), record=text)
        for command in ("info", "repaint"):
            ran = cli(command, "bad.png")
            assert ran.code in (1, 2), (command, damage)
            assert "bad.png: its record is damaged" in ran.line
            assert "internal error" not in ran.line
    text = json.dumps({**record, "recipe": 5})
    write_picture("bad.png", np.zeros((9, 9, 3)), record=text)
    ran = cli("recipes", "bad.png")
    assert ran.code == 1
    assert "bad.png: its record is damaged" in ran.line


def test_other_weights_are_noted(
    cli: Cli, painting: Path, weights_file: Path, tmp_path: Path
) -> None:
    tensors = load_file(weights_file)
    tensors["features.0.bias"] += 0.5
    other = tmp_path / "other.safetensors"
    save_file(tensors, other, metadata={"input": "torchvision"})
    ran = cli("repaint", painting, "--weights", other, "-o", "b.png")
    assert ran.code == 0
    assert "the pixels will differ" in ran.err


def test_no_usable_record(cli: Cli, painting: Path) -> None:
    record = load_record(painting)
    for name, text in (
        ("photo", None),
        ("missing", None),
        ("newer", json.dumps({**record, "format": 99})),
        ("damaged", json.dumps(record)[:-20]),
        ("foreign", json.dumps({"format": 1})),
    ):
        bad = Path(f"{name}.png")
        if name != "missing":
            write_picture(bad, np.zeros((9, 9, 3)), record=text)
        ran = cli("repaint", bad, "-o", "b.png")
        assert ran.code in (1, 2)
        assert f"{name}.png" in ran.line or "recipe" in ran.line
        assert not Path("b.png").exists()
