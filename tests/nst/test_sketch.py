"""Gram matrices made short: their distances stay about what they were."""

from __future__ import annotations

from math import sqrt

import pytest
import torch
from torch import Tensor

from artist_nst.nst.sketch import SIZE, sketch

EVERY_BIT = (1 << 64) - 1


def gram(filters: int, seed: int, positions: int = 60) -> Tensor:
    """Of features that are mostly zero, as they are after a ReLU."""
    source = torch.Generator().manual_seed(seed)
    features = torch.randn(filters, positions, generator=source).relu()
    return features @ features.T / positions


def splitmix64(count: int) -> list[int]:
    """The generator's first numbers from 0, by its definition."""
    found, state = [], 0
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & EVERY_BIT
        mixed = state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & EVERY_BIT
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & EVERY_BIT
        found.append(mixed ^ (mixed >> 31))
    return found


def by_definition(matrix: Tensor) -> list[float]:
    """Entry after entry."""
    size = len(matrix)
    drawn = splitmix64(size * (size + 1) // 2)
    numbers = [0.0] * 1024
    for row in range(size):
        for column in range(row, size):
            mixed = drawn.pop(0)
            entry = float(matrix[row, column]) * (1 if row == column else sqrt(2))
            numbers[mixed % 1024] += -entry if mixed >> 63 else entry
    return numbers


def squared(one: Tensor, other: Tensor) -> float:
    return float((one.double() - other.double()).square().sum())


def test_the_generator_is_the_published_one() -> None:
    """Vigna's own first numbers for the seed 0."""
    assert splitmix64(2) == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]


@pytest.mark.parametrize("filters", [1, 2, 3, 31, 44])
def test_small_matrices_keep_their_distances(filters: int) -> None:
    one, other = gram(filters, 1), gram(filters, 2)
    assert squared(sketch(one), sketch(other)) == pytest.approx(
        squared(one, other), rel=1e-5
    )
    assert float(sketch(one).double().square().sum()) == pytest.approx(
        float(one.double().square().sum()), rel=1e-5
    )


def test_a_small_matrix_is_its_upper_half_itself() -> None:
    found = sketch(torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 5.0], [3.0, 5.0, 6.0]]))
    root = sqrt(2)
    wanted = [1.0, 2 * root, 3 * root, 4.0, 5 * root, 6.0]
    assert found[:6].tolist() == pytest.approx(wanted, rel=1e-6)
    assert found[6:].count_nonzero() == 0


@pytest.mark.parametrize("filters", [45, 64, 512])
@pytest.mark.parametrize("positions", [5, 400])
def test_large_matrices_keep_about_their_distances(
    filters: int, positions: int
) -> None:
    """In the mean over many pairs, and each within four standard deviations."""
    sd = sqrt(2 / SIZE)
    grams = [gram(filters, seed, positions) for seed in range(9)]
    short = [sketch(one) for one in grams]
    ratios = [
        squared(short[one], short[other]) / squared(grams[one], grams[other])
        for one in range(9)
        for other in range(one)
    ]
    assert max(abs(ratio - 1) for ratio in ratios) < 4 * sd
    # Pairs share pictures, and all share one draw: the mean is hardly surer than one.
    assert sum(ratios) / len(ratios) == pytest.approx(1, abs=2.5 * sd)
    assert len({round(ratio, 6) for ratio in ratios}) > 1


def test_norms_are_kept_too() -> None:
    for filters in (64, 128, 256):
        one = gram(filters, 3)
        assert squared(sketch(one), torch.zeros(SIZE)) == pytest.approx(
            squared(one, torch.zeros_like(one)), rel=4 * sqrt(2 / SIZE)
        )


@pytest.mark.parametrize("filters", [45, 64, 100])
def test_the_numbers_are_known(filters: int) -> None:
    """Everywhere and always, or what is kept would be worth nothing."""
    one = gram(filters, 4)
    wanted = by_definition(one)
    found = sketch(one).tolist()
    assert found == pytest.approx(wanted, rel=1e-5, abs=1e-5)
    assert sum(number != 0 for number in wanted) > 600


def test_a_single_entry_goes_to_a_single_place() -> None:
    """The last but one of 64 filters' 2,080 entries."""
    one = torch.zeros(64, 64)
    one[62, 63] = one[63, 62] = 3.0
    mixed = splitmix64(2079)[-1]
    found = sketch(one)
    assert found.nonzero().tolist() == [[mixed % 1024]]
    sign = -1 if mixed >> 63 else 1
    assert float(found[mixed % 1024]) == pytest.approx(sign * 3 * sqrt(2))


@pytest.mark.parametrize("filters", [3, 44, 45, 512])
def test_shape_and_type(filters: int) -> None:
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        found = sketch(gram(filters, 1).to(dtype))
        assert found.shape == (SIZE,)
        assert found.dtype == torch.float32
        assert found.device.type == "cpu"


@pytest.mark.parametrize("filters", [44, 64])
def test_it_is_linear_and_the_same_twice(filters: int) -> None:
    one, other = gram(filters, 1), gram(filters, 2)
    assert torch.equal(sketch(one), sketch(one.clone()))
    together = sketch(one.double() * 2 - other.double() * 3)
    apart = sketch(one.double()) * 2 - sketch(other.double()) * 3
    assert torch.allclose(together, apart, atol=1e-5)


@pytest.mark.parametrize("filters", [44, 64])
def test_half_of_a_symmetric_matrix_tells_all(filters: int) -> None:
    one = gram(filters, 1)
    assert torch.equal(one, one.T)
    assert torch.equal(sketch(one), sketch(one.T))
    assert torch.equal(sketch(one), sketch(one.T.contiguous().T))
    assert torch.equal(sketch(one), sketch(one.triu()))


def test_no_gradient_hangs_on_it_and_the_matrix_stays() -> None:
    one = gram(64, 1).requires_grad_()
    before = one.detach().clone()
    assert not sketch(one).requires_grad
    assert torch.equal(one.detach(), before)


def test_zeros() -> None:
    assert not sketch(torch.zeros(64, 64)).any()
    assert not sketch(torch.zeros(8, 8)).any()
