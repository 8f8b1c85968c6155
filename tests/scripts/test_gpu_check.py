"""The check of a GPU, tried on the CPU."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import picture
from tests.scripts.conftest import SCRIPTS

pytestmark = pytest.mark.tools


def check(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    for name, seed in (("photo", 1), ("style", 2)):
        Image.fromarray(picture(72, 96, seed)).save(folder / f"{name}.png")
    command = [sys.executable, str(SCRIPTS / "gpu_check.py"), "photo.png", "style.png"]
    return subprocess.run(
        [*command, "--device", "cpu", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_all_tables_are_printed(tmp_path: Path) -> None:
    ran = check(tmp_path, "--no-tests", "--widths", "64,96", "--iterations", "4")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "random weights" in ran.stdout
    rows = [line for line in ran.stdout.splitlines() if line.startswith("| ")]
    cells = {row.split(" | ")[0] for row in rows}
    assert {"| 64×36", "| 96×54"} <= cells or {"| 64×34", "| 96×51"} <= cells
    assert any("lbfgs-device" in row for row in rows)
    assert any("GB" in row for row in rows)


def test_a_width_that_is_none(tmp_path: Path) -> None:
    ran = check(tmp_path, "--widths", "x")
    assert ran.returncode == 2
    assert len(ran.stderr.splitlines()) == 1
