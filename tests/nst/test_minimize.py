"""The minimisers on functions whose minimum is known, and all ways they can end."""

import itertools
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from artist_nst.nst import minimize as module
from artist_nst.nst.minimize import (
    ALL_DONE,
    INTERRUPTED,
    NOT_FINITE,
    NotFiniteError,
    Outcome,
    minimize,
)
from artist_nst.nst.objective import Losses
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import Optimizer, Recipe

SHAPE = (1, 3, 4, 5)
BOTH = pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
FALLS_NO_MORE = "converged: the loss no longer falls"
NO_LOWER = "converged: no lower loss along the gradient"


def noise(seed: int, low: float = 20.0, high: float = 235.0) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(SHAPE, generator=source)


def numbers(optimizer: Optimizer = "lbfgs", **changes: Any) -> Recipe:
    return recipe(optimizer=optimizer, learning_rate=2.0, **changes)


class Bowl:
    """factor · Σ w (x − minimum)², w from 1 to ``steepest``; remembers its images.

    ``at`` maps an evaluation, counted from 1, to what happens there instead.
    """

    def __init__(
        self,
        minimum: Tensor,
        *,
        factor: float = 1.0,
        steepest: float = 50.0,
        at: dict[int, Callable[[Losses, Tensor], tuple[Losses, Tensor]]] | None = None,
    ) -> None:
        self.minimum = minimum.double()
        self.factor = factor
        weights = torch.linspace(1, steepest, minimum.numel(), dtype=torch.float64)
        self.weights = weights.view_as(minimum)
        self.at = at or {}
        self.images: list[Tensor] = []
        self.totals: list[float] = []

    def __call__(self, image: Tensor) -> tuple[Losses, Tensor]:
        self.images.append(image.clone())
        way = image.double() - self.minimum
        total = self.factor * float((self.weights * way**2).sum())
        gradient = (2 * self.factor * self.weights * way).to(image.dtype)
        found = Losses(total, total, 0.0, 0.0), gradient
        if change := self.at.get(len(self.images)):
            found = change(*found)
        self.totals.append(found[0].total)
        return found


class Diary:
    """An ``on_iteration`` that keeps what it is told."""

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.losses: list[Losses] = []
        self.images: list[Tensor] = []

    def __call__(self, count: int, losses: Losses, image: Tensor) -> None:
        self.counts.append(count)
        self.losses.append(losses)
        self.images.append(image.clone())


def assert_best(outcome: Outcome, bowl: Bowl) -> None:
    """The outcome is the best that ``bowl`` was asked about, and its loss is told."""
    finite = [total for total in bowl.totals if np.isfinite(total)]
    assert outcome.losses.total == min(finite)
    assert torch.equal(outcome.image, bowl.images[bowl.totals.index(min(finite))])


@pytest.mark.parametrize(
    ("optimizer", "iterations", "distance"), [("lbfgs", 100, 1e-3), ("adam", 400, 0.1)]
)
def test_a_minimum_inside(
    optimizer: Optimizer, iterations: int, distance: float
) -> None:
    bowl = Bowl(noise(1))
    outcome = minimize(bowl, noise(2), numbers(optimizer), iterations)
    assert float((outcome.image - bowl.minimum).abs().max()) < distance
    assert outcome.image.shape == SHAPE
    assert outcome.image.dtype == torch.float32
    assert_best(outcome, bowl)


@BOTH
def test_a_minimum_outside(optimizer: Optimizer) -> None:
    bowl = Bowl(noise(1, -200, 455))
    diary = Diary()
    outcome = minimize(bowl, noise(2), numbers(optimizer), 400, diary)
    expected = bowl.minimum.clamp(0, 255)
    assert bool(expected.eq(0).any())
    assert bool(expected.eq(255).any())
    assert float((outcome.image - expected).abs().max()) < 0.1
    assert len(diary.images) == outcome.iterations
    for image in [*bowl.images, *diary.images, outcome.image]:
        assert float(image.min()) >= 0
        assert float(image.max()) <= 255


@BOTH
def test_a_start_out_of_range_is_clipped(optimizer: Optimizer) -> None:
    bowl = Bowl(noise(1))
    minimize(bowl, noise(2, -300, 500).double(), numbers(optimizer), 2)
    assert torch.equal(bowl.images[0], noise(2, -300, 500).clamp(0, 255))
    assert {image.dtype for image in bowl.images} == {torch.float32}


def test_accepted_losses_never_rise() -> None:
    def valley(image: Tensor) -> tuple[Losses, Tensor]:
        """Rosenbrock's, curved: full steps are often too long."""
        x = (image.double() / 64).requires_grad_()
        flat = x.flatten()
        curved = 100 * (flat[1:] - flat[:-1] ** 2) ** 2 + (1 - flat[:-1]) ** 2
        total = curved.sum()
        (gradient,) = torch.autograd.grad(total, x)
        return Losses(float(total.detach()), 0, 0, 0), (gradient / 64).float()

    diary = Diary()
    outcome = minimize(valley, noise(2), numbers(), 60, diary)
    totals = [one.total for one in diary.losses]
    assert len(totals) > 20
    assert outcome.evaluations > outcome.iterations + 1
    assert all(after <= before for before, after in itertools.pairwise(totals))
    assert totals[-1] < totals[0] / 100


@BOTH
@pytest.mark.parametrize("iterations", [1, 2, 7])
def test_iterations_are_counted_and_limited(
    optimizer: Optimizer, iterations: int
) -> None:
    bowl, diary = Bowl(noise(1)), Diary()
    outcome = minimize(bowl, noise(2), numbers(optimizer), iterations, diary)
    assert outcome.iterations == iterations
    assert diary.counts == list(range(1, iterations + 1))
    assert outcome.evaluations == len(bowl.images) > iterations
    assert outcome.reason == ALL_DONE
    assert_best(outcome, bowl)


@BOTH
def test_an_iteration_is_told_its_own_image(optimizer: Optimizer) -> None:
    bowl, diary = Bowl(noise(1)), Diary()
    minimize(bowl, noise(2), numbers(optimizer), 9, diary)
    for losses, image in zip(diary.losses, diary.images, strict=True):
        assert bowl(image)[0].total == losses.total


def test_it_converges_at_the_minimum() -> None:
    bowl, diary = Bowl(noise(1)), Diary()
    outcome = minimize(bowl, noise(1), numbers(), 50, diary)
    assert outcome.reason == FALLS_NO_MORE
    assert outcome.iterations == 0 == len(diary.counts)
    assert torch.equal(outcome.image, noise(1))


def test_it_converges_on_the_way() -> None:
    outcome = minimize(Bowl(noise(1)), noise(2), numbers(), 10_000)
    assert outcome.reason == FALLS_NO_MORE
    assert 3 < outcome.iterations < 1000


def test_no_lower_loss_along_the_gradient() -> None:
    def plain(image: Tensor) -> tuple[Losses, Tensor]:
        return Losses(1.0, 0, 0, 0), torch.ones_like(image)

    outcome = minimize(plain, noise(2), numbers(), 50)
    assert outcome.reason == NO_LOWER
    assert outcome.iterations == 0
    assert outcome.evaluations < 100


def test_a_defeated_line_search_is_started_again() -> None:
    def stuck(_losses: Losses, gradient: Tensor) -> tuple[Losses, Tensor]:
        total = bowl.totals[4]
        return Losses(total, total, 0, 0), gradient

    # Longer than L-BFGS-B's own second try takes.
    bowl = Bowl(noise(1), at=dict.fromkeys(range(6, 50), stuck))
    diary = Diary()
    outcome = minimize(bowl, noise(2), numbers(), 40, diary)
    assert bowl.totals[5:49] == [bowl.totals[4]] * 44
    assert outcome.reason == ALL_DONE
    assert diary.counts == list(range(1, 41))
    assert outcome.losses.total < bowl.totals[4] / 1e6
    assert_best(outcome, bowl)


@pytest.mark.parametrize("factor", [1e-9, 1.0, 1e12])
def test_the_losses_unit_does_not_matter(factor: float) -> None:
    bowl = Bowl(noise(1), factor=factor)
    outcome = minimize(bowl, noise(2), numbers(), 30)
    assert outcome.iterations == 30
    assert outcome.losses.total < 1e-4 * bowl.totals[0]
    # The first step moves a pixel by one level on average.
    step = (bowl.images[1] - bowl.images[0]).abs().mean()
    assert float(step) == pytest.approx(1, rel=1e-3)


def test_a_small_loss_stops_art_py_at_once() -> None:
    # What ``first_step`` is for: scipy's tolerances are absolute below one.
    numbers = recipe("art.py")
    assert minimize(Bowl(noise(1)), noise(2), numbers, 30).iterations > 5
    tiny = minimize(Bowl(noise(1), factor=1e-9), noise(2), numbers, 30)
    assert tiny.reason == FALLS_NO_MORE
    assert tiny.iterations <= 1


@pytest.mark.parametrize("first_step", [0.0, 1.0, 3.0])
def test_what_scipy_is_handed(
    monkeypatch: pytest.MonkeyPatch, first_step: float
) -> None:
    handed: dict[str, Any] = {}

    def spy(function: Callable[..., Any], x: Any, **options: Any) -> Any:
        handed.update(options, loss=function(x), x=x)
        return fmin_l_bfgs_b(function, x, **options)

    fmin_l_bfgs_b = module.fmin_l_bfgs_b
    monkeypatch.setattr(module, "fmin_l_bfgs_b", spy)
    bowl = Bowl(noise(1))
    minimize(bowl, noise(2), recipe("art.py", first_step=first_step), 5)
    losses, gradient = bowl(noise(2))
    total, slope = handed["loss"]
    if first_step == 0:
        assert total == losses.total
        assert np.array_equal(slope, gradient.double().flatten().numpy())
    else:
        assert np.abs(slope).mean() == pytest.approx(first_step)
        scale = first_step / float(gradient.abs().mean())
        assert total == pytest.approx(scale * losses.total, rel=1e-5)
    assert set(handed["bounds"]) == {(0.0, 255.0)}
    assert len(handed["bounds"]) == handed["x"].size
    assert (handed["maxiter"], handed["m"]) == (5, 10)
    assert handed["factr"] == 1e7
    assert handed["pgtol"] == 1e-5


def interrupt(*_: object) -> Any:
    raise KeyboardInterrupt


@BOTH
@pytest.mark.parametrize("evaluation", [2, 5])
def test_interrupted_within_the_objective(
    optimizer: Optimizer, evaluation: int
) -> None:
    bowl, diary = Bowl(noise(1), at={evaluation: interrupt}), Diary()
    outcome = minimize(bowl, noise(2), numbers(optimizer), 50, diary)
    assert outcome.reason == INTERRUPTED
    assert outcome.evaluations == evaluation - 1 == len(bowl.totals)
    assert outcome.iterations == len(diary.counts) < evaluation
    assert_best(outcome, bowl)


@BOTH
@pytest.mark.parametrize("iteration", [1, 4])
def test_interrupted_between_iterations(optimizer: Optimizer, iteration: int) -> None:
    def stop(count: int, *_: object) -> None:
        if count == iteration:
            raise KeyboardInterrupt

    bowl = Bowl(noise(1))
    outcome = minimize(bowl, noise(2), numbers(optimizer), 50, stop)
    assert (outcome.reason, outcome.iterations) == (INTERRUPTED, iteration)
    assert_best(outcome, bowl)


@BOTH
def test_interrupted_before_there_is_anything(optimizer: Optimizer) -> None:
    bowl = Bowl(noise(1), at={1: interrupt})
    with pytest.raises(KeyboardInterrupt):
        minimize(bowl, noise(2), numbers(optimizer), 50)


def bad_loss(value: float) -> Callable[[Losses, Tensor], tuple[Losses, Tensor]]:
    return lambda losses, gradient: (replace(losses, total=value), gradient)


def bad_gradient(value: float) -> Callable[[Losses, Tensor], tuple[Losses, Tensor]]:
    def change(losses: Losses, gradient: Tensor) -> tuple[Losses, Tensor]:
        spoilt = gradient.clone()
        spoilt[0, 1, 2, 3] = value
        return losses, spoilt

    return change


BAD = pytest.mark.parametrize(
    "bad",
    [
        bad_loss(float("nan")),
        bad_loss(float("-inf")),
        bad_gradient(float("nan")),
        bad_gradient(float("inf")),
    ],
    ids=["loss-nan", "loss-inf", "gradient-nan", "gradient-inf"],
)


@BAD
@BOTH
@pytest.mark.parametrize("evaluation", [2, 6])
def test_no_longer_finite(
    optimizer: Optimizer, bad: Any, evaluation: int, caplog: pytest.LogCaptureFixture
) -> None:
    bowl = Bowl(noise(1), at={evaluation: bad})
    with caplog.at_level(logging.WARNING, "artist_nst"):
        outcome = minimize(bowl, noise(2), numbers(optimizer), 50)
    assert outcome.reason == NOT_FINITE
    assert NOT_FINITE in caplog.text
    assert len(bowl.images) == evaluation
    good = bowl.totals[: evaluation - 1]
    assert outcome.losses.total == min(good)
    assert torch.equal(outcome.image, bowl.images[good.index(min(good))])


@BAD
@BOTH
def test_not_finite_at_the_start(optimizer: Optimizer, bad: Any) -> None:
    with pytest.raises(NotFiniteError, match="finite"):
        minimize(Bowl(noise(1), at={1: bad}), noise(2), numbers(optimizer), 50)


@BOTH
@pytest.mark.parametrize("error", [ValueError, RuntimeError, MemoryError])
def test_other_errors_are_not_caught(
    optimizer: Optimizer, error: type[Exception]
) -> None:
    def fail(*_: object) -> Any:
        raise error("of the caller's")

    with pytest.raises(error, match="of the caller's"):
        minimize(Bowl(noise(1)), noise(2), numbers(optimizer), 50, fail)
    with pytest.raises(error, match="of the caller's"):
        minimize(Bowl(noise(1), at={3: fail}), noise(2), numbers(optimizer), 50)


@BOTH
def test_the_same_twice(optimizer: Optimizer) -> None:
    one, other = (
        minimize(Bowl(noise(1)), noise(2), numbers(optimizer), 20) for _ in range(2)
    )
    assert torch.equal(one.image, other.image)
    assert replace(one, image=other.image) == other


@BOTH
def test_the_start_is_left_alone(optimizer: Optimizer) -> None:
    start = noise(2)
    minimize(Bowl(noise(1)), start, numbers(optimizer), 5)
    assert torch.equal(start, noise(2))


@pytest.mark.parametrize("rate", [0.5, 8.0])
def test_adams_rate_is_in_levels(rate: float) -> None:
    bowl = Bowl(noise(1, 100, 101))
    minimize(bowl, noise(2, 150, 200), recipe(optimizer="adam", learning_rate=rate), 1)
    step = bowl.images[0] - bowl.images[1]
    torch.testing.assert_close(step, torch.full(SHAPE, rate), rtol=1e-3, atol=0)


def test_history_is_used() -> None:
    # A long memory sees through a narrow bowl.
    ends = [
        minimize(Bowl(noise(1), steepest=1e3), noise(2), numbers(history=m), 40)
        for m in (1, 30)
    ]
    assert ends[1].losses.total < ends[0].losses.total / 10
