"""Regions of a painting: guided Gram matrices, masked neighbors, and kept parts."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from artist_nst.nst.features import TargetCache
from artist_nst.nst.level import find_neighbors
from artist_nst.nst.losses import guided_grams
from artist_nst.nst.masks import (
    LayerMask,
    make_layer_masks,
    propagate_mask,
    resize_mask,
)
from artist_nst.nst.neighbors import NeighborFinder
from artist_nst.nst.objective import KeptPart, Objective, Targets, compute_targets
from artist_nst.nst.pyramid import run_pyramid
from artist_nst.nst.regions import Region
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import Recipe

NEIGHBORS = {"neighbor_weight": 1.0}
SMALL = replace(
    RECIPES["default"],
    content_layers=(("conv2_1", 1.0),),
    style_layers=(("conv1_1", 0.5), ("conv2_1", 0.3), ("conv3_1", 0.2)),
    neighbor_layers=(("conv2_1", 0.5), ("conv3_1", 0.5)),
    levels=((0.5, 3), (1.0, 4)),
    draft_levels=0,
    neighbor_weight=0.0,
    rematch=2,
)
"""Of Gram matrices; with NEIGHBORS they are found anew at the last level."""


@pytest.fixture(scope="module")
def network(thin_weights: Weights) -> VGG:
    return VGG(thin_weights, padding="replicate")


@pytest.fixture(scope="module")
def exact(thin_weights: Weights) -> VGG:
    return VGG(thin_weights, padding="replicate", dtype=torch.float64)


def make_image(height: int, width: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, height // 4, width // 4, generator=generator)
    fine = torch.rand(1, 3, height, width, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    return 255 * (0.7 * smooth + 0.3 * fine)


PHOTO, FIRST, SECOND = make_image(64, 96), make_image(56, 72, 1), make_image(72, 64, 2)


def left_half(height: int = 64, width: int = 96) -> Tensor:
    mask = torch.zeros(height, width)
    mask[:, : width // 2] = 1
    return mask


def soft_ramp(height: int = 64, width: int = 96) -> Tensor:
    return torch.linspace(0, 1, width).expand(height, width).contiguous()


# Masks at layers ---------------------------------------------------------------------


def test_simple_masks_are_averages_that_still_sum_to_one(network: VGG) -> None:
    mask = soft_ramp()
    layers = ["conv1_1", "conv2_1", "conv3_1"]
    first, rest = (
        propagate_mask(network, m, layers, "simple") for m in (mask, 1 - mask)
    )
    assert torch.equal(first["conv1_1"], mask)
    averages = mask.view(16, 4, 24, 4).mean((1, 3))
    torch.testing.assert_close(first["conv3_1"], averages)
    for layer in layers:
        torch.testing.assert_close(
            first[layer] + rest[layer], torch.ones_like(first[layer])
        )


def test_inside_sees_nothing_else_and_all_sees_any(exact: VGG) -> None:
    """By what a change of the pixels outside, or inside, does to the features."""
    mask = left_half()
    layers = ["conv1_1", "conv2_1", "conv3_1"]
    image = PHOTO.double()
    outside = image.where(mask > 0, 255 - image)
    inside = image.where(mask == 0, 255 - image)
    before = exact(image, layers)
    for way, changed in (("inside", outside), ("all", inside)):
        after = exact(changed, layers)
        masks = propagate_mask(exact, mask.double(), layers, way)  # type: ignore[arg-type]
        for layer in layers:
            moved = (after[layer] - before[layer]).abs().sum(0) > 0
            unseen = masks[layer] == (1 if way == "inside" else 0)
            assert unseen.any()
            assert not (moved & unseen).any()
            # And no wider than that: the next column moves.
            columns = unseen.all(0).nonzero()
            edge = columns.max() + 1 if way == "inside" else columns.min() - 1
            assert moved[:, edge].any()


def test_inside_a_region_that_is_too_small_is_simple(network: VGG) -> None:
    mask = torch.zeros(64, 96)
    mask[30:34, 40:44] = 1
    masks = propagate_mask(network, mask, ["conv1_1", "conv3_1"], "inside")
    assert masks["conv1_1"].sum() == 4
    simple = propagate_mask(network, mask, ["conv3_1"], "simple")
    assert torch.equal(masks["conv3_1"], simple["conv3_1"])


def test_resized_masks_still_sum_to_one() -> None:
    mask = soft_ramp()
    total = resize_mask(mask, 21, 32) + resize_mask(1 - mask, 21, 32)
    torch.testing.assert_close(total, torch.ones(21, 32))


# Gram matrices -----------------------------------------------------------------------


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_guided_gram(dtype: torch.dtype, channels_last: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.rand(5, 40, 52, generator=generator).to(dtype)
    if channels_last:
        features = features.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    mask = torch.rand(40, 52, generator=generator).to(torch.float64)
    values = features.double().numpy()
    expected = (
        np.einsum("hw,ihw,jhw->ij", mask.numpy(), values, values) / mask.numpy().sum()
    )
    tolerance = 1e-12 if dtype == torch.float64 else 3e-3
    window = LayerMask.make(mask).get_window(slice(None))
    (matrix,) = guided_grams(features, [window])
    np.testing.assert_allclose(matrix.double(), expected, rtol=tolerance)


def test_the_gradient_of_a_guided_gram() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.rand(3, 4, 5, generator=generator, dtype=torch.float64)
    masks = torch.rand(2, 4, 5, generator=generator, dtype=torch.float64)
    masks[1, :2] = 0
    windows = [LayerMask.make(mask).get_window(slice(None)) for mask in masks]
    for x in (features, features.permute(1, 2, 0).contiguous().permute(2, 0, 1)):
        assert torch.autograd.gradcheck(
            lambda f: guided_grams(f, windows), x.requires_grad_()
        )


# The objective -----------------------------------------------------------------------


def make_targets(
    network: VGG, recipe: Recipe, regions: list[Region], dtype: torch.dtype
) -> Targets:
    images = [FIRST.to(dtype), SECOND.to(dtype)]
    photo = PHOTO.to(dtype)
    styles = [(image, 1.0) for image in images]
    targets = compute_targets(network, recipe, photo, styles, TargetCache(), regions)
    if not recipe.neighbor_weights:
        return targets
    finders = [
        NeighborFinder(
            network,
            [*recipe.neighbor_weights],
            [images[index] for index, weight in enumerate(region.weights) if weight],
        )
        for region in regions
    ]
    return find_neighbors(targets, finders, photo)


@pytest.mark.parametrize("rows", [None, 16])
def test_losses_of_regions_add_up(exact: VGG, rows: int | None) -> None:
    """Against the formulas in NumPy, in float64; also in strips."""
    recipe = replace(SMALL, **NEIGHBORS)
    mask = soft_ramp().double()
    regions = [
        Region(mask, (1.0, 0.0), strength=2.0),
        Region(1 - mask, (0.25, 0.75)),
    ]
    targets = make_targets(exact, recipe, regions, torch.float64)
    candidate = make_image(64, 96, 9).double()
    objective = Objective(exact, recipe, targets, rows=rows)
    losses, gradient = objective(candidate)

    layers = [layer for layer, _ in recipe.style_layers]
    images = {"x": candidate, "first": FIRST.double(), "second": SECOND.double()}
    features = {
        name: {k: v.numpy() for k, v in exact(pixels, layers).items()}
        for name, pixels in images.items()
    }

    def numpy_gram(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        flat, weight = values.reshape(len(values), -1), weights.ravel()
        return (flat * weight) @ flat.T / weight.sum()

    style = 0.0
    for layer, layer_weight in recipe.style_layers:
        whole = {
            name: numpy_gram(
                features[name][layer], np.ones(features[name][layer][0].shape)
            )
            for name in ("first", "second")
        }
        goals = whole["first"], 0.25 * whole["first"] + 0.75 * whole["second"]
        size = 1 << (int(layer[4]) - 1)
        for number, goal in enumerate(goals):
            m = (mask if number == 0 else 1 - mask).numpy()
            small = m.reshape(64 // size, size, 96 // size, size).mean((1, 3))
            matrix = numpy_gram(features["x"][layer], small)
            term = np.square(matrix - goal).sum() / np.square(goal).sum()
            style += layer_weight * (2.0, 1.0)[number] * m.mean() * term
    assert losses.style == pytest.approx(style, rel=1e-10)

    distances = 0.0
    for layer, layer_weight in recipe.neighbor_layers:
        values = exact(candidate, [layer])[layer].numpy()
        size = 1 << max(0, 3 - int(layer[4]))
        n, h, w = values.shape
        pooled = values.reshape(n, h // size, size, w // size, size).mean((2, 4))
        for number, goal in enumerate(targets.styles):
            assert goal.neighbors is not None
            m = (mask if number == 0 else 1 - mask).numpy()
            weights = m.reshape(16, 4, 24, 4).mean((1, 3))
            centered = pooled - goal.neighbors.means[layer].numpy()[:, None, None]
            directions = goal.neighbors.directions[layer].numpy()
            cosines = (centered * directions).sum(0) / np.linalg.norm(centered, axis=0)
            term = (weights * (1 - cosines)).sum() / weights.sum()
            distances += layer_weight * (2.0, 1.0)[number] * m.mean() * term
    assert losses.neighbors == pytest.approx(distances, rel=1e-10)

    direction = make_image(64, 96, 5).double() - 128
    step = 1e-7
    ends = [objective(candidate + sign * step * direction)[0].total for sign in (1, -1)]
    slope = float((gradient * direction).sum())
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_mask_of_ones_gives_the_pixels_of_no_mask(
    network: VGG, precision: str
) -> None:
    recipe = replace(SMALL, **NEIGHBORS)
    styles = [(FIRST, 1.0), (SECOND, 2.0)]
    regions = [Region(torch.ones(64, 96), (1.0, 2.0), {1: torch.ones(72, 64)})]
    whole, masked = (
        run_pyramid(network, recipe, PHOTO, styles, precision=precision, regions=given)  # type: ignore[arg-type]
        for given in ((), regions)
    )
    assert torch.equal(whole.image, masked.image)
    assert whole.losses == masked.losses
    assert whole.sources is not None
    assert masked.sources is not None
    assert torch.equal(whole.sources, masked.sources)


def test_two_halves_after_one_work_are_nearly_the_whole(network: VGG) -> None:
    recipe = replace(SMALL, levels=((1.0, 30),))
    styles = [(FIRST, 1.0)]
    mask = left_half()
    halves = [Region(mask, (1.0,)), Region(1 - mask, (1.0,))]
    whole, divided = (
        run_pyramid(network, recipe, PHOTO, styles, regions=regions).image
        for regions in ((), halves)
    )
    targets = compute_targets(network, recipe, PHOTO, styles)
    objective = Objective(network, recipe, targets)
    start, best, other = (
        objective(image)[0].total for image in (PHOTO, whole, divided)
    )
    assert other - best < 0.1 * (start - best)


# Masks of styles ---------------------------------------------------------------------


def test_a_region_is_after_the_masked_part_of_a_style(network: VGG) -> None:
    """A work of two halves, one of which counts, is like that half alone."""
    first, second = FIRST[..., :48, :48], SECOND[..., :48, :48]
    work = torch.cat((first, second), 3)
    recipe = replace(SMALL, **NEIGHBORS)
    regions = [Region(torch.ones(64, 96), (1.0,), {0: left_half(48)})]
    targets = compute_targets(network, recipe, PHOTO, [(work, 1.0)], regions=regions)
    masks = make_layer_masks(network, recipe, left_half(48))
    for layer, matrix in targets.styles[0].grams.items():
        window = masks.layers[layer].get_window(slice(None))
        (expected,) = guided_grams(network(work, [layer])[layer], [window])
        torch.testing.assert_close(matrix, expected, rtol=1e-4, atol=1e-6)
    layers, places = [*recipe.neighbor_weights], masks.get_places()
    for turns in ("none", "mirror", "all"):
        part = NeighborFinder(network, layers, [work], masks=[places], turns=turns)  # type: ignore[arg-type]
        whole = NeighborFinder(network, layers, [work], turns=turns)  # type: ignore[arg-type]
        assert part.find(FIRST).similarity > part.find(SECOND).similarity + 0.02
        assert whole.find(SECOND).similarity > part.find(SECOND).similarity + 0.02


def test_places_outside_the_region_get_no_neighbors(network: VGG) -> None:
    recipe = replace(SMALL, **NEIGHBORS)
    finder = NeighborFinder(network, [*recipe.neighbor_weights], [FIRST, SECOND])
    masks = make_layer_masks(network, recipe, left_half())
    found = finder.find(PHOTO, masks.get_places())
    alone = finder.find(PHOTO[..., :48])
    assert (found.sources[:, 12:] == -1).all()
    assert (found.sources[:, :12] >= 0).all()
    # Alike but at the seam, which sees the other half.
    same = found.sources[:, :8] == alone.sources[:, :8]
    assert same.float().mean() > 0.9


def test_neighbors_at_an_edge_are_of_what_is_found(network: VGG) -> None:
    """Of the deepest layer, whose places are partly in the region."""
    layers = ["conv3_1", "conv4_1"]
    recipe = replace(
        SMALL, neighbor_layers=tuple((x, 0.5) for x in layers), **NEIGHBORS
    )
    mask = torch.zeros(64, 96)
    mask[:36, :68] = 1
    places = make_layer_masks(network, recipe, mask).get_places()
    finder = NeighborFinder(network, layers, [PHOTO])
    part, whole = finder.find(PHOTO, places), finder.find(PHOTO)
    cosines = (part.directions["conv4_1"] * whole.directions["conv4_1"]).sum(0)
    covered = places["conv4_1"]
    assert set(covered.unique().tolist()) == {0.0, 0.25, 0.5, 1.0}
    assert cosines[covered == 1].min() > 0.999
    # What is outside of the region is missing from the mean.
    assert cosines[covered > 0].min() > 0.6


def test_sources_name_each_regions_styles(network: VGG) -> None:
    recipe = replace(SMALL, **NEIGHBORS)
    mask = left_half()
    regions = [Region(mask, (0.0, 1.0)), Region(1 - mask, (1.0, 0.0))]
    styles = [(FIRST, 1.0), (SECOND, 1.0)]
    result = run_pyramid(network, recipe, PHOTO, styles, regions=regions)
    assert result.sources is not None
    assert (result.sources[:, :12] == 1).all()
    assert (result.sources[:, 12:] == 0).all()


# Kept parts --------------------------------------------------------------------------


def test_what_is_kept_is_not_moved(network: VGG) -> None:
    mask = left_half()
    regions = [Region(1 - mask, (1.0,))]
    recipe = replace(SMALL, levels=((1.0, 5),))
    result = run_pyramid(
        network, recipe, PHOTO, [(FIRST, 1.0)], regions=regions, kept=mask
    )
    assert torch.equal(result.image[..., :48], PHOTO[..., :48])
    assert (result.image[..., 48:] - PHOTO[..., 48:]).abs().mean() > 3


def test_the_gradient_where_a_part_is_half_kept(exact: VGG) -> None:
    recipe = replace(SMALL, **NEIGHBORS)
    mask = soft_ramp().double()
    targets = make_targets(exact, recipe, [Region(1 - mask, (1.0, 1.0))], torch.float64)
    objective = Objective(exact, recipe, targets, kept=KeptPart(mask, PHOTO.double()))
    candidate, direction = (
        make_image(64, 96, 9).double(),
        make_image(64, 96, 5).double(),
    )
    direction -= 128
    _, gradient = objective(candidate)
    step = 1e-7
    ends = [objective(candidate + sign * step * direction)[0].total for sign in (1, -1)]
    slope = float((gradient * direction).sum())
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(slope, rel=1e-4)
    assert (gradient[..., -1] == 0).all()
