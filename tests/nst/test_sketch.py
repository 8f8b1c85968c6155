"""Sketches of Gram matrices: distances are preserved approximately."""

from __future__ import annotations

from itertools import combinations
from math import sqrt

import pytest
import torch
from torch import Tensor

from artist_nst.nst.sketch import SKETCH_SIZE, sketch_gram

EVERY_BIT = (1 << 64) - 1


def gram(filters: int, seed: int, positions: int = 60) -> Tensor:
    """Of features that are mostly zero, as they are after a ReLU."""
    source = torch.Generator().manual_seed(seed)
    features = torch.randn(filters, positions, generator=source).relu()
    return features @ features.T / positions


def splitmix64(count: int) -> list[int]:
    """The generator's first numbers from 0, by its definition."""
    numbers, state = [], 0
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & EVERY_BIT
        mixed = state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & EVERY_BIT
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & EVERY_BIT
        numbers.append(mixed ^ (mixed >> 31))
    return numbers


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


def squared(first: Tensor, second: Tensor) -> float:
    return float((first.double() - second.double()).square().sum())


def test_the_generator_is_the_published_one() -> None:
    """Vigna's own first numbers for the seed 0."""
    assert splitmix64(2) == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]


def test_small_matrices_are_kept_exactly() -> None:
    for filters in (1, 2, 3, 31, 44):
        first, second = gram(filters, 1), gram(filters, 2)
        sketches = sketch_gram(first), sketch_gram(second)
        assert squared(*sketches) == pytest.approx(squared(first, second), rel=1e-5)
        norm = float(first.double().square().sum())
        assert float(sketches[0].double().square().sum()) == pytest.approx(norm, 1e-5)
    matrix = torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 5.0], [3.0, 5.0, 6.0]])
    root = sqrt(2)
    expected = [1.0, 2 * root, 3 * root, 4.0, 5 * root, 6.0]
    assert sketch_gram(matrix)[:6].tolist() == pytest.approx(expected, rel=1e-6)
    assert sketch_gram(matrix)[6:].count_nonzero() == 0


@pytest.mark.parametrize("positions", [5, 400])
def test_large_matrices_keep_about_their_distances(positions: int) -> None:
    """On average over many pairs, and each within four standard deviations."""
    sd = sqrt(2 / SKETCH_SIZE)
    for filters in (45, 64, 512):
        grams = [gram(filters, seed, positions) for seed in range(9)]
        sketches = [sketch_gram(matrix) for matrix in grams]
        ratios = [
            squared(sketches[i], sketches[j]) / squared(grams[i], grams[j])
            for i, j in combinations(range(9), 2)
        ]
        assert max(abs(ratio - 1) for ratio in ratios) < 4 * sd
        # Pairs share matrices and random choices: the mean is hardly more certain.
        assert sum(ratios) / len(ratios) == pytest.approx(1, abs=2.5 * sd)
        assert len({round(ratio, 6) for ratio in ratios}) > 1
        norm = squared(grams[3], torch.zeros_like(grams[3]))
        sketch_norm = squared(sketches[3], torch.zeros(SKETCH_SIZE))
        assert sketch_norm == pytest.approx(norm, rel=4 * sd)


@pytest.mark.parametrize("filters", [45, 100])
def test_the_random_choices_are_fixed(filters: int) -> None:
    """On every machine and in every version, or stored sketches would be worthless."""
    expected = by_definition(gram(filters, 4))
    result = sketch_gram(gram(filters, 4)).tolist()
    assert result == pytest.approx(expected, rel=1e-5, abs=1e-5)
    assert sum(number != 0 for number in expected) > 600


def test_a_single_entry_goes_to_a_single_place() -> None:
    """The last but one of 64 filters' 2,080 entries."""
    matrix = torch.zeros(64, 64)
    matrix[62, 63] = matrix[63, 62] = 3.0
    mixed = splitmix64(2079)[-1]
    sketch = sketch_gram(matrix)
    assert sketch.nonzero().tolist() == [[mixed % 1024]]
    sign = -1 if mixed >> 63 else 1
    assert float(sketch[mixed % 1024]) == pytest.approx(sign * 3 * sqrt(2))


@pytest.mark.parametrize("filters", [3, 44, 64, 512])
def test_any_symmetric_matrix(filters: int) -> None:
    first, second = gram(filters, 1), gram(filters, 2)
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        sketch = sketch_gram(first.to(dtype))
        assert (sketch.shape, sketch.dtype) == ((SKETCH_SIZE,), torch.float32)
    # Linear; and half of the matrix is enough.
    combined = sketch_gram(first.double() * 2 - second.double() * 3)
    expected = sketch_gram(first) * 2 - sketch_gram(second) * 3
    assert torch.allclose(combined, expected, atol=1e-4)
    for same in (first.clone(), first.T, first.T.contiguous().T, first.triu()):
        assert torch.equal(sketch_gram(first), sketch_gram(same))
    assert not sketch_gram(torch.zeros(filters, filters)).any()
    leaf = first.clone().requires_grad_()
    assert not sketch_gram(leaf).requires_grad
    assert torch.equal(leaf.detach(), first)
