"""The training as a whole, with small numbers: its file, resuming, usage errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import train_compact
from distillation import dataset, trajectories
from distillation.student import TRAINED_LAYERS, Kernels, compute_features

from artist_nst.errors import UsageError
from artist_nst.nst.compact import load_compact, read_training_record
from artist_nst.nst.weights.checkpoint import Weights
from tests.scripts.distillation.conftest import image, relative

pytestmark = pytest.mark.tools

STEPS = 9
WIDTHS = "3,5,7,9,11"

Train = Callable[..., Path]


@pytest.fixture(autouse=True)
def _small(teacher: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {
        "SIDE": 32,
        "CROPS": 4,
        "ROUNDS": 3,
        "TEACHER_TRAJECTORIES": 1,
        "STUDENT_TRAJECTORIES": 1,
        "EVALUATED": 4,
        "SAVED_EVERY": 2,
        "find_weights": lambda *_, **__: teacher,
        "configure_process": lambda: None,
        "choose_device": lambda _: torch.device("cpu"),
    }
    for name, value in changes.items():
        monkeypatch.setattr(train_compact, name, value)
    monkeypatch.setattr(trajectories, "KEPT", (1, 2, 3))
    monkeypatch.setattr(dataset, "PACKAGED_PHOTOS", ())


@pytest.fixture
def train(folders: tuple[Path, Path], tmp_path: Path) -> Train:
    """Runs the script in a work folder of the given name; returns its file."""

    def run(name: str, **changes: Any) -> Path:
        out = tmp_path / f"{name}.safetensors"
        options = {"steps": STEPS, "widths": WIDTHS, "precision": "float32", **changes}
        photos, paintings = folders
        work = tmp_path / name
        train_compact.main([photos], [paintings], None, out, work, **options)
        return out

    return run


@pytest.fixture
def make_training(
    folders: tuple[Path, Path], teacher: Weights, tmp_path: Path
) -> Callable[..., train_compact.Training]:
    """Creates a training in a new folder, to run single stages."""

    def create(steps: int, *widths: int) -> train_compact.Training:
        training = train_compact.Training(
            dataset.load_dataset([folders[0]], [folders[1]]),
            teacher,
            torch.device("cpu"),
            tmp_path / "work",
            seed=0,
            steps=steps,
            widths=widths,
            precision="float32",
        )
        training.prepare_folder()
        return training

    return create


def same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


def interrupt_after(step: int, patch: pytest.MonkeyPatch) -> None:
    """Ctrl-C after a step of fine-tuning."""
    original = train_compact.FineTuner.step

    def interrupt(tuner: Any, number: int, images: Any) -> float:
        if number > step:
            raise KeyboardInterrupt
        return original(tuner, number, images)

    patch.setattr(train_compact.FineTuner, "step", interrupt)


def test_the_file(train: Train, folders: tuple[Path, Path], tmp_path: Path) -> None:
    file = train("whole")
    weights = load_compact(file)
    inputs = 3
    for layer, (weight, bias) in weights.kernels.items():
        width = int(WIDTHS.split(",")[int(layer[4]) - 1])
        assert weight.shape == (width, inputs, 3, 3)
        assert len(bias) == width
        inputs = width
    assert weights.projection_roots["conv2_1"].filters == 16
    record: dict[str, Any] = dict(read_training_record(file))
    assert record["widths"] == [3, 5, 7, 9, 11]
    assert (record["photos"], record["paintings"]) == (2, 4)
    assert (record["seed"], record["steps"], record["rounds"]) == (0, STEPS, 3)
    assert record["teacher_sha256"] == "teacher"
    for stage in ("closed_form", "held_out"):
        errors = record[stage]
        assert errors["pictures"] == 4
        for kind in ("feature_error", "gram_error"):
            assert all(math.isfinite(x) and x > 0 for x in errors[kind].values())
        assert -1 <= errors["rank_agreement"] <= 1
    for folder in (*folders, tmp_path):
        assert str(folder) not in str(record)


@pytest.mark.parametrize(
    ("stops", "precision"), [((2,), "bfloat16"), ((0, 3, 5), "float32")]
)
def test_resuming_gives_the_same_file(
    train: Train, tmp_path: Path, stops: tuple[int, ...], precision: str
) -> None:
    """Interrupted after the first round, or several times."""
    whole = train("whole", precision=precision)
    for stop in stops:
        with pytest.MonkeyPatch.context() as patch:
            interrupt_after(stop, patch)
            with pytest.raises(KeyboardInterrupt):
                train("resumed", precision=precision)
        assert not (tmp_path / "resumed.safetensors").exists()
    assert same(train("resumed", precision=precision), whole)
    # Finished stages are not repeated.
    files = [*(tmp_path / "resumed").glob("trajectories-*.pt")]
    before = {path: path.stat().st_mtime_ns for path in files}
    assert len(before) == 3
    assert same(train("resumed", precision=precision), whole)
    assert {path: path.stat().st_mtime_ns for path in files} == before
    assert not [*(tmp_path / "resumed").glob("*.part")]


def test_interrupted_between_trajectories_and_fine_tuning(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train("whole")
    with monkeypatch.context() as patch:
        original = train_compact.Training.run_trajectories

        def interrupt(self: Any, student: Any, number: int) -> Any:
            frames = original(self, student, number)
            if number == 1:
                raise KeyboardInterrupt
            return frames

        patch.setattr(train_compact.Training, "run_trajectories", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train("resumed")
    assert same(train("resumed"), whole)


def test_seed_and_steps_matter(train: Train) -> None:
    one = train("one", steps=0)
    assert not same(one, train("other", steps=0, seed=1))
    record: dict[str, Any] = dict(read_training_record(train("tuned", steps=60)))
    before, after = (
        sum(record[stage]["gram_error"].values())
        for stage in ("closed_form", "held_out")
    )
    assert after < before


def test_other_maps_are_fitted_last(
    make_training: Callable[..., train_compact.Training], kernels: Kernels
) -> None:
    training = make_training(0, 4, 6, 8, 10, 12)
    student = training.fit_closed_form()
    for layer in kernels:
        if layer not in TRAINED_LAYERS:
            student.maps[layer] = torch.zeros_like(student.maps[layer])
    before = {layer: student.maps[layer].clone() for layer in TRAINED_LAYERS}
    training.fit_other_maps(student)
    assert all(torch.equal(student.maps[layer], before[layer]) for layer in before)
    photo = image(32, 32, 21)
    target = compute_features(kernels, photo, ["conv1_2"])["conv1_2"][0].flatten(1)
    features = student.compute_features(photo, ["conv1_2"])["conv1_2"][0].flatten(1)
    assert relative(student.maps["conv1_2"] @ features - target, target) < 0.5


def test_held_out_pictures_are_not_trained_on(
    make_training: Callable[..., train_compact.Training],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All crops are from the training pictures."""
    training = make_training(3, 3, 3, 3, 3, 3)
    cropped: list[Any] = []
    original = dataset.random_crop

    def random_crop(rng: Any, pictures: Any, side: int) -> Any:
        cropped.append(pictures)
        return original(rng, pictures, side)

    for module in ("fine_tuning", "trajectories"):
        monkeypatch.setattr(f"distillation.{module}.random_crop", random_crop)
    training.fit_other_maps(training.fine_tune(training.fit_closed_form()))
    assert len(cropped) > 10
    data = training.dataset
    assert all(
        pictures is data.photos or pictures is data.paintings for pictures in cropped
    )
    images = training.read_held_out()
    assert len({float(one.mean()) for one in images}) == 4
    assert {one.shape for one in images} == {(1, 3, 24, 32)}


# Usage -------------------------------------------------------------------------------


def test_widths() -> None:
    parse = train_compact._parse_widths
    assert parse("32, 64,96,192,256") == (32, 64, 96, 192, 256)
    assert parse("64,128,256,512,512") == (64, 128, 256, 512, 512)
    wrong = "", "32", "32,64,96,192", "1,2,3,4,5,6", "a,b,c,d,e", "0,1,1,1,1"
    for text in (*wrong, "9,9,9,9,-9", "65,128,256,512,512"):
        with pytest.raises(UsageError, match="--widths"):
            parse(text)


def test_the_folder_of_another_training(train: Train, tmp_path: Path) -> None:
    train("one", steps=0)
    before = {path: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    for changes in (
        {"seed": 1},
        {"steps": STEPS},
        {"widths": "3,5,7,9,12"},
        {"precision": "bfloat16"},
    ):
        with pytest.raises(UsageError, match="--work"):
            train("one", **{"steps": 0, **changes})
    assert {path: path.read_bytes() for path in (tmp_path / "one").iterdir()} == before


def test_weights_with_another_input_are_refused(
    train: Train, teacher: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(teacher, input="torchvision")
    monkeypatch.setattr(train_compact, "find_weights", lambda *_, **__: other)
    with pytest.raises(UsageError, match="Oxford"):
        train("other")


def test_the_packaged_network_is_of_the_default_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    record: dict[str, Any] = dict(read_training_record())
    assert tuple(record["widths"]) == train_compact.WIDTHS
    for name in ("STEPS", "SIDE", "CROPS", "ROUNDS"):
        assert record[name.lower()] == getattr(train_compact, name)
    for layer, (_, bias) in load_compact().kernels.items():
        assert len(bias) == train_compact.WIDTHS[int(layer[4]) - 1], layer
