"""The benchmarks: that what they compare agrees, and what a run leaves, small."""

from __future__ import annotations

import json
import mmap
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from artist_nst.errors import ArtistNstError
from artist_nst.nst.objective import Objective, targets
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import InputConvention, Weights
from artist_nst.recipes.published import RECIPES
from tests.conftest import picture

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

Script = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def script() -> Iterator[Script]:
    """A module of the benchmarks by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        yield import_module
    for name in [*sys.modules]:
        if name.partition(".")[0] in ("benchmark", "benchmarks"):
            del sys.modules[name]


@pytest.fixture(scope="module")
def figures(
    weights_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What a run of most of the benchmarks, as typed, has written; ``said`` besides."""
    folder = tmp_path_factory.mktemp("benchmark")
    for name, seed in (("photo", 1), ("style", 2)):
        Image.fromarray(picture(72, 96, seed)).save(folder / f"{name}.png")
    command = [sys.executable, str(SCRIPTS / "benchmark.py"), "--quick"]
    command += ["evaluation", "compact", "paint", "precision", "startup"]
    command += ["--content", str(folder / "photo.png")]
    command += ["--style", str(folder / "style.png")]
    command += ["--weights", str(weights_file), "--device", "cpu"]
    command += ["--json", str(folder / "figures.json"), "--save", str(folder / "saved")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads((folder / "figures.json").read_text())
    return {**found, "said": done.stdout, "saved": folder / "saved"}


def tensor(height: int, width: int, seed: int) -> Tensor:
    pixels = picture(height, width, seed).astype(np.float32)
    return torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy())


@pytest.fixture
def problem(script: Script, photo: Path, style: Path, weights_file: Path) -> Any:
    """A painting of 64×34 pixels."""
    return script("benchmarks.problem").Problem(
        photo=str(photo),
        style=str(style),
        width=64,
        weights=str(weights_file),
        device="cpu",
    )


# What is compared agrees -------------------------------------------------------------


def both(
    plain: ModuleType, weights: Weights, dtype: torch.dtype
) -> tuple[Callable[[Tensor], Any], Objective]:
    """The plain loop's loss and artist_nst's objective, of one photo and one style."""
    photo, style = tensor(48, 64, 1).to(dtype), tensor(40, 56, 2).to(dtype)
    recipe, vgg = RECIPES["default"], VGG(weights, dtype=dtype)
    wanted = targets(vgg, recipe, photo, [(style, 1.0)])
    network = plain.Network(weights).to(dtype)
    loss: Callable[[Tensor], Any] = plain.Loss(network, recipe, photo, style)
    return loss, Objective(vgg, recipe, wanted)


def distance(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize("convention", ["torchvision", "oxford"])
def test_the_plain_loop_minimizes_the_same_loss(
    script: Script, random_weights: Weights, convention: InputConvention
) -> None:
    weights = replace(random_weights, input=convention)
    plain, ours = both(script("benchmarks.plain"), weights, torch.float32)
    apart = []
    for seed in (3, 4, 5):
        loss, gradient = plain(tensor(48, 64, seed))
        losses, slope = ours(tensor(48, 64, seed))
        assert loss > 0.1
        assert loss == pytest.approx(losses.total, rel=1e-5)
        assert gradient.shape == slope.shape
        apart.append(distance(gradient, slope))
    # Where two neighbors are equal but for rounding, pooling may take either.
    assert min(apart) < 1e-4
    assert max(apart) < 1e-2


@pytest.mark.parametrize("convention", ["torchvision", "oxford"])
def test_but_for_rounding_it_is_the_same(
    script: Script, thin_weights: Weights, convention: InputConvention
) -> None:
    weights = replace(thin_weights, input=convention)
    plain, ours = both(script("benchmarks.plain"), weights, torch.float64)
    candidate = tensor(48, 64, 3).double()
    (loss, gradient), (losses, slope) = plain(candidate), ours(candidate)
    assert loss == pytest.approx(losses.total, rel=1e-10)
    assert distance(gradient, slope) < 1e-10


def test_arithmetic_of_the_reference() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        flops = import_module("benchmarks.flops")
    assert flops.height_of(512) == 272
    assert flops.evaluation(272, 512) == pytest.approx(201e9, rel=0.01)
    assert flops.evaluation(544, 1024) == 4 * flops.evaluation(272, 512)


def test_arithmetic_is_what_torch_counts(
    script: Script, random_weights: Weights
) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    plain = script("benchmarks.plain")
    loss = plain.Loss(
        plain.Network(random_weights),
        RECIPES["default"],
        tensor(32, 48, 1),
        tensor(32, 32, 2),
    )
    with FlopCounterMode(display=False) as counter:
        loss.total(tensor(32, 48, 3).requires_grad_()).backward()
    counts = counter.get_flop_counts()["Global"]
    convolutions = {
        str(name): count for name, count in counts.items() if "convol" in str(name)
    }
    assert len(convolutions) == 2
    assert sum(convolutions.values()) == script("benchmarks.flops").evaluation(32, 48)


def test_the_plain_loop_descends_until_told(
    script: Script, thin_weights: Weights
) -> None:
    plain = script("benchmarks.plain")
    photo = tensor(32, 48, 1)
    loss = plain.Loss(
        plain.Network(thin_weights), RECIPES["default"], photo, tensor(32, 32, 2)
    )
    first, _ = loss(photo)
    running = plain.Minimization(loss, 0.0, lambda *told: told[2] > 12)
    running.run(photo)
    times, losses, iterations = zip(*running.trace, strict=True)
    assert losses[0] == pytest.approx(first)
    assert min(losses) < 0.9 * first
    assert iterations[-1] == 13
    assert sorted(times) == list(times)
    reached = plain.Minimization(loss, 0.0, lambda *told: told[1] <= min(losses) * 1.1)
    reached.run(photo)
    assert reached.trace[-1][1] <= min(losses) * 1.1 < reached.trace[-2][1]


# A run of it -------------------------------------------------------------------------


def test_a_run_says_where_it_was(figures: dict[str, Any]) -> None:
    assert {"python", "torch", "numpy", "scipy", "artist-nst"} <= {*figures["versions"]}
    assert {"cpu", "cores", "threads", "memory"} <= {*figures["machine"]}
    assert figures["device"]["kind"] == "cpu"
    assert figures["device"]["gpu"] is None
    assert len(figures["device"]["weights_sha256"]) == 64
    assert figures["date"].startswith("20")
    names = ["evaluation", "compact", "paint", "precision", "startup"]
    assert [*figures["results"]] == names
    for name in figures["results"]:
        assert f"{name}: " in figures["said"]


def test_evaluations_are_told_beside_limit_and_plain(figures: dict[str, Any]) -> None:
    found = figures["results"]["evaluation"]
    rows = {(row["who"], row["precision"]): row for row in found["rows"]}
    assert [*rows] == [
        ("plain", "float32"),
        ("artist-nst", "float32"),
        ("artist-nst", "bfloat16"),
    ]
    plain = rows["plain", "float32"]["seconds"]["median"]
    for (_, precision), row in rows.items():
        seconds = row["seconds"]["median"]
        limit = row["gflop"] / found["peaks"][precision]
        assert (row["width"], row["height"]) == (64, 34)
        assert 0 < row["seconds"]["min"] <= seconds
        assert row["times_limit"] == pytest.approx(seconds / limit)
        assert row["share_of_peak"] == pytest.approx(limit / seconds)
        assert row["times_faster_than_plain"] == pytest.approx(plain / seconds)


def test_the_compact_network_is_timed_beside_vgg19(figures: dict[str, Any]) -> None:
    rows = figures["results"]["compact"]["rows"]
    told = [(row["width"], row["precision"]) for row in rows]
    assert told == [(64, "float32"), (64, "bfloat16")]
    for row in rows:
        assert [*row["seconds"]] == ["vgg19", "compact"]
        for seconds in row["seconds"].values():
            assert 0 < seconds["min"] <= seconds["median"]
        slow, fast = (row["seconds"][name]["median"] for name in ("vgg19", "compact"))
        assert row["times_faster"] == pytest.approx(slow / fast)
        assert f"{row['times_faster']:.2f}" in figures["said"]


def test_each_network_is_evaluated(script: Script, problem: Any) -> None:
    """By its name; the one that is packaged needs no file."""
    ours = script("benchmarks.ours")
    found = {
        name: ours.network(replace(problem, network=name)).name
        for name in ("vgg19", "compact")
    }
    assert found == {"vgg19": "vgg19", "compact": "compact"}
    small = replace(problem, network="compact")
    (seconds,) = ours.evaluate(small, "float32", 0.0)
    assert seconds > 0
    assert ours.objective(small, "float32").network.name == "compact"


def test_a_painting_is_timed_to_the_other_s_loss(figures: dict[str, Any]) -> None:
    found = figures["results"]["paint"]
    (one,) = found["rounds"]
    assert [row["precision"] for row in found["rows"]] == ["float32", "bfloat16"]
    for row in found["rows"]:
        trace = one["plain"]
        before = [
            loss for seconds, loss, _ in trace if seconds < (row["plain_s"] or 1e9)
        ]
        assert min(before) > row["loss"]
        if row["plain_s"] is not None:
            ratio = row["plain_s"] / row["ours_s"]
            assert row["times_faster"] == pytest.approx(ratio)
        assert row["reverse_loss"] in [loss for _, loss, _ in trace]
        ours = one[row["precision"]]["ours"]
        assert ours["iterations"] == len(ours["trace"]) == 4
        assert ours["trace"][-1][2] < ours["trace"][0][2]
    shares = found["minimizers"]
    assert [one["optimizer"] for one in shares] == ["lbfgs", "lbfgs"]
    assert all(0 < one["share"] < 1 for one in shares)


def test_paintings_in_both_precisions_are_measured_alike(
    figures: dict[str, Any],
) -> None:
    found = figures["results"]["precision"]
    base, other = found["rows"]
    assert (base["precision"], other["precision"]) == ("float32", "bfloat16")
    assert base["iterations"] == other["iterations"] == 4
    assert (base["percent"], base["mean_levels_apart"]) == (0, 0)
    ratio = other["losses"]["total"] / base["losses"]["total"]
    assert other["percent"] == pytest.approx(100 * (ratio - 1))
    assert 0 < other["mean_levels_apart"] < 20
    names = {path.name for path in figures["saved"].iterdir()}
    assert names == {"1-photo-float32.png", "1-photo-bfloat16.png", "sheet.png"}
    with Image.open(figures["saved"] / "1-photo-bfloat16.png") as painting:
        # All of the photo, not its middle.
        assert painting.size == (64, 48)


def test_what_is_started(figures: dict[str, Any]) -> None:
    found = figures["results"]["startup"]
    for name in ("python", "help", "first_iteration"):
        assert 0 < found[name]["min"] <= found[name]["median"]


def test_fetching_from_the_stand_in(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "figures.json"
    code = script("benchmark").run(["fetch", "--quick", "--json", str(written)])
    said = capsys.readouterr()
    assert code == 0, said.err
    found = json.loads(written.read_text())["results"]["fetch"]
    assert found["works"] == 12
    assert found["works_per_s"] == pytest.approx(12 / found["seconds"]["median"])
    assert found["rounds"][0]["downloaded"] == 12
    assert "works/s" in said.out
    assert [*tmp_path.iterdir()] == [written]


def test_whole_artists(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "figures.json"
    code = script("benchmark").run(["works", "--quick", "--json", str(written)])
    assert code == 0
    found = json.loads(written.read_text())["results"]["works"]
    assert found["looked_at"]["median"] > 0
    assert found["picked"]["works"] == 40
    assert all(found["picked"][way] > 0 for way in ("typical", "diverse", "mix"))
    painted = found["painted"]
    assert painted["times_one"] == pytest.approx(painted["many"] / painted["one"])
    assert "an iteration after 30 works" in capsys.readouterr().out
    # What was drawn for it is not kept as the user's.
    assert not list(Path(os.environ["XDG_CACHE_HOME"]).rglob("*.safetensors"))


def test_without_the_tests_nothing_is_fetched(
    script: Script,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(script("benchmarks.fetch"), "ROOT", tmp_path)
    written = tmp_path / "figures.json"
    assert script("benchmark").run(["fetch", "--json", str(written)]) == 0
    found = json.loads(written.read_text())["results"]["fetch"]
    assert "wikiart_server.py, is not here" in found["left_out"]
    assert "fetch: left out: the stand-in site" in capsys.readouterr().out


# Memory ------------------------------------------------------------------------------


def test_what_a_short_painting_holds(script: Script, problem: Any) -> None:
    found = script("benchmarks.ours").remember(problem, "float32", 2)
    assert 0 < found["before"] <= found["peak"]
    assert found["predicted"] > 64 * 34 * 64 * 4
    assert found["rows"] is None
    plain = script("benchmarks.plain").remember(problem, 2)
    assert 0 < plain["before"] <= plain["peak"]


def test_the_most_that_was_held(script: Script) -> None:
    memory_use = script("benchmarks.memory_use")
    device = torch.device("cpu")
    before = memory_use.begin(device)
    with mmap.mmap(-1, 1 << 26) as held:
        # Touched, or it would not be resident.
        held.write(bytes([1]) * (1 << 26))
    added = memory_use.peak(device) - before
    assert 0.9 * (1 << 26) < added < 3 * (1 << 26)


def test_what_does_not_fit_is_told(script: Script, photo: Path, style: Path) -> None:
    memory, setting = script("benchmarks.memory"), script("benchmarks.setting")

    class Bench(setting.Bench):  # type: ignore[misc, name-defined]
        @contextmanager
        def fresh(self, kind: str, **_: str) -> Iterator[Callable[..., Any]]:
            def told(_: str, problem: Any, **__: Any) -> dict[str, int]:
                if problem["width"] > 1000:
                    raise memory.NoRoomError("out of memory")
                return {"before": 100, "peak": 300 if kind == "plain" else 150}

            yield told

    options = setting.Setting(pairs=((photo, style),), widths=(512, 2048))
    found = memory.measure(Bench(options, script("benchmark").Console(stderr=True)))
    rows = found["rows"]
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
    columns = memory.table(found).columns
    assert [*columns[4].cells][3:] == ["did not fit"] * 2


# Its parts ---------------------------------------------------------------------------


def test_when_a_loss_was_reached(script: Script) -> None:
    reached = script("benchmarks.paint")._reached
    trace = [(1.0, 5.0, 1), (2.0, 3.0, 2), (3.0, 2.0, 2)]
    assert reached(trace, 3.5) == {"seconds": 2.0, "iterations": 2, "best": 2.0}
    never = reached(trace, 1.0)
    assert (never["seconds"], never["best"], never["in_s"]) == (None, 2.0, 3.0)


def test_short_calls_are_repeated(script: Script) -> None:
    timing = script("benchmarks.timing")
    calls: list[int] = []
    times = timing.burst(lambda: calls.append(1), torch.device("cpu"), 0.01)
    assert len(times) == timing.MOST_CALLS == len(calls) - 1
    once = timing.burst(lambda: calls.append(1), torch.device("cpu"), 0.0)
    assert len(once) == 1
    assert timing.median_of([1.0, 5.0, 2.0]) == 2.0
    assert timing.median_of([1.0, None]) is None
    assert timing.over(None, 2.0) is None


def test_pictures_are_brought_to_the_reference_s_aspect(
    script: Script, problem: Any
) -> None:
    photo, style = problem.pictures()
    assert (photo.shape, style.shape) == ((1, 3, 34, 64), (1, 3, 80, 64))
    assert 0 <= float(photo.min()) < float(photo.max()) <= 255
    whole, _ = replace(problem, cropped=False).pictures()
    assert whole.shape == (1, 3, 48, 64)
    # Its middle, but for what lies outside and resampling looks at.
    middle, upper = whole[..., 7:41, :], whole[..., :34, :]
    apart = [float((part - photo).abs().mean()) for part in (middle, upper)]
    assert apart[0] < apart[1] / 3
    for pair in script("benchmarks.setting").default_pairs():
        assert all(path.is_file() for path in pair)


def test_a_worker_answers_and_its_end_is_noticed(script: Script) -> None:
    worker = script("benchmarks.worker")
    with worker.Worker("bare") as one:
        assert one("flops.height_of", width=512) == 272
        # Ctrl-C is for the parent.
        one.process.send_signal(signal.SIGINT)
        assert one("flops.height_of", width=256) == 136
        with pytest.raises(ArtistNstError, match=r"flops\.forward: TypeError"):
            one("flops.forward")
        one.process.kill()
        with pytest.raises(worker.NoRoomError, match="its process ended"):
            one("flops.height_of", width=512)


# What goes wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "code", "line"),
    [
        (["evaluations"], 2, "did you mean 'evaluation'?"),
        (["--widths", "512,tall"], 2, "'tall' is not a width"),
        (["--precision", "float16"], 2, "did you mean 'bfloat16'"),
        (["--rounds", "0"], 2, "'0' is not a whole number from 1 up"),
        (["--wide", "1"], 2, "unrecognized arguments: --wide"),
        (["--content", "a.png"], 2, "name as many of the one as the other"),
        (["--content", "a.png", "--style", "b.png"], 1, "a.png is not a file"),
        (["fetch", "--json", "no/figures.json"], 1, "--json no/figures.json: can't be"),
        (["--save", "/dev/null/pictures"], 1, "can't be made a folder"),
    ],
)
def test_what_goes_wrong_is_one_line(
    script: Script,
    capsys: pytest.CaptureFixture[str],
    given: list[str],
    code: int,
    line: str,
) -> None:
    assert script("benchmark").run(given) == code
    assert line in complaint(capsys)


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that says what went wrong; the library's notes may stand before."""
    err = capsys.readouterr().err
    assert "Traceback" not in err
    (said,) = (one for one in err.splitlines() if one.startswith("benchmark: "))
    return said


def test_without_weights_it_says_so(
    script: Script, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = script("benchmarks.worker")

    class Here(worker.Worker):  # type: ignore[misc, name-defined]
        """Answers in this process."""

        def __init__(self, kind: str) -> None:
            assert kind == "ours"

        def __call__(self, function: str, **arguments: Any) -> Any:
            return worker.value(worker.answer(function, arguments))

        def close(self, kill: bool = False) -> None:
            assert kill

    monkeypatch.setattr(script("benchmarks.setting"), "Worker", Here)
    assert script("benchmark").run(["startup", "--quick"]) == 1
    said = complaint(capsys)
    assert said.startswith("benchmark: VGG-19's weights are not here: name a file")
