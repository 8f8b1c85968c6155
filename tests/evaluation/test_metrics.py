"""Whether paintings pass for an artist's, what they keep of the photo, and how near
they come to works that they were not painted from."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.evaluation.attribution import Share
from artist_nst.evaluation.metrics import (
    Bench,
    Evaluation,
    HeldOut,
    Row,
    apart,
    evaluate,
)
from artist_nst.image.files import sha256_of
from artist_nst.styles.descriptors import Style, distance, style_of_file
from tests.artists import (
    NAMES,
    WORKS,
    looked_at_in_small,
    save,
    save_artists,
    save_painting,
    work,
)
from tests.conftest import picture

ANNA = NAMES.index("anna")


@pytest.fixture(scope="module", autouse=True)
def _small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with looked_at_in_small(tmp_path_factory.mktemp("kept")):
        yield


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora")
    save_artists(folder)
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    return [save(tmp_path / f"photo{n}.png", picture(48, 64, n)) for n in range(2)]


@pytest.fixture
def paintings(tmp_path: Path, corpora: Path, photos: list[Path]) -> list[Path]:
    """Four after Anna's first two works: as she might have painted them."""
    return [
        save_painting(
            tmp_path / f"painting{n}.png",
            work(ANNA, 500 + n),
            photos[n % 2],
            [corpora / "anna" / f"{n // 2:02}.png"],
        )
        for n in range(4)
    ]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]


def test_paintings_like_the_artists_pass_for_his(
    paintings: list[Path], corpora: Path, photos: list[Path]
) -> None:
    found = evaluate(paintings, "anna", corpora)
    assert found.artist == "anna"
    assert [row.painting for row in found.rows] == paintings
    assert found.deception.of == 4
    assert found.deception.rate > 0.7
    assert sum(row.taken_for == "anna" for row in found.rows) >= 3
    assert found.median("probability") > 0.5
    assert found.photos.of == 2
    assert found.photos.rate < found.deception.rate
    assert [row.photo for row in found.rows] == photos * 2
    # They are not near his works by chance.
    assert found.median("closer_than") > 0.6
    assert found.works_closer_than > 0.6


def test_works_painted_from_are_held_back_from_all(
    paintings: list[Path], corpora: Path
) -> None:
    judges = evaluate(paintings, "anna", corpora).judges
    used = {corpora / "anna" / "00.png", corpora / "anna" / "01.png"}
    assert set(judges.works["anna"]) == {*(corpora / "anna").iterdir()} - used
    assert judges.known["anna"].of == WORKS - 2


def test_a_painting_of_nothing_but_the_photo(
    tmp_path: Path, corpora: Path, photos: list[Path]
) -> None:
    used = corpora / "anna" / "03.png"
    painting = save_painting(
        tmp_path / "same.png", np.asarray(Image.open(photos[0])), photos[0], [used]
    )
    (row,) = evaluate([painting], "anna", corpora).rows
    assert row.edges == pytest.approx(1)
    assert row.content == pytest.approx(0, abs=1e-6)
    assert row.style > 0.01


def test_a_painting_that_is_the_work(
    tmp_path: Path, corpora: Path, photos: list[Path]
) -> None:
    used = corpora / "anna" / "03.png"
    painting = save_painting(
        tmp_path / "same.png", np.asarray(Image.open(used)), photos[0], [used]
    )
    (row,) = evaluate([painting], "anna", corpora).rows
    assert row.style == pytest.approx(0, abs=1e-5)
    assert row.held_out > 0.01
    assert row.content > 0.1
    assert row.edges < 0.6


def test_style_of_a_blend_is_its_target(
    tmp_path: Path, corpora: Path, photos: list[Path]
) -> None:
    """The weighted mean of the works' Gram matrices."""
    used = [corpora / "anna" / f"0{n}.png" for n in (1, 2)]
    painting = save_painting(
        tmp_path / "both.png", work(ANNA, 600), photos[0], used, [3.0, 1.0]
    )
    (row,) = evaluate([painting], "anna", corpora).rows
    own = style_of_file(painting)
    first, second = (style_of_file(path) for path in used)
    blend = replace(first, grams=(3 * first.grams + second.grams) / 4)
    assert row.style == pytest.approx(distance(own, blend), rel=1e-3)
    assert row.style != pytest.approx(distance(own, first), rel=1e-3)


def test_another_tools_painting(
    tmp_path: Path,
    corpora: Path,
    photos: list[Path],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What it was painted from is not known."""
    foreign = save(tmp_path / "foreign.png", work(ANNA, 700))
    found = evaluate([foreign], "anna", corpora)
    (row,) = found.rows
    assert (row.photo, row.edges, row.content, row.style) == (None,) * 4
    assert row.held_out is not None
    assert found.photos == Share(0, 0)
    assert found.median("edges") is None
    (told,) = warnings(caplog)
    assert str(foreign) in told
    assert "may know" in told
    (row,) = evaluate([foreign], "anna", corpora, content=photos[1]).rows
    assert row.photo == photos[1]
    assert row.edges < 0.9
    assert row.content > 0


def test_a_work_of_the_corpus_is_judged_as_held_out(corpora: Path) -> None:
    """By judges that have not seen it."""
    path = corpora / "anna" / "04.png"
    found = evaluate([path], "anna", corpora)
    assert path not in found.judges.works["anna"]


def test_a_photo_that_has_moved(
    tmp_path: Path,
    paintings: list[Path],
    corpora: Path,
    photos: list[Path],
    caplog: pytest.LogCaptureFixture,
) -> None:
    there = Path(shutil.move(photos[0], tmp_path / "elsewhere.png"))
    rows = evaluate(paintings[:2], "anna", corpora).rows
    assert [row.photo for row in rows] == [None, photos[1]]
    assert [row.content is None for row in rows] == [True, False]
    (told,) = warnings(caplog)
    assert str(paintings[0]) in told
    assert "--content" in told
    rows = evaluate(paintings[:2], "anna", corpora, content=there).rows
    assert [row.photo for row in rows] == [there, photos[1]]


def test_a_work_that_is_gone(
    tmp_path: Path,
    corpora: Path,
    photos: list[Path],
    caplog: pytest.LogCaptureFixture,
) -> None:
    style = save(tmp_path / "style.png", work(ANNA, 800))
    painting = save_painting(
        tmp_path / "painting.png", work(ANNA, 801), photos[0], [style]
    )
    assert evaluate([painting], "anna", corpora).rows[0].style > 0
    style.unlink()
    (row,) = evaluate([painting], "anna", corpora).rows
    assert row.style is None
    assert row.content is not None
    (told,) = warnings(caplog)
    assert "not compared with its works" in told


def test_without_color(paintings: list[Path], corpora: Path) -> None:
    swapped = paintings[0].with_name("swapped.png")
    save(swapped, work(ANNA, 500)[..., ::-1])
    both = [paintings[0], swapped]
    seen = [evaluate(both, "anna", corpora, color=color) for color in (True, False)]
    gaps = [abs(one.rows[0].probability - one.rows[1].probability) for one in seen]
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
    found = evaluate(paintings[:1], "anna", folder)
    assert found.judges.artists == (*NAMES, "procedural")
    assert any("gerda is left out" in line for line in warnings(caplog))
    with pytest.raises(ArtistNstError, match=r"corpus\.json"):
        evaluate(paintings[:1], "gerda", folder)


def test_requests_that_are_wrong(
    tmp_path: Path, paintings: list[Path], corpora: Path
) -> None:
    with pytest.raises(UsageError, match="nearest: anna"):
        evaluate(paintings, "hanna", corpora)
    with pytest.raises(UsageError, match="procedural: the judges need 8"):
        evaluate([*packaged_works(), *paintings], "procedural", corpora)
    with pytest.raises(ArtistNstError, match=r"nothing\.png"):
        evaluate([tmp_path / "nothing.png"], "anna", corpora)


def packaged_works() -> list[Path]:
    from artist_nst.corpus.works import packaged_corpora

    return sorted((packaged_corpora() / "procedural" / "images").iterdir())[:1]


def test_progress_is_told(paintings: list[Path], corpora: Path) -> None:
    told: list[tuple[str, int, int]] = []
    evaluate(paintings, "anna", corpora, on_progress=lambda *one: told.append(one))
    assert [one for one in told if one[0] == "measuring"] == [
        ("measuring", number, 4) for number in range(4)
    ]


def test_a_bench_judges_paintings_after_several_artists(
    tmp_path: Path, paintings: list[Path], corpora: Path
) -> None:
    bench = Bench(corpora, {sha256_of(corpora / "anna" / "00.png")})
    assert bench.judges.known["anna"].of == WORKS - 1
    other = save(tmp_path / "other.png", work(3, 900))
    first, second = bench.row(paintings[0], "anna"), bench.row(other, NAMES[3])
    assert (first.taken_for, second.taken_for) == ("anna", NAMES[3])
    assert bench.row(other, "anna").probability < second.probability
    assert bench.row(other, "anna").held_out != second.held_out


def test_distances_are_those_of_styles() -> None:
    source = np.random.default_rng(0)
    grams = source.normal(size=(5, 5, 20)).astype(np.float32)
    styles = [Style(one, *np.zeros((2, 1), np.float32)) for one in grams]
    wanted = [[distance(first, second) for second in styles[2:]] for first in styles]
    assert np.allclose(apart(grams, grams[2:]), wanted, atol=1e-6)


def test_how_near_by_hand() -> None:
    """Works at 1, 2 and 4 of a single number; other artists' at 3 and 10."""

    def grams(*values: float) -> np.ndarray:
        return np.array(values, np.float32).reshape(-1, 1, 1)

    held_out = HeldOut(grams(1, 2, 4), grams(3, 10))
    # From 2: (2−1)²/1² = 1, 0, (2−4)²/4² = 1/4. From 3: 4, 1/4, 1/16. From 10: 81, …
    own = Style(grams(2)[0], *np.zeros((2, 1), np.float32))
    assert held_out.of(own) == (pytest.approx(0.25), 0.5)
    near = Style(grams(1.5)[0], *np.zeros((2, 1), np.float32))
    # (1.5−1)²/1² = 1/4, (1.5−2)²/2² = 1/16, (1.5−4)²/4² = 25/64
    assert held_out.of(near)[0] == pytest.approx(0.25)
    # 1 is 1/4 and 9/16 from the others, 2 is 1 and 1/4, 4 is 9 and 1: medians of 13/32,
    # 5/8 and 5; of the others' 1/4 and 16, one is farther, one, and one.
    assert held_out.works_closer_than == 0.5


def test_what_is_left_in_a_table(
    tmp_path: Path, paintings: list[Path], corpora: Path
) -> None:
    found = evaluate(paintings[:2], "anna", corpora)
    table = tmp_path / "table.csv"
    table.write_text("old")
    found.write_table(table)
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["painting"] for row in rows] == [str(path) for path in paintings[:2]]
    for row, own in zip(rows, found.rows, strict=True):
        assert float(row["content"]) == own.content
        assert float(row["closer_than"]) == own.closer_than
        assert int(row["hits"]) == own.hits
        assert row["photo"] == str(own.photo)
    with pytest.raises(ArtistNstError, match="folder"):
        found.write_table(tmp_path / "none" / "table.csv")


def test_half_a_hit_is_one_judge_of_two(
    tmp_path: Path, paintings: list[Path], corpora: Path
) -> None:
    judges = evaluate(paintings[:1], "anna", corpora).judges
    rows = tuple(
        Row(
            painting=tmp_path, taken_for="anna", probability=0.5, hits=hits, edges=edges
        )
        for hits, edges in ((2, 0.1), (1, None), (0, 0.3))
    )
    found = Evaluation("anna", rows, judges, Share(0, 0), 0.5)
    assert found.deception == Share(1.5, 3)
    assert found.median("edges") == pytest.approx(0.2)
    assert found.median("content") is None
