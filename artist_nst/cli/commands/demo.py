"""``artist-nst demo``: packaged photographs, the procedural artist, one sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from artist_nst.cli.options import (
    Device,
    MaxMemory,
    PaintOptions,
    PrecisionOption,
    Quiet,
    Verbose,
    WeightsFile,
    WeightsInput,
)
from artist_nst.cli.session import Easel, make_folder
from artist_nst.recipes.published import recipe

# Of scikit-image's photographs, and the work that each is painted after.
PAIRS = (("chelsea", "procedural-01"), ("coffee", "procedural-02"))


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder.")] = Path(
        "demo"
    ),
    width: Annotated[
        int, typer.Option("--width", "-w", help="Of a painting, in pixels.", min=64)
    ] = 288,
    weights: WeightsFile = None,
    weights_input: WeightsInput = None,
    device: Device = None,
    precision: PrecisionOption = None,
    max_memory: MaxMemory = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Paint two packaged photographs, and lay out photo, work and painting.

    With VGG-19 where its weights are here, else with the compact network; nothing is
    downloaded.

    Example: artist-nst demo -o demo
    """
    options = PaintOptions(
        weights=weights,
        weights_input=weights_input,
        device=device,
        precision=precision,
        max_memory=max_memory,
        # A demonstration downloads nothing.
        offline=True,
        quiet=quiet,
        verbose=verbose,
    )
    easel = Easel(recipe("default", width=width), options)
    from artist_nst.corpus.works import packaged_corpora
    from artist_nst.figures.sheet import Panel, sheet
    from artist_nst.image.files import read_picture, write_picture
    from artist_nst.painting.style_sources import choose_sources

    make_folder(out)
    rows = []
    for name, work in PAIRS:
        photo = _photograph(name, out)
        sources = choose_sources((), "procedural", [work], packaged_corpora(), 0)
        painting = easel.paint(
            photo, sources, 0, out / f"{name}-painted.png", replace=True
        )
        source = sources[0]
        title = source.work["title"] if source.work else source.slug
        rows.append(
            [
                Panel(read_picture(photo).pixels, name),
                Panel(read_picture(source.path).pixels, f"{title}, Procedural"),
                Panel(painting.pixels, f"{name}, painted"),
            ]
        )
    write_picture(out / "sheet.png", sheet(rows))
    typer.echo(str(out / "sheet.png"))


def _photograph(name: str, folder: Path) -> Path:
    """A photograph of scikit-image's, as a file beside what is made of it."""
    import skimage.data

    from artist_nst.image.files import write_picture

    path = folder / f"{name}.png"
    write_picture(path, getattr(skimage.data, name)() / 255)
    return path
