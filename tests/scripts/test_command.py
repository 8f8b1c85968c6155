"""Running a script: what goes wrong is one line, and the exit code tells it."""

from __future__ import annotations

import sys
from typing import NoReturn

import pytest
from command import run_script

from artist_nst.errors import ArtistNstError, UsageError

pytestmark = pytest.mark.tools


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UsageError("--out: no"), 2, "script.py: --out: no"),
        (ArtistNstError("no weights"), 1, "script.py: no weights"),
        (
            KeyboardInterrupt(),
            130,
            "interrupted; run the same command again to continue",
        ),
    ],
)
def test_errors_are_one_line(
    error: BaseException,
    code: int,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def main(number: int) -> NoReturn:
        assert number == 3
        raise error

    monkeypatch.setattr(sys, "argv", ["folder/script.py", "3"])
    with pytest.raises(SystemExit) as stop:
        run_script(main, resumable=True)
    assert stop.value.code == code
    assert capsys.readouterr().err.splitlines() == [line]
