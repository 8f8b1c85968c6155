"""One photo to one file: what ``paint``, ``repaint`` and ``demo`` have in common."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from artist_nst.cli import console as talk
from artist_nst.cli.options import PaintOptions
from artist_nst.cli.signals import Interrupted, load_torch
from artist_nst.errors import UsageError
from artist_nst.recipes.recipe import Recipe, title

if TYPE_CHECKING:
    from artist_nst.nst.vgg import VGG
    from artist_nst.painting.pipeline import Painting
    from artist_nst.painting.style_sources import Source


# What belongs to a painting, in place of its suffix.
FRAMES, EXPLAINED = ".frames", ".explained.png"


class Easel:
    """Paints photos by one recipe; the network is loaded once, when first needed."""

    def __init__(self, recipe: Recipe, options: PaintOptions) -> None:
        self.recipe = recipe
        self.options = options
        self.console = talk.set_up(options.quiet, options.verbose)

    def load(self) -> VGG:
        """The network, loaded when first asked for."""
        return self._network

    @cached_property
    def _network(self) -> VGG:
        load_torch()
        from artist_nst.painting.networks import load_network

        with talk.download_bar(self.console) as show:
            return load_network(
                self.recipe,
                device=self.options.device or "auto",
                weights=self.options.weights,
                input=self.options.weights_input,
                offline=self.options.offline,
                on_download=show,
            )

    def paint(
        self,
        photo: Path,
        sources: Sequence[Source],
        seed: int,
        out: Path,
        *,
        replace: bool,
    ) -> Painting:
        """Paint, save to ``out``, and say so.

        Unless ``replace``, a file that has come to be there meanwhile is kept, and
        the painting gets a number.

        Raises:
            Interrupted: after Ctrl-C; the best painting so far is saved.
            ArtistNstError: it could not be painted or saved.
        """
        load_torch()
        from artist_nst.painting.pipeline import paint

        options = self.options
        self._check_outputs(out, [photo, *(source.path for source in sources)])
        with talk.painting_bar(self.console, photo.name) as show:
            painting = paint(
                photo,
                sources,
                corpora=options.corpora,
                recipe=self.recipe,
                long_side=options.long_side,
                seed=seed,
                network=self.load,
                precision=options.precision or "auto",
                max_memory=options.max_bytes,
                max_pixels=options.max_pixels,
                frames=out.with_suffix(FRAMES) if options.print_rate else None,
                every=options.print_rate or 1,
                film=options.film,
                explain=options.explain,
                on_progress=show,
            )
        if painting.interrupted and not painting.record["iterations"]:
            raise KeyboardInterrupt
        if not replace and out.exists():
            out = _unused(out)
        try:
            painting.save(out)
        except KeyboardInterrupt:
            painting.save(out)
            raise Interrupted(f"stopped after saving {out}") from None
        self._report(painting, out)
        self._save_explanation(painting, out)
        if painting.interrupted:
            raise Interrupted(f"the best so far is in {out}")
        return painting

    def _check_outputs(self, out: Path, pictures: Sequence[Path]) -> None:
        """Raises UsageError where a file can't be written, or would replace one of
        ``pictures``."""
        from artist_nst.image.files import check_writable
        from artist_nst.image.video import check_film

        outputs = {"-o": out}
        check_writable(out)
        if self.options.explain:
            outputs["--explain"] = out.with_suffix(EXPLAINED)
            check_writable(outputs["--explain"])
        if self.options.film is not None:
            outputs["--film"] = self.options.film
            check_film(self.options.film)
        for option, path in outputs.items():
            for picture in pictures:
                # os.path's functions, for pathlib's raise where a name is too long.
                there = os.path.exists(path) and os.path.exists(picture)
                if there and path.samefile(picture):
                    raise UsageError(
                        f"{option} {path}: it would replace a picture that is painted "
                        "from"
                    )

    def _save_explanation(self, painting: Painting, out: Path) -> None:
        from artist_nst.image.files import write_picture

        if painting.explanation is not None:
            page = out.with_suffix(EXPLAINED)
            write_picture(page, painting.explanation)
            typer.echo(str(page))

    def _report(self, painting: Painting, out: Path) -> None:
        record = painting.record
        width, height = record["size"]
        stopped = " / ".join(dict.fromkeys(record["stopped"]))
        by = [level["network"] for level in record["computed"]]
        names = map(title, dict.fromkeys(by or [record["network"]["name"]]))
        painters = ", then ".join(names)
        self.console.print(
            f"{width}×{height}, {record['iterations']} iterations in "
            f"{record['seconds']:.0f} s by {painters}; stopped: {stopped}",
            markup=False,
        )
        typer.echo(str(out))


def destination(
    out: Path | None, photo: Path, sources: Sequence[Source], *, several: bool = False
) -> tuple[Path, bool]:
    """Where a painting goes, and whether it may replace what is there.

    ``out`` is a file to replace, or a folder that is there; else the name is made of
    the photo's and the works', and numbered rather than replacing what is there.
    """
    if out is not None and not several and not os.path.isdir(out):
        return out, True
    from artist_nst.painting.style_sources import named

    works = clipped(named(sources))
    return _unused((out or Path()) / f"{clipped(photo.stem)}-{works}.png"), False


def clipped(name: str) -> str:
    """A name that is part of a file's name: at most 80 letters and 100 bytes of it."""
    return os.fsencode(name[:80])[:100].decode(errors="ignore")


def make_folder(folder: Path) -> None:
    """Make the folder that several paintings go to, if it is not there.

    Raises:
        UsageError: it can't be made, or is a file, or is named like one.
    """
    from artist_nst.image.files import SUFFIXES

    if folder.suffix.lower() in SUFFIXES and not os.path.isdir(folder):
        raise UsageError(f"-o {folder}: several paintings need a folder, not a file")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"-o {folder}: can't be made a folder ({error.strerror}); choose another"
        ) from error


@contextmanager
def series_folder(folder: Path) -> Iterator[None]:
    """A folder for several paintings; made, and not left behind empty."""
    new = not os.path.isdir(folder)
    make_folder(folder)
    try:
        yield
    finally:
        if new:
            with suppress(OSError):
                folder.rmdir()


def _unused(path: Path) -> Path:
    """``path``, or with the first number behind it that is free."""
    number, free = 1, path
    # os.path's functions, for pathlib's raise where a name is too long.
    while any(
        os.path.exists(one)
        for one in (free, free.with_suffix(FRAMES), free.with_suffix(EXPLAINED))
    ):
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")
    return free
