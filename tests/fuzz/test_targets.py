"""Whatever is in a file or a response, it is read, or refused in one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from fuzzing.targets import FuzzTargets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.tools

NAMES = ("reader", "record", "manifest", "recipe", "wikiart", "weights")


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FuzzTargets]:
    folder = tmp_path_factory.mktemp("fuzz")
    faults = Path(__file__).parents[3] / "shared" / "faults"
    targets = FuzzTargets(folder, faults if faults.is_dir() else None)
    assert set(targets.functions) == set(NAMES)
    return targets


@pytest.mark.parametrize("name", NAMES)
def test_every_seed(name: str, targets: FuzzTargets) -> None:
    assert targets.seeds[name]
    for content in targets.seeds[name]:
        targets.run(name, content)


@pytest.mark.parametrize("name", ["reader", "record", "manifest", "recipe"])
def test_seeds_are_valid(name: str, targets: FuzzTargets) -> None:
    """Otherwise only the first check would be fuzzed."""
    targets.functions[name](targets.seeds[name][0])


@pytest.mark.parametrize("name", NAMES)
@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(random=st.randoms(use_true_random=True))
def test_changed_seeds(name: str, targets: FuzzTargets, random: Random) -> None:
    targets.run(name, targets.mutate(name, random))


@pytest.mark.parametrize("name", NAMES)
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_anything(name: str, targets: FuzzTargets, content: bytes) -> None:
    targets.run(name, content)
