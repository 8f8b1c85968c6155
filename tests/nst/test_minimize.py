"""The minimizers on functions whose minimum is known, and all ways they can end."""

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
from artist_nst.nst.lbfgs import StopReason
from artist_nst.nst.minimize import MinimizeResult, NotFiniteError, minimize
from artist_nst.nst.objective import Losses
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import Optimizer, Recipe

SHAPE = (1, 3, 4, 5)
ALL = pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgs-clipped", "adam"])
SCIPYS = pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgs-clipped"])


def noise(seed: int, low: float = 20.0, high: float = 235.0) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(SHAPE, generator=source)


def settings(optimizer: Optimizer = "lbfgs", **changes: Any) -> Recipe:
    return recipe(optimizer=optimizer, learning_rate=2.0, **changes)


class Bowl:
    """factor · Σ w (x − minimum)², w from 1 to ``steepest``; records its images.

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
        offset = image.double() - self.minimum
        total = self.factor * float((self.weights * offset**2).sum())
        gradient = (2 * self.factor * self.weights * offset).to(image.dtype)
        result = Losses(total, total, 0.0, 0.0), gradient
        if change := self.at.get(len(self.images)):
            result = change(*result)
        self.totals.append(result[0].total)
        return result


class Recorder:
    """An ``on_iteration`` that records its arguments."""

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.losses: list[Losses] = []
        self.images: list[Tensor] = []

    def __call__(self, count: int, losses: Losses, image: Tensor) -> None:
        self.counts.append(count)
        self.losses.append(losses)
        self.images.append(image.clone())


def assert_best(result: MinimizeResult, bowl: Bowl) -> None:
    """The result is the best image that ``bowl`` evaluated, with its loss."""
    finite = [total for total in bowl.totals if np.isfinite(total)]
    assert result.losses.total == min(finite)
    assert torch.equal(result.image, bowl.images[bowl.totals.index(min(finite))])


@pytest.mark.parametrize(
    ("optimizer", "iterations", "distance"),
    [("lbfgs", 100, 1e-3), ("lbfgs-clipped", 100, 1e-3), ("adam", 400, 0.1)],
)
def test_a_minimum_inside(
    optimizer: Optimizer, iterations: int, distance: float
) -> None:
    bowl = Bowl(noise(1))
    result = minimize(bowl, noise(2), settings(optimizer), iterations)
    assert float((result.image - bowl.minimum).abs().max()) < distance
    assert result.image.shape == SHAPE
    assert result.image.dtype == torch.float32
    assert_best(result, bowl)


@ALL
def test_a_minimum_outside(optimizer: Optimizer) -> None:
    bowl = Bowl(noise(1, -200, 455))
    recorder = Recorder()
    result = minimize(bowl, noise(2), settings(optimizer), 400, recorder)
    expected = bowl.minimum.clamp(0, 255)
    assert bool(expected.eq(0).any())
    assert bool(expected.eq(255).any())
    assert float((result.image - expected).abs().max()) < 0.1
    assert len(recorder.images) == result.iterations
    for image in [*bowl.images, *recorder.images, result.image]:
        assert float(image.min()) >= 0
        assert float(image.max()) <= 255


@ALL
def test_a_start_out_of_range_is_clipped(optimizer: Optimizer) -> None:
    bowl = Bowl(noise(1))
    minimize(bowl, noise(2, -300, 500).double(), settings(optimizer), 2)
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

    recorder = Recorder()
    result = minimize(valley, noise(2), settings(), 60, recorder)
    totals = [losses.total for losses in recorder.losses]
    assert len(totals) > 20
    assert result.evaluations > result.iterations + 1
    assert all(after <= before for before, after in itertools.pairwise(totals))
    assert totals[-1] < totals[0] / 100


@ALL
def test_iterations_are_counted_and_limited(optimizer: Optimizer) -> None:
    for iterations in (1, 2, 9):
        bowl, recorder, start = Bowl(noise(1)), Recorder(), noise(2)
        result = minimize(bowl, start, settings(optimizer), iterations, recorder)
        assert result.iterations == iterations
        assert recorder.counts == list(range(1, iterations + 1))
        assert result.evaluations == len(bowl.images) > iterations
        assert result.reason == StopReason.ALL_DONE
        assert_best(result, bowl)
        assert torch.equal(start, noise(2))
        for losses, image in zip(recorder.losses, recorder.images, strict=True):
            assert bowl(image)[0].total == losses.total


@SCIPYS
def test_it_converges_at_the_minimum(optimizer: Optimizer) -> None:
    bowl, recorder = Bowl(noise(1)), Recorder()
    result = minimize(bowl, noise(1), settings(optimizer), 50, recorder)
    assert result.reason == StopReason.CONVERGED
    assert result.iterations == 0 == len(recorder.counts)
    assert torch.equal(result.image, noise(1))


@SCIPYS
def test_it_converges_on_the_way(optimizer: Optimizer) -> None:
    result = minimize(Bowl(noise(1)), noise(2), settings(optimizer), 10_000)
    assert result.reason == StopReason.CONVERGED
    assert 3 < result.iterations < 1000


@SCIPYS
def test_no_lower_loss_along_the_gradient(optimizer: Optimizer) -> None:
    def plain(image: Tensor) -> tuple[Losses, Tensor]:
        return Losses(1.0, 0, 0, 0), torch.ones_like(image)

    result = minimize(plain, noise(2), settings(optimizer), 50)
    assert result.reason == StopReason.NO_LOWER_LOSS
    assert result.iterations == 0
    assert result.evaluations < 100


@SCIPYS
def test_a_defeated_line_search_is_started_again(optimizer: Optimizer) -> None:
    def stuck(_losses: Losses, gradient: Tensor) -> tuple[Losses, Tensor]:
        total = bowl.totals[4]
        return Losses(total, total, 0, 0), gradient

    # Longer than L-BFGS-B's own second try takes.
    bowl = Bowl(noise(1), at=dict.fromkeys(range(6, 50), stuck))
    recorder = Recorder()
    result = minimize(bowl, noise(2), settings(optimizer), 40, recorder)
    assert bowl.totals[5:49] == [bowl.totals[4]] * 44
    assert result.reason == StopReason.ALL_DONE
    assert recorder.counts == list(range(1, 41))
    assert result.losses.total < bowl.totals[4] / 1e6
    assert_best(result, bowl)


@SCIPYS
@pytest.mark.parametrize("factor", [1e-9, 1.0, 1e12])
def test_the_losses_unit_does_not_matter(factor: float, optimizer: Optimizer) -> None:
    bowl = Bowl(noise(1), factor=factor)
    result = minimize(bowl, noise(2), settings(optimizer), 30)
    assert result.iterations == 30
    assert result.losses.total < 1e-4 * bowl.totals[0]
    # The first step moves a pixel by one level on average.
    step = (bowl.images[1] - bowl.images[0]).abs().mean()
    assert float(step) == pytest.approx(1, rel=1e-3)


def test_a_small_loss_stops_art_py_at_once() -> None:
    # What ``first_step`` is for: scipy's tolerances are absolute below one.
    art_py = recipe("art.py")
    assert minimize(Bowl(noise(1)), noise(2), art_py, 30).iterations > 5
    tiny = minimize(Bowl(noise(1), factor=1e-9), noise(2), art_py, 30)
    assert tiny.reason == StopReason.CONVERGED
    assert tiny.iterations <= 1


@pytest.mark.parametrize("first_step", [0.0, 1.0, 3.0])
def test_scipys_arguments(monkeypatch: pytest.MonkeyPatch, first_step: float) -> None:
    passed: dict[str, Any] = {}

    def spy(function: Callable[..., Any], x: Any, **options: Any) -> Any:
        passed.update(options, loss=function(x), x=x)
        return fmin_l_bfgs_b(function, x, **options)

    fmin_l_bfgs_b = module.fmin_l_bfgs_b
    monkeypatch.setattr(module, "fmin_l_bfgs_b", spy)
    bowl = Bowl(noise(1))
    minimize(bowl, noise(2), recipe("art.py", first_step=first_step), 5)
    losses, gradient = bowl(noise(2))
    total, vector = passed["loss"]
    if first_step == 0:
        assert total == losses.total
        assert np.array_equal(vector, gradient.double().flatten().numpy())
    else:
        assert np.abs(vector).mean() == pytest.approx(first_step)
        scale = first_step / float(gradient.abs().mean())
        assert total == pytest.approx(scale * losses.total, rel=1e-5)
    assert set(passed["bounds"]) == {(0.0, 255.0)}
    assert len(passed["bounds"]) == passed["x"].size
    assert (passed["maxiter"], passed["m"]) == (5, 10)
    assert passed["factr"] == 1e7
    assert passed["pgtol"] == 1e-5


def interrupt(*_: object) -> Any:
    raise KeyboardInterrupt


@ALL
def test_interrupted_within_the_objective(optimizer: Optimizer) -> None:
    for evaluation in (2, 5):
        bowl, recorder = Bowl(noise(1), at={evaluation: interrupt}), Recorder()
        result = minimize(bowl, noise(2), settings(optimizer), 50, recorder)
        assert result.reason == StopReason.INTERRUPTED
        assert result.evaluations == evaluation - 1 == len(bowl.totals)
        assert result.iterations == len(recorder.counts) < evaluation
        assert_best(result, bowl)
    bowl = Bowl(noise(1), at={1: interrupt})
    with pytest.raises(KeyboardInterrupt):
        minimize(bowl, noise(2), settings(optimizer), 50)


@ALL
def test_interrupted_between_iterations(optimizer: Optimizer) -> None:
    for iteration in (1, 4):

        def stop(count: int, *_: object, last: int = iteration) -> None:
            if count == last:
                raise KeyboardInterrupt

        bowl = Bowl(noise(1))
        result = minimize(bowl, noise(2), settings(optimizer), 50, stop)
        assert (result.reason, result.iterations) == (StopReason.INTERRUPTED, iteration)
        assert_best(result, bowl)


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
@ALL
def test_not_finite(
    optimizer: Optimizer, bad: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for evaluation in (2, 6):
        bowl = Bowl(noise(1), at={evaluation: bad})
        with caplog.at_level(logging.WARNING, "artist_nst"):
            result = minimize(bowl, noise(2), settings(optimizer), 50)
        assert result.reason == StopReason.NOT_FINITE
        assert StopReason.NOT_FINITE in caplog.text
        assert len(bowl.images) == evaluation
        good = bowl.totals[: evaluation - 1]
        assert result.losses.total == min(good)
        assert torch.equal(result.image, bowl.images[good.index(min(good))])
    with pytest.raises(NotFiniteError, match="finite"):
        minimize(Bowl(noise(1), at={1: bad}), noise(2), settings(optimizer), 50)


@ALL
def test_other_errors_are_not_caught(optimizer: Optimizer) -> None:
    def fail(*_: object) -> Any:
        raise RuntimeError("of the caller's")

    with pytest.raises(RuntimeError, match="of the caller's"):
        minimize(Bowl(noise(1)), noise(2), settings(optimizer), 50, fail)
    with pytest.raises(RuntimeError, match="of the caller's"):
        minimize(Bowl(noise(1), at={3: fail}), noise(2), settings(optimizer), 50)


@ALL
def test_the_same_twice(optimizer: Optimizer) -> None:
    first, second = (
        minimize(Bowl(noise(1)), noise(2), settings(optimizer), 20) for _ in range(2)
    )
    assert torch.equal(first.image, second.image)
    assert replace(first, image=second.image) == second


@pytest.mark.parametrize("rate", [0.5, 8.0])
def test_adams_rate_is_in_levels(rate: float) -> None:
    bowl = Bowl(noise(1, 100, 101))
    minimize(bowl, noise(2, 150, 200), recipe(optimizer="adam", learning_rate=rate), 1)
    step = bowl.images[0] - bowl.images[1]
    torch.testing.assert_close(step, torch.full(SHAPE, rate), rtol=1e-3, atol=0)


def test_history_is_used() -> None:
    # A long memory sees through a narrow bowl.
    ends = [
        minimize(Bowl(noise(1), steepest=1e3), noise(2), settings(history=m), 40)
        for m in (1, 30)
    ]
    assert ends[1].losses.total < ends[0].losses.total / 10
