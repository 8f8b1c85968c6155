"""One photo + one artist → one painting: the pipeline, read top to bottom."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch

from artist_nst._types import PathLike, Pixels
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.files import MAX_PIXELS, read_picture, resize, write_picture
from artist_nst.nst.devices import DeviceName
from artist_nst.nst.features import Features
from artist_nst.nst.minimize import NotFiniteError
from artist_nst.nst.precision import Precision, PrecisionName, choose_precision
from artist_nst.nst.pyramid import Result, Step
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import InputConvention
from artist_nst.painting import record
from artist_nst.painting.canvas import Canvas
from artist_nst.painting.explanation import explanation
from artist_nst.painting.frame_writer import Keeper, keeping
from artist_nst.painting.networks import (
    check_recipe_layers,
    compact_beside,
    load_network,
)
from artist_nst.painting.style_sources import (
    Source,
    StyleImage,
    WorkName,
    choose_sources,
)
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import Recipe
from artist_nst.styles.picking import Pick


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
        explanation: a picture that explains the painting, where it was asked for.
    """

    pixels: Pixels
    alpha: Pixels | None
    record: dict[str, Any]
    interrupted: bool
    explanation: Pixels | None = None

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
    pick: Pick | None = None,
    corpora: PathLike | None = None,
    recipe: Recipe = RECIPES["default"],
    long_side: int | None = None,
    seed: int | None = None,
    device: DeviceName = "auto",
    precision: PrecisionName = "auto",
    max_memory: int | None = None,
    weights: PathLike | None = None,
    weights_input: InputConvention | None = None,
    offline: bool = False,
    network: VGG | Callable[[], VGG] | None = None,
    features: Features | None = None,
    max_pixels: int = MAX_PIXELS,
    frames: PathLike | None = None,
    every: int = 10,
    film: PathLike | None = None,
    measure: bool | Callable[[], VGG] = False,
    explain: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Painting:
    """Paint a photo after style images, or after works of an artist.

    Args:
        content: the photo.
        styles: style images, alone or with weights relative to each other.
        artist: whose corpus to take works from; one is picked at random.
        works: ids or titles of the artist's works to take instead, like ``styles``.
        pick: how works are picked instead: ``Pick(way="mix")`` blends several.
        corpora: the folder of corpora; looked for as the README says if not given.
        recipe: every number of the painting; see :func:`artist_nst.recipe`.
        long_side: of the painting in pixels, in place of ``recipe.width``.
        seed: of the pick and of noise; drawn, and recorded, if not given.
        device: where to compute.
        precision: of the convolutions; ``auto`` is bfloat16 where that is faster.
        max_memory: bytes that the process may take where it computes; what is free
            if not given. Larger paintings are computed in strips, to the same effect.
        weights, weights_input, offline: where VGG's weights come from; where they
            can't be had, the compact network paints.
        network: from :func:`artist_nst.load_network`, to load it once for many
            paintings; or a function that does so, called when the pictures are read.
        features: what is known of photo and works; one serves many paintings.
        max_pixels: larger pictures, and larger paintings, are refused.
        frames: a folder for the painting after each ``every`` iterations.
        film: a .gif, .mp4 or .webm of the iterations, the painting at its end.
        measure: record how far the painting is from photo and style, as its own
            network sees it, or the one that a function returns
            (:class:`artist_nst.nst.distance.Distances`).
        explain: draw ``Painting.explanation``, too; it measures, too.
        on_progress: called after each iteration.

    Returns:
        The painting; after Ctrl-C the best one so far.

    Raises:
        UsageError: the request can't be painted; the message says what to change.
        ArtistNstError: a file can't be read, memory ran out, or the like.
        KeyboardInterrupt: before there was anything to keep.
    """
    seed = seeded(seed)
    sources = choose_sources(styles, artist, works, corpora, seed, pick, content)
    check_recipe_layers(recipe)
    photo = read_picture(content, max_pixels=max_pixels)
    recipe = sized(recipe, photo.pixels, long_side)
    features = features or Features()
    made_of: list[dict[str, Any]] = []

    def inputs() -> Iterator[tuple[Source, Pixels]]:
        for source in sources:
            picture = read_picture(source.path, max_pixels=max_pixels)
            made_of.append(record.of_source(source, picture))
            yield source, picture.pixels

    with _failures_in_words(recipe), keeping(frames, every, film) as keep:
        canvas = Canvas(recipe, photo.pixels, inputs(), max_pixels)
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
        # What auto came to, for the record.
        canvas.recipe = replace(canvas.recipe, network=vgg.name)

        def on_step(step: Step) -> None:
            progress = Progress(step, lambda: canvas.finished(step.image))
            keep(step, progress.preview)
            on_progress(progress)

        began = time.perf_counter()
        bits = choose_precision(precision, vgg.mean.device)
        mixed = recipe.draft_levels > 0 and vgg.name != "compact"
        draft = compact_beside(vgg) if mixed else None
        result = canvas.paint(vgg, seed, features, on_step, bits, max_memory, draft)
        sitting = _Sitting(
            content=record.of_file(content, photo),
            styles=made_of,
            corpora=corpora,
            seed=seed,
            alpha=photo.alpha,
            canvas=canvas,
            network=vgg,
            draft=draft,
            features=features,
            precision=bits,
            seconds=time.perf_counter() - began,
        )
        return sitting.ended(result, measure or explain, explain, keep)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sitting:
    """All that one painting was made of."""

    content: dict[str, Any]
    styles: list[dict[str, Any]]
    corpora: PathLike | None
    seed: int
    alpha: Pixels | None
    canvas: Canvas
    network: VGG
    draft: VGG | None
    features: Features
    precision: Precision
    seconds: float

    def ended(
        self,
        result: Result,
        measure: bool | Callable[[], VGG],
        explain: bool,
        keep: Keeper,
    ) -> Painting:
        """The painting; Ctrl-C is too late now to save any time, or to lose it."""
        try:
            painting = self.finished(result, measure, explain)
        except KeyboardInterrupt:
            painting = replace(self.finished(result, False, False), interrupted=True)
        try:
            keep.end(painting.pixels)
        except KeyboardInterrupt:
            painting = replace(painting, interrupted=True)
        return painting

    def finished(
        self, result: Result, measure: bool | Callable[[], VGG], explain: bool
    ) -> Painting:
        canvas, network, features = self.canvas, self.network, self.features
        pixels = canvas.finished(result.image)
        by = measure() if callable(measure) else network
        apart = canvas.distances(by, features, pixels) if measure else None
        made = record.of(
            content=self.content,
            styles=self.styles,
            corpora=self.corpora,
            recipe=canvas.recipe,
            seed=self.seed,
            network=network,
            draft=self.draft,
            result=result,
            precision=self.precision,
            distances=apart,
            seconds=self.seconds,
        )
        alpha = self.alpha
        if alpha is not None:
            alpha = resize(alpha, *pixels.shape[:2])
        painting = Painting(pixels, alpha, made, result.interrupted)
        if apart is None or not explain:
            return painting
        before = canvas.distances(by, features)
        page = explanation(canvas, result, pixels, made, before, apart)
        return replace(painting, explanation=page)


def sized(recipe: Recipe, photo: Pixels, long_side: int | None) -> Recipe:
    """The recipe at the width that ``long_side`` asks for."""
    if long_side is None:
        return recipe
    if long_side < 1:
        raise UsageError(f"--long-side must be a number from 1 up, not {long_side}")
    height, width = photo.shape[:2]
    return replace(recipe, width=max(1, round(width * long_side / max(height, width))))


def seeded(seed: int | None) -> int:
    """The seed, or one that is drawn.

    Raises:
        UsageError: it is not from 0 to 2^63 - 1.
    """
    if seed is None:
        return secrets.randbelow(2**31)
    if not 0 <= seed < 2**63:
        raise UsageError(f"--seed must be a whole number from 0 to 2^63, not {seed}")
    return seed


def _check_network(network: VGG, recipe: Recipe) -> None:
    """A painting must be what its record says."""
    asked_for = recipe.network
    if asked_for == "auto" and network.name in ("vgg19", "compact"):
        asked_for = network.name
        check_recipe_layers(replace(recipe, network=asked_for))
    for field, has, asked in (
        ("network", network.name, asked_for),
        ("pool", network.pool, recipe.pool),
        ("padding", network.padding, recipe.padding),
    ):
        if has != asked:
            raise UsageError(
                f"the network was loaded with {field} {has}, and the recipe asks for "
                f"{asked}: load it with load_network(recipe)"
            )


# What torch and the libraries below it say of it.
_NO_MEMORY = ("allocate", "out of memory", "ALLOC_FAILED", "unable to find an engine")


@contextmanager
def _failures_in_words(recipe: Recipe) -> Iterator[None]:
    """Turns what the mathematics raises into a line that says what to change."""
    memory = ArtistNstError(
        f"not enough memory to paint {recipe.width} pixels wide: choose a smaller "
        "--width, or set --max-memory to less than is free"
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
        if not any(words in str(error) for words in _NO_MEMORY):
            raise
        raise memory from error
