"""The benchmarks: that contenders compute the same, and the results of small runs."""

from __future__ import annotations

import json
import mmap
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import benchmark
import numpy as np
import pytest
import torch
from benchmarks import context, fetch, flops, memory, memory_use, ours, plain, timing
from benchmarks import paint as paint_benchmark
from benchmarks.problem import Problem
from benchmarks.worker import Worker, WorkerMemoryError
from PIL import Image
from rich.console import Console
from torch import Tensor

from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.nst.objective import Objective, compute_targets
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import InputConvention, Weights
from artist_nst.recipes.published import RECIPES
from tests.conftest import picture
from tests.scripts.conftest import SCRIPTS

pytestmark = pytest.mark.tools

NAMES = (
    "evaluation",
    "layers",
    "compact",
    "paint",
    "precision",
    "startup",
    "program",
)


@pytest.fixture(scope="module")
def report(
    weights_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The report of a run of most benchmarks; with its ``output``, and ``saved``."""
    folder = tmp_path_factory.mktemp("benchmark")
    for name, seed in (("photo", 1), ("style", 2)):
        Image.fromarray(picture(72, 96, seed)).save(folder / f"{name}.png")
    command = [sys.executable, str(SCRIPTS / "benchmark.py"), "--quick"]
    command += [*NAMES]
    command += ["--content", "photo.png", "--style", "style.png", "--device", "cpu"]
    command += ["--weights", str(weights_file)]
    command += ["--json", "report.json", "--save", "saved"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return {**results, "output": done.stdout, "saved": folder / "saved"}


@pytest.fixture
def problem(photo: Path, style: Path, weights_file: Path) -> Problem:
    """A painting of 64×34 pixels."""
    return Problem(
        photo=str(photo),
        style=str(style),
        width=64,
        weights=str(weights_file),
        device="cpu",
    )


def tensor(height: int, width: int, seed: int) -> Tensor:
    pixels = picture(height, width, seed).astype(np.float32)
    return torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy())


# Agreement ---------------------------------------------------------------------------


def make_losses(
    weights: Weights, dtype: torch.dtype
) -> tuple[Callable[[Tensor], Any], Objective]:
    """The plain loop's loss and artist_nst's objective of the same problem."""
    photo, style = tensor(48, 64, 1).to(dtype), tensor(40, 56, 2).to(dtype)
    recipe, vgg = RECIPES["gram"], VGG(weights, dtype=dtype)
    targets = compute_targets(vgg, recipe, photo, [(style, 1.0)])
    loss = plain.Loss(plain.Network(weights).to(dtype), recipe, photo, style)
    return loss, Objective(vgg, recipe, targets)


@pytest.mark.parametrize("convention", ["torchvision", "oxford"])
def test_losses_and_gradients_agree(
    thin_weights: Weights, convention: InputConvention
) -> None:
    weights = replace(thin_weights, input=convention)
    plain_loss, objective = make_losses(weights, torch.float64)
    image = tensor(48, 64, 3).double()
    (loss, gradient), (losses, expected) = plain_loss(image), objective(image)
    assert loss == pytest.approx(losses.total, rel=1e-10)
    assert float((gradient - expected).norm() / expected.norm()) < 1e-10


def test_losses_and_gradients_agree_in_float32(random_weights: Weights) -> None:
    plain_loss, objective = make_losses(random_weights, torch.float32)
    distances = []
    for seed in (3, 4, 5):
        loss, gradient = plain_loss(tensor(48, 64, seed))
        losses, expected = objective(tensor(48, 64, seed))
        assert loss > 0.1
        assert loss == pytest.approx(losses.total, rel=1e-5)
        distances.append(float((gradient - expected).norm() / expected.norm()))
    # Where two neighbors are equal except for rounding, pooling may choose either.
    assert min(distances) < 1e-4
    assert max(distances) < 1e-2


def test_operations_are_what_torch_counts(random_weights: Weights) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    assert flops.reference_height(512) == 272
    assert flops.count_evaluation(272, 512) == pytest.approx(201e9, rel=0.01)
    photo, style = tensor(32, 48, 1), tensor(32, 32, 2)
    network = plain.Network(random_weights)
    loss = plain.Loss(network, RECIPES["gram"], photo, style)
    with FlopCounterMode(display=False) as counter:
        loss.total(tensor(32, 48, 3).requires_grad_()).backward()  # type: ignore[no-untyped-call]
    counts = counter.get_flop_counts()["Global"]
    convolutions = {
        str(name): count for name, count in counts.items() if "convol" in str(name)
    }
    assert len(convolutions) == 2
    assert sum(convolutions.values()) == flops.count_evaluation(32, 48)


def test_the_plain_loop_minimizes_until_told(thin_weights: Weights) -> None:
    photo, style = tensor(32, 48, 1), tensor(32, 32, 2)
    network = plain.Network(thin_weights)
    loss = plain.Loss(network, RECIPES["gram"], photo, style)
    first, _ = loss(photo)
    minimization = plain.Minimization(loss, 0.0, lambda *entry: entry[2] > 12)
    minimization.run(photo)
    seconds, losses, iterations = zip(*minimization.trace, strict=True)
    assert losses[0] == pytest.approx(first)
    assert min(losses) < 0.9 * first
    assert iterations[-1] == 13
    assert sorted(seconds) == list(seconds)
    goal = min(losses) * 1.1
    minimization = plain.Minimization(loss, 0.0, lambda *entry: entry[1] <= goal)
    minimization.run(photo)
    assert minimization.trace[-1][1] <= goal < minimization.trace[-2][1]


# A run -------------------------------------------------------------------------------


def test_the_report_describes_the_machine(report: dict[str, Any]) -> None:
    assert {"python", "torch", "numpy", "scipy", "artist-nst"} <= {*report["versions"]}
    assert {"cpu", "cores", "threads", "memory"} <= {*report["machine"]}
    assert report["device"]["kind"] == "cpu"
    assert len(report["device"]["weights_sha256"]) == 64
    assert report["date"].startswith("20")
    assert [*report["results"]] == [*NAMES]
    for name in report["results"]:
        assert f"{name}: " in report["output"]


def test_program(report: dict[str, Any]) -> None:
    results = report["results"]["program"]
    assert [*results["at_once"]] == ["1", "2", "4"]
    assert results["sizes"][0]["seconds"] > 0
    assert results["photos"]["count"] == 3
    assert results["photos"]["peak"] > 10**8


def test_evaluation(report: dict[str, Any]) -> None:
    results = report["results"]["evaluation"]
    rows = {(row["who"], row["precision"]): row for row in results["rows"]}
    assert [*rows] == [
        ("plain", "float32"),
        ("artist-nst", "float32"),
        ("artist-nst", "bfloat16"),
    ]
    plain_seconds = rows["plain", "float32"]["seconds"]["median"]
    for (_, precision), row in rows.items():
        seconds = row["seconds"]["median"]
        limit = row["gflop"] / results["peaks"][precision]
        assert (row["width"], row["height"]) == (64, 34)
        assert 0 < row["seconds"]["min"] <= seconds
        assert row["times_limit"] == pytest.approx(seconds / limit)
        assert row["share_of_peak"] == pytest.approx(limit / seconds)
        ratio = plain_seconds / seconds
        assert row["times_faster_than_plain"] == pytest.approx(ratio)


def test_layers(report: dict[str, Any]) -> None:
    results = report["results"]["layers"]
    assert [total["precision"] for total in results["sums"]] == ["float32", "bfloat16"]
    for total in results["sums"]:
        rows = [r for r in results["rows"] if r["precision"] == total["precision"]]
        assert [row["layer"] for row in rows][::12] == ["conv1_1", "conv5_1"]
        assert [row["size"] for row in rows][::12] == [[34, 64], [2, 4]]
        assert all(row["ours"] > 0 for row in rows)
        direct = sum(row["direct"] for row in rows)
        assert total["direct"] == pytest.approx(direct)
        ratio = total["evaluation"] / direct
        assert total["times_direct"] == pytest.approx(ratio)


def test_compact(report: dict[str, Any]) -> None:
    rows = report["results"]["compact"]["rows"]
    keys = [(row["width"], row["precision"]) for row in rows]
    assert keys == [(64, "float32"), (64, "bfloat16")]
    for row in rows:
        slow, fast = (row["seconds"][name]["median"] for name in ("vgg19", "compact"))
        assert row["times_faster"] == pytest.approx(slow / fast)


def test_paint(report: dict[str, Any]) -> None:
    results = report["results"]["paint"]
    (one,) = results["rounds"]
    assert [row["precision"] for row in results["rows"]] == ["float32", "bfloat16"]
    for row in results["rows"]:
        trace = one["plain"]
        end = row["plain_s"] or float("inf")
        assert min(loss for seconds, loss, _ in trace if seconds < end) > row["loss"]
        if row["plain_s"] is not None:
            ratio = row["plain_s"] / row["ours_s"]
            assert row["times_faster"] == pytest.approx(ratio)
        result = one[row["precision"]]["ours"]
        assert result["iterations"] == len(result["trace"]) == 4
        assert result["trace"][-1][2] < result["trace"][0][2]
    assert [one["optimizer"] for one in results["minimizers"]] == ["lbfgs-clipped"] * 2
    assert all(0 < one["share"] < 1 for one in results["minimizers"])


def test_precision(report: dict[str, Any]) -> None:
    reference, other = report["results"]["precision"]["rows"]
    assert (reference["precision"], other["precision"]) == ("float32", "bfloat16")
    assert reference["iterations"] == other["iterations"] == 4
    assert (reference["percent"], reference["mean_levels_apart"]) == (0, 0)
    ratio = other["losses"]["total"] / reference["losses"]["total"]
    assert other["percent"] == pytest.approx(100 * (ratio - 1))
    assert 0 < other["mean_levels_apart"] < 20
    names = {path.name for path in report["saved"].iterdir()}
    assert names == {"1-photo-float32.png", "1-photo-bfloat16.png", "sheet.png"}
    with Image.open(report["saved"] / "1-photo-bfloat16.png") as painting:
        assert painting.size == (64, 48)  # not cropped


def test_startup(report: dict[str, Any]) -> None:
    results = report["results"]["startup"]
    for name in ("python", "help", "first_iteration"):
        assert 0 < results[name]["min"] <= results[name]["median"]


def run(name: str, folder: Path) -> dict[str, Any]:
    """Run a benchmark in this process, and return its results."""
    benchmark.main([name], json_file=folder / "report.json", quick=True)
    report = json.loads((folder / "report.json").read_text())
    results: dict[str, Any] = report["results"][name]
    return results


def test_fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = run("fetch", tmp_path)
    assert results["works"] == 12
    assert results["works_per_s"] == pytest.approx(12 / results["seconds"]["median"])
    assert results["rounds"][0]["downloaded"] == 12
    monkeypatch.setattr(fetch, "ROOT", tmp_path)
    assert "wikiart_server.py is not here" in run("fetch", tmp_path)["left_out"]


def test_works(tmp_path: Path) -> None:
    results = run("works", tmp_path)
    assert results["looked_at"]["median"] > 0
    assert results["picked"]["works"] == 40
    assert all(results["picked"][way] > 0 for way in ("typical", "diverse", "mix"))
    painted = results["painted"]
    assert painted["times_one"] == pytest.approx(painted["many"] / painted["one"])
    # The user's cache is not used.
    assert not list(Path(os.environ["XDG_CACHE_HOME"]).rglob("*.safetensors"))


# Memory ------------------------------------------------------------------------------


def test_the_memory_of_a_painting(problem: Problem) -> None:
    results = ours.measure_memory(problem, "float32", 2)
    assert 0 < results["before"] <= results["peak"]
    assert results["predicted"] > 64 * 34 * 64 * 4
    assert results["rows"] is None
    results = plain.measure_memory(problem, 2)
    assert 0 < results["before"] <= results["peak"]


def test_the_peak() -> None:
    device, size = torch.device("cpu"), 1 << 26
    before = memory_use.reset_peak(device)
    with mmap.mmap(-1, size) as block:
        # Written to, or it would not be resident.
        block.write(bytes([1]) * size)
    assert 0.9 * size < memory_use.read_peak(device) - before < 3 * size


def test_running_out_of_memory(
    photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FakeWorker:
        def __init__(self, kind: str) -> None:
            self.kind = kind

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def __call__(self, _: str, problem: Problem, **__: Any) -> dict[str, int]:
            if problem.width > 1000:
                raise WorkerMemoryError("out of memory")
            return {"before": 100, "peak": 300 if self.kind == "plain" else 150}

    monkeypatch.setattr(memory, "Worker", FakeWorker)
    options = context.Options(pairs=((photo, style),), widths=(512, 2048))
    results = memory.measure(context.Context(options, Console(stderr=True)))
    rows = results["rows"]
    # The plain loop is left out where it would fill the machine.
    assert [(row["width"], row["who"]) for row in rows] == [
        (512, "plain"),
        (512, "artist-nst"),
        (512, "artist-nst"),
        (2048, "artist-nst"),
        (2048, "artist-nst"),
    ]
    assert [row["of_plain"] for row in rows] == [1, 0.5, 0.5, None, None]
    assert (rows[1]["added"], rows[3]["peak"]) == (50, None)
    columns = memory.make_table(results).columns
    assert [*columns[4].cells][3:] == ["did not fit"] * 2


# Parts -------------------------------------------------------------------------------


def test_when_a_loss_was_reached() -> None:
    trace = [(1.0, 5.0, 1), (2.0, 3.0, 2), (3.0, 2.0, 2)]
    reached = paint_benchmark._find_reached(trace, 3.5)
    assert reached == {"seconds": 2.0, "iterations": 2, "best": 2.0}
    never = paint_benchmark._find_reached(trace, 1.0)
    assert (never["seconds"], never["best"], never["in_s"]) == (None, 2.0, 3.0)


def test_times() -> None:
    calls: list[int] = []
    times = timing.time_calls(lambda: calls.append(1), torch.device("cpu"), 0.01)
    assert len(times) == timing.MAX_CALLS == len(calls) - 1
    assert len(timing.time_calls(lambda: None, torch.device("cpu"), 0.0)) == 1
    assert timing.median_if_known([1.0, 5.0, 2.0]) == 2.0
    assert timing.median_if_known([1.0, None]) is None
    assert timing.ratio_if_known(None, 2.0) is None


def test_the_photo_is_cropped(problem: Problem) -> None:
    photo, style = problem.load_images()
    assert (photo.shape, style.shape) == ((1, 3, 34, 64), (1, 3, 80, 64))
    assert 0 <= float(photo.min()) < float(photo.max()) <= 255
    whole, _ = replace(problem, cropped=False).load_images()
    assert whole.shape == (1, 3, 48, 64)
    center, top = whole[..., 7:41, :], whole[..., :34, :]
    # The center, except for what resampling sees beyond its edges.
    distances = [float((part - photo).abs().mean()) for part in (center, top)]
    assert distances[0] < distances[1] / 3


def test_workers() -> None:
    with Worker("bare") as worker:
        assert worker("flops.reference_height", width=512) == 272
        worker.process.send_signal(signal.SIGINT)  # ignored
        assert worker("flops.reference_height", width=256) == 136
        with pytest.raises(ArtistNstError, match=r"flops\.count_forward: TypeError"):
            worker("flops.count_forward")
        worker.process.kill()
        with pytest.raises(WorkerMemoryError, match="its process ended"):
            worker("flops.reference_height", width=512)


def test_usage_errors(tmp_path: Path, photo: Path) -> None:
    wrong: list[tuple[type[ArtistNstError], dict[str, Any], str]] = [
        (UsageError, {"names": ["evaluations"]}, "did you mean 'evaluation'"),
        (UsageError, {"widths": "512,tall"}, "--widths"),
        (UsageError, {"precision": "float16"}, "did you mean 'bfloat16'"),
        (UsageError, {"content": [photo]}, "--content and --style"),
        (ArtistNstError, {"content": [tmp_path], "style": [photo]}, "not a file"),
        (ArtistNstError, {"names": ["fetch"], "json_file": tmp_path / "a/b"}, "a/b"),
        (ArtistNstError, {"save": photo / "folder"}, "--save"),
    ]
    for kind, options, text in wrong:
        with pytest.raises(kind, match=text):
            benchmark.main(**options)
