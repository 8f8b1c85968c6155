"""The options that several commands share, and what they mean for a recipe."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, replace
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from artist_nst.errors import UsageError
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import (
    Color,
    Init,
    Network,
    Optimizer,
    Padding,
    Pool,
    Recipe,
    Weighted,
    layers_of,
)

LOOK = "What it looks like"
# In brackets stand the default recipe's values.
DEFAULT = RECIPES["default"]
RUN = "How it runs"
FILES = "Files"

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say only what fails.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")]
# Not a Path, which would take an empty text for the current folder.
Corpora = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        help="Folder of corpora (default: $ARTIST_NST_CORPORA, ./corpora, or your "
        "data folder).",
        rich_help_panel=FILES,
    ),
]
WeightsFile = Annotated[
    Path | None,
    typer.Option(
        help="VGG weights, .safetensors or .pth, or a compact network (default: "
        "$ARTIST_NST_WEIGHTS, torch's cache, the download, else the packaged compact "
        "network).",
        rich_help_panel=FILES,
    ),
]
WeightsInput = Annotated[
    Literal["torchvision", "oxford"] | None,
    typer.Option(
        help="What the weights expect, where their file does not say: RGB 0–1 with "
        "mean and deviation, or BGR 0–255 with the mean.",
        rich_help_panel=FILES,
    ),
]
Device = Annotated[
    Literal["auto", "cuda", "mps", "cpu"] | None,
    typer.Option(
        help="Where to compute; auto takes a GPU if there is one.", rich_help_panel=RUN
    ),
]
PrecisionOption = Annotated[
    Literal["auto", "float32", "bfloat16"] | None,
    typer.Option(
        help="Of the convolutions; auto takes bfloat16 where that is faster.",
        rich_help_panel=RUN,
    ),
]
MaxMemory = Annotated[
    float | None,
    typer.Option(
        help="GB that may be taken, on the GPU if there is one (default: 90% of what "
        "is free); larger paintings are computed in strips.",
        min=0.1,
        metavar="GB",
        rich_help_panel=RUN,
    ),
]
Offline = Annotated[
    bool,
    typer.Option("--offline", help="Never download.", rich_help_panel=RUN),
]


def _look(*names: str, help: str, **more: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=LOOK, **more)


@dataclass(frozen=True, kw_only=True)
class PaintOptions:
    """Everything but the pictures; None leaves the recipe's, or the record's, value."""

    numiter: Annotated[
        int | None,
        _look(
            "--numiter",
            "-n",
            help=f"Iterations over all levels ({DEFAULT.iterations}).",
            min=1,
        ),
    ] = None
    width: Annotated[
        int | None,
        _look("--width", "-w", help=f"Width in pixels ({DEFAULT.width}).", min=1),
    ] = None
    long_side: Annotated[
        int | None, _look("--long-side", help="Longer side, in place of -w.", min=1)
    ] = None
    init: Annotated[
        Init | None,
        _look("--init", "-i", help=f"What it starts from ({DEFAULT.init})."),
    ] = None
    style_scale: Annotated[
        float | None,
        _look(
            "--style-scale",
            "-s",
            help=f"Style's width over the painting's ({DEFAULT.style_scale:g}).",
        ),
    ] = None
    color_transfer: Annotated[
        bool,
        _look("--color-transfer", "-c", help="Keep the photo's colors (reinhard)."),
    ] = False
    color: Annotated[
        Color | None, _look("--color", help="How the photo's colors are kept (none).")
    ] = None
    color_strength: Annotated[
        float | None, _look("--color-strength", help="Of --color, 0 to 1.")
    ] = None
    ratio: Annotated[
        float | None,
        _look("--ratio", help=f"Style's weight over content's ({DEFAULT.ratio:g})."),
    ] = None
    tv: Annotated[
        float | None,
        _look(
            "--tv",
            help=f"Weight of the mean difference of neighbors ({DEFAULT.tv:g}); in "
            "place of a recipe's sum, too.",
        ),
    ] = None
    content_layer: Annotated[
        list[str] | None,
        _look("--content-layer", help="conv4_2, or conv4_2=0.5; repeatable."),
    ] = None
    style_layer: Annotated[
        list[str] | None,
        _look("--style-layer", help="conv3_1, or conv3_1=0.5; repeatable."),
    ] = None
    network: Annotated[
        Network | None,
        _look(
            "--network",
            help="Whose features are compared; auto is VGG-19, or the compact one "
            "where its weights can't be had (auto).",
        ),
    ] = None
    draft: Annotated[
        bool,
        _look("--draft", help="Paint several times faster, with the compact network."),
    ] = False
    draft_levels: Annotated[
        int | None,
        _look(
            "--draft-levels",
            help="Paint the first N of the recipe's levels with the compact network, "
            "the others with --network's: faster (0).",
            min=0,
        ),
    ] = None
    pool: Annotated[
        Pool | None, _look("--pool", help="How the network makes images smaller.")
    ] = None
    padding: Annotated[
        Padding | None, _look("--padding", help="Around the network's first layer.")
    ] = None
    optimizer: Annotated[
        Optimizer | None,
        _look(
            "--optimizer",
            help="lbfgs is scipy's; auto is that on a CPU, lbfgs-device on a GPU "
            f"({DEFAULT.optimizer}).",
        ),
    ] = None
    seed: Annotated[
        int | None,
        _look(
            "--seed",
            help="Of the pick and of noise (default: drawn).",
            min=0,
        ),
    ] = None
    print_rate: Annotated[
        int | None,
        typer.Option(
            "--print-rate",
            "-p",
            help="Save the painting every N iterations, in NAME.frames.",
            min=1,
            rich_help_panel=FILES,
        ),
    ] = None
    film: Annotated[
        Path | None,
        typer.Option(
            help="A .gif, .mp4 or .webm of the iterations (those that -p saves).",
            rich_help_panel=FILES,
        ),
    ] = None
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Draw losses, layers and the record, in NAME.explained.png.",
            rich_help_panel=FILES,
        ),
    ] = False
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="A .png, .jpg, .tif or .webp file, or a folder "
            "(default: PHOTO-WORK.png here, never replacing).",
            rich_help_panel=FILES,
        ),
    ] = None
    corpora: Corpora = None
    weights: WeightsFile = None
    weights_input: WeightsInput = None
    device: Device = None
    precision: PrecisionOption = None
    max_memory: MaxMemory = None
    offline: Offline = False
    max_pixels: Annotated[
        int,
        typer.Option(
            help="Refuse larger pictures.", min=1, rich_help_panel=RUN, metavar="N"
        ),
    ] = 180_000_000
    quiet: Quiet = False
    verbose: Verbose = False

    def recipe(self, base: Recipe, *, color_varies: bool = False) -> Recipe:
        """``base`` with what was asked for.

        Args:
            color_varies: --color comes later, so that --color-strength may come first.

        Raises:
            UsageError: a value can't be painted with, or options disagree.
        """
        if self.width is not None and self.long_side is not None:
            raise UsageError("--width and --long-side are two ways of one size: choose")
        if self.numiter is not None:
            base = base.with_iterations(self.numiter)
        changes: dict[str, Any] = {
            "width": self.width,
            "init": self.init,
            "style_scale": self.style_scale,
            "color": self._color(),
            "color_strength": self.color_strength,
            "ratio": self.ratio,
            "tv": self.tv,
            "tv_sum": None if self.tv is None else 0.0,
            "content_layers": _layers("content-layer", self.content_layer),
            "style_layers": _layers("style-layer", self.style_layer),
            "network": self.asked_network,
            "draft_levels": self.draft_levels,
            "pool": self.pool,
            "padding": self.padding,
            "optimizer": self.optimizer,
        }
        asked = {key: value for key, value in changes.items() if value is not None}
        chosen = replace(base, **asked)
        aimless = chosen.color == "none" and not color_varies
        if self.color_strength is not None and aimless:
            raise UsageError("--color-strength is of a --color: add one, or -c")
        return chosen

    @property
    def asked_network(self) -> Network | None:
        """What --network or --draft asks for.

        Raises:
            UsageError: they disagree.
        """
        if self.draft and self.network not in (None, "compact"):
            raise UsageError(
                f"--draft is --network compact: not with --network {self.network}"
            )
        if self.draft and self.draft_levels:
            raise UsageError(
                "--draft paints all levels with the compact network: choose it or "
                "--draft-levels"
            )
        return "compact" if self.draft else self.network

    @property
    def max_bytes(self) -> int | None:
        """What --max-memory comes to."""
        return max_bytes(self.max_memory)

    def _color(self) -> str | None:
        if self.color_transfer and self.color not in (None, "reinhard"):
            raise UsageError(f"-c is --color reinhard: not with --color {self.color}")
        return "reinhard" if self.color_transfer else self.color


def with_paint_options(
    *without: str,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives typer the fields of :class:`PaintOptions` as options of a command, apart
    from those it goes ``without``; it gets them as one value in ``options``."""

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command)
        hints = get_type_hints(command, include_extras=True)
        own = [
            parameter.replace(annotation=hints[name])
            for name, parameter in signature.parameters.items()
            if name != "options"
        ]
        shared_hints = get_type_hints(PaintOptions, include_extras=True)
        shared = [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None if field.default is MISSING else field.default,
                annotation=shared_hints[field.name],
            )
            for field in fields(PaintOptions)
            if field.name not in without
        ]
        names = {parameter.name for parameter in shared}

        @wraps(command)
        def packed(**given: Any) -> None:
            options = PaintOptions(**{name: given.pop(name) for name in names})
            command(**given, options=options)

        parameters = [*own, *shared]
        packed.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        packed.__annotations__ = {one.name: one.annotation for one in parameters}
        return packed

    return decorated


def max_bytes(gigabytes: float | None) -> int | None:
    """Of --max-memory; UsageError for what is no amount."""
    if gigabytes is not None and not math.isfinite(gigabytes):
        raise UsageError(f"--max-memory must be a number of GB, not {gigabytes}")
    return None if gigabytes is None else round(gigabytes * 1e9)


def _layers(option: str, given: list[str] | None) -> Weighted | None:
    if not given:
        return None
    try:
        return layers_of(given)
    except UsageError as error:
        raise UsageError(f"--{option} {error}") from error
