"""Options that commands share, derived from the fields of a recipe."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

from artist_nst.errors import UsageError
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import (
    FIELD_TYPES,
    OPTIONS,
    Levels,
    Recipe,
    Weighted,
    change_field,
    format_value,
    make_draft,
    parse_layers,
)
from artist_nst.styles.pick import PickWay

if TYPE_CHECKING:
    from artist_nst.painting.compute import ComputeOptions

# Headings of --help. The most used options have none: they come first.
SELECTION = "Style selection"
SETTINGS = "Recipe settings"

# What --help shows as an option's value; choices are listed instead.
_METAVARS: dict[Any, str] = {int: "N", float: "X", list[str]: "LAYER[=WEIGHT]"}


def panel_option(panel: str, *names: str, help: str, **details: Any) -> Any:
    """Declare an option under a heading of ``--help``."""
    return typer.Option(*names, help=help, rich_help_panel=panel, **details)


_compute_option = partial(panel_option, "Computation")
_output_option = partial(panel_option, "Additional output")


Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        help="Print only what was made, warnings and errors.",
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print more details.")]
# Not a Path, which would take an empty text for the current folder.
Corpora = Annotated[
    str | None,
    typer.Option(
        "--corpora",
        metavar="FOLDER",
        help="Folder of corpora (default: $ARTIST_NST_CORPORA, ./corpora, or your "
        "data folder).",
    ),
]
WeightsFile = Annotated[
    Path | None,
    _compute_option(
        "--weights",
        metavar="FILE",
        help="Weights of VGG or of a compact network, .safetensors or .pth (default: "
        "$ARTIST_NST_WEIGHTS, torch's cache, a download, or the packaged compact "
        "network).",
    ),
]
WeightsInput = Annotated[
    Literal["torchvision", "oxford"] | None,
    _compute_option(
        "--weights-input",
        help="Input that the weights expect, if their file does not say: torchvision "
        "(RGB 0–1, normalized) or oxford (BGR 0–255 minus the mean).",
    ),
]
Artist = Annotated[
    str | None,
    typer.Option(
        "--artist",
        "-A",
        metavar="NAME",
        help="Artist whose works are the style, such as picasso or 'Pablo Picasso'.",
    ),
]
WorkNames = Annotated[
    list[str] | None,
    panel_option(
        SELECTION,
        "--work",
        metavar="NAME[:WEIGHT]",
        help="Id or title of a work of the artist; repeatable (default: a work is "
        "picked).",
    ),
]
PickName = Annotated[
    PickWay | None,
    panel_option(
        SELECTION,
        "--pick",
        help="How works are picked. typical: the work most similar to all others; "
        "nearest: similar to the photo in subject and color; diverse: works that "
        "span the artist's range; mix: several similar works in one painting; "
        "whole: similar works that suit the photo, each place after one of them "
        "(default: random, or diverse with --works).",
    ),
]
StyleFiles = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE[:WEIGHT]",
        help="Style image, for one photo or several; repeatable.",
    ),
]
RecipeName = Annotated[
    str | None,
    typer.Option(
        "--recipe",
        metavar="NAME|FILE.toml",
        help="Recipe that the options below change; `artist-nst recipes` lists them "
        "(default: default, or the painting's).",
    ),
]


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Options of how a command computes; None stands for the default."""

    quiet: Quiet = False
    verbose: Verbose = False
    weights: WeightsFile = None
    weights_input: WeightsInput = None
    device: Annotated[
        Literal["auto", "cuda", "mps", "cpu"] | None,
        _compute_option(help="Device; auto takes a GPU if there is one."),
    ] = None
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"] | None,
        _compute_option(
            help="Precision of the convolutions; auto takes bfloat16 where it is "
            "faster."
        ),
    ] = None
    max_memory: Annotated[
        float | None,
        _compute_option(
            help="Memory limit in GB, of the GPU if there is one (default: 90% of "
            "what is free); paintings that need more are computed in strips.",
            min=0.1,
            max=1_000_000,
            metavar="GB",
        ),
    ] = None
    offline: Annotated[
        bool, _compute_option("--offline", help="Never download weights.")
    ] = False
    max_pixels: Annotated[
        int | None,
        _compute_option(
            help="Refuse input images of more pixels (default: 180 million).",
            min=1,
            metavar="N",
        ),
    ] = None

    @property
    def compute(self) -> ComputeOptions:
        """Device, precision, limits and weights, as the library takes them."""
        # Late, so that `artist-nst --help` does not wait for numpy.
        from artist_nst.painting.compute import ComputeOptions

        given: dict[str, Any] = {
            name: getattr(self, name)
            for name in (
                "device",
                "precision",
                "max_pixels",
                "weights",
                "weights_input",
            )
        }
        if self.max_memory is not None:
            given["max_memory"] = round(self.max_memory * 1e9)
        chosen = {name: value for name, value in given.items() if value is not None}
        return ComputeOptions(offline=self.offline, **chosen)


@dataclass(frozen=True, kw_only=True)
class PaintOptions(RunOptions):
    """All options of a painting except the pictures; None stands for the default.

    Attributes:
        settings: Values of the recipe's fields that were given as options, by field.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    color_transfer: Annotated[
        bool,
        typer.Option(
            "--color-transfer",
            "-c",
            help="Paint with the photo's palette; short for --color reinhard. "
            "--color luminance keeps every place's color.",
        ),
    ] = False
    draft: Annotated[
        bool,
        typer.Option(
            "--draft",
            help="Paint several times faster: --network compact, and fewer iterations.",
        ),
    ] = False
    seed: Annotated[
        int | None,
        typer.Option(
            help="Random seed for work selection and noise (default: random; for "
            "repaint, the painting's).",
            min=0,
            metavar="N",
        ),
    ] = None
    # Not a Path, which would lose the slash at the end of a folder.
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            metavar="PATH",
            help="Output .png, .jpg, .tif or .webp file, which is replaced; a folder, "
            "which is created; or - to send a PNG to a pipe (default: a new file "
            "PHOTO-ARTIST-WORK.png in the current folder).",
        ),
    ] = None
    no_paths: Annotated[
        bool,
        typer.Option(
            "--no-paths",
            help="Record only names of photo and styles in the painting, no folders.",
        ),
    ] = False
    corpora: Corpora = None
    long_side: Annotated[
        int | None,
        panel_option(
            SETTINGS,
            help="Longer side of the painting in pixels, instead of --width.",
            min=1,
            metavar="N",
        ),
    ] = None
    print_rate: Annotated[
        int | None,
        _output_option(
            "--print-rate",
            "-p",
            help="Save the painting every N iterations in the folder NAME.frames.",
            min=1,
            metavar="N",
        ),
    ] = None
    film: Annotated[
        Path | None,
        _output_option(
            metavar="FILE",
            help="Write a .gif, .mp4 or .webm film of the iterations (with -p, of the "
            "saved ones).",
        ),
    ] = None
    explain: Annotated[
        bool,
        _output_option(
            "--explain",
            help="Draw a page with the losses, the layers and the record, in "
            "NAME.explained.png.",
        ),
    ] = False

    def change_recipe(self, base: Recipe, *, color_varies: bool = False) -> Recipe:
        """Return a recipe with the fields changed that were given as options.

        Args:
            base: The recipe to change.
            color_varies: Whether --color is set later, so that --color-strength is
                allowed without it.

        Raises:
            UsageError: A value cannot be painted with, or options disagree.
        """
        if "width" in self.settings and self.long_side is not None:
            raise UsageError("--width and --long-side both set the size: leave one out")
        network = self.requested_network
        if self.draft:
            base = make_draft(base)
        elif network is not None:
            base = replace(base, network=network)
        if self.color_transfer:
            color = self.settings.get("color", "reinhard")
            if color != "reinhard":
                raise UsageError(
                    f"-c means --color reinhard: leave out -c or --color {color}"
                )
            base = replace(base, color="reinhard")
        for name, value in self.settings.items():
            base = change_field(base, name, value)
        is_unused = base.color == "none" and not color_varies
        if "color_strength" in self.settings and is_unused:
            raise UsageError("--color-strength has no effect without --color: add -c")
        return base

    @property
    def requested_network(self) -> Any:
        """The network that --network or --draft asks for; None if neither does.

        Raises:
            UsageError: They disagree.
        """
        network = self.settings.get("network")
        if self.draft and network not in (None, "compact"):
            raise UsageError(
                f"--draft paints with the compact network: leave out --draft or "
                f"--network {network}"
            )
        if self.draft and self.settings.get("draft_levels"):
            raise UsageError(
                "--draft paints all levels with the compact network: leave out --draft "
                "or --draft-levels"
            )
        return "compact" if self.draft else network

    def find_option(self, field_name: str) -> str | None:
        """Return the option that was given for a recipe's field, if any."""
        shorthands = {
            "color": ("-c", self.color_transfer),
            "network": ("--draft", self.draft),
            "width": ("--long-side", self.long_side is not None),
        }
        if field_name in self.settings:
            return f"--{OPTIONS[field_name].option}"
        option, is_given = shorthands.get(field_name, ("", False))
        return option if is_given else None


def _setting_parameters(default_source: str) -> list[inspect.Parameter]:
    """Make an option of each of the recipe's fields that has one.

    Those with a short form are the most used, and come first in ``--help``.
    """
    default = RECIPES["default"]
    parameters = []
    for name, setting in OPTIONS.items():
        kind, value = FIELD_TYPES[name], getattr(default, name)
        if kind == Levels:
            kind, value = int, default.iterations
        elif kind == Weighted:
            kind = list[str]
        letters = [f"-{setting.letter}"] if setting.letter else []
        source = f"default recipe: {format_value(value)}"
        if default_source:
            source = f"default: {default_source}"
        option = typer.Option(
            f"--{setting.option}",
            *letters,
            help=f"{setting.help} ({source})",
            metavar=_METAVARS.get(kind),
            rich_help_panel=None if letters else SETTINGS,
        )
        parameters.append(
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[kind | None, option],
            )
        )
    return parameters


def _parse_settings(given: dict[str, Any]) -> dict[str, Any]:
    """Move the recipe's settings out of a command's arguments, parsed."""
    settings = {}
    for name, setting in OPTIONS.items():
        value = given.pop(name)
        if value is None or value == []:
            continue
        if FIELD_TYPES[name] == Weighted:
            try:
                value = parse_layers(value)
            except UsageError as error:
                raise UsageError(f"--{setting.option} {error}") from error
        settings[name] = value
    return settings


def with_options(
    kind: type[RunOptions], *without: str, default: str = ""
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the fields of ``kind`` as options, as one value in ``options``.

    Args:
        kind: :class:`RunOptions`, or :class:`PaintOptions`, which adds the recipe's.
        without: Fields that are no options of this command.
        default: Where settings come from that are not given; the default recipe if "".
    """
    has_settings = issubclass(kind, PaintOptions)

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command)
        hints = get_type_hints(command, include_extras=True)
        parameters = [
            parameter.replace(annotation=hints[name])
            for name, parameter in signature.parameters.items()
            if name != "options"
        ]
        if has_settings:
            parameters += _setting_parameters(default)
        hints = get_type_hints(kind, include_extras=True)
        shared = [
            inspect.Parameter(
                entry.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=entry.default,
                annotation=hints[entry.name],
            )
            for entry in fields(kind)
            if entry.name not in (*without, "settings")
        ]
        names = [parameter.name for parameter in shared]
        # --help lists options in this order, --quiet and --verbose last.
        shared.sort(key=lambda parameter: parameter.name in ("quiet", "verbose"))
        parameters += shared

        @wraps(command)
        def run(**given: Any) -> None:
            details: dict[str, Any] = {name: given.pop(name) for name in names}
            if has_settings:
                details["settings"] = _parse_settings(given)
            command(**given, options=kind(**details))

        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {
            parameter.name: parameter.annotation for parameter in parameters
        }
        return run

    return decorate
