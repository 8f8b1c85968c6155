"""Paint a photo after style images or works of an artist: the whole pipeline."""

from __future__ import annotations

import json
import logging
import math
import os
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from PIL import Image

from artist_nst._types import PathLike, Pixels, Precision
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.encoder import encode, to_levels, to_samples
from artist_nst.image.files import read_picture, write_picture
from artist_nst.image.srgb import composite_over_white, remove_white
from artist_nst.nst.features import TargetCache
from artist_nst.nst.minimize import NotFiniteError
from artist_nst.nst.precision import choose_precision
from artist_nst.nst.pyramid import PyramidResult, Step
from artist_nst.nst.vgg import VGG
from artist_nst.painting import record
from artist_nst.painting.canvas import Canvas
from artist_nst.painting.compute import DEFAULT_COMPUTE, ComputeOptions
from artist_nst.painting.explanation import explain_painting
from artist_nst.painting.frame_writer import FrameWriter, open_frame_writer
from artist_nst.painting.in_memory import ImageLike, MemoryFiles
from artist_nst.painting.networks import has_drafts, load_draft_network, load_network
from artist_nst.painting.record_types import (
    Record,
    RecordedPicture,
    RecordedRegion,
    RecordedStyle,
)
from artist_nst.painting.regions import NO_REGIONS, RegionPlan, RegionRequest
from artist_nst.painting.sources import Source
from artist_nst.painting.style_sources import StyleImage, StyleRequest
from artist_nst.recipes.layers import check_recipe_layers
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import Recipe
from artist_nst.recipes.settings import resize_recipe
from artist_nst.recipes.toml_file import find_recipe
from artist_nst.styles.pick import Pick

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a painting after an iteration, as ``on_progress`` gets it.

    Attributes:
        step: The iteration, its losses and times.
        preview: Returns the painting so far, ``(H, W, 3)`` in [0, 1], full size.
    """

    step: Step
    preview: Callable[[], Pixels]


@dataclass(frozen=True, slots=True, repr=False)
class Painting:
    """A painting, and the record from which it can be painted again.

    Attributes:
        pixels: ``(H, W, 3)`` sRGB in [0, 1].
        alpha: ``(H, W)`` in [0, 1], the photo's; None if that is opaque.
        record: Plain values that JSON can hold; see docs/architecture.md.
        interrupted: Whether Ctrl-C stopped it; ``pixels`` are the best until then.
        explanation: A picture that explains the painting, if it was asked for.
    """

    pixels: Pixels
    alpha: Pixels | None
    record: Record
    interrupted: bool
    explanation: Pixels | None = None

    def __repr__(self) -> str:
        height, width = self.pixels.shape[:2]
        works = "; ".join(map(record.format_title, self.record["styles"]))
        return (
            f"<Painting {width}×{height}: "
            f"{record.format_title(self.record['content'])} after {works}, "
            f"{self.record['iterations']} iterations>"
        )

    def _repr_png_(self) -> bytes:
        """Show the painting in a notebook."""
        return self.to_png()

    @property
    def on_white(self) -> Pixels:
        """The painting's pixels as they look on white."""
        if self.alpha is None:
            return self.pixels
        return composite_over_white(self.pixels, self.alpha)

    @property
    def image(self) -> Image.Image:
        """The painting as a Pillow image of 8 bits, RGB or RGBA."""
        return Image.fromarray(to_levels(to_samples(self.pixels, self.alpha)))

    def to_png(self) -> bytes:
        """Encode the painting as PNG, with the record."""
        samples = to_samples(self.pixels, self.alpha)
        return bytes(encode(samples, ".png", "the painting", self._to_json()))

    def _to_json(self) -> str:
        return json.dumps(self.record, ensure_ascii=True)

    def save(self, path: PathLike) -> None:
        """Write PNG, JPEG, TIFF (16 bit) or WebP by the suffix, with the record.

        Raises:
            ArtistNstError: It cannot be written; what was at ``path`` is kept.
        """
        write_picture(path, self.pixels, alpha=self.alpha, record=self._to_json())


def paint(
    content: ImageLike,
    style: StyleRequest | StyleImage | Sequence[StyleImage] = (),
    *,
    artist: str | None = None,
    pick: Pick | None = None,
    recipe: Recipe | str = RECIPES["default"],
    long_side: int | None = None,
    seed: int | None = None,
    regions: RegionRequest = NO_REGIONS,
    compute: ComputeOptions = DEFAULT_COMPUTE,
    network: VGG | Callable[[], VGG] | None = None,
    cache: TargetCache | None = None,
    frames: PathLike | None = None,
    every: int = 10,
    film: PathLike | None = None,
    measure: bool | Callable[[], VGG] = False,
    explain: bool = False,
    keep_paths: bool = True,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Painting:
    """Paint a photo after style images, or after works of an artist.

    Args:
        content: The photo: a file, a Pillow image, or an array
            (:data:`~artist_nst.painting.in_memory.ImageLike`).
        style: Style images likewise, alone or as pairs with weights relative to each
            other; or a :class:`StyleRequest`, which also names works and folders of
            corpora.
        artist: Short for ``StyleRequest(artist=…, pick=…)``: one of the artist's
            works is picked at random.
        pick: How works are picked instead: ``Pick(way="mix")`` blends several.
        recipe: Every number of the painting, from :func:`artist_nst.recipe`; or the
            name of a recipe, or a .toml file.
        long_side: Of the painting in pixels, in place of the recipe's width.
        seed: Of the pick and of noise; drawn, and recorded, if None.
        regions: Parts of the photo that are after styles of their own, or left.
        compute: Where to compute, within which memory, by which weights.
        network: From :func:`artist_nst.load_network`, to load it once for many
            paintings; or a function that returns it, called after the pictures are
            read.
        cache: Features of photo and works, to share between paintings.
        frames: A folder for the painting after each ``every`` iterations.
        every: The number of iterations between two saved ones.
        film: A .gif, .mp4 or .webm of the iterations, the painting at its end.
        measure: Record the distances of the painting from photo and style, by its
            own network or the one that a function returns
            (:class:`artist_nst.nst.distance.Distances`).
        explain: Draw ``Painting.explanation``; measures the distances as well.
        keep_paths: Record the paths of photo, styles and corpora as they were given;
            otherwise only the files' names.
        on_progress: Called after each iteration.

    Returns:
        The painting; after Ctrl-C the best one so far.

    Raises:
        UsageError: The request cannot be painted; the message says what to change.
        ArtistNstError: A file cannot be read, or memory ran out.
        KeyboardInterrupt: Ctrl-C came before there was anything to keep.
    """
    seed = pick_seed(seed)
    if isinstance(recipe, str):
        recipe = find_recipe(recipe)
    with MemoryFiles() as files:
        request = _as_request(style, artist, pick).place(files)
        content = files.place(content)
        regions = regions.place(files).choose(seed, content)
        if regions.masks and request.is_empty:
            plan = RegionPlan.make([], regions)
        else:
            plan = RegionPlan.make(request.choose(seed, content), regions)
        check_recipe_layers(recipe)
        width = long_side or recipe.width
        photo = read_picture(content, max_pixels=compute.max_pixels, width=width)
        recipe = resize_recipe(recipe, photo.size, long_side)
        cache = cache or TargetCache()
        styles: list[RecordedStyle] = []

        def get_recorded_path(path: PathLike) -> str | None:
            if files.holds(path):
                return None
            return os.fspath(path) if keep_paths else Path(path).name

        def read_sources() -> Iterator[tuple[Source, Pixels]]:
            for source in plan.sources:
                picture = read_picture(
                    source.path,
                    max_pixels=compute.max_pixels,
                    width=math.ceil(recipe.width * max(1, recipe.style_scale)),
                )
                path = get_recorded_path(source.path)
                styles.append(record.describe_source(source, picture, path))
                yield source, picture.pixels

        with (
            _translate_failures(recipe),
            open_frame_writer(frames, every, film) as frame_writer,
        ):
            canvas = Canvas(
                recipe,
                photo.pixels,
                read_sources(),
                compute.max_pixels,
                size=photo.size,
                alpha=photo.alpha,
                plan=plan,
            )
            recorded = record.describe_picture(photo, get_recorded_path(content))
            # Before they are painted by: a mask's file may change meanwhile.
            parts = record.describe_regions(plan, get_recorded_path)
            del photo  # the canvas has it at its size
            if network is None:
                network = load_network(recipe, compute)
            vgg = network if isinstance(network, VGG) else network()
            _check_network(vgg, recipe)
            # For the record: what auto resolved to.
            canvas.recipe = replace(canvas.recipe, network=vgg.name)

            def on_step(step: Step) -> None:
                progress = Progress(step, lambda: canvas.to_painting(step.image))
                frame_writer.write(step, progress.preview)
                on_progress(progress)

            started = time.perf_counter()
            precision = choose_precision(compute.precision, vgg.mean.device)
            draft = load_draft_network(vgg) if has_drafts(canvas.recipe) else None
            if draft is None and recipe.draft_levels and vgg.name != "compact":
                log.info("the compact network lacks a layer: all is painted without it")
            result = canvas.paint(
                vgg, seed, cache, on_step, precision, compute.max_memory, draft
            )
            run = _FinishedRun(
                content=recorded,
                styles=styles,
                regions=parts,
                request=plan.request,
                corpora=request.corpora if keep_paths else None,
                seed=seed,
                canvas=canvas,
                result=result,
                network=vgg,
                draft=draft,
                cache=cache,
                precision=precision,
                seconds=time.perf_counter() - started,
            )
            return run.complete(measure or explain, explain, frame_writer)


@dataclass(frozen=True, slots=True, kw_only=True)
class _FinishedRun:
    """A run of the minimizer, and all that it was made of."""

    content: RecordedPicture
    styles: list[RecordedStyle]
    regions: list[RecordedRegion]
    request: RegionRequest
    corpora: PathLike | None
    seed: int
    canvas: Canvas
    result: PyramidResult
    network: VGG
    draft: VGG | None
    cache: TargetCache
    precision: Precision
    seconds: float

    def complete(
        self,
        measure: bool | Callable[[], VGG],
        explain: bool,
        frame_writer: FrameWriter,
    ) -> Painting:
        """Measure, record and film; Ctrl-C skips that and keeps the painting."""
        try:
            painting = self._make_painting(measure, explain)
        except KeyboardInterrupt:
            painting = replace(self._make_painting(False, False), interrupted=True)
        try:
            frame_writer.finish(painting.on_white)
        except KeyboardInterrupt:
            painting = replace(painting, interrupted=True)
        return painting

    def _make_painting(
        self, measure: bool | Callable[[], VGG], explain: bool
    ) -> Painting:
        canvas, cache = self.canvas, self.cache
        painted = canvas.to_painting(self.result.image)
        reference = measure() if callable(measure) else self.network
        distances = (
            canvas.measure_distances(reference, cache, painted) if measure else None
        )
        facts = record.build_record(
            content=self.content,
            styles=self.styles,
            corpora=self.corpora,
            recipe=canvas.recipe,
            seed=self.seed,
            network=self.network,
            draft=self.draft,
            result=self.result,
            precision=self.precision,
            distances=distances,
            seconds=self.seconds,
        )
        if self.request:
            facts["regions"] = self.regions
            facts["protect_faces"] = self.request.protect_faces
            facts["segmented"] = self.request.segmented
        _log_shares(facts["styles"])
        alpha = canvas.alpha
        pixels = painted if alpha is None else remove_white(painted, alpha)
        painting = Painting(pixels, alpha, facts, self.result.interrupted)
        if distances is None or not explain:
            return painting
        before = canvas.measure_distances(reference, cache)
        page = explain_painting(canvas, self.result, painted, facts, before, distances)
        return replace(painting, explanation=page)


def _log_shares(styles: Sequence[RecordedStyle]) -> None:
    """Log how much of a painting came from which of several works."""
    shares: dict[str, float] = defaultdict(float)
    for style in styles:
        if style.get("share"):
            # Two regions may be after one work.
            shares[record.format_title(style)] += style["share"]
    if len(styles) > 1 and shares:
        largest = sorted(shares.items(), key=lambda item: -item[1])
        log.info(
            "neighbors: %s",
            "; ".join(f"{share:.0%} {name}" for name, share in largest),
        )


def pick_seed(seed: int | None) -> int:
    """Return the seed, or draw one if it is None.

    Raises:
        UsageError: It is not from 0 to 2^63 - 1.
    """
    if seed is None:
        return secrets.randbelow(2**31)
    if not 0 <= seed < 2**63:
        raise UsageError(f"--seed must be a whole number from 0 to 2^63, not {seed}")
    return seed


def _as_request(
    style: StyleRequest | StyleImage | Sequence[StyleImage],
    artist: str | None,
    pick: Pick | None,
) -> StyleRequest:
    if not isinstance(style, StyleRequest):
        return StyleRequest(images=style, artist=artist, pick=pick)
    if artist is not None or pick is not None:
        raise UsageError("name the artist and the pick in the StyleRequest")
    return style


def _check_network(network: VGG, recipe: Recipe) -> None:
    """Raise UsageError if a network is not the recipe's: the record would be wrong."""
    requested = recipe.network
    if requested == "auto" and network.name in ("vgg19", "compact"):
        requested = network.name
        check_recipe_layers(replace(recipe, network=requested))
    for field, loaded, required in (
        ("network", network.name, requested),
        ("pool", network.pool, recipe.pool),
        ("padding", network.padding, recipe.padding),
    ):
        if loaded != required:
            raise UsageError(
                f"the network was loaded with {field} {loaded}, but the recipe asks "
                f"for {required}: load it with load_network(recipe)"
            )


# How torch and the libraries below it report a lack of memory.
_NO_MEMORY = ("allocate", "out of memory", "ALLOC_FAILED", "unable to find an engine")


@contextmanager
def _translate_failures(recipe: Recipe) -> Iterator[None]:
    """Turn what the mathematics raises into a line that says what to change."""
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
