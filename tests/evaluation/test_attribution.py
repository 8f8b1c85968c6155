"""Attribution: which artist a picture is taken for, and how accurate that is."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binom

from artist_nst._files import hash_file
from artist_nst.errors import UsageError
from artist_nst.evaluation import attribution, handcrafted_features
from artist_nst.evaluation.attribution import (
    MIN_WORKS,
    CrossFittedClassifiers,
    Prediction,
    Proportion,
    calibration_error,
    train,
)
from artist_nst.image.files import read_picture
from tests.artists import NAMES, WORKS, save, save_artists, small_pictures, work

Works = Mapping[str, Sequence[Path]]


@pytest.fixture(scope="module", autouse=True)
def _small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with small_pictures(tmp_path_factory.getbasetemp() / "features"):
        yield


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Works:
    return save_artists(tmp_path_factory.mktemp("corpora"))


@pytest.fixture(scope="module")
def classifiers(works: Works) -> CrossFittedClassifiers:
    return train(works)


def smaller(path: Path, to: Path) -> Path:
    """Another file of the same picture."""
    to.parent.mkdir(parents=True, exist_ok=True)
    Image.open(path).resize((40, 30)).save(to, quality=70)
    return to


def test_works_that_were_not_trained_on_are_known(
    classifiers: CrossFittedClassifiers,
) -> None:
    assert classifiers.artists == NAMES
    assert classifiers.accuracy.total == len(NAMES) * WORKS
    assert classifiers.accuracy.rate > 0.8
    assert classifiers.chance == 1 / 6
    assert all(classifiers.accuracy_by_artist[name].total == WORKS for name in NAMES)
    hits = [share.hits for share in classifiers.accuracy_by_artist.values()]
    assert sum(hits) == classifiers.accuracy.hits


def test_other_files_of_the_works_are_known_too(
    classifiers: CrossFittedClassifiers,
) -> None:
    accuracy = classifiers.reencoded_accuracy
    assert accuracy.total == len(NAMES) * WORKS * attribution.REENCODINGS
    assert accuracy.rate > 0.8


def test_paintings_are_taken_for_those_they_imitate(
    classifiers: CrossFittedClassifiers,
) -> None:
    hits = 0
    for number, name in enumerate(NAMES):
        for seed in range(100, 104):
            prediction = classifiers.predict(work(number, seed) / 255)
            assert np.allclose(prediction.probabilities.sum(1), 1)
            hits += prediction.count_votes(name)
    assert hits > 0.75 * 2 * 4 * len(NAMES)


def test_a_prediction_on_a_file_is_that_on_its_pixels(
    classifiers: CrossFittedClassifiers, works: Works
) -> None:
    path = works["clara"][0]
    of_file = classifiers.predict(path).probabilities
    of_pixels = classifiers.predict(read_picture(path).pixels).probabilities
    assert np.allclose(of_file, of_pixels, atol=1e-6)


def test_what_a_prediction_says() -> None:
    stated = np.array([[0.5, 0.2, 0.3], [0.1, 0.3, 0.6]])
    prediction = Prediction(("a", "b", "c"), stated)
    assert prediction.predicted_artist == "c"
    assert prediction.probability("c") == pytest.approx(0.45)
    assert [prediction.count_votes(name) for name in "abc"] == [1, 0, 1]


def test_shuffled_names_can_only_be_guessed(works: Works) -> None:
    trained = [train(works, permutation_seed=seed) for seed in range(3)]
    accuracy = np.mean([one.accuracy.rate for one in trained])
    assert accuracy < 1.5 / len(NAMES)
    # Nor do they state what they do not know.
    assert all(one.log_loss > 0.8 * np.log(len(NAMES)) for one in trained)
    shuffles = [one.predict(works["anna"][0]).probabilities for one in trained[:2]]
    assert not np.allclose(*shuffles)


def test_classifiers_follow_from_the_files(
    classifiers: CrossFittedClassifiers, works: Works
) -> None:
    again = train({name: works[name][::-1] for name in NAMES[::-1]})
    pixels = work(3, 200) / 255
    first, second = (one.predict(pixels).probabilities for one in (classifiers, again))
    assert np.array_equal(first, second)


def test_classifiers_without_colors_know_less(
    classifiers: CrossFittedClassifiers, works: Works
) -> None:
    plain = train(works, feature_groups=["edges", "patterns", "wavelets"])
    assert len(plain.columns) < len(classifiers.columns)
    assert 3 / len(NAMES) < plain.accuracy.rate < classifiers.accuracy.rate
    # With the color of another artist.
    pixels = work(0, 300) / 255
    swapped = pixels[..., ::-1]
    away = [
        np.abs(one.predict(pixels).probabilities - one.predict(swapped).probabilities)
        for one in (plain, classifiers)
    ]
    assert away[0].max() < away[1].max()


def test_what_was_painted_from_is_not_seen(works: Works, tmp_path: Path) -> None:
    """Nor another file of it, in whosever corpus."""
    painted = works["anna"][0]
    copy = smaller(painted, tmp_path / "copy.jpg")
    moved = smaller(painted, tmp_path / "moved.jpg")
    more = {
        **works,
        "anna": [*works["anna"], copy],
        "bram": [*works["bram"], moved],
    }
    trained = train(more, [hash_file(painted)])
    assert set(trained.works["anna"]) == set(works["anna"][1:])
    assert set(trained.works["bram"]) == set(works["bram"])
    assert trained.accuracy.total == len(NAMES) * WORKS - 1


def test_equal_files_are_one_work(works: Works, tmp_path: Path) -> None:
    """Of the first artist who has it."""
    copies = [
        Path(shutil.copy(path, tmp_path / f"{number}.png"))
        for number, path in enumerate(works["anna"][:3])
    ]
    more = {
        "elsa": [*works["elsa"], copies[0], works["elsa"][0]],
        "anna": [*works["anna"], *copies],
        **{name: works[name] for name in NAMES if name not in ("anna", "elsa")},
    }
    trained = train(more)
    assert set(trained.works["elsa"]) == {*works["elsa"], copies[0]}
    assert set(trained.works["anna"]) == set(works["anna"][1:])


def test_a_broken_file_is_left_out(
    works: Works, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff nothing")
    gone = tmp_path / "gone.jpg"
    trained = train({**works, "dirk": [broken, gone, *works["dirk"]]})
    assert trained.accuracy_by_artist["dirk"].total == WORKS
    told = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert len(told) == 2
    for path in (broken, gone):
        assert sum(str(path) in line for line in told) == 1


def test_an_artist_with_few_works_is_left_out(
    works: Works, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    few = [save(tmp_path / f"{seed}.png", work(1, seed + 50)) for seed in range(3)]
    with caplog.at_level(logging.INFO):
        trained = train({**works, "gerda": few})
    assert trained.artists == NAMES
    assert "gerda is left out" in caplog.text


@pytest.mark.parametrize("files", ["equal", "alike", "broken"])
def test_works_that_are_none(works: Works, tmp_path: Path, files: str) -> None:
    """Many files, and one picture, or none."""
    many = [tmp_path / f"{number}.jpg" for number in range(MIN_WORKS + 2)]
    for quality, path in enumerate(many, 60):
        if files == "broken":
            path.write_bytes(b"no picture")
        else:
            equal = 80 if files == "equal" else quality
            Image.fromarray(work(0, 70)).save(path, quality=equal)
    with pytest.raises(UsageError) as caught:
        train({**works, "gerda": many}, artist="gerda")
    line = str(caught.value)
    assert line.startswith(f"gerda: the judges need {MIN_WORKS} different works")
    assert f"have {0 if files == 'broken' else 1}:" in line
    assert "artist-nst fetch gerda" in line
    assert "\n" not in line


def test_too_few_artists(works: Works) -> None:
    with pytest.raises(UsageError) as caught:
        train({name: works[name] for name in NAMES[:4]}, artist="anna")
    line = str(caught.value)
    assert "6 artists" in line
    assert "(anna, bram, clara, dirk)" in line
    assert "artist-nst fetch" in line
    assert "\n" not in line
    with pytest.raises(UsageError, match="have 0:"):
        train({})


def test_of_many_works_some_are_taken(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attribution, "MAX_WORKS", MIN_WORKS)
    trained = train(works)
    for name in NAMES:
        least = sorted(works[name], key=hash_file)[:MIN_WORKS]
        assert set(trained.works[name]) == set(least)


def test_progress_is_told(works: Works, tmp_path: Path) -> None:
    new = [save(tmp_path / f"{seed}.png", work(2, seed + 400)) for seed in range(8)]
    told: list[tuple[str, int, int]] = []
    train({**works, "gerda": new}, on_progress=lambda *one: told.append(one))
    looked = [one for one in told if one[0] == "looking at gerda"]
    assert looked[-1] == ("looking at gerda", 8, 8)
    assert ("training", 1, 2) in told


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),
        (0, 10, 0, 0.2775),
        (10, 10, 0.7225, 1),
        (45, 120, 0.2935, 0.4642),
    ],
)
def test_intervals_of_shares(hits: int, of: int, low: float, high: float) -> None:
    """Wilson's, as tables have them; the last by hand: 0.3789 ± 0.0854."""
    share = Proportion(hits, of)
    assert share.rate == hits / of
    assert share.interval == pytest.approx((low, high), abs=1e-4)


def test_intervals_of_halves_and_of_nothing() -> None:
    lower, upper = Proportion(7, 20).interval, Proportion(8, 20).interval
    between = Proportion(7.5, 20).interval
    assert lower[0] < between[0] < upper[0]
    assert lower[1] < between[1] < upper[1]
    assert np.isnan(Proportion(0, 0).rate)
    assert Proportion(0, 0).interval == (0, 1)


def test_calibration_error() -> None:
    """0.95 stated twice and right twice, 0.55 twice and right once."""
    stated = np.array([0.95, 0.55, 0.95, 0.55])
    right = np.array([True, True, True, False])
    assert calibration_error(stated, right) == pytest.approx(0.05)
    assert calibration_error(np.ones(4), ~right) == pytest.approx(0.75)
    assert calibration_error(np.ones(3), np.ones(3, dtype=bool)) == 0


def test_probabilities_are_about_right(classifiers: CrossFittedClassifiers) -> None:
    assert classifiers.calibration_error < 0.2
    assert classifiers.log_loss < np.log(len(NAMES)) / 2


@pytest.fixture(scope="module")
def masters(shared: Path) -> Works:
    """Real works of eight artists, some of each: a hundred in all."""
    works = {
        folder.name: sorted(folder.iterdir(), key=hash_file)[:12]
        for folder in sorted((shared / "artists").iterdir())
    }
    assert len(works) == 8
    return works


@pytest.fixture
def few_variants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attribution, "REENCODINGS", 1)
    monkeypatch.setattr(attribution, "REGULARIZATION", (0.003, 0.03))
    monkeypatch.setattr(handcrafted_features, "SIDE", 128)


@pytest.mark.shared
@pytest.mark.usefixtures("few_variants")
def test_real_artists_are_known(masters: Works) -> None:
    trained = train(masters)
    assert trained.accuracy.total == 8 * 12
    assert trained.accuracy.rate >= 3 * trained.chance
    assert trained.reencoded_accuracy.rate >= 3 * trained.chance
    assert trained.calibration_error < 0.2
    without = train(masters, feature_groups=["edges", "patterns", "wavelets"])
    assert without.accuracy.rate >= 2 * trained.chance


@pytest.mark.shared
@pytest.mark.usefixtures("few_variants")
def test_shuffled_names_of_real_artists_can_only_be_guessed(masters: Works) -> None:
    trained = [train(masters, permutation_seed=seed).accuracy for seed in range(3)]
    hits, of = (int(sum(column)) for column in zip(*trained, strict=True))
    assert hits < binom.ppf(0.999, of, 1 / 8)
