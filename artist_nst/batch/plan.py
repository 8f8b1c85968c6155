"""The plan of a batch: its jobs in an order that reuses features, each with a key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from artist_nst.batch.checking import CheckedJob
from artist_nst.recipes.recipe import Recipe

MATHEMATICS = 1
"""To be raised when the mathematics makes other pixels of the same job."""

IdentifyNetwork = Callable[[Recipe], tuple[str, str]]
"""Returns the network that a recipe's means, and the hash of its weights."""

_Item = TypeVar("_Item", bound=Hashable)


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job with its key, the hash of all that decides its pixels."""

    key: str
    job: CheckedJob


@dataclass(frozen=True, slots=True)
class Plan:
    """The jobs of a batch.

    Attributes:
        jobs: In the order in which they are painted: those that share photo, works and
            recipe follow one another.
        repeats: The lines of jobs that are painted twice, each with the line of the
            first.
    """

    jobs: tuple[PlannedJob, ...]
    repeats: tuple[tuple[int, int], ...]


def make_plan(jobs: Sequence[CheckedJob], identify_network: IdentifyNetwork) -> Plan:
    """Plan the jobs; ``identify_network`` is asked once for each distinct recipe."""
    recipes: dict[Recipe, tuple[dict[str, object], str]] = {}
    for job in jobs:
        if job.recipe not in recipes:
            network, sha256 = identify_network(job.recipe)
            values = {**job.recipe.to_dict(), "network": network}
            # Which do not change the painting.
            del values["name"], values["source"]
            recipes[job.recipe] = values, sha256
    first_lines: dict[str, int] = {}
    repeats, planned = [], []
    for job in jobs:
        key = _make_key(job, *recipes[job.recipe])
        if key in first_lines:
            repeats.append((job.line, first_lines[key]))
        first_lines.setdefault(key, job.line)
        planned.append(PlannedJob(key, job))
    photos = _rank([job.picture.sha256 for job in jobs])
    styles = _rank([job.style.identity for job in jobs])
    order = _rank([job.recipe for job in jobs])
    planned.sort(
        key=lambda planned: (
            photos[planned.job.picture.sha256],
            styles[planned.job.style.identity],
            order[planned.job.recipe],
        )
    )
    return Plan(tuple(planned), tuple(repeats))


def _make_key(job: CheckedJob, recipe: dict[str, object], weights: str) -> str:
    values = {
        "mathematics": MATHEMATICS,
        "photo": job.picture.sha256,
        "style": json.loads(job.style.identity),
        "recipe": recipe,
        "long_side": job.long_side,
        "seed": job.seed,
        "weights": weights,
    }
    # Without any, the key is that of earlier versions.
    if job.regions.identity:
        values["regions"] = json.loads(job.regions.identity)
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _rank(items: Sequence[_Item]) -> dict[_Item, int]:
    """Map items to their places in the order in which each comes first."""
    return {item: number for number, item in enumerate(dict.fromkeys(items))}
