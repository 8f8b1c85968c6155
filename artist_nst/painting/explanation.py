"""Explain a painting on one page: its pictures, losses, distances and record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PureWindowsPath
from typing import Any

import numpy as np

from artist_nst._types import Pixels
from artist_nst.figures.explanation_page import Explanation, draw_explanation
from artist_nst.figures.plot import Curve
from artist_nst.figures.sheet import Panel
from artist_nst.nst.distance import Distances
from artist_nst.nst.pyramid import PyramidResult
from artist_nst.painting.canvas import Canvas


def explain_painting(
    canvas: Canvas,
    result: PyramidResult,
    painting: Pixels,
    facts: Mapping[str, Any],
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
    styles = [
        Panel(_to_color(pixels), _format_title(style))
        for (pixels, _), style in zip(canvas.styles, facts["styles"], strict=True)
    ]
    panels = [Panel(canvas.photo, "photo"), *styles, Panel(painting, "painting")]
    recipe_name = facts["recipe"]["name"]
    return draw_explanation(
        Explanation(
            title=f"{_format_title(facts['content'])}, painted by the recipe "
            f"{recipe_name}",
            panels=panels,
            terms=_term_curves(canvas, result),
            layers=_layer_curves(result),
            levels=[float(start) for start in result.level_starts],
            before=before.grams,
            after=after.grams,
            facts=_format_facts(facts, after),
        )
    )


def _term_curves(canvas: Canvas, result: PyramidResult) -> list[Curve]:
    """Return what each term adds to the total, times its weight."""
    recipe = canvas.recipe
    losses = [entry.losses for entry in result.history]
    terms = {
        "total": [loss.total for loss in losses],
        "content": [loss.content for loss in losses],
        f"style × {recipe.ratio:g}": [recipe.ratio * loss.style for loss in losses],
    }
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
    return _make_curves(result, layers)


def _make_curves(
    result: PyramidResult, values: Mapping[str, Sequence[float]]
) -> list[Curve]:
    iterations = [entry.iteration for entry in result.history]
    return [Curve(label, iterations, losses) for label, losses in values.items()]


def _format_facts(
    facts: Mapping[str, Any], distances: Distances
) -> list[tuple[str, str]]:
    recipe = facts["recipe"]
    width, height = facts["size"]
    content_layers, style_layers = (
        ", ".join(_format_layer(*pair) for pair in recipe[key]) or "no layer"
        for key in ("content_layers", "style_layers")
    )
    levels = ", ".join(f"{count} at {scale:.3g}" for scale, count in recipe["levels"])
    # What auto resolved to.
    optimizer = (facts["computed"] or [recipe])[-1]["optimizer"]
    return [
        ("photo", facts["content"]["path"]),
        ("after", "; ".join(map(_format_title, facts["styles"]))),
        ("size", f"{width}×{height} pixels, style scale {recipe['style_scale']:g}"),
        ("recipe", f"{recipe['name']} ({recipe['source']})"),
        ("network", f"{facts['network']['name']}, {recipe['pool']} pooling"),
        ("content", f"{recipe['content_loss']} at {content_layers}"),
        ("style", f"{recipe['style_loss']} at {style_layers}"),
        ("weights", _format_weights(recipe)),
        ("start", f"{recipe['init']}, seed {facts['seed']}"),
        ("colors", recipe["color"]),
        ("optimizer", f"{optimizer}; iterations {levels}"),
        ("stopped", "; ".join(dict.fromkeys(facts["stopped"]))),
        (
            "took",
            f"{facts['iterations']} iterations, {facts['evaluations']} evaluations, "
            f"{facts['seconds']:.0f} s on {facts['device']}",
        ),
        ("distances", _format_distances(distances)),
        ("painted", f"{facts['painted']} by artist-nst {facts['artist_nst']}"),
    ]


def _format_weights(recipe: Mapping[str, Any]) -> str:
    names = {"tv": "tv", "tv_sum": "tv of the sum"}
    smoothness = [
        f"{name} {recipe[key]:g}" for key, name in names.items() if recipe[key]
    ]
    return ", ".join([f"ratio {recipe['ratio']:g}", *(smoothness or ["tv 0"])])


def _format_distances(distances: Distances) -> str:
    values = {"content": distances.content, "style": distances.style}
    texts = [
        f"{name} {value:.3f}" for name, value in values.items() if value is not None
    ]
    return ", ".join(texts) or "too small to be measured"


def _format_layer(layer: str, weight: float) -> str:
    return layer if weight == 1 else f"{layer} × {weight:.3g}"


def _format_title(picture: Mapping[str, Any]) -> str:
    """Return a picture's title in a record: the work's, or the file's name."""
    if work := picture.get("work"):
        return f"{work['title']}, {work['artist']}"
    # A record may have been written on Windows.
    return PureWindowsPath(picture["path"]).name


def _to_color(pixels: Pixels) -> Pixels:
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
