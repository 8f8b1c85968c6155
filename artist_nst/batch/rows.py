"""Turn rows, of a job file or made by options, into jobs or problems."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import get_args

from artist_nst._files import READABLE_SUFFIXES
from artist_nst.batch.columns import NAMED_COLUMNS, Value
from artist_nst.batch.jobs import MAX_JOBS, Job, JobList, Problem
from artist_nst.batch.naming import label_photos, name_masks, name_output
from artist_nst.batch.urls import is_url, to_path
from artist_nst.errors import UsageError, suggest
from artist_nst.painting.mask_names import Kind, NamedMask, read_masks, tell_kind
from artist_nst.painting.sources import parse_weight
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.toml_file import SUFFIX
from artist_nst.styles.pick import PickWay

# Diverse works are for several paintings; one of them is the typical one.
PICKS = tuple(way for way in get_args(PickWay) if way != "diverse")

STEM = "{stem}"
"""In a mask, stands for the photo's name without suffix."""

# What names an output, besides photo and style.
_UNNAMED = ("photo", "artist", "work", "style", "out")


class RowReader:
    """Collects the jobs of rows.

    Args:
        folder: Paths of files are relative to it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self._jobs: list[Job] = []
        # Of jobs without a name for their output, what else tells them apart.
        self._parts: dict[int, list[tuple[str, str]]] = {}
        self._paths: dict[str, Path] = {}
        self._masks: dict[tuple[str, ...], tuple[NamedMask, ...]] = {}

    def add(
        self, line: int, row: Mapping[str, Value], naming: Collection[str] | None = None
    ) -> None:
        """Read a row.

        Args:
            line: Of the file.
            row: Values by column, none of them empty.
            naming: Columns that tell outputs apart; all of the row's if None.

        Raises:
            UsageError: There are too many jobs.
        """
        if len(self._jobs) == MAX_JOBS:
            raise UsageError(f"these are more than {MAX_JOBS:,} jobs: split them")
        masks: tuple[NamedMask, ...] | None = None
        reasons = []
        try:
            masks = self._read_masks(row)
        except UsageError as error:
            reasons.append(("mask", str(error).removeprefix("--mask ")))
        reasons += [*_find_conflicts(row, masks), *self._check_values(row)]
        if masks is None or reasons:
            self.problems += [Problem(line, *reason) for reason in reasons]
            return
        job = self._make_job(line, row, masks)
        if not job.out:
            values = {name: os.path.basename(str(row[name])) for name in row}
            if masks:
                values["mask"] = name_masks(masks)
            self._parts[len(self._jobs)] = [
                (name, value)
                for name, value in values.items()
                if name not in _UNNAMED and (naming is None or name in naming)
            ]
        self._jobs.append(job)

    def finish(self) -> JobList:
        """Return the jobs, each with a name for its output, and the problems."""
        labels = label_photos(self._jobs[index].photo for index in self._parts)
        for index, parts in self._parts.items():
            job = self._jobs[index]
            out = name_output(job, labels[job.photo], parts)
            self._jobs[index] = replace(job, out=out)
        return JobList(self._jobs, sorted(self.problems, key=lambda row: row.line))

    def _check_values(self, row: Mapping[str, Value]) -> list[tuple[str, str]]:
        problems = [
            (column, "it holds characters that no name can have: correct it")
            for column, value in row.items()
            if not _is_encodable("".join(value))
        ]
        problems += _find_bad_urls(row)
        for column, least, most in (("seed", 0, 2**63 - 1), ("long-side", 1, 10**6)):
            if (text := row.get(column)) is not None:
                number = _parse_whole(str(text))
                if number is None or not least <= number <= most:
                    span = f"from {least} to {most:,}" if least else "from 0 to 2^63"
                    problems.append(
                        (column, f"{text} is not a whole number {span}: correct it")
                    )
        pick = row.get("pick")
        if pick == "diverse":
            reason = "diverse works are for several paintings: choose another pick"
            problems.append(("pick", reason))
        elif pick is not None and pick not in PICKS:
            reason = f"unknown pick {pick!r}: {suggest(str(pick), PICKS)}"
            problems.append(("pick", reason))
        for column, only in (("protect", "faces"), ("regions", "auto")):
            if row.get(column, only) != only:
                problems.append((column, f"{row[column]!r} is unknown: write {only}"))
        return problems

    def _read_masks(self, row: Mapping[str, Value]) -> tuple[NamedMask, ...]:
        stem = PurePath(str(row.get("photo", ""))).stem
        texts = tuple(text.replace(STEM, stem) for text in _split(row.get("mask")))
        if texts not in self._masks:
            self._masks[texts] = tuple(read_masks(texts, self._find_file))
        return self._masks[texts]

    def _find_file(self, text: str) -> tuple[Path, Kind]:
        """Find what a name in a mask means; files behind URLs are not here yet."""
        if text.count("://") > 1:
            return Path(text), "missing"  # STYLE@PICTURE, both behind URLs
        path = self._place(text)
        if not is_url(text):
            return path, tell_kind(path)
        if "@" in text:
            return path, "missing"
        is_picture = path.suffix.lower() in READABLE_SUFFIXES
        return path, "file" if is_picture else "folder"

    def _make_job(
        self, line: int, row: Mapping[str, Value], masks: tuple[NamedMask, ...]
    ) -> Job:
        texts = {name: value for name, value in row.items() if isinstance(value, str)}
        long_side, seed = texts.get("long-side"), texts.get("seed")
        return Job(
            line=line,
            photo=self._place(texts["photo"]),
            artist=self._place_artist(texts.get("artist")),
            works=tuple(_split(row.get("work"))),
            pick=texts.get("pick"),
            images=tuple(self._weigh(image) for image in _split(row.get("style"))),
            masks=masks,
            protect_faces="protect" in texts,
            segmented="regions" in texts,
            recipe=self._place_recipe(texts.get("recipe")),
            changes=tuple(
                (name, value)
                for name, value in texts.items()
                if name not in NAMED_COLUMNS
            ),
            long_side=None if long_side is None else int(long_side),
            seed=None if seed is None else int(seed),
            out=texts.get("out", ""),
        )

    def _place(self, text: str) -> Path:
        """Return the path of a file; equal ones share it, which saves memory."""
        if text not in self._paths:
            self._paths[text] = to_path(text) if is_url(text) else self.folder / text
        return self._paths[text]

    def _weigh(self, image: str) -> tuple[Path, float]:
        """Read ``IMAGE`` or ``IMAGE:WEIGHT``; a file itself may be called like that."""
        name, weight = parse_weight(image)
        if name != image and os.path.exists(self._place(image)):
            return self._place(image), 1.0
        return self._place(name), weight

    def _place_artist(self, name: str | None) -> str | None:
        """Return an artist's name, or the path of a folder that is named by one."""
        if name is None or os.path.basename(name) == name:
            return name
        return os.fspath(self._place(name))

    def _place_recipe(self, name: str | None) -> str | None:
        if name is None or name in RECIPES or not name.lower().endswith(SUFFIX):
            return name
        return os.fspath(self._place(name))


def _find_conflicts(
    row: Mapping[str, Value], masks: Sequence[NamedMask] | None
) -> list[tuple[str, str]]:
    """Find columns that are missing, or have no effect beside others.

    Args:
        row: Values by column.
        masks: The row's, read; None if they cannot be.
    """
    problems = []
    has_style = "artist" in row or "style" in row
    if "photo" not in row:
        problems.append(("photo", "there is none: name a photo"))
    if "artist" in row and "style" in row:
        reason = "name an artist or style images, not both: leave one out"
        problems.append(("style", reason))
    if "artist" not in row:
        takes_pick = masks is None or any(mask.takes_pick for mask in masks)
        for column in ("work", "pick"):
            if column in row and not (column == "pick" and takes_pick):
                reason = f"a {column} is of an artist's works: name the artist"
                problems.append((column, reason))
    is_painted = masks is None or any(mask.styles for mask in masks)
    if not has_style and not is_painted and masks:
        reason = "all of the photo is left as it is: name a style for a part"
        problems.append(("mask", reason))
    elif not has_style and not is_painted:
        reason = "there is no style: name an artist, or style images"
        problems.append(("artist", reason))
    if has_style and any(mask.mask is None for mask in masks or ()):
        reason = "the rest and the job's own style are two for one part: leave one out"
        problems.append(("mask", reason))
    if "mask" in row and "regions" in row:
        problems.append(("regions", "auto finds the parts itself: leave out the mask"))
    if "work" in row and "pick" in row:
        reason = "it has no effect on works that are named: leave it out"
        problems.append(("pick", reason))
    if "width" in row and "long-side" in row:
        reason = "width and long-side both set the size: leave one out"
        problems.append(("long-side", reason))
    return problems


def _find_bad_urls(row: Mapping[str, Value]) -> list[tuple[str, str]]:
    problems = []
    for column in ("photo", "artist", "style"):
        for text in _split(row.get(column)):
            try:
                if is_url(text):
                    to_path(text)
            except UsageError as error:
                problems.append((column, str(error)))
    return problems


def _split(value: Value | None) -> list[str]:
    if not isinstance(value, str):
        return value or []
    return [part for part in (part.strip() for part in value.split(";")) if part]


def _is_encodable(text: str) -> bool:
    """Tell whether a text can be a file's name."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def _parse_whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,19}", text) else None
