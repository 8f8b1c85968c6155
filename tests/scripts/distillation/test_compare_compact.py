"""Comparing the compact network's paintings by VGG-19's loss, with small numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import compare_compact
import numpy as np
import pytest
import torch
from distillation import dataset
from PIL import Image

from artist_nst.errors import UsageError
from artist_nst.nst.compact import pack_weights
from artist_nst.nst.lbfgs import StopReason
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import Recipe
from tests.scripts.distillation.conftest import save_pictures

pytestmark = pytest.mark.tools

WIDTH = 64


@pytest.fixture(autouse=True)
def _small(teacher: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    def short_recipe(name: str, width: int) -> Recipe:
        return recipe(name, width=width, levels=((0.5, 1), (1.0, 2)))

    changes = {
        "RANKED_WIDTH": 48,
        "SHEET_PAIRS": 1,
        "recipe": short_recipe,
        "find_weights": lambda *_, **__: teacher,
        "configure_process": lambda: None,
        "choose_device": lambda _: torch.device("cpu"),
        "choose_precision": lambda *_: "float32",
    }
    for name, value in changes.items():
        monkeypatch.setattr(compare_compact, name, value)
    monkeypatch.setattr(dataset, "PACKAGED_PHOTOS", ())


@pytest.fixture
def student(
    compact_weights: Weights, folders: tuple[Path, Path], tmp_path: Path
) -> Callable[..., Path]:
    """Saves a compact network that was trained on the pictures, by its record."""

    def save(
        name: str = "small", photos: list[Path] | None = None, scale: float = 1.0
    ) -> Path:
        path = tmp_path / f"{name}.safetensors"
        path.parent.mkdir(exist_ok=True)
        pictures = dataset.load_dataset(photos or [folders[0]], [folders[1]])
        kernels = {
            layer: (scale * weight, bias)
            for layer, (weight, bias) in compact_weights.kernels.items()
        }
        weights = replace(compact_weights, kernels=kernels)
        record = {"pictures_sha256": pictures.sha256}
        path.write_bytes(pack_weights(weights, record))
        return path

    return save


@dataclass
class Output:
    """What a run has written."""

    folder: Path
    rows: list[list[str]] = field(default_factory=list)

    @property
    def table(self) -> str:
        return (self.folder / "table.md").read_text()

    @property
    def results(self) -> list[dict[str, Any]]:
        text = (self.folder / "results.json").read_text()
        return [*json.loads(text).values()]

    @property
    def paintings(self) -> list[Path]:
        names = (one["file"] for one in self.results if "file" in one)
        return sorted(self.folder / name for name in names)

    def shares(self, painters: int) -> list[list[float]]:
        """Of VGG-19's decrease, by pair and painter."""
        results, size = self.results, painters + 1
        shares = []
        for at in range(0, len(results), size):
            photo, vgg, *others = results[at : at + size]
            assert photo["total"] > vgg["total"]
            assert {other["pair"] for other in others} == {vgg["pair"]}
            decrease = photo["total"] - vgg["total"]
            shares.append(
                [(photo["total"] - one["total"]) / decrease for one in others]
            )
        return shares


@pytest.fixture
def compare(
    student: Callable[..., Path], folders: tuple[Path, Path], tmp_path: Path
) -> Callable[..., Output]:
    """Runs the script and reads its table."""

    def run(**changes: Any) -> Output:
        out = changes.pop("out", tmp_path / "out")
        options = {"photos": [folders[0]], "paintings": [folders[1]], "pairs": 2}
        options |= {"width": WIDTH, "network": changes.get("network") or [student()]}
        compare_compact.main(out=out, **{**options, **changes})
        lines = (out / "table.md").read_text().splitlines()
        rows = [line.strip("| ").split(" | ") for line in lines if line[:1] == "|"]
        return Output(out, rows)

    return run


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The networks whose paintings were begun."""
    names: list[str] = []
    original = compare_compact.run_pyramid

    def run(network: Any, *arguments: Any, **options: Any) -> Any:
        names.append(network.name)
        return original(network, *arguments, **options)

    monkeypatch.setattr(compare_compact, "run_pyramid", run)
    return names


def percent(value: float) -> str:
    return f"{value:.1%}"


def test_the_table(
    compare: Callable[..., Output], runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    output = compare()
    assert runs == ["vgg19", "compact"] * 2
    head, _, *rows, summary = output.rows
    assert head == ["photo / painting", "photo", "VGG-19", "small", "share"]
    shares = [share for (share,) in output.shares(2)]
    for index, row in enumerate(rows):
        photo, vgg, small = output.results[3 * index : 3 * index + 3]
        assert row == [
            vgg["pair"],
            f"{photo['total']:.2f}",
            f"{vgg['total']:.3f}",
            f"{small['total']:.3f}",
            percent(shares[index]),
        ]
        for losses in (photo, vgg, small):
            parts = losses["content"] + recipe("gram").ratio * losses["style"]
            assert 0.5 * losses["total"] < parts <= losses["total"] * (1 + 1e-5)
    assert summary[0] == "median"
    expected = f"**{percent(median(shares))}** (least {percent(min(shares))})"
    assert expected in summary[-1]
    assert "small: Spearman " in output.table
    assert "over 3 pairs" in output.table
    assert capsys.readouterr().out == output.table
    images = [np.asarray(Image.open(path)) for path in output.paintings]
    assert [pixels.shape for pixels in images] == [(48, WIDTH, 3)] * 4
    assert len({pixels.tobytes() for pixels in images}) == 4
    with Image.open(output.folder / "sheet.png") as sheet:
        assert sheet.width > 4 * WIDTH
    files = {"results.json", "table.md", "sheet.png"}
    assert {path.name for path in output.folder.iterdir()} == files | {
        path.name for path in output.paintings
    }


def test_pairs_are_of_held_out_pictures(folders: tuple[Path, Path]) -> None:
    """All combinations come before one is repeated."""
    pictures = dataset.load_dataset([folders[0]], [folders[1]])
    pairs = compare_compact.choose_pairs(pictures, 6)
    assert len({*pairs}) == 6
    assert {pair.photo for pair in pairs} == {*pictures.held_out_photos}
    assert {pair.painting for pair in pairs} == {*pictures.held_out_paintings}
    assert compare_compact.choose_pairs(pictures, 2) == pairs[:2]
    assert {pair.name.split(" / ")[1] for pair in pairs} == {
        f"paintings {index}" for index in (0, 3, 6)
    }


def test_drafts_and_several_networks(
    compare: Callable[..., Output], runs: list[str], student: Callable[..., Path]
) -> None:
    networks = [student("one"), student("two", scale=1.2)]
    output = compare(network=networks, width=128, pairs=1, draft_levels=[1])
    assert runs == ["vgg19", "compact", "compact", "vgg19"]
    head, _, row, summary = output.rows
    assert head[3:] == ["one", "share", "two", "share", "1 drafted", "share"]
    ((one, two, drafted),) = output.shares(4)
    assert row[4::2] == [percent(one), percent(two), percent(drafted)]
    assert drafted != pytest.approx(one, abs=1e-3)
    assert len({path.read_bytes() for path in output.paintings}) == 4
    assert percent(drafted) in summary[-1]
    assert output.table.count("Spearman") == 2


def test_finished_paintings_are_skipped(
    compare: Callable[..., Output], runs: list[str], student: Callable[..., Path]
) -> None:
    output = compare()
    before = {path: path.stat().st_mtime_ns for path in output.paintings}
    table, results = output.table, output.results
    for changes, painted in (
        ({}, []),
        ({"pairs": 3}, ["vgg19", "compact"]),
        ({"network": [student("other", scale=1.2)]}, ["compact"] * 2),
        ({"width": WIDTH + 8}, ["vgg19", "compact"] * 2),
    ):
        runs.clear()
        compare(**changes)
        assert runs == painted
        if not changes:
            assert (output.table, output.results) == (table, results)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_interrupted_paintings_are_not_kept(
    compare: Callable[..., Output], runs: list[str], tmp_path: Path
) -> None:
    whole = compare(out=tmp_path / "whole")
    runs.clear()
    with pytest.MonkeyPatch.context() as patch:
        original = compare_compact.run_pyramid

        def run(*arguments: Any, **options: Any) -> Any:
            result = original(*arguments, **options)
            if len(runs) < 3:
                return result
            return replace(
                result, reasons=[*result.reasons[:-1], StopReason.INTERRUPTED]
            )

        patch.setattr(compare_compact, "run_pyramid", run)
        with pytest.raises(KeyboardInterrupt):
            compare()
    assert runs == ["vgg19", "compact", "vgg19"]
    assert len(Output(tmp_path / "out").paintings) == 2
    runs.clear()
    assert compare().rows == whole.rows
    assert runs == ["vgg19", "compact"]


def test_pictures_are_identified_by_content(
    compare: Callable[..., Output],
    student: Callable[..., Path],
    tmp_path: Path,
    runs: list[str],
) -> None:
    """Two photos with the same name in two folders have their own results."""
    photos = [tmp_path / "a", tmp_path / "b"]
    for folder, seed in zip(photos, (40, 50), strict=True):
        save_pictures(folder, 3, seed)
    output = compare(photos=photos, network=[student(photos=photos)], pairs=4)
    first, *_, last = output.rows[2:-1]
    assert first[0] == last[0]
    assert first[0].startswith("0 / paintings ")
    assert all(a != b for a, b in zip(first[1:], last[1:], strict=True))
    assert len(runs) == len({*output.paintings}) == 8


# Usage -------------------------------------------------------------------------------


def test_networks_must_be_trained_on_the_pictures(
    compare: Callable[..., Output],
    student: Callable[..., Path],
    compact_file: Path,
    tmp_path: Path,
    runs: list[str],
) -> None:
    save_pictures(tmp_path / "others", 4, 60)
    other = student("other", photos=[tmp_path / "others"])
    for file in (other, compact_file):
        with pytest.raises(UsageError, match=f"{file.stem}.* not trained on these"):
            compare(network=[student("own-small"), file])
    assert runs == []


@pytest.mark.parametrize("names", [("small", "more/small"), ("VGG-19",)])
def test_networks_must_have_different_names(
    compare: Callable[..., Output],
    student: Callable[..., Path],
    names: tuple[str, ...],
) -> None:
    files = [student(name) for name in names]
    with pytest.raises(UsageError, match="named twice") as raised:
        compare(network=files)
    assert str(files[-1]) in str(raised.value)


def test_unusable_folders(compare: Callable[..., Output], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    file = out / "results.json"
    for content in (b"{", b"", b"\xff\xfe\x00", b"[]"):
        file.write_bytes(content)
        with pytest.raises(UsageError, match=f"-o {out} cannot be used"):
            compare()
        assert file.read_bytes() == content
    for folder in (file, file / "folder"):
        with pytest.raises(UsageError, match=f"-o {folder} cannot be used"):
            compare(out=folder)
