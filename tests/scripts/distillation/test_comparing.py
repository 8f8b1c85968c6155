"""The compact network's paintings by VGG-19's own loss: the script, small."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from artist_nst.errors import UsageError
from artist_nst.nst.compact import packed
from artist_nst.nst.minimize import INTERRUPTED
from artist_nst.nst.weights import Weights
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import Recipe
from tests.scripts.distillation.conftest import (
    COMPARING,
    SCRIPTS,
    Script,
    save_pictures,
)

WIDTH = 64
SUMMARY = "median"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Of photos and of paintings; held out are 0 and 3, and 0, 3 and 6."""
    folder = tmp_path_factory.mktemp("pictures")
    save_pictures(folder / "photos", 4, 10)
    save_pictures(folder / "paintings", 7, 20)
    return folder / "photos", folder / "paintings"


@pytest.fixture
def comparing(
    script: Script, teacher: Weights, monkeypatch: pytest.MonkeyPatch
) -> ModuleType:
    """A few iterations, and a thin teacher in place of VGG-19."""
    module = script(COMPARING)

    def short(width: int) -> Recipe:
        return recipe(width=width, levels=((0.5, 1), (1.0, 2)))

    changes = {
        "RANKED_WIDTH": 48,
        "SHOWN": 1,
        "recipe": short,
        "find_weights": lambda *_, **__: teacher,
        "prepare": lambda: None,
        "choose_device": lambda _: torch.device("cpu"),
        "choose_precision": lambda *_: "float32",
    }
    for name, value in changes.items():
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(script("distillation.pictures"), "SHIPPED", ())
    return module


@pytest.fixture
def student(
    comparing: ModuleType,
    compact_weights: Weights,
    folders: tuple[Path, Path],
    tmp_path: Path,
) -> Callable[..., Path]:
    """A compact network's file that says it was trained on the pictures."""

    def made(
        name: str = "small", photos: list[Path] | None = None, loud: float = 1.0
    ) -> Path:
        path = tmp_path / f"{name}.safetensors"
        path.parent.mkdir(exist_ok=True)
        digest = comparing.gather(photos or [folders[0]], [folders[1]]).sha256
        kernels = {
            layer: (loud * weight, bias)
            for layer, (weight, bias) in compact_weights.kernels.items()
        }
        weights = replace(compact_weights, kernels=kernels)
        path.write_bytes(packed(weights, {"pictures_sha256": digest}))
        return path

    return made


@dataclass
class Compared:
    """What a run of the script has left."""

    out: Path
    rows: list[list[str]] = field(default_factory=list)

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = json.loads(
            (self.out / "results.json").read_text()
        )
        return found

    @property
    def paintings(self) -> list[Path]:
        return sorted(self.out / one["file"] for one in self.painted())

    def painted(self) -> list[dict[str, Any]]:
        return [one for one in self.results.values() if "file" in one]

    def shares(self, painters: int) -> list[list[float]]:
        """Of VGG-19's decrease, by row and painter, as they were painted."""
        found, whole = list(self.results.values()), painters + 1
        groups = [found[at : at + whole] for at in range(0, len(found), whole)]
        shares = []
        for before, own, *others in groups:
            assert before["total"] > own["total"]
            assert {one["pair"] for one in others} == {own["pair"]}
            decrease = before["total"] - own["total"]
            shares.append(
                [(before["total"] - other["total"]) / decrease for other in others]
            )
        return shares


@pytest.fixture
def compare(
    comparing: ModuleType,
    student: Callable[..., Path],
    folders: tuple[Path, Path],
    tmp_path: Path,
) -> Callable[..., Compared]:
    """Runs the script's main, and reads the table."""

    def run(**changes: Any) -> Compared:
        out = changes.pop("out", tmp_path / "out")
        options = {"photos": [folders[0]], "paintings": [folders[1]], "pairs": 2}
        options |= {"weights": None, "draft_levels": None, "width": WIDTH}
        if "network" not in changes:
            options["network"] = [student()]
        comparing.main(out=out, **{**options, **changes})
        lines = (out / "table.md").read_text().splitlines()
        rows = [line.strip("| ").split(" | ") for line in lines if line[:1] == "|"]
        return Compared(out, rows)

    return run


@pytest.fixture
def runs(comparing: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The networks whose paintings were begun."""
    begun: list[str] = []
    original = comparing.run

    def run(network: Any, *more: Any, **how: Any) -> Any:
        begun.append(network.name)
        return original(network, *more, **how)

    monkeypatch.setattr(comparing, "run", run)
    return begun


def percent(value: float) -> str:
    return f"{value:.1%}"


# What is left ------------------------------------------------------------------------


def test_the_table_is_what_the_losses_say(
    compare: Callable[..., Compared],
    runs: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = compare()
    assert runs == ["vgg19", "compact"] * 2
    head, _, first, second, summary = made.rows
    assert head == ["photo / painting", "photo", "VGG-19", "small", "share"]
    shares = [one for (one,) in made.shares(2)]
    losses = list(made.results.values())
    for number, row in enumerate((first, second)):
        before, own, other = losses[3 * number : 3 * number + 3]
        assert row == [
            own["pair"],
            f"{before['total']:.2f}",
            f"{own['total']:.3f}",
            f"{other['total']:.3f}",
            percent(shares[number]),
        ]
        # By VGG-19's losses, at the recipe's ratio.
        ratio = recipe().ratio
        for one in (before, own, other):
            parts = one["content"] + ratio * one["style"]
            assert parts <= one["total"] * (1 + 1e-5)
            assert parts > 0.5 * one["total"]
    assert summary[0] == SUMMARY
    wanted = f"**{percent(median(shares))}** (least {percent(min(shares))})"
    assert wanted in summary[-1]
    text = (made.out / "table.md").read_text()
    assert "small: Spearman " in text
    assert "with VGG-19 over 3 pairs of held-out paintings" in text
    assert capsys.readouterr().out == text


def test_only_what_is_held_out_is_painted(
    comparing: ModuleType, folders: tuple[Path, Path]
) -> None:
    """Each photo after each painting, before one is painted after it again."""
    pictures = comparing.gather([folders[0]], [folders[1]])
    found = comparing.choose(pictures, 6)
    assert len({*found}) == 6
    assert {pair.photo for pair in found} == {folders[0] / f"{n}.png" for n in (0, 3)}
    works = {folders[1] / f"{n}.png" for n in (0, 3, 6)}
    assert {pair.painting for pair in found} == works
    assert found == comparing.choose(pictures, 6)
    assert comparing.choose(pictures, 2) == found[:2]
    assert {pair.name.split(" / ")[1] for pair in found} == {
        f"paintings {path.stem}" for path in works
    }


def test_a_sheet_and_the_paintings(compare: Callable[..., Compared]) -> None:
    made = compare()
    images = [np.asarray(Image.open(path)) for path in made.paintings]
    assert [one.shape for one in images] == [(48, WIDTH, 3)] * 4
    assert len({one.tobytes() for one in images}) == 4
    with Image.open(made.out / "sheet.png") as sheet:
        # Photo, painting, by VGG-19, by the other.
        assert sheet.width > 4 * WIDTH
    inside = {"results.json", "table.md", "sheet.png"}
    assert {path.name for path in made.out.iterdir()} == inside | {
        path.name for path in made.paintings
    }


def test_a_draft_is_one_more_painter(
    compare: Callable[..., Compared], runs: list[str]
) -> None:
    made = compare(width=128, pairs=1, draft_levels=[1])
    assert runs == ["vgg19", "compact", "vgg19"]
    head, _, row, summary = made.rows
    assert head[3:] == ["small", "share", "1 drafted", "share"]
    ((small, drafted),) = made.shares(3)
    assert (row[4], row[6]) == (percent(small), percent(drafted))
    # VGG-19 had the last word.
    assert drafted != pytest.approx(small, abs=1e-3)
    assert len({path.read_bytes() for path in made.paintings}) == 3
    assert percent(drafted) in summary[-1]
    # It is none of the networks.
    assert (made.out / "table.md").read_text().count("Spearman") == 1


def test_two_networks(
    compare: Callable[..., Compared], student: Callable[..., Path]
) -> None:
    made = compare(network=[student("one"), student("other", loud=1.2)], pairs=1)
    assert made.rows[0][3:] == ["one", "share", "other", "share"]
    assert (made.out / "table.md").read_text().count("Spearman") == 2
    assert len({one["total"] for one in made.painted()}) == 3


# Going on ----------------------------------------------------------------------------


def test_what_is_done_is_not_painted_again(
    compare: Callable[..., Compared], runs: list[str], student: Callable[..., Path]
) -> None:
    made = compare()
    before = {path: path.stat().st_mtime_ns for path in made.paintings}
    table, results = (made.out / "table.md").read_bytes(), made.results
    runs.clear()
    again = compare()
    assert runs == []
    assert {path: path.stat().st_mtime_ns for path in again.paintings} == before
    assert (again.out / "table.md").read_bytes() == table
    assert again.results == results
    # But what is new is.
    compare(pairs=3)
    assert runs == ["vgg19", "compact"]
    runs.clear()
    compare(network=[student(loud=1.2)])
    assert runs == ["compact"] * 2
    runs.clear()
    compare(width=WIDTH + 8)
    assert runs == ["vgg19", "compact"] * 2


def test_interrupted_paintings_are_not_kept(
    comparing: ModuleType,
    compare: Callable[..., Compared],
    runs: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    through = compare(out=tmp_path / "through")
    runs.clear()
    with monkeypatch.context() as patch:
        original = comparing.run

        def run(*arguments: Any, **how: Any) -> Any:
            made = original(*arguments, **how)
            if len(runs) < 3:
                return made
            return replace(made, reasons=[*made.reasons[:-1], INTERRUPTED])

        patch.setattr(comparing, "run", run)
        with pytest.raises(KeyboardInterrupt):
            compare()
    made = Compared(tmp_path / "out")
    assert runs == ["vgg19", "compact", "vgg19"]
    assert len(made.painted()) == 2
    assert {path.name for path in made.out.iterdir()} == {
        "results.json",
        *(path.name for path in made.paintings),
    }
    runs.clear()
    again = compare()
    assert runs == ["vgg19", "compact"]
    assert again.rows == through.rows


def test_pictures_are_told_apart_by_what_they_show(
    compare: Callable[..., Compared],
    student: Callable[..., Path],
    folders: tuple[Path, Path],
    tmp_path: Path,
    runs: list[str],
) -> None:
    """Two photos of one name in two folders have results of their own."""
    photos = [tmp_path / "a", tmp_path / "b"]
    for folder, first in zip(photos, (40, 50), strict=True):
        save_pictures(folder, 3, first)
    files = student(photos=photos)
    made = compare(photos=photos, network=[files], pairs=4)
    first, *_, last = made.rows[2:-1]
    assert first[0] == last[0]
    assert first[0].startswith("0 / paintings ")
    assert all(one != other for one, other in zip(first[1:], last[1:], strict=True))
    assert len(runs) == len({*made.paintings}) == 8
    assert folders[1].is_dir()


# Refused -----------------------------------------------------------------------------


def test_a_network_of_other_pictures(
    compare: Callable[..., Compared],
    student: Callable[..., Path],
    tmp_path: Path,
    runs: list[str],
) -> None:
    """What is held out of these may have been learnt."""
    save_pictures(tmp_path / "others", 4, 60)
    own, other = student("own"), student("other", photos=[tmp_path / "others"])
    with pytest.raises(UsageError, match=r"other\.safetensors was not trained on"):
        compare(network=[own, other])
    assert runs == []
    assert list((tmp_path / "out").iterdir()) == []


def test_a_network_that_does_not_say_what_it_learnt(
    compare: Callable[..., Compared], compact_file: Path
) -> None:
    with pytest.raises(UsageError, match=r"own\.safetensors was not trained on"):
        compare(network=[compact_file])


@pytest.mark.parametrize("names", [("small", "more/small"), ("VGG-19",)])
def test_networks_that_are_called_alike(
    compare: Callable[..., Compared],
    student: Callable[..., Path],
    runs: list[str],
    names: tuple[str, ...],
) -> None:
    files = [student(name) for name in names]
    with pytest.raises(UsageError, match="is named twice: rename it") as raised:
        compare(network=files)
    assert str(files[-1]) in str(raised.value)
    assert runs == []


@pytest.fixture
def typed(
    comparing: ModuleType,  # noqa: ARG001
    student: Callable[..., Path],
    folders: tuple[Path, Path],
    teacher: Weights,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str]]:
    """The script as typed, in this process; its exit code and what it says."""
    monkeypatch.setattr("artist_nst.nst.machine.prepare", lambda: None)
    monkeypatch.setattr("artist_nst.nst.weights.find_weights", lambda *_, **__: teacher)

    def run(*options: str) -> tuple[int, str]:
        command = ["compare_compact.py", "--photos", str(folders[0])]
        command += ["--paintings", str(folders[1]), "--network", str(student())]
        command += ["--out", str(tmp_path / "out"), "--width", str(WIDTH), *options]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as caught:
            runpy.run_path(str(SCRIPTS / f"{COMPARING}.py"), run_name="__main__")
        said = capsys.readouterr()
        assert said.out == ""
        assert isinstance(caught.value.code, int)
        return caught.value.code, said.err

    return run


@pytest.mark.parametrize(
    "content", [b"{", b"", b"\xff\xfe\x00", b"[]", b'"text"', b'{"a": 1'], ids=repr
)
def test_damaged_results(
    typed: Callable[..., tuple[int, str]], tmp_path: Path, content: bytes
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "results.json").write_bytes(content)
    code, said = typed()
    (line,) = said.strip().splitlines()
    assert code == 2
    assert line.startswith(f"compare_compact.py: -o {out} can't be used (")
    assert line.endswith("name another folder")
    assert (out / "results.json").read_bytes() == content
    assert len([*out.iterdir()]) == 1


@pytest.mark.parametrize("inside", ["", "folder"])
def test_a_file_in_the_way(
    typed: Callable[..., tuple[int, str]], tmp_path: Path, inside: str
) -> None:
    (tmp_path / "file").write_text("mine")
    out = tmp_path / "file" / inside
    code, said = typed("--out", str(out))
    (line,) = said.strip().splitlines()
    assert code == 2
    assert line.startswith(f"compare_compact.py: -o {out} can't be used (")
    assert (tmp_path / "file").read_text() == "mine"


def test_ctrl_c_says_how_to_go_on(
    typed: Callable[..., tuple[int, str]],
    script: Script,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gather(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(script("distillation.pictures"), "gather", gather)
    code, said = typed()
    assert code == 130
    assert "the same command goes on" in said
