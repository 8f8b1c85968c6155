"""The named recipes: the default, and earlier systems by their publications."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from artist_nst.errors import UsageError, suggest
from artist_nst.recipes.recipe import STYLE_LAYERS, Recipe, Weighted, check_fields

# scipy's defaults when art.py was written: factr 1e7 times machine epsilon, and pgtol.
SCIPY_FTOL, SCIPY_GTOL = 1e7 * 2.0**-52, 1e-5

# Adam's learning rate is in the image's units. csce5214's image has standard deviation
# one: a unit is, averaged over the channels (0.229, 0.224, 0.225), this many levels.
LEVELS_PER_DEVIATION = 255 * (0.229 + 0.224 + 0.225) / 3

DECREASING_LAYERS: Weighted = tuple(
    (layer, weight / 15)
    for (layer, _), weight in zip(STYLE_LAYERS, (5, 4, 3, 2, 1), strict=True)
)

HYPERCOLUMN_LAYERS: Weighted = tuple(
    (f"conv{block}_{layer}", 0.1)
    for block, count in ((1, 2), (2, 2), (3, 3), (4, 3))
    for layer in range(1, count + 1)
)


@dataclass(frozen=True, slots=True)
class Publication:
    """Where a recipe's numbers come from.

    Attributes:
        authors: Names as they are cited.
        title: Title as it is cited.
        year: Year of publication; None for a source without a date.
        where: Journal, institution or repository.
        given: The numbers that the source states, each in a few words.
        left_open: What it does not state, or states twice, and what was chosen.
    """

    authors: str
    title: str
    year: int | None
    where: str
    given: tuple[str, ...]
    left_open: tuple[str, ...]

    @property
    def citation(self) -> str:
        """Authors, title, place and year on one line."""
        year = self.year or "undated"
        return f"{self.authors}, “{self.title}”, {self.where}, {year}"


PUBLICATIONS: dict[str, Publication] = {
    "default": Publication(
        authors="the artist-nst project",
        title="Neighbors and Gram matrices on a pyramid",
        year=2026,
        where="docs/recipes.md",
        given=(
            "all numbers, chosen by eye and by figures on eight pairs of photograph "
            "and works",
        ),
        left_open=(),
    ),
    "gram": Publication(
        authors="the artist-nst project",
        title="Relative losses on a pyramid",
        year=2026,
        where="docs/recipes.md",
        given=("all numbers, chosen by eye on six pairs of photograph and painting",),
        left_open=(),
    ),
    "photoreal": Publication(
        authors="the artist-nst project",
        title="A photo in another light",
        year=2026,
        where="docs/regions.md",
        given=(
            "the numbers of default, without drafts and with fewer iterations at full "
            "size; matting and details chosen by eye and by figures on four pairs",
        ),
        left_open=(),
    ),
    "nnst": Publication(
        authors="N. Kolkin, M. Kucera, S. Paris, D. Sýkora, E. Shechtman, "
        "G. Shakhnarovich",
        title="Neural neighbor style transfer",
        year=2022,
        where="arXiv:2203.13215",
        given=(
            "nearest neighbors of hypercolumns at a quarter of the size; cosine "
            "distance, centered",
            "feature splitting at the last size; mirrored and turned works as well",
            "VGG-16, its layers up to conv4_3; Adam at 0.002 (0.51 levels), 200 "
            "iterations a size; 64, 128, 256 and 512 pixels; α 0.75",
            "no content loss, no Gram matrices",
        ),
        left_open=(
            "the network: VGG-19, whose weights are what users have",
            "each layer is compared by a cosine of its own, with one neighbor for all "
            "until the features are split",
            "Adam works on pixels, not on the coefficients of a Laplacian pyramid, at "
            "2 levels instead of 0.51",
            "splitting starts after 50 of the last size's iterations, and is repeated "
            "every 50",
            "works have the painting's width, as in the other recipes",
        ),
    ),
    "art.py": Publication(
        authors="J. Mu, A. Franc",
        title="art.py",
        year=2016,
        where="jayelm/neural-art",
        given=(
            "VGG-19, content conv4_2, style conv1_1 … conv5_1 at 0.2 each, β/α 10⁴",
            "½ Σ (F−P)²; Σ (G−A)² / (4N²M²) on sums, at the candidate's M",
            "L-BFGS-B with bounds, at most 512 iterations, scipy's default tolerances",
            "from the photo, 512 pixels wide, style scale 1",
        ),
        left_open=(),
    ),
    "whole-artist-paper": Publication(
        authors="J. Mu, A. Franc",
        title="Whole-artist imitation with convolutional neural networks",
        year=2016,
        where="Boston College",
        given=(
            "VGG-19; scipy's L-BFGS-B at its default tolerances",
            "β/α of 100 or 1000 worked well for most images",
            "from white noise, around 300 iterations; 512 pixels wide in its timings",
            "one work of the artist at random; Reinhard's color transfer as an option",
        ),
        left_open=(
            "which of the two ratios: 100",
            "layers, their weights and the formulas of both losses: art.py's",
            "style scale (its figure shows 1.2 and 1.8): 1",
            "the year: that of its program, art.py",
        ),
    ),
    "gatys-2015": Publication(
        authors="L. A. Gatys, A. S. Ecker, M. Bethge",
        title="A neural algorithm of artistic style",
        year=2015,
        where="arXiv:1508.06576",
        given=(
            "VGG-19 with average pooling, content conv4_2",
            "style conv1_1 … conv5_1 at 1/5 each; eqs. 1, 4, 5 and 7",
            "α/β 10⁻³ (or 10⁻⁴); gradient descent from white noise",
        ),
        left_open=(
            "the optimizer: L-BFGS, which the authors' paper of 2016 names",
            "iterations: 500; width: 512",
            "the style's size: its own aspect; each Gram matrix over its own M",
        ),
    ),
    "patel": Publication(
        authors="E. Patel",
        title="Generating stylistic images using convolutional neural networks",
        year=2019,
        where="Major Research Project, Ryerson University",
        given=(
            "VGG-16, max pooling, content conv3_1 (the most balanced one)",
            "style: the first layer of each block; eqs. 4, 5 and 6",
            "α/β 0.01; weight 1.0 on the sum of absolute differences of neighbors",
            "white noise, 12 iterations",
        ),
        left_open=(
            "the optimizer: L-BFGS; each of the 12 a restart of 20 inner iterations",
            "the layers' weights: 1/5 each; width: 512",
            "the 1.0 is stated for pictures with content conv2_2: used for all",
            "the style's size: its own aspect; each Gram matrix over its own M",
        ),
    ),
    "technion": Publication(
        authors="L. Danino, D. Goman",
        title="097200 Deep Learning course final project: Style transfer",
        year=None,
        where="Technion",
        given=(
            "VGG-19 (11, 13 and 16 looked alike); eqs. 1, 4 and 5",
            "style conv1_1 … conv5_1, lower layers weighing more",
            "the style image resized to the content image's size",
        ),
        left_open=(
            "the content layer: conv4_2, the original paper's (five hardly differed)",
            "the layers' weights: 5, 4, 3, 2 and 1 fifteenths",
            "α, β, the optimizer and its iterations (tuned, not stated): β/α 10⁴, "
            "L-BFGS, 300",
            "the start: the photo; width: 512",
        ),
    ),
    "premamayudu": Publication(
        authors="B. Premamayudu, P. Subbarao, K. V. Rao",
        title="Improved artistic images generation using transfer learning",
        year=2019,
        where="Revue d'Intelligence Artificielle 33(4), doi:10.18280/ria.330406",
        given=(
            "VGG-19, normalized to mean activations of one; content conv4_2",
            "content Σ (F−P)² / (4 n_H n_W n_C), eq. 1; style eq. 2",
            "from a noisy photo; Adam at 2.0 levels, 200 iterations",
            "α 10, β 40: by these its printed costs add up (5.04752·10⁹ at first)",
        ),
        left_open=(
            "the style layers and λ: conv1_1 … conv5_1 at 0.2 each",
            "noise: 0.6 of ±20 levels about the photo's mean, 0.4 of the photo",
            "the style's size: the photo's, since both share n_H·n_W; width: 512",
            "its text normalizes the network, but its printed style cost (1.3·10⁸) is "
            "an unnormalized network's: the text is followed",
            "clipping: after each step",
        ),
    ),
    "csce5214": Publication(
        authors="S. K. Surampudi, S. Gondela, M. Kanchala, P. Poralla, D. P. Gollamudi",
        title="Neural style transfer using convolutional neural networks",
        year=None,
        where="CSCE 5214, project 2 report",
        given=(
            "VGG-19 in its results (VGG-16 in its plans), content conv4_2; β 1",
            "style conv1_1 … conv3_2 at 1, 0.75, 1, 0.75, 1, 0.75",
            "style mean (G−A)² / (N·M) on sums",
            "Adam at 0.0003 deviations (0.017 levels), 100 000 steps; max_size 400",
        ),
        left_open=(
            "the content loss: its listing squares a mean, its text sums squares: the "
            "mean of squares",
            "its listing divides the style loss again for every layer: divided once",
            "α, which its listing calls data_weight: 1",
            "which side has the size 400: the width",
            "β holds for torchvision's weights, whose activations are smaller than "
            "Oxford's",
            "the start: the photo; the style has the photo's size, as load_img's "
            "shape suggests; clipping: after each step",
            "100 000 steps take hours: -n 2000 shows the direction",
        ),
    ),
}

# Name and source are filled in from the publications.
_numbers = partial(Recipe, name="", source="")
# The coarsest level gives the large strokes and takes little time; what is drafted
# thereafter costs a quarter, and leaves less to do for the network itself.
_with_drafts = partial(
    _numbers,
    levels=((1 / 3, 40), (2 / 3, 50), (1.0, 30), (1.0, 35)),
    draft_levels=2,
    optimizer="auto",
    history=5,
    tv=0.003,
)

RECIPES: dict[str, Recipe] = {
    name: replace(numbers, name=name, source=PUBLICATIONS[name].citation)
    for name, numbers in {
        "default": _with_drafts(gram_weight=0.3, neighbor_weight=0.4),
        "gram": _with_drafts(),
        "photoreal": _with_drafts(
            gram_weight=0.3,
            neighbor_weight=0.4,
            levels=((1 / 3, 60), (2 / 3, 30), (1.0, 10)),
            draft_levels=0,
            matting=0.1,
            detail_scale=0.08,
        ),
        "nnst": _numbers(
            content_layers=(),
            style_layers=(),
            gram_weight=0.0,
            neighbor_weight=1.0,
            neighbor_layers=HYPERCOLUMN_LAYERS,
            ratio=1.0,
            turns="all",
            rematch=50,
            levels=((1 / 8, 200), (1 / 4, 200), (1 / 2, 200), (1.0, 200)),
            optimizer="adam",
            learning_rate=2.0,
        ),
        "art.py": _numbers(
            content_loss="half-squared",
            style_loss="gatys-raw",
            ratio=1e4,
            levels=((1.0, 512),),
            ftol=SCIPY_FTOL,
            gtol=SCIPY_GTOL,
            first_step=0.0,
        ),
        "whole-artist-paper": _numbers(
            content_loss="half-squared",
            style_loss="gatys-raw",
            ratio=100.0,
            init="rand",
            levels=((1.0, 300),),
            ftol=SCIPY_FTOL,
            gtol=SCIPY_GTOL,
            first_step=0.0,
        ),
        "gatys-2015": _numbers(
            pool="average-plain",
            content_loss="half-squared",
            style_loss="gatys",
            ratio=1e3,
            init="rand",
            levels=((1.0, 500),),
        ),
        "patel": _numbers(
            network="vgg16",
            content_layers=(("conv3_1", 1.0),),
            content_loss="half-squared",
            style_loss="gatys",
            ratio=100.0,
            tv_sum=1.0,
            init="rand",
            levels=((1.0, 20),) * 12,
        ),
        "technion": _numbers(
            style_layers=DECREASING_LAYERS,
            content_loss="half-squared",
            style_loss="gatys",
            ratio=1e4,
            style_size="content",
            levels=((1.0, 300),),
        ),
        "premamayudu": _numbers(
            network="vgg19-normalised",
            content_loss="quarter-mean",
            style_loss="gatys",
            ratio=4.0,
            init="noisy-content",
            style_size="content",
            levels=((1.0, 200),),
            optimizer="adam",
            learning_rate=2.0,
        ),
        "csce5214": _numbers(
            style_layers=(
                ("conv1_1", 1.0),
                ("conv1_2", 0.75),
                ("conv2_1", 1.0),
                ("conv2_2", 0.75),
                ("conv3_1", 1.0),
                ("conv3_2", 0.75),
            ),
            content_loss="mean",
            style_loss="mean",
            ratio=1.0,
            style_size="content",
            levels=((1.0, 100_000),),
            optimizer="adam",
            learning_rate=0.0003 * LEVELS_PER_DEVIATION,
            width=400,
        ),
    }.items()
}


def recipe(name: str = "default", **changes: Any) -> Recipe:
    """Get a named recipe, with fields changed: ``recipe("art.py", width=256)``.

    ``iterations`` is their total number over all levels.

    Raises:
        UsageError: An unknown name or field, or a value that cannot be painted with.
    """
    if name not in RECIPES:
        raise UsageError(f"unknown recipe {name!r}: {suggest(name, RECIPES)}")
    base = RECIPES[name]
    if "iterations" in changes:
        base = base.with_iterations(changes.pop("iterations"))
    check_fields(changes)
    return replace(base, **changes)
