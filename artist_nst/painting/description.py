"""A painting's record in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from artist_nst.errors import format_count
from artist_nst.nst.lbfgs import StopReason
from artist_nst.nst.pyramid import plan_levels
from artist_nst.painting.record import format_title
from artist_nst.painting.record_types import Record, RecordedDistances
from artist_nst.recipes.recipe import from_dict


def describe_record(facts: Record, recipe: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Describe a painting's record and its recipe, with all fields: names and texts."""
    width, height = facts["size"]
    content_layers, style_layers, neighbor_layers = (
        ", ".join(_format_layer(*pair) for pair in recipe[key]) or "no layer"
        for key in ("content_layers", "style_layers", "neighbor_layers")
    )
    plan = plan_levels(from_dict(dict(recipe)), height, width)
    planned = sum(level.iterations for level in plan)
    levels = ", ".join(
        f"{level.iterations} at {level.width}×{level.height}" for level in plan
    )
    if not recipe["neighbor_weight"]:
        neighbor_layers = "no layer"
    # What auto resolved to.
    levels_done = facts["computed"]
    optimizer = levels_done[-1]["optimizer"] if levels_done else recipe["optimizer"]
    return [
        ("photo", facts["content"]["path"] or format_title(facts["content"])),
        ("after", "; ".join(map(format_title, facts["styles"]))),
        *([("regions", regions)] if (regions := _format_regions(facts)) else []),
        ("size", f"{width}×{height} pixels, style scale {recipe['style_scale']:g}"),
        ("recipe", f"{recipe['name']} ({recipe['source']})"),
        ("network", f"{facts['network']['name']}, {recipe['pool']} pooling"),
        ("content", f"{recipe['content_loss']} at {content_layers}"),
        ("style", f"{recipe['style_loss']} at {style_layers}"),
        ("neighbors", f"cosine at {neighbor_layers}"),
        ("weights", _format_weights(recipe)),
        ("start", f"{recipe['init']}, seed {facts['seed']}"),
        ("colors", recipe["color"]),
        ("optimizer", f"{optimizer}; iterations {levels}"),
        ("stopped", _format_stops(facts["stopped"])),
        (
            "took",
            f"{facts['iterations']} of {format_count(planned, 'iteration')}, "
            f"{format_count(facts['evaluations'], 'evaluation')}, "
            f"{facts['seconds']:.0f} s on {facts['device']}",
        ),
        ("distances", _format_distances(facts["distances"])),
        ("painted", f"{facts['painted']} by artist-nst {facts['artist_nst']}"),
    ]


def _format_regions(facts: Record) -> str:
    """Say how parts of a painting were treated; nothing if it has none."""
    parts = []
    for region in facts.get("regions", ()):
        mask = "the rest" if region["mask"] is None else format_title(region["mask"])
        styles = " and ".join(
            format_title(facts["styles"][index]) for index in region["styles"]
        )
        strength = "" if region["strength"] == 1 else f" × {region['strength']:g}"
        style_mask = region["style_mask"]
        part = "" if style_mask is None else f" in {format_title(style_mask)}"
        parts.append(f"{mask}: {styles or 'kept'}{part}{strength}")
    if facts.get("segmented"):
        parts.append("photo and works segmented alike")
    if facts.get("protect_faces"):
        parts.append("faces protected")
    return "; ".join(parts)


def _format_weights(recipe: Mapping[str, Any]) -> str:
    names = {"tv": "tv", "tv_sum": "tv of the sum"}
    smoothness = [
        f"{name} {recipe[key]:g}" for key, name in names.items() if recipe[key]
    ]
    parts = [f"{name} {recipe[f'{name}_weight']:g}" for name in ("gram", "neighbor")]
    ratio = f"ratio {recipe['ratio']:g} of {' and '.join(parts)}"
    photoreal = [
        f"{key.replace('_', ' ')} {recipe[key]:g}"
        for key in ("matting", "detail_scale")
        if recipe.get(key)
    ]
    return ", ".join([ratio, *(smoothness or ["tv 0"]), *photoreal])


def _format_stops(reasons: Sequence[str]) -> str:
    """Say why a painting ended, of its levels' reasons."""
    others = [reason for reason in reasons if reason != StopReason.ALL_DONE]
    return "; ".join(dict.fromkeys(others)) or StopReason.ALL_DONE


def _format_distances(distances: RecordedDistances | None) -> str:
    if distances is None:
        return "not measured"
    values = {"content": distances["content"], "style": distances["style"]}
    texts = [
        f"{name} {value:.3f}" for name, value in values.items() if value is not None
    ]
    return ", ".join(texts) or "not measured"


def _format_layer(layer: str, weight: float) -> str:
    return layer if weight == 1 else f"{layer} × {weight:.3g}"
