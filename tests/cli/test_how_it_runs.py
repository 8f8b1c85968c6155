"""--precision, --optimizer, --max-memory: the same painting, computed otherwise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from artist_nst.nst import level, precision
from artist_nst.painting import record
from artist_nst.recipes.recipe import Optimizer
from tests.cli.conftest import Cli
from tests.cli.test_paint import SMALL, apart, pixels


class TestPrecision:
    @pytest.mark.parametrize("name", ["float32", "bfloat16"])
    def test_it_is_recorded_and_repainted(
        self, cli: Cli, photo: Path, style: Path, name: str
    ) -> None:
        precision.bfloat16_pays.cache_clear()
        more = ("--precision", name, "-o", "a.png")
        assert cli("paint", photo, style, *SMALL, *more).code == 0
        made = record.read("a.png")
        assert made["precision"] == name
        assert [one["precision"] for one in made["computed"]] == [name]
        assert cli("repaint", "a.png", "-o", "b.png").code == 0
        if name == "float32" or precision.bfloat16_pays("cpu"):
            assert record.read("b.png")["precision"] == name
            assert (pixels("a.png") == pixels("b.png")).all()

    def test_a_machine_that_is_slow_in_it_repaints_in_its_own(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        more = ("--precision", "bfloat16", "-o", "a.png")
        assert cli("paint", photo, style, *SMALL, *more).code == 0
        monkeypatch.setattr(precision, "bfloat16_pays", lambda _: False)
        assert cli("repaint", "a.png", "-o", "b.png").code == 0
        assert record.read("b.png")["precision"] == "float32"
        again = cli("repaint", "a.png", "--precision", "bfloat16", "-o", "c.png")
        assert again.code == 0
        assert (pixels("a.png") == pixels("c.png")).all()

    def test_the_same_painting(self, cli: Cli, photo: Path, style: Path) -> None:
        for name in ("float32", "bfloat16"):
            more = ("-w", 96, "-n", 12, "--precision", name, "-o", f"{name}.png")
            assert cli("paint", photo, style, *more).code == 0
        one, other = pixels("float32.png"), pixels("bfloat16.png")
        assert 0 < apart(one, other) < 6

    def test_an_unknown_one(self, cli: Cli, photo: Path, style: Path) -> None:
        ran = cli("paint", photo, style, "--precision", "float16")
        assert ran.code == 2
        assert "'--precision'" in ran.line
        assert "bfloat16" in ran.line

    def test_a_comparison_in_another_is_another(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        ask = ("compare", "ratio", "1,5", photo, style, *SMALL, "-o", "grid")
        assert cli(*ask, "--precision", "float32").code == 0
        assert cli(*ask, "--precision", "float32").code == 0
        ran = cli(*ask, "--precision", "bfloat16")
        assert ran.code == 2
        assert "other precision" in ran.line


class TestOptimizer:
    @pytest.mark.parametrize("name", get_args(Optimizer))
    def test_each_paints(self, cli: Cli, photo: Path, style: Path, name: str) -> None:
        more = ("--optimizer", name, "-o", "a.png")
        assert cli("paint", photo, style, *SMALL, *more).code == 0
        made = record.read("a.png")
        assert made["recipe"]["optimizer"] == name
        used = "lbfgs" if name == "auto" else name
        assert [one["optimizer"] for one in made["computed"]] == [used]
        assert made["iterations"] == 3

    def test_both_lbfgs_come_to_the_same(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        losses = {}
        for name in ("lbfgs", "lbfgs-device"):
            more = ("-w", 96, "-n", 30, "--precision", "float32", "--optimizer", name)
            assert cli("paint", photo, style, *more, "-o", f"{name}.png").code == 0
            losses[name] = record.read(f"{name}.png")["losses"]["total"]
        assert losses["lbfgs-device"] == pytest.approx(losses["lbfgs"], rel=0.05)


class TestMemory:
    def test_it_is_said_before(self, cli: Cli, photo: Path, style: Path) -> None:
        assert "GB" not in cli("paint", photo, style, *SMALL).err
        said = cli("paint", photo, style, *SMALL, "-v").err
        assert re.search(r"48×36: \w+, lbfgs, about 0\.\d+ GB\n", said)

    def test_in_strips_where_there_is_less(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As if nothing were taken yet: what this very process takes is not known.
        monkeypatch.setattr(level, "memory_taken", lambda _: 0)
        ask = ("paint", photo, style, "-w", 320, "-n", 2, "--precision", "float32")
        said = cli(*ask, "-v", "-o", "whole.png").err
        need = max(float(found) for found in re.findall(r"about ([\d.]+) GB", said))
        tight = ("--max-memory", round(need - 0.05, 2), "-v", "-o", "strips.png")
        told = cli(*ask, *tight)
        assert told.code == 0
        assert re.search(r"320×240: float32, lbfgs, about .* in strips of", told.err)
        assert [one["rows"] for one in record.read("whole.png")["computed"]][-1] is None
        assert record.read("strips.png")["computed"][-1]["rows"] < 240
        difference = np.abs(pixels("whole.png").astype(int) - pixels("strips.png"))
        assert difference.max() <= 1

    @pytest.mark.parametrize("command", ["paint", "repaint", "compare"])
    def test_too_little(self, cli: Cli, photo: Path, style: Path, command: str) -> None:
        assert cli("paint", photo, style, *SMALL, "-o", "a.png").code == 0
        ask = {
            "paint": ("paint", photo, style, *SMALL, "-o", "b.png"),
            "repaint": ("repaint", "a.png", "-o", "b.png"),
            "compare": ("compare", "ratio", "1,5", photo, style, *SMALL, "-o", "b"),
        }[command]
        ran = cli(*ask, "--max-memory", "0.1")
        assert ran.code == 1
        assert "--width" in ran.line
        assert "--max-memory" in ran.line
        assert not Path("b").exists()
        assert not Path("b.png").exists()

    @pytest.mark.parametrize("amount", ["0", "-1", "much", "4GB", "nan", "inf"])
    def test_no_amount(self, cli: Cli, photo: Path, style: Path, amount: str) -> None:
        ran = cli("paint", photo, style, "--max-memory", amount)
        assert ran.code == 2
        assert "--max-memory" in ran.line
