"""The training as a whole, small: its command line, its file, going on with it."""

from __future__ import annotations

import math
import runpy
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from artist_nst.errors import UsageError
from artist_nst.nst.compact import load_compact, training_record
from artist_nst.nst.weights import Weights
from tests.scripts.distillation.conftest import (
    SCRIPTS,
    Kernels,
    Script,
    image,
    relative,
    save_pictures,
)

STEPS = 9
WIDTHS = "3,5,7,9,11"


@pytest.fixture(scope="module")
def training(script: Script) -> ModuleType:
    return script("train_compact")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("pictures")
    save_pictures(folder / "photos", 4, 10)
    save_pictures(folder / "paintings", 5, 20)
    return folder / "photos", folder / "paintings"


@pytest.fixture
def small(
    training: ModuleType,
    script: Script,
    teacher: Weights,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seconds in place of an hour; a thin teacher in place of VGG-19."""
    changes = {
        "SIDE": 32,
        "CROPS": 4,
        "ROUNDS": 3,
        "TEACHERS_WALKS": 1,
        "OWN_WALKS": 1,
        "HELD_OUT": 4,
        "SAVED_EVERY": 2,
        "find_weights": lambda *_, **__: teacher,
        "prepare": lambda: None,
        "choose_device": lambda _: torch.device("cpu"),
    }
    for name, value in changes.items():
        monkeypatch.setattr(training, name, value)
    monkeypatch.setattr(script("distillation.walks"), "KEPT", (1, 2, 3))
    monkeypatch.setattr(script("distillation.pictures"), "SHIPPED", ())


@pytest.fixture
def train(
    training: ModuleType,
    small: None,  # noqa: ARG001
    folders: tuple[Path, Path],
    tmp_path: Path,
) -> Callable[..., Path]:
    """Runs the script's main in a work folder of that name; returns its file."""

    def run(name: str, **changes: Any) -> Path:
        out = tmp_path / f"{name}.safetensors"
        options = {"seed": 0, "steps": STEPS, "widths": WIDTHS}
        options |= {"precision": "float32", **changes}
        photos, paintings = folders
        training.main(
            photos=[photos],
            paintings=[paintings],
            weights=None,
            out=out,
            work=tmp_path / name,
            **options,
        )
        return out

    return run


def record_of(path: Path) -> dict[str, Any]:
    return dict(training_record(path))


def same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


def stopping(
    monkeypatch: pytest.MonkeyPatch, training: ModuleType, at: int
) -> pytest.MonkeyPatch:
    """Ctrl-C after the step of that number, when it has been told."""
    original = training.tune

    def tune(
        tuning: Any, lessons: Any, first: int, last: int, on_step: Callable[..., None]
    ) -> None:
        def told(step: int, loss: float) -> None:
            on_step(step, loss)
            if step == at:
                raise KeyboardInterrupt

        original(tuning, lessons, first, last, told)

    monkeypatch.setattr(training, "tune", tune)
    return monkeypatch


def test_from_pictures_to_a_network(
    train: Callable[..., Path], folders: tuple[Path, Path], tmp_path: Path
) -> None:
    out = train("whole")
    weights = load_compact(out)
    heard = 3
    for layer, (weight, bias) in weights.kernels.items():
        width = int(WIDTHS.split(",")[int(layer[4]) - 1])
        assert weight.shape == (width, heard, 3, 3)
        assert len(bias) == width
        heard = width
    assert weights.metrics["conv2_1"].filters == 16
    record = record_of(out)
    assert record["widths"] == [3, 5, 7, 9, 11]
    assert (record["photos"], record["paintings"]) == (2, 3)
    assert (record["seed"], record["steps"], record["rounds"]) == (0, STEPS, 3)
    assert record["teacher_sha256"] == "teacher"
    for stage in ("closed_form", "held_out"):
        told = record[stage]
        assert told["pictures"] == 4
        for kind in ("feature_error", "gram_error"):
            assert all(math.isfinite(one) and one > 0 for one in told[kind].values())
        assert -1 <= told["rank_agreement"] <= 1
    for folder in (*folders, tmp_path):
        assert str(folder) not in str(record)


@pytest.mark.parametrize(
    ("stops", "precision"), [((3,), "bfloat16"), ((0, 4, 6), "float32")]
)
def test_going_on_gives_the_same(
    train: Callable[..., Path],
    training: ModuleType,
    tmp_path: Path,
    stops: tuple[int, ...],
    precision: str,
) -> None:
    """Stopped after the first round, or at once and again and again."""
    train = partial(train, precision=precision)
    through = train("through")
    for stop in stops:
        with pytest.MonkeyPatch.context() as patch:
            stopping(patch, training, stop)
            with pytest.raises(KeyboardInterrupt):
                train("stopped")
        assert not (tmp_path / "stopped.safetensors").exists()
    assert same(train("stopped"), through)
    # What is finished is not done again.
    made = [*(tmp_path / "stopped").glob("walks-*.pt")]
    before = {path: path.stat().st_mtime_ns for path in made}
    assert len(before) == 3
    assert same(train("stopped"), through)
    assert {path: path.stat().st_mtime_ns for path in made} == before
    assert not [*(tmp_path / "stopped").glob("*.part")]


def test_stopped_between_walks_and_tuning(
    train: Callable[..., Path],
    training: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    through = train("through")
    with monkeypatch.context() as patch:
        original = training.Training.walked

        def walked(self: Any, student: Any, number: int) -> Any:
            found = original(self, student, number)
            if number == 1:
                raise KeyboardInterrupt
            return found

        patch.setattr(training.Training, "walked", walked)
        with pytest.raises(KeyboardInterrupt):
            train("stopped")
    assert same(train("stopped"), through)


def test_seeds_and_steps_matter(train: Callable[..., Path]) -> None:
    assert not same(train("one", steps=0), train("other", steps=0, seed=1))
    assert not same(train("one", steps=0), train("tuned"))


def test_tuning_pays(train: Callable[..., Path]) -> None:
    record = record_of(train("longer", steps=60))
    before, after = (
        sum(record[stage]["gram_error"].values())
        for stage in ("closed_form", "held_out")
    )
    assert after < before


def test_layers_between_are_mapped_after_tuning(
    training: ModuleType,
    small: None,  # noqa: ARG001
    script: Script,
    kernels: Kernels,
    folders: tuple[Path, Path],
    teacher: Weights,
    tmp_path: Path,
) -> None:
    pictures = script("distillation.pictures").gather([folders[0]], [folders[1]])
    one = training.Training(
        pictures,
        teacher,
        torch.device("cpu"),
        tmp_path / "work",
        seed=0,
        steps=0,
        widths=(4, 6, 8, 10, 12),
        precision="float32",
    )
    one.begin()
    student = one.closed_form()
    others = [layer for layer in kernels if layer not in training.LEARNT]
    for layer in others:
        student.maps[layer] = torch.zeros_like(student.maps[layer])
    kept = {layer: student.maps[layer].clone() for layer in training.LEARNT}
    one.completed(student)
    assert all(torch.equal(student.maps[layer], kept[layer]) for layer in kept)
    photo = image(32, 32, 21)
    wanted = script("distillation.student").features(kernels, photo, ["conv1_2"])
    seen = student.features(photo, ["conv1_2"])["conv1_2"][0].flatten(1)
    target = wanted["conv1_2"][0].flatten(1)
    assert relative(student.maps["conv1_2"] @ seen - target, target) < 0.5


def test_nothing_held_out_is_cropped(
    training: ModuleType,
    small: None,  # noqa: ARG001
    script: Script,
    folders: tuple[Path, Path],
    teacher: Weights,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All that looks at a picture is handed those to learn from."""
    pictures = script("distillation.pictures").gather([folders[0]], [folders[1]])
    handed: list[Any] = []
    for name in ("tuning", "walks"):
        module = script(f"distillation.{name}")

        def crop(source: Any, some: Any, side: int, original: Any = module.crop) -> Any:
            handed.append(some)
            return original(source, some, side)

        monkeypatch.setattr(module, "crop", crop)
    one = training.Training(
        pictures,
        teacher,
        torch.device("cpu"),
        tmp_path / "work",
        seed=0,
        steps=3,
        widths=(3, 3, 3, 3, 3),
        precision="float32",
    )
    one.begin()
    one.completed(one.tuned(one.closed_form()))
    assert len(handed) > 10
    assert all(some is pictures.photos or some is pictures.paintings for some in handed)
    held = {*pictures.held_out_photos, *pictures.held_out_paintings}
    assert len(held) == 4
    seen = [float(one.mean()) for one in one.held_out()]
    assert len({*seen}) == 4
    assert {one.shape for one in one.held_out()} == {(1, 3, 24, 32)}


# Refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "widths",
    ["", "32", "32,64,96,192", "1,2,3,4,5,6", "a,b,c,d,e", "0,1,1,1,1", "9,9,9,9,-9"],
)
def test_bad_widths(training: ModuleType, widths: str) -> None:
    with pytest.raises(UsageError, match=r"--widths .*: name five numbers") as caught:
        training._widths(widths)
    assert "\n" not in str(caught.value)


def test_widths(training: ModuleType) -> None:
    assert training._widths("32, 64,96,192,256") == (32, 64, 96, 192, 256)


def test_more_filters_than_the_teacher_s(training: ModuleType) -> None:
    """VGG-19's first block has 64."""
    assert training._widths("64,128,256,512,512") == (64, 128, 256, 512, 512)
    with pytest.raises(UsageError, match="--widths"):
        training._widths("65,128,256,512,512")


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"steps": STEPS + 1},
        {"widths": "3,5,7,9,12"},
        {"precision": "bfloat16"},
    ],
)
def test_another_training_s_folder(
    train: Callable[..., Path], changes: dict[str, Any], tmp_path: Path
) -> None:
    train("one", steps=0)
    kept = {path: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    with pytest.raises(UsageError, match=r"--work .*one is of another training"):
        train("one", **{"steps": 0, **changes})
    assert {path: path.read_bytes() for path in (tmp_path / "one").iterdir()} == kept


@pytest.fixture
def typed(
    small: None,  # noqa: ARG001
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
        command = ["train_compact.py", "--photos", str(folders[0])]
        command += ["--paintings", str(folders[1]), "--work", str(tmp_path / "work")]
        command += ["--out", str(tmp_path / "out.safetensors"), *options]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as caught:
            runpy.run_path(str(SCRIPTS / "train_compact.py"), run_name="__main__")
        said = capsys.readouterr()
        assert said.out == ""
        assert isinstance(caught.value.code, int)
        return caught.value.code, said.err

    return run


def test_another_training_s_folder_as_typed(
    typed: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "settings.json").write_text("{}")
    code, said = typed()
    assert code == 2
    line = said.strip().splitlines()[-1]
    assert line.startswith(f"train_compact.py: --work {work} is of another training")
    assert not (tmp_path / "out.safetensors").exists()
    assert [path.name for path in work.iterdir()] == ["settings.json"]


def test_weights_for_another_input_are_refused(
    typed: Callable[..., tuple[int, str]],
    teacher: Weights,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The file says that its input is Oxford's."""
    other = replace(teacher, input="torchvision")
    monkeypatch.setattr("artist_nst.nst.weights.find_weights", lambda *_, **__: other)
    code, said = typed()
    assert code == 2
    assert "made from Oxford's VGG-19" in said


def test_bad_widths_as_typed(
    typed: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    code, said = typed("--widths", "32,64")
    assert code == 2
    (line,) = said.strip().splitlines()
    assert line.startswith("train_compact.py: --widths 32,64: name five numbers")
    assert not (tmp_path / "work").exists()


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
