"""L-BFGS on the device beside scipy's, on functions whose minimum is known."""

import gc
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import Bounds
from scipy.optimize import minimize as scipy_minimize
from torch import Tensor

from artist_nst.nst import lbfgs as module
from artist_nst.nst.lbfgs import MAX_TRIALS, StopReason, projected_lbfgs
from artist_nst.nst.objective import Objective, compute_targets
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.recipes.published import recipe
from tests.nst.conftest import image

Vector = NDArray[np.float64]
Change = Callable[[float, Tensor], tuple[float, Tensor]]

DEVICES = pytest.mark.parametrize(
    "device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
)


class Function:
    """A function of float64 tensors, differentiated; records its evaluations.

    ``at`` maps an evaluation, counted from 1, to what happens there instead.
    """

    def __init__(
        self, formula: Callable[[Tensor], Tensor], at: dict[int, Change] | None = None
    ) -> None:
        self.formula = formula
        self.at = at or {}
        self.points: list[Tensor] = []
        self.copies: list[Tensor] = []
        self.losses: list[float] = []
        self.gradients: list[Tensor] = []

    def __call__(self, x: Tensor) -> tuple[float, Tensor]:
        self.points.append(x)
        self.copies.append(x.clone())
        doubles = x.detach().double().requires_grad_()
        loss = self.formula(doubles)
        (gradient,) = torch.autograd.grad(loss, doubles)
        result = loss.item(), gradient.to(x.dtype)
        if change := self.at.get(len(self.points)):
            result = change(*result)
        self.losses.append(result[0])
        self.gradients.append(result[1])
        return result

    def steeper(self, loss: float, gradient: Tensor) -> tuple[float, Tensor]:
        """For ``at``: still downhill, and steeper, so that no correction is kept."""
        return loss, 2 * self.gradients[-1].view_as(gradient)

    def of_vector(self, x: Vector) -> tuple[float, Vector]:
        """For scipy."""
        loss, gradient = self(torch.tensor(x))
        return loss, gradient.numpy()


DEFAULTS = {"low": 0.0, "high": 255.0, "history": 10, "first_step": 1.0}


def minimize(
    evaluate: Callable[[Tensor], tuple[float, Tensor]],
    start: Tensor,
    iterations: int,
    on_iteration: Callable[[], None] = lambda: None,
    **options: Any,
) -> StopReason:
    options = {**DEFAULTS, "on_iteration": on_iteration, **options}
    return projected_lbfgs(evaluate, start, iterations, **options)


class Run:
    """``projected_lbfgs`` on a function, and the evaluations that ended iterations.

    Evaluations count from 1.
    """

    def __init__(
        self, function: Function, start: Tensor, iterations: int = 1000, **options: Any
    ) -> None:
        self.accepted: list[int] = []
        self.reason = minimize(
            function,
            start,
            iterations,
            lambda: self.accepted.append(len(function.points)),
            **options,
        )
        self.losses = [function.losses[count - 1] for count in self.accepted]
        self.end = function.copies[self.accepted[-1] - 1] if self.accepted else start


def quadratic(size: int, condition: float, seed: int, device: str = "cpu") -> Function:
    """½ (x − c)ᵀ A (x − c) with c partly beyond 0–255."""
    rng = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(rng.standard_normal((size, size)))
    curvature = torch.tensor(axes * np.geomspace(1, condition, size) @ axes.T)
    center = torch.tensor(rng.uniform(-80, 335, size))
    curvature, center = curvature.to(device), center.to(device)

    def formula(x: Tensor) -> Tensor:
        offset = x.flatten() - center
        return offset @ (curvature @ offset) / 2

    return Function(formula)


def bowl(at: dict[int, Change] | None = None, factor: float = 1.0) -> Function:
    """factor · Σ w (x − 128)², w from 1 to 50; its minimum is inside."""

    def formula(x: Tensor) -> Tensor:
        weights = torch.linspace(1, 50, x.numel(), dtype=x.dtype, device=x.device)
        return factor * (weights * (x.flatten() - 128) ** 2).sum()

    return Function(formula, at)


def rosenbrock(at: dict[int, Change] | None = None) -> Function:
    """A curved valley, in which full steps are often too long."""

    def formula(x: Tensor) -> Tensor:
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    return Function(formula, at)


def noise(*shape: int, seed: int = 0, low: float = 20.0, high: float = 235.0) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(shape, generator=source)


def by_scipy(function: Function, start: Tensor, low: float, high: float) -> Vector:
    result = scipy_minimize(
        function.of_vector,
        start.double().numpy(),
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(np.full(start.numel(), low), np.full(start.numel(), high)),
        options={"ftol": 0, "gtol": 1e-9, "maxiter": 5000, "maxfun": 50_000},
    )
    return np.asarray(result.x)


@DEVICES
@pytest.mark.parametrize("history", [1, 5, 10])
def test_a_quadratic_with_active_bounds(device: str, history: int) -> None:
    start = noise(40, seed=1)
    expected = by_scipy(quadratic(40, 1e3, 1), start, 0, 255)
    run = Run(quadratic(40, 1e3, 1, device), start.to(device), 3000, history=history)
    end = run.end.cpu().numpy()
    fixed = (expected == 0) | (expected == 255)
    assert 5 < fixed.sum() < 35
    np.testing.assert_array_equal(end[fixed], expected[fixed])
    np.testing.assert_allclose(end[~fixed], expected[~fixed], atol=0.02)


def test_where_it_ends_no_free_entry_has_a_slope() -> None:
    function = quadratic(40, 1e3, 1)
    start = noise(40, seed=1).double()
    run = Run(function, start, 3000)
    _, gradient = function(run.end)
    _, before = function(start)
    fixed = ((run.end == 0) & (gradient > 0)) | ((run.end == 255) & (gradient < 0))
    assert bool(fixed.any())
    assert float(gradient[~fixed].abs().max()) < 1e-6 * float(before.abs().max())
    assert float(gradient[fixed].abs().max()) > 1e-3 * float(before.abs().max())


@DEVICES
def test_rosenbrocks_valley(device: str) -> None:
    for start, low, high in (
        ([-1.2, 1.0], -2.0, 2.0),
        ([-1.2, 0.5], -2.0, 0.5),
        ([-1.2, 0.8] * 5, -2.0, 0.8),
        ([-1.2, 0.5] * 10, -1.5, 0.5),
    ):
        x = torch.tensor(start, dtype=torch.float64)
        expected = by_scipy(rosenbrock(), x, low, high)
        for first_step in (0.0, 0.1):
            function = rosenbrock()
            run = Run(function, x.to(device), low=low, high=high, first_step=first_step)
            np.testing.assert_allclose(run.end.cpu().numpy(), expected, atol=1e-6)
            assert run.reason != StopReason.ALL_DONE
            assert len(function.points) < 200


@pytest.fixture(scope="module")
def objective(thin_weights: Weights) -> Objective:
    """That of the recipe ``gram``, of 64×48 pixels."""
    photo, style = image(48, 64, 1), image(48, 64, 2)
    network, numbers = VGG(thin_weights), recipe("gram")
    return Objective(
        network, numbers, compute_targets(network, numbers, photo, [(style, 1.0)])
    )


def test_a_painting_is_as_good_as_scipys(objective: Objective) -> None:
    start = image(48, 64, 1)
    steepness = float(objective(start)[1].abs().mean())
    ours: list[float] = []
    theirs: list[float] = []

    def evaluate(x: Tensor) -> tuple[float, Tensor]:
        losses, gradient = objective(x)
        ours.append(losses.total)
        return losses.total, gradient

    def scaled(x: Vector) -> tuple[float, Vector]:
        losses, gradient = objective(torch.from_numpy(x).float().view_as(start))
        theirs.append(losses.total)
        vector = gradient.double().numpy().ravel()
        return losses.total / steepness, vector / steepness

    scipy_minimize(
        scaled,
        start.double().numpy().ravel(),
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(np.zeros(start.numel()), np.full(start.numel(), 255.0)),
        options={"ftol": 0, "gtol": 0, "maxfun": 60},
    )
    minimize(evaluate, start, 60)
    # A start a ten-thousandth away makes scipy's own differ by 3 and by 1 percent.
    for evaluations, tolerance in (20, 1.15), (60, 1.05):
        reached = min(theirs[:evaluations])
        assert min(ours[:evaluations]) < tolerance * reached < 0.9 * theirs[0]


def two_loops(
    function: Function, x: Vector, iterations: int, history: int, first_step: float
) -> list[Vector]:
    """Algorithm 7.5 of Nocedal and Wright, from lists; all evaluated points."""
    points = [x]
    pairs: list[tuple[Vector, Vector]] = []
    loss, gradient = function.of_vector(x)
    factor = 1
    for _ in range(iterations):
        direction = gradient.copy()
        alphas = []
        for s, y in reversed(pairs):
            alphas.append(s @ direction / (s @ y))
            direction -= alphas[-1] * y
        if pairs:
            s, y = pairs[-1]
            direction *= s @ y / (y @ y)
        else:
            direction *= first_step / np.abs(gradient).mean()
        for (s, y), alpha in zip(pairs, reversed(alphas), strict=True):
            direction += s * (alpha - y @ direction / (s @ y))
        direction *= factor
        length, slope, before = 1.0, -gradient @ direction, x
        while True:
            x = before - length * direction
            points.append(x)
            after, after_gradient = function.of_vector(x)
            if after <= loss + 1e-4 * length * slope:
                break
            # The minimum of a + b t + c t², between a tenth and a half.
            square = (after - loss - slope * length) / length**2
            length = np.clip(-slope / (2 * square), 0.1 * length, 0.5 * length)
        s, y = x - before, after_gradient - gradient
        if s @ y > 0:
            pairs = [*pairs, (s, y)][-history:]
        factor = 1 if s @ y > 0 else 2 * factor
        loss, gradient = after, after_gradient
    return points


@pytest.mark.parametrize(
    ("first_step", "steeper"), [(0.5, []), (20.0, []), (0.5, [2]), (20.0, [9])]
)
def test_the_history_is_the_last_corrections(
    first_step: float, steeper: list[int]
) -> None:
    start = noise(12, seed=3).double()
    for history in (1, 2, 3, 7, 30):
        theirs, ours = bowl(), bowl()
        for function in theirs, ours:
            function.at = dict.fromkeys(steeper, function.steeper)
        expected = two_loops(theirs, start.numpy(), 20, history, first_step)
        run = Run(ours, start, 20, history=history, first_step=first_step, low=-1e9)
        assert len(run.accepted) == 20
        assert len(ours.points) == len(expected)
        for point, right in zip(ours.points, expected, strict=True):
            assert right.max() < 255
            np.testing.assert_allclose(point.numpy(), right, rtol=1e-6)


def test_a_longer_history_is_better() -> None:
    # It sees through a narrow valley.
    ends = [
        Run(quadratic(20, 1e4, 2), noise(20).double(), 60, history=m).losses[-1]
        for m in (1, 30)
    ]
    least = Run(quadratic(20, 1e4, 2), noise(20).double()).losses[-1]
    assert ends[1] - least < (ends[0] - least) / 10


@DEVICES
def test_points_are_within_the_bounds_and_never_changed(device: str) -> None:
    functions = quadratic(30, 1e3, 4, device), rosenbrock()
    ranges = (0.0, 255.0), (-1.5, 0.7)
    for function, (low, high) in zip(functions, ranges, strict=True):
        start = noise(30, seed=5, low=low, high=high).to(device)
        before = start.clone()
        Run(function, start, 60, low=low, high=high)
        assert torch.equal(start, before)
        assert len(function.points) > 60
        for point, copy in zip(function.points, function.copies, strict=True):
            assert torch.equal(point, copy)
            assert float(point.min()) >= low
            assert float(point.max()) <= high
        # None shares its memory with another, nor with the start.
        places = {point.data_ptr() for point in (start, *function.points)}
        assert len(places) == 1 + len(function.points)


def test_fixed_entries_do_not_move() -> None:
    function = quadratic(40, 1e3, 1)
    run = Run(function, noise(40, seed=1))
    fixed_count = 0
    for before, after in itertools.pairwise([1, *run.accepted]):
        point, gradient = function.points[before - 1], function.gradients[before - 1]
        fixed = ((point == 0) & (gradient > 0)) | ((point == 255) & (gradient < 0))
        fixed_count += int(fixed.sum())
        assert torch.equal(function.points[after - 1][fixed], point[fixed])
    assert fixed_count > 100


@DEVICES
def test_points_are_like_the_start(device: str) -> None:
    function = bowl()
    start = noise(1, 3, 4, 5).to(device).to(memory_format=torch.channels_last)
    Run(function, start, 5)
    for point in function.points:
        assert point.shape == start.shape
        assert point.dtype == torch.float32
        assert point.device == start.device
    assert torch.equal(function.points[0], start)


def test_gradients_are_not_changed() -> None:
    gradients: list[tuple[Tensor, Tensor]] = []
    inner = rosenbrock()

    def evaluate(x: Tensor) -> tuple[float, Tensor]:
        loss, gradient = inner(x)
        gradients.append((gradient, gradient.clone()))
        return loss, gradient

    start = noise(6, low=-1, high=1)
    minimize(evaluate, start, 40, low=-1, high=1, history=3, first_step=0.1)
    assert len(gradients) > 20
    assert all(torch.equal(one, copy) for one, copy in gradients)


def test_the_loss_falls_with_every_iteration() -> None:
    function = rosenbrock()
    start = noise(30, low=-2, high=2).double()
    run = Run(function, start, 100, low=-2, high=2)
    losses = [function.losses[0], *run.losses]
    assert len(losses) == 101
    # Some steps were too long, and were shortened.
    assert len(function.points) > 101
    assert all(after < before for before, after in itertools.pairwise(losses))
    assert losses[-1] < losses[0] / 100
    # Nothing was evaluated between acceptance and what it led to.
    assert run.accepted[-1] == len(function.points)


def test_iterations_are_counted_and_limited() -> None:
    for iterations in (0, 1, 2, 7):
        function = bowl()
        run = Run(function, noise(20), iterations)
        assert run.reason == StopReason.ALL_DONE
        assert len(run.accepted) == iterations
        assert len(function.points) == (run.accepted[-1] if iterations else 1)


@pytest.mark.parametrize("minimum", [-3.0, 100.25, 300.0])
def test_a_single_entry(minimum: float) -> None:
    for shape in ((), (1,), (1, 1, 1)):
        function = Function(lambda x: ((x - minimum) ** 2).sum())
        run = Run(function, torch.full(shape, 7.0), history=1)
        assert run.reason == StopReason.CONVERGED
        assert float(run.end) == min(max(minimum, 0), 255)
        assert run.end.shape == shape


def test_it_converges_at_once() -> None:
    flat = Function(lambda x: 0 * x.sum() + 3)
    # Pushed outward everywhere: at the least corner already.
    corner = Function(lambda x: x[:3].sum() - x[3:].sum())
    corner_point = torch.tensor([0.0, 0, 0, 255, 255])
    for function, start in ((flat, noise(5)), (corner, corner_point)):
        run = Run(function, start, 50)
        assert run.reason == StopReason.CONVERGED
        assert not run.accepted
        assert len(function.points) == 1


def test_from_bounds_inward() -> None:
    start = torch.tensor([0.0, 255.0] * 10)
    function = quadratic(20, 1e2, 6)
    run = Run(function, start)
    expected = by_scipy(quadratic(20, 1e2, 6), noise(20), 0, 255)
    np.testing.assert_allclose(run.end.numpy(), expected, atol=0.01)


def test_what_never_curves_is_descended_in_growing_steps() -> None:
    slopes = torch.tensor([1.0, -1, 1, -1], dtype=torch.float64)
    function = Function(lambda x: (slopes * x).sum())
    run = Run(function, torch.full((4,), 100.0))
    assert run.reason == StopReason.CONVERGED
    assert run.end.tolist() == [0, 255, 0, 255]
    # 1 + 2 + 4 + … levels: each correction says nothing, and is not kept.
    moved = [float((point - 100).abs().max()) for point in function.points]
    assert moved == [0, 1, 3, 7, 15, 31, 63, 127, 155]


def test_a_start_where_the_function_is_concave() -> None:
    function = Function(lambda x: torch.cos(x * torch.pi / 250).sum())
    run = Run(function, torch.tensor([1.0, 2.0, 40.0]).double())
    assert run.losses[-1] == pytest.approx(-3, abs=1e-9)
    np.testing.assert_allclose(run.end.numpy(), 250, atol=1e-3)
    assert run.accepted[-1] < 30


def test_the_first_step_is_an_average() -> None:
    for first_step, factor in (0.25, 1e-9), (1.0, 1.0), (3.0, 1e12):
        function = bowl(factor=factor)
        run = Run(function, noise(50), 30, first_step=first_step)
        step = (function.points[1] - function.points[0]).abs().mean()
        assert float(step) == pytest.approx(first_step, rel=1e-4)
        assert run.losses[-1] < 1e-4 * function.losses[0]


def test_a_first_step_of_none_is_the_gradient() -> None:
    function = bowl(factor=0.01)
    Run(function, noise(50), 1, first_step=0)
    start, point = function.points
    _, gradient = bowl(factor=0.01)(start)
    torch.testing.assert_close(point, start - gradient)


@pytest.mark.parametrize(("power", "first_step"), [(-80, 1.0), (80, 2.5)])
def test_the_losses_unit_does_not_matter(power: int, first_step: float) -> None:
    first, second = bowl(), bowl(factor=2.0**power)
    for function in first, second:
        Run(function, noise(50), 20, first_step=first_step)
    assert all(map(torch.equal, first.points, second.points))
    assert len(first.points) == len(second.points) == 21


def test_a_step_far_too_long_is_soon_shortened() -> None:
    function = bowl(factor=1e9)
    run = Run(function, noise(50), 30, first_step=0)
    assert run.accepted[0] <= 4
    assert run.losses[-1] < 1e-3 * function.losses[0]


def test_no_lower_loss_along_the_gradient() -> None:
    def plateau(_loss: float, gradient: Tensor) -> tuple[float, Tensor]:
        return 1.0, torch.ones_like(gradient)

    def upward(loss: float, gradient: Tensor) -> tuple[float, Tensor]:
        return loss, -gradient

    for change in plateau, upward:
        function = bowl(dict.fromkeys(range(1, 100), change))
        run = Run(function, noise(20))
        assert run.reason == StopReason.NO_LOWER_LOSS
        assert not run.accepted
        assert len(function.points) == 1 + MAX_TRIALS


def test_a_decrease_that_is_next_to_nothing_is_not_enough() -> None:
    def barely(_loss: float, gradient: Tensor) -> tuple[float, Tensor]:
        step = function.points[1] - function.points[0]
        promised = float((function.gradients[0] * step).double().sum())
        return function.losses[0] + 1e-5 * promised, gradient

    function = bowl({2: barely})
    run = Run(function, noise(20), 1)
    assert function.losses[1] < function.losses[0]
    assert run.accepted == [3]


def stuck_after(iteration: int, evaluations: int) -> tuple[Function, int]:
    """A bowl whose loss stays that of the iteration for so many evaluations.

    With it comes the evaluation that the iteration ended with.
    """
    last = Run(bowl(), noise(20)).accepted[iteration - 1]
    function = bowl()

    def same(_loss: float, gradient: Tensor) -> tuple[float, Tensor]:
        return function.losses[last - 1], gradient

    function.at = dict.fromkeys(range(last + 1, last + 1 + evaluations), same)
    return function, last


@pytest.mark.parametrize("steeper", [False, True])
def test_a_defeated_line_search_goes_along_the_gradient(steeper: bool) -> None:
    function, last = stuck_after(4, MAX_TRIALS)
    if steeper:
        # So that the step after would be twice as long.
        function.at[last] = function.steeper
    run = Run(function, noise(20), 60)
    assert run.accepted[3] == last
    assert run.accepted[4] >= last + 1 + MAX_TRIALS
    point, after = function.points[last - 1], function.points[last + MAX_TRIALS]
    gradient = function.gradients[last - 1]
    torch.testing.assert_close(after, point - gradient / gradient.abs().mean())
    assert run.losses[-1] < 1e-6 * function.losses[last - 1]


def test_a_line_search_defeated_twice_is_the_end() -> None:
    function, last = stuck_after(4, 100)
    run = Run(function, noise(20), 60)
    assert run.reason == StopReason.NO_LOWER_LOSS
    assert run.accepted[3:] == [last]
    assert len(function.points) == last + 2 * MAX_TRIALS


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_step_to_no_number_is_cut(bad: float) -> None:
    def spoilt(_loss: float, gradient: Tensor) -> tuple[float, Tensor]:
        return bad, gradient

    function = bowl({2: spoilt, 5: spoilt})
    run = Run(function, noise(20), 40)
    assert run.accepted[:3] == [3, 4, 6]
    first, second, third = function.points[:3]
    torch.testing.assert_close(third - first, 0.1 * (second - first), atol=1e-4, rtol=0)
    assert run.losses[-1] < 1e-6 * function.losses[0]


def test_a_gradient_of_no_numbers_leads_nowhere() -> None:
    def spoilt(loss: float, gradient: Tensor) -> tuple[float, Tensor]:
        return loss, gradient * float("nan")

    function = bowl({1: spoilt})
    assert Run(function, noise(20)).reason == StopReason.NO_LOWER_LOSS
    assert len(function.points) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, ArithmeticError])
def test_errors_pass_through(error: type[BaseException]) -> None:
    def fail(*_: object) -> Any:
        raise error("of the caller's")

    for evaluation in (1, 2, 6):
        function = bowl({evaluation: fail})
        with pytest.raises(error, match="of the caller's"):
            Run(function, noise(20))
        assert len(function.points) == evaluation
    with pytest.raises(error, match="of the caller's"):
        minimize(bowl(), noise(20), 9, fail)


def test_the_same_twice() -> None:
    first, second = rosenbrock(), rosenbrock()
    for function in first, second:
        Run(function, noise(9, low=-2, high=2), 50, low=-2, high=2)
    assert len(first.points) == len(second.points)
    assert all(map(torch.equal, first.points, second.points))


READS = ["tolist", "item", "numpy", "cpu", "__float__", "__int__", "__bool__"]


def test_the_host_waits_twice_an_iteration(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[str] = []

    def counted(name: str) -> Callable[[Tensor], Any]:
        original = getattr(Tensor, name)

        def wrapper(tensor: Tensor) -> Any:
            waits.append(name)
            return original(tensor)

        return wrapper

    for name in READS:
        monkeypatch.setattr(Tensor, name, counted(name))
    function = rosenbrock()
    run = Run(function, noise(30, low=-2, high=2), 60, low=-2, high=2)
    # One for each evaluation by the function itself; shortened steps cost no other.
    assert len(function.points) > 61
    assert waits.count("item") == len(function.points)
    assert waits.count("tolist") == 2 * len(run.accepted) == 120
    assert len(waits) == len(function.points) + 120


def live_bytes() -> int:
    """Bytes held by all tensors."""
    tensors = (one for one in gc.get_objects() if type(one) is Tensor)
    storages = (one.untyped_storage() for one in tensors)
    return sum({one.data_ptr(): one.nbytes() for one in storages}.values())


@pytest.mark.parametrize("history", [1, 6])
def test_the_memory_is_that_of_the_history(history: int) -> None:
    size = 50_000
    taken: dict[int, int] = {}
    curvatures = torch.linspace(1, 50, size)
    count = itertools.count(1)

    def evaluate(x: Tensor) -> tuple[float, Tensor]:
        if (evaluation := next(count)) in (8, 20):
            taken[evaluation] = live_bytes() - before
        offset = x - 128
        return float((curvatures * offset**2).sum()), 2 * curvatures * offset

    before = live_bytes()
    minimize(evaluate, noise(size), 25, history=history)
    vector = 4 * size
    # The start is the caller's, and the point evaluated has no gradient yet.
    held = taken[20] - vector
    assert taken[8] == taken[20]
    assert 2 * history * vector < held < (2 * history + 8) * vector


@DEVICES
def test_products_of_long_vectors_are_exact(device: str) -> None:
    # Added up in order, as in torch.dot, it is off by 1e-4.
    source = torch.Generator().manual_seed(0)
    vector = torch.randn(10_000_000, generator=source).to(device)
    point = module._Point(vector, 0.0, vector)
    planner = module._StepPlanner(point, 1, (0.0, 255.0), 1.0)
    expected = float(vector.double().square().sum())
    assert float(planner._dot(vector, vector)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.gpu
def test_a_gpu_goes_the_same_way() -> None:
    ways = []
    for device in "cpu", "cuda":
        function = quadratic(40, 100, 7, device)
        run = Run(function, noise(40, seed=8).to(device), 400)
        ways.append([point.cpu() for point in function.points[:10]])
        ways[-1].append(run.end.cpu())
    for on_cpu, on_gpu in zip(*ways, strict=True):
        torch.testing.assert_close(on_cpu, on_gpu, atol=0.02, rtol=0)


@pytest.mark.gpu
def test_a_gpus_memory_is_that_of_the_history() -> None:
    size, history = 4_000_000, 5
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    start = noise(size).cuda()
    before = torch.cuda.memory_allocated()

    def evaluate(x: Tensor) -> tuple[float, Tensor]:
        gradient = x - 128
        return float(torch.linalg.vector_norm(gradient)) ** 2 / 2, gradient

    minimize(evaluate, start, 20, history=history)
    peak = torch.cuda.max_memory_allocated() - before
    # The masks that are combined into the one of fixed entries take memory as well.
    assert peak < (2 * history + 10) * 4 * size
