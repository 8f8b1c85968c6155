"""Turn requests into tasks: every name is looked up, every setting is checked."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from artist_nst.errors import UsageError, format_count, suggest
from artist_nst.experiments.axes import parse_axis
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import OPTIONS, Recipe, make_draft
from artist_nst.recipes.settings import SETTING_AXES, change_setting
from artist_nst.styles.pick import PickWay
from artist_nst.web.artists import Artist, ArtistLibrary
from artist_nst.web.jobs import Job, PaintingTask
from artist_nst.web.models import Axis, ComparisonRequest, PaintingRequest
from artist_nst.web.photos import PhotoStore
from artist_nst.web.settings import list_axes

MAX_CELLS = 36
MAX_WORK = 2e11  # pixels times iterations: 30 times the default at 8192 pixels
PICKS = tuple(way for way in get_args(PickWay) if way != "diverse")


@dataclass(frozen=True, slots=True)
class RequestChecker:
    """Makes jobs of requests.

    Args:
        root: The studio's folder.
        photos: Uploaded pictures.
        artists: On disk.
    """

    root: Path
    photos: PhotoStore
    artists: ArtistLibrary

    def make_job(self, request: PaintingRequest) -> Job:
        """Make a job of a request.

        Raises:
            UsageError: Something is unknown, or cannot be painted with.
        """
        recipe = make_recipe(request)
        photo = self._find_photo(request.photo)
        axes: tuple[tuple[str, str], ...] = ()
        folder = ""
        if isinstance(request, ComparisonRequest):
            axes = self._check_axes(request)
            names = "-by-".join(name for name, _ in axes)
            folder = f"comparisons/{photo.stem}-{names}-{secrets.token_hex(3)}"
        _check_work(recipe, request.long_side, axes)
        artist, works = self._find_works(request)
        task = PaintingTask(
            photo=self._relate(photo),
            images=tuple(
                (self._relate(self._find_photo(image)), 1.0)
                for image in request.style.images
            ),
            artist=artist.slug if artist else None,
            works=works,
            pick=request.style.pick,
            corpora=str(self.artists.corpora.absolute()),
            recipe=recipe.to_dict(),
            long_side=request.long_side,
            seed=secrets.randbelow(2**31) if request.seed is None else request.seed,
            axes=axes,
            folder=folder,
        )
        title = artist.name if artist else format_count(len(task.images), "picture")
        if axes:
            title = f"{' × '.join(name for name, _ in axes)} after {title}"
        return Job(task, title, request.photo)

    def _find_photo(self, photo_id: str) -> Path:
        try:
            return self.photos.find(photo_id)
        except KeyError:
            raise UsageError("there is no such picture: upload it again") from None

    def _relate(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _find_works(
        self, request: PaintingRequest
    ) -> tuple[Artist | None, tuple[str, ...]]:
        style = request.style
        if (style.artist is None) == (not style.images):
            raise UsageError("choose an artist, or style images of your own")
        if style.pick is not None and style.pick not in PICKS:
            raise UsageError(f"pick {style.pick!r}: {suggest(style.pick, PICKS)}")
        if style.artist is None:
            if style.works or style.pick:
                raise UsageError("works and a pick belong to an artist")
            return None, ()
        try:
            artist = self.artists.get(style.artist)
            works = tuple(artist.works[key].id for key in style.works)
        except KeyError:
            raise UsageError(
                "there is no such artist or work any more: choose again"
            ) from None
        if works and style.pick:
            raise UsageError("choose works, or a way of picking them, not both")
        return artist, works

    def _check_axes(self, request: ComparisonRequest) -> tuple[tuple[str, str], ...]:
        axes = [request.across, *([request.down] if request.down else [])]
        count = 1
        for axis in axes:
            count *= len(self._check_axis(axis, request).split(","))
        if count > MAX_CELLS:
            raise UsageError(
                f"these are {count} paintings: compare {MAX_CELLS} at most"
            )
        return tuple((axis.name, axis.values) for axis in axes)

    def _check_axis(self, axis: Axis, request: PaintingRequest) -> str:
        """Check an axis without opening a file that it may name."""
        if axis.name not in list_axes():
            raise UsageError(f"unknown axis {axis.name!r}")
        values = parse_axis(axis.name, axis.values).values
        for value in values:
            if axis.name == "recipe" and value not in RECIPES:
                raise UsageError(f"recipe {value!r}: {suggest(value, RECIPES)}")
            if axis.name == "pick" and value not in PICKS:
                raise UsageError(f"pick {value!r}: {suggest(value, PICKS)}")
            if axis.name == "seed" and not (value.isdecimal() and len(value) < 16):
                raise UsageError(
                    f"seed {value}: it must be a number of up to 15 digits"
                )
            if axis.name == "long-side" and not 16 <= _parse_side(value) <= 8192:
                raise UsageError(f"long-side {value}: it must be from 16 to 8192")
            if axis.name in SETTING_AXES:
                change_setting(make_recipe(request), axis.name, value)
        return axis.values


def _check_work(recipe: Recipe, side: int, axes: tuple[tuple[str, str], ...]) -> None:
    """Raise UsageError for what would take days."""
    recipes, sides, count = [recipe], [side], 1
    for name, values in axes:
        texts = parse_axis(name, values).values
        count *= len(texts)
        if name == "long-side":
            sides = list(map(int, texts))
        elif name == "recipe":
            recipes = [RECIPES[text] for text in texts]
        elif SETTING_AXES.get(name) == "levels":
            recipes = [change_setting(recipe, name, text) for text in texts]
    levels = max(sum(n * scale**2 for scale, n in recipe.levels) for recipe in recipes)
    if levels * max(sides) ** 2 * count > MAX_WORK:
        raise UsageError(
            "this would take too long: ask for a smaller size, fewer iterations, or "
            "fewer paintings at once"
        )


def _parse_side(text: str) -> int:
    with suppress(ValueError):
        return int(text)
    return 0


def make_recipe(request: PaintingRequest) -> Recipe:
    """Make the recipe of a request.

    Raises:
        UsageError: The recipe or a setting is unknown, or cannot be painted with.
    """
    # Not find_recipe, which would open a file of that name.
    if request.recipe not in RECIPES:
        raise UsageError(
            f"recipe {request.recipe!r}: {suggest(request.recipe, RECIPES)}"
        )
    recipe = RECIPES[request.recipe]
    if request.draft:
        recipe = make_draft(recipe)
    axes = {setting.option: name for name, setting in OPTIONS.items()}
    for option, value in request.settings.items():
        if option not in axes or option == "width":
            raise UsageError(f"unknown setting {option!r}: {suggest(option, axes)}")
        if request.draft and option in ("network", "draft-levels"):
            raise UsageError(f"{option} has no effect on a draft: leave one out")
        axis = OPTIONS[axes[option]].axis or option
        recipe = change_setting(recipe, axis, value)
    return recipe
