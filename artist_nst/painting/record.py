"""What is written into a painting, from which it can be painted again."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from artist_nst._types import PathLike
from artist_nst.corpus.works import corpora_folder, find_corpus, find_work
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.files import Picture, read_record, sha256_of
from artist_nst.nst.devices import describe
from artist_nst.nst.distance import Distances
from artist_nst.nst.objective import Losses
from artist_nst.nst.precision import Precision
from artist_nst.nst.pyramid import Result
from artist_nst.nst.vgg import VGG
from artist_nst.painting.style_sources import Source
from artist_nst.recipes.recipe import Recipe

FORMAT = 1

# A JPEG's segment has room for 64 KB: the history is thinned to this many entries.
HISTORY = 200


def of(
    *,
    content: dict[str, Any],
    styles: list[dict[str, Any]],
    corpora: PathLike | None,
    recipe: Recipe,
    seed: int,
    network: VGG,
    draft: VGG | None,
    result: Result,
    precision: Precision,
    distances: Distances | None,
    seconds: float,
) -> dict[str, Any]:
    """The record of one painting, as plain values that JSON can hold."""
    return {
        "artist_nst": version("artist-nst"),
        "format": FORMAT,
        "painted": datetime.now(UTC).isoformat(timespec="seconds"),
        "content": content,
        "styles": styles,
        "corpora": None if corpora is None else os.fspath(corpora),
        "recipe": recipe.to_dict(),
        "seed": seed,
        "size": [result.image.shape[3], result.image.shape[2]],
        "network": {
            "name": network.name,
            "sha256": network.sha256,
            "input": network.input,
            "draft_sha256": None if draft is None else draft.sha256,
        },
        "device": describe(network.mean.device),
        "precision": precision,
        "computed": [asdict(level) for level in result.computed],
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "scipy", "numpy", "pillow")},
        },
        "stopped": result.reasons,
        "iterations": len(result.history),
        "evaluations": result.evaluations,
        "losses": _losses(result.losses),
        "distances": None if distances is None else asdict(distances),
        "history": _history(result),
        "seconds": round(seconds, 2),
    }


def of_file(path: PathLike, picture: Picture) -> dict[str, Any]:
    """A picture by its path, as typed, and its hash."""
    height, width = picture.pixels.shape[:2]
    return {
        "path": os.fspath(path),
        "sha256": picture.sha256,
        "width": width,
        "height": height,
    }


def of_source(source: Source, picture: Picture) -> dict[str, Any]:
    """A style; a work is named by its corpus and id, not by where that may be."""
    found = of_file(source.path, picture)
    if source.work is not None:
        found["path"] = None
    return {**found, "weight": source.weight, "work": source.work}


def read(path: PathLike) -> dict[str, Any]:
    """The record inside a painting.

    Raises:
        ArtistNstError: there is none, or a newer version wrote it.
    """
    try:
        found = json.loads(read_record(path))
        newer = found["format"] > FORMAT
    except (ValueError, TypeError, KeyError) as error:
        raise ArtistNstError(f"{path}: its record is damaged ({error})") from error
    if newer:
        raise ArtistNstError(
            f"{path}: its record is of format {found['format']}, newer than this "
            "artist-nst reads; upgrade artist-nst"
        )
    for key in ("content", "styles", "corpora", "recipe", "seed", "network", "device"):
        if key not in found:
            raise ArtistNstError(f"{path}: its record is damaged (it lacks {key!r})")
    assert isinstance(found, dict)
    return found


def version(package: str) -> str | None:
    """Of an installed package; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _history(result: Result) -> list[list[float]]:
    """``[iteration, total, content, style, tv, seconds]``, thinned evenly, the last
    kept."""
    steps = result.history
    stride = -(-len(steps) // HISTORY) or 1
    kept = steps[::-1][::stride][::-1]
    return [
        [count, *_losses(loss).values(), round(seconds, 2)]
        for count, loss, seconds in kept
    ]


def _losses(losses: Losses) -> dict[str, float]:
    """To six digits: a record has room for no more."""
    return {
        name: float(f"{getattr(losses, name):.6g}")
        for name in ("total", "content", "style", "tv")
    }


def find_content(found: dict[str, Any], painting: PathLike, now: Path | None) -> Path:
    """Where a record's photo is: ``now``, or where it was.

    Raises:
        UsageError: it is not there, or is another picture by its hash.
    """
    return _find(found["content"], Path(painting), [now] if now else [], "--content")


def find_sources(
    found: dict[str, Any],
    painting: PathLike,
    now: Sequence[Path],
    corpora: PathLike | None,
) -> list[Source]:
    """A record's style images: among ``now``, in their corpora, or where they were.

    Raises:
        UsageError: one is not there, or is another picture by its hash; one of
            ``now`` is none of them.
    """
    sources = []
    hashes = {style["sha256"] for style in found["styles"]}
    for place in now:
        if place.is_file() and sha256_of(place) not in hashes:
            raise UsageError(
                f"--style-image {place}: {painting} was not painted from it (no hash "
                "agrees); to paint after it, use `artist-nst paint`"
            )
    for style in found["styles"]:
        places = list(now)
        if style["work"] is not None:
            places += _in_corpus(style["work"], corpora)
        path = _find(style, Path(painting), places, "--style-image")
        sources.append(Source(path, style["weight"], style["work"]))
    return sources


def _in_corpus(work: dict[str, Any], corpora: PathLike | None) -> list[Path]:
    try:
        corpus = find_corpus(work["corpus"], corpora_folder(corpora))
        return [corpus.path(find_work(corpus, work["id"]))]
    except UsageError:
        return []


def _find(
    picture: dict[str, Any], painting: Path, places: list[Path], option: str
) -> Path:
    """The first of the places that holds the picture of the recorded hash."""
    for place in places:
        if not place.is_file():
            raise UsageError(f"{option} {place}: there is no such file")
    if picture["path"] is not None and not (places and option == "--content"):
        # As it was typed: from here, or from beside the painting.
        places = [*places, Path(picture["path"]), painting.parent / picture["path"]]
    there = [place for place in places if place.is_file()]
    for place in there:
        if sha256_of(place) == picture["sha256"]:
            return place
    if there:
        raise UsageError(
            f"{there[0]} is not the picture that {painting} was painted from (its "
            f"hash differs): name that one with {option}"
        )
    name = picture["path"] or (picture["work"] or {}).get("title", "a picture")
    raise UsageError(
        f"{name}, which {painting} was painted from, is not here: name it with {option}"
        + (", or its folder with --corpora" if picture.get("work") else "")
    )
