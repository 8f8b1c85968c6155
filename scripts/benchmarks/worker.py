"""Processes in which things are measured.

A worker reads requests from stdin, one line of JSON each, and writes one line of JSON
to stdout for each; whatever the called functions print goes to stderr.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import traceback
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Self

from artist_nst.errors import ArtistNstError, UsageError
from benchmarks.problem import Problem

# "plain" has torch's defaults, "ours" the settings of artist_nst's program, and "bare"
# does not load torch.
Kind = Literal["plain", "ours", "bare"]
FLAG = "--worker"
SCRIPT = Path(__file__).resolve().parents[1] / "benchmark.py"


class WorkerMemoryError(ArtistNstError):
    """Memory ran out in a worker, or its process was killed."""


ERRORS = {"usage": UsageError, "failure": ArtistNstError, "memory": WorkerMemoryError}


class Worker:
    """Process that calls functions of this package; a context manager.

    Args:
        kind: Which settings it has.
        environment: Variables besides the inherited ones.
    """

    def __init__(self, kind: Kind, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), FLAG, kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: Any, error: BaseException | None, __: Any) -> None:
        if error is not None:
            self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            # What was not yet written to a process that has ended.
            with suppress(BrokenPipeError):
                pipe.close()
        self.process.wait()

    def __call__(self, function: str, **arguments: Any) -> Any:
        """Call ``module.function`` of this package and return its result.

        Raises:
            ArtistNstError: The function raised it.
            WorkerMemoryError: Memory ran out, or the process ended.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        for name, value in arguments.items():
            if isinstance(value, Problem):
                arguments[name] = asdict(value)
        request = {"function": function, "arguments": arguments}
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerMemoryError(
                f"{function}: its process ended with code {self.process.wait()}; "
                "out of memory?"
            )
        return unwrap_response(json.loads(line))


def serve(kind: Kind) -> None:
    """Answer requests until stdin ends: the main function of a worker."""
    # Ctrl-C is handled by the parent, which ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if kind == "ours":
        from artist_nst.nst.machine import configure_process

        configure_process()
    if kind != "bare":
        # Before the first request, so that two workers load torch at the same time.
        import_module(f"benchmarks.{kind}")
    for line in sys.stdin:
        response = handle_request(**json.loads(line))
        print(json.dumps(response), file=output, flush=True)


def handle_request(function: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call ``module.function``; return its ``value``, or ``error`` and ``kind``."""
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
        # torch's messages are long.
        text = " ".join(str(error).split())[:300]
        memory = isinstance(error, MemoryError) or re.search("allocate|of memory", text)
        line = f"{function}: {type(error).__name__}: {text}"
        return {"error": line, "kind": "memory" if memory else "failure"}


def unwrap_response(response: dict[str, Any]) -> Any:
    """Return a response's value, or raise its error."""
    if "error" in response:
        raise ERRORS[response["kind"]](response["error"])
    return response["value"]
