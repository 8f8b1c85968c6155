"""Films, read back: what is in them, and what is left when they fail."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe
from numpy.typing import NDArray
from PIL import Image

from artist_nst._files import VIDEO_SUFFIXES, check_writable
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.video import VideoWriter, write_video
from tests.conftest import picture

RED, GREEN, BLUE = (220, 40, 40), (40, 160, 40), (40, 40, 220)
Levels = NDArray[np.uint8]

every_kind = pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
videos = pytest.mark.parametrize("suffix", [".mp4", ".webm"])


def plain(
    color: tuple[int, int, int], height: int = 48, width: int = 64
) -> NDArray[np.float64]:
    return np.full((height, width, 3), color) / 255.0


def filmed(
    path: Path,
    *colors: tuple[int, int, int],
    then: type[BaseException] | None = None,
    **how: float,
) -> None:
    with VideoWriter(path, **how) as film:
        for color in colors:
            film.add(plain(color))
        if then is not None:
            raise then


@dataclass
class Seen:
    """A film as a player shows it; of a video, ffmpeg's words about it."""

    frames: list[Levels]
    seconds: list[float]
    about: str

    @property
    def size(self) -> tuple[int, int]:
        height, width = self.frames[0].shape[:2]
        return width, height


def seen(path: Path) -> Seen:
    if path.suffix == ".gif":
        frames, seconds = [], []
        with Image.open(path) as film:
            for index in range(film.n_frames):
                film.seek(index)
                frames.append(np.asarray(film.convert("RGB")))
                seconds.append(film.info["duration"] / 1000)
        return Seen(frames, seconds, "")
    exact = ["-sws_flags", "accurate_rnd+full_chroma_int+bicubic", "-pix_fmt", "rgb24"]
    done = subprocess.run(
        [get_ffmpeg_exe(), "-i", path, *exact, "-f", "rawvideo", "-"],
        capture_output=True,
        check=True,
    )
    about = done.stderr.decode().partition("Output #0")[0]
    found = re.search(r", (\d+)x(\d+).*?([\d.]+) fps", about)
    length = re.search(r"Duration: 00:(\d+):([\d.]+)", about)
    assert found
    assert length
    width, height, fps = int(found[1]), int(found[2]), float(found[3])
    video = np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3)
    seconds = 60 * int(length[1]) + float(length[2])
    assert seconds == pytest.approx(len(video) / fps, abs=0.02)
    return Seen(list(video), [1 / fps] * len(video), about)


def assert_like(
    frame: Levels, wanted: tuple[int, int, int] | Levels, within: float = 4.0
) -> None:
    """The same but for what a codec does to it."""
    assert np.abs(frame.astype(int) - np.asarray(wanted, dtype=int)).mean() < within


def leftovers(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir() if one.name.startswith("."))


def failure(call: Callable[[], object]) -> str:
    with pytest.raises(ArtistNstError) as caught:
        call()
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


# What is in a film


@every_kind
def test_frames_come_in_order_and_the_last_one_stays(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"film{suffix}"
    filmed(path, RED, GREEN, BLUE, fps=10, hold_seconds=0.5)
    assert os.listdir(tmp_path) == [path.name]
    shown = seen(path)
    held = 1 if suffix == ".gif" else 5
    assert len(shown.frames) == 2 + held
    assert sum(shown.seconds) == pytest.approx(0.7, abs=0.001)
    assert shown.size == (64, 48)
    for frame, color in zip(shown.frames, (RED, GREEN, *[BLUE] * held), strict=True):
        assert_like(frame, color)


def test_a_gif_begins_again_for_ever(tmp_path: Path) -> None:
    filmed(tmp_path / "film.gif", RED, BLUE)
    with Image.open(tmp_path / "film.gif") as film:
        assert film.info["loop"] == 0


@videos
def test_a_video_plays_in_browsers(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"film{suffix}"
    filmed(path, RED)
    about = seen(path).about
    codec = {".mp4": "h264 (High)", ".webm": "vp9 (Profile 0)"}[suffix]
    assert f"Video: {codec}" in about
    assert "yuv420p(tv, bt709" in about
    assert "12 fps" in about
    if suffix == ".mp4":
        content = path.read_bytes()
        assert content.index(b"moov") < content.index(b"mdat")


@every_kind
def test_strokes_and_colors_are_kept(tmp_path: Path, suffix: str) -> None:
    first, last = picture(90, 120, seed=1), picture(90, 120, seed=2)
    path = tmp_path / f"film{suffix}"
    with VideoWriter(path, hold_seconds=0) as film:
        film.add(first / 255.0)
        film.add(last)
    shown = seen(path)
    for frame, wanted in zip(shown.frames, (first, last), strict=True):
        # Where each pixel is off, as dithering has it, a few together are not.
        blocks = [
            one.reshape(18, 5, 24, 5, 3).mean(axis=(1, 3)) for one in (frame, wanted)
        ]
        assert np.abs(blocks[0] - blocks[1]).max() < 16
        assert np.abs((blocks[0] - blocks[1]).mean(axis=(0, 1))).max() < 1.0
        assert_like(frame, wanted, within=12 if suffix == ".gif" else 6)


def test_a_small_bright_spot_is_still_that_in_a_gif(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sky = rng.integers((0, 60, 120), (80, 180, 256), (120, 160, 3)).astype(np.uint8)
    sky[50:60, 70:80] = 230, 30, 20
    with VideoWriter(tmp_path / "film.gif") as film:
        film.add(sky)
    spot = seen(tmp_path / "film.gif").frames[0][51:59, 71:79]
    assert np.abs(spot.reshape(-1, 3).mean(axis=0) - (230, 30, 20)).max() < 15


@every_kind
def test_one_frame_is_a_film(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"film{suffix}"
    filmed(path, GREEN, fps=8, hold_seconds=1)
    shown = seen(path)
    assert sum(shown.seconds) == pytest.approx(1.0)
    assert_like(shown.frames[0], GREEN)
    assert_like(shown.frames[-1], GREEN)


@every_kind
@pytest.mark.parametrize(("height", "width"), [(1, 1), (47, 65), (48, 33)])
def test_odd_sizes(tmp_path: Path, suffix: str, height: int, width: int) -> None:
    path = tmp_path / f"film{suffix}"
    pixels = np.zeros((height, width, 3))
    pixels[:, -1] = pixels[-1] = 1.0  # the edge
    with VideoWriter(path, hold_seconds=0) as film:
        film.add(pixels)
        film.add(pixels)
    shown = seen(path)
    assert len(shown.frames) == 2
    if suffix == ".gif":
        assert shown.size == (width, height)
        return
    assert shown.size == (width + width % 2, height + height % 2)
    # The last row and column of the picture, and their repetition.
    assert shown.frames[0][height - 1 :].min() > 200
    assert shown.frames[0][:, width - 1 :].min() > 200
    assert (
        shown.frames[0][: max(0, height - 6), : max(0, width - 6)].max(initial=0) < 60
    )


@every_kind
def test_frames_of_other_sizes_become_as_large_as_the_first(
    tmp_path: Path, suffix: str
) -> None:
    halves = np.concatenate([plain(RED, 24, 16), plain(BLUE, 24, 16)], axis=1)
    path = tmp_path / f"film{suffix}"
    with VideoWriter(path, hold_seconds=0) as film:
        film.add(plain(GREEN, 48, 64))
        film.add(halves)
        film.add(plain(GREEN, 96, 50))
    shown = seen(path)
    assert [one.shape for one in shown.frames] == [(48, 64, 3)] * 3
    assert_like(shown.frames[1][:, :28], RED)
    assert_like(shown.frames[1][:, 36:], BLUE)
    # Between black bars, not distorted.
    assert_like(shown.frames[2][:, 22:42], GREEN)
    for bar in (shown.frames[2][:, :17], shown.frames[2][:, 47:]):
        assert_like(bar, (0, 0, 0), within=6)


@pytest.mark.parametrize(("fps", "seconds"), [(12, 25 / 12), (50, 0.5), (60, 0.5)])
def test_the_pace_of_a_gif(tmp_path: Path, fps: float, seconds: float) -> None:
    """Its clock has hundredths of a second, and browsers slow down a single one."""
    path = tmp_path / "film.gif"
    with VideoWriter(path, fps=fps, hold_seconds=0) as film:
        for _ in range(25):
            film.add(plain(RED, 2, 2))
    shown = seen(path)
    assert len(shown.frames) == 25
    assert sum(shown.seconds) == pytest.approx(seconds, abs=0.0051)
    assert min(shown.seconds) >= 0.02


def test_values_beyond_the_range_are_clipped(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "film.gif") as film:
        film.add(np.array([[[-1.0, 0.0, 2.0]]]))
    assert seen(tmp_path / "film.gif").frames[0].tolist() == [[[0, 0, 255]]]


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4)),
        np.zeros((4, 4, 4)),
        np.zeros((0, 4, 3)),
        np.full((4, 4, 3), np.nan),
    ],
)
def test_what_is_no_frame(tmp_path: Path, pixels: NDArray[np.float64]) -> None:
    with (
        pytest.raises(ValueError, match="pixels"),
        VideoWriter(tmp_path / "a.gif") as film,
    ):
        film.add(pixels)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="Linux only")
def test_memory_does_not_grow_with_the_frames(tmp_path: Path) -> None:
    code = """if True:
        import sys
        import numpy as np
        from artist_nst.image.video import VideoWriter

        def peak():
            with open("/proc/self/status") as status:
                return next(int(one.split()[1]) for one in status if "VmHWM" in one)

        with VideoWriter(sys.argv[1]) as film:
            for index in range(25):
                film.add(np.full((1200, 1600, 3), index, np.uint8))
                if index == 4:
                    before = peak()
        print(peak() - before)
        """
    command = [sys.executable, "-c", code, str(tmp_path / "film.gif")]
    grown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert int(grown) < 15_000  # kB; the frames' indices alone are 37,500


# Where a film can't be


@pytest.mark.parametrize("name", ["film", "film.avi", "film.png", ".mp4"])
def test_another_suffix(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_writable(tmp_path / name, VIDEO_SUFFIXES)
    assert name in str(caught.value)
    assert ".gif, .mp4, .webm" in str(caught.value)
    with pytest.raises(UsageError), VideoWriter(tmp_path / name):
        pass


def test_a_suffix_in_capitals(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "FILM.GIF") as film:
        film.add(plain(RED))
    with Image.open(tmp_path / "FILM.GIF") as image:
        assert image.format == "GIF"


@every_kind
def test_places_that_cannot_be_written(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"folder{suffix}").mkdir()
    for name, why in (
        (f"nowhere/film{suffix}", "does not exist"),
        (f"folder{suffix}", "is a folder"),
        ("a" * 300 + suffix, "too long"),
        (f"\0{suffix}", "null"),
    ):
        with pytest.raises(UsageError, match=why) as caught:
            check_writable(tmp_path / name, VIDEO_SUFFIXES)
        assert len(str(caught.value).splitlines()) == 1
    check_writable(tmp_path / f"film{suffix}", VIDEO_SUFFIXES)
    assert os.listdir(tmp_path) == [f"folder{suffix}"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_not_ours(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UsageError, match="permission denied"):
            check_writable(tmp_path / "film.gif", VIDEO_SUFFIXES)
    finally:
        tmp_path.chmod(0o700)


# How a film ends


@every_kind
def test_ctrl_c_leaves_a_whole_film(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"film{suffix}"
    path.write_bytes(b"an earlier film")
    with pytest.raises(KeyboardInterrupt):
        filmed(path, RED, BLUE, then=KeyboardInterrupt, hold_seconds=0)
    assert os.listdir(tmp_path) == [path.name]
    shown = seen(path)
    assert len(shown.frames) == 2
    assert_like(shown.frames[0], RED)
    assert_like(shown.frames[1], BLUE)


@every_kind
def test_without_a_frame_there_is_no_film(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"film{suffix}"
    path.write_bytes(b"an earlier film")
    filmed(path)
    with pytest.raises(KeyboardInterrupt):
        filmed(path, then=KeyboardInterrupt)
    assert os.listdir(tmp_path) == [path.name]
    assert path.read_bytes() == b"an earlier film"


@every_kind
def test_another_exception_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    earlier, new = tmp_path / f"earlier{suffix}", tmp_path / f"new{suffix}"
    earlier.write_bytes(b"an earlier film")
    for path in (earlier, new):
        with pytest.raises(RuntimeError):
            filmed(path, RED, BLUE, then=RuntimeError)
    assert os.listdir(tmp_path) == [earlier.name]
    assert earlier.read_bytes() == b"an earlier film"


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "film.gif").symlink_to("there/real.gif")
    with VideoWriter(tmp_path / "film.gif") as film:
        film.add(plain(RED))
    assert (tmp_path / "film.gif").is_symlink()
    assert_like(seen(tmp_path / "there/real.gif").frames[0], RED)


def test_frames_only_within_the_block(tmp_path: Path) -> None:
    film = VideoWriter(tmp_path / "film.gif")
    with pytest.raises(ValueError, match="within the block"):
        film.add(plain(RED))
    with film:
        film.add(plain(RED))
    with pytest.raises(ValueError, match="within the block"):
        film.add(plain(RED))


def test_the_terminals_ctrl_c_is_not_for_the_encoder(tmp_path: Path) -> None:
    """It goes to all programs that the terminal has in the foreground."""
    path = tmp_path / "film.mp4"
    code = """if True:
        import os, signal, sys, time
        import numpy as np
        from artist_nst.image.video import VideoWriter

        signal.signal(signal.SIGINT, signal.default_int_handler)
        with VideoWriter(sys.argv[1], hold_seconds=0) as film:
            for index in range(3):
                film.add(np.full((48, 64, 3), index * 100, np.uint8))
            os.killpg(0, signal.SIGINT)
            time.sleep(60)
        """
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert done.stderr.splitlines()[-1] == "KeyboardInterrupt"
    assert [round(one.mean(), -1) for one in seen(path).frames] == [0, 100, 200]
    assert leftovers(tmp_path) == []


# Encoders that fail


Encoder = Callable[[str], None]


@pytest.fixture
def encoder(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Encoder:
    """``encoder(code)``: a program of that code in ffmpeg's place."""
    program = tmp_path_factory.mktemp("encoder") / "ffmpeg"

    def install(code: str) -> None:
        head = f"#!{sys.executable}\nimport os, sys, time\npipe = sys.stdin.buffer\n"
        # Its number, to ask whether it is still there.
        note = f"open({str(program) + '.pid'!r}, 'w').write(str(os.getpid()))\n"
        program.write_text(head + note + code)
        program.chmod(0o755)
        monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))

    return install


def is_gone() -> bool:
    """The encoder, and nothing waits for its exit code."""
    number = int(Path(os.environ["IMAGEIO_FFMPEG_EXE"] + ".pid").read_text())
    try:
        os.kill(number, 0)  # succeeds for a zombie
    except ProcessLookupError:
        return True
    return False


def many_frames(path: Path) -> None:
    with VideoWriter(path) as film:
        for _ in range(5):
            film.add(plain(RED, 200, 300))


@videos
@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("/nowhere/ffmpeg", "can't be started"),
        (__file__, "can't be started"),
        ("/bin/false", "(exit code 1)"),
        ("/bin/true", "(exit code 0)"),
    ],
)
def test_an_encoder_that_is_none(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    program: str,
    why: str,
) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", program)
    path = tmp_path / f"film{suffix}"
    path.write_bytes(b"an earlier film")
    for size in (2, 300):  # of which the small one is in the pipe before that breaks

        def short(size: int = size) -> None:
            with VideoWriter(path, hold_seconds=0) as film:
                film.add(plain(RED, size, size))

        message = failure(short)
        assert str(path) in message
        assert why in message
        assert "write a .gif instead" in message
        assert os.listdir(tmp_path) == [path.name]
        assert path.read_bytes() == b"an earlier film"


def test_no_encoder_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise RuntimeError("No ffmpeg exe could be found.\nInstall it.")

    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", none)
    message = failure(lambda: many_frames(tmp_path / "film.mp4"))
    assert "write a .gif instead" in message
    many_frames(tmp_path / "film.gif")
    assert os.listdir(tmp_path) == ["film.gif"]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("pipe.read(10); os.kill(os.getpid(), 9)", "(exit code -9)"),
        (
            "pipe.read(400_000); sys.exit('\\n[x @ 1] [y] no room\\nfailed')",
            "(no room)",
        ),
        ("pipe.read(); sys.exit('a: No space left on device')", "no space left on"),
    ],
)
def test_an_encoder_that_dies(
    tmp_path: Path, encoder: Encoder, code: str, why: str
) -> None:
    encoder(f"open(sys.argv[-1], 'wb').write(b'half a film')\n{code}")
    path = tmp_path / "film.mp4"
    assert why in failure(lambda: many_frames(path))
    assert is_gone()
    assert os.listdir(tmp_path) == []


def test_a_film_that_failed_says_so_once(tmp_path: Path, encoder: Encoder) -> None:
    encoder("sys.exit(1)")
    with VideoWriter(tmp_path / "film.mp4") as film:
        failure(lambda: [film.add(plain(RED, 200, 300)) for _ in range(5)])
        with pytest.raises(ValueError, match="until one fails"):
            film.add(plain(RED))
    assert os.listdir(tmp_path) == []


def test_an_exception_ends_an_encoder_that_does_not_answer(
    tmp_path: Path, encoder: Encoder
) -> None:
    encoder("pipe.read(12)\nopen(sys.argv[-1], 'wb').write(b'half')\ntime.sleep(600)")

    def fail() -> None:
        with VideoWriter(tmp_path / "film.mp4") as film:
            film.add(plain(RED, 2, 2))
            wait_for(lambda: bool(os.listdir(tmp_path)))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert is_gone()
    assert os.listdir(tmp_path) == []


def wait_for(there: Callable[[], bool]) -> None:
    for _ in range(3000):
        if there():
            return
        time.sleep(0.01)
    pytest.fail("waited in vain")


def test_ctrl_c_while_a_frame_is_on_its_way(tmp_path: Path, encoder: Encoder) -> None:
    """The rest of the frame still goes, or all that comes later would be askew."""
    height, width = 300, 400
    size = height * width * 3
    started, go = tmp_path / "started", tmp_path / "go"
    encoder(
        f"film = pipe.read({size} + 1)\n"
        f"open({str(started)!r}, 'w')\n"
        f"while not os.path.exists({str(go)!r}): time.sleep(0.01)\n"
        "open(sys.argv[-1], 'wb').write(film + pipe.read())"
    )

    def interrupt() -> None:
        wait_for(started.exists)
        time.sleep(0.1)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        time.sleep(0.1)
        go.touch()

    threading.Thread(target=interrupt).start()
    path = tmp_path / "film.mp4"
    done = []

    def film() -> None:
        with VideoWriter(path) as film:
            for level in range(1, 4):
                film.add(np.full((height, width, 3), level, np.uint8))
                done.append(level)

    with pytest.raises(KeyboardInterrupt):
        film()
    assert done == [1]  # the second one was on its way
    frames = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, size)
    assert [set(one.tolist()) for one in frames] == [{1}, {2}]


@every_kind
def test_a_disk_that_takes_no_more(tmp_path: Path, suffix: str) -> None:
    """A limit on files stands in for it."""
    path = tmp_path / f"film{suffix}"
    path.write_bytes(b"an earlier film")
    code = """if True:
        import resource, sys
        import numpy as np
        from artist_nst.errors import ArtistNstError
        from artist_nst.image.video import VideoWriter

        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        rng = np.random.default_rng(0)
        try:
            with VideoWriter(sys.argv[1]) as film:
                for _ in range(5):
                    film.add(rng.random((100, 150, 3)))
        except ArtistNstError as error:
            print(error)
        """
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    line, end = done.stdout.split("\n")
    assert end == ""
    assert line.startswith(f"{path} cannot be written: ")
    assert os.listdir(tmp_path) == [path.name]
    assert path.read_bytes() == b"an earlier film"


def test_too_wide_for_a_gif(tmp_path: Path) -> None:
    def wide() -> None:
        with VideoWriter(tmp_path / "film.gif") as film:
            film.add(np.zeros((1, 65_536, 3), np.uint8))

    assert "65,535" in failure(wide)
    assert os.listdir(tmp_path) == []


# Of files


@pytest.fixture
def saved(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{index}.png" for index in range(3)]
    for path, color in zip(paths, (RED, GREEN, BLUE), strict=True):
        Image.new("RGB", (64, 48), color).save(path)
    return paths


def test_a_film_of_files(tmp_path: Path, saved: list[Path]) -> None:
    told: list[tuple[int, int]] = []
    write_video(
        saved,
        tmp_path / "film.gif",
        fps=4,
        hold_seconds=1,
        on_frame=lambda *numbers: told.append(numbers),
    )
    shown = seen(tmp_path / "film.gif")
    assert shown.seconds == [0.25, 0.25, 1.0]
    for frame, color in zip(shown.frames, (RED, GREEN, BLUE), strict=True):
        assert_like(frame, color)
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_transparent_files_are_shown_over_white(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    write_video([tmp_path / "clear.png"], tmp_path / "film.gif")
    assert seen(tmp_path / "film.gif").frames[0].min() == 255


def test_a_file_that_is_no_picture(tmp_path: Path, saved: list[Path]) -> None:
    saved[1].write_text("no picture")
    message = failure(lambda: write_video(saved, tmp_path / "film.mp4"))
    assert str(saved[1]) in message
    assert not (tmp_path / "film.mp4").exists()
    assert leftovers(tmp_path) == []
