#!/usr/bin/env python3
"""Measure the program's speed, compared with a plain loop and the machine's limit.

python scripts/benchmark.py evaluation startup --json figures.json

Contenders take turns in one run, so that their ratios are meaningful. `paint` and
`precision` take many minutes.
"""

import sys

if __name__ == "__main__" and sys.argv[1:2] == ["--worker"]:
    # A process of benchmarks/worker.py, which imports only what it needs.
    from benchmarks.worker import serve

    serve(sys.argv[2])  # type: ignore[arg-type]
    sys.exit()

import json
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from benchmarks import machine
from benchmarks.context import (
    PRECISIONS,
    Context,
    Options,
    SkippedBenchmarkError,
    default_pairs,
)
from command import run_script
from rich.console import Console

from artist_nst._files import write_text
from artist_nst.errors import ArtistNstError, UsageError, suggest

NAMES = (
    "evaluation",
    "layers",
    "compact",
    "paint",
    "memory",
    "fetch",
    "works",
    "neighbors",
    "regions",
    "startup",
    "precision",
    "program",
)
NO_WEIGHTS = {"fetch", "works"}
WITH_PLAIN_LOOP = {"evaluation", "paint"}
MIN_WIDTH, WIDTH = 64, 512


def main(
    names: Annotated[
        list[str] | None, typer.Argument(help=f"{', '.join(NAMES)} (default: all)")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all results to this file.")
    ] = None,
    content: Annotated[list[Path] | None, typer.Option(help="A photo.")] = None,
    style: Annotated[list[Path] | None, typer.Option(help="Its style image.")] = None,
    weights: Annotated[Path | None, typer.Option(help="VGG-19's file.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    width: Annotated[
        int | None, typer.Option(min=MIN_WIDTH, help="Of paintings (default: 512).")
    ] = None,
    widths: Annotated[
        str | None, typer.Option(help="Of evaluation, compact and memory, as 256,512.")
    ] = None,
    precision: Annotated[str, typer.Option(help="To measure.")] = ",".join(PRECISIONS),
    rounds: Annotated[
        int | None, typer.Option(min=1, help="How often contenders take turns.")
    ] = None,
    cap: Annotated[
        int, typer.Option(min=1, help="Time limit of the plain loop, in seconds.")
    ] = 1800,
    save: Annotated[
        Path | None, typer.Option(help="Folder for the paintings of `precision`.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only test that the benchmarks run.")
    ] = False,
) -> None:
    chosen = tuple(_check_name(name, NAMES) for name in names or NAMES)
    options = Options(
        pairs=_make_pairs(content or [], style or []),
        weights=weights,
        device=device,
        width=width or (MIN_WIDTH if quick else WIDTH),
        widths=_parse_widths(widths) if widths else None,
        precisions=tuple(_check_name(x, PRECISIONS) for x in precision.split(",")),
        rounds=rounds,
        cap_s=float(cap),
        save=save,
        quick=quick,
    )
    if save is not None:
        _make_folder(save)
    run_benchmarks(chosen, options, json_file)


def run_benchmarks(
    names: tuple[str, ...], options: Options, json_file: Path | None
) -> None:
    """Run benchmarks and print their tables.

    Args:
        json_file: Rewritten after each benchmark.

    Raises:
        ArtistNstError: There are no weights, a picture cannot be read, or the like.
    """
    report: dict[str, Any] = {
        "date": machine.format_now(),
        "machine": machine.describe_machine(),
        "versions": machine.list_versions(),
        "setting": _describe_options(options),
        "results": {},
    }
    _write_report(json_file, report)
    output = Console(highlight=False)
    if not output.is_terminal:
        output.width = 160
    with Context(options, Console(stderr=True, highlight=False)) as context:
        if not NO_WEIGHTS.issuperset(names):
            if WITH_PLAIN_LOOP.intersection(names):
                context.start_workers()
            weights = Path(context.environment["weights"]).name
            report["device"] = {**context.environment, "weights": weights}
        _print_header(output, report)
        for name in names:
            report["results"][name] = _run_benchmark(name, context, output)
            _write_report(json_file, report)


def _run_benchmark(name: str, context: Context, output: Console) -> dict[str, Any]:
    benchmark: Any = import_module(f"benchmarks.{name}")
    try:
        results: dict[str, Any] = benchmark.measure(context)
    except SkippedBenchmarkError as error:
        output.print(f"{name}: skipped: {error}\n", markup=False)
        return {"left_out": str(error)}
    table = benchmark.make_table(results)
    # Printed separately, because the table would wrap its title at its own width.
    output.print(table.title, markup=False)
    table.title = None
    output.print(table)
    return results


def _describe_options(options: Options) -> dict[str, Any]:
    """Return the options for JSON, without paths of this machine."""
    names = "quick", "width", "widths", "precisions", "rounds"
    pairs = [[photo.name, style.name] for photo, style in options.pairs]
    return {**{name: getattr(options, name) for name in names}, "pairs": pairs}


def _print_header(output: Console, report: dict[str, Any]) -> None:
    info = report["machine"]
    memory = f"{info['memory'] / 2**30:.0f} GiB" if info["memory"] else "memory unknown"
    cores = f"{info['cores'] or '?'} cores, {info['threads']} threads, {memory}"
    lines = [f"{info['cpu']}, {cores}"]
    if device := report.get("device"):
        lines.append(f"{device['device']}; weights {device['weights']}")
    versions = [f"{name} {version}" for name, version in report["versions"].items()]
    lines.append(f"{', '.join(versions)}; {report['date']}\n")
    output.print("\n".join(lines), markup=False)


def _make_pairs(
    photos: list[Path], styles: list[Path]
) -> tuple[tuple[Path, Path], ...]:
    if len(photos) != len(styles):
        raise UsageError("--content and --style: name as many photos as style images")
    for path in (*photos, *styles):
        if not path.is_file():
            raise ArtistNstError(f"{path} is not a file: name a picture")
    pairs = zip(photos, styles, strict=True)
    return tuple((a.absolute(), b.absolute()) for a, b in pairs) or default_pairs()


def _check_name(name: str, names: tuple[str, ...]) -> str:
    if name not in names:
        raise UsageError(f"{name!r} is unknown: {suggest(name, names)}")
    return name


def _parse_widths(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.isdecimal() and int(part) >= MIN_WIDTH for part in parts):
        raise UsageError(f"--widths {text}: name widths of {MIN_WIDTH} or more pixels")
    return tuple(int(part) for part in parts)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtistNstError(
            f"--save {folder} cannot be created ({error.strerror}): choose another"
        ) from error


def _write_report(path: Path | None, report: dict[str, Any]) -> None:
    if path is not None:
        write_text(path, json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    run_script(main)
