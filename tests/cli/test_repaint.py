"""``artist-nst repaint``: the same pixels from the record, or changed on purpose."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artist_nst.corpus.works import packaged_corpora
from artist_nst.image.files import write_picture
from artist_nst.painting import record
from tests.cli.conftest import Cli
from tests.cli.test_paint import SMALL, files, pixels
from tests.conftest import picture


@pytest.fixture
def painted(cli: Cli, photo: Path, style: Path) -> Path:
    more = ("-i", "rand", "--color", "linear", "--tv", "0.01", "-s", "0.8")
    assert cli("paint", photo, style, *SMALL, *more, "-o", "a.png").code == 0
    return Path("a.png")


def test_same_pixels(cli: Cli, painted: Path) -> None:
    ran = cli("repaint", painted, "-o", "b.png")
    assert ran.code == 0
    assert (pixels(painted) == pixels("b.png")).all()


@pytest.mark.parametrize("suffix", ["jpg", "tif", "webp"])
def test_from_every_format(cli: Cli, painted: Path, suffix: str) -> None:
    cli("repaint", painted, "-o", f"b.{suffix}")
    assert cli("repaint", f"b.{suffix}", "-o", "c.png").code == 0
    assert (pixels(painted) == pixels("c.png")).all()


def test_of_an_artist(cli: Cli, photo: Path) -> None:
    cli("paint", photo, "-A", "procedural", *SMALL, "-o", "a.png")
    assert cli("repaint", "a.png", "-o", "b.png").code == 0
    assert (pixels("a.png") == pixels("b.png")).all()
    first, second = (record.read(name) for name in ("a.png", "b.png"))
    for key in ("content", "styles", "recipe", "seed", "network", "losses"):
        assert first[key] == second[key], key
    # But for the seconds.
    losses = [[row[:5] for row in one["history"]] for one in (first, second)]
    assert losses[0] == losses[1]


def test_of_an_artist_in_a_folder_of_their_own(
    cli: Cli, photo: Path, tmp_path: Path
) -> None:
    corpora = tmp_path / "corpora"
    shutil.copytree(packaged_corpora() / "procedural", corpora / "anna")
    cli("paint", photo, "-A", "anna", "--corpora", corpora, *SMALL, "-o", "a.png")
    assert cli("repaint", "a.png", "-o", "b.png").code == 0
    # The second record leads to the works again, too.
    assert cli("repaint", "b.png", "-o", "c.png").code == 0
    assert (pixels("a.png") == pixels("c.png")).all()


def test_a_record_of_an_older_version(cli: Cli, painted: Path) -> None:
    """Without the fields and figures that came later: they are as they were then."""
    made = record.read(painted)
    for key in ("losses", "distances"):
        del made[key]
    for field in ("tv_sum", "style_size"):
        del made["recipe"][field]
    made["history"] = [row[:5] for row in made["history"]]
    write_picture("old.png", pixels(painted), record=json.dumps(made))
    assert cli("repaint", "old.png", "-o", "b.png").code == 0
    assert (pixels(painted) == pixels("b.png")).all()
    now = record.read("b.png")
    assert now["recipe"] == record.read(painted)["recipe"]
    assert len(now["history"][0]) == 6


def test_a_film_and_an_explanation(cli: Cli, painted: Path) -> None:
    ran = cli("repaint", painted, "-o", "b.png", "--film", "b.gif", "--explain")
    assert (ran.code, ran.out) == (0, "b.png\nb.explained.png\n")
    assert files() == ["a.png", "b.explained.png", "b.gif", "b.png"]
    assert (pixels(painted) == pixels("b.png")).all()


def test_options_override(cli: Cli, painted: Path) -> None:
    more = ("-w", 64, "-n", 2, "--color", "none", "--seed", 3, "--ratio", 9)
    assert cli("repaint", painted, *more, "-o", "b.png").code == 0
    made = record.read("b.png")
    assert made["size"] == [64, 48]
    assert made["seed"] == 3
    kept = record.read(painted)["recipe"]
    changed = {key for key, value in made["recipe"].items() if kept[key] != value}
    assert changed == {"width", "levels", "color", "ratio"}


def test_pictures_that_moved(cli: Cli, painted: Path, photo: Path, style: Path) -> None:
    photo.rename("p.png")
    ran = cli("repaint", painted, "-o", "b.png")
    assert ran.code == 2
    assert "--content" in ran.line
    style.rename("s.png")
    ran = cli("repaint", painted, "--content", "p.png", "-o", "b.png")
    assert ran.code == 2
    assert "--style-image" in ran.line
    now = ("--content", "p.png", "--style-image", "s.png")
    assert cli("repaint", painted, *now, "-o", "b.png").code == 0
    assert (pixels(painted) == pixels("b.png")).all()


def test_paths_beside_the_painting(cli: Cli, photo: Path, style: Path) -> None:
    shutil.copy(photo, "photo.png")
    cli("paint", "photo.png", style, *SMALL, "-o", "a.png")
    Path("deep").mkdir()
    for name in ("photo.png", "a.png"):
        Path(name).rename(Path("deep") / name)
    assert cli("repaint", "deep/a.png", "-o", "b.png").code == 0


def test_another_picture_under_the_name(cli: Cli, painted: Path, photo: Path) -> None:
    Image.fromarray(picture(40, 40, seed=7)).save(photo)
    ran = cli("repaint", painted, "-o", "b.png")
    assert ran.code == 2
    assert "hash" in ran.line
    assert files() == ["a.png"]


def test_other_weights_are_named(
    cli: Cli, painted: Path, weights_file: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(weights_file)
    tensors["features.0.bias"] += 0.5
    other = tmp_path / "other.safetensors"
    save_file(tensors, other, metadata={"input": "torchvision"})
    ran = cli("repaint", painted, "--weights", other, "-o", "b.png")
    assert ran.code == 0
    assert "not the weights" in ran.err


@pytest.mark.parametrize("kind", ["photo", "missing", "newer", "damaged", "foreign"])
def test_no_usable_record(cli: Cli, painted: Path, kind: str) -> None:
    made = record.read(painted)
    texts = {
        "newer": json.dumps({**made, "format": 99}),
        "damaged": json.dumps(made)[:-20],
        "foreign": json.dumps({"format": 1}),
    }
    bad = Path(f"{kind}.png")
    if kind != "missing":
        write_picture(bad, np.zeros((9, 9, 3)), record=texts.get(kind))
    ran = cli("repaint", bad, "-o", "b.png")
    assert ran.code in (1, 2)
    assert f"{kind}.png" in ran.line or "recipe" in ran.line
    assert not Path("b.png").exists()


def test_pictures_named_are_not_ignored(
    cli: Cli, painted: Path, photo: Path, style: Path
) -> None:
    for option, path, says in (
        ("--content", "nothere.png", "nothere.png"),
        ("--content", style, "hash"),
        ("--style-image", "nothere.png", "nothere.png"),
        ("--style-image", photo, "hash"),
    ):
        ran = cli("repaint", painted, option, path, "-o", "b.png")
        assert ran.code == 2
        assert says in ran.line
        assert files() == ["a.png"]
