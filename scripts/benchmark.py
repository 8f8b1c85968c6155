#!/usr/bin/env python3
"""Measure how fast this program is, beside a plain loop and beside the machine's limit.

python scripts/benchmark.py evaluation startup --json figures.json

All figures of a run, and their ratios, are found in that run, by turns. `paint` and
`precision` take many minutes; --quick shows in seconds that all works.
"""

import sys

if __name__ == "__main__" and sys.argv[1:2] == ["--worker"]:
    # A process of benchmarks/worker.py's: nothing else is loaded.
    from benchmarks.worker import serve

    serve(sys.argv[2])  # type: ignore[arg-type]
    sys.exit()

import argparse
import json
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from benchmarks import machine
from benchmarks.setting import (
    PRECISIONS,
    Bench,
    LeftOutError,
    Setting,
    default_pairs,
)
from rich.console import Console

from artist_nst.cli import FAILURE, INTERRUPTED, USAGE
from artist_nst.errors import ArtistNstError, UsageError, nearest

NAMES = (
    "evaluation",
    "compact",
    "paint",
    "memory",
    "fetch",
    "works",
    "startup",
    "precision",
)
WITHOUT_WEIGHTS = {"fetch", "works"}
BESIDE_PLAIN = {"evaluation", "paint"}
QUICK_WIDTH, WIDTH = 64, 512
LEAST_WIDTH = 64

T = TypeVar("T")


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see --help)")


def parser() -> Parser:
    """The command line."""
    first, _, rest = (__doc__ or "").partition("\n\n")
    made = Parser(
        prog="benchmark.py",
        description=f"{first}\n\n{rest}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = made.add_argument
    add("names", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)} (default: all)")
    add("--json", type=Path, metavar="FILE", help="write every figure")
    add("--content", action="append", type=Path, metavar="IMAGE", help="a photo")
    add("--style", action="append", type=Path, metavar="IMAGE", help="its style")
    add("--weights", type=Path, metavar="FILE", help="VGG-19's")
    add("--device", default="auto", help="auto, cpu, cuda or mps")
    add("--width", type=_number, help="of paintings, in pixels (512)")
    add(
        "--widths",
        type=_several(_number),
        help="of evaluation (256,512,1024) and memory (512,1024)",
    )
    add(
        "--precision",
        type=_several(_precision),
        default=PRECISIONS,
        help="float32,bfloat16",
    )
    add("--rounds", type=_count, help="how often what is compared takes turns")
    add("--cap", type=_count, default=1800, help="seconds for the plain loop (1800)")
    add("--save", type=Path, metavar="FOLDER", help="keep the paintings of precision")
    add("--quick", action="store_true", help="tiny: that it works, not how fast")
    return made


def main(arguments: Sequence[str]) -> None:
    """Run the benchmarks that the command line names.

    Raises:
        UsageError: it can't be understood.
        ArtistNstError: there are no weights, a picture can't be read, or the like.
    """
    given = parser().parse_args(arguments)
    names = [_name(name) for name in given.names] or list(NAMES)
    setting = _setting(given)
    report: dict[str, Any] = {
        "date": machine.now(),
        "machine": machine.machine(),
        "versions": machine.versions(),
        "setting": _told(setting),
        "results": {},
    }
    _write(given.json, report)
    out = Console(highlight=False)
    if not out.is_terminal:
        out.width = 160
    with Bench(setting, Console(stderr=True, highlight=False)) as bench:
        if not WITHOUT_WEIGHTS.issuperset(names):
            if BESIDE_PLAIN.intersection(names):
                bench.start()
            report["device"] = _device(bench)
        _head(out, report)
        for name in names:
            report["results"][name] = _measured(name, bench, out)
            _write(given.json, report)


def _told(setting: Setting) -> dict[str, Any]:
    """The options as JSON can hold them, without where files are."""
    return {
        "quick": setting.quick,
        "width": setting.width,
        "widths": setting.widths,
        "precisions": setting.precisions,
        "rounds": setting.rounds,
        "pairs": [[photo.name, style.name] for photo, style in setting.pairs],
    }


def _measured(name: str, bench: Bench, out: Console) -> dict[str, Any]:
    """Run one benchmark and print its table."""
    benchmark: Any = import_module(f"benchmarks.{name}")
    try:
        found: dict[str, Any] = benchmark.measure(bench)
    except LeftOutError as error:
        out.print(f"{name}: left out: {error}\n", markup=False)
        return {"left_out": str(error)}
    table = benchmark.table(found)
    # Not by the table itself, which would break it at its own width.
    out.print(table.title, markup=False)
    table.title = None
    out.print(table)
    return found


def _device(bench: Bench) -> dict[str, Any]:
    """Where it is computed, with how many threads each, by which weights."""
    about = dict(bench.about)
    about["weights"] = Path(about["weights"]).name
    return about


def _head(out: Console, report: dict[str, Any]) -> None:
    """What the figures belong to."""
    here, device = report["machine"], report.get("device", {})
    memory = f"{here['memory'] / 2**30:.0f} GiB" if here["memory"] else "memory unknown"
    cores = f"{here['cores'] or '?'} cores, {here['threads']} threads, {memory}"
    out.print(f"{here['cpu']}, {cores}", markup=False)
    if device:
        out.print(f"{device['device']}; weights {device['weights']}", markup=False)
    versions = ", ".join(f"{name} {one}" for name, one in report["versions"].items())
    out.print(f"{versions}; {report['date']}\n", markup=False)


def _setting(given: argparse.Namespace) -> Setting:
    """The options, checked as far as they can be before anything is loaded.

    Raises:
        UsageError, ArtistNstError: a picture is not there, or has no partner; the
            folder can't be made.
    """
    if given.save is not None:
        _make(given.save)
    return Setting(
        pairs=_pairs(given.content or [], given.style or []),
        weights=given.weights,
        device=given.device,
        width=given.width or (QUICK_WIDTH if given.quick else WIDTH),
        widths=given.widths,
        precisions=given.precision,
        rounds=given.rounds,
        cap_s=float(given.cap),
        save=given.save,
        quick=given.quick,
    )


def _pairs(photos: list[Path], styles: list[Path]) -> tuple[tuple[Path, Path], ...]:
    if len(photos) != len(styles):
        raise UsageError("--content and --style: name as many of the one as the other")
    for path in (*photos, *styles):
        if not path.is_file():
            raise ArtistNstError(f"{path} is not a file: name a picture")
    there = [path.absolute() for path in photos], [path.absolute() for path in styles]
    return tuple(zip(*there, strict=True)) or default_pairs()


def _name(text: str) -> str:
    if text not in NAMES:
        raise UsageError(f"no benchmark is called {text!r}: {nearest(text, NAMES)}")
    return text


def _precision(text: str) -> str:
    if text not in PRECISIONS:
        raise argparse.ArgumentTypeError(f"{text!r}: {nearest(text, PRECISIONS)}")
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < LEAST_WIDTH:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a width of 64 pixels or more"
        )
    return int(text)


def _several(one: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """A list with commas, each named once, in the order given."""
    return lambda text: tuple(dict.fromkeys(map(one, text.split(","))))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtistNstError(
            f"--save {folder}: can't be made a folder ({error.strerror})"
        ) from error


def _write(path: Path | None, report: dict[str, Any]) -> None:
    """All that is known so far, so that an interruption costs one benchmark at most."""
    if path is None:
        return
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise ArtistNstError(
            f"--json {path}: can't be written ({error.strerror}); choose another"
        ) from error


def run(arguments: Sequence[str]) -> int:
    """Run a command line; whatever goes wrong is one line. The exit code."""
    try:
        main(arguments)
    except KeyboardInterrupt:
        code, line = INTERRUPTED, "interrupted"
    except ArtistNstError as error:
        code = USAGE if isinstance(error, UsageError) else FAILURE
        line = " ".join(str(error).split())
    else:
        return 0
    print(f"benchmark: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
