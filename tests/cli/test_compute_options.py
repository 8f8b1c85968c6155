"""--precision, --optimizer, --max-memory: the same painting, computed differently."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from artist_nst.nst import level, precision
from artist_nst.painting.record import load_record
from artist_nst.recipes.recipe import Optimizer
from tests.cli.conftest import SMALL, Cli, distance, files, pixels


class TestPrecision:
    def test_it_is_recorded_and_repainted(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        precision.prefers_bfloat16.cache_clear()
        for name in ("float32", "bfloat16"):
            more = ("--precision", name, "-o", "a.png")
            assert cli("paint", photo, style, *SMALL, *more).code == 0
            record = load_record("a.png")
            assert record["precision"] == name
            assert {step["precision"] for step in record["computed"]} == {name}
            assert cli("repaint", "a.png", "-o", "b.png").code == 0
            assert load_record("b.png")["precision"] == name
            assert (pixels("a.png") == pixels("b.png")).all()

    def test_a_machine_that_is_slow_in_bfloat16_repaints_in_it(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        more = ("--precision", "bfloat16", "-o", "a.png")
        assert cli("paint", photo, style, *SMALL, *more).code == 0
        if not precision.supports_bfloat16("cpu"):
            pytest.skip("no bfloat16 here")
        monkeypatch.setattr(precision, "prefers_bfloat16", lambda _: False)
        assert cli("repaint", "a.png", "-o", "b.png").code == 0
        assert load_record("b.png")["precision"] == "bfloat16"
        assert (pixels("a.png") == pixels("b.png")).all()

    def test_a_processor_that_emulates_bfloat16_repaints_in_it_and_says_so(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        more = ("--precision", "bfloat16", "-o", "a.png")
        assert cli("paint", photo, style, *SMALL, *more).code == 0
        monkeypatch.setattr(precision, "supports_bfloat16", lambda _: False)
        ran = cli("repaint", "a.png", "-o", "b.png")
        assert ran.code == 0
        assert "only emulates" in ran.err
        assert load_record("b.png")["precision"] == "bfloat16"
        assert (pixels("a.png") == pixels("b.png")).all()
        again = ("--precision", "float32", "-o", "c.png")
        assert cli("repaint", "a.png", *again).code == 0
        assert load_record("c.png")["precision"] == "float32"

    def test_both_paint_nearly_the_same(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        for name in ("float32", "bfloat16"):
            more = ("-w", 64, "-n", 8, "--precision", name, "-o", f"{name}.png")
            assert cli("paint", photo, style, *more).code == 0
        assert 0 < distance(pixels("float32.png"), pixels("bfloat16.png")) < 6

    def test_a_comparison_is_not_continued_in_another(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        compare = ("compare", "ratio", "1,5", photo, style, *SMALL, "-o", "grid")
        assert cli(*compare, "--precision", "float32").code == 0
        assert cli(*compare, "--precision", "float32").code == 0
        ran = cli(*compare, "--precision", "bfloat16")
        assert ran.code == 2
        assert "precision" in ran.line


class TestOptimizer:
    def test_each_paints(self, cli: Cli, photo: Path, style: Path) -> None:
        for name in get_args(Optimizer):
            more = ("--optimizer", name, "-o", "a.png")
            assert cli("paint", photo, style, *SMALL, *more).code == 0
            record = load_record("a.png")
            assert record["recipe"]["optimizer"] == name
            used = "lbfgs-clipped" if name == "auto" else name
            assert {step["optimizer"] for step in record["computed"]} == {used}
            assert record["iterations"] == 3

    def test_all_lbfgs_reach_the_same_loss(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        losses = {}
        for name in ("lbfgs", "lbfgs-clipped", "lbfgs-device"):
            more = ("-w", 48, "-n", 20, "--precision", "float32", "--optimizer", name)
            assert cli("paint", photo, style, *more, "-o", f"{name}.png").code == 0
            losses[name] = load_record(f"{name}.png")["losses"]["total"]
        for name in ("lbfgs-clipped", "lbfgs-device"):
            assert losses[name] == pytest.approx(losses["lbfgs"], rel=0.05)


class TestMemory:
    def test_it_is_printed_with_verbose(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        assert "GB" not in cli("paint", photo, style, *SMALL).err
        err = cli("paint", photo, style, *SMALL, "-v").err
        assert re.search(r"48×36: \w+, lbfgs-clipped, about 0\.\d+ GB\n", err)

    @pytest.mark.usefixtures("full_width")
    def test_less_memory_paints_in_strips(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As if this process had used none yet: how much it has is not known.
        monkeypatch.setattr(level, "used_memory", lambda _: 0)
        paint = ("paint", photo, style, "-w", 192, "-n", 1, "--recipe", "art.py")
        paint = (*paint, "--precision", "float32")
        err = cli(*paint, "-v", "-o", "whole.png").err
        needed = max(float(amount) for amount in re.findall(r"about ([\d.]+) GB", err))
        limit = ("--max-memory", round(needed - 0.04, 2))
        ran = cli(*paint, *limit, "-v", "-o", "strips.png")
        assert ran.code == 0
        assert re.search(r"192×144: float32, lbfgs, about .* in strips of", ran.err)
        assert load_record("whole.png")["computed"][-1]["rows"] is None
        assert load_record("strips.png")["computed"][-1]["rows"] < 144
        difference = np.abs(pixels("whole.png").astype(int) - pixels("strips.png"))
        assert difference.max() <= 1

    def test_too_little(self, cli: Cli, photo: Path, style: Path) -> None:
        assert cli("paint", photo, style, *SMALL, "-o", "a.png").code == 0
        for command in (
            ("paint", photo, style, *SMALL, "-o", "b.png"),
            ("repaint", "a.png", "-o", "b.png"),
            ("compare", "ratio", "1,5", photo, style, *SMALL, "-o", "b"),
        ):
            ran = cli(*command, "--max-memory", "0.1")
            assert ran.code == 1
            assert "--width" in ran.line
            assert "--max-memory" in ran.line
            assert files() == ["a.png"]
