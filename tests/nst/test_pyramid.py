"""The pyramid: its levels, starts, steps, interruptions and drafts."""

from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from artist_nst.nst import level as level_module
from artist_nst.nst.lbfgs import StopReason
from artist_nst.nst.level import Level, resize_image
from artist_nst.nst.losses import count_neighbor_pairs
from artist_nst.nst.minimize import MinimizeResult, NotFiniteError
from artist_nst.nst.objective import WeightedImage
from artist_nst.nst.pyramid import SETUP, PyramidResult, Step, plan_levels, run_pyramid
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.recipes.published import RECIPES, recipe
from artist_nst.recipes.recipe import Init, Recipe
from tests.nst.conftest import image

INITS: list[Init] = ["content", "rand", "style", "noisy-content"]
EACH_INIT = pytest.mark.parametrize("init", INITS)
THIRDS = ((1 / 3, 80), (2 / 3, 60), (1.0, 40))


@pytest.fixture(scope="module")
def network(thin_weights: Weights) -> VGG:
    return VGG(thin_weights)


def small(**changes: Any) -> Recipe:
    """Two levels for images from 96 pixels on, the cheapest layer."""
    layers = (("conv1_1", 1.0),)
    settings = {"levels": ((0.5, 2), (1.0, 3)), "tv": 0.0, "draft_levels": 0}
    kinds = "content_layers", "style_layers", "neighbor_layers"
    return recipe(**{**settings, **dict.fromkeys(kinds, layers), **changes})


def paint(
    network: VGG,
    settings: Recipe | None = None,
    size: tuple[int, int] = (97, 101),
    **how: Any,
) -> tuple[PyramidResult, list[Step]]:
    steps: list[Step] = []
    styles = [(image(80, 60, 1), 1.0)]
    result = run_pyramid(
        network,
        settings or small(),
        image(*size),
        styles,
        **{"on_step": steps.append, **how},
    )
    return result, steps


def stop_at(iteration: int) -> Callable[[Step], None]:
    def on_step(step: Step) -> None:
        if step.iteration == iteration:
            raise KeyboardInterrupt

    return on_step


# Levels ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("levels", "height", "width", "expected"),
    [
        (THIRDS, 300, 512, [(100, 171, 80), (200, 341, 60), (300, 512, 40)]),
        # 33 pixels are too few: 80 iterations move on to the level of 67.
        (THIRDS, 100, 150, [(67, 100, 140), (100, 150, 40)]),
        (THIRDS, 60, 600, [(60, 600, 180)]),
        (THIRDS, 144, 144, [(48, 48, 80), (96, 96, 60), (144, 144, 40)]),
        (THIRDS, 1, 1, [(1, 1, 180)]),
        (THIRDS, 1, 5000, [(1, 5000, 180)]),
        (((1.0, 512),), 17, 33, [(17, 33, 512)]),
        (((0.5, 0), (1.0, 9)), 200, 200, [(200, 200, 9)]),
        (((0.5, 9), (1.0, 1)), 60, 60, [(60, 60, 10)]),
    ],
)
def test_plan(
    levels: Any, height: int, width: int, expected: list[tuple[int, int, int]]
) -> None:
    settings = recipe(levels=levels, draft_levels=0)
    planned = plan_levels(settings, height, width)
    *first, last = (Level(*level) for level in expected)
    assert planned == [*first, replace(last, final=True)]


def test_plan_loses_no_iterations() -> None:
    for total in (1, 2, 3, 5, 100):
        settings = recipe(levels=THIRDS).with_iterations(total)
        for side in (1, 30, 71, 72, 73, 143, 144, 500):
            levels = plan_levels(settings, side, 2 * side)
            assert sum(level.iterations for level in levels) == total
            assert all(level.iterations > 0 for level in levels)
            assert (levels[-1].height, levels[-1].width) == (side, 2 * side)


def test_plan_of_drafts() -> None:
    def drafts(count: int, height: int, width: int) -> list[bool]:
        settings = recipe(levels=THIRDS, draft_levels=count)
        levels = plan_levels(settings, height, width)
        return [level.draft for level in levels]

    assert drafts(0, 300, 300) == [False] * 3
    assert drafts(1, 300, 300) == [False, True, False]
    assert drafts(2, 300, 300) == drafts(9, 300, 300) == [True, True, False]
    # A first level that is too small passes on its iterations.
    assert drafts(2, 100, 150) == [True, False]


@pytest.mark.parametrize(
    ("levels", "side", "starts"),
    [
        (((0.5, 2), (1.0, 3)), 96, [1, 3]),
        # 40 pixels are too few: the second level takes the first one's iterations.
        (((0.5, 2), (1.0, 3)), 80, [1]),
        (((0.5, 0), (1.0, 2)), 96, [1]),
        (((0.5, 2), (0.75, 0), (1.0, 2)), 96, [1, 3]),
        (((1.0, 1), (1.0, 2), (1.0, 1)), 48, [1, 2, 4]),
    ],
)
def test_where_levels_start(
    network: VGG, levels: Any, side: int, starts: list[int]
) -> None:
    result, steps = paint(network, small(levels=levels), (side, side))
    assert result.level_starts == starts
    first = {step.level: step.iteration for step in reversed(steps)}
    assert [first[level] for level in sorted(first)] == starts
    assert len(result.reasons) == len(starts)
    assert steps[-1].remaining == 0


def test_a_level_that_converges_early_does_not_shift_the_next(network: VGG) -> None:
    """The photo in its own style: there is nothing to do at any level."""
    # The cosines of neighbors are rounded: their gradient is not quite zero.
    settings = small(levels=((1.0, 5), (1.0, 5)), neighbor_weight=0.0)
    photo = image(48, 48)
    result = run_pyramid(network, settings, photo, [(photo, 1.0)])
    assert [reason[:9] for reason in result.reasons] == ["converged"] * 2
    assert result.level_starts == [1, 6]
    assert {entry.iteration for entry in result.history} <= {1, 6}


# Steps and history -------------------------------------------------------------------


def test_steps_are_reported_in_order(network: VGG) -> None:
    result, steps = paint(network)
    assert [(step.level, step.iteration) for step in steps] == [
        *((1, 1), (1, 2)),
        *((2, 3), (2, 4), (2, 5)),
    ]
    assert {(step.levels, step.iterations) for step in steps} == {(2, 5)}
    sizes = [tuple(step.image.shape) for step in steps]
    assert sizes == [(1, 3, 48, 50)] * 2 + [(1, 3, 97, 101)] * 3
    for step in steps:
        assert step.losses.is_finite
        assert 0 <= float(step.image.min()) < float(step.image.max()) <= 255
    assert [step.remaining > 0 for step in steps] == [True] * 4 + [False]
    history = [(entry.iteration, entry.losses) for entry in result.history]
    assert history == [(step.iteration, step.losses) for step in steps]
    # Seconds go on over the levels; each iteration took at most the difference.
    seconds = [0.0, *(entry.seconds for entry in result.history)]
    for step, (before, after) in zip(steps, pairwise(seconds), strict=True):
        assert 0 <= step.seconds <= after - before + 1e-9
    assert result.level_starts == [1, 3]
    assert result.reasons == [StopReason.ALL_DONE] * 2
    assert not result.interrupted
    assert result.evaluations >= 7


def test_the_terms_of_every_recipe_add_up(thin_weights: Weights) -> None:
    """Each layer's term, weighted and summed, is the reported sum."""
    content, styles = image(32, 48), [(image(32, 48, 1), 1.0)]
    for name, settings in RECIPES.items():
        settings = settings.with_iterations(2)
        network = VGG(thin_weights, pool=settings.pool)
        result = run_pyramid(network, settings, content, styles, seed=1)
        assert result.history
        for losses in (result.losses, *(entry.losses for entry in result.history)):
            sums = []
            for weights, terms, reported in (
                (settings.content_weights, losses.content_layers, losses.content),
                (settings.gram_weights, losses.style_layers, losses.style),
                (settings.neighbor_weights, losses.neighbor_layers, losses.neighbors),
            ):
                assert list(terms) == list(weights), name
                sums.append(sum(weights[layer] * term for layer, term in terms.items()))
                assert reported == pytest.approx(sums[-1], rel=1e-5, abs=1e-30), name
            style = settings.gram_weight * sums[1] + settings.neighbor_weight * sums[2]
            tv_weight = settings.tv + settings.tv_sum * count_neighbor_pairs(content)
            total = sums[0] + settings.ratio * style + tv_weight * losses.tv
            total += settings.matting * losses.matting
            assert losses.total == pytest.approx(total, rel=1e-5), name
        assert (result.losses.style > 0) == (settings.gram_weight > 0), name
        assert (result.losses.neighbors > 0) == (settings.neighbor_weight > 0), name


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("init", ["content", "rand"])
def test_the_loss_falls(network: VGG, init: Any, optimizer: Any) -> None:
    settings = small(init=init, optimizer=optimizer, levels=((0.5, 4), (1.0, 4)))
    result, steps = paint(network, settings, (96, 96))
    for level in (1, 2):
        totals = [step.losses.total for step in steps if step.level == level]
        assert totals[-1] < totals[0]
    assert result.losses.total <= min(step.losses.total for step in steps[4:])


# The painting ------------------------------------------------------------------------


def test_a_painting_has_the_photos_size(network: VGG) -> None:
    for size in ((96, 96), (97, 131), (5, 64), (4, 4), (2, 2)):
        # Neighbors need four pixels.
        settings = small() if min(size) >= 4 else small(neighbor_weight=0.0)
        result, _ = paint(network, settings, size)
        assert result.image.shape == (1, 3, *size)
        assert result.image.dtype == torch.float32
        assert not torch.equal(result.image, image(*size))


@EACH_INIT
def test_any_styles_and_channels(network: VGG, init: Init) -> None:
    for size, channels in ((40, 120), 3), ((120, 40), 3), ((80, 60), 1):
        images = [image(50, 52), image(*size, 1), image(64, 64, 2)]
        content, first, second = (one[:, :channels] for one in images)
        copies = [content.clone(), first.clone()]
        styles = [(first, 1.0), (second, 2.0)]
        result = run_pyramid(network, small(init=init), content, styles)
        assert result.image.shape == content.shape
        assert 0 <= float(result.image.min()) < float(result.image.max()) <= 255
        assert torch.equal(content, copies[0])
        assert torch.equal(first, copies[1])


@EACH_INIT
def test_the_seed(network: VGG, init: Init) -> None:
    first, again, other = (
        paint(network, small(init=init), (96, 97), seed=seed)[0] for seed in (7, 7, 8)
    )
    assert torch.equal(first.image, again.image)
    # All but the seconds.
    assert [entry[:2] for entry in first.history] == [
        entry[:2] for entry in again.history
    ]
    ignores_seed = init in ("content", "style")
    assert torch.equal(first.image, other.image) == ignores_seed


# Starts ------------------------------------------------------------------------------


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """The first image of each level that is painted."""
    images: list[Tensor] = []
    minimize = level_module.minimize

    def spy(objective: Any, start: Tensor, *rest: Any) -> MinimizeResult:
        images.append(start.clone())
        return minimize(objective, start, *rest)

    monkeypatch.setattr(level_module, "minimize", spy)
    return images


def test_start_from_the_photo_then_from_the_level_before(
    network: VGG, starts: list[Tensor]
) -> None:
    _, steps = paint(network, size=(96, 100))
    assert torch.equal(starts[0], resize_image(image(96, 100), 48, 50))
    best = min(steps[:2], key=lambda step: step.losses.total)
    assert torch.equal(starts[1], resize_image(best.image, 96, 100))


def test_start_from_the_style(network: VGG, starts: list[Tensor]) -> None:
    # The heavier of two, twice as wide as necessary: its center.
    light, heavy = image(48, 48, 1), image(48, 96, 2)
    settings = small(init="style", levels=((1.0, 1),))
    run_pyramid(network, settings, image(48, 48), [(light, 1.0), (heavy, 3.0)])
    assert torch.equal(starts.pop(), heavy[..., 24:72])
    for size in ((20, 90), (90, 20), (31, 31), (200, 130)):
        plain = torch.full((1, 3, *size), 140.0)
        run_pyramid(network, settings, image(51, 67), [(plain, 1.0)])
        torch.testing.assert_close(starts.pop(), torch.full((1, 3, 51, 67), 140.0))


def test_start_from_noise(network: VGG, starts: list[Tensor]) -> None:
    paint(network, small(init="rand", levels=((1.0, 1),)), (64, 64), seed=3)
    (start,) = starts
    assert 0 <= float(start.min()) < 1
    assert 254 < float(start.max()) <= 255
    # Uniform: every fifth of the range as often as the others.
    counts = torch.histc(start, 5, 0, 255) / start.numel()
    assert float((counts - 0.2).abs().max()) < 0.02
    both = torch.stack((start.flatten(), image(64, 64).flatten()))
    assert abs(float(torch.corrcoef(both)[0, 1])) < 0.05


def test_start_from_the_photo_under_noise(network: VGG, starts: list[Tensor]) -> None:
    paint(network, small(init="noisy-content", levels=((1.0, 1),)), (64, 64), seed=3)
    content = image(64, 64)
    noise = starts[0] - 0.4 * content - 0.6 * content.mean()
    assert 11 < float(noise.max()) <= 12.001
    assert -12.001 <= float(noise.min()) < -11
    assert abs(float(noise.mean())) < 0.5


# Interruptions -----------------------------------------------------------------------


def test_interrupted(network: VGG) -> None:
    result, _ = paint(network, on_step=stop_at(2))
    assert result.interrupted
    assert result.reasons == [StopReason.INTERRUPTED]
    assert result.image.shape == (1, 3, 97, 101)
    assert [entry.iteration for entry in result.history] == [1, 2]
    assert result.level_starts == [1]
    assert 0 <= float(result.image.min()) < float(result.image.max()) <= 255

    result, _ = paint(network, on_step=stop_at(4))
    assert result.interrupted
    assert result.reasons == [StopReason.ALL_DONE, StopReason.INTERRUPTED]
    assert result.image.shape == (1, 3, 97, 101)
    assert result.losses.total <= result.history[-1].losses.total
    assert result.level_starts == [1, 3]


def test_interrupted_before_there_is_an_image(
    network: VGG, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(level_module, "compute_targets", interrupt)
    with pytest.raises(KeyboardInterrupt):
        paint(network)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyboardInterrupt(), StopReason.INTERRUPTED),
        (NotFiniteError("so"), StopReason.NOT_FINITE),
    ],
)
def test_a_painted_level_survives_the_next_ones_failure(
    network: VGG,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    reason: StopReason,
) -> None:
    """Stopped between two levels, before the second has evaluated anything."""
    results: list[MinimizeResult] = []
    minimize = level_module.minimize

    def minimize_once(*arguments: Any) -> MinimizeResult:
        if results:
            raise error
        results.append(minimize(*arguments))
        return results[0]

    monkeypatch.setattr(level_module, "minimize", minimize_once)
    result, _ = paint(network)
    assert result.reasons == [StopReason.ALL_DONE, reason]
    assert result.interrupted == (reason == StopReason.INTERRUPTED)
    assert torch.equal(result.image, resize_image(results[0].image, 97, 101))
    assert result.losses == results[0].losses
    assert result.level_starts == [1, 3]


def test_not_finite_at_the_start(thin_weights: Weights) -> None:
    broken = VGG(thin_weights)
    broken.mean = broken.mean * torch.nan
    with pytest.raises(NotFiniteError):
        paint(broken, size=(48, 48))


# Sizes and settings ------------------------------------------------------------------


def test_styles_shrink_with_their_level(
    network: VGG, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[list[tuple[int, ...]]] = []
    compute_targets = level_module.compute_targets

    def spy(
        network: VGG, settings: Recipe, content: Tensor, styles: Any, *rest: Any
    ) -> Any:
        sizes.append([tuple(style.shape[-2:]) for style, _ in styles])
        return compute_targets(network, settings, content, styles, *rest)

    monkeypatch.setattr(level_module, "compute_targets", spy)
    styles: list[WeightedImage] = [
        (image(*size), 1.0) for size in ((80, 60), (24, 200), (16, 40))
    ]
    settings = small(style_layers=(("conv5_1", 1.0),), levels=((0.5, 1), (1.0, 1)))
    run_pyramid(network, settings, image(100, 100), styles)
    # But not below the 16 pixels that conv5_1 needs.
    assert sizes == [[(40, 30), (16, 133), (16, 40)], [(80, 60), (24, 200), (16, 40)]]


def test_resizing() -> None:
    checks = 255.0 * (torch.arange(20) % 2).expand(1, 1, 20, 20)
    for size in ((7, 9), (40, 31)):
        resized = resize_image(checks, *size)
        assert resized.shape == (1, 1, *size)
        assert 0 <= float(resized.min()) <= float(resized.max()) <= 255
    assert resize_image(checks, 20, 20) is checks
    # 0, 1, 1, 0: without anti-aliasing, every fourth column would be white.
    stripes = 255.0 * ((torch.arange(64) + 1) // 2 % 2).expand(1, 1, 64, 64)
    middle = resize_image(stripes, 64, 16)[..., 4:12]
    torch.testing.assert_close(middle, torch.full_like(middle, 127.5), rtol=0, atol=16)


def test_cudnns_settings_are_restored(network: VGG) -> None:
    during: list[bool] = []
    before = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    paint(
        network,
        size=(48, 48),
        on_step=lambda _: during.append(torch.backends.cudnn.deterministic),
    )
    after = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    assert during == [True] * 5
    assert after == before


# Drafts ------------------------------------------------------------------------------


def test_another_network_paints_the_drafts(
    network: VGG, compact_weights: Weights
) -> None:
    settings, draft = small(draft_levels=1), VGG(compact_weights)
    mixed, alone, unused = (
        paint(network, *arguments, size=(100, 100), draft=other)[0]
        for arguments, other in (
            ((settings,), draft),
            ((settings,), None),
            ((small(),), draft),
        )
    )
    networks = [
        [level.network for level in one.levels] for one in (mixed, alone, unused)
    ]
    assert networks == [["compact", "vgg19"], ["vgg19"] * 2, ["vgg19"] * 2]
    assert torch.equal(alone.image, unused.image)
    assert not torch.equal(mixed.image, alone.image)
    # Until the other takes over, it is the draft network's own painting.
    first, _ = paint(draft, size=(100, 100))
    losses = [[entry.losses for entry in one.history] for one in (mixed, first)]
    assert losses[0][:2] == losses[1][:2]
    assert losses[0][2] != losses[1][2]


@pytest.mark.parametrize("drafts", [0, 1, 2])
def test_the_remaining_time_follows_the_networks_costs(
    network: VGG, compact_weights: Weights, drafts: int
) -> None:
    """By each level's pixels and the multiplications of the network that paints it."""
    # A layer of weight 0 costs nothing.
    layers = {
        "content_layers": (("conv3_2", 1.0), ("conv5_1", 0.0)),
        "style_layers": (("conv4_1", 1.0), ("conv5_1", 0.0)),
    }
    sizes = (48, 72, 96)
    levels = ((0.5, 3), (0.75, 2), (1.0, 2))
    settings = recipe(levels=levels, draft_levels=drafts, **layers)
    draft = VGG(compact_weights)
    _, steps = paint(network, settings, (96, 96), draft=draft)
    painters = [network, draft, network] if drafts == 1 else [draft, draft, network]
    painters = painters if drafts else [network] * 3
    costs = [
        (1 + one.multiplications_per_pixel(["conv4_1"])) * side**2
        for one, side in zip(painters, sizes, strict=True)
    ]
    counts = [count for _, count in levels]
    costs = [cost for cost, n in zip(costs, counts, strict=True) for _ in range(n)]
    first = [0, *accumulate(counts)][:3]
    pace = 0.0
    for number, step in enumerate(steps):
        latest = step.seconds / costs[number]
        if number not in first:
            pace = 0.8 * (pace or latest) + 0.2 * latest
        # The first iteration of a level prepares it.
        cost = sum(costs[number + 1 :])
        cost += SETUP * sum(costs[at] for at in first if at > number)
        expected = cost * (pace or latest / (1 + SETUP))
        assert step.remaining == pytest.approx(expected, rel=1e-6)
    assert len(steps) == 7
