"""A command line run in this process, away from the checkout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from artist_nst.cli import run
from artist_nst.nst import machine


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """What went wrong: exactly one line."""
        lines = [line for line in self.err.splitlines() if line.startswith("artist-")]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        return lines[0]


Cli = Callable[..., Ran]


@pytest.fixture
def cli(
    tmp_path: Path,
    weights_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Cli:
    """``cli("paint", photo, style)``, in an empty folder, with random weights."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_file))
    # Pictures this small gain nothing from threads.
    monkeypatch.setattr(machine, "cores", lambda: 1)
    monkeypatch.setattr(machine, "_prepared", False)

    def ran(*arguments: object) -> Ran:
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return ran


@pytest.fixture
def without_weights(cli: Cli, without_weights: list[str]) -> list[str]:
    """After ``cli``, which names weights."""
    del cli
    return without_weights
