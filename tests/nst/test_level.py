"""One level: precision that steps back, memory that fits, what is noted of both."""

import logging
from collections.abc import Collection
from typing import Any

import pytest
import torch
from torch import Tensor

from artist_nst.errors import ArtistNstError
from artist_nst.nst import level as one_level
from artist_nst.nst.minimize import ALL_DONE, NOT_FINITE, STUCK, NotFiniteError
from artist_nst.nst.pyramid import Result, Step, run
from artist_nst.nst.vgg import VGG, Part
from artist_nst.nst.weights import Weights
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import Recipe
from tests.conftest import picture

NUMBERS = recipe(levels=((0.5, 5), (1.0, 6)))


def image(height: int, width: int, seed: int = 0) -> Tensor:
    rgb = torch.from_numpy(picture(height, width, seed))
    return rgb.permute(2, 0, 1)[None].float()


class Failing(VGG):
    """A VGG whose features in bfloat16 are no numbers after so many evaluations."""

    after = 0
    fails_in = (torch.bfloat16,)

    def run(
        self,
        part: Part,
        x: Tensor,
        layers: Collection[str],
        dtype: torch.dtype | None = None,
        *more: Any,
    ) -> tuple[dict[str, Tensor], Tensor]:
        features, passed = super().run(part, x, layers, dtype, *more)
        if dtype in self.fails_in and part.layers[0] == "conv1_1":
            self.after -= 1
            if self.after < 0:
                passed = passed * torch.nan
        return features, passed


def painted(
    network: VGG, numbers: Recipe = NUMBERS, **how: Any
) -> tuple[Result, list[Step]]:
    steps: list[Step] = []
    styles = [(image(90, 80, 2), 1.0)]
    found = run(
        network, numbers, image(96, 112, 1), styles, on_step=steps.append, **how
    )
    return found, steps


class TestPrecision:
    def test_bfloat16_paints_nearly_the_same(self, thin_weights: Weights) -> None:
        network = VGG(thin_weights)
        coarse, _ = painted(network, precision="bfloat16")
        fine, _ = painted(network)
        assert [one.precision for one in coarse.computed] == ["bfloat16"] * 2
        assert [one.precision for one in fine.computed] == ["float32"] * 2
        assert coarse.losses.total == pytest.approx(fine.losses.total, rel=0.05)
        apart = (coarse.image - fine.image).abs().mean()
        moved = (fine.image - image(96, 112, 1)).abs().mean()
        assert 0 < float(apart) < 0.6 * float(moved)

    def test_not_a_number_at_the_start(
        self, thin_weights: Weights, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING, "artist_nst"):
            found, steps = painted(Failing(thin_weights), precision="bfloat16")
        assert "in float32" in caplog.text
        assert [one.precision for one in found.computed] == ["float32"] * 2
        expected, _ = painted(VGG(thin_weights))
        assert torch.equal(found.image, expected.image)
        assert [step.iteration for step in steps] == list(range(1, 12))

    def test_not_a_number_on_the_way(self, thin_weights: Weights) -> None:
        network = Failing(thin_weights)
        network.after = 3
        found, steps = painted(network, precision="bfloat16")
        assert [one.precision for one in found.computed] == ["float32"] * 2
        assert found.reasons == [ALL_DONE] * 2
        # Nothing is done twice, and what was painted is not lost.
        assert [step.iteration for step in steps] == list(range(1, 12))
        totals = [step.losses.total for step in steps if step.level == 1]
        assert totals == sorted(totals, reverse=True)
        assert found.evaluations >= 11
        assert bool(found.image.isfinite().all())

    def test_not_a_number_in_float32_either(self, thin_weights: Weights) -> None:
        network = Failing(thin_weights)
        network.fails_in = (torch.bfloat16, None)  # type: ignore[assignment]
        with pytest.raises(NotFiniteError):
            painted(network, precision="bfloat16")

    @pytest.mark.parametrize("evaluations", [4, 12])
    def test_the_best_is_kept_where_both_fail(
        self, thin_weights: Weights, evaluations: int
    ) -> None:
        network = Failing(thin_weights)
        network.fails_in = (torch.bfloat16, None)  # type: ignore[assignment]
        # Two looks at photo and style come first, at each level.
        network.after = 2 + evaluations
        found, steps = painted(network, precision="bfloat16")
        assert found.reasons[-1] == NOT_FINITE
        assert found.losses.total == min(
            step.losses.total for step in steps if step.level == steps[-1].level
        )
        assert bool(found.image.isfinite().all())

    def test_float32_goes_on_where_bfloat16_is_stuck(
        self, thin_weights: Weights, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        minimize = one_level.minimize
        asked = []

        def stuck(
            objective: Any, start: Tensor, numbers: Recipe, count: int, *more: Any
        ) -> Any:
            coarse = objective.dtype is not None
            asked.append((coarse, count))
            some = min(count, 2) if coarse else count
            outcome = minimize(objective, start, numbers, some, *more)
            return one_level.replace(outcome, reason=STUCK) if coarse else outcome

        monkeypatch.setattr(one_level, "minimize", stuck)
        found, steps = painted(VGG(thin_weights), precision="bfloat16")
        assert asked == [(True, 5), (False, 3), (True, 6), (False, 4)]
        assert [one.precision for one in found.computed] == ["float32"] * 2
        assert [step.iteration for step in steps] == list(range(1, 12))
        assert found.evaluations >= 11


class TestMemory:
    def test_a_whole_image_where_there_is_room(self, thin_weights: Weights) -> None:
        found, _ = painted(VGG(thin_weights))
        assert [(one.rows, one.history) for one in found.computed] == [(None, 5)] * 2
        assert [(one.width, one.height) for one in found.computed] == [
            (56, 48),
            (112, 96),
        ]

    def test_strips_where_there_is_not(
        self,
        thin_weights: Weights,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        network = VGG(thin_weights)
        whole, _ = painted(network)
        monkeypatch.setattr(one_level, "memory_taken", lambda _: 0)
        budget = one_level.Budget(network, NUMBERS, "float32")
        least = min(fit.device + fit.host for fit in budget.fits(96, 112))
        with caplog.at_level(logging.DEBUG, "artist_nst"):
            tiled, _ = painted(network, max_memory=least)
        assert tiled.computed[-1].rows == 16
        assert "in strips of 16 rows" in caplog.text
        assert tiled.computed[-1].history == 3
        assert "3 steps instead of 5" in caplog.text
        assert tiled.losses.total == pytest.approx(whole.losses.total, rel=0.05)

    def test_no_room_at_all(
        self, thin_weights: Weights, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(one_level, "memory_taken", lambda _: 0)
        with pytest.raises(ArtistNstError, match=r"112×96 .*--width.*--max-memory"):
            painted(VGG(thin_weights), max_memory=10**6)

    def test_what_the_process_takes_already_counts(
        self, thin_weights: Weights, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(one_level, "memory_taken", lambda _: 10**9)
        with pytest.raises(ArtistNstError, match="--max-memory"):
            painted(VGG(thin_weights), max_memory=10**9 + 10**6)

    def test_it_is_said_before(
        self, thin_weights: Weights, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG, "artist_nst"):
            painted(VGG(thin_weights))
        told = [message for message in caplog.messages if "GB" in message]
        assert told[0].startswith("56×48: float32, lbfgs, about 0.")
        assert caplog.messages.index(told[0]) < caplog.messages.index(
            next(message for message in caplog.messages if "evaluations" in message)
        )

    def test_the_last_level_is_refused_before_the_first_is_painted(
        self, thin_weights: Weights, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(one_level, "memory_taken", lambda _: 0)
        network, steps = VGG(thin_weights), []
        budget = one_level.Budget(network, NUMBERS, "float32")
        small, large = (
            min(fit.device + fit.host for fit in budget.fits(*size))
            for size in ((48, 56), (96, 112))
        )
        assert small < large
        with pytest.raises(ArtistNstError, match="112×96"):
            run(
                network,
                NUMBERS,
                image(96, 112, 1),
                [(image(90, 80, 2), 1.0)],
                max_memory=(small + large) // 2,
                on_step=steps.append,
            )
        assert not steps

    def test_what_is_painted_is_kept_where_memory_went(
        self, thin_weights: Weights, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rooms = iter([10**12] * 3 + [0] * 9)
        monkeypatch.setattr(one_level.Task, "rooms", lambda _: (next(rooms), 10**12))
        found, steps = painted(VGG(thin_weights))
        assert "--width" in found.reasons[-1]
        assert [step.level for step in steps] == [1] * 5
        assert found.image.shape == (1, 3, 96, 112)

    def test_bfloat16_is_kept_where_float32_has_no_room(
        self, thin_weights: Weights, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        network = Failing(thin_weights)
        network.after = 6
        rooms = iter([10**12] * 2 + [0])
        monkeypatch.setattr(one_level.Task, "rooms", lambda _: (next(rooms), 10**12))
        numbers = recipe(levels=((1.0, 30),))
        found, steps = painted(network, numbers, precision="bfloat16")
        assert found.reasons == [NOT_FINITE]
        assert len(steps) > 0
        assert found.losses.total == min(step.losses.total for step in steps)


def test_tolerances_are_not_met_by_rounding(thin_weights: Weights) -> None:
    """Where scipy finds that the loss falls no more, float32 looks again."""
    numbers = recipe("art.py", levels=((1.0, 60),))
    found, _ = painted(VGG(thin_weights), numbers, precision="bfloat16")
    assert found.reasons == [ALL_DONE] or found.computed[-1].precision == "float32"
