"""Batches that are painted: small jobs, command lines in other processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from PIL import Image

from artist_nst.nst.devices import use_described_threads
from artist_nst.nst.vgg import VGG
from artist_nst.painting.pipeline import paint
from artist_nst.painting.record import load_record
from artist_nst.recipes.settings import change_setting
from artist_nst.recipes.toml_file import find_recipe

PHOTOS, RATIOS = 8, (1, 5, 20)
SETTINGS = {"network": "compact", "width": "40", "iterations": "30"}
PROGRAM = (sys.executable, "-m", "artist_nst", "batch")


@dataclass
class Ran:
    code: int
    out: str
    err: str


def start(
    *options: str,
    photos: str = "photos",
    style: str = "style.png",
    ratios: Sequence[int] = RATIOS,
    settings: Mapping[str, str] = SETTINGS,
    out: str = "out",
    stderr: int = subprocess.PIPE,
) -> subprocess.Popen[str]:
    """Start the command in the current folder, in a group of its own."""
    pipe = subprocess.PIPE
    values = ",".join(map(str, ratios))
    jobs = ("--photos", photos, "--style", style, "--vary", f"ratio={values}")
    recipe = [text for name in settings for text in (f"--{name}", settings[name])]
    return subprocess.Popen(
        [*PROGRAM, *jobs, *recipe, "-o", out, *options],
        stdout=pipe,
        stderr=stderr,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], timeout: float = 240) -> Ran:
    try:
        out, err = process.communicate(timeout=timeout)
    finally:
        kill_group(process)
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()
    assert "Traceback" not in err, err
    return Ran(process.returncode, out, err)


def run(*options: str, **changes: Any) -> Ran:
    return finish(start(*options, **changes))


def kill_group(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(is_true: Callable[[], object], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.05)


def stamp_paintings() -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in Path("out").glob("*.png")}


def count_paintings(folder: str = "out") -> int:
    return len([*Path(folder).glob("*.png")])


def list_workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """List the processes of a command's workers."""
    try:
        children = psutil.Process(process.pid).children()
        return [child for child in children if "spawn_main" in str(child.cmdline())]
    except psutil.Error:
        return []


def count_lines(state: str, folder: str = "out") -> Counter[str]:
    """Count the ledger's lines of a state by output."""
    lines = Path(folder, "batch.jsonl").read_text().splitlines()
    needle = f'"state": "{state}"'
    return Counter(
        line.split('"out": "')[1].split('"')[0] for line in lines if needle in line
    )


def read_pixels(path: Path | str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path))


def assert_as_alone(
    path: Path | str,
    photo: str,
    ratio: int,
    settings: Mapping[str, str] = SETTINGS,
    network: VGG | None = None,
) -> None:
    """Assert that a job has the pixels that the library paints with its threads.

    With another number of threads MKL and oneDNN may round sums differently.
    """
    threads = torch.get_num_threads()
    use_described_threads(load_record(path)["device"])
    try:
        alone = _paint_alone(photo, ratio, settings, network)
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(read_pixels(path), alone)


def _paint_alone(
    photo: str, ratio: int, settings: Mapping[str, str], network: VGG | None
) -> NDArray[np.uint8]:
    """Paint a job of the command by the library."""
    recipe = find_recipe("default")
    for name, value in {**settings, "ratio": str(ratio)}.items():
        recipe = change_setting(recipe, name, value)
    painting = paint(
        f"photos/{photo}.png", "style.png", recipe=recipe, seed=0, network=network
    )
    return np.asarray(painting.image)


def check_all(folder: str = "out") -> None:
    """Assert that all is painted, each once, and some as the library paints it."""
    names = {
        f"p{photo}-style,ratio-{ratio}.png"
        for photo in range(PHOTOS)
        for ratio in RATIOS
    }
    assert {path.name for path in Path(folder).glob("*.png")} == names
    counts = count_lines("finished", folder)
    assert counts == dict.fromkeys(names, 1)
    for photo, ratio in ((0, 1), (3, 20), (7, 5)):
        path = f"{folder}/p{photo}-style,ratio-{ratio}.png"
        assert_as_alone(path, f"p{photo}", ratio)
