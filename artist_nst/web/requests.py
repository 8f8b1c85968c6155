"""Turn requests into tasks: every name is looked up, every setting is checked."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from artist_nst.errors import UsageError, format_count, suggest
from artist_nst.experiments.axes import parse_axis
from artist_nst.painting.regions import NO_REGIONS, MaskedStyle, RegionRequest
from artist_nst.painting.style_sources import StyleRequest
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import OPTIONS, Recipe, make_draft
from artist_nst.recipes.settings import SETTING_AXES, change_setting
from artist_nst.styles.pick import Pick, PickWay
from artist_nst.web.artists import Artist, ArtistLibrary
from artist_nst.web.jobs import Job, PaintingTask
from artist_nst.web.models import Axis, ComparisonRequest, PaintingRequest, Style
from artist_nst.web.photos import Photo, PhotoStore
from artist_nst.web.settings import list_axes

MAX_CELLS = 36
MAX_WORK = 2e11  # pixels times iterations: 30 times the default at 8192 pixels
MAX_STRETCH = 1.05  # of a mask's sides: more is another photo's
PICKS = tuple(way for way in get_args(PickWay) if way != "diverse")


@dataclass(frozen=True, slots=True)
class RequestChecker:
    """Makes jobs of requests.

    Args:
        root: The studio's folder.
        photos: Uploaded pictures.
        masks: Uploaded masks.
        artists: On disk.
    """

    root: Path
    photos: PhotoStore
    masks: PhotoStore
    artists: ArtistLibrary

    def make_job(self, request: PaintingRequest | ComparisonRequest) -> Job:
        """Make a job of a request.

        Raises:
            UsageError: Something is unknown, or cannot be painted with.
        """
        recipe = make_recipe(request)
        photo = self._find_photo(request.photo)
        axes: tuple[tuple[str, str], ...] = ()
        folder, regions, styles = "", NO_REGIONS, [request.style]
        if isinstance(request, ComparisonRequest):
            axes = self._check_axes(request)
            names = "-by-".join(name for name, _ in axes)
            folder = f"comparisons/{photo.stem}-{names}-{secrets.token_hex(3)}"
        else:
            _check_regions(request)
            regions = self._make_regions(request)
            styles += [region.style for region in request.regions]
        _check_work(recipe, request.long_side, axes)
        task = PaintingTask(
            photo=self._relate(photo),
            style=self._make_style(request.style),
            regions=regions,
            recipe=recipe.to_dict(),
            long_side=request.long_side,
            seed=secrets.randbelow(2**31) if request.seed is None else request.seed,
            axes=axes,
            folder=folder,
        )
        titles = [self._name_style(style) for style in styles if style]
        title = " and ".join(dict.fromkeys(titles))
        if axes:
            title = f"{' × '.join(name for name, _ in axes)} after {title}"
        return Job(task, title, request.photo)

    def _find_photo(self, photo_id: str) -> Path:
        try:
            return self.photos.find(photo_id)
        except KeyError:
            raise UsageError("there is no such picture: upload it again") from None

    def _find_mask(self, mask_id: str | None, photo: Photo | None = None) -> str | None:
        """Return the path of a mask; UsageError if it is not of the photo's shape."""
        if mask_id is None:
            return None
        try:
            path, mask = self.masks.find(mask_id), self.masks.describe(mask_id)
        except KeyError:
            raise UsageError("there is no such mask: draw or upload it again") from None
        if photo is not None:
            stretch = mask.width * photo.height / (mask.height * photo.width)
            if max(stretch, 1 / stretch) > MAX_STRETCH:
                raise UsageError(
                    f"the mask {mask.name} is {mask.width}×{mask.height}, but the "
                    f"photo {photo.width}×{photo.height}: draw or upload one of its "
                    "shape"
                )
        return self._relate(path)

    def _make_regions(self, request: PaintingRequest) -> RegionRequest:
        photo = self.photos.describe(request.photo)
        masks = []
        for number, region in enumerate(request.regions, 1):
            try:
                style = self._make_style(region.style) if region.style else None
                mask = self._find_mask(region.mask, photo)
                style_mask = self._find_mask(region.style_mask)
            except UsageError as error:
                raise UsageError(f"region {number}: {error}") from None
            masks.append(MaskedStyle(mask, style, region.strength, style_mask))
        return RegionRequest(
            masks=masks,
            protect_faces=request.protect_faces,
            segmented=request.segmented,
        )

    def _relate(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _make_style(self, style: Style | None) -> StyleRequest:
        """Make the request for what is named; an empty one for None."""
        corpora = self.artists.corpora.absolute()
        if style is None:
            return StyleRequest(corpora=corpora)
        artist, works = self._find_works(style)
        return StyleRequest(
            images=[self._relate(self._find_photo(image)) for image in style.images],
            artist=artist.slug if artist else None,
            works=works,
            pick=Pick(way=cast(PickWay, style.pick)) if style.pick else None,
            corpora=corpora,
        )

    def _name_style(self, style: Style) -> str:
        if style.artist is not None:
            return self.artists.get(style.artist).name
        return format_count(len(style.images), "picture")

    def _find_works(self, style: Style) -> tuple[Artist | None, list[str]]:
        if (style.artist is None) == (not style.images):
            raise UsageError("choose an artist, or style images of your own")
        if style.pick is not None and style.pick not in PICKS:
            raise UsageError(f"pick {style.pick!r}: {suggest(style.pick, PICKS)}")
        if style.artist is None:
            if style.works or style.pick:
                raise UsageError("works and a pick belong to an artist")
            return None, []
        try:
            artist = self.artists.get(style.artist)
            works = [artist.works[key].id for key in style.works]
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

    def _check_axis(self, axis: Axis, request: ComparisonRequest) -> str:
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


def _check_regions(request: PaintingRequest) -> None:
    """Raise UsageError for parts that exclude one another, or leave nothing to do."""
    regions = request.regions
    masks = [region.mask for region in regions]
    if regions and request.segmented:
        raise UsageError("regions are found, or given by masks, not both")
    if masks.count(None) + (request.style is not None) > 1 and None in masks:
        raise UsageError("what no mask covers has two styles: leave one out")
    if len(set(masks)) < len(masks):
        raise UsageError("two regions have the same mask: put their styles into one")
    if request.style is None and all(region.style is None for region in regions):
        if regions:
            raise UsageError("all of the photo is kept: choose a style for a part")
        raise UsageError("choose an artist, or style images of your own")
    if any(region.style_mask and not region.style for region in regions):
        raise UsageError("a style's mask belongs to a style")


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


def make_recipe(request: PaintingRequest | ComparisonRequest) -> Recipe:
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
