#!/usr/bin/env python3
"""Check a GPU in a few minutes: the `gpu` tests, rates, paintings, memory.

python scripts/gpu_check.py photo.jpg painting.jpg --weights vgg19.safetensors

What it prints is Markdown, for docs/benchmarks.md. Without VGG-19's weights random ones
are measured, which take the same time. A part that fails is told, and the others go on.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer
from benchmarks import machine, ours, timing
from benchmarks.problem import Problem
from command import run_script
from safetensors.torch import save_file

from artist_nst._types import Precision
from artist_nst.errors import UsageError
from artist_nst.nst import capture
from artist_nst.nst.devices import choose_device, describe_device
from artist_nst.nst.machine import configure_process
from artist_nst.nst.precision import supports_bfloat16
from artist_nst.recipes.published import RECIPES

ROOT = Path(__file__).parents[1]
WIDTHS = 512, 1024, 2048
SECONDS = 1.0  # that evaluations are repeated for
MEMORY_ITERATIONS = 2


def main(
    photo: Annotated[Path, typer.Argument(help="A photo.")],
    style: Annotated[Path, typer.Argument(help="A painting.")],
    weights: Annotated[Path | None, typer.Option(help="VGG-19's file.")] = None,
    device: Annotated[str, typer.Option(help="cuda, mps, or cpu to try it.")] = "cuda",
    widths: Annotated[str, typer.Option(help="In pixels.")] = ",".join(
        map(str, WIDTHS)
    ),
    iterations: Annotated[
        int, typer.Option(min=0, help="Of paintings (default: the recipe's own).")
    ] = 0,
    tests: Annotated[bool, typer.Option(help="Run the `gpu` tests first.")] = True,
) -> None:
    """Measure everything, and print it."""
    choose_device(device)  # type: ignore[arg-type]
    try:
        sizes = [int(width) for width in widths.split(",")]
    except ValueError:
        raise UsageError(f"--widths {widths}: name widths as in 512,1024") from None
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    configure_process()
    started = time.monotonic()
    with TemporaryDirectory() as folder:
        file = weights or _make_random_weights(Path(folder))
        problem = Problem(
            photo=str(photo),
            style=str(style),
            width=sizes[0],
            weights=str(file),
            device=device,
            iterations=iterations,
        )
        print(f"## {machine.format_now()[:10]}: {_describe_device(problem)}\n")
        versions = machine.list_versions()
        print(", ".join(f"{name} {version}" for name, version in versions.items()))
        print("\nrandom weights\n" if weights is None else "")
        parts: list[Callable[[], None]] = [
            lambda: _print_rates(problem, sizes),
            lambda: _print_paintings(problem, Path(folder)),
            lambda: _print_memory(problem, sizes),
        ]
        if tests:
            parts.insert(0, _run_tests)
        failures = [part for part in parts if not _succeeds(part)]
    print(f"{time.monotonic() - started:.0f} s in all")
    if failures:
        raise typer.Exit(1)


def _succeeds(part: Callable[[], None]) -> bool:
    try:
        part()
    except Exception:
        print(f"failed:\n\n```\n{traceback.format_exc()}```\n", flush=True)
        return False
    return True


def _describe_device(problem: Problem) -> str:
    device = problem.get_device()
    if device.type != "cuda":
        return f"{describe_device(device)}, {machine.describe_machine()['cpu']}"
    facts = torch.cuda.get_device_properties(device)
    gigabytes = facts.total_memory / 1e9
    capability = f"{facts.major}.{facts.minor}"
    return f"{facts.name}, {gigabytes:.0f} GB, compute capability {capability}"


def _make_random_weights(folder: Path) -> Path:
    """Make weights of VGG-19's shapes whose activations neither vanish nor explode."""
    from torchvision.models import vgg19

    torch.manual_seed(0)
    features = vgg19(weights=None).features
    path = folder / "random.safetensors"
    tensors = {f"features.{name}": x for name, x in features.state_dict().items()}
    save_file(tensors, path, metadata={"input": "torchvision"})
    return path


def _run_tests() -> None:
    command = ["-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "tests"]
    run = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    lines = (run.stdout + run.stderr).splitlines()
    print("**The `gpu` tests**\n")
    print("\n".join(["```", *lines[-30:], "```", ""]), flush=True)
    run.check_returncode()


def _print_rates(problem: Problem, widths: Iterable[int]) -> None:
    """Print evaluations per second by width, precision, and with or without a graph."""
    rows = []
    for width in widths:
        sized = replace(problem, width=width)
        height = sized.load_images()[0].shape[-2]
        for precision in _list_precisions(problem):
            modes = [False] if problem.get_device().type != "cuda" else [True, False]
            for graphs in modes:
                with _graphs(graphs):
                    ours.make_objective.cache_clear()
                    times = ours.time_evaluations(sized, precision, SECONDS)
                rate = 1 / timing.summarize(times)["median"]
                is_captured = ours.make_objective(sized, precision)._graph is not None
                graph = "yes" if is_captured else "no"
                rows.append((f"{width}×{height}", precision, graph, f"{rate:,.1f}"))
    tf32 = {
        "products": torch.backends.cuda.matmul.allow_tf32,
        "convolutions": torch.backends.cudnn.allow_tf32,
    }
    used = [name for name, allowed in tf32.items() if allowed]
    title = f"Losses and gradients per second (TF32 for {' and '.join(used) or 'none'})"
    _print_table(title, ("size", "precision", "CUDA graph", "per second"), rows)


@contextmanager
def _graphs(allowed: bool) -> Iterator[None]:
    before = capture.MAX_PIXELS
    capture.MAX_PIXELS = sys.maxsize if allowed else 0
    try:
        yield
    finally:
        capture.MAX_PIXELS = before


@contextmanager
def _exact_convolutions() -> Iterator[None]:
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    ours.make_objective.cache_clear()  # a captured graph keeps TF32
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
        ours.make_objective.cache_clear()


def _print_paintings(problem: Problem, folder: Path) -> None:
    """Print the time of whole paintings, with and without drafts."""
    rows = []
    for drafts in (RECIPES["gram"].draft_levels, 0):
        for optimizer in ("lbfgs-device", "lbfgs"):
            for precision in _list_precisions(problem):
                changed = replace(problem, draft_levels=drafts, optimizer=optimizer)
                file = str(folder / "painting.npy")
                result = ours.paint(changed, precision, file)
                with _exact_convolutions():
                    (losses,) = ours.evaluate_images(changed, file)
                texts = f"{result['seconds']:.1f}", f"{losses['total']:.4f}"
                rows.append((str(drafts), optimizer, precision, *texts))
    heads = ("levels drafted", "optimizer", "precision", "seconds", "loss in float32")
    _print_table(f"The recipe `gram`, {problem.width} pixels wide", heads, rows)


def _print_memory(problem: Problem, widths: Iterable[int]) -> None:
    rows = []
    ours.make_objective.cache_clear()
    for width in widths:
        for precision in _list_precisions(problem):
            sized = replace(problem, width=width)
            taken = ours.measure_memory(sized, precision, MEMORY_ITERATIONS)
            added = (taken["peak"] - taken["before"]) / 1e9
            predicted = taken["predicted"] / 1e9
            strips = "no" if taken["rows"] is None else f"{taken['rows']} rows"
            texts = f"{added:.2f} GB", f"{predicted:.2f} GB", strips
            rows.append((str(width), precision, *texts))
    heads = ("width", "precision", "taken", "predicted", "strips")
    _print_table("Memory", heads, rows)


def _list_precisions(problem: Problem) -> list[Precision]:
    kind = problem.get_device().type
    return ["float32", "bfloat16"] if supports_bfloat16(kind) else ["float32"]


def _print_table(
    title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    lines = [f"**{title}**", "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    print("\n".join([*lines, ""]), flush=True)


if __name__ == "__main__":
    run_script(main)
