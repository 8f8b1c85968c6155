"""One level: fallback to float32, memory strategies, and the record of both."""

import logging
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from artist_nst.errors import ArtistNstError
from artist_nst.nst import level as level_module
from artist_nst.nst.lbfgs import StopReason
from artist_nst.nst.memory import MemoryEstimator
from artist_nst.nst.minimize import NotFiniteError
from artist_nst.nst.pyramid import PyramidResult, Step, run_pyramid
from artist_nst.nst.vgg import VGG, Block
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import Recipe
from tests.nst.conftest import image

RECIPE = recipe(levels=((0.5, 5), (1.0, 6)))


class FailingVGG(VGG):
    """A VGG whose features in some dtypes are NaN after so many evaluations."""

    after = 0
    fails_in: tuple[torch.dtype | None, ...] = (torch.bfloat16,)

    def run_block(
        self,
        block: Block,
        x: Tensor,
        layers: Collection[str],
        dtype: torch.dtype | None = None,
        *more: Any,
    ) -> tuple[dict[str, Tensor], Tensor]:
        features, passed = super().run_block(block, x, layers, dtype, *more)
        if dtype in self.fails_in and block.layers[0] == "conv1_1":
            self.after -= 1
            if self.after < 0:
                passed = passed * torch.nan
        return features, passed


def paint(
    network: VGG, settings: Recipe = RECIPE, **how: Any
) -> tuple[PyramidResult, list[Step]]:
    steps: list[Step] = []
    photo, styles = image(96, 112, 1), [(image(48, 56, 2), 1.0)]
    result = run_pyramid(network, settings, photo, styles, on_step=steps.append, **how)
    return result, steps


def precisions(result: PyramidResult) -> list[str]:
    return [level.precision for level in result.levels]


@pytest.fixture(scope="module")
def expected(thin_weights: Weights) -> PyramidResult:
    """The painting in float32, without a limit of memory."""
    return paint(VGG(thin_weights))[0]


class TestPrecision:
    def test_bfloat16_paints_nearly_the_same(
        self, thin_weights: Weights, expected: PyramidResult
    ) -> None:
        result, _ = paint(VGG(thin_weights), precision="bfloat16")
        assert precisions(result) == ["bfloat16"] * 2
        assert precisions(expected) == ["float32"] * 2
        assert result.losses.total == pytest.approx(expected.losses.total, rel=0.05)
        difference = float((result.image - expected.image).abs().mean())
        change = float((expected.image - image(96, 112, 1)).abs().mean())
        assert 0 < difference < 0.6 * change

    def test_nan_at_the_start(
        self,
        thin_weights: Weights,
        expected: PyramidResult,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        with caplog.at_level(logging.WARNING, "artist_nst"):
            result, steps = paint(FailingVGG(thin_weights), precision="bfloat16")
        assert "float32" in caplog.text
        assert precisions(result) == ["float32"] * 2
        assert torch.equal(result.image, expected.image)
        assert [step.iteration for step in steps] == list(range(1, 12))

    def test_nan_later(self, thin_weights: Weights) -> None:
        network = FailingVGG(thin_weights)
        network.after = 3
        result, steps = paint(network, precision="bfloat16")
        assert precisions(result) == ["float32"] * 2
        assert result.reasons == [StopReason.ALL_DONE] * 2
        # No iteration is done twice, and what was painted is not lost.
        assert [step.iteration for step in steps] == list(range(1, 12))
        totals = [step.losses.total for step in steps if step.level == 1]
        assert totals == sorted(totals, reverse=True)
        assert result.evaluations >= 11
        assert bool(result.image.isfinite().all())

    def test_nan_in_float32_too(self, thin_weights: Weights) -> None:
        network = FailingVGG(thin_weights)
        network.fails_in = (torch.bfloat16, None)
        with pytest.raises(NotFiniteError):
            paint(network, precision="bfloat16")

    @pytest.mark.parametrize("evaluations", [4, 12])
    def test_the_best_is_kept_where_both_fail(
        self, thin_weights: Weights, evaluations: int
    ) -> None:
        network = FailingVGG(thin_weights)
        network.fails_in = (torch.bfloat16, None)
        # Each level first evaluates photo and style, twice: for the targets, and to
        # find neighbors.
        network.after = 4 + evaluations
        result, steps = paint(network, precision="bfloat16")
        assert result.reasons[-1] == StopReason.NOT_FINITE
        assert result.losses.total == min(
            step.losses.total for step in steps if step.level == steps[-1].level
        )
        assert bool(result.image.isfinite().all())

    def test_float32_continues_where_bfloat16_is_stuck(
        self, thin_weights: Weights, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        minimize = level_module.minimize
        calls = []

        def get_stuck(
            objective: Any, start: Tensor, settings: Recipe, count: int, *more: Any
        ) -> Any:
            is_bfloat16 = objective.dtype is not None
            calls.append((is_bfloat16, count))
            if not is_bfloat16:
                return minimize(objective, start, settings, count, *more)
            result = minimize(objective, start, settings, min(count, 2), *more)
            return replace(result, reason=StopReason.NO_LOWER_LOSS)

        monkeypatch.setattr(level_module, "minimize", get_stuck)
        result, steps = paint(VGG(thin_weights), precision="bfloat16")
        assert calls == [(True, 5), (False, 3), (True, 6), (False, 4)]
        assert precisions(result) == ["float32"] * 2
        assert [step.iteration for step in steps] == list(range(1, 12))
        assert result.evaluations >= 11

    def test_tolerances_are_not_met_by_rounding(self, thin_weights: Weights) -> None:
        """Where scipy finds that the loss no longer falls, float32 continues."""
        settings = recipe("art.py", levels=((1.0, 40),))
        result, _ = paint(VGG(thin_weights), settings, precision="bfloat16")
        is_done = result.reasons == [StopReason.ALL_DONE]
        assert is_done or precisions(result) == ["float32"]


def least_memory(network: VGG, height: int, width: int) -> int:
    # The style of 48×56 pixels has 12·14 places, or a quarter of them at half the size.
    places = 12 * 14 * height * width // (96 * 112)
    estimator = MemoryEstimator(network, RECIPE, "float32", style_places=places)
    strategies = estimator.list_strategies(height, width)
    return min(one.device_bytes + one.host_bytes for one in strategies)


class TestMemory:
    @pytest.fixture(autouse=True)
    def nothing_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(level_module, "used_memory", lambda _: 0)

    def test_whole_images_where_they_fit(self, expected: PyramidResult) -> None:
        found = [
            (one.width, one.height, one.rows, one.history) for one in expected.levels
        ]
        assert found == [(56, 48, None, 5), (112, 96, None, 5)]

    def test_strips_where_they_do_not(
        self,
        thin_weights: Weights,
        expected: PyramidResult,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        network = VGG(thin_weights)
        with caplog.at_level(logging.DEBUG, "artist_nst"):
            result, _ = paint(network, max_memory=least_memory(network, 96, 112))
        assert result.levels[-1].rows == 16
        assert result.levels[-1].optimizer == "lbfgs-device"
        assert "in strips of 16 rows" in caplog.text
        assert "takes scipy's place, because memory is short" in caplog.text
        assert result.losses.total == pytest.approx(expected.losses.total, rel=0.05)
        # Each level's estimate is logged before it is painted.
        lines = [line for line in caplog.messages if "GB" in line or "evalu" in line]
        assert lines[0].startswith("56×48: float32, lbfgs-clipped, about 0.")
        assert [("GB" in line) for line in lines] == [True, False] * 2

    def test_not_enough_at_all(
        self, thin_weights: Weights, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(ArtistNstError, match=r"112×96 .*--width.*--max-memory"):
            paint(VGG(thin_weights), max_memory=10**6)
        # What the process uses already counts.
        monkeypatch.setattr(level_module, "used_memory", lambda _: 10**9)
        with pytest.raises(ArtistNstError, match="--max-memory"):
            paint(VGG(thin_weights), max_memory=10**9 + 10**6)

    def test_the_last_level_is_refused_before_the_first_is_painted(
        self, thin_weights: Weights
    ) -> None:
        network, steps = VGG(thin_weights), []
        small, large = (least_memory(network, *size) for size in ((48, 56), (96, 112)))
        assert small < large
        with pytest.raises(ArtistNstError, match="112×96"):
            run_pyramid(
                network,
                RECIPE,
                image(96, 112, 1),
                [(image(48, 56, 2), 1.0)],
                max_memory=(small + large) // 2,
                on_step=steps.append,
            )
        assert not steps

    def test_a_painted_level_is_kept_where_memory_runs_out(
        self, thin_weights: Weights, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limits = iter([10**12] * 3 + [0] * 9)
        monkeypatch.setattr(
            level_module.LevelPainter, "memory_limits", lambda _: (next(limits), 10**12)
        )
        result, steps = paint(VGG(thin_weights))
        assert "--width" in result.reasons[-1]
        assert [step.level for step in steps] == [1] * 5
        assert result.image.shape == (1, 3, 96, 112)

    def test_bfloat16_is_kept_where_float32_does_not_fit(
        self, thin_weights: Weights, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        network = FailingVGG(thin_weights)
        network.after = 6
        limits = iter([10**12] * 2 + [0])
        monkeypatch.setattr(
            level_module.LevelPainter, "memory_limits", lambda _: (next(limits), 10**12)
        )
        settings = recipe(levels=((1.0, 30),))
        result, steps = paint(network, settings, precision="bfloat16")
        assert result.reasons == [StopReason.NOT_FINITE]
        assert len(steps) > 0
        assert result.losses.total == min(step.losses.total for step in steps)
