"""What the painter is asked to do, and how far it is."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from artist_nst.painting.regions import NO_REGIONS, RegionRequest
from artist_nst.painting.style_sources import StyleRequest

State = Literal["waiting", "running", "stopping", "done", "failed", "canceled"]

MAX_POINTS = 120  # of a job's curve of losses


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintingTask:
    """One painting, or the paintings of a comparison.

    Paths are relative to the studio's folder, where the painter works.

    Attributes:
        photo: The photo's path.
        style: What to paint after.
        regions: Parts of the photo that are after styles of their own, or kept.
        recipe: As :meth:`artist_nst.recipes.recipe.Recipe.to_dict` gives it.
        long_side: Of the painting, in pixels.
        seed: Of the pick and of noise.
        axes: Of a comparison: one or two pairs of an axis and its values.
        folder: Of a comparison's paintings.
    """

    photo: str
    style: StyleRequest
    regions: RegionRequest = NO_REGIONS
    recipe: dict[str, Any]
    long_side: int
    seed: int
    axes: tuple[tuple[str, str], ...] = ()
    folder: str = ""


@dataclass(slots=True)
class Job:
    """A task in the queue.

    Attributes:
        task: What to do.
        title: In a few words.
        photo_id: Of the photo.
        id: Made here.
        state: How far it is.
        iteration, iterations: Of the painting; of a comparison, paintings that are
            done and in all.
        remaining: Seconds left, as estimated; None while unknown.
        note: What the painter does, or why it failed.
        losses: Pairs of iteration and total loss, thinned.
        preview: The painting so far, a JPEG.
        preview_number: Grows with each preview.
        result: Path of the painting, or of the comparison's sheet.
    """

    task: PaintingTask
    title: str
    photo_id: str
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    state: State = "waiting"
    iteration: int = 0
    iterations: int = 0
    remaining: float | None = None
    note: str = ""
    losses: list[tuple[int, float]] = field(default_factory=list)
    preview: bytes | None = None
    preview_number: int = 0
    result: str | None = None
    created: float = field(default_factory=time.time)

    @property
    def is_active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("waiting", "running", "stopping")

    def add_loss(self, iteration: int, loss: float) -> None:
        """Add a point to the curve, and thin it when it has too many."""
        self.losses.append((iteration, loss))
        if len(self.losses) > MAX_POINTS:
            del self.losses[1::2]
