"""Paint one photo to one file, for ``paint``, ``repaint`` and ``demo``."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from artist_nst.cli.console import download_bar, open_console, painting_bar, print_note
from artist_nst.cli.options import PaintOptions
from artist_nst.cli.output import print_result, write_stdout
from artist_nst.cli.series import PIPE
from artist_nst.cli.signals import Interrupted, load_torch
from artist_nst.errors import ArtistNstError, UsageError, format_count
from artist_nst.painting.output_names import (
    EXPLANATION,
    FRAMES,
    find_unused,
    number_paths,
    reserve,
)
from artist_nst.painting.sources import name_painting
from artist_nst.recipes.recipe import Recipe, format_network

if TYPE_CHECKING:
    from artist_nst._types import PathLike
    from artist_nst.experiments.runner import ResumeChecker
    from artist_nst.nst.vgg import VGG
    from artist_nst.painting.pipeline import Painting
    from artist_nst.painting.regions import RegionPlan
    from artist_nst.painting.sources import Source


class PaintSession:
    """Paints photos with one recipe, and loads its network once, when needed."""

    def __init__(self, recipe: Recipe, options: PaintOptions) -> None:
        self.recipe = recipe
        self.options = options
        self.console = open_console(options.quiet, options.verbose)

    def find_painting(
        self, photo: Path, plan: RegionPlan, seed: int
    ) -> tuple[Path, bool] | None:
        """Find this very painting in the output folder, and whether it is finished."""
        first = Path(self.options.out or "") / name_painting(photo, plan.sources)
        for path in takewhile(os.path.isfile, number_paths(first)):
            # Raised for a painting with other settings.
            with suppress(UsageError):
                return path, self.is_painted(path, photo, plan, seed)
        return None

    def is_painted(self, path: Path, photo: Path, plan: RegionPlan, seed: int) -> bool:
        """Tell whether a file is this very painting, finished.

        Raises:
            UsageError: It is another one.
        """
        load_torch()
        from artist_nst.experiments.runner import Cell
        from artist_nst.image.files import read_picture
        from artist_nst.recipes.settings import resize_recipe

        recipe = replace(self.recipe, network=self.network.name)
        if self.options.long_side is not None:
            size = read_picture(photo, width=1).size
            recipe = resize_recipe(recipe, size, self.options.long_side)
        cell = Cell(
            path.stem,
            photo,
            tuple(plan.sources),
            recipe,
            seed,
            {},
            regions=plan.request,
        )
        return self._resume_checker.check(path, cell, measured=False) is not None

    @cached_property
    def _resume_checker(self) -> ResumeChecker:
        """Remembers the hashes of style images and weights."""
        from artist_nst.experiments.runner import ResumeChecker
        from artist_nst.painting.networks import Networks

        return ResumeChecker(Networks(self.options.compute))

    @cached_property
    def network(self) -> VGG:
        """The recipe's network."""
        load_torch()
        from artist_nst.painting.networks import load_network

        with download_bar(self.console) as on_download:
            return load_network(self.recipe, self.options.compute, on_download)

    def paint(
        self,
        photo: Path,
        plan: RegionPlan,
        seed: int,
        out: Path,
        *,
        corpora: PathLike | None = None,
        may_replace: bool,
        label: str = "",
    ) -> Painting:
        """Paint one photo, save the painting, and report it.

        Args:
            photo: The photo.
            plan: The style images, and which part of the photo is after which.
            seed: Random seed of the noise.
            out: The output file.
            corpora: The folder of corpora that was given, for the record.
            may_replace: Whether to replace a file at ``out`` that another process wrote
                meanwhile; otherwise the painting's name gets a number.
            label: Of the progress bar; the photo's name if not given.

        Raises:
            Interrupted: After Ctrl-C; the best painting so far is saved.
            ArtistNstError: It could not be painted or saved, or only in part, for want
                of memory.
        """
        styles = [source.path for source in plan.sources]
        self._check_outputs(out, [photo, *styles, *plan.request.files])
        load_torch()
        from artist_nst.painting.pipeline import paint
        from artist_nst.painting.record import is_cut_short
        from artist_nst.painting.style_sources import StyleRequest

        options = self.options
        with painting_bar(self.console, label or photo.name) as on_progress:
            painting = paint(
                photo,
                StyleRequest(images=plan.own_sources, corpora=corpora),
                recipe=self.recipe,
                long_side=options.long_side,
                seed=seed,
                regions=plan.request,
                compute=options.compute,
                network=lambda: self.network,
                frames=out.with_suffix(FRAMES) if options.print_rate else None,
                every=options.print_rate or 1,
                film=options.film,
                explain=options.explain,
                keep_paths=not options.no_paths,
                on_progress=on_progress,
            )
        if painting.interrupted and not painting.record["iterations"]:
            raise KeyboardInterrupt
        if self.options.out == PIPE:
            self._report(painting)
            write_stdout(painting.to_png())
        else:
            if not may_replace:
                out = reserve(out)
            try:
                painting.save(out)
            except KeyboardInterrupt:
                painting.save(out)
                raise Interrupted(f"the painting was saved in {out}") from None
            except ArtistNstError:
                if not may_replace and os.path.getsize(out) == 0:
                    out.unlink()
                raise
            self._report(painting)
            self._print_files(painting, out)
        if painting.interrupted:
            if self.options.out == PIPE:
                raise Interrupted("the best painting so far is sent on")
            command = f"artist-nst repaint {shlex.quote(str(out))}"
            raise Interrupted(
                f"the best painting so far is in {out}",
                f"`{command}` paints it again, in full",
            )
        if is_cut_short(painting.record):
            # The log says why.
            raise ArtistNstError(f"unfinished: {out} is enlarged from a smaller level")
        return painting

    def _check_outputs(self, out: Path, pictures: Sequence[Path]) -> None:
        """Raise UsageError if an output cannot be written or would replace an input."""
        from artist_nst._files import VIDEO_SUFFIXES, check_writable

        if self.options.out == PIPE:
            self._check_pipe()
            return
        outputs = {"-o": out}
        check_writable(out)
        if self.options.explain:
            outputs["--explain"] = out.with_suffix(EXPLANATION)
            check_writable(outputs["--explain"])
        if self.options.film is not None:
            outputs["--film"] = self.options.film
            check_writable(self.options.film, VIDEO_SUFFIXES)
        for option, path in outputs.items():
            for picture in pictures:
                # os.path's functions: pathlib's raise if a name is too long.
                exist = os.path.exists(path) and os.path.exists(picture)
                if exist and path.samefile(picture):
                    raise UsageError(
                        f"{option} {path}: it would replace an input image; choose "
                        "another file"
                    )

    def _check_pipe(self) -> None:
        """Raise UsageError if only the terminal, or more files, would be written to."""
        if sys.stdout.isatty():
            raise UsageError("-o - needs a pipe or a file: `... -o - > painting.png`")
        for field in ("explain", "film", "print_rate"):
            if getattr(self.options, field):
                option = field.replace("_", "-")
                raise UsageError(f"--{option} needs a file: name one with -o")

    def _print_files(self, painting: Painting, out: Path) -> None:
        """Print what was written, and write the explanation."""
        from artist_nst.image.files import write_picture

        print_result(out)
        options = self.options
        frames = out.with_suffix(FRAMES) if options.print_rate else None
        for path in (options.film, frames):
            # The log has said why one is not there.
            if path is not None and os.path.exists(path):
                print_result(path)
        if painting.explanation is not None:
            page = out.with_suffix(EXPLANATION)
            write_picture(page, painting.explanation)
            print_result(page)

    def _report(self, painting: Painting) -> None:
        from artist_nst.nst.lbfgs import StopReason

        record = painting.record
        width, height = record["size"]
        # The log has said other reasons.
        known = [reason for reason in record["stopped"] if reason in [*StopReason]]
        reasons = [*dict.fromkeys(known)]
        early = [reason for reason in reasons if reason != StopReason.ALL_DONE]
        stopped = f"; stopped: {' / '.join(early)}" if early else ""
        networks = [level["network"] for level in record["computed"]]
        names = dict.fromkeys(networks or [record["network"]["name"]])
        painters = " and ".join(map(format_network, names))
        iterations = format_count(record["iterations"], "iteration")
        print_note(
            self.console,
            f"{width}×{height}, {iterations} in {record['seconds']:.0f} s with "
            f"{painters}{stopped}",
        )


def choose_output(
    out: str | None, photo: Path, sources: Sequence[Source], *, several: bool = False
) -> tuple[Path, bool]:
    """Choose a painting's file.

    Args:
        out: A file, a folder that exists, or ``-``; None for the current folder.
        photo: The photo, which a file in a folder is named after.
        sources: The style images, which it is named after too.
        several: Whether ``out`` is a folder for several paintings.

    Returns:
        The path, and whether it may replace an existing file.
    """
    if out and not several and not os.path.isdir(out):
        return Path(out), True
    name = name_painting(photo, sources)
    path = find_unused(Path(out or "") / name, (FRAMES, EXPLANATION))
    return path, False
