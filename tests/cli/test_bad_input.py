"""Names that are empty, too long, or of no regular file: one line, whatever command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Cli
from tests.conftest import picture

LONG = "a" * 5000
COMMANDS = {
    "photo": ("paint", "{}", "style.png"),
    "style": ("paint", "photo.png", "{}"),
    "out": ("paint", "photo.png", "style.png", "-o", "{}"),
    "film": ("paint", "photo.png", "style.png", "--film", "{}"),
    "artist": ("paint", "photo.png", "-A", "{}"),
    "weights": ("paint", "photo.png", "style.png", "--weights", "{}"),
    "recipe": ("paint", "photo.png", "style.png", "--recipe", "{}"),
    "repaint": ("repaint", "{}"),
    "compare": ("compare", "ratio", "1,2", "photo.png", "style.png", "-o", "{}"),
    "jobs": ("batch", "{}", "-o", "painted"),
    "batch": ("batch", "--photos", "photo.png", "--style", "style.png", "-o", "{}"),
    "frames": ("film", "{}"),
    "info": ("info", "{}"),
    "evaluate": ("evaluate", "{}"),
    "adopt": ("adopt", "{}"),
    "works": ("works", "{}"),
    "sheet": ("works", "procedural", "--sheet", "{}"),
    "forget": ("forget", "{}", "-y"),
}


@pytest.fixture(autouse=True)
def _pictures(cli: Cli) -> None:  # noqa: ARG001 - it makes the folder
    for seed, name in enumerate(("photo.png", "style.png")):
        Image.fromarray(picture(40, 48, seed)).save(name)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("name", ["", LONG, "loop"], ids=("", "long", "loop"))
def test_one_line(cli: Cli, command: tuple[str, ...], name: str) -> None:
    Path("loop").symlink_to("loop")
    if command[-2:] == ("--recipe", "{}") and name == "loop":
        name += ".toml"
    before = sorted(os.listdir())
    ran = cli(*(part.format(name) for part in command))
    assert ran.code in (1, 2)
    assert "internal error" not in ran.line
    assert len(ran.line) < 1000
    assert ran.out == ""
    assert sorted(os.listdir()) == before


def test_an_empty_value_behind_an_equals_sign(cli: Cli) -> None:
    ran = cli("paint", "photo.png", "style.png", "--film=")
    assert (ran.code, "--film is empty" in ran.line) == (2, True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_as_weights_does_not_block() -> None:
    os.mkfifo("pipe")
    command = [sys.executable, "-m", "artist_nst", "paint", "photo.png", "style.png"]
    ran = subprocess.run(
        [*command, "--weights", "pipe"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 1
    assert "pipe cannot be read: it is a pipe" in ran.stderr


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
)
def test_folders_that_may_not_be_read(cli: Cli) -> None:
    for folder in ("locked", "corpora/locked"):
        Path(folder).mkdir(parents=True)
        Path(folder).chmod(0)
    try:
        assert "unusable" in cli("artists").out
        for command in COMMANDS.values():
            ran = cli(*(part.format("locked") for part in command))
            assert ran.code in (1, 2)
            assert "internal error" not in ran.line
    finally:
        for folder in ("locked", "corpora/locked"):
            Path(folder).chmod(0o700)


@pytest.mark.parametrize(
    "command",
    ["paint no.jpg b.jpg", "paint a.jpg -A no", "info no.png", "compare ratio 1 no b"],
)
def test_usual_mistakes_are_told_before_torch_is_loaded(command: str) -> None:
    """Which takes seconds."""
    code = f"""
import sys
from artist_nst.cli import run
assert run({command.split()!r}) != 0
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
