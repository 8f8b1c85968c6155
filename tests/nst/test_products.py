"""Products of features, compared with float64."""

import pytest
import torch
from torch import Tensor

from artist_nst.nst.products import multiply_rows

SHAPES = pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 1), (37, 8), (5000, 64)])
TYPES = pytest.mark.parametrize(
    ("dtype", "error"),
    [(torch.float32, 1e-6), (torch.float64, 1e-14), (torch.bfloat16, 1e-2)],
)


def noise(*shape: int, seed: int = 0) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=source, dtype=torch.float64)


def assert_close(result: Tensor, exact: Tensor, error: float) -> None:
    assert result.shape == exact.shape
    assert float((result.double() - exact).norm()) <= error * float(exact.norm())


@SHAPES
@TYPES
def test_products_with_other_rows(
    shape: tuple[int, int], dtype: torch.dtype, error: float
) -> None:
    rows, others = noise(*shape).to(dtype), noise(7, shape[1], seed=1).to(dtype)
    result = multiply_rows(rows, others)
    assert result.is_contiguous()
    assert_close(result, rows.double() @ others.double().T, error)


def test_rows_may_lie_anywhere_in_memory() -> None:
    exact = noise(8, 40)
    transposed, every_second = exact.float().T, exact.float()[:, ::2]
    assert_close(multiply_rows(transposed, transposed), exact.T @ exact, 1e-6)
    assert_close(
        multiply_rows(every_second, every_second),
        exact[:, ::2] @ exact[:, ::2].T,
        1e-6,
    )
