"""Keys: equal for equal paintings, whatever else differs; and the order of jobs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from artist_nst._files import hash_file
from artist_nst.batch import plan as plan_module
from artist_nst.batch.estimate import estimate_jobs, measure_cost, measure_pace
from artist_nst.batch.jobs import Job
from artist_nst.batch.network import identify_network
from artist_nst.batch.plan import make_plan
from artist_nst.errors import ArtistNstError
from artist_nst.nst.compact import PACKAGED_FILE
from artist_nst.painting.compute import ComputeOptions
from artist_nst.painting.networks import Networks
from artist_nst.recipes.published import RECIPES
from tests.batch.conftest import Batch, save_picture

MakeJob = Callable[..., Job]

# What decides the pixels: jobs that differ in nothing else.
DIFFERENT: dict[str, dict[str, Any]] = {
    "as it is": {},
    "photo": {"photo": Path("b.png")},
    "work": {"works": ("Work 2",)},
    "works": {"works": ("Work 1", "Work 2")},
    "weight": {"works": ("Work 1:0.5",)},
    "images": {"artist": None, "works": (), "images": ((Path("b.png"), 1.0),)},
    "mix": {"works": (), "pick": "mix"},
    "whole": {"works": (), "pick": "whole"},
    "recipe": {"recipe": "art.py"},
    "change": {"changes": (("ratio", "7"),)},
    "network": {"changes": (("network", "vgg16"),)},
    "long side": {"long_side": 64},
    "seed": {"seed": 1},
}


def get_key(batch: Batch, job: Job, **details: Any) -> str:
    (planned,) = batch.plan(job, **details).jobs
    return planned.key


@pytest.fixture
def job(make_job: MakeJob) -> Job:
    return make_job(works=("Work 1",))


def test_each_thing_that_decides_pixels(
    batch: Batch, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {
        name: get_key(batch, replace(job, **changes))
        for name, changes in DIFFERENT.items()
    }
    keys["weights"] = get_key(batch, job, weights="other")
    monkeypatch.setattr(plan_module, "MATHEMATICS", 2)
    keys["mathematics"] = get_key(batch, job)
    assert len({*keys.values()}) == len(DIFFERENT) + 2
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in keys.values())


def test_nothing_else_changes_a_key(batch: Batch, job: Job, tmp_path: Path) -> None:
    key = get_key(batch, job)
    copy = tmp_path / "elsewhere" / "copy.png"
    copy.parent.mkdir()
    shutil.copy(batch.place / "a.png", copy)
    shutil.copytree(batch.place / "corpora" / "anna", batch.place / "corpora" / "bea")
    batch.write("same.toml", 'base = "default"\nname = "same"\n')
    same = [
        replace(job, line=9, out="other.jpg"),
        replace(job, photo=copy),
        replace(job, artist="bea", works=("work-1.png:1",)),
        replace(job, recipe="same.toml"),
        replace(job, changes=(("ratio", "5.0"),)),
        replace(job, seed=0),
    ]
    assert {get_key(batch, other) for other in same} == {key}


def test_the_file_of_a_work_decides(batch: Batch, make_job: MakeJob) -> None:
    """Also of works that are only picked from."""
    named, picked = make_job(works=("Work 1",)), make_job(pick="typical")
    before = get_key(batch, named), get_key(batch, picked)
    save_picture(batch.place / "corpora" / "anna" / "work-1.png", 77)
    after = get_key(batch, named), get_key(batch, picked)
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_the_order(batch: Batch, make_job: MakeJob) -> None:
    """Jobs with one photo follow one another, then those with one work and recipe."""
    jobs = [
        make_job(line=line, photo=Path(photo), works=(work,), recipe=recipe, out=out)
        for line, (photo, work, recipe) in enumerate(
            (photo, work, recipe)
            for recipe in ("gram", "art.py")
            for work in ("Work 1", "Work 2")
            for photo in ("a.png", "b.png")
        )
        if (out := f"{line}.png")
    ]
    plan = batch.plan(*jobs)
    assert [planned.job.line for planned in plan.jobs] == [0, 4, 2, 6, 1, 5, 3, 7]
    keys = {planned.job.line: planned.key for planned in plan.jobs}
    backwards = batch.plan(*reversed(jobs))
    assert {planned.job.line: planned.key for planned in backwards.jobs} == keys


def test_jobs_that_are_painted_twice_are_noted(batch: Batch, make_job: MakeJob) -> None:
    jobs = [make_job(line=line, out=f"{line}.png") for line in (2, 3, 4)]
    assert batch.plan(*jobs).repeats == ((3, 2), (4, 2))


def test_networks_are_asked_for_once(batch: Batch, make_job: MakeJob) -> None:
    jobs = [make_job(line=line, seed=line, out=f"{line}.png") for line in range(5)]
    checked, _ = batch.check(jobs)
    asked = []

    def identify(recipe: Any) -> tuple[str, str]:
        asked.append(recipe)
        return "vgg19", "hash"

    make_plan(checked, identify)
    assert len(asked) == 1


class TestEstimate:
    def test_of_some_jobs(self, batch: Batch, make_job: MakeJob) -> None:
        jobs = [
            make_job(line=1, out="1.png", long_side=480, works=("Work 1",)),
            make_job(line=2, out="2.jpg", long_side=240, pick="whole", recipe="art.py"),
        ]
        checked, _ = batch.check(jobs)
        found = estimate_jobs(checked)
        assert (found.paintings, found.photos, found.works, found.picks) == (2, 1, 1, 1)
        art = 240 * 200 * 512 / 1e6
        assert measure_cost(checked[1]) == pytest.approx(art)
        assert found.megapixel_iterations > art
        assert found.output_bytes == 480 * 400 * 2.5 + 240 * 200 * 1.2
        assert found.memory_bytes == 750_000_000 + 4000 * 480 * 400
        assert found.seconds is None
        assert estimate_jobs(checked[1:], 2.0).seconds == pytest.approx(2 * art)
        assert estimate_jobs([]).memory_bytes == 0

    def test_the_pace_of_what_was_painted(
        self, batch: Batch, make_job: MakeJob
    ) -> None:
        checked, _ = batch.check([make_job()])
        assert measure_pace([]) is None
        pace = measure_pace((job, 10.0) for job in checked)
        assert pace == pytest.approx(10 / measure_cost(checked[0]))


class TestNetwork:
    def test_the_compact_one(self) -> None:
        recipe = replace(RECIPES["default"], network="compact")
        networks = Networks(ComputeOptions(weights_input="oxford"))
        found = identify_network(networks, recipe, may_download=False)
        assert found == ("compact", hash_file(PACKAGED_FILE))

    def test_auto_and_drafts(self, weights_file: Path) -> None:
        compute = ComputeOptions(weights=weights_file, weights_input="oxford")
        recipe = replace(RECIPES["default"], draft_levels=1)
        network, text = identify_network(Networks(compute), recipe)
        assert network == "vgg19"
        assert text.split() == [
            hash_file(weights_file),
            hash_file(PACKAGED_FILE),
            "oxford",
        ]

    def test_without_weights(self, without_weights: list[str]) -> None:
        networks = Networks(ComputeOptions(offline=True))
        recipe = RECIPES["default"]
        with pytest.raises(ArtistNstError, match="not on this machine"):
            identify_network(networks, recipe, may_download=False)
        assert identify_network(networks, recipe)[0] == "compact"
        assert without_weights == []
