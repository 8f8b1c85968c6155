"""Several paintings in one folder: the network loaded once, what pictures have in
common looked at once, and what is done not painted again."""

from __future__ import annotations

import getpass
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from artist_nst._types import PathLike
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.files import (
    check_writable,
    read_record,
    read_small,
    sha256_of,
)
from artist_nst.nst.compact import PACKAGED
from artist_nst.nst.features import Features
from artist_nst.nst.minimize import INTERRUPTED
from artist_nst.nst.precision import PrecisionName
from artist_nst.nst.vgg import VGG
from artist_nst.painting import record
from artist_nst.painting.networks import Networks, check_recipe_layers
from artist_nst.painting.pipeline import Progress, paint
from artist_nst.painting.style_sources import Source
from artist_nst.recipes.recipe import Recipe

log = logging.getLogger(__name__)

SHEET, TABLE, PLOT = "sheet.png", "results.csv", "losses.png"
"""What a folder holds besides the paintings."""

# Features of a photo at a few sizes and networks, Gram matrices of many works.
FEATURES_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Cell:
    """One painting of a series, to be made or made already.

    Attributes:
        name: of its file, without suffix; unique in the series.
        photo: what is painted. sources: after what. recipe: how.
        seed: of noise.
        settings: what tells it from the other cells: names and values, as typed.
    """

    name: str
    photo: PathLike
    sources: tuple[Source, ...]
    recipe: Recipe
    seed: int
    settings: dict[str, str]

    @property
    def label(self) -> str:
        """What it is called in a legend: ``style scale 1.2, ratio 5``."""
        pairs = self.settings.items()
        return ", ".join(f"{name.replace('-', ' ')} {value}" for name, value in pairs)

    @property
    def cost(self) -> float:
        """Relative to other cells of the same photo."""
        iterations = sum(count * scale**2 for scale, count in self.recipe.levels)
        return iterations * self.recipe.width**2


@dataclass(frozen=True, slots=True)
class Done:
    """A cell's painting.

    Attributes:
        path: of the file. record: what is in it.
    """

    path: Path
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SeriesProgress:
    """What ``on_progress`` is told after each iteration.

    Attributes:
        cell: which is painted; ``number`` of ``cells``, counted from 1.
        progress: of its painting.
        remaining: seconds left for all cells, as estimated.
    """

    cell: Cell
    number: int
    cells: int
    progress: Progress
    remaining: float


@dataclass(slots=True)
class Series:
    """What became of the cells.

    Attributes:
        done: by cell name. failed: why, by cell name.
        features: of photos and works, as far as they are kept.
        kind: what varies, with commas between.
        painted: how many were painted now.
        interrupted: by Ctrl-C; what was done until then is done.
    """

    done: dict[str, Done]
    failed: dict[str, ArtistNstError]
    features: Features
    kind: str
    painted: int = 0
    interrupted: bool = False


def paint_series(
    cells: Sequence[Cell],
    folder: PathLike,
    networks: Networks,
    *,
    on_progress: Callable[[SeriesProgress], None] = lambda _: None,
    **how: Any,
) -> Series:
    """Paint the cells into ``folder``, each to ``NAME.png``, measured by the network
    of the first one.

    A cell whose file is there with the same pictures, numbers and seed is left as it
    is. One that can't be painted is noted, and the others go on.

    Args:
        networks: loads what recipes ask for, once.
        how: passed on to :func:`artist_nst.painting.pipeline.paint`.

    Raises:
        UsageError: a file is there that was painted otherwise, or a picture to be
            painted from is where the sheet or the plot goes.
        ArtistNstError: the folder can't be written to.
    """
    folder = Path(folder)
    _check(cells, folder)
    with _alone(folder):
        cells = [replace(cell, recipe=networks.settled(cell.recipe)) for cell in cells]
        return _painted(cells, folder, networks, on_progress, how)


def _painted(
    cells: Sequence[Cell],
    folder: Path,
    networks: Networks,
    on_progress: Callable[[SeriesProgress], None],
    how: dict[str, Any],
) -> Series:
    look = _Look(networks, how.get("precision", "auto"))
    done = {}
    for cell in cells:
        path = folder / f"{cell.name}.png"
        if (there := look.done(path, cell)) is not None:
            done[cell.name] = Done(path, there)
    if done:
        log.info("%d of %d are there already", len(done), len(cells))
    kind = ",".join(cells[0].settings)
    _check_ours(folder, kind, any(done))
    left = [cell for cell in cells if cell.name not in done]
    series = Series(done, {}, Features(FEATURES_BYTES), kind)
    watch = _Watch(len(cells), left, on_progress)
    for cell in left:
        series.interrupted = _paint(
            cell,
            folder / f"{cell.name}.png",
            series,
            network=lambda cell=cell: networks(cell.recipe),
            measure=lambda cell=cell: _yardstick(networks, cells[0], cell),
            on_progress=watch.at(cell),
            **how,
        )
        if series.interrupted:
            break
    _check_measured(series)
    return series


def _check_measured(series: Series) -> None:
    """Warns where the cells were not all measured by one network."""
    found = {one.record["distances"].get("network") for one in series.done.values()}
    if len(found) > 1:
        log.warning(
            "the distances can't be compared: they are measured by %s (another cell "
            "came first then); paint to a new folder with -o to compare them",
            "; ".join(sorted(found)),
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keeps another process of this machine from painting into the same folder."""
    # Not in the folder, which is the user's.
    mine = f"{os.path.realpath(folder)} {getpass.getuser()}"
    name = (
        f"artist-nst-{hashlib.sha256(mine.encode(errors='replace')).hexdigest()[:16]}"
    )
    try:
        with FileLock(Path(tempfile.gettempdir()) / f"{name}.lock", timeout=0):
            yield
    except Timeout:
        raise ArtistNstError(
            f"{folder}: another artist-nst is painting there: wait for it, or choose "
            "another folder with -o"
        ) from None


def _check_ours(folder: Path, kind: str, begun: bool) -> None:
    """Raises UsageError where another's sheet, table or plot would be replaced."""
    there = [one for one in (SHEET, TABLE, PLOT) if os.path.lexists(folder / one)]
    try:
        ours = json.loads(read_record(folder / SHEET))["sheet"] == kind
    except (ArtistNstError, ValueError, TypeError, KeyError):
        # The sheet is drawn last: after a crash there may be a table alone.
        ours = begun and SHEET not in there
    if there and not ours:
        raise UsageError(
            f"{folder / there[0]} is there, and not of a comparison like this: choose "
            "another folder with -o, or move it away"
        )


def _yardstick(networks: Networks, first: Cell, cell: Cell) -> VGG:
    """One network for all cells, or their distances could not be compared."""
    try:
        return networks(first.recipe)
    except ArtistNstError:
        # A painting is not lost for that.
        return networks(cell.recipe)


def _check(cells: Sequence[Cell], folder: Path) -> None:
    pictures = {Path(cell.photo) for cell in cells}
    for cell in cells:
        check_recipe_layers(cell.recipe)
        pictures |= {source.path for source in cell.sources}
    check_writable(folder / TABLE, (".csv",))
    for file in (folder / SHEET, folder / PLOT):
        check_writable(file)
        for picture in pictures:
            if file.exists() and os.path.exists(picture) and file.samefile(picture):
                raise UsageError(
                    f"{file} would be replaced, and is painted from: choose another "
                    "folder with -o"
                )


def _paint(cell: Cell, path: Path, series: Series, **how: Any) -> bool:
    """Paint one cell and note what became of it; True after Ctrl-C."""
    try:
        painting = paint(
            cell.photo,
            cell.sources,
            recipe=cell.recipe,
            seed=cell.seed,
            features=series.features,
            **how,
        )
    except KeyboardInterrupt:
        return True
    except ArtistNstError as error:
        series.failed[cell.name] = error
        return False
    if not painting.record["iterations"]:
        return painting.interrupted
    try:
        painting.save(path)
    except KeyboardInterrupt:
        painting.save(path)
        painting = replace(painting, interrupted=True)
    if _whole(painting.record):
        series.done[cell.name] = Done(path, painting.record)
        series.painted += 1
    return painting.interrupted


class _Look:
    """Tells a cell that is done from one that is not."""

    def __init__(self, networks: Networks, precision: PrecisionName) -> None:
        self.networks = networks
        self.precision = precision
        self.hashes: dict[PathLike, str] = {}

    def done(self, path: Path, cell: Cell) -> dict[str, Any] | None:
        """The record of the cell's painting; None where it is still to be painted.

        Raises:
            UsageError: the file was painted otherwise, or is no painting of ours.
        """
        if not os.path.lexists(path):
            return None
        try:
            found = record.read(path)
            whole = _whole(found) and self._readable(path)
        except ArtistNstError as error:
            raise _in_the_way(path, "is not a painting of this comparison") from error
        try:
            for what, was, wanted in self._pairs(found, cell):
                if was != wanted:
                    raise _in_the_way(path, f"was painted with other {what}")
            return found if whole else None
        except (KeyError, TypeError, AttributeError) as error:
            raise _in_the_way(path, "holds a record that is damaged") from error

    def _readable(self, path: Path) -> bool:
        """False for a painting that was cut off; its record stands before its end."""
        try:
            read_small(path, 64)
        except ArtistNstError:
            return False
        return True

    def _pairs(
        self, found: dict[str, Any], cell: Cell
    ) -> Iterator[tuple[str, object, object]]:
        """What it is, what it was, and what it is to be."""
        yield "photo", found["content"]["sha256"], self._hash(cell.photo)
        yield (
            "work",
            [(style["sha256"], style["weight"]) for style in found["styles"]],
            [(self._hash(source.path), source.weight) for source in cell.sources],
        )
        yield "seed", found["seed"], cell.seed
        # As JSON has it; what a recipe is called, and why, paints nothing.
        wanted = json.loads(json.dumps(cell.recipe.to_dict()))
        # Recipes had none until they knew of them.
        before = {"draft_levels": 0, **found["recipe"]}
        for field in sorted(wanted.keys() - {"name", "source"}):
            name = "iterations" if field == "levels" else field.replace("_", " ")
            yield name, before.get(field), wanted[field]
        known = self.networks.sha256(cell.recipe)
        if known is not None:
            yield "weights", found["network"]["sha256"], known
        if cell.recipe.draft_levels and cell.recipe.network != "compact":
            was = found["network"].get("draft_sha256")
            yield "draft weights", was, self._hash(PACKAGED)
        stated = self.networks.how.get("input")
        # The compact network's is always the same.
        if stated is not None and cell.recipe.network != "compact":
            yield "weights input", found["network"]["input"], stated

        if self.precision != "auto":
            yield "precision", found.get("precision", "float32"), self.precision

    def _hash(self, path: PathLike) -> str:
        if path not in self.hashes:
            self.hashes[path] = sha256_of(path)
        return self.hashes[path]


class _Watch:
    """Guesses the time left over all cells."""

    def __init__(
        self,
        cells: int,
        left: Sequence[Cell],
        on_progress: Callable[[SeriesProgress], None],
    ) -> None:
        self.cells = cells
        self.left = left
        self.on_progress = on_progress
        self.seconds = self.cost = 0.0

    def at(self, cell: Cell) -> Callable[[Progress], None]:
        """What the painting of that cell is to call."""
        index = self.left.index(cell)
        number = self.cells - len(self.left) + index + 1
        later = sum(one.cost for one in self.left[index + 1 :])
        spent = 0.0

        def told(progress: Progress) -> None:
            nonlocal spent
            step = progress.step
            spent += step.seconds
            if step.iteration == step.iterations:
                self.seconds += spent
                self.cost += cell.cost
            # Of the cells before, or, in the first one, of what it is going to take.
            pace = (
                self.seconds / self.cost
                if self.cost
                else (spent + step.remaining) / cell.cost
            )
            remaining = step.remaining + later * pace
            self.on_progress(
                SeriesProgress(cell, number, self.cells, progress, remaining)
            )

        return told


def _whole(found: dict[str, Any]) -> bool:
    """Whether the painting was finished, and measured."""
    return INTERRUPTED not in found["stopped"] and found.get("distances") is not None


def _in_the_way(path: Path, why: str) -> UsageError:
    return UsageError(f"{path} {why}: choose another folder with -o, or move it away")
