"""The record inside a painting, from which it can be painted again."""

from __future__ import annotations

import logging
import os
import platform
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, cast

from artist_nst._files import format_error, format_path, get_version, hash_file
from artist_nst._types import PathLike, Precision
from artist_nst._validation import parse_json, validate
from artist_nst.corpus.works import (
    Corpus,
    Work,
    choose_corpora_folder,
    find_corpus_folder,
    find_work,
    has_manifest,
    list_artists,
    load_corpus,
)
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.files import Picture, read_record
from artist_nst.image.header import read_header
from artist_nst.painting.in_memory import ImageLike
from artist_nst.painting.record_types import (
    Record,
    RecordedDistances,
    RecordedLevel,
    RecordedLosses,
    RecordedPicture,
    RecordedRegion,
    RecordedStyle,
    RecordedWork,
)
from artist_nst.painting.regions import MaskedStyle, RegionPlan, RegionRequest
from artist_nst.painting.sources import Source
from artist_nst.recipes.recipe import Recipe, from_dict

if TYPE_CHECKING:
    from torch import Tensor

    from artist_nst.nst.distance import Distances
    from artist_nst.nst.objective import Losses
    from artist_nst.nst.pyramid import PyramidResult
    from artist_nst.nst.vgg import VGG

log = logging.getLogger(__name__)

FORMAT = 1

# A JPEG's segment has room for 64 KB: the history is thinned to this many entries.
MAX_HISTORY = 200


def build_record(
    *,
    content: RecordedPicture,
    styles: list[RecordedStyle],
    corpora: PathLike | None,
    recipe: Recipe,
    seed: int,
    network: VGG,
    draft: VGG | None,
    result: PyramidResult,
    precision: Precision,
    distances: Distances | None,
    seconds: float,
) -> Record:
    """Build the record of one painting, as plain values that JSON can hold."""
    # Late: records are read without torch, which takes seconds to import.
    from artist_nst.nst.devices import describe_device

    if result.sources is not None:
        shares = measure_shares(result.sources, len(styles))
        pairs = zip(styles, shares, strict=True)
        styles = [
            cast(RecordedStyle, {**style, "share": round(share, 4)})
            for style, share in pairs
        ]
    return {
        "artist_nst": get_version(),
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
        "device": describe_device(network.mean.device),
        "precision": precision,
        "computed": [cast(RecordedLevel, asdict(level)) for level in result.levels],
        "versions": {
            "python": platform.python_version(),
            **{
                name: get_version(name)
                for name in ("torch", "scipy", "numpy", "pillow")
            },
        },
        "stopped": result.reasons,
        "iterations": len(result.history),
        "evaluations": result.evaluations,
        "losses": _round_losses(result.losses),
        "distances": None
        if distances is None
        else cast(RecordedDistances, asdict(distances)),
        "history": _thin_history(result),
        "seconds": round(seconds, 2),
    }


def measure_shares(sources: Tensor, count: int) -> list[float]:
    """Measure how much of a painting is after each of ``count`` styles.

    ``sources`` are those of :class:`~artist_nst.nst.pyramid.PyramidResult`.
    """
    places = sources[sources >= 0].bincount(minlength=count)
    return [int(number) / sources.numel() for number in places]


def describe_picture(picture: Picture, path: str | None) -> RecordedPicture:
    """Describe a picture by its path, as typed, if it has one, its hash and size."""
    height, width = picture.size
    return {
        "path": path,
        "sha256": picture.sha256,
        "width": width,
        "height": height,
    }


def describe_regions(
    plan: RegionPlan, get_path: Callable[[PathLike], str | None]
) -> list[RecordedRegion]:
    """Describe the masks of a painting.

    Args:
        plan: Which part is after what.
        get_path: Returns what is recorded of a file's path.
    """

    def describe(picture: ImageLike | None) -> RecordedPicture | None:
        if picture is None:
            return None
        path = cast(PathLike, picture)
        header = read_header(path, max_pixels=sys.maxsize)
        return {
            "path": get_path(path),
            "sha256": header.sha256,
            "width": header.width,
            "height": header.height,
        }

    return [
        {
            "mask": describe(mask.mask),
            "styles": indices,
            "style_mask": describe(mask.style_mask),
            "strength": mask.strength,
        }
        for mask, indices in zip(plan.request.masks, plan.indices, strict=True)
    ]


def describe_source(
    source: Source, picture: Picture, path: str | None
) -> RecordedStyle:
    """Describe a style; a work is named by its corpus and id, not by a path."""
    facts = describe_picture(picture, None if source.work else path)
    return {
        "path": facts["path"],
        "sha256": facts["sha256"],
        "width": facts["width"],
        "height": facts["height"],
        "weight": source.weight,
        "work": source.work,
    }


def load_record(path: PathLike) -> Record:
    """Read the record inside a painting.

    Raises:
        ArtistNstError: There is none, it is damaged, or a newer version wrote it.
    """
    try:
        values = parse_json(read_record(path))
        version = values["format"]
        if isinstance(version, int) and version > FORMAT:
            raise ArtistNstError(
                f"{path}: its record is of format {version}, newer than this "
                "artist-nst reads; upgrade artist-nst"
            )
        facts = validate({"computed": [], "distances": None, **values}, Record)
        from_dict(facts["recipe"])
        _check_regions(facts)
    except (ValueError, TypeError, KeyError, UsageError) as error:
        reason = format_error(error)
        raise ArtistNstError(f"{path}: its record is damaged ({reason})") from error
    return facts


def _check_regions(facts: Record) -> None:
    """Raise ValueError unless a record's parts are after its styles, each once."""
    regions = facts.get("regions", [])
    indices = [index for region in regions for index in region["styles"]]
    if regions and indices != list(range(len(facts["styles"]))):
        raise ValueError("its regions are not after its styles, each once")


def is_cut_short(facts: Record) -> bool:
    """Tell whether a level was begun that has no image, for want of memory, say."""
    return len(facts["stopped"]) > len(facts["computed"])


def _thin_history(result: PyramidResult) -> list[list[float]]:
    """List ``[iteration, total, content, style, tv, seconds, neighbors]``, thinned.

    The last iteration is always kept.
    """
    steps = result.history
    stride = -(-len(steps) // MAX_HISTORY) or 1
    kept = steps[::-1][::stride][::-1]
    rows = []
    for count, loss, seconds in kept:
        terms = (loss.total, loss.content, loss.style, loss.tv)
        last = round(seconds, 2), _round(loss.neighbors)
        rows.append([count, *map(_round, terms), *last])
    return rows


def _round_losses(losses: Losses) -> RecordedLosses:
    """Round the losses to six digits: a record has room for no more."""
    return {
        "total": _round(losses.total),
        "content": _round(losses.content),
        "style": _round(losses.style),
        "tv": _round(losses.tv),
        "neighbors": _round(losses.neighbors),
        "matting": _round(losses.matting),
    }


def _round(value: float) -> float:
    return float(f"{value:.6g}")


def format_title(picture: RecordedPicture) -> str:
    """Return a picture's title in a record: the work's, or the file's name."""
    if work := cast(RecordedWork | None, picture.get("work")):
        return f"{work['title']}, {work['artist']}"
    if picture["path"] is None:
        return "an image in memory"
    # A record may have been written on Windows.
    return PureWindowsPath(picture["path"]).name


def find_content(facts: Record, painting: PathLike, moved_to: Path | None) -> Path:
    """Find a record's photo: at ``moved_to`` if given, else where it was.

    ``moved_to`` may be another photo, which the log says.

    Raises:
        UsageError: It is not there, or is another picture by its hash.
    """
    if moved_to is None:
        return _find_picture(facts["content"], Path(painting), [], "--content")
    if not os.path.isfile(moved_to):
        raise UsageError(f"--content {moved_to}: there is no such file")
    if hash_file(moved_to) != facts["content"]["sha256"]:
        log.warning("%s is another photo than %s was painted from", moved_to, painting)
    return moved_to


def find_sources(
    facts: Record,
    painting: PathLike,
    moved_to: Sequence[Path] = (),
    corpora: PathLike | None = None,
    *,
    option: str | None = "--style-image",
) -> list[Source]:
    """Find a record's style images.

    They are looked for in ``moved_to``, in their corpora, where they were, and by their
    hashes among all works in the corpora.

    Args:
        facts: The record.
        painting: The file that it is of.
        moved_to: Files of style images.
        corpora: The folder of corpora.
        option: That names a file, for the errors; None if there is none.

    Raises:
        UsageError: One is not there, or is another picture by its hash; one of
            ``moved_to`` is none of them.
    """
    hashes = {style["sha256"] for style in facts["styles"]}
    for path in moved_to:
        if os.path.isfile(path) and hash_file(path) not in hashes:
            raise UsageError(
                f"--style-image {path}: {painting} was not painted from it (no hash "
                "agrees); to paint after it, use `artist-nst paint`"
            )
    sources = []
    for style in facts["styles"]:
        candidates = list(moved_to)
        if style["work"] is not None:
            candidates += _find_in_corpus(style["work"], corpora)
        try:
            path = _find_picture(style, Path(painting), candidates, option)
        except UsageError:
            copy = _find_copy(style["sha256"], corpora)
            if copy is None:
                raise
            path = copy
        sources.append(Source(path, style["weight"], style["work"]))
    return sources


def list_masks(facts: Record) -> list[RecordedPicture]:
    """List the masks of a record, of the photo's parts and of styles."""
    return [
        picture
        for region in facts.get("regions", ())
        for picture in (region["mask"], region["style_mask"])
        if picture is not None
    ]


def find_regions(
    facts: Record,
    painting: PathLike,
    sources: Sequence[Source],
    moved_to: Sequence[Path] = (),
    *,
    option: str | None = "--mask",
) -> RegionRequest:
    """Find a record's masks, in ``moved_to`` or where they were.

    Args:
        facts: The record.
        painting: The file that it is of.
        sources: The record's style images, found.
        moved_to: Files of masks.
        option: That names a file, for the errors; None if there is none.

    Raises:
        UsageError: One is not there, or is another picture by its hash; one of
            ``moved_to`` is none of them.
    """
    hashes = {picture["sha256"] for picture in list_masks(facts)}
    for path in moved_to:
        if not os.path.isfile(path):
            raise UsageError(f"--mask {path}: there is no such file")
        if hash_file(path) not in hashes:
            raise UsageError(
                f"--mask {path}: {painting} was not painted by it (no hash agrees); to "
                "paint by another mask, use `artist-nst paint`"
            )

    def find(picture: RecordedPicture | None) -> Path | None:
        if picture is None:
            return None
        return _find_picture(picture, Path(painting), list(moved_to), option)

    masks = []
    for region in facts.get("regions", ()):
        styles = [sources[index] for index in region["styles"]]
        masks.append(
            MaskedStyle(
                find(region["mask"]),
                styles or None,
                region["strength"],
                find(region["style_mask"]),
            )
        )
    return RegionRequest(
        masks=masks,
        protect_faces=facts.get("protect_faces", False),
        segmented=facts.get("segmented", False),
    )


def _find_in_corpus(work: RecordedWork, corpora: PathLike | None) -> list[Path]:
    try:
        folder = find_corpus_folder(work["corpus"], choose_corpora_folder(corpora))
        if has_manifest(folder):
            corpus = load_corpus(folder)
            path = corpus.get_path(find_work(corpus, work["id"]))
        else:
            # Not by listing the folder, which a foreign record may choose.
            picture = Work(id=work["id"], title="", file=work["id"])
            path = Corpus(folder, folder.name, "", ()).get_path(picture)
    except ArtistNstError:
        return []
    return [path] if os.path.isfile(path) else []


def _find_copy(sha256: str, corpora: PathLike | None) -> Path | None:
    """Find a picture among all works by its hash."""
    folders = list_artists(choose_corpora_folder(corpora)).values()
    for folder in filter(has_manifest, folders):
        with suppress(ArtistNstError):
            corpus = load_corpus(folder)
            for work in corpus.available:
                path = corpus.get_path(work)
                if work.sha256 == sha256 and hash_file(path) == sha256:
                    return path
    return None


def _find_picture(
    picture: RecordedPicture | RecordedStyle,
    painting: Path,
    candidates: list[Path],
    option: str | None,
) -> Path:
    """Return the first candidate that has the recorded hash."""
    for path in candidates:
        if not os.path.isfile(path):
            raise UsageError(f"{option} {path}: there is no such file")
    if picture["path"] is not None:
        # As it was typed: relative to here, or to the painting.
        original = Path(picture["path"])
        candidates = [*candidates, original, painting.parent / original]
    files = [path for path in candidates if os.path.isfile(path)]
    for path in files:
        if hash_file(path) == picture["sha256"]:
            return path
    if files:
        advice = f": name that one with {option}" if option else ""
        raise UsageError(
            f"{format_path(files[0])} is not the picture that {painting} was painted "
            f"from (its hash differs){advice}"
        )
    advice = f"name it with {option}" if option else ""
    if picture.get("work"):
        advice += f"{', or ' if advice else 'name '}its folder with --corpora"
    name = format_path(picture["path"] or format_title(picture))
    raise UsageError(
        f"{name}, which {painting} was painted from, is not here"
        f"{advice and f': {advice}'}"
    )
