"""One photo + one artist → one painting: the pipeline, read top to bottom."""

from __future__ import annotations

import json
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
from artist_nst.image.files import MAX_PIXELS, read_picture, resize, write_picture
from artist_nst.networks import load_network
from artist_nst.nst.devices import DeviceName
from artist_nst.nst.minimize import NotFiniteError
from artist_nst.nst.pyramid import Step
from artist_nst.nst.recipe import RECIPES, Recipe
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import InputConvention
from artist_nst.sources import PathLike, Style, choose_sources

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
    styles: PathLike | Sequence[Style] = (),
    *,
    artist: str | None = None,
    works: Sequence[str | tuple[str, float]] = (),
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
    seed = secrets.randbelow(2**31) if seed is None else seed
    sources = choose_sources(styles, artist, works, corpora, seed)
    photo = read_picture(content, max_pixels=max_pixels)
    recipe = _sized(recipe, photo.pixels, long_side)
    pictures = [read_picture(source.path, max_pixels=max_pixels) for source in sources]
    pixels = [picture.pixels for picture in pictures]
    canvas = Canvas(
        recipe, photo.pixels, list(zip(sources, pixels, strict=True)), max_pixels
    )
    if network is None:
        network = load_network(
            recipe, device=device, weights=weights, input=weights_input, offline=offline
        )
    elif not isinstance(network, VGG):
        network = network()
    keep = _frame_keeper(frames, every)

    def on_step(step: Step) -> None:
        progress = Progress(step, lambda: canvas.finished(step.image))
        keep(progress)
        on_progress(progress)

    with _failures_in_words(canvas.photo):
        result = canvas.paint(network, seed, on_step)
    return Painting(
        canvas.finished(result.image),
        None if photo.alpha is None else resize(photo.alpha, *canvas.photo.shape[:2]),
        record.of(
            content=record.of_file(content, photo),
            styles=list(map(record.of_source, sources, pictures)),
            corpora=corpora,
            recipe=recipe,
            seed=seed,
            network=network,
            result=result,
            seconds=time.perf_counter() - began,
        ),
        result.interrupted,
    )


def _sized(recipe: Recipe, photo: Pixels, long_side: int | None) -> Recipe:
    """The recipe at the width that ``long_side`` asks for."""
    if long_side is None:
        return recipe
    if long_side < 1:
        raise UsageError(f"--long-side must be a number from 1 up, not {long_side}")
    height, width = photo.shape[:2]
    return replace(recipe, width=max(1, round(width * long_side / max(height, width))))


def _frame_keeper(folder: PathLike | None, every: int) -> Callable[[Progress], None]:
    """Saves ``iter-0010.png`` and so on; clears an earlier painting's first."""
    if folder is None:
        return lambda _: None
    where = Path(folder)
    started = False

    def keep(progress: Progress) -> None:
        nonlocal started
        count = progress.step.iteration
        if count % every:
            return
        if not started:
            started = True
            _clear_frames(where)
        digits = max(4, len(str(progress.step.iterations)))
        write_picture(where / f"iter-{count:0{digits}}.png", progress.preview())

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
def _failures_in_words(photo: Pixels) -> Iterator[None]:
    """Turns what the mathematics raises into a line that says what to change."""
    height, width = photo.shape[:2]
    try:
        yield
    except NotFiniteError as error:
        raise ArtistNstError(
            f"{error}: are these the right weights (see `artist-nst doctor`)?"
        ) from error
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _too_large(width, height) from error
    except RuntimeError as error:
        if "allocate" not in str(error) and "out of memory" not in str(error):
            raise
        raise _too_large(width, height) from error


def _too_large(width: int, height: int) -> ArtistNstError:
    return ArtistNstError(
        f"not enough memory to paint {width}×{height} pixels: choose a smaller --width"
    )
