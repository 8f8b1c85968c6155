"""What happened in a painting, as one picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

import numpy as np

from artist_nst._types import Pixels
from artist_nst.figures.explanation_page import Explanation, explained
from artist_nst.figures.plot import Curve
from artist_nst.figures.sheet import Panel
from artist_nst.nst.distance import Distances
from artist_nst.nst.objective import Losses
from artist_nst.nst.pyramid import Result
from artist_nst.painting.canvas import Canvas


def explanation(
    canvas: Canvas,
    result: Result,
    painting: Pixels,
    made: Mapping[str, Any],
    before: Distances,
    after: Distances,
) -> Pixels:
    """One picture that explains a painting, ``(H, W, 3)`` in [0, 1].

    Args:
        canvas: with photo and styles as they were painted from.
        result: with every iteration's losses.
        painting: ``(H, W, 3)`` in [0, 1].
        made: its record.
        before, after: of the photo and of the painting.
    """
    styles = [
        Panel(_in_color(pixels), _title(style))
        for (pixels, _), style in zip(canvas.styles, made["styles"], strict=True)
    ]
    panels = [Panel(canvas.photo, "photo"), *styles, Panel(painting, "painting")]
    return explained(
        Explanation(
            title=f"{_title(made['content'])}, painted by the recipe "
            f"{made['recipe']['name']}",
            panels=panels,
            terms=_terms(canvas, result),
            layers=_layers(result),
            levels=[float(start) for start in result.starts],
            before=before.grams,
            after=after.grams,
            words=_words(made, after),
        )
    )


def _terms(canvas: Canvas, result: Result) -> list[Curve]:
    """What each term adds to the total, its weight included."""
    ratio = canvas.recipe.ratio
    terms = [
        _curve(result, "total", attrgetter("total")),
        _curve(result, "content", attrgetter("content")),
        _curve(result, f"style × {ratio:g}", lambda losses: ratio * losses.style),
    ]
    if canvas.recipe.tv or canvas.recipe.tv_sum:
        terms.append(_curve(result, "total variation", attrgetter("smoothness")))
    return terms


def _layers(result: Result) -> list[Curve]:
    """Each layer's own term, before its weight."""
    if not result.history:
        return []
    last = result.history[-1].losses
    content = [
        _curve(result, f"content {layer}", attrgetter("content_layers"), layer)
        for layer in last.content_layers
    ]
    style = [
        _curve(result, f"style {layer}", attrgetter("style_layers"), layer)
        for layer in last.style_layers
    ]
    return content + style


def _curve(
    result: Result, label: str, of: Callable[[Losses], Any], layer: str | None = None
) -> Curve:
    found = [of(moment.losses) for moment in result.history]
    values = found if layer is None else [layers[layer] for layers in found]
    return Curve(label, [moment.iteration for moment in result.history], values)


def _words(made: Mapping[str, Any], after: Distances) -> list[tuple[str, str]]:
    recipe = made["recipe"]
    width, height = made["size"]
    layers = ("content_layers", "style_layers")
    named = [", ".join(_weighted(*pair) for pair in recipe[key]) for key in layers]
    levels = ", ".join(f"{count} at {scale:.3g}" for scale, count in recipe["levels"])
    rows = [
        ("photo", made["content"]["path"]),
        ("after", "; ".join(map(_title, made["styles"]))),
        ("size", f"{width}×{height} pixels, style scale {recipe['style_scale']:g}"),
        ("recipe", f"{recipe['name']} ({recipe['source']})"),
        ("network", f"{made['network']['name']}, {recipe['pool']} pooling"),
        ("content", f"{recipe['content_loss']} at {named[0] or 'no layer'}"),
        ("style", f"{recipe['style_loss']} at {named[1] or 'no layer'}"),
        ("weights", _weights(recipe)),
        ("start", f"{recipe['init']}, seed {made['seed']}"),
        ("colors", recipe["color"]),
        ("minimiser", f"{_minimizer(made)}; iterations {levels}"),
        ("stopped", "; ".join(dict.fromkeys(made["stopped"]))),
        (
            "took",
            f"{made['iterations']} iterations, {made['evaluations']} evaluations, "
            f"{made['seconds']:.0f} s on {made['device']}",
        ),
        ("distances", _distances(after)),
        ("painted", f"{made['painted']} by artist-nst {made['artist_nst']}"),
    ]
    return rows


def _minimizer(made: Mapping[str, Any]) -> str:
    """What ``auto`` came to."""
    levels = made["computed"] or [made["recipe"]]
    return str(levels[-1]["optimizer"])


def _weights(recipe: Mapping[str, Any]) -> str:
    """The ratio, and of smoothness the mean's weight, the sum's, or both."""
    names = {"tv": "tv", "tv_sum": "tv of the sum"}
    smooth = [f"{name} {recipe[key]:g}" for key, name in names.items() if recipe[key]]
    return ", ".join([f"ratio {recipe['ratio']:g}", *(smooth or ["tv 0"])])


def _distances(after: Distances) -> str:
    found = {"content": after.content, "style": after.style}
    there = [
        f"{name} {value:.3f}" for name, value in found.items() if value is not None
    ]
    return ", ".join(there) or "too small to be measured"


def _weighted(layer: str, weight: float) -> str:
    return layer if weight == 1 else f"{layer} × {weight:.3g}"


def _title(picture: Mapping[str, Any]) -> str:
    """Of a photo or a style in a record: the work's title, or the file's name."""
    if work := picture.get("work"):
        return f"{work['title']}, {work['artist']}"
    return str(picture["path"]).replace("\\", "/").rpartition("/")[2]


def _in_color(pixels: Pixels) -> Pixels:
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
