"""Processes in which things are measured, each by itself, one at a time.

A worker reads orders from its stdin, a line of JSON each, and answers each with a line
on its stdout; what it is told to call may print what it likes, on stderr.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from artist_nst.errors import ArtistNstError, UsageError

# Plain: with torch as it is. Ours: with the settings of artist_nst's own program. Bare:
# neither, for what needs no torch.
Kind = Literal["plain", "ours", "bare"]
FLAG = "--worker"
SCRIPT = Path(__file__).resolve().parents[1] / "benchmark.py"


class NoRoomError(ArtistNstError):
    """Memory ran out, or a worker's process has ended as if it had."""


ERRORS = {"usage": UsageError, "failure": ArtistNstError, "room": NoRoomError}


class Worker:
    """A process that calls functions of this package for us; a context manager."""

    def __init__(
        self, kind: Kind, environment: Mapping[str, str] | None = None
    ) -> None:
        self.kind = kind
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), FLAG, kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(kill=error is not None)

    def __call__(self, function: str, **arguments: Any) -> Any:
        """Call ``module.function`` of this package; its value as JSON gives it back.

        Raises:
            ArtistNstError: as the function did.
            NoRoomError: memory ran out, or the process has ended.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        order = {"function": function, "arguments": arguments}
        try:
            print(json.dumps(order), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise NoRoomError(
                f"{function}: its process ended with code {self.process.wait()}; "
                "out of memory?"
            )
        return value(json.loads(line))

    def close(self, kill: bool = False) -> None:
        """End the process; at once, or when it has done what it does."""
        if kill:
            self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            # What could not be written to a process that has ended.
            with suppress(BrokenPipeError):
                pipe.close()
        self.process.wait()


def serve(kind: Kind) -> None:
    """What a worker does, until its stdin ends."""
    # Ctrl-C is the parent's to hear, who ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if kind == "ours":
        from artist_nst.nst.machine import prepare

        prepare()
    if kind != "bare":
        # Before the first order, so that two workers load torch at the same time.
        import_module(f"benchmarks.{kind}")
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line))), file=answers, flush=True)


def value(answered: dict[str, Any]) -> Any:
    """What an answer says, or the error that it tells of."""
    if "error" in answered:
        raise ERRORS[answered["kind"]](answered["error"])
    return answered["value"]


def answer(function: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call ``module.function``: its ``value``, or ``error`` and of which ``kind``."""
    from benchmarks.problem import Problem

    module, name = function.split(".")
    if "problem" in arguments:
        arguments["problem"] = Problem(**arguments["problem"])
    try:
        called = getattr(import_module(f"benchmarks.{module}"), name)
        return {"value": called(**arguments)}
    except ArtistNstError as error:
        kind = "usage" if isinstance(error, UsageError) else "failure"
        return {"error": str(error), "kind": kind}
    except Exception as error:
        if os.environ.get("ARTIST_NST_DEBUG"):
            traceback.print_exc()
        # torch says what it could not allocate, and much besides.
        said = " ".join(str(error).split())[:300]
        room = isinstance(error, MemoryError) or re.search("allocate|of memory", said)
        line = f"{function}: {type(error).__name__}: {said}"
        return {"error": line, "kind": "room" if room else "failure"}
