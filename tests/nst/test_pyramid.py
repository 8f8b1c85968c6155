"""The pyramid: its levels, what it starts from, what is told and what is kept."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from artist_nst.nst import level as one_level
from artist_nst.nst.level import Level, resized
from artist_nst.nst.losses import neighbours
from artist_nst.nst.minimize import INTERRUPTED, NOT_FINITE, NotFiniteError, Outcome
from artist_nst.nst.objective import Style
from artist_nst.nst.pyramid import Result, Step, plan, run
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Weights
from artist_nst.recipes.published import RECIPES, recipe
from artist_nst.recipes.recipe import Recipe
from tests.conftest import picture

INITS = ["content", "rand", "style", "noisy-content"]
THIRDS = ((1 / 3, 80), (2 / 3, 60), (1.0, 40))


@pytest.fixture(scope="module")
def network(thin_weights: Weights) -> VGG:
    return VGG(thin_weights)


def small(**changes: Any) -> Recipe:
    """Two levels for images from 96 pixels on, the cheapest layer."""
    layers = {
        "content_layers": (("conv1_1", 1.0),),
        "style_layers": (("conv1_1", 1.0),),
    }
    return recipe(**{"levels": ((0.5, 2), (1.0, 3)), "tv": 0.0, **layers, **changes})


def image(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(picture(height, width, seed)).permute(2, 0, 1)[None].float()


def stop_at(iteration: int) -> Callable[[Step], None]:
    def on_step(step: Step) -> None:
        if step.iteration == iteration:
            raise KeyboardInterrupt

    return on_step


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
    made = plan(recipe(levels=levels), height, width)
    assert made == [Level(*one) for one in expected]


def test_plan_of_one_iteration() -> None:
    one = recipe(levels=THIRDS).with_iterations(1)
    assert plan(one, 300, 512) == [Level(300, 512, 1)]


def test_plan_loses_no_iterations() -> None:
    for total in (1, 2, 3, 5, 100):
        numbers = recipe(levels=THIRDS).with_iterations(total)
        for side in (1, 30, 71, 72, 73, 143, 144, 500):
            levels = plan(numbers, side, 2 * side)
            assert sum(level.iterations for level in levels) == total
            assert all(level.iterations > 0 for level in levels)
            assert (levels[-1].height, levels[-1].width) == (side, 2 * side)


def test_steps_are_told_in_order(network: VGG) -> None:
    steps: list[Step] = []
    styles = [(image(80, 60, 1), 1.0)]
    result = run(network, small(), image(97, 101), styles, on_step=steps.append)
    assert [(step.level, step.iteration) for step in steps] == [
        (1, 1),
        (1, 2),
        (2, 3),
        (2, 4),
        (2, 5),
    ]
    assert {(step.levels, step.iterations) for step in steps} == {(2, 5)}
    sizes = [tuple(step.image.shape) for step in steps]
    assert sizes == [(1, 3, 48, 50)] * 2 + [(1, 3, 97, 101)] * 3
    for step in steps:
        assert step.losses.finite
        assert step.seconds >= 0
        assert step.remaining >= 0
        assert float(step.image.min()) >= 0
        assert float(step.image.max()) <= 255
    assert steps[-1].remaining == 0
    assert all(step.remaining > 0 for step in steps[:-1])
    told = [(moment.iteration, moment.losses) for moment in result.history]
    assert told == [(step.iteration, step.losses) for step in steps]
    assert result.starts == [1, 3]
    assert result.reasons == ["all iterations done"] * 2
    assert not result.interrupted
    assert result.evaluations >= 7


def test_the_seconds_of_the_history_go_on(network: VGG) -> None:
    steps: list[Step] = []
    styles = [(image(80, 60, 1), 1.0)]
    result = run(network, small(), image(97, 101), styles, on_step=steps.append)
    seconds = [moment.seconds for moment in result.history]
    assert all(before < after for before, after in pairwise((0.0, *seconds)))
    # Also over the levels: each iteration took at most what passed since the last.
    for step, (before, after) in zip(steps, pairwise((0.0, *seconds)), strict=True):
        assert step.seconds <= after - before + 1e-9


@pytest.mark.parametrize(
    ("levels", "side", "starts"),
    [
        (((0.5, 2), (1.0, 3)), 96, [1, 3]),
        # Of 40 pixels nothing can be said: the second level takes its iterations.
        (((0.5, 2), (1.0, 3)), 80, [1]),
        (((0.25, 1), (0.5, 2), (1.0, 1)), 96, [1, 4]),
        (((0.5, 0), (1.0, 2)), 96, [1]),
        (((0.5, 2), (0.75, 0), (1.0, 2)), 96, [1, 3]),
        (((1.0, 1), (1.0, 2), (1.0, 1)), 48, [1, 2, 4]),
    ],
)
def test_where_levels_start(
    network: VGG, levels: Any, side: int, starts: list[int]
) -> None:
    steps: list[Step] = []
    styles = [(image(48, 48, 1), 1.0)]
    numbers = small(levels=levels)
    result = run(network, numbers, image(side, side), styles, on_step=steps.append)
    assert result.starts == starts
    first = {step.level: step.iteration for step in reversed(steps)}
    assert [first[level] for level in sorted(first)] == starts
    assert len(result.reasons) == len(starts)


def test_a_level_that_ends_early_leaves_the_next_its_place(network: VGG) -> None:
    """The photo in its own style: nothing is left to be done at any level."""
    photo = image(48, 48)
    result = run(network, small(levels=((1.0, 5), (1.0, 5))), photo, [(photo, 1.0)])
    assert [reason[:9] for reason in result.reasons] == ["converged"] * 2
    assert result.starts == [1, 6]
    assert {moment.iteration for moment in result.history} <= {1, 6}


@pytest.mark.parametrize("name", RECIPES)
def test_the_terms_of_every_recipe_add_up(name: str, thin_weights: Weights) -> None:
    """Each layer's term, weighted and summed, is what the term is told to be."""
    numbers = RECIPES[name].with_iterations(3)
    network = VGG(thin_weights, pool=numbers.pool)
    content = image(48, 64)
    result = run(network, numbers, content, [(image(48, 64, 1), 1.0)], seed=1)
    assert result.history
    for losses in (result.losses, *(moment.losses for moment in result.history)):
        parts = []
        for layers, told, term in (
            (numbers.content_layers, losses.content_layers, losses.content),
            (numbers.style_layers, losses.style_layers, losses.style),
        ):
            assert list(told) == [layer for layer, _ in layers]
            parts.append(sum(weight * told[layer] for layer, weight in layers))
            assert term == pytest.approx(parts[-1], rel=1e-5, abs=1e-30)
        smoothness = numbers.tv + numbers.tv_sum * neighbours(content)
        total = parts[0] + numbers.ratio * parts[1] + smoothness * losses.tv
        assert losses.total == pytest.approx(total, rel=1e-5)
    assert result.losses.style > 0


def test_levels_of_the_same_size(network: VGG) -> None:
    steps: list[Step] = []
    twins = small(levels=((1.0, 2), (1.0, 2)))
    run(network, twins, image(48, 50), [(image(48, 48, 1), 1.0)], on_step=steps.append)
    found = [(step.level, step.iteration) for step in steps]
    assert found == [(1, 1), (1, 2), (2, 3), (2, 4)]
    assert steps[-1].remaining == 0


@pytest.mark.parametrize("size", [(96, 96), (97, 131), (5, 64), (2, 2)])
def test_a_painting_has_the_photos_size(network: VGG, size: tuple[int, int]) -> None:
    content = image(*size)
    result = run(network, small(), content, [(image(70, 50, 1), 1.0)])
    assert result.image.shape == content.shape
    assert result.image.dtype == torch.float32
    assert not torch.equal(result.image, content)


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("size", [(40, 120), (120, 40)])
def test_styles_of_another_aspect(
    network: VGG, init: Any, size: tuple[int, int]
) -> None:
    styles: list[Style] = [(image(*size, 1), 1.0), (image(64, 64, 2), 2.0)]
    result = run(network, small(init=init), image(97, 99), styles)
    assert result.image.shape == (1, 3, 97, 99)
    assert bool(result.image.isfinite().all())


@pytest.mark.parametrize("init", INITS)
def test_one_channel(network: VGG, init: Any) -> None:
    content, style = image(96, 98)[:, :1], image(80, 60, 1)[:, :1]
    result = run(network, small(init=init), content, [(style, 1.0)])
    assert result.image.shape == (1, 1, 96, 98)
    assert 0 <= float(result.image.min()) < float(result.image.max()) <= 255


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("init", ["content", "rand"])
def test_the_loss_falls(network: VGG, init: Any, optimizer: Any) -> None:
    steps: list[Step] = []
    numbers = small(init=init, optimizer=optimizer, levels=((0.5, 4), (1.0, 4)))
    styles = [(image(80, 60, 1), 1.0)]
    result = run(network, numbers, image(96, 96), styles, on_step=steps.append)
    for level in (1, 2):
        totals = [step.losses.total for step in steps if step.level == level]
        assert totals[-1] < totals[0]
    assert result.losses.total <= min(one.losses.total for one in steps[4:])


def painted(network: VGG, init: Any, seed: int) -> Result:
    styles = [(image(80, 60, 1), 1.0)]
    return run(network, small(init=init), image(96, 97), styles, seed=seed)


@pytest.mark.parametrize("init", INITS)
def test_the_same_seed_paints_the_same(network: VGG, init: Any) -> None:
    one, other = (painted(network, init, 7) for _ in range(2))
    assert torch.equal(one.image, other.image)
    # All but the seconds.
    assert [moment[:2] for moment in one.history] == [
        moment[:2] for moment in other.history
    ]


@pytest.mark.parametrize(
    ("init", "same"),
    [("content", True), ("style", True), ("rand", False), ("noisy-content", False)],
)
def test_another_seed(network: VGG, init: Any, same: bool) -> None:
    one, other = (painted(network, init, seed).image for seed in (7, 8))
    assert torch.equal(one, other) == same


def first_images(
    network: VGG,
    monkeypatch: pytest.MonkeyPatch,
    numbers: Recipe,
    content: Tensor,
    styles: list[Style],
) -> list[Tensor]:
    """What each level of a run starts from."""
    starts: list[Tensor] = []

    def spy(objective: Any, start: Tensor, *rest: Any) -> Outcome:
        starts.append(start.clone())
        return minimize(objective, start, *rest)

    minimize = one_level.minimize
    monkeypatch.setattr(one_level, "minimize", spy)
    run(network, numbers, content, styles, seed=3)
    return starts


def test_start_from_the_photo(network: VGG, monkeypatch: pytest.MonkeyPatch) -> None:
    content = image(96, 100)
    styles = [(image(60, 60, 1), 1.0)]
    starts = first_images(network, monkeypatch, small(), content, styles)
    assert torch.equal(starts[0], resized(content, 48, 50))
    assert starts[1].shape == content.shape


def test_a_level_starts_from_the_one_before(
    network: VGG, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[Step] = []
    content, styles = image(96, 100), [(image(60, 60, 1), 1.0)]
    run(network, small(), content, styles, on_step=steps.append)
    best = min(steps[:2], key=lambda step: step.losses.total)
    starts = first_images(network, monkeypatch, small(), content, styles)
    assert torch.equal(starts[1], resized(best.image, 96, 100))


def test_start_from_the_style(network: VGG, monkeypatch: pytest.MonkeyPatch) -> None:
    # The heavier of two, twice as wide as is needed: its middle.
    light, heavy = image(48, 48, 1), image(48, 96, 2)
    numbers = small(init="style", levels=((1.0, 1),))
    styles = [(light, 1.0), (heavy, 3.0)]
    (start,) = first_images(network, monkeypatch, numbers, image(48, 48), styles)
    assert torch.equal(start, heavy[..., 24:72])


@pytest.mark.parametrize("size", [(20, 90), (90, 20), (31, 31), (200, 130)])
def test_a_style_covers_the_whole_start(
    network: VGG, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    plain = torch.full((1, 3, *size), 140.0)
    numbers = small(init="style", levels=((1.0, 1),))
    styles = [(plain, 1.0)]
    (start,) = first_images(network, monkeypatch, numbers, image(51, 67), styles)
    assert start.shape == (1, 3, 51, 67)
    torch.testing.assert_close(start, torch.full_like(start, 140.0))


def test_start_from_noise(network: VGG, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = small(init="rand", levels=((1.0, 1),))
    styles = [(image(48, 48, 1), 1.0)]
    (start,) = first_images(network, monkeypatch, numbers, image(64, 64), styles)
    assert 0 <= float(start.min()) < 1
    assert 254 < float(start.max()) <= 255
    # Even: every fifth of the range as often as the others.
    counts = torch.histc(start, 5, 0, 255) / start.numel()
    assert float((counts - 0.2).abs().max()) < 0.02
    photo = image(64, 64).flatten()
    both = torch.stack((start.flatten(), photo))
    assert abs(float(torch.corrcoef(both)[0, 1])) < 0.05


def test_start_from_the_photo_under_noise(
    network: VGG, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = image(64, 64)
    numbers = small(init="noisy-content", levels=((1.0, 1),))
    styles = [(image(48, 48, 1), 1.0)]
    (start,) = first_images(network, monkeypatch, numbers, content, styles)
    noise = start - 0.4 * content - 0.6 * content.mean()
    assert 11 < float(noise.max()) <= 12.001
    assert -12.001 <= float(noise.min()) < -11
    assert abs(float(noise.mean())) < 0.5


@pytest.mark.parametrize("init", INITS)
def test_the_photo_is_left_alone(network: VGG, init: Any) -> None:
    content, style = image(50, 50), image(48, 48, 1)
    run(network, small(init=init), content, [(style, 1.0)])
    assert torch.equal(content, image(50, 50))
    assert torch.equal(style, image(48, 48, 1))


def test_interrupted_in_the_first_level(network: VGG) -> None:
    styles = [(image(80, 60, 1), 1.0)]
    result = run(network, small(), image(97, 101), styles, on_step=stop_at(2))
    assert result.interrupted
    assert result.reasons == [INTERRUPTED]
    assert result.image.shape == (1, 3, 97, 101)
    assert [moment.iteration for moment in result.history] == [1, 2]
    assert result.starts == [1]
    assert 0 <= float(result.image.min()) < float(result.image.max()) <= 255


def test_interrupted_in_the_last_level(network: VGG) -> None:
    styles = [(image(80, 60, 1), 1.0)]
    result = run(network, small(), image(97, 101), styles, on_step=stop_at(4))
    assert result.interrupted
    assert result.reasons == ["all iterations done", INTERRUPTED]
    assert result.image.shape == (1, 3, 97, 101)
    assert result.losses.total <= result.history[-1].losses.total
    assert result.starts == [1, 3]


def test_interrupted_before_there_is_anything(
    network: VGG, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(one_level, "targets", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(network, small(), image(97, 101), [(image(80, 60, 1), 1.0)])


@pytest.mark.parametrize(
    ("error", "reason"),
    [(KeyboardInterrupt(), INTERRUPTED), (NotFiniteError("so"), NOT_FINITE)],
)
def test_what_a_level_painted_survives_the_next(
    network: VGG,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    reason: str,
) -> None:
    """Ended between two levels, before the second has evaluated anything."""
    outcomes: list[Outcome] = []

    def once(*arguments: Any) -> Outcome:
        if outcomes:
            raise error
        outcomes.append(minimize(*arguments))
        return outcomes[0]

    minimize = one_level.minimize
    monkeypatch.setattr(one_level, "minimize", once)
    result = run(network, small(), image(97, 101), [(image(80, 60, 1), 1.0)])
    assert result.reasons == ["all iterations done", reason]
    assert result.interrupted == (reason == INTERRUPTED)
    assert torch.equal(result.image, resized(outcomes[0].image, 97, 101))
    assert result.losses == outcomes[0].losses
    assert result.starts == [1, 3]


def test_not_finite_at_the_start(thin_weights: Weights) -> None:
    broken = VGG(thin_weights)
    broken.mean = broken.mean * torch.nan
    with pytest.raises(NotFiniteError):
        run(broken, small(), image(48, 48), [(image(48, 48, 1), 1.0)])


def test_styles_shrink_with_their_level(
    network: VGG, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[tuple[int, ...]]] = []

    def spy(
        network: VGG, numbers: Recipe, content: Tensor, styles: Any, features: Any
    ) -> Any:
        seen.append([tuple(style.shape[-2:]) for style, _ in styles])
        return targets(network, numbers, content, styles, features)

    targets = one_level.targets
    monkeypatch.setattr(one_level, "targets", spy)
    run(
        network,
        small(style_layers=(("conv5_1", 1.0),), levels=((0.5, 1), (1.0, 1))),
        image(100, 100),
        [(image(80, 60, 1), 1.0), (image(24, 200, 2), 1.0), (image(16, 40), 1.0)],
    )
    # Though never below the 16 pixels that conv5_1 needs.
    assert seen == [[(40, 30), (16, 133), (16, 40)], [(80, 60), (24, 200), (16, 40)]]


@pytest.mark.parametrize("size", [(7, 9), (40, 31)])
def test_resized_stays_in_range(size: tuple[int, int]) -> None:
    checks = 255.0 * (torch.arange(20) % 2).expand(1, 1, 20, 20)
    found = resized(checks, *size)
    assert found.shape == (1, 1, *size)
    assert float(found.min()) >= 0
    assert float(found.max()) <= 255
    assert resized(checks, 20, 20) is checks


def test_reducing_averages() -> None:
    # 0, 1, 1, 0: without anti-aliasing, every fourth place would come out white.
    stripes = 255.0 * ((torch.arange(64) + 1) // 2 % 2).expand(1, 1, 64, 64)
    middle = resized(stripes, 64, 16)[..., 4:12]
    torch.testing.assert_close(middle, torch.full_like(middle, 127.5), rtol=0, atol=16)


def test_the_callers_choice_of_algorithms_is_given_back(network: VGG) -> None:
    seen: list[bool] = []
    before = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    run(
        network,
        small(),
        image(48, 48),
        [(image(48, 48, 1), 1.0)],
        on_step=lambda _: seen.append(torch.backends.cudnn.deterministic),
    )
    after = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    assert seen == [True] * 5
    assert after == before


def test_the_first_levels_are_drafts() -> None:
    marks = {
        count: [level.draft for level in plan(recipe(draft_levels=count), 300, 300)]
        for count in (0, 1, 2)
    }
    assert marks == {
        0: [False, False, False],
        1: [True, False, False],
        2: [True, True, False],
    }
    # A first level that is too small gives its iterations to the next, not its network.
    assert [one.draft for one in plan(recipe(draft_levels=1), 100, 150)] == [False] * 2


def test_another_network_paints_the_drafts(
    network: VGG, compact_weights: Weights
) -> None:
    content, styles = image(100, 100), [(image(90, 80, 1), 1.0)]
    numbers = small(draft_levels=1)
    draft = VGG(compact_weights)
    found = {
        name: run(network, made, content, styles, draft=other)
        for name, made, other in (
            ("mixed", numbers, draft),
            ("alone", numbers, None),
            ("not asked", small(), draft),
        )
    }
    painters = {
        name: [one.network for one in result.computed] for name, result in found.items()
    }
    assert painters == {
        "mixed": ["compact", "vgg19"],
        "alone": ["vgg19", "vgg19"],
        "not asked": ["vgg19", "vgg19"],
    }
    assert torch.equal(found["alone"].image, found["not asked"].image)
    assert not torch.equal(found["mixed"].image, found["alone"].image)
    first = run(draft, small(), content, styles)
    # Up to where the other one takes over, it is the draft's own way.
    assert [one.losses for one in found["mixed"].history[:2]] == [
        one.losses for one in first.history[:2]
    ]
    assert found["mixed"].history[2].losses != first.history[2].losses


@pytest.mark.parametrize("drafts", [0, 1, 2])
def test_the_time_left_is_that_of_the_networks_at_work(
    network: VGG, compact_weights: Weights, drafts: int
) -> None:
    """By each level's pixels and the multiplications of the network that paints it."""
    layers = {"content_layers": (("conv4_2", 1.0),), "style_layers": (("conv5_1", 1),)}
    sizes = (48, 72, 96)
    numbers = recipe(
        levels=((0.5, 3), (0.75, 2), (1.0, 2)), draft_levels=drafts, **layers
    )
    draft, styles = VGG(compact_weights), [(image(80, 60, 1), 1.0)]
    steps: list[Step] = []
    run(network, numbers, image(96, 96), styles, draft=draft, on_step=steps.append)
    painters = [draft] * drafts + [network] * (3 - drafts)
    costs = [
        (1 + one.cost(["conv5_1", "conv4_2"])) * side**2
        for one, side in zip(painters, sizes, strict=True)
    ]
    counts = [count for _, count in numbers.levels]
    ahead = [one for one, n in zip(costs, counts, strict=True) for _ in range(n)]
    pace = 0.0
    for number, step in enumerate(steps):
        own = step.seconds / ahead[number]
        pace = 0.8 * (pace or own) + 0.2 * own
        left = sum(ahead[number + 1 :])
        assert step.remaining == pytest.approx(left * pace, rel=1e-6)
    assert len(steps) == 7
    # What is left out would be noticed.
    assert draft.cost(["conv5_1"]) < network.cost(["conv5_1"]) / 10


def test_weights_of_nothing_cost_nothing(
    network: VGG, compact_weights: Weights
) -> None:
    """A layer of weight 0 is not looked at."""
    shallow = (("conv1_1", 1.0),)
    numbers = small(style_layers=(*shallow, ("conv5_1", 0.0)), draft_levels=1)
    draft, styles = VGG(compact_weights), [(image(80, 60, 1), 1.0)]
    steps: list[Step] = []
    run(network, numbers, image(96, 96), styles, draft=draft, on_step=steps.append)
    costs = [1 + one.cost(["conv1_1"]) for one in (draft, network)]
    first = steps[0]
    expected = first.seconds * (1 + 3 * 4 * costs[1] / costs[0])
    assert first.remaining == pytest.approx(expected, rel=1e-6)
