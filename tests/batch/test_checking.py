"""What is checked before anything is painted: one line for each thing that is wrong."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from artist_nst.batch.jobs import Job
from artist_nst.batch.pictures import CACHE_FILE
from artist_nst.corpus.works import load_corpus
from artist_nst.image import header
from artist_nst.image.files import read_picture
from artist_nst.image.header import read_header
from artist_nst.recipes.recipe import Recipe
from artist_nst.recipes.settings import change_setting
from artist_nst.styles.pick import draw_works
from tests.batch.conftest import Batch, save_picture

MakeJob = Callable[..., Job]

# One row each: photo, artist, work, pick, style, recipe, seed, out, long-side, ratio,
# color-strength, content-layer, max-share, init, network, width. Then the column that
# is wrong, and what is said of it.
HEADER = (
    "photo,artist,work,pick,style,recipe,seed,out,long-side,ratio,color-strength,"
    "content-layer,init,network,width,numiter,draft-levels"
)
BAD = [
    (",anna", "photo", "there is none"),
    ("no.png,anna", "photo", "no.png cannot be read: there is no such file"),
    ("text.png,anna", "photo", "not a picture of a supported format"),
    ("none.png,anna", "photo", "it is empty (0 bytes)"),
    ("cut.png,anna", "photo", "cut.png cannot be read"),
    ("sub,anna", "photo", "it is a folder"),
    ("large.png,anna", "photo", "over the limit of 5,000"),
    ("a.png", "artist", "there is no style"),
    ("a.png,ana maria", "artist", "no works of 'ana maria'"),
    ("a.png,empty", "artist", "has no pictures on disk"),
    ("a.png,anna,,,b.png", "style", "an artist or style images, not both"),
    ("a.png,anna,Work 9", "work", "Anna has no such work"),
    ("a.png,anna,Work", "work", "fits 4 works"),
    ("a.png,anna,Work 1:-7", "work", "a weight must be 0 or more"),
    ("a.png,anna,Work 1:0;Work 2:0", "work", "weights are all 0"),
    ("a.png,,Work 1,,b.png", "work", "name the artist"),
    ("a.png,anna,,nearst", "pick", "unknown pick 'nearst': did you mean 'nearest'"),
    ("a.png,anna,,diverse", "pick", "diverse works are for several paintings"),
    ("a.png,anna,Work 1,typical", "pick", "no effect on works that are named"),
    ("a.png,,,,no.png", "style", "no.png cannot be read"),
    ("a.png,,,,b.png:nan", "style", "a weight must be 0 or more"),
    ("a.png,anna,,,,defualt", "recipe", "unknown recipe 'defualt': did you mean"),
    ("a.png,anna,,,,no.toml", "recipe", "no.toml cannot be read"),
    ("a.png,anna,,,,bad.toml", "recipe", "a recipe has no 'ratoi'"),
    ("a.png,anna,,,,,-1", "seed", "-1 is not a whole number from 0 to 2^63"),
    ("a.png,anna,,,,,1.5", "seed", "1.5 is not a whole number"),
    ("a.png,anna,,,,,,/tmp/x.png", "out", "relative to the output folder"),
    ("a.png,anna,,,,,,C:/x.png", "out", "relative to the output folder"),
    ("a.png,anna,,,,,,x\\y.png", "out", "relative to the output folder"),
    ("a.png,anna,,,,,,../x.png", "out", "without '..'"),
    ("a.png,anna,,,,,,x.gif", "out", "end its name in .png, .jpg"),
    ("a.png,anna,,,,,,x", "out", "end its name in .png, .jpg"),
    (f"a.png,anna,,,,,,{'x' * 300}.png", "out", "is too long"),
    ("a.png,anna,,,,,,good.PNG", "out", "also the output of line 2: rename"),
    ("a.png,anna,,,,,,../a.png", "out", "without '..'"),
    ("a.png,anna,,,,,,,0", "long-side", "0 is not a whole number from 1"),
    ("a.png,anna,,,,,,,9999", "long-side", "over the limit of 5,000"),
    ("a.png,anna,,,,,,,40,,,,,,40", "long-side", "both set the size"),
    ("a.png,anna,,,,,,,,x", "ratio", "'x' is not a number"),
    ("a.png,anna,,,,,,,,-5", "ratio", "must be a number"),
    ("a.png,anna,,,,,,,,,0.5", "color-strength", "no effect without a color method"),
    ("a.png,anna,,,,,,,,,,conv9_1", "content-layer", "no 'conv9_1'; did you mean"),
    ("a.png,anna,,,,,,,,,,,nose", "init", "can't be 'nose': choose from content"),
    ("a.png,anna,,,,,,,,,,,,vgg20", "network", "did you mean 'vgg"),
    ("a.png,anna,,,,,,,,,,,,,3", "width", "the recipe's layers need 16 a side"),
    ("a.png,anna,,,,,,,,,,,,,,0", "iterations", "from 1 up"),
    ("a.png,anna,,,,,,,,,,,,,,,9", "draft-levels", "from 0 to 3"),
    ("a.png,anna,,,,,,,,,,,,,,,,,", "", "it has 19 values, and the header 17"),
    ('a.png,"an"na', "", "it is not CSV"),
]


def write_bad_files(batch: Batch) -> None:
    batch.write("text.png", "no picture")
    batch.write("none.png", "")
    batch.write("cut.png", (batch.place / "a.png").read_bytes()[:20])
    batch.write("bad.toml", "ratoi = 3")
    save_picture(batch.place / "large.png", 0, 100, 100)
    (batch.place / "corpora" / "empty").mkdir()


def test_every_bad_line_is_told_once(batch: Batch) -> None:
    write_bad_files(batch)
    assert len(BAD) > 30
    width = HEADER.count(",") + 1
    rows = ["b.png,anna,,,,,,good.png,48"]
    rows += [row for row, _, _ in BAD]
    padded = [row + "," * max(0, width - 1 - row.count(",")) for row in rows]
    listed = batch.read("jobs.csv", "\n".join([HEADER, *padded]))
    checked, problems = batch.check(
        listed.jobs,
        batch.index(max_pixels=5000),
        adjust=lambda recipe: change_setting(recipe, "width", "48"),
    )
    found = {}
    for problem in [*listed.problems, *problems]:
        assert problem.line not in found, problem
        assert "\n" not in problem.reason
        found[problem.line] = problem
    for line, (row, field, reason) in enumerate(BAD, 3):
        assert found[line].field == field, row
        assert reason in found[line].reason, row
    assert len(found) == len(BAD)
    assert [job.line for job in checked] == [2]


def test_all_that_is_wrong_with_a_job(batch: Batch, make_job: MakeJob) -> None:
    job = make_job(photo=Path("no"), artist="x", changes=(("ratio", "y"),), out="z")
    _, problems = batch.check([job])
    assert {problem.field for problem in problems} == {
        *("photo", "artist", "ratio", "out")
    }


class TestOutputs:
    def test_a_folder_in_place_of_another_output(
        self, batch: Batch, make_job: MakeJob
    ) -> None:
        jobs = [
            make_job(line=n, out=out) for n, out in enumerate(("x.png/y.png", "X.png"))
        ]
        checked, problems = batch.check(jobs)
        assert [job.line for job in checked] == [0]
        assert "the folder of another output" in problems[0].reason

    def test_inputs_are_never_replaced(self, batch: Batch, make_job: MakeJob) -> None:
        batch.out = batch.place
        outs = ("B.png", "corpora/anna/work-0.png", "sub/../a.png", "sub/new.png")
        jobs = [
            make_job(line=line, out=out, photo=batch.place / "b.png", works=("Work 0",))
            for line, out in enumerate(outs)
        ]
        checked, problems = batch.check(jobs)
        assert [job.line for job in checked] == [3]
        assert "is painted from" in problems[0].reason
        assert "is painted from" in problems[1].reason

    @pytest.mark.parametrize("out", ["x/./y.png", "x//y.png", ".", "", "a\n.png"])
    def test_unsafe_names(self, batch: Batch, make_job: MakeJob, out: str) -> None:
        _, problems = batch.check([make_job(out=out)])
        assert [problem.field for problem in problems] == ["out"]


class TestDefaults:
    def test_what_a_job_says_comes_first(self, batch: Batch, make_job: MakeJob) -> None:
        jobs = [
            make_job(line=1, out="1.png"),
            make_job(
                line=2,
                out="2.png",
                seed=3,
                recipe="art.py",
                long_side=80,
                changes=(("ratio", "7"),),
            ),
            make_job(line=3, out="3.png", changes=(("width", "96"),)),
        ]

        def adjust(recipe: Recipe) -> Recipe:
            return change_setting(recipe, "ratio", "2")

        (one, two, three), problems = batch.check(
            jobs, recipe="gram", adjust=adjust, long_side=48, seed=9
        )
        assert problems == []
        assert (one.recipe.name, one.recipe.ratio, one.seed) == ("gram", 2, 9)
        assert (one.width, one.height) == (48, 40)
        assert (two.recipe.name, two.recipe.ratio, two.seed) == ("art.py", 7, 3)
        assert (two.width, two.height) == (80, 67)
        assert (three.width, three.long_side) == (96, None)


class TestStyles:
    def test_random_works_are_drawn_as_paint_draws_them(
        self, batch: Batch, make_job: MakeJob
    ) -> None:
        works = load_corpus(batch.place / "corpora" / "anna").available
        jobs = [make_job(line=n, seed=n, out=f"{n}.png") for n in range(8)]
        checked, _ = batch.check(jobs)
        for job in checked:
            (source,) = job.style.sources
            (drawn,) = draw_works(works, job.seed)
            assert source.work is not None
            assert source.work["id"] == drawn.id
        assert len({job.style.identity for job in checked}) > 1

    def test_works_that_cannot_be_read_are_not_drawn(
        self, batch: Batch, make_job: MakeJob
    ) -> None:
        for number in range(3):
            batch.write(f"corpora/anna/work-{number}.png", "damaged")
        jobs = [make_job(line=n, seed=n, out=f"{n}.png") for n in range(5)]
        checked, problems = batch.check(jobs)
        assert problems == []
        ids = {s.work["id"] for job in checked for s in job.style.sources if s.work}
        assert ids == {"work-3.png"}
        batch.write("corpora/anna/work-3.png", "damaged")
        _, problems = batch.check(jobs[:1])
        assert "none of the pictures can be read" in problems[0].reason

    def test_picks_by_style_are_left_to_the_worker(
        self, batch: Batch, make_job: MakeJob
    ) -> None:
        (job,), _ = batch.check([make_job(pick="whole")])
        assert job.style.sources == ()
        assert (job.style.pick, job.style.corpus) == (
            "whole",
            batch.place / "corpora" / "anna",
        )


class TestPictures:
    def test_each_file_is_opened_once(
        self, batch: Batch, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And not again by the next run, unless it changed."""
        opened: list[str] = []
        original = header.open_file

        def count(path: Path) -> object:
            opened.append(os.fspath(path))
            return original(path)

        monkeypatch.setattr(header, "open_file", count)
        jobs = [make_job(line=n, out=f"{n}.png", works=("Work 1",)) for n in range(9)]
        batch.out.mkdir()
        index = batch.index()
        batch.check(jobs, index)
        assert len(opened) == len({*opened}) == 2
        index.save()
        again = batch.index()
        first, _ = batch.check(jobs, again)
        assert len(opened) == 2
        again.save()
        save_picture(batch.place / "a.png", 5)
        second, _ = batch.check(jobs)
        assert len(opened) == 3
        assert first[0].picture != second[0].picture

    def test_a_damaged_cache_is_ignored(self, batch: Batch, make_job: MakeJob) -> None:
        batch.out.mkdir()
        (batch.out / CACHE_FILE).write_text('{"a": [1, 2, "x", 0, 0]}')
        checked, _ = batch.check([make_job()])
        assert len(checked) == 1

    def test_nothing_is_kept_without_a_folder(
        self, batch: Batch, make_job: MakeJob
    ) -> None:
        index = batch.index()
        batch.check([make_job()], index)
        index.save()
        assert not batch.out.exists()

    @pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp", "bmp"])
    @pytest.mark.parametrize("orientation", [1, 6])
    def test_headers_are_those_of_the_pictures(
        self, tmp_path: Path, suffix: str, orientation: int
    ) -> None:
        from PIL import Image

        path = tmp_path / f"a.{suffix}"
        image = Image.new("RGB", (30, 20))
        exif = Image.Exif()
        exif[274] = orientation
        if suffix != "bmp":
            image.save(path, exif=exif)
        else:
            image.save(path)
        picture = read_picture(path)
        found = read_header(path, max_pixels=1000)
        assert (found.height, found.width) == picture.size
        assert found.sha256 == picture.sha256

    def test_a_tiff_that_pillow_cannot_read(self, tmp_path: Path) -> None:
        import numpy as np
        import tifffile

        path = tmp_path / "a.tif"
        tifffile.imwrite(path, np.zeros((4, 6, 3), np.float32), photometric="rgb")
        found = read_header(path, max_pixels=1000)
        assert (found.height, found.width) == read_picture(path).size == (4, 6)
