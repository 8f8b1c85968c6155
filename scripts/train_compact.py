#!/usr/bin/env python3
"""Train the compact network by distillation of VGG-19 to a sixth of its size.

python scripts/train_compact.py --photos photos --paintings paintings

Fits it in closed form layer by layer, then fine-tunes it by gradient descent on crops
of the pictures and on intermediate images of style transfer runs. Every third picture
of a folder is held out. The work folder keeps finished stages: the same command
continues after an interruption. Takes about an hour on two cores; docs/compact.md
describes the method.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from command import console, run_script
from distillation.closed_form import fit_map, fit_student
from distillation.dataset import ByteImage, Dataset, load_dataset, read_image
from distillation.evaluation import mean_errors, rank_correlation
from distillation.fine_tuning import BATCH, RATE, BatchSampler, FineTuner, sample_crop
from distillation.student import TRAINED_LAYERS, Student, compute_features
from distillation.trajectories import run_trajectories
from rich.progress import Progress
from torch import Tensor

from artist_nst._files import atomic_write, write_bytes
from artist_nst._types import Precision
from artist_nst.errors import UsageError
from artist_nst.nst.compact import pack_weights
from artist_nst.nst.devices import choose_device
from artist_nst.nst.machine import configure_process, retain_heap
from artist_nst.nst.precision import DTYPES
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.nst.weights.locate import find_weights
from artist_nst.recipes.layers import VGG_WIDTHS, layer_names

# Filters of the layers of each block; VGG-19 has 64, 128, 256, 512, 512.
WIDTHS = 32, 64, 96, 192, 256
SIDE = 192  # of the training images, in pixels
CROPS = 160  # for the closed form
STEPS = 2400
# Of fine-tuning, each after new trajectories of the student as it is then.
ROUNDS = 3
TEACHER_TRAJECTORIES, STUDENT_TRAJECTORIES = 12, 24
EVALUATED = 48  # held-out pictures that the errors are measured on
SAVED_EVERY = 100  # steps


@dataclass(frozen=True)
class Training:
    """One training and its work folder."""

    dataset: Dataset
    weights: Weights
    device: torch.device
    folder: Path
    seed: int
    steps: int
    widths: tuple[int, ...]
    precision: Precision

    def settings(self) -> dict[str, Any]:
        """Return what identifies the work folder and is recorded in the file."""
        return {
            "seed": self.seed,
            "steps": self.steps,
            "rounds": ROUNDS,
            "widths": list(self.widths),
            "precision": self.precision,
            "side": SIDE,
            "crops": CROPS,
            "batch": BATCH,
            "rate": RATE,
            "walks": [TEACHER_TRAJECTORIES, STUDENT_TRAJECTORIES],
            "photos": len(self.dataset.photos),
            "paintings": len(self.dataset.paintings),
            "pictures_sha256": self.dataset.sha256,
            "teacher_sha256": self.weights.sha256,
        }

    def prepare_folder(self) -> None:
        """Create the work folder, or check that it is of this training.

        Raises:
            UsageError: It belongs to another training, or cannot be written to.
        """
        path = self.folder / "settings.json"
        text = json.dumps(self.settings(), indent=1)
        if path.exists() and path.read_text() != text:
            raise UsageError(
                f"--work {self.folder} belongs to another training: name another folder"
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        except OSError as error:
            raise UsageError(
                f"--work {self.folder} cannot be written to ({error.strerror}): name "
                "another folder"
            ) from error

    @cached_property
    def teacher(self) -> VGG:
        """VGG-19."""
        return VGG(self.weights).to(self.device)

    @cached_property
    def kernels(self) -> dict[str, tuple[Tensor, Tensor]]:
        """The teacher's kernels of the student's layers, for RGB 0–255 minus mean."""
        return {
            layer: (
                self.teacher.get_buffer(f"{layer}_weight"),
                self.teacher.get_buffer(f"{layer}_bias"),
            )
            for layer in layer_names("compact")
        }

    def fit_closed_form(self) -> Student:
        """Fit the student without gradients, or load what was fitted before."""
        path = self.folder / "closed-form.pt"
        if path.exists():
            return Student.from_tensors(_load(path, self.device))
        widths = {
            layer: self.widths[int(layer[4]) - 1] for layer in layer_names("compact")
        }
        with progress_bar("closed form", len(widths)) as advance:
            student = fit_student(
                self.kernels,
                widths,
                [crop.to(self.device) for crop in self.sample_crops()],
                torch.Generator().manual_seed(self.seed),
                lambda *_: advance(),
            )
        _save(path, student.to_tensors())
        return student

    def sample_crops(self) -> list[Tensor]:
        """Sample the crops that least squares are fitted to."""
        return [
            sample_crop(np.random.default_rng([self.seed, 0, i]), self.dataset, SIDE)
            for i in range(CROPS)
        ]

    def run_trajectories(self, student: Student, number: int) -> list[ByteImage]:
        """Collect frames of runs by the student, and by the teacher in round 0."""
        path = self.folder / f"trajectories-{number}.pt"
        if path.exists():
            return list(_load(path, torch.device("cpu"))["frames"].numpy())
        network = VGG(student.to_weights(f"round {number}")).to(self.device)
        runs = [(network, STUDENT_TRAJECTORIES)]
        if number == 0:
            runs.append((self.teacher, TEACHER_TRAJECTORIES))
        title, total = f"trajectories {number + 1}", sum(count for _, count in runs)
        frames: list[ByteImage] = []
        with progress_bar(title, total) as advance:
            for index, (network, count) in enumerate(runs):
                seed = self.seed, 2, number, index
                for trajectory in run_trajectories(
                    network, self.dataset, count, SIDE, seed, self.precision
                ):
                    frames += trajectory
                    advance()
        _save(path, {"frames": torch.from_numpy(np.stack(frames))})
        return frames

    def fine_tune(self, student: Student) -> Student:
        """Run all rounds of trajectories and fine-tuning that are not done yet."""
        dtype = DTYPES[self.precision] or torch.float32
        tuner = FineTuner(student, self.kernels, self.steps, dtype)
        path = self.folder / "fine-tuning.pt"
        done = 0
        if path.exists():
            done = tuner.load_state_dict(_load(path, self.device))
        frames: list[ByteImage] = []
        with progress_bar("fine-tuning", self.steps, done) as advance:
            for number in range(ROUNDS):
                last = self.steps * (number + 1) // ROUNDS
                frames += self.run_trajectories(student, number)
                sampler = BatchSampler(self.dataset, frames, SIDE, self.seed)
                losses: list[float] = []

                def on_step(
                    step: int, loss: float, losses: list[float] = losses
                ) -> None:
                    advance(f"fine-tuning, loss {loss:.3f}")
                    losses.append(loss)
                    if (step + 1) % SAVED_EVERY == 0:
                        _save(path, tuner.state_dict(step + 1))
                        mean = sum(losses) / len(losses)
                        console.print(f"{step + 1} of {self.steps}: loss {mean:.4f}")
                        losses.clear()

                retain_heap(True)
                tuner.run(sampler, done, last, on_step)
                done = max(done, last)
                _save(path, tuner.state_dict(done))
        return tuner.finish()

    @torch.no_grad()
    def fit_other_maps(self, student: Student) -> Student:
        """Fit the maps of the layers that were not trained."""
        layers = [layer for layer in student.kernels if layer not in TRAINED_LAYERS]
        targets: dict[str, list[Tensor]] = {layer: [] for layer in layers}
        features: dict[str, list[Tensor]] = {layer: [] for layer in layers}
        for crop in self.sample_crops()[: CROPS // 2]:
            teacher_features = compute_features(
                self.kernels, crop.to(self.device), layers
            )
            student_features = student.compute_features(crop.to(self.device), layers)
            for layer in layers:
                targets[layer].append(teacher_features[layer])
                features[layer].append(student_features[layer])
        for layer in layers:
            student.maps[layer], _ = fit_map(targets[layer], features[layer])
        return student

    def read_held_out(self) -> list[Tensor]:
        """Read an even selection of the held-out pictures, at most SIDE high."""
        paths = self.dataset.held_out_photos + self.dataset.held_out_paintings
        indices = np.linspace(0, len(paths) - 1, min(EVALUATED, len(paths))).round()
        images = [read_image(paths[int(index)], SIDE) for index in indices]
        return [image[..., :SIDE, :].to(self.device) for image in images]

    def evaluate(self, student: Student) -> dict[str, Any]:
        """Measure the student on the held-out pictures."""
        images = self.read_held_out()
        network = VGG(student.to_weights("evaluation")).to(self.device)
        errors = mean_errors(student, self.kernels, images)
        rank = rank_correlation(network, self.teacher, images)
        return {
            "feature_error": {layer: round(a, 4) for layer, (a, _) in errors.items()},
            "gram_error": {layer: round(b, 4) for layer, (_, b) in errors.items()},
            "rank_agreement": round(rank, 4),
            "pictures": len(images),
        }

    def run(self) -> bytes:
        """Run all stages and return the content of the network's file."""
        student = self.fit_closed_form()
        closed_form = self.evaluate(student)
        console.print(f"closed form: {json.dumps(closed_form)}", soft_wrap=True)
        if self.steps:
            student = self.fine_tune(student)
        student = self.fit_other_maps(student)
        held_out = self.evaluate(student)
        console.print(f"at the end: {json.dumps(held_out)}", soft_wrap=True)
        record = {
            **self.settings(),
            "script": "scripts/train_compact.py",
            "torch": torch.__version__.partition("+")[0],
            "device": self.device.type,
            "closed_form": closed_form,
            "held_out": held_out,
        }
        return pack_weights(student.to_weights("compact"), record)


def main(
    photos: Annotated[list[Path], typer.Option("--photos", help="Folders of photos.")],
    paintings: Annotated[
        list[Path], typer.Option("--paintings", help="Folders of paintings.")
    ],
    weights: Annotated[
        Path | None,
        typer.Option(help="VGG-19's weights, if not where they are cached."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path(
        "artist_nst/data/compact.safetensors"
    ),
    work: Annotated[Path, typer.Option(help="Folder of finished stages.")] = Path(
        "compact-training"
    ),
    seed: Annotated[int, typer.Option(min=0)] = 0,
    steps: Annotated[
        int, typer.Option(min=0, help="Of fine-tuning; 0 for the closed form alone.")
    ] = STEPS,
    widths: Annotated[str, typer.Option(help="Filters by block.")] = ",".join(
        map(str, WIDTHS)
    ),
    precision: Annotated[
        Precision,
        # Not "auto", or machines would train different networks.
        typer.Option(help="Of convolutions in trajectories and fine-tuning."),
    ] = "bfloat16",
) -> None:
    configure_process()
    start = time.perf_counter()
    filters = _parse_widths(widths)
    teacher = _load_teacher(weights)
    with console.status("reading pictures"):
        dataset = load_dataset(photos, paintings)
    device = choose_device("auto")
    training = Training(dataset, teacher, device, work, seed, steps, filters, precision)
    training.prepare_folder()
    content = training.run()
    out.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(out, content)
    minutes = (time.perf_counter() - start) / 60
    console.print(f"{out}: {len(content) / 1e6:.2f} MB, {minutes:.0f} minutes")


@contextmanager
def progress_bar(
    title: str, total: int, done: int = 0
) -> Iterator[Callable[..., None]]:
    """Show a progress bar and yield a function that advances it, with a new title."""
    with Progress(console=console) as progress:
        task = progress.add_task(title, total=total, completed=done)

        def advance(title: str | None = None) -> None:
            progress.update(task, advance=1, description=title)

        yield advance


def _parse_widths(text: str) -> tuple[int, ...]:
    try:
        widths = tuple(int(part) for part in text.split(","))
    except ValueError:
        widths = ()
    maxima = [block[0] for block in VGG_WIDTHS["vgg19"]]
    fits = all(1 <= a <= b for a, b in zip(widths, maxima, strict=False))
    if len(widths) != len(maxima) or not fits:
        raise UsageError(
            f"--widths {text}: name five numbers, like 32,64,96,192,256, of at most "
            f"{', '.join(map(str, maxima))}"
        )
    return widths


def _load_teacher(file: Path | None) -> Weights:
    weights = find_weights("vgg19", file, offline=True)
    if weights.input != "oxford":
        raise UsageError(
            f"{weights.source}: the compact network is distilled from Oxford's VGG-19 "
            "for BGR 0–255: name a file of that with --weights"
        )
    return weights


def _save(path: Path, values: Mapping[str, Any]) -> None:
    with atomic_write(path) as temporary:
        torch.save(dict(values), temporary)


def _load(path: Path, device: torch.device) -> dict[str, Any]:
    values: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    return values


if __name__ == "__main__":
    run_script(main, resumable=True)
