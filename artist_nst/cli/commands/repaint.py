"""``artist-nst repaint``: paint again from the record in a painting."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from artist_nst._files import open_file
from artist_nst.cli.console import open_console, print_note
from artist_nst.cli.options import (
    Artist,
    PaintOptions,
    RecipeName,
    WorkNames,
    with_options,
)
from artist_nst.cli.series import output_folder
from artist_nst.cli.session import PaintSession, choose_output
from artist_nst.cli.signals import load_torch
from artist_nst.errors import UsageError
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import from_dict, make_draft
from artist_nst.recipes.toml_file import find_recipe

if TYPE_CHECKING:
    from artist_nst.nst.devices import DeviceName
    from artist_nst.painting.record_types import Record

log = logging.getLogger(__name__)


@with_options(PaintOptions, default="the painting's")
def repaint(
    painting: Annotated[
        Path,
        typer.Argument(
            metavar="PAINTING", help="Painting by artist-nst.", show_default=False
        ),
    ],
    content: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Photo, if it has moved; or another one."),
    ] = None,
    style_image: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Style image, if it has moved; repeatable."),
    ] = None,
    mask: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Mask, if it has moved; repeatable."),
    ] = None,
    artist: Artist = None,
    recipe: RecipeName = None,
    work: WorkNames = None,
    no_draft: Annotated[
        bool,
        typer.Option("--no-draft", help="Paint with VGG-19 what was painted as draft."),
    ] = False,
    *,
    options: PaintOptions,
) -> None:
    """Paint again from the record in a painting, optionally with other settings.

    Options that are not given keep the painting's values. If none is given, the same
    machine gives the same pixels.

    Examples:
        artist-nst repaint photo-night.png -w 1024 -o large.png
        artist-nst repaint draft.png --no-draft -w 1024
        artist-nst repaint old.png --content ~/pictures/photo.jpg --seed 8
    """
    if no_draft and options.requested_network is not None:
        raise UsageError("--no-draft means VGG-19: leave out --draft and --network")
    open_console(options.quiet, options.verbose)
    open_file(painting).close()
    load_torch()
    from artist_nst.nst.devices import use_described_threads
    from artist_nst.painting import record
    from artist_nst.painting.regions import RegionPlan
    from artist_nst.painting.style_sources import StyleRequest

    facts = record.load_record(painting)
    base = find_recipe(recipe) if recipe else from_dict(facts["recipe"])
    if no_draft and base.network == "compact":
        named = RECIPES.get(base.name, base)
        is_draft = base.levels == make_draft(named).levels
        levels = (named if is_draft else base).levels
        base = replace(base, network="vgg19", levels=levels)
    elif no_draft:
        base = replace(base, draft_levels=0)
    options = _apply_record(options, facts, base.network)
    session = PaintSession(options.change_recipe(base), options)
    if session.recipe == from_dict(facts["recipe"]):
        use_described_threads(facts["device"])
    photo = record.find_content(facts, painting, content)
    seed = facts["seed"] if options.seed is None else options.seed
    if artist or work:
        if facts.get("regions"):
            raise UsageError(
                f"{painting} is after several styles by masks: paint it anew with "
                "`artist-nst paint --mask`, or leave out --artist and --work"
            )
        request = StyleRequest(
            artist=artist or _get_artist(facts),
            works=work or [],
            corpora=options.corpora,
        )
        sources = request.choose(seed)
    else:
        moved_to = style_image or []
        sources = record.find_sources(facts, painting, moved_to, options.corpora)
    regions = record.find_regions(facts, painting, sources, mask or [])
    plan = RegionPlan.make([] if regions.masks else sources, regions)
    if session.recipe.network == "compact" and options.requested_network is None:
        print_note(
            session.console,
            "note: it stays a draft by the compact network; --no-draft takes VGG-19",
        )
    sha256 = facts["network"]["sha256"]
    if (
        options.requested_network is None
        and recipe is None
        and (sha256 != session.network.sha256 or _has_other_draft(facts))
    ):
        print_note(
            session.console,
            "note: the weights differ from the painting's, so the pixels will differ",
        )
    with output_folder(options.out):
        out, may_replace = choose_output(options.out, photo, plan.sources)
        session.paint(
            photo, plan, seed, out, corpora=options.corpora, may_replace=may_replace
        )


def _get_artist(facts: Record) -> str | None:
    """Return the corpus that a painting is after works of, if it is."""
    work = facts["styles"][0]["work"]
    return None if work is None else work["corpus"]


def _has_other_draft(facts: Record) -> bool:
    """Tell whether another version of the compact network painted its first levels."""
    from artist_nst._files import hash_file
    from artist_nst.nst.compact import PACKAGED_FILE

    sha256 = facts["network"].get("draft_sha256")
    return sha256 is not None and sha256 != hash_file(PACKAGED_FILE)


def _apply_record(options: PaintOptions, facts: Record, network: Any) -> PaintOptions:
    """Fill in corpora, device, precision and weights from the record."""
    from artist_nst._files import hash_file
    from artist_nst.nst.devices import choose_device, list_devices
    from artist_nst.nst.precision import supports_bfloat16
    from artist_nst.painting.networks import locate_network

    device = cast("DeviceName", facts["device"].split()[0])
    weights = locate_network(options.requested_network or network, options.weights)
    if (
        options.weights_input is None
        and weights is not None
        and hash_file(weights) == facts["network"]["sha256"]
    ):
        options = replace(options, weights_input=facts["network"]["input"])
    options = replace(
        options,
        corpora=options.corpora or facts["corpora"],
        device=options.device or (device if device in list_devices() else "auto"),
    )
    precision = options.precision or facts.get("precision", "float32")
    kind = choose_device(options.device or "auto").type
    is_recorded = options.precision is None and precision == "bfloat16"
    if is_recorded and not supports_bfloat16(kind):
        if kind == "cpu":
            log.warning(
                "the painting is in bfloat16, which this processor only emulates: it "
                "takes long; --precision float32 gives other pixels"
            )
        else:
            log.warning(
                "the painting is in bfloat16, which %s can't compute: float32 gives "
                "other pixels",
                kind,
            )
            precision = "float32"
    return replace(options, precision=precision)
