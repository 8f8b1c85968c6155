"""``artist-nst demo``: paint packaged photographs in a packaged artist's style."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artist_nst.cli.options import PaintOptions, RunOptions, with_options
from artist_nst.cli.output import print_result
from artist_nst.cli.series import make_folder
from artist_nst.cli.session import PaintSession
from artist_nst.errors import UsageError
from artist_nst.recipes.published import recipe

if TYPE_CHECKING:
    from artist_nst.painting.regions import RegionPlan

# Photographs of scikit-image, and the work whose style each is painted in.
PAIRS = (("chelsea", "procedural-01"), ("coffee", "procedural-02"))
# Ellipses around the cup and its saucer, in pixels of the coffee's photograph.
CUP = (170, 8, 420, 160), (80, 70, 482, 392)
EDGE = 4  # pixels, of the mask's blur


@with_options(RunOptions, "offline")
def demo(
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", help="Output folder.")
    ] = Path("demo"),
    width: Annotated[
        int,
        typer.Option(
            "--width",
            "-w",
            metavar="N",
            help="Width of the paintings in pixels.",
            min=64,
        ),
    ] = 288,
    *,
    options: RunOptions,
) -> None:
    """Paint two packaged photographs, and show them on one sheet.

    It uses VGG-19 if its weights are on this machine, otherwise the compact
    network. Nothing is downloaded.

    Example: artist-nst demo -o demo
    """
    from artist_nst.corpus.works import get_packaged_corpora
    from artist_nst.figures.sheet import Panel, draw_sheet
    from artist_nst.image.files import read_picture, write_picture
    from artist_nst.painting.regions import RegionPlan
    from artist_nst.painting.style_sources import StyleRequest

    session = PaintSession(
        recipe(width=width), PaintOptions(**{**vars(options), "offline": True})
    )
    make_folder(out)
    pairs = []
    for name, work in PAIRS:
        request = StyleRequest(
            artist="procedural", works=work, corpora=get_packaged_corpora()
        )
        (source,) = request.choose(seed=0)
        pairs.append((_write_photo(name, out), RegionPlan.make([source])))
        # A style image at hand, to try other commands with.
        shutil.copyfile(source.path, out / f"{source.slug}{source.path.suffix}")
    _write_mask(out)
    rows = []
    for photo, plan in pairs:
        (source,) = plan.sources
        path = out / f"{photo.stem}-painted.png"
        if not _is_painted(session, path, photo, plan):
            session.paint(photo, plan, 0, path, may_replace=True)
        title = source.work["title"] if source.work else source.slug
        rows.append(
            [
                Panel(read_picture(photo).pixels, photo.stem),
                Panel(read_picture(source.path).pixels, f"{title}, Procedural"),
                Panel(read_picture(path).pixels, f"{photo.stem}, painted"),
            ]
        )
    write_picture(out / "sheet.png", draw_sheet(rows))
    print_result(out / "sheet.png")


def _is_painted(
    session: PaintSession, path: Path, photo: Path, plan: RegionPlan
) -> bool:
    """Tell whether an earlier run painted this; another painting is replaced."""
    with suppress(UsageError):
        return path.exists() and session.is_painted(path, photo, plan, 0)
    return False


def _write_mask(folder: Path) -> None:
    """Write a mask of the cup to ``cup.png``, to try ``paint --mask`` with."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFilter

    from artist_nst.image.files import read_picture, write_picture

    height, width = read_picture(folder / "coffee.png").size
    mask = Image.new("L", (width, height))
    for ellipse in CUP:
        ImageDraw.Draw(mask).ellipse(ellipse, fill=255)
    soft = np.asarray(mask.filter(ImageFilter.GaussianBlur(EDGE)).convert("RGB"))
    write_picture(folder / "cup.png", soft)


def _write_photo(name: str, folder: Path) -> Path:
    """Write one of scikit-image's photographs to a file in ``folder``."""
    import skimage.data

    from artist_nst.image.files import write_picture

    path = folder / f"{name}.png"
    write_picture(path, getattr(skimage.data, name)() / 255)
    return path
