"""Comparing the ways of picking works: what is painted, and the statistics."""

from __future__ import annotations

import csv
from pathlib import Path

import evaluate_modes
import numpy as np
import pytest
from modes import planning, statistics
from modes.planning import choose_painter_share
from modes.statistics import bootstrap_interval, count_clusters
from PIL import Image

from artist_nst._files import hash_file
from artist_nst.errors import UsageError
from artist_nst.painting.record import load_record
from artist_nst.recipes.published import recipe
from artist_nst.styles.descriptors import GRAM_LAYERS, StyleDescriptor
from tests.artists import save, save_artists, small_pictures
from tests.conftest import picture

pytestmark = pytest.mark.tools

PHOTOS = 2
WORKS = 24  # of an artist: eight to paint from, and eight for each classifier
MODES = "random", "typical", "nearest", "diverse", "mix", "whole"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos and corpora."""
    folder = tmp_path_factory.mktemp("modes")
    save_artists(folder / "corpora", works=WORKS)
    for number in range(PHOTOS):
        save(folder / "photos" / f"{number}.png", picture(48, 64, number))
    return folder


@pytest.fixture(scope="module")
def output(folder: Path) -> Path:
    """The folder of a run for two artists, with series of three paintings."""
    out = folder / "out"
    with pytest.MonkeyPatch.context() as patch, small_pictures(folder / "kept"):
        patch.setattr(
            evaluate_modes,
            "recipe",
            lambda *names, **changes: recipe(*names, **changes).with_iterations(1),
        )
        patch.setattr(planning, "SERIES", 3)
        patch.setattr(statistics, "RESAMPLES", 100)
        evaluate_modes.main(
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


def test_every_mode_paints_every_photo(output: Path) -> None:
    names = {path.name for path in (output / "anna").glob("*.png")}
    table = {
        f"{photo}-{mode}-{photo:02}.png" for photo in range(PHOTOS) for mode in MODES
    }
    series = {
        f"0-{mode}-{seed:02}.png" for mode in ("diverse", "mix") for seed in range(3)
    }
    assert names == table | series


def test_a_third_is_painted_from(output: Path, folder: Path) -> None:
    works = sorted((folder / "corpora" / "anna").iterdir())
    share = choose_painter_share(works)
    assert len(share) == len(works) // 3
    used = set()
    for path in (output / "anna").glob("*.png"):
        styles = load_record(path)["styles"]
        if "-whole-" in path.name:
            assert 1 <= len(styles) <= 8
        else:
            assert len(styles) == (8 if "-mix-" in path.name else 1)
        used |= {style["sha256"] for style in styles}
    assert used <= {hash_file(path) for path in share}
    assert len(used) > 2


def test_the_table_and_the_results(output: Path) -> None:
    lines = (output / "table.md").read_text(encoding="utf-8").splitlines()
    assert tuple(line.split(" | ")[0].strip("| ") for line in lines[2:8]) == MODES
    assert "artists (chance" in lines[-1]
    with (output / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = {Path(row["painting"]).name for row in rows if row["artist"] == "anna"}
    assert names == {path.name for path in (output / "anna").glob("*.png")}
    assert all(0 <= float(row["probability"]) <= 1 for row in rows)
    with Image.open(output / "sheet-0.png") as sheet:
        assert np.asarray(sheet).std() > 20


def test_usage_errors(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--artist nobody"):
        planning.load_corpora(folder / "corpora", ["nobody"])
    with pytest.raises(UsageError, match="has 0 artists"):
        planning.load_corpora(folder / "photos", [])
    save_artists(tmp_path, works=9)
    (corpus,) = planning.load_corpora(tmp_path, ["anna"])
    with pytest.raises(UsageError, match="anna: 3 works"):
        planning.plan_artist(corpus, [], recipe("default"))


def test_near_duplicates_are_painted_from_together(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{seed}.png", picture(48, 64, seed)) for seed in range(9)]
    for path in paths[:5]:
        with Image.open(path) as image:
            twin = image.resize((80, 60))
        twin.save(tmp_path / f"twin-{path.name}")
        paths.append(tmp_path / f"twin-{path.name}")
    share = choose_painter_share(paths)
    assert len({path.name.removeprefix("twin-") for path in share}) == 3
    for path in paths[:5]:
        assert (path in share) == (tmp_path / f"twin-{path.name}" in share)


# Statistics --------------------------------------------------------------------------


def test_intervals_count_artists_rather_than_paintings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statistics, "RESAMPLES", 2000)
    assert bootstrap_interval(np.full((6, 8), 0.25)) == (0.25, 0.25)
    # Only the artists differ: eight photos say no more than one.
    artists = np.repeat([[0.0], [1.0], [0.0], [1.0], [1.0], [0.0]], 8, axis=1)
    low, high = bootstrap_interval(artists)
    assert low < 0.2
    assert high > 0.8
    independent = np.random.default_rng(0).integers(0, 2, (6, 8)).astype(float)
    narrow = bootstrap_interval(independent)
    assert narrow[1] - narrow[0] < 0.75 * (high - low)
    assert bootstrap_interval(independent) == narrow


def make_style(*values: float) -> StyleDescriptor:
    """A descriptor with a few entries."""
    grams = np.zeros((len(GRAM_LAYERS), 1024), np.float32)
    grams[:, : len(values)] = values
    return StyleDescriptor(grams, np.zeros(4, np.float32), np.zeros(800, np.float32))


def test_clusters_of_paintings() -> None:
    unit = np.eye(10)
    works = [make_style(*unit[n] * (5 + k / 9)) for n in range(10) for k in range(3)]
    # Ten styles in eight clusters: at most two of them are merged.
    every = [make_style(*unit[n] * 5) for n in range(10)]
    assert count_clusters(works, every) == (8, 8)
    assert count_clusters(works, [make_style(*unit[0] * 4.5)] * 16) == (1, 8)
    assert count_clusters(works[:6], every[:1]) == (1, 6)
