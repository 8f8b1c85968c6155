#!/usr/bin/env python3
"""Make the compact network: VGG-19's stand-in, a sixth of its size, by distillation.

python scripts/train_compact.py --photos photos --paintings paintings

In closed form layer by layer, then by gradient, on crops of the pictures and on
half-finished paintings of the teacher's and of its own. Every third picture of a folder
is held out. The work folder keeps what is done: the same command goes on from there.
About an hour on two cores. docs/compact.md tells how and why.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from command import console
from command import run as run_script
from distillation.checking import held_out_errors, rank_agreement
from distillation.closed_form import distilled, mapped
from distillation.pictures import Levels, Pictures, gather, read
from distillation.student import LEARNT, Student, features
from distillation.tuning import BATCH, RATE, Lessons, Tuning, sample, tune
from distillation.walks import walks
from rich.progress import Progress
from torch import Tensor

from artist_nst.errors import UsageError
from artist_nst.nst.compact import packed
from artist_nst.nst.devices import choose_device
from artist_nst.nst.machine import keep_memory, prepare
from artist_nst.nst.precision import DTYPES, Precision
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import WIDTHS as VGG_WIDTHS
from artist_nst.nst.weights import Weights, find_weights, layer_names

# Filters of the layers of each block; VGG-19 has 64, 128, 256, 512, 512.
WIDTHS = 32, 64, 96, 192, 256
SIDE = 192  # pixels, of what is learnt from
CROPS = 160  # for the closed form
STEPS = 2400
# Of tuning, each after walks with the student as it then is.
ROUNDS = 3
TEACHERS_WALKS, OWN_WALKS = 12, 24
HELD_OUT = 48  # pictures that the errors are measured on
SAVED_EVERY = 100


@dataclass(frozen=True)
class Training:
    """One training, in its folder."""

    pictures: Pictures
    weights: Weights
    device: torch.device
    folder: Path
    seed: int
    steps: int
    widths: tuple[int, ...]
    precision: Precision

    def settings(self) -> dict[str, Any]:
        """What the file tells of its making, and a folder is known by; the rest is
        in the scripts themselves."""
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
            "walks": [TEACHERS_WALKS, OWN_WALKS],
            "photos": len(self.pictures.photos),
            "paintings": len(self.pictures.paintings),
            "pictures_sha256": self.pictures.sha256,
            "teacher_sha256": self.weights.sha256,
        }

    def begin(self) -> None:
        """Raises UsageError where the folder is of another training."""
        path = self.folder / "settings.json"
        text = json.dumps(self.settings(), indent=1)
        if path.exists() and path.read_text() != text:
            raise UsageError(
                f"--work {self.folder} is of another training: name another folder"
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        except OSError as error:
            raise UsageError(
                f"--work {self.folder} can't be written to ({error.strerror}): name "
                "another folder"
            ) from error

    @cached_property
    def teacher(self) -> VGG:
        return VGG(self.weights).to(self.device)

    @cached_property
    def kernels(self) -> dict[str, tuple[Tensor, Tensor]]:
        """The teacher's, for RGB 0–255 less the mean, as far as the student goes."""
        return {
            layer: (
                self.teacher.get_buffer(f"{layer}_weight"),
                self.teacher.get_buffer(f"{layer}_bias"),
            )
            for layer in layer_names("compact")
        }

    def closed_form(self) -> Student:
        path = self.folder / "closed-form.pt"
        if path.exists():
            return Student.of(_load(path, self.device))
        widths = {
            layer: self.widths[int(layer[4]) - 1] for layer in layer_names("compact")
        }
        with bar("closed form", len(widths)) as advance:
            student = distilled(
                self.kernels,
                widths,
                [image.to(self.device) for image in self.crops()],
                torch.Generator().manual_seed(self.seed),
                lambda *_: advance(),
            )
        _save(path, student.tensors())
        return student

    def crops(self) -> list[Tensor]:
        """Those that least squares are fitted to."""
        return [
            sample(np.random.default_rng([self.seed, 0, nth]), self.pictures, SIDE)
            for nth in range(CROPS)
        ]

    def walked(self, student: Student, number: int) -> list[Levels]:
        """Frames of runs by the student as it is, at first by the teacher, too."""
        path = self.folder / f"walks-{number}.pt"
        if path.exists():
            return list(_load(path, torch.device("cpu"))["frames"].numpy())
        own = VGG(student.weights(f"round {number}")).to(self.device)
        walkers = [(own, OWN_WALKS)]
        if number == 0:
            walkers.append((self.teacher, TEACHERS_WALKS))
        frames: list[Levels] = []
        with bar(f"walks {number + 1}", sum(count for _, count in walkers)) as advance:
            for which, (network, count) in enumerate(walkers):
                for found in walks(
                    network,
                    self.pictures,
                    count,
                    SIDE,
                    (self.seed, 2, number, which),
                    self.precision,
                ):
                    frames += found
                    advance()
        _save(path, {"frames": torch.from_numpy(np.stack(frames))})
        return frames

    def tuned(self, student: Student) -> Student:
        """All rounds of walking and tuning, from where they were left."""
        dtype = DTYPES[self.precision] or torch.float32
        tuning = Tuning(student, self.kernels, self.steps, dtype)
        path = self.folder / "tuning.pt"
        done = tuning.restore(_load(path, self.device)) if path.exists() else 0
        frames: list[Levels] = []
        edges = [self.steps * number // ROUNDS for number in range(ROUNDS + 1)]
        with bar("tuning", self.steps, done) as advance:
            for number, last in enumerate(edges[1:]):
                frames += self.walked(student, number)
                lessons = Lessons(self.pictures, frames, SIDE, self.seed)
                losses: list[float] = []

                def told(step: int, loss: float, losses: list[float] = losses) -> None:
                    advance(f"tuning, loss {loss:.3f}")
                    losses.append(loss)
                    if (step + 1) % SAVED_EVERY == 0:
                        _save(path, tuning.state(step + 1))
                        mean = sum(losses) / len(losses)
                        console.print(f"{step + 1} of {self.steps}: loss {mean:.4f}")
                        losses.clear()

                keep_memory(True)
                tune(tuning, lessons, min(done, last), last, told)
                done = max(done, last)
                _save(path, tuning.state(done))
        return tuning.ended()

    @torch.no_grad()
    def completed(self, student: Student) -> Student:
        """With maps for the layers that lie between those that were learnt."""
        others = [layer for layer in student.kernels if layer not in LEARNT]
        pairs: dict[str, tuple[list[Tensor], list[Tensor]]]
        pairs = {layer: ([], []) for layer in others}
        for image in self.crops()[: CROPS // 2]:
            theirs = features(self.kernels, image.to(self.device), others)
            ours = student.features(image.to(self.device), others)
            for layer, (wanted, seen) in pairs.items():
                wanted.append(theirs[layer])
                seen.append(ours[layer])
        for layer, (wanted, seen) in pairs.items():
            student.maps[layer], _ = mapped(wanted, seen)
        return student

    def held_out(self) -> list[Tensor]:
        """Held-out pictures, evenly from all of them, not larger than crops."""
        paths = self.pictures.held_out_photos + self.pictures.held_out_paintings
        some = np.linspace(0, len(paths) - 1, min(HELD_OUT, len(paths))).round()
        images = [read(paths[int(one)], SIDE) for one in some]
        return [one[..., :SIDE, :].to(self.device) for one in images]

    def report(self, student: Student) -> dict[str, Any]:
        """Errors on the held-out pictures; see :mod:`distillation.checking`."""
        images = self.held_out()
        own = VGG(student.weights("report")).to(self.device)
        apart = held_out_errors(student, self.kernels, images)
        return {
            "feature_error": {layer: round(a, 4) for layer, (a, _) in apart.items()},
            "gram_error": {layer: round(b, 4) for layer, (_, b) in apart.items()},
            "rank_agreement": round(rank_agreement(own, self.teacher, images), 4),
            "pictures": len(images),
        }


def main(
    photos: Annotated[list[Path], typer.Option("--photos", help="Folders of photos.")],
    paintings: Annotated[
        list[Path], typer.Option("--paintings", help="Folders of paintings.")
    ],
    weights: Annotated[
        Path | None, typer.Option(help="VGG-19's; looked for if not given.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path(
        "artist_nst/data/compact.safetensors"
    ),
    work: Annotated[Path, typer.Option(help="Keeps what is done.")] = Path(
        "compact-training"
    ),
    seed: Annotated[int, typer.Option(min=0)] = 0,
    steps: Annotated[int, typer.Option(min=0, help="0: the closed form alone.")] = (
        STEPS
    ),
    widths: Annotated[str, typer.Option(help="Filters by block.")] = ",".join(
        map(str, WIDTHS)
    ),
    precision: Annotated[
        Precision,
        # Not whichever is faster: that would be another result on each machine.
        typer.Option(help="Of convolutions in walks and tuning."),
    ] = "bfloat16",
) -> None:
    """Make the compact network; the same command goes on where it was stopped."""
    prepare()
    began = time.perf_counter()
    filters = _widths(widths)
    teacher = _teacher(weights)
    with console.status("reading pictures"):
        pictures = gather(photos, paintings)
    training = Training(
        pictures,
        teacher,
        choose_device("auto"),
        work,
        seed,
        steps,
        filters,
        precision,
    )
    training.begin()
    made(training, out)
    minutes = (time.perf_counter() - began) / 60
    console.print(f"{out}: {out.stat().st_size / 1e6:.2f} MB, {minutes:.0f} minutes")


def made(training: Training, out: Path) -> None:
    """Run the training to its end, and write the file."""
    student = training.closed_form()
    first = training.report(student)
    console.print(f"closed form: {json.dumps(first)}", soft_wrap=True)
    if training.steps:
        student = training.tuned(student)
    student = training.completed(student)
    last = training.report(student)
    console.print(f"at the end: {json.dumps(last)}", soft_wrap=True)
    record = {
        **training.settings(),
        "script": "scripts/train_compact.py",
        "torch": torch.__version__.partition("+")[0],
        "device": training.device.type,
        "closed_form": first,
        "held_out": last,
    }
    _write(out, packed(student.weights("compact"), record))


@contextmanager
def bar(title: str, total: int, done: int = 0) -> Iterator[Any]:
    """A progress bar; yields what moves it by one and, if asked to, renames it."""
    with Progress(console=console) as progress:
        task = progress.add_task(title, total=total, completed=done)

        def advance(title: str | None = None) -> None:
            progress.update(task, advance=1, description=title)

        yield advance


def _widths(text: str) -> tuple[int, ...]:
    try:
        found = tuple(int(one) for one in text.split(","))
    except ValueError:
        found = ()
    most = [block[0] for block in VGG_WIDTHS["vgg19"]]
    fits = all(1 <= one <= whole for one, whole in zip(found, most, strict=False))
    if len(found) != len(most) or not fits:
        raise UsageError(
            f"--widths {text}: name five numbers, like 32,64,96,192,256, of at most "
            f"{', '.join(map(str, most))}"
        )
    return found


def _teacher(file: Path | None) -> Weights:
    found = find_weights("vgg19", file, offline=True)
    if found.input != "oxford":
        raise UsageError(
            f"{found.source}: the compact network is made from Oxford's VGG-19, for "
            "BGR 0–255: name a file of that with --weights"
        )
    return found


def _save(path: Path, values: Mapping[str, Any]) -> None:
    part = path.with_suffix(".part")
    torch.save(dict(values), part)
    os.replace(part, path)


def _load(path: Path, device: torch.device) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    return found


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    os.replace(part, path)


if __name__ == "__main__":
    run_script(main, "train_compact.py")
