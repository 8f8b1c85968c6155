"""Evaluation of paintings: attribution, what is kept of the photo, style distances."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artist_nst._files import hash_file
from artist_nst.corpus.works import get_packaged_corpora
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.evaluation.attribution import Proportion
from artist_nst.evaluation.metrics import (
    Evaluation,
    Evaluator,
    HeldOutDistances,
    PaintingMetrics,
    evaluate,
)
from artist_nst.styles.descriptors import StyleDescriptor, describe_file, gram_distance
from tests.artists import (
    NAMES,
    WORKS,
    save,
    save_artists,
    save_painting,
    small_pictures,
    work,
)
from tests.conftest import picture

ANNA = NAMES.index("anna")


@pytest.fixture(scope="module", autouse=True)
def _small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with small_pictures(tmp_path_factory.getbasetemp() / "features"):
        yield


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora")
    save_artists(folder)
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    return [save(folder / f"photo{n}.png", picture(48, 64, n)) for n in range(2)]


@pytest.fixture(scope="module")
def paintings(
    tmp_path_factory: pytest.TempPathFactory, corpora: Path, photos: list[Path]
) -> list[Path]:
    """Four after Anna's first two works: as she might have painted them."""
    folder = tmp_path_factory.mktemp("paintings")
    return [
        save_painting(
            folder / f"painting{n}.png",
            work(ANNA, 500 + n),
            photos[n % 2],
            [corpora / "anna" / f"{n // 2:02}.png"],
        )
        for n in range(4)
    ]


@pytest.fixture(scope="module")
def progress() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="module")
def evaluation(
    paintings: list[Path], corpora: Path, progress: list[tuple[str, int, int]]
) -> Evaluation:
    """Of the four paintings."""
    return evaluate(
        paintings, "anna", corpora, on_progress=lambda *step: progress.append(step)
    )


@pytest.fixture(scope="module")
def evaluator(corpora: Path) -> Evaluator:
    """Its classifiers have not seen Anna's first five works."""
    works = [corpora / "anna" / f"0{n}.png" for n in range(2)]
    return Evaluator(corpora, {hash_file(path) for path in works})


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    records = (record for record in caplog.records if record.levelname == "WARNING")
    return [record.getMessage() for record in records]


def test_paintings_like_the_artists_pass_for_his(
    evaluation: Evaluation, paintings: list[Path], photos: list[Path]
) -> None:
    assert evaluation.artist == "anna"
    assert [row.painting for row in evaluation.rows] == paintings
    assert evaluation.deception.total == 4
    assert evaluation.deception.rate > 0.7
    assert sum(row.taken_for == "anna" for row in evaluation.rows) >= 3
    assert evaluation.median("probability") > 0.5
    assert evaluation.photo_deception.total == 2
    assert evaluation.photo_deception.rate < evaluation.deception.rate
    assert [row.photo for row in evaluation.rows] == photos * 2
    # They are not near his works by chance.
    assert evaluation.median("closer_than") > 0.6
    assert evaluation.works_closer_than > 0.6


def test_works_painted_from_are_held_back_from_all(
    evaluation: Evaluation, corpora: Path
) -> None:
    classifiers = evaluation.classifiers
    used = {corpora / "anna" / "00.png", corpora / "anna" / "01.png"}
    assert set(classifiers.works["anna"]) == {*(corpora / "anna").iterdir()} - used
    assert classifiers.accuracy_by_artist["anna"].total == WORKS - 2


def test_progress_is_told(
    evaluation: Evaluation, progress: list[tuple[str, int, int]]
) -> None:
    del evaluation
    assert [step for step in progress if step[0] == "measuring"] == [
        ("measuring", number, 4) for number in range(4)
    ]


def test_a_table_of_all_numbers(
    evaluation: Evaluation, paintings: list[Path], tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    evaluation.write_table(path)
    with path.open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert [line["painting"] for line in lines] == [str(path) for path in paintings]
    for line, row in zip(lines, evaluation.rows, strict=True):
        assert float(line["content"]) == row.content
        assert float(line["closer_than"]) == row.closer_than
        assert int(line["hits"]) == row.hits
        assert line["photo"] == str(row.photo)
    with pytest.raises(ArtistNstError, match="folder"):
        evaluation.write_table(tmp_path / "none" / "table.csv")


def test_half_a_hit_is_one_classifier_of_two(evaluation: Evaluation) -> None:
    rows = tuple(
        PaintingMetrics(
            painting=Path(), taken_for="anna", probability=0.5, hits=hits, edges=edges
        )
        for hits, edges in ((2, 0.1), (1, None), (0, 0.3))
    )
    other = replace(evaluation, rows=rows)
    assert other.deception == Proportion(1.5, 3)
    assert other.median("edges") == pytest.approx(0.2)
    assert other.median("content") is None


def test_a_painting_of_nothing_but_the_photo(
    evaluator: Evaluator, tmp_path: Path, corpora: Path, photos: list[Path]
) -> None:
    used = corpora / "anna" / "00.png"
    painting = save_painting(
        tmp_path / "same.png", np.asarray(Image.open(photos[0])), photos[0], [used]
    )
    row = evaluator.measure(painting, "anna")
    assert row.edges == pytest.approx(1)
    assert row.content == pytest.approx(0, abs=1e-6)
    assert row.style > 0.01


def test_a_painting_that_is_the_work(
    evaluator: Evaluator, tmp_path: Path, corpora: Path, photos: list[Path]
) -> None:
    used = corpora / "anna" / "00.png"
    painting = save_painting(
        tmp_path / "same.png", np.asarray(Image.open(used)), photos[0], [used]
    )
    row = evaluator.measure(painting, "anna")
    assert row.style == pytest.approx(0, abs=1e-5)
    assert row.held_out > 0.01
    assert row.content > 0.1
    assert row.edges < 0.6


def test_style_of_a_blend_is_its_target(
    evaluator: Evaluator, tmp_path: Path, corpora: Path, photos: list[Path]
) -> None:
    """The weighted mean of the works' Gram matrices."""
    used = [corpora / "anna" / f"0{n}.png" for n in range(2)]
    painting = save_painting(
        tmp_path / "both.png", work(ANNA, 600), photos[0], used, [3.0, 1.0]
    )
    row = evaluator.measure(painting, "anna")
    grams = describe_file(painting).grams
    first, second = (describe_file(path).grams for path in used)
    targets = np.stack([(3 * first + second) / 4, first])
    blend, single = gram_distance(grams[None], targets)[0]
    assert row.style == pytest.approx(blend, rel=1e-3)
    assert row.style != pytest.approx(single, rel=1e-3)


def test_paintings_after_several_artists(
    evaluator: Evaluator, tmp_path: Path, paintings: list[Path]
) -> None:
    assert evaluator.classifiers.accuracy_by_artist["anna"].total == WORKS - 2
    other = save(tmp_path / "other.png", work(3, 900))
    first = evaluator.measure(paintings[0], "anna")
    second = evaluator.measure(other, NAMES[3])
    assert (first.taken_for, second.taken_for) == ("anna", NAMES[3])
    wrong = evaluator.measure(other, "anna")
    assert wrong.probability < second.probability
    assert wrong.held_out != second.held_out


def test_a_work_that_is_gone(
    evaluator: Evaluator,
    tmp_path: Path,
    photos: list[Path],
    caplog: pytest.LogCaptureFixture,
) -> None:
    style = save(tmp_path / "style.png", work(ANNA, 800))
    painting = save_painting(
        tmp_path / "painting.png", work(ANNA, 801), photos[0], [style]
    )
    assert evaluator.measure(painting, "anna").style > 0
    style.unlink()
    row = evaluator.measure(painting, "anna")
    assert row.style is None
    assert row.content is not None
    (message,) = warnings(caplog)
    assert str(painting) in message


def test_a_photo_that_has_moved(
    evaluator: Evaluator,
    tmp_path: Path,
    corpora: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    old = save(tmp_path / "photo.png", picture(48, 64, 5))
    works = [corpora / "anna" / "00.png"]
    painting = save_painting(tmp_path / "painting.png", work(ANNA, 550), old, works)
    new = Path(shutil.move(old, tmp_path / "elsewhere.png"))
    row = evaluator.measure(painting, "anna")
    assert (row.photo, row.content) == (None, None)
    (message,) = warnings(caplog)
    assert str(painting) in message
    assert "--content" in message
    row = evaluator.measure(painting, "anna", new)
    assert row.photo == new
    # Another picture is not its photo.
    other = save(tmp_path / "other.png", picture(48, 64, 6))
    assert evaluator.measure(painting, "anna", other).photo is None


def test_a_painting_without_a_record(
    tmp_path: Path,
    corpora: Path,
    photos: list[Path],
    caplog: pytest.LogCaptureFixture,
) -> None:
    foreign = save(tmp_path / "foreign.png", work(ANNA, 700))
    evaluation = evaluate([foreign], "anna", corpora)
    (row,) = evaluation.rows
    assert (row.photo, row.edges, row.content, row.style) == (None,) * 4
    assert row.held_out is not None
    assert evaluation.photo_deception == Proportion(0, 0)
    assert evaluation.median("edges") is None
    (message,) = warnings(caplog)
    assert str(foreign) in message
    (row,) = evaluate([foreign], "anna", corpora, content=photos[1]).rows
    assert row.photo == photos[1]
    assert row.edges < 0.9
    assert row.content > 0


def test_a_work_of_the_corpus_is_judged_as_held_out(corpora: Path) -> None:
    """By classifiers that have not seen it."""
    path = corpora / "anna" / "04.png"
    evaluation = evaluate([path], "anna", corpora)
    assert path not in evaluation.classifiers.works["anna"]


def test_without_color(paintings: list[Path], corpora: Path, tmp_path: Path) -> None:
    swapped = save(tmp_path / "swapped.png", work(ANNA, 500)[..., ::-1])
    gaps = []
    for color in (True, False):
        rows = evaluate([paintings[0], swapped], "anna", corpora, color=color).rows
        gaps.append(abs(rows[0].probability - rows[1].probability))
    assert gaps[1] < gaps[0]


def test_a_damaged_corpus_of_another_artist(
    tmp_path: Path,
    paintings: list[Path],
    corpora: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = tmp_path / "more"
    shutil.copytree(corpora, folder)
    (folder / "gerda").mkdir()
    (folder / "gerda" / "corpus.json").write_text("{")
    evaluation = evaluate(paintings[:1], "anna", folder)
    assert evaluation.classifiers.artists == (*NAMES, "procedural")
    assert any("gerda is left out" in message for message in warnings(caplog))
    with pytest.raises(ArtistNstError, match=r"corpus\.json"):
        evaluate(paintings[:1], "gerda", folder)


def test_requests_that_are_wrong(
    tmp_path: Path, paintings: list[Path], corpora: Path
) -> None:
    with pytest.raises(UsageError, match="anna"):
        evaluate(paintings, "hanna", corpora)
    # Of the packaged artist's eight works, one was painted from.
    used = min((get_packaged_corpora() / "procedural" / "images").iterdir())
    with pytest.raises(UsageError, match="procedural: the judges need 8"):
        evaluate([used, *paintings], "procedural", corpora)
    with pytest.raises(ArtistNstError, match=r"nothing\.png"):
        evaluate([tmp_path / "nothing.png"], "anna", corpora)


def test_held_out_distances_by_hand() -> None:
    """Works at 1, 2 and 4 of a single number; other artists' at 3 and 10."""

    def grams(*values: float) -> np.ndarray:
        return np.array(values, np.float32).reshape(-1, 1, 1)

    def descriptor(value: float) -> StyleDescriptor:
        return StyleDescriptor(grams(value)[0], *np.zeros((2, 1), np.float32))

    held_out = HeldOutDistances(grams(1, 2, 4), grams(3, 10))
    # From 2: (2−1)²/1² = 1, 0, (2−4)²/4² = 1/4. From 3: 4, 1/4, 1/16. From 10: 81, …
    assert held_out.measure(descriptor(2)) == (pytest.approx(0.25), 0.5)
    # (1.5−1)²/1² = 1/4, (1.5−2)²/2² = 1/16, (1.5−4)²/4² = 25/64
    assert held_out.measure(descriptor(1.5))[0] == pytest.approx(0.25)
    # 1 is 1/4 and 9/16 from the others, 2 is 1 and 1/4, 4 is 9 and 1: medians of 13/32,
    # 5/8 and 5; of the others' 1/4 and 16, one is farther, one, and one.
    assert held_out.works_closer_than == 0.5
