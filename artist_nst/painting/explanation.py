"""Explain a painting on one page: its pictures, losses, distances and record."""

from __future__ import annotations

import colorsys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
from torch import Tensor

from artist_nst._types import Pixels
from artist_nst.figures.explanation_page import Explanation, draw_explanation
from artist_nst.figures.plot import Curve
from artist_nst.figures.sheet import Panel
from artist_nst.image.files import resize
from artist_nst.nst.distance import Distances
from artist_nst.nst.pyramid import PyramidResult
from artist_nst.painting.canvas import Canvas
from artist_nst.painting.description import describe_record
from artist_nst.painting.record import format_title
from artist_nst.painting.record_types import Record, RecordedStyle
from artist_nst.styles.segmentation import COLORS, tint_regions

FRAME = 0.04  # of a work's shorter side
TINT = 0.6  # of a work's color in the map of sources


def explain_painting(
    canvas: Canvas,
    result: PyramidResult,
    painting: Pixels,
    facts: Record,
    before: Distances,
    after: Distances,
) -> Pixels:
    """Draw a page that explains a painting, ``(H, W, 3)`` in [0, 1].

    Args:
        canvas: The photo and the styles as they were painted from.
        result: The losses of every iteration.
        painting: ``(H, W, 3)`` in [0, 1].
        facts: The painting's record.
        before: Distances of the photo.
        after: Distances of the painting.
    """
    panels = [
        Panel(canvas.photo, "photo"),
        *_style_panels(canvas, facts["styles"]),
        Panel(painting, "painting"),
    ]
    if result.sources is not None and len(facts["styles"]) > 1:
        colored = _color_sources(painting, result.sources)
        panels.append(Panel(colored, "which work each place is after"))
    panels += _region_panels(canvas)
    recipe_name = facts["recipe"]["name"]
    return draw_explanation(
        Explanation(
            title=f"{format_title(facts['content'])}, painted by the recipe "
            f"{recipe_name}",
            panels=panels,
            terms=_term_curves(canvas, result),
            layers=_layer_curves(result),
            levels=[float(start) for start in result.level_starts],
            before=before.grams,
            after=after.grams,
            facts=describe_record(facts, facts["recipe"]),
        )
    )


def _style_panels(canvas: Canvas, styles: Sequence[RecordedStyle]) -> list[Panel]:
    """Return the styles; of several, framed by their colors in the map of sources."""
    panels = []
    note = "" if canvas.has_original_colors else ", in the photo's colors"
    pictures = [_to_color(pixels) for pixels, _ in canvas.styles]
    for index, (pixels, style) in enumerate(zip(pictures, styles, strict=True)):
        title = format_title(style)
        if len(styles) > 1 and "share" in style:
            title = f"{style['share']:.0%} {title}"
            width = max(1, round(FRAME * min(pixels.shape[:2])))
            framed = np.full(
                (pixels.shape[0] + 2 * width, pixels.shape[1] + 2 * width, 3),
                _source_color(index),
            )
            framed[width:-width, width:-width] = pixels
            pixels = framed
        panels.append(Panel(pixels, title + note))
    return panels


def _region_panels(canvas: Canvas) -> list[Panel]:
    """Return the photo's regions, and those of styles of which a part counts.

    Regions of one color correspond to each other.
    """
    regions = canvas.layout.regions
    if not regions:
        return []
    names = ", ".join(
        f"{color} {Path(region.name).name}"
        for color, region in zip(cycle(COLORS), regions, strict=False)
    )
    panels = [
        Panel(
            tint_regions(canvas.photo, [region.mask for region in regions]),
            f"regions: {names}; gray is kept",
        )
    ]
    for index, (pixels, _) in enumerate(canvas.styles):
        height, width = pixels.shape[:2]
        masks = [
            resize(region.style_masks[index], height, width)
            if index in region.style_masks
            else np.zeros((height, width))
            for region in regions
        ]
        if any(mask.any() for mask in masks):
            panels.append(
                Panel(tint_regions(pixels, masks), "the parts that they are after")
            )
    return panels


def _color_sources(painting: Pixels, sources: Tensor) -> Pixels:
    """Draw the painting in gray, each place in the color of the work it is after."""
    height, width = painting.shape[:2]
    rows = np.arange(height) * sources.shape[0] // height
    columns = np.arange(width) * sources.shape[1] // width
    indices = sources.numpy()[rows[:, None], columns[None]]
    colors = np.array(
        [_source_color(index) for index in range(max(1, indices.max() + 1))]
    )
    gray = painting.mean(2, keepdims=True)
    # What is kept as photographed is after no work.
    tint = np.where(indices < 0, 0.0, TINT)[..., None]
    return np.asarray((1 - tint) * gray + tint * colors[indices])


def _source_color(index: int) -> tuple[float, float, float]:
    """Return the color of a work in the map: hues apart by the golden angle."""
    bright = 0.95 if index % 2 == 0 else 0.7
    return colorsys.hsv_to_rgb((0.08 + index * 0.381966) % 1, 0.8, bright)


def _term_curves(canvas: Canvas, result: PyramidResult) -> list[Curve]:
    """Return what each term adds to the total, times its weight."""
    recipe = canvas.recipe
    losses = [entry.losses for entry in result.history]
    terms = {
        "total": [loss.total for loss in losses],
        "content": [loss.content for loss in losses],
    }
    weights = {"style": recipe.gram_weight, "neighbors": recipe.neighbor_weight}
    for name, weight in weights.items():
        if weight:
            factor = recipe.ratio * weight
            values = [factor * getattr(loss, name) for loss in losses]
            terms[f"{name} × {factor:g}"] = values
    if recipe.matting:
        values = [recipe.matting * loss.matting for loss in losses]
        terms[f"matting × {recipe.matting:g}"] = values
    if recipe.tv or recipe.tv_sum:
        terms["total variation"] = [loss.smoothness for loss in losses]
    return _make_curves(result, terms)


def _layer_curves(result: PyramidResult) -> list[Curve]:
    """Return each layer's own loss, without its weight."""
    layers: dict[str, list[float]] = defaultdict(list)
    for entry in result.history:
        for layer, loss in entry.losses.content_layers.items():
            layers[f"content {layer}"].append(loss)
        for layer, loss in entry.losses.style_layers.items():
            layers[f"style {layer}"].append(loss)
        for layer, loss in entry.losses.neighbor_layers.items():
            layers[f"neighbors {layer}"].append(loss)
    return _make_curves(result, layers)


def _make_curves(
    result: PyramidResult, values: Mapping[str, Sequence[float]]
) -> list[Curve]:
    iterations = [entry.iteration for entry in result.history]
    return [Curve(label, iterations, losses) for label, losses in values.items()]


def _to_color(pixels: Pixels) -> Pixels:
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
