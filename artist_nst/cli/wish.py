"""After what a photo is to be painted, as far as the command line says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from artist_nst.cli import console as talk
from artist_nst.cli.signals import load_torch

if TYPE_CHECKING:
    from rich.console import Console

    from artist_nst.painting.style_sources import Source
    from artist_nst.styles.picking import Pick


@dataclass(frozen=True, slots=True)
class Wish:
    """Style images, or which works of an artist.

    Attributes:
        styles: with their weights. artist, works, corpora: as typed.
        pick: None where nothing was said of it.
        console: where a bar is shown while works are looked at for the first time.
    """

    styles: Sequence[tuple[str, float]]
    artist: str | None
    works: Sequence[str]
    pick: Pick | None
    corpora: str | None
    console: Console

    def one(self, photo: Path, seed: int) -> list[Source]:
        """What one painting is made after; see :func:`~artist_nst.painting.style_sources.\
choose_sources`."""
        (sources,) = self.several(photo, seed)
        return sources

    def several(self, photo: Path, seed: int) -> list[list[Source]]:
        """The same for each of the paintings that the pick is for."""
        from artist_nst.painting.style_sources import choose_several

        if self.pick is not None and self.pick.chosen != "random":
            load_torch()
        with talk.counting_bar(self.console) as show:
            return choose_several(
                self.styles,
                self.artist,
                self.works,
                self.corpora,
                seed,
                self.pick,
                photo,
                lambda done, count: show("works looked at", done, count, ""),
            )
