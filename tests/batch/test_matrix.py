"""Jobs made by options: every combination, each with its own name."""

from __future__ import annotations

import pytest

from artist_nst.batch import matrix
from artist_nst.batch.matrix import make_jobs, parse_variation
from artist_nst.errors import UsageError
from tests.batch.conftest import Batch, save_picture


def test_every_combination(batch: Batch) -> None:
    listed = make_jobs(
        ["*.png", "sub"],
        artists=["anna", "procedural"],
        pick="whole",
        variations=[parse_variation("ratio=1,5"), parse_variation("seed=3,4")],
    )
    assert listed.problems == []
    assert len(listed.jobs) == 3 * 2 * 2 * 2
    first = listed.jobs[0]
    assert (first.line, first.pick, first.artist) == (1, "whole", "anna")
    assert (dict(first.changes), first.seed) == ({"ratio": "1"}, 3)
    names = [job.out for job in listed.jobs]
    assert names[0] == "-a-anna,ratio-1,seed-3.png"
    assert "b-procedural,ratio-5,seed-4.png" in names
    assert "sub-a-anna,ratio-5,seed-3.png" in names
    assert len({name.casefold() for name in names}) == len(names)
    checked, problems = batch.check(listed.jobs)
    assert problems == []
    assert len(checked) == len(names)


@pytest.mark.usefixtures("place")
def test_names_are_plain_where_they_suffice() -> None:
    (job,) = make_jobs(["b.png"], artists=["Anna"]).jobs
    assert (job.out, job.seed) == ("b-anna.png", None)
    (job,) = make_jobs(["b.png"], images=["a.png:0.5", "sub/a.png"]).jobs
    assert job.out == "b-a+a.png"
    (job,) = make_jobs(["b.png"], artists=["anna"], works=["Work 1", "Work 2"]).jobs
    assert job.out == "b-anna-work-1+work-2.png"


@pytest.mark.usefixtures("place")
def test_styles_that_vary() -> None:
    jobs = make_jobs(["b.png"], variations=[parse_variation("style=a.png,b.png")]).jobs
    assert [job.out for job in jobs] == ["b-a.png", "b-b.png"]


def test_names_fit_every_file_system(batch: Batch) -> None:
    save_picture(batch.place / ("é" * 100 + ".png"))
    layers = "+".join(f"conv{block}_1=0.123" for block in range(1, 6))
    variations = [parse_variation(f"style-layer={layers},conv1_1")]
    variations += [parse_variation("ratio=1"), parse_variation("tv=0.00000001")]
    listed = make_jobs(["é*.png"], artists=["anna"], variations=variations)
    assert all(len(job.out.encode()) < 230 for job in listed.jobs)
    assert len({job.out for job in listed.jobs}) == 2
    assert batch.check(listed.jobs)[1] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ratoi=1", "--vary ratoi: did you mean 'ratio'"),
        ("ratio", "separate its values"),
        ("ratio=1,,2", "separate its values"),
        ("ratio=1,1", "given twice"),
        ("init=rand,RAND", "painted to one file"),
        ("artist=a,b", "name them with --artists"),
    ],
)
def test_bad_variations(text: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_variation(text)
    assert expected in str(caught.value)


@pytest.mark.usefixtures("place")
def test_bad_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    ratio = parse_variation("ratio=1,2")
    with pytest.raises(UsageError, match="no style"):
        make_jobs(["a.png"])
    with pytest.raises(UsageError, match="ratio is given twice"):
        make_jobs(["a.png"], artists=["anna"], variations=[ratio, ratio])
    pick = parse_variation("pick=mix")
    with pytest.raises(UsageError, match="pick is given twice"):
        make_jobs(["a.png"], artists=["anna"], pick="whole", variations=[pick])
    monkeypatch.setattr(matrix, "MAX_JOBS", 1)
    with pytest.raises(UsageError, match="2 jobs, over the limit of 1"):
        make_jobs(["a.png"], artists=["anna"], variations=[ratio])
