"""One photo + one artist → one painting: the pipeline, read top to bottom."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from artist_nst import record
from artist_nst.canvas import Canvas
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.files import (
    MAX_PIXELS,
    Picture,
    read_picture,
    resize,
    write_picture,
)
from artist_nst.networks import check_recipe_layers, load_network
from artist_nst.nst.devices import DeviceName
from artist_nst.nst.minimize import NotFiniteError
from artist_nst.nst.pyramid import Result, Step
from artist_nst.nst.recipe import RECIPES, Recipe
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import InputConvention
from artist_nst.sources import PathLike, StyleImage, WorkName, choose_sources

log = logging.getLogger(__name__)

Pixels = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Progress:
    """What ``on_progress`` is told after each iteration.

    Attributes:
        step: the iteration, its losses and times.
        preview: makes the painting as it is, ``(H, W, 3)`` in [0, 1], full size.
    """

    step: Step
    preview: Callable[[], Pixels]


@dataclass(frozen=True, slots=True)
class Painting:
    """A painting, and the record from which it can be painted again.

    Attributes:
        pixels: ``(H, W, 3)`` sRGB in [0, 1].
        alpha: ``(H, W)`` in [0, 1], the photo's; None where that is opaque.
        record: plain values that JSON can hold; see docs/architecture.md.
        interrupted: by Ctrl-C; ``pixels`` are the best until then.
    """

    pixels: Pixels
    alpha: Pixels | None
    record: dict[str, Any]
    interrupted: bool

    def save(self, path: PathLike) -> None:
        """Write PNG, JPEG, TIFF (16 bit) or WebP by the suffix, the record inside.

        Raises:
            ArtistNstError: it can't be written; what was at ``path`` is kept.
        """
        text = json.dumps(self.record, ensure_ascii=True)
        write_picture(path, self.pixels, alpha=self.alpha, record=text)


def paint(
    content: PathLike,
    styles: StyleImage | Sequence[StyleImage] = (),
    *,
    artist: str | None = None,
    works: WorkName | Sequence[WorkName] = (),
    corpora: PathLike | None = None,
    recipe: Recipe = RECIPES["default"],
    long_side: int | None = None,
    seed: int | None = None,
    device: DeviceName = "auto",
    weights: PathLike | None = None,
    weights_input: InputConvention | None = None,
    offline: bool = False,
    network: VGG | Callable[[], VGG] | None = None,
    max_pixels: int = MAX_PIXELS,
    frames: PathLike | None = None,
    every: int = 10,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Painting:
    """Paint a photo after style images, or after works of an artist.

    Args:
        content: the photo.
        styles: style images, alone or with weights relative to each other.
        artist: whose corpus to take works from; one is picked at random.
        works: ids or titles of the artist's works to take instead, like ``styles``.
        corpora: the folder of corpora; looked for as the README says if not given.
        recipe: every number of the painting; see :func:`artist_nst.recipe`.
        long_side: of the painting in pixels, in place of ``recipe.width``.
        seed: of the pick and of noise; drawn, and recorded, if not given.
        device: where to compute.
        weights, weights_input, offline: where VGG's weights come from.
        network: from :func:`artist_nst.load_network`, to load it once for many
            paintings; or a function that does so, called when the pictures are read.
        max_pixels: larger pictures, and larger paintings, are refused.
        frames: a folder for the painting after each ``every`` iterations.
        on_progress: called after each iteration.

    Returns:
        The painting; after Ctrl-C the best one so far.

    Raises:
        UsageError: the request can't be painted; the message says what to change.
        ArtistNstError: a file can't be read, memory ran out, or the like.
        KeyboardInterrupt: before there was anything to keep.
    """
    began = time.perf_counter()
    seed = _seeded(seed)
    sources = choose_sources(styles, artist, works, corpora, seed)
    check_recipe_layers(recipe)
    photo = read_picture(content, max_pixels=max_pixels)
    recipe = _sized(recipe, photo.pixels, long_side)
    pictures = [read_picture(source.path, max_pixels=max_pixels) for source in sources]
    keep = _frame_keeper(frames, every)
    with _failures_in_words(recipe):
        inputs = [
            (source, picture.pixels)
            for source, picture in zip(sources, pictures, strict=True)
        ]
        canvas = Canvas(recipe, photo.pixels, inputs, max_pixels)
        if network is None:
            network = load_network(
                recipe,
                device=device,
                weights=weights,
                input=weights_input,
                offline=offline,
            )
        vgg = network if isinstance(network, VGG) else network()
        _check_network(vgg, recipe)

        def on_step(step: Step) -> None:
            progress = Progress(step, lambda: canvas.finished(step.image))
            keep(progress)
            on_progress(progress)

        result = canvas.paint(vgg, seed, on_step)
        made = record.of(
            content=record.of_file(content, photo),
            styles=list(map(record.of_source, sources, pictures)),
            corpora=corpora,
            recipe=recipe,
            seed=seed,
            network=vgg,
            result=result,
            seconds=time.perf_counter() - began,
        )
        try:
            return _finished(canvas, photo, result, made)
        except KeyboardInterrupt:
            # Too late to save any time, but not to lose the painting.
            return replace(_finished(canvas, photo, result, made), interrupted=True)


def _finished(
    canvas: Canvas, photo: Picture, result: Result, made: dict[str, Any]
) -> Painting:
    pixels = canvas.finished(result.image)
    alpha = None if photo.alpha is None else resize(photo.alpha, *pixels.shape[:2])
    return Painting(pixels, alpha, made, result.interrupted)


def _sized(recipe: Recipe, photo: Pixels, long_side: int | None) -> Recipe:
    """The recipe at the width that ``long_side`` asks for."""
    if long_side is None:
        return recipe
    if long_side < 1:
        raise UsageError(f"--long-side must be a number from 1 up, not {long_side}")
    height, width = photo.shape[:2]
    return replace(recipe, width=max(1, round(width * long_side / max(height, width))))


def _seeded(seed: int | None) -> int:
    if seed is None:
        return secrets.randbelow(2**31)
    if not 0 <= seed < 2**63:
        raise UsageError(f"--seed must be a whole number from 0 to 2^63, not {seed}")
    return seed


def _check_network(network: VGG, recipe: Recipe) -> None:
    """A painting must be what its record says."""
    for field, has, asked in (
        ("network", network.name, recipe.network),
        ("pool", network.pool, recipe.pool),
        ("padding", network.padding, recipe.padding),
    ):
        if has != asked:
            raise UsageError(
                f"the network was loaded with {field} {has}, and the recipe asks for "
                f"{asked}: load it with load_network(recipe)"
            )


def _frame_keeper(folder: PathLike | None, every: int) -> Callable[[Progress], None]:
    """Saves ``iter-0010.png`` and so on; clears an earlier painting's first."""
    if folder is None:
        return lambda _: None
    where = Path(folder)
    if where.exists() and not where.is_dir():
        raise UsageError(f"{where} is a file, where saved iterations would go: move it")
    started = failed = False

    def keep(progress: Progress) -> None:
        nonlocal started, failed
        count = progress.step.iteration
        if count % every or failed:
            return
        digits = max(4, len(str(progress.step.iterations)))
        try:
            if not started:
                _clear_frames(where)
            started = True
            write_picture(where / f"iter-{count:0{digits}}.png", progress.preview())
        except ArtistNstError as error:
            # The painting itself may yet find room.
            failed = True
            log.warning("%s; no more iterations are saved", error)

    return keep


def _clear_frames(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
        for old in folder.glob("iter-*.png"):
            old.unlink()
    except OSError as error:
        raise ArtistNstError(
            f"{folder}: can't hold the saved iterations ({error.strerror}); "
            "choose another place with -o"
        ) from error


@contextmanager
def _failures_in_words(recipe: Recipe) -> Iterator[None]:
    """Turns what the mathematics raises into a line that says what to change."""
    memory = ArtistNstError(
        f"not enough memory to paint {recipe.width} pixels wide: choose a smaller "
        "--width"
    )
    try:
        yield
    except NotFiniteError as error:
        raise ArtistNstError(
            f"{error}: are these the right weights (see `artist-nst doctor`)?"
        ) from error
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise memory from error
    except RuntimeError as error:
        if "allocate" not in str(error) and "out of memory" not in str(error):
            raise
        raise memory from error
