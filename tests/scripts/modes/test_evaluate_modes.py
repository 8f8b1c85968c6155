"""The script that compares ways of picking works: what is painted, and its figures."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from artist_nst.errors import UsageError
from artist_nst.image.files import sha256_of
from artist_nst.painting import record
from artist_nst.styles.descriptors import LAYERS, Style
from tests.artists import looked_at_in_small, save, save_artists
from tests.conftest import picture

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
PHOTOS = 2
WORKS = 24  # of an artist: eight to paint from, and eight for each judge
Script = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def script() -> Iterator[Script]:
    """The script, or a module of it, by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        yield import_module
    for name in [*sys.modules]:
        if name.partition(".")[0] in ("command", "evaluate_modes", "modes"):
            del sys.modules[name]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("modes")
    save_artists(made / "corpora", works=WORKS)
    for number in range(PHOTOS):
        save(made / "photos" / f"{number}.png", picture(48, 64, number))
    return made


@pytest.fixture(scope="module")
def painted(script: Script, folder: Path) -> Path:
    """What a run for two artists leaves, with four paintings of one photo."""
    out = folder / "out"
    module, planning = script("evaluate_modes"), script("modes.planning")
    whole = module.recipe
    with pytest.MonkeyPatch.context() as patch, looked_at_in_small(folder / "kept"):
        patch.setattr(
            module, "recipe", lambda *of, **how: whole(*of, **how).with_iterations(1)
        )
        patch.setattr(planning, "RANGE", 4)
        module.main(
            folder / "photos",
            folder / "corpora",
            out,
            artist=["anna", "dirk"],
            count=PHOTOS,
            width=48,
            network="compact",
            precision="float32",
        )
    return out


def test_every_mode_paints_every_photo(painted: Path) -> None:
    found = {path.name for path in (painted / "anna").glob("*.png")}
    table = {
        f"{photo}-{mode}-{photo:02}.png"
        for photo in range(PHOTOS)
        for mode in ("random", "typical", "nearest", "diverse", "mix")
    }
    ranged = {f"0-{mode}-{k:02}.png" for mode in ("diverse", "mix") for k in range(4)}
    assert found == table | ranged


def test_a_third_is_painted_from_and_judged_by_none(
    painted: Path, folder: Path, script: Script
) -> None:
    works = sorted((folder / "corpora" / "anna").iterdir())
    share = script("modes.planning").painter_share(works)
    assert len(share) == len(works) // 3
    hashes = {sha256_of(path) for path in share}
    used = set()
    for path in (painted / "anna").glob("*.png"):
        used |= {style["sha256"] for style in record.read(path)["styles"]}
    assert used <= hashes
    assert len(used) > 2


def test_a_mix_has_eight_works_and_the_others_one(painted: Path) -> None:
    for path in (painted / "dirk").glob("*.png"):
        count = len(record.read(path)["styles"])
        assert count == (8 if "-mix-" in path.name else 1)


def test_what_it_leaves_to_be_read(painted: Path) -> None:
    lines = (painted / "table.md").read_text(encoding="utf-8").splitlines()
    modes = [line.split(" | ")[0].strip("| ") for line in lines[2:7]]
    assert modes == ["random", "typical", "nearest", "diverse", "mix"]
    assert "of 6 artists" in lines[-1] or "of 7 artists" in lines[-1]
    with (painted / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = {Path(row["painting"]).name for row in rows if row["artist"] == "anna"}
    assert names == {path.name for path in (painted / "anna").glob("*.png")}
    assert all(0 <= float(row["probability"]) <= 1 for row in rows)
    with Image.open(painted / "sheet-0.png") as sheet:
        assert np.asarray(sheet).std() > 20


def test_an_artist_that_is_not_there(script: Script, folder: Path) -> None:
    planning = script("modes.planning")
    with pytest.raises(UsageError, match="--artist nobody"):
        planning.corpora_of(folder / "corpora", ["nobody"])
    with pytest.raises(UsageError, match="has 0 artists"):
        planning.corpora_of(folder / "photos", [])


def test_too_few_works_to_paint_from(script: Script, tmp_path: Path) -> None:
    planning = script("modes.planning")
    save_artists(tmp_path, works=9)
    (corpus,) = planning.corpora_of(tmp_path, ["anna"])
    with pytest.raises(UsageError, match="anna: 3 works to paint from are too few"):
        planning.plan(corpus, [], script("evaluate_modes").recipe("default"))


def test_what_looks_alike_is_painted_from_together(
    script: Script, tmp_path: Path
) -> None:
    painter_share = script("modes.planning").painter_share
    paths = [save(tmp_path / f"{one}.png", picture(48, 64, one)) for one in range(9)]
    for path in paths[:5]:
        with Image.open(path) as image:
            twin = image.resize((80, 60))
        twin.save(tmp_path / f"twin-{path.name}")
        paths.append(tmp_path / f"twin-{path.name}")
    share = painter_share(paths)
    assert len({path.name.removeprefix("twin-") for path in share}) == 3
    for path in paths[:5]:
        assert (path in share) == (tmp_path / f"twin-{path.name}" in share)


# Figures


def test_an_interval_of_no_spread(script: Script) -> None:
    interval = script("modes.figures").interval
    assert interval(np.full((6, 8), 0.25)) == (0.25, 0.25)


def test_an_interval_counts_artists_not_paintings(script: Script) -> None:
    interval = script("modes.figures").interval
    # All that differs is the artist: eight photos tell no more than one.
    artists = np.repeat([[0.0], [1.0], [0.0], [1.0], [1.0], [0.0]], 8, axis=1)
    low, high = interval(artists)
    assert low < 0.2
    assert high > 0.8
    independent = np.random.default_rng(0).integers(0, 2, (6, 8)).astype(float)
    own_low, own_high = interval(independent)
    assert own_high - own_low < 0.75 * (high - low)
    assert interval(independent) == (own_low, own_high)


def style(*loud: float) -> Style:
    """By how loud each of a few entries is."""
    grams = np.zeros((len(LAYERS), 1024), np.float32)
    grams[:, : len(loud)] = loud
    return Style(grams, np.zeros(4, np.float32), np.zeros(800, np.float32))


def test_manners_that_paintings_cover(script: Script) -> None:
    covered = script("modes.figures").covered
    works = [style(*np.eye(10)[n] * (5 + k / 9)) for n in range(10) for k in range(3)]
    # Ten manners in eight clusters; two of them are merged at most twice.
    every = [style(*np.eye(10)[n] * 5) for n in range(10)]
    assert covered(works, every) == (8, 8)
    assert covered(works, [style(*np.eye(10)[0] * 4.5)] * 16) == (1, 8)
    assert covered(works[:6], every[:1]) == (1, 6)
