"""Every number that decides a painting, in one frozen dataclass.

Symbols follow Gatys et al.: content image p, style image a, candidate x; the loss is
α·content + β·style + γ·TV with α = 1, β = ``ratio`` and γ = ``tv``. The named recipes
are in :mod:`artist_nst.recipes.published`.
"""

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from reprlib import repr as shorten
from typing import Any, Literal, get_args, get_type_hints

from artist_nst.errors import UsageError, suggest

Architecture = Literal["vgg11", "vgg13", "vgg16", "vgg19"]
Network = Literal[
    "auto", "vgg11", "vgg13", "vgg16", "vgg19", "vgg19-normalised", "compact"
]
Pool = Literal["max", "average", "average-plain"]
Padding = Literal["zeros", "replicate"]
ContentLoss = Literal["relative", "half-squared", "squared", "mean", "quarter-mean"]
StyleLoss = Literal["relative", "gatys", "gatys-raw", "mean"]
StyleSize = Literal["width", "content"]
Turns = Literal["none", "mirror", "all"]
MaskPropagation = Literal["simple", "inside", "all"]
Init = Literal["content", "rand", "style", "noisy-content"]
Optimizer = Literal["auto", "lbfgs", "lbfgs-clipped", "lbfgs-device", "adam"]
Color = Literal[
    "none",
    "reinhard",
    "reinhard-lalphabeta",
    "linear",
    "histogram",
    "luminance",
    "hsv",
]

# Layers by the papers' names, with their weights.
Weighted = tuple[tuple[str, float], ...]
# A pyramid, coarse to fine: scale relative to the painting's size, and iterations.
Levels = tuple[tuple[float, int], ...]

STYLE_LAYERS: Weighted = tuple((f"conv{block}_1", 0.2) for block in range(1, 6))
NEIGHBOR_LAYERS: Weighted = tuple(
    (layer, 0.2) for layer in ("conv1_1", "conv2_1", "conv3_1", "conv3_2", "conv4_1")
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What else is known of a field of :class:`Recipe`.

    The command line's options, the axes of comparisons, recipe files, the table in
    docs/recipes.md and validation all derive from it.

    Attributes:
        help: One line for people.
        option: The command-line option without its dashes; empty if there is none.
            Options are also axes of ``compare``.
        letter: The option's short form.
        axis: The axis, where it is not called like the option.
        least: The smallest number allowed.
        most: The largest number allowed.
    """

    help: str
    option: str = ""
    letter: str = ""
    axis: str = ""
    least: float = 0.0
    most: float = math.inf


def setting(default: Any, help: str, **details: Any) -> Any:
    """Declare a field with its default and its :class:`Setting`."""
    return field(default=default, metadata={"setting": Setting(help, **details)})


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to paint, apart from the pictures, the seed and the machine.

    ``name`` is that of the recipe that this is, or was made from by changing fields;
    ``source`` says where its numbers come from. Every other field says what it means
    in its :class:`Setting`; ``artist-nst recipes default`` prints them all.

    Raises:
        FieldError: A number or a name cannot be painted with.
    """

    name: str
    source: str
    width: int = setting(
        512, "Width of the painting in pixels.", option="width", letter="w", least=1
    )
    levels: Levels = setting(
        ((1 / 3, 80), (2 / 3, 60), (1.0, 40)),
        "Number of iterations, over all levels of the pyramid.",
        option="numiter",
        letter="n",
        axis="iterations",
    )
    init: Init = setting(
        "content", "Image to start from; rand is noise.", option="init", letter="i"
    )
    ratio: float = setting(
        5.0, "Weight of style relative to content, β/α.", option="ratio", most=1e15
    )
    gram_weight: float = setting(
        1.0,
        "Weight of the Gram matrices within the style: which strokes and colors.",
        option="gram-weight",
        most=1e15,
    )
    neighbor_weight: float = setting(
        0.0,
        "Weight of the nearest neighbors within the style: which of them where.",
        option="neighbor-weight",
        most=1e15,
    )
    style_scale: float = setting(
        1.0,
        "Width of the style relative to the painting's: above 1 the strokes get "
        "larger.",
        option="style-scale",
        letter="s",
        least=1e-3,
        most=100,
    )
    style_size: StyleSize = setting(
        "width",
        "width keeps the style's aspect; content gives it the painting's height and "
        "width, times the style scale.",
    )
    color: Color = setting(
        "none", "Method that keeps the photo's colors.", option="color"
    )
    color_strength: float = setting(
        1.0,
        "How far --color goes, from 0 to 1.",
        option="color-strength",
        most=1,
    )
    tv: float = setting(
        0.0,
        "Weight γ of smoothness: of the mean absolute difference between neighboring "
        "pixels on 0–255. Replaces a recipe's tv_sum.",
        option="tv",
        most=1e15,
    )
    tv_sum: float = setting(
        0.0, "Weight of the sum of the same differences, as in papers.", most=1e15
    )
    matting: float = setting(
        0.0,
        "Weight of the matting Laplacian: of the distance, in squared levels, from a "
        "photo under other light.",
        option="matting",
        most=1e15,
    )
    detail_scale: float = setting(
        0.0,
        "What is finer than this share of the longer side is the photo's, in the "
        "painting's colors; 0 leaves the painting's own.",
        option="detail-scale",
        most=1,
    )
    content_layers: Weighted = setting(
        (("conv4_2", 1.0),),
        "Layer whose features are the photo's: conv4_2, or conv4_2=0.5; repeatable.",
        option="content-layer",
    )
    style_layers: Weighted = setting(
        STYLE_LAYERS,
        "Layer whose Gram matrix is the style's: conv3_1, or conv3_1=0.5; repeatable.",
        option="style-layer",
    )
    neighbor_layers: Weighted = setting(
        NEIGHBOR_LAYERS,
        "Layer of the hypercolumns that neighbors are found by: conv3_1, or "
        "conv3_1=0.5; repeatable.",
        option="neighbor-layer",
    )
    rematch: int = setting(
        20,
        "Number of iterations at the last level after which neighbors are found anew, "
        "by layers; 0 keeps them.",
        most=1_000_000,
    )
    turns: Turns = setting(
        "none",
        "Turned copies of works among which neighbors are found: mirror adds the "
        "mirror image, all also quarter turns of both.",
        option="turns",
    )
    max_share: float = setting(
        1.0,
        "Largest share of the places whose neighbors may be in one work, up to 1.",
        option="max-share",
        least=0.01,
        most=1,
    )
    mask_propagation: MaskPropagation = setting(
        "simple",
        "What a mask covers of a layer: simple averages it; inside are the positions "
        "that see nothing else, all those that see any of it.",
        option="mask-propagation",
    )
    content_loss: ContentLoss = setting(
        "relative", "Formula of the content loss (artist_nst.nst.losses)."
    )
    style_loss: StyleLoss = setting(
        "relative", "Formula of the style loss (artist_nst.nst.losses)."
    )
    network: Network = setting(
        "auto",
        "Network whose features are compared; auto is VGG-19, or the compact network "
        "if VGG-19's weights are unavailable.",
        option="network",
    )
    draft_levels: int = setting(
        0,
        "Number of levels before the last that the compact network paints in place "
        "of --network, which paints the last; faster.",
        option="draft-levels",
    )
    pool: Pool = setting("max", "Pooling between the network's blocks.", option="pool")
    padding: Padding = setting(
        "zeros",
        "Padding of the network's first layer; the others are padded with zeros.",
        option="padding",
    )
    optimizer: Optimizer = setting(
        "lbfgs",
        "lbfgs is scipy's L-BFGS-B, lbfgs-clipped the same without bounds, faster, "
        "lbfgs-device our own, also on a GPU; auto takes the second for a VGG on a "
        "CPU, else the third.",
        option="optimizer",
    )
    history: int = setting(
        10, "Number of corrections m that L-BFGS remembers.", least=1, most=1000
    )
    ftol: float = setting(
        0.0, "L-BFGS-B's tolerance of the loss; 0 runs all iterations.", most=1e300
    )
    gtol: float = setting(
        0.0, "L-BFGS-B's tolerance of the gradient; 0 runs all iterations.", most=1e300
    )
    first_step: float = setting(
        1.0,
        "How far L-BFGS's first step moves a pixel on average, in levels of 255: the "
        "loss is multiplied by a constant to that end; 0 leaves the loss as it is.",
        most=1e300,
    )
    learning_rate: float = setting(
        10.0, "Adam's learning rate in levels of 255.", least=1e-6, most=1e3
    )

    def __post_init__(self) -> None:
        """Validate every field; raises FieldError."""
        for name, kind in FIELD_TYPES.items():
            value = getattr(self, name)
            choices = get_args(kind)
            if kind == Weighted:
                for layer, weight in value:
                    _check_range(name, weight, 0, 1e300, f" {layer}")
                if len(dict(value)) < len(value):
                    raise FieldError(name, " names a layer twice: name each once")
            elif choices and isinstance(choices[0], str) and value not in choices:
                hint = suggest(str(value), choices)
                raise FieldError(name, f" can't be {shorten(value)}: {hint}")
            elif kind in (int, float):
                _check_range(name, value, SETTINGS[name].least, SETTINGS[name].most)
        self._check_levels()

    def _check_levels(self) -> None:
        for scale, count in self.levels:
            _check_range("levels", scale, 1e-3, 1, ": a scale")
            _check_range("levels", count, 0, 10**9, ": its iterations")
        if not self.levels or self.levels[-1][0] != 1 or self.levels[-1][1] < 1:
            raise FieldError("levels", " must end with one of scale 1 that iterates")

    @property
    def content_weights(self) -> dict[str, float]:
        """The weight of each layer that the content loss compares."""
        return _positive(self.content_layers)

    @property
    def gram_weights(self) -> dict[str, float]:
        """The weight of each layer whose Gram matrix is compared; none at weight 0."""
        return _positive(self.style_layers) if self.gram_weight else {}

    @property
    def neighbor_weights(self) -> dict[str, float]:
        """The weight of each layer of the hypercolumns; none at weight 0."""
        return _positive(self.neighbor_layers) if self.neighbor_weight else {}

    @property
    def compared_layers(self) -> set[str]:
        """The layers whose features the losses need."""
        return {*self.content_weights, *self.gram_weights, *self.neighbor_weights}

    @property
    def iterations(self) -> int:
        """Total number of iterations of all levels."""
        return sum(count for _, count in self.levels)

    def with_iterations(self, total: int) -> "Recipe":
        """Return the recipe with ``total`` iterations, split over levels as before.

        Raises:
            UsageError: ``total`` is below 1.
        """
        if total < 1:
            raise UsageError(f"--numiter must be a number from 1 up, not {total}")
        before = [0, *itertools.accumulate(count for _, count in self.levels)]
        ends = [total * done // before[-1] for done in before]
        counts = [end - start for start, end in itertools.pairwise(ends)]
        scales = [scale for scale, _ in self.levels]
        return replace(self, levels=tuple(zip(scales, counts, strict=True)))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold; :func:`from_dict` reads them back."""
        return asdict(self)


def _positive(layers: Weighted) -> dict[str, float]:
    return {layer: weight for layer, weight in layers if weight > 0}


FIELD_TYPES: dict[str, Any] = get_type_hints(Recipe)
SETTINGS: dict[str, Setting] = {
    entry.name: entry.metadata["setting"] for entry in fields(Recipe) if entry.metadata
}
OPTIONS = {name: setting for name, setting in SETTINGS.items() if setting.option}
"""The fields that have an option on the command line."""


class FieldError(UsageError):
    """A recipe's field that cannot be painted with; names its option, if it has one.

    Attributes:
        field: Its name.
        problem: What is wrong, as it continues after the field's name.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field = field
        self.problem = problem

    def __str__(self) -> str:
        # --numiter sets a total, not the levels themselves.
        if self.field in OPTIONS and self.field != "levels":
            return f"--{OPTIONS[self.field].option}{self.problem}"
        return f"a recipe's {self.field}{self.problem}"


def change_field(recipe: Recipe, name: str, value: Any) -> Recipe:
    """Return a recipe with one field changed as its command-line option changes it.

    ``levels`` takes a total number of iterations; ``tv`` takes the place of a paper's
    ``tv_sum``.

    Raises:
        UsageError: The value cannot be painted with.
    """
    if name == "levels":
        return recipe.with_iterations(value)
    changes = {name: value}
    if name == "tv":
        changes["tv_sum"] = 0.0
    changed = replace(recipe, **changes)
    if name == "draft_levels":
        check_drafts(changed)
    return changed


def make_draft(recipe: Recipe) -> Recipe:
    """Return the recipe for a quick look.

    The compact network paints it, with a third of the iterations at the full size,
    which take the most time, in one level.
    """
    if recipe.network == "compact":
        return recipe
    last = recipe.levels[-1][0]
    coarse = tuple(level for level in recipe.levels if level[0] != last)
    count = sum(count for scale, count in recipe.levels if scale == last)
    levels = (*coarse, (last, math.ceil(count / 3)))
    return replace(recipe, network="compact", levels=levels)


def check_drafts(recipe: Recipe) -> None:
    """Raise FieldError if more levels are to be drafted than come before the last.

    Only where the number is given: of a recipe whose levels are changed, fewer are.
    """
    count = len(recipe.levels)
    if recipe.draft_levels >= count:
        raise FieldError(
            "draft_levels",
            f" must be a number from 0 to {count - 1}: the last of the {count} levels "
            "is always painted by the network itself",
        )


def get_architecture(network: Network) -> Architecture:
    """Return the VGG that a network's weights come from.

    A normalized network is computed from it, the compact one was trained on it.
    """
    if network in ("auto", "compact"):
        return "vgg19"
    plain: Architecture = network.removesuffix("-normalised")  # type: ignore[assignment]
    return plain


def format_network(network: Network) -> str:
    """Name a network in a sentence: ``VGG-19``."""
    if network == "compact":
        return "the compact network"
    name = get_architecture(network).replace("vgg", "VGG-")
    return f"the normalized {name}" if network.endswith("-normalised") else name


def format_value(value: Any) -> str:
    """Format a field's value for people; equal levels are counted: ``12 × (1, 20)``."""
    if not isinstance(value, tuple):
        return _format_scalar(value)
    parts = []
    for pair, equal in itertools.groupby(value):
        first, second = map(_format_scalar, pair)
        is_layer = isinstance(pair[0], str)
        text = f"{first}={second}" if is_layer else f"({first}, {second})"
        count = len(list(equal))
        parts.append(f"{count} × {text}" if count > 1 else text)
    return ", ".join(parts) or "none"


def _format_scalar(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if value.is_integer() and value < 1e15 else f"{value:.4g}"


def parse_layers(texts: Sequence[str]) -> Weighted:
    """Parse ``["conv1_1=0.5", "conv2_1=2"]``; layers without a weight share alike.

    Returns:
        Layers with weights; one without a weight has 1 over their number.

    Raises:
        UsageError: A weight is not a number.
    """
    layers = []
    for text in texts:
        name, equals, number = text.strip().partition("=")
        try:
            weight = float(number) if equals else 1 / len(texts)
        except ValueError:
            raise UsageError(
                f"{text}: {number!r} is not a number; write {name}=0.5"
            ) from None
        # The same features: a layer's are those after its ReLU.
        layers.append((re.sub("^relu(?=\\d_\\d$)", "conv", name), weight))
    return tuple(layers)


def check_fields(names: Iterable[str]) -> None:
    """Raise UsageError, with the nearest name, for a field that no recipe has."""
    for name in names:
        if name not in FIELD_TYPES:
            raise UsageError(f"a recipe has no {name!r}: {suggest(name, FIELD_TYPES)}")


def from_dict(values: Mapping[str, Any]) -> Recipe:
    """Read a recipe from the values of :meth:`Recipe.to_dict`.

    Fields may be missing, since recipes of earlier versions did not have all of them.

    Raises:
        UsageError: A key that no recipe has, a value of the wrong kind, or no name,
            source, levels or layers.
    """
    check_fields(values)
    for name in ("name", "source", "levels", "content_layers", "style_layers"):
        if name not in values:
            raise UsageError(f"a recipe can't be read: it has no {name}")
    return Recipe(**{name: read_value(name, value) for name, value in values.items()})


def read_value(name: str, value: object) -> Any:
    """Check a plain value, as JSON or TOML has it, and return it as a field holds it.

    Args:
        name: The field.
        value: Layers may be ``{name: weight}`` or pairs, levels are pairs.

    Raises:
        FieldError: The value is of the wrong kind.
    """
    kind = FIELD_TYPES[name]
    if kind is float:
        return _read_number(name, value)
    if kind is int:
        return _read_integer(name, value)
    if kind == Levels:
        return tuple(
            (
                _read_number(name, scale, ": a scale"),
                _read_integer(name, count, ": its iterations"),
            )
            for scale, count in _read_pairs(name, value, "[[0.5, 80], [1.0, 40]]")
        )
    if kind == Weighted:
        pairs = list(value.items()) if isinstance(value, dict) else value
        example = f"[{name}] with lines such as conv4_2 = 1.0"
        layers = []
        for layer, weight in _read_pairs(name, pairs, example):
            if not isinstance(layer, str) or not layer:
                raise FieldError(name, " must name its layers, such as conv4_2")
            layers.append((layer, _read_number(name, weight, f" {layer}")))
        return tuple(layers)
    if not isinstance(value, str):
        raise FieldError(name, f" must be text in quotes, not {shorten(value)}")
    return value


def _read_pairs(name: str, value: object, example: str) -> list[Any]:
    if isinstance(value, list | tuple) and all(
        isinstance(pair, list | tuple) and len(pair) == 2 for pair in value
    ):
        return list(value)
    raise FieldError(name, f" must be written as {example}")


def _read_number(name: str, value: object, part: str = "") -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FieldError(name, f"{part} must be a number, not {shorten(value)}")
    try:
        return float(value)
    except OverflowError:
        return math.inf  # which no field takes


def _read_integer(name: str, value: object, part: str = "") -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise FieldError(name, f"{part} must be a whole number, not {shorten(value)}")
    if abs(value) >= 2**63:
        raise FieldError(name, f"{part} must be a whole number of fewer digits")
    return value


def _check_range(
    name: str, value: float, least: float, most: float, part: str = ""
) -> None:
    # Infinity and NaN fail, too.
    if not (least <= value <= most and value < math.inf):
        bounds = f"from {least:g} up" if most >= 1e300 else f"{least:g} to {most:g}"
        raise FieldError(name, f"{part} must be a number, {bounds}, not {value}")
