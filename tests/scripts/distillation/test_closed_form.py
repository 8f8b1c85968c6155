"""The closed form: full width is the teacher, pivots, least squares."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from tests.scripts.distillation.conftest import Kernels, Script, images, relative


@pytest.fixture(scope="module")
def closed_form(script: Script) -> ModuleType:
    return script("distillation.closed_form")


def first(kernels: Kernels, last: str) -> Kernels:
    return {layer: kernels[layer] for layer in kernels if layer <= last}


def made(closed_form: ModuleType, kernels: Kernels, widths: dict[str, int]) -> Any:
    generator = torch.Generator().manual_seed(0)
    return closed_form.distilled(kernels, widths, images(4, 48), generator)


def test_full_width_is_the_teacher(
    closed_form: ModuleType, script: Script, kernels: Kernels
) -> None:
    few = first(kernels, "conv2_2")
    told: dict[str, float] = {}
    student = closed_form.distilled(
        few,
        {layer: len(bias) for layer, (_, bias) in few.items()},
        images(6, 64),
        torch.Generator().manual_seed(0),
        told.__setitem__,
    )
    assert list(told) == list(few)
    assert max(told.values()) < 0.03  # what the ridge costs
    # On a picture that it was not fitted to.
    (unseen,) = images(1, 64, 90)
    features = script("distillation.student").features
    wanted, seen = features(few, unseen, few), student.features(unseen, few)
    for layer in few:
        mapped = student.maps[layer] @ seen[layer][0].flatten(1)
        target = wanted[layer][0].flatten(1)
        assert relative(mapped - target, target) < 0.03, layer
    for part, theirs in zip(student.kernels["conv1_1"], few["conv1_1"], strict=True):
        assert relative(part - theirs, theirs) < 0.02


def test_a_wider_student_is_nearer(closed_form: ModuleType, kernels: Kernels) -> None:
    few = first(kernels, "conv2_1")
    errors = []
    for share in (4, 2, 1):
        told: dict[str, float] = {}
        closed_form.distilled(
            few,
            {layer: len(bias) // share for layer, (_, bias) in few.items()},
            images(4, 48),
            torch.Generator().manual_seed(0),
            told.__setitem__,
        )
        errors.append(told["conv2_1"])
    assert errors[0] > 1.2 * errors[1] > 1.2 * errors[2]


def test_the_same_again(closed_form: ModuleType, kernels: Kernels) -> None:
    few = first(kernels, "conv2_1")
    widths = dict.fromkeys(few, 5)
    one, other = (made(closed_form, few, widths).tensors() for _ in range(2))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_all_layers_have_their_widths(
    closed_form: ModuleType, kernels: Kernels
) -> None:
    widths = {layer: 2 + int(layer[4]) for layer in kernels}
    student = made(closed_form, kernels, widths)
    heard = 3
    for layer, width in widths.items():
        weight, bias = student.kernels[layer]
        assert weight.shape == (width, heard, 3, 3)
        assert bias.shape == (width,)
        filters = len(kernels[layer][1])
        assert student.maps[layer].shape == (filters, width)
        heard = width


def test_weights_are_the_least_squares_ones(
    closed_form: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against NumPy's, each crop over its own size; positions all taken."""
    monkeypatch.setattr(closed_form, "RIDGE", 0.0)
    source = torch.Generator().manual_seed(5)
    inputs = [torch.rand(1, 2, 9, 7, generator=source) for _ in range(3)]
    aims = [
        torch.randn(1, 4, 9, 7, generator=source) * scale for scale in (1.0, 5.0, 0.2)
    ]
    weight, bias = closed_form._fitted(inputs, aims, torch.Generator())
    rows, wanted = [], []
    for one, aim in zip(inputs, aims, strict=True):
        framed = np.pad(one[0].double().numpy(), ((0, 0), (1, 1), (1, 1)))
        size = float(aim.double().norm())
        for y in range(9):
            for x in range(7):
                seen = framed[:, y : y + 3, x : x + 3].ravel()
                rows.append(np.append(seen, 1.0) / size)
                wanted.append(aim[0, :, y, x].double().numpy() / size)
    expected = np.linalg.lstsq(np.array(rows), np.array(wanted), rcond=None)[0].T
    assert weight.numpy().reshape(4, -1) == pytest.approx(expected[:, :-1], abs=1e-4)
    assert bias.numpy() == pytest.approx(expected[:, -1], abs=1e-4)


@pytest.mark.gpu
def test_on_a_gpu(closed_form: ModuleType, kernels: Kernels) -> None:
    few = first(kernels, "conv1_2")
    there = {
        layer: (weight.cuda(), bias.cuda()) for layer, (weight, bias) in few.items()
    }
    student = closed_form.distilled(
        there,
        dict.fromkeys(few, 4),
        [one.cuda() for one in images(2, 32)],
        torch.Generator().manual_seed(0),
    )
    assert student.maps["conv1_2"].is_cuda


# Pivots ------------------------------------------------------------------------------


def left(correlation: Tensor, chosen: Tensor) -> float:
    """What the chosen features leave of the others' squares, by least squares."""
    c = correlation.double().numpy()
    some = chosen.numpy()
    explained = c[:, some] @ np.linalg.pinv(c[np.ix_(some, some)]) @ c[some]
    return float(np.trace(c - explained))


@pytest.fixture(scope="module")
def correlation() -> Tensor:
    """Of 24 features that 6 hidden ones make, with a little of their own."""
    source = torch.Generator().manual_seed(2)
    hidden = torch.randn(6, 400, generator=source, dtype=torch.float64)
    mixed = torch.randn(24, 6, generator=source, dtype=torch.float64) @ hidden
    own = torch.randn(24, 400, generator=source, dtype=torch.float64)
    features = mixed * torch.rand(24, 1, generator=source, dtype=torch.float64)
    features = (features + own / 5).relu()
    return features @ features.T / 400


def test_the_first_pivot_is_the_best(
    closed_form: ModuleType, correlation: Tensor
) -> None:
    alone = [left(correlation, torch.tensor([one])) for one in range(24)]
    assert closed_form._pivots(correlation, 1).tolist() == [int(np.argmin(alone))]


@pytest.mark.parametrize("count", [3, 6, 12])
def test_pivots_explain_more_than_chance(
    closed_form: ModuleType, correlation: Tensor, count: int
) -> None:
    found = closed_form._pivots(correlation, count)
    assert found.tolist() == sorted({*found.tolist()})
    assert len(found) == count
    source = np.random.default_rng(0)
    by_chance = [
        left(correlation, torch.from_numpy(source.permutation(24)[:count]))
        for _ in range(200)
    ]
    assert left(correlation, found) < np.quantile(by_chance, 0.02)
    assert left(correlation, found) < 0.8 * float(np.mean(by_chance))


def test_each_pivot_is_the_best_next_one(
    closed_form: ModuleType, correlation: Tensor
) -> None:
    chosen: list[int] = []
    for count in range(1, 6):
        lefts = {
            one: left(correlation, torch.tensor([*chosen, one]))
            for one in range(24)
            if one not in chosen
        }
        chosen.append(min(lefts, key=lefts.__getitem__))
        assert closed_form._pivots(correlation, count).tolist() == sorted(chosen)


def test_copies_and_silent_features_are_chosen_last(closed_form: ModuleType) -> None:
    source = torch.Generator().manual_seed(3)
    features = torch.randn(4, 50, generator=source, dtype=torch.float64)
    features = torch.cat((features, features[:2], torch.zeros(1, 50)))
    found = closed_form._pivots(features @ features.T, 4).tolist()
    # One of each pair of copies (0, 4) and (1, 5), and what has none.
    assert {one % 4 for one in found} == {0, 1, 2, 3}
    assert 6 not in found
    whole = closed_form._pivots(features @ features.T, 7).tolist()
    assert whole == [*range(7)]


# U -----------------------------------------------------------------------------------


def some_features(seed: int) -> tuple[list[Tensor], list[Tensor]]:
    """A teacher's six and a student's three, of four crops of unlike loudness."""
    source = torch.Generator().manual_seed(seed)
    mix = torch.randn(6, 3, generator=source)
    theirs, ours = [], []
    for loudness in (1.0, 30.0, 0.1, 3.0):
        own = torch.randn(1, 3, 8, 9, generator=source).relu()
        noise = torch.randn(1, 6, 8, 9, generator=source)
        theirs.append(loudness * (torch.einsum("nk,bkhw->bnhw", mix, own) + noise))
        ours.append(loudness * own)
    return [one.relu() for one in theirs], ours


def apart(found: Tensor, theirs: list[Tensor], ours: list[Tensor]) -> float:
    """Root of the mean over crops of ‖U f − F‖² / ‖F‖², in float64."""
    shares = []
    for one, own in zip(theirs, ours, strict=True):
        wanted = one[0].flatten(1).double()
        seen = found.double() @ own[0].flatten(1).double()
        shares.append(float((seen - wanted).square().sum() / wanted.square().sum()))
    return float(np.mean(shares)) ** 0.5


def test_the_map_is_the_least_squares_one(
    closed_form: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closed_form, "RIDGE", 0.0)
    theirs, ours = some_features(7)
    found, error = closed_form.mapped(theirs, ours)
    sizes = [float(one.double().norm()) for one in theirs]

    def beside(features: list[Tensor]) -> NDArray[np.float64]:
        """All crops' positions, each crop over its own size."""
        flat = [one[0].flatten(1).double().numpy() for one in features]
        return np.hstack([one / size for one, size in zip(flat, sizes, strict=True)])

    wanted, seen = beside(theirs), beside(ours)
    expected = np.linalg.lstsq(seen.T, wanted.T, rcond=None)[0].T
    assert found.dtype == torch.float32
    assert found.numpy() == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert error == pytest.approx(apart(found, theirs, ours), rel=1e-4)
    for seed in range(5):
        source = torch.Generator().manual_seed(seed)
        other = found + 0.01 * torch.randn(found.shape, generator=source)
        assert apart(other, theirs, ours) > error


def test_the_map_s_error_is_what_it_says(closed_form: ModuleType) -> None:
    """With the ridge as it is: never better than it says, and hardly worse."""
    theirs, ours = some_features(8)
    found, error = closed_form.mapped(theirs, ours)
    true = apart(found, theirs, ours)
    assert true <= error + 1e-6
    assert error == pytest.approx(true, rel=0.01)


def test_what_can_be_mapped_exactly_is(closed_form: ModuleType) -> None:
    source = torch.Generator().manual_seed(4)
    ours = [torch.rand(1, 3, 8, 8, generator=source) for _ in range(2)]
    mix = torch.randn(5, 3, generator=source)
    theirs = [torch.einsum("nk,bkhw->bnhw", mix, one) for one in ours]
    found, error = closed_form.mapped(theirs, ours)
    assert relative(found - mix, mix) < 0.005
    assert error < 0.02
