#!/usr/bin/env python3
"""Fuzz the readers of pictures, records, manifests, recipes, web pages and weights.

python scripts/fuzz.py --minutes 60 --seeds ../shared/faults

Every case that raises anything but ArtistNstError, or takes long, is saved.
"""

from __future__ import annotations

import hashlib
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from command import run_script

if TYPE_CHECKING:
    from fuzzing.targets import FuzzTargets

SLOW_SECONDS = 10.0


def main(
    targets: Annotated[
        list[str] | None, typer.Argument(help="Names of targets (default: all).")
    ] = None,
    minutes: Annotated[float, typer.Option(help="How long to fuzz.")] = 1.0,
    seeds: Annotated[
        Path | None, typer.Option(help="Folder of further files to start from.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the cases that fail.")] = Path(
        "fuzz-failures"
    ),
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    use_atheris: Annotated[
        bool,
        typer.Option("--atheris", help="Be guided by coverage, for one target."),
    ] = False,
) -> None:
    """Fuzz until the time is over, and count what happened."""
    with TemporaryDirectory() as folder:
        if use_atheris:
            name = targets[0] if targets else "record"
            _run_atheris(name, Path(folder), seeds, minutes, out)
            return
        from fuzzing.targets import FuzzTargets

        fuzz = FuzzTargets(Path(folder), seeds)
        names = targets or list(fuzz.functions)
        random = Random(seed)
        cases: Counter[str] = Counter()
        failures: set[str] = set()
        for name in _repeat_until(cycle(names), time.monotonic() + 60 * minutes):
            content = fuzz.mutate(name, random)
            cases[name] += 1
            started = time.monotonic()
            problem = _run(fuzz, name, content)
            seconds = time.monotonic() - started
            if problem is None and seconds > SLOW_SECONDS:
                problem = "slow"
            if problem is not None and f"{name}: {problem}" not in failures:
                failures.add(f"{name}: {problem}")
                out.mkdir(parents=True, exist_ok=True)
                digest = hashlib.sha256(content).hexdigest()[:12]
                (out / f"{name}-{digest}").write_bytes(content)
                print(f"{name} {digest} {seconds:.1f} s: {problem}", flush=True)
    for name, count in cases.items():
        print(f"{name:10}{count:>10,} cases")
    print(f"{len(failures)} kinds of failure")
    if failures:
        raise typer.Exit(1)


def _repeat_until(names: Iterator[str], end: float) -> Iterator[str]:
    for name in names:
        if time.monotonic() > end:
            return
        yield name


def _run(fuzz: FuzzTargets, name: str, content: bytes) -> str | None:
    """Run a case; return where it failed, if it did."""
    try:
        fuzz.run(name, content)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "artist_nst" in frame.filename]
        place = ours[-1] if ours else frames[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        return f"{type(error).__name__} at {where}: {str(error)[:80]!r}"
    return None


def _run_atheris(
    name: str, folder: Path, seeds: Path | None, minutes: float, out: Path
) -> None:
    """Let libFuzzer change the cases that reach new code; it ends the process."""
    import atheris  # has no wheels for some platforms

    # Imported again below, to be observed.
    for module in [module for module in sys.modules if module.startswith("artist_nst")]:
        del sys.modules[module]
    corpus = folder / "corpus"
    corpus.mkdir()
    with atheris.instrument_imports(include=["artist_nst"]):
        from fuzzing.targets import FuzzTargets

        fuzz = FuzzTargets(folder, seeds)
        for number, content in enumerate(fuzz.seeds[name]):
            (corpus / str(number)).write_bytes(content)
            fuzz.run(name, content)
    out.mkdir(parents=True, exist_ok=True)
    options = (f"-max_total_time={round(60 * minutes)}", f"-artifact_prefix={out}/")
    arguments = [sys.argv[0], *options, str(corpus)]
    atheris.Setup(arguments, lambda content: fuzz.run(name, content))
    atheris.Fuzz()


if __name__ == "__main__":
    run_script(main)
