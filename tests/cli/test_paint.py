"""``artist-nst paint`` on small real pictures, with a network of random weights."""

from __future__ import annotations

import errno
import gc
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from artist_nst.cli import run
from artist_nst.corpus.works import packaged_corpora
from artist_nst.errors import ArtistNstError
from artist_nst.nst.vgg import VGG
from artist_nst.painting import record
from tests.cli.conftest import Cli
from tests.conftest import picture
from tests.image.test_video import seen

SMALL = ("-w", "48", "-n", "3")


def pixels(path: Path | str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path))


def files() -> list[str]:
    """What is in the current folder, hidden files too."""
    return sorted(str(path) for path in Path().rglob("*"))


def apart(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float(np.abs(one.astype(int) - other).mean())


# Levels that a film's 256 colors, or its half of the chroma, may be off.
COARSE = 12


class TestPainting:
    def test_photo_after_style(self, cli: Cli, photo: Path, style: Path) -> None:
        ran = cli("paint", photo, style, *SMALL)
        assert ran.code == 0
        assert ran.out == "photo-style.png\n"
        assert files() == ["photo-style.png"]
        assert pixels("photo-style.png").shape == (36, 48, 3)
        assert "stopped: all iterations done" in ran.err

    def test_numbers_rather_than_replaces(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        for _ in range(3):
            cli("paint", photo, style, *SMALL)
        assert files() == [
            "photo-style-2.png",
            "photo-style-3.png",
            "photo-style.png",
        ]

    def test_out_is_replaced(self, cli: Cli, photo: Path, style: Path) -> None:
        Path("a.png").write_bytes(b"old")
        assert cli("paint", photo, style, *SMALL, "-o", "a.png").code == 0
        assert pixels("a.png").shape == (36, 48, 3)

    def test_out_folder(self, cli: Cli, photo: Path, style: Path) -> None:
        Path("folder").mkdir()
        assert cli("paint", photo, style, *SMALL, "-o", "folder").code == 0
        assert files() == ["folder", "folder/photo-style.png"]

    @pytest.mark.parametrize("suffix", ["jpg", "tif", "webp"])
    def test_formats_hold_the_record(
        self, cli: Cli, photo: Path, style: Path, suffix: str
    ) -> None:
        assert cli("paint", photo, style, *SMALL, "-o", f"a.{suffix}").code == 0
        assert record.read(f"a.{suffix}")["recipe"]["width"] == 48

    def test_long_side_of_a_portrait(self, cli: Cli, style: Path) -> None:
        Image.fromarray(picture(120, 60)).save("tall.png")
        ran = cli("paint", "tall.png", style, "--long-side", 64, "-n", 2, "-o", "a.png")
        assert ran.code == 0
        assert pixels("a.png").shape == (64, 32, 3)

    def test_orientation_is_kept_upright_and_gps_is_dropped(
        self, cli: Cli, style: Path
    ) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        exif.get_ifd(0x8825)[2] = (42.0, 20.0, 0.0)
        Image.fromarray(picture(48, 96)).save("turned.jpg", exif=exif)
        assert cli("paint", "turned.jpg", style, *SMALL, "-o", "a.jpg").code == 0
        with Image.open("a.jpg") as painted:
            assert painted.size == (48, 96)
            assert painted.getexif().get(0x0112, 1) == 1
            assert not dict(painted.getexif().get_ifd(0x8825))

    def test_alpha_is_carried(self, cli: Cli, style: Path) -> None:
        alpha = np.zeros((72, 96), np.uint8)
        alpha[:, 48:] = 255
        image = Image.fromarray(picture(72, 96))
        image.putalpha(Image.fromarray(alpha))
        image.save("alpha.png")
        assert cli("paint", "alpha.png", style, *SMALL, "-o", "a.png").code == 0
        painted = pixels("a.png")
        assert painted.shape == (36, 48, 4)
        assert (painted[:, :20, 3] == 0).all()
        assert (painted[:, 28:, 3] == 255).all()

    def test_print_rate_saves_iterations(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        args = ("-w", 96, "-n", 9, "-p", 3, "-o", "a.png")
        assert cli("paint", photo, style, *args).code == 0
        frames = sorted(Path("a.frames").iterdir())
        names = [path.name for path in frames]
        assert names == ["iter-0003.png", "iter-0006.png", "iter-0009.png"]
        assert all(pixels(path).shape == (72, 96, 3) for path in frames)
        # Of a painting that is replaced, nothing stays among the new one's.
        cli("paint", photo, style, "-w", 48, "-n", 4, *args[4:])
        assert [path.name for path in Path("a.frames").iterdir()] == names[:1]

    def test_explain_draws_a_page_beside_the_painting(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        ran = cli("paint", photo, style, *SMALL, "--explain")
        assert (ran.code, ran.out) == (
            0,
            "photo-style.png\nphoto-style.explained.png\n",
        )
        assert files() == ["photo-style.explained.png", "photo-style.png"]
        page = pixels("photo-style.explained.png")
        assert page.shape[0] > 1000
        assert page.shape[1] >= 1600
        assert 0.02 < (page < 200).mean() < 0.9
        made = record.read("photo-style.png")
        assert made["distances"]["style"] > 0
        # The page is no painting: there is nothing in it to paint again.
        assert cli("repaint", "photo-style.explained.png").code == 1

    def test_a_page_is_not_replaced_either(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        Path("photo-style.explained.png").write_text("of an earlier one")
        ran = cli("paint", photo, style, *SMALL)
        assert ran.out == "photo-style-2.png\n"
        assert files() == ["photo-style-2.png", "photo-style.explained.png"]

    def test_explain_for_each_of_several_photos(self, cli: Cli, photo: Path) -> None:
        other = photo.with_name("other.png")
        Image.fromarray(picture(48, 96, seed=9)).save(other)
        more = (*SMALL, "--work", "orchard", "-o", "all", "--explain")
        assert cli("paint", photo, other, "-A", "procedural", *more).code == 0
        assert len([name for name in files() if name.endswith("explained.png")]) == 2

    @pytest.mark.parametrize("suffix", [".gif", ".mp4"])
    def test_a_film_ends_with_the_painting(
        self, cli: Cli, photo: Path, style: Path, suffix: str
    ) -> None:
        more = ("-w", 48, "-n", 5, "-o", "a.png", "--film", f"a{suffix}")
        assert cli("paint", photo, style, *more).code == 0
        assert files() == sorted([f"a{suffix}", "a.png"])
        frames = seen(Path(f"a{suffix}")).frames
        # The last frame of a video is held for two seconds.
        assert len(frames) == (5 if suffix == ".gif" else 5 + 23)
        painting = pixels("a.png")
        assert apart(frames[-1], painting) < COARSE
        assert apart(frames[0], painting) > apart(frames[-1], painting)

    def test_a_film_of_what_is_saved(self, cli: Cli, photo: Path, style: Path) -> None:
        more = ("-w", 48, "-n", 7, "-p", 3, "-o", "a.png", "--film", "a.gif")
        assert cli("paint", photo, style, *more).code == 0
        saved = [pixels(path) for path in sorted(Path("a.frames").iterdir())]
        frames = seen(Path("a.gif")).frames
        assert len(saved) == 2
        assert len(frames) == 3
        for frame, wanted in zip(frames, [*saved, pixels("a.png")], strict=True):
            assert apart(frame, wanted) < COARSE

    def test_a_film_of_adams_painting(self, cli: Cli, photo: Path, style: Path) -> None:
        """Whose last step is looked at after the last iteration."""
        more = ("-w", 48, "-n", 3, "--optimizer", "adam", "-o", "a.png")
        assert cli("paint", photo, style, *more, "--film", "a.gif").code == 0
        first, *_, last = seen(Path("a.gif")).frames
        assert apart(last, pixels("a.png")) < COARSE
        assert apart(first, pixels("a.png")) > COARSE

    @pytest.mark.parametrize("init", ["content", "rand", "style", "noisy-content"])
    @pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
    def test_starts(
        self, cli: Cli, photo: Path, style: Path, init: str, optimizer: str
    ) -> None:
        more = ("-i", init, "--optimizer", optimizer, "-o", "a.png")
        assert cli("paint", photo, style, *SMALL, *more).code == 0
        assert pixels("a.png").shape == (36, 48, 3)

    @pytest.mark.parametrize(
        "color",
        [
            "reinhard",
            "reinhard-lalphabeta",
            "linear",
            "histogram",
            "luminance",
            "hsv",
        ],
    )
    @pytest.mark.parametrize("strength", [1, 0.5])
    def test_colors(
        self, cli: Cli, photo: Path, style: Path, color: str, strength: float
    ) -> None:
        more = ("--color", color, "--color-strength", strength, "-o", "a.png")
        ran = cli("paint", photo, style, "-w", 48, "-n", 2, *more)
        assert (ran.code, pixels("a.png").shape) == (0, (36, 48, 3))

    def test_color_transfer_is_reinhard(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        cli("paint", photo, style, *SMALL, "--seed", 1, "-c", "-o", "a.png")
        more = ("--seed", 1, "--color", "reinhard", "-o", "b.png")
        cli("paint", photo, style, *SMALL, *more)
        cli("paint", photo, style, *SMALL, "--seed", 1, "-o", "plain.png")
        assert (pixels("a.png") == pixels("b.png")).all()
        assert (pixels("a.png") != pixels("plain.png")).any()

    def test_luminance_keeps_the_photos_chroma(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        more = ("--color", "luminance", "-w", 96, "-n", 3, "-o", "a.png")
        assert cli("paint", photo, style, *more).code == 0
        before, after = (
            np.asarray(Image.open(path).convert("YCbCr")).astype(int)
            for path in (photo, "a.png")
        )
        chroma = np.abs(before - after)[..., 1:]
        assert np.median(chroma) <= 1
        assert np.abs(before - after)[..., 0].mean() > 1

    def test_weights_of_styles(self, cli: Cli, photo: Path, style: Path) -> None:
        other = style.with_name("other.png")
        Image.fromarray(picture(64, 90, seed=5)).save(other)
        more = (*SMALL, "--seed", 1)
        cli("paint", photo, style, *more, "-o", "one.png")
        cli("paint", photo, f"{style}:1", f"{other}:0", *more, "-o", "first.png")
        cli("paint", photo, f"{style}:0.5", f"{other}:0.5", *more, "-o", "both.png")
        assert (pixels("one.png") == pixels("first.png")).all()
        assert (pixels("one.png") != pixels("both.png")).any()

    def test_same_seed_same_pixels(self, cli: Cli, photo: Path, style: Path) -> None:
        for out, seed in (("a", 5), ("b", 5), ("c", 6)):
            more = (*SMALL, "-i", "rand", "--seed", seed, "-o", f"{out}.png")
            assert cli("paint", photo, style, *more).code == 0
        assert (pixels("a.png") == pixels("b.png")).all()
        assert (pixels("a.png") != pixels("c.png")).any()

    def test_no_network_outlives_its_command(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        def networks() -> int:
            gc.collect()
            return sum(type(one) is VGG for one in gc.get_objects())

        before = networks()
        assert cli("paint", photo, style, *SMALL).code == 0
        assert networks() == before


class TestArtist:
    def test_picks_a_work_and_says_which(self, cli: Cli, photo: Path) -> None:
        ran = cli("paint", photo, "-A", "Procedural", *SMALL, "--seed", 4)
        assert ran.code == 0
        (name,) = files()
        made = record.read(name)["styles"][0]
        assert made["work"]["title"] in ran.err
        assert made["path"] is None
        again = cli("paint", photo, "-A", "procedural", *SMALL, "--seed", 4)
        assert made["work"]["title"] in again.err

    def test_several_photos(self, cli: Cli, photo: Path) -> None:
        other = photo.with_name("other.png")
        Image.fromarray(picture(48, 96, seed=9)).save(other)
        more = (*SMALL, "--work", "procedural-03", "-o", "all")
        ran = cli("paint", photo, other, "-A", "procedural", *more)
        assert ran.code == 0
        assert files() == [
            "all",
            "all/other-harbour-before-dusk.png",
            "all/photo-harbour-before-dusk.png",
        ]

    def test_no_weights_for_several_photos_is_said_once(
        self, cli: Cli, photo: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("ARTIST_NST_WEIGHTS")
        paint = ("paint", photo, photo, "-A", "procedural", *SMALL, "--offline")
        ran = cli(*paint, "--network", "vgg19")
        assert ran.code == 1
        assert "--weights" in ran.line
        assert files() == []
        ran = cli(*paint)
        assert ran.code == 0
        assert ran.err.count("the compact network paints instead") == 1
        assert len(files()) == 2

    def test_a_named_work_is_said(self, cli: Cli, photo: Path) -> None:
        ran = cli("paint", photo, "-A", "procedural", "--work", "orchard", *SMALL)
        assert "Orchard in April" in ran.err

    def test_a_title_that_ends_in_a_number(
        self, cli: Cli, photo: Path, tmp_path: Path
    ) -> None:
        works = tmp_path / "corpora" / "anna"
        works.mkdir(parents=True)
        for name in ("Night: 3.png", "Day.png"):
            Image.fromarray(picture(40, 40)).save(works / name)
        more = ("--corpora", tmp_path / "corpora", "--work", "night: 3", *SMALL)
        assert cli("paint", photo, "-A", "anna", *more, "-o", "a.png").code == 0
        (style,) = record.read("a.png")["styles"]
        assert style["work"]["title"] == "Night: 3"
        assert style["weight"] == 1

    def test_a_broken_photo_does_not_stop_the_others(
        self, cli: Cli, photo: Path
    ) -> None:
        Path("bad.jpg").write_text("not a picture")
        ran = cli("paint", "bad.jpg", photo, "-A", "procedural", *SMALL, "-o", "all")
        assert ran.code == 1
        assert "bad.jpg" in ran.err
        assert len(list(Path("all").iterdir())) == 1

    def test_works_with_weights(self, cli: Cli, photo: Path) -> None:
        more = ("--work", "procedural-01:0.7", "--work", "table with guitar:0.3")
        assert cli("paint", photo, "-A", "procedural", *more, *SMALL).code == 0
        (name,) = files()
        styles = record.read(name)["styles"]
        assert [(one["work"]["id"], one["weight"]) for one in styles] == [
            ("procedural-01", 0.7),
            ("procedural-05", 0.3),
        ]

    def test_corpora_option(self, cli: Cli, photo: Path, tmp_path: Path) -> None:
        shutil.copytree(packaged_corpora() / "procedural", tmp_path / "c" / "anna-b")
        more = ("--corpora", tmp_path / "c", *SMALL)
        assert cli("paint", photo, "-A", "Anna B", *more).code == 0

    def test_unknown_artist(self, cli: Cli, photo: Path) -> None:
        ran = cli("paint", photo, "-A", "procedurel", *SMALL)
        assert ran.code == 2
        assert "procedural" in ran.line
        assert "`artist-nst fetch" in ran.line


class TestRefusals:
    """One line, exit code 1 or 2, nothing left behind."""

    @pytest.mark.parametrize(
        ("arguments", "code", "says"),
        [
            (("PHOTO",), 2, "--artist"),
            (("PHOTO", "STYLE", "-w", "0"), 2, "--width"),
            (("PHOTO", "STYLE", "-n", "0"), 2, "--numiter"),
            (("PHOTO", "STYLE", "--long-side", "0"), 2, "--long-side"),
            (("PHOTO", "STYLE", "-w", "9", "--long-side", "9"), 2, "--long-side"),
            (("PHOTO", "STYLE", "-w", "8"), 2, "--width"),
            (("PHOTO", "STYLE", "-s", "0"), 2, "--style-scale"),
            (("PHOTO", "STYLE", "-s", "nan"), 2, "--style-scale"),
            (("PHOTO", "STYLE", "--ratio", "-1"), 2, "--ratio"),
            (("PHOTO", "STYLE", "--tv", "-1"), 2, "--tv"),
            (("PHOTO", "STYLE", "--color-strength", "2"), 2, "--color-strength"),
            (("PHOTO", "STYLE", "-c", "--color", "hsv"), 2, "--color"),
            (("PHOTO", "STYLE", "--color-strength", "0.5"), 2, "--color"),
            (("PHOTO", "STYLE", "--style-layer", "foo"), 2, "conv1_1"),
            (("PHOTO", "STYLE", "--style-layer", "=0.5"), 2, "conv1_1"),
            (("PHOTO", "STYLE", "--style-layer", "conv9_1"), 2, "conv5_1"),
            (("PHOTO", "STYLE", "-s", "1e300"), 2, "--style-scale"),
            (("PHOTO", "STYLE", "--ratio", "1e39"), 2, "--ratio"),
            (("PHOTO", "STYLE", "--seed", "9" * 30), 2, "--seed"),
            (("x" * 300 + ".jpg", "STYLE"), 1, "xxx"),
            (("PHOTO", "x" * 300 + ".jpg"), 1, "xxx"),
            (("PHOTO", "STYLE", "-o", "x" * 300 + ".png"), 2, "xxx"),
            (("PHOTO", "PHOTO", "-A", "procedural", "-o", "new.png"), 2, "folder"),
            (("PHOTO", "PHOTO", "-A", "procedural", "-o", "no/x"), 2, "no/x"),
            (("PHOTO", "STYLE:-1"), 2, "weight"),
            (("PHOTO", "STYLE:0"), 2, "weights"),
            (("PHOTO", "STYLE", "--style-layer", "conv6_1"), 2, "conv5_1"),
            (("PHOTO", "STYLE", "--style-layer", "conv3_1=-1"), 2, "conv3_1"),
            (("PHOTO", "STYLE", "--content-layer", "conv42"), 2, "conv4_2"),
            (("PHOTO", "STYLE", "--content-layer", "conv4_2=x"), 2, "conv4_2"),
            (("PHOTO", "STYLE", "--recipe", "defalt"), 2, "default"),
            (("PHOTO", "STYLE", "--init", "contant"), 2, "--init"),
            (("PHOTO", "STYLE", "--work", "x"), 2, "--artist"),
            (("PHOTO", "-A", "procedural", "--work", "nigth wind"), 2, "Night Wind"),
            (("missing.jpg", "STYLE"), 1, "missing.jpg"),
            (("PHOTO", "missing.jpg"), 1, "missing.jpg"),
            ((".", "STYLE"), 1, "folder"),
            (("PHOTO", "STYLE", "-o", "no/a.png"), 2, "no"),
            (("PHOTO", "STYLE", "-o", "a.gif"), 2, ".png"),
            (("PHOTO", "STYLE", "-o", "PHOTO"), 2, "replace"),
            (("PHOTO", "STYLE", "-o", "STYLE"), 2, "replace"),
            (("PHOTO", "PHOTO", "-A", "procedural", "-o", "PHOTO"), 2, "folder"),
            (("PHOTO", "STYLE", "--weights", "no.pth"), 1, "no.pth"),
            (("PHOTO", "STYLE", "--network", "vgg16"), 1, "vgg19"),
            (("PHOTO", "STYLE", "--max-pixels", "100"), 1, "--max-pixels"),
            (("PHOTO", "STYLE", "--film", "a.avi"), 2, ".mp4"),
            (("PHOTO", "STYLE", "--film", "no/a.gif"), 2, "no/a.gif"),
            (("PHOTO", "PHOTO", "-A", "procedural", "--film", "a.gif"), 2, "--film"),
            (
                ("PHOTO", "STYLE", "--explain", "-o", "x" * 250 + ".png"),
                2,
                "explained",
            ),
        ],
    )
    def test_one_line(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        arguments: tuple[str, ...],
        code: int,
        says: str,
    ) -> None:
        named = {"PHOTO": str(photo), "STYLE": str(style)}
        for name, path in named.items():
            arguments = tuple(one.replace(name, path) for one in arguments)
        ran = cli("paint", *arguments)
        assert ran.code == code, ran.err
        assert says in ran.line
        assert files() == []

    @pytest.mark.parametrize(
        ("name", "content"),
        [("text.jpg", b"I am no picture"), ("empty.jpg", b""), ("cut.jpg", None)],
    )
    def test_files_that_are_no_pictures(
        self, cli: Cli, photo: Path, style: Path, name: str, content: bytes | None
    ) -> None:
        bad = style.with_name(name)
        if content is None:
            Image.open(photo).save(bad)
            content = bad.read_bytes()[:-400]
        bad.write_bytes(content)
        for arguments in ((bad, style), (photo, bad)):
            ran = cli("paint", *arguments, *SMALL)
            assert ran.code == 1
            assert name in ran.line
            assert files() == []

    def test_a_photo_of_one_pixel_is_painted(self, cli: Cli, style: Path) -> None:
        Image.new("RGB", (1, 1), "teal").save("dot.png")
        ran = cli("paint", "dot.png", style, "-w", 32, "-n", 2, "-o", "a.png")
        assert ran.code == 0
        assert "enlarged" in ran.err

    def test_a_photo_of_20000_by_3_is_refused(self, cli: Cli, style: Path) -> None:
        thin = style.with_name("thin.png")
        Image.new("RGB", (20000, 3), "teal").save(thin)
        ran = cli("paint", thin, style)
        assert ran.code == 2
        assert "--width" in ran.line

    def test_a_photo_of_3_by_20000_is_refused(self, cli: Cli, style: Path) -> None:
        tall = style.with_name("tall.png")
        Image.new("RGB", (3, 20000), "teal").save(tall)
        for pictures in ((tall, style), (style, tall)):
            ran = cli("paint", *pictures)
            assert ran.code == 2
            assert "--long-side" in ran.line

    def test_cuda_where_there_is_none(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
        ran = cli("paint", photo, style, "--device", "cuda")
        assert ran.code == 2
        assert "--device" in ran.line

    def test_frames_that_cannot_be_saved_do_not_cost_the_painting(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise ArtistNstError("no space left")

        monkeypatch.setattr("artist_nst.painting.frame_writer._clear", full)
        ran = cli("paint", photo, style, *SMALL, "-p", 1, "-o", "a.png")
        assert ran.code == 0
        assert ran.err.count("no space left") == 1
        assert files() == ["a.png"]

    def test_a_film_that_cannot_be_written_does_not_cost_the_painting(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr("artist_nst.image.video._Gif.add", full)
        more = (*SMALL, "-o", "a.png", "--film", "a.gif")
        ran = cli("paint", photo, style, *more)
        assert (ran.code, ran.out) == (0, "a.png\n")
        assert ran.err.count("no space left") == 1
        assert "there is no film" in ran.err
        assert files() == ["a.png"]

    @pytest.mark.parametrize("role", ["photo", "style"])
    def test_no_output_replaces_a_picture_that_is_painted_from(
        self, cli: Cli, photo: Path, style: Path, role: str
    ) -> None:
        Image.fromarray(picture(60, 80)).save("a.gif")
        Image.fromarray(picture(60, 80)).save("a.explained.png")
        for option, name in (("--film", "a.gif"), ("--explain", "a.explained.png")):
            before = Path(name).read_bytes()
            pictures = (name, style) if role == "photo" else (photo, name)
            value = (name,) if option == "--film" else ()
            ran = cli("paint", *pictures, *SMALL, "-o", "a.png", option, *value)
            assert ran.code == 2
            assert f"{option} {name}" in ran.line
            assert "replace" in ran.line
            assert Path(name).read_bytes() == before
            assert files() == ["a.explained.png", "a.gif"]

    def test_names_of_many_bytes(self, cli: Cli, style: Path) -> None:
        photo = Path("画" * 80 + ".png")
        Image.fromarray(picture(36, 48)).save(photo)
        other = style.with_name("夜" * 80 + ".png")
        style.rename(other)
        ran = cli("paint", photo, other, *SMALL, "-p", 1, "--explain")
        assert ran.code == 0, ran.err
        painting, page = ran.out.splitlines()
        assert painting.startswith("画画")
        assert "-夜夜" in painting
        assert page == painting.replace(".png", ".explained.png")
        assert len(files()) == 1 + 2 + 1 + 3

    def test_full_disk_keeps_what_was_there(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Path("a.png").write_bytes(b"old")

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        ran = cli("paint", photo, style, *SMALL, "-o", "a.png")
        assert ran.code == 1
        assert "space" in ran.line
        assert files() == ["a.png"]
        assert Path("a.png").read_bytes() == b"old"

    def test_no_weights_and_no_network(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("ARTIST_NST_WEIGHTS")
        more = (*SMALL, "--network", "vgg19", "--offline")
        ran = cli("paint", photo, style, *more)
        assert ran.code == 1
        assert "--weights" in ran.line
        assert "artist-nst weights" in ran.line
        assert "--network compact" in ran.line
        assert files() == []

    def test_not_enough_memory(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def exhausted(*_: object) -> None:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

        monkeypatch.setattr("artist_nst.nst.vgg.VGG.run", exhausted)
        ran = cli("paint", photo, style, *SMALL)
        assert ran.code == 1
        assert "--width" in ran.line

    def test_a_defect_is_one_line_too(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object) -> None:
            raise KeyError("a\nb")

        monkeypatch.setattr("artist_nst.nst.vgg.VGG.run", broken)
        ran = cli("paint", photo, style, *SMALL)
        assert ran.code == 1
        assert "report" in ran.line

    def test_no_command_at_all(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run([]) == 2
        assert "paint" in capsys.readouterr().out


class TestEntryPoint:
    """The console script itself, in a process of its own."""

    def start(self, *arguments: object, **env: str) -> subprocess.Popen[str]:
        script = Path(sys.executable).with_name("artist-nst")
        return subprocess.Popen(
            [str(script), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **env},
        )

    @pytest.mark.parametrize("seconds", [0.4, 0.7, 1.0, 1.4])
    def test_ctrl_c_before_there_is_anything(
        self, cli: Cli, photo: Path, style: Path, seconds: float
    ) -> None:
        """While torch is loading, too, when it can abort the process."""
        del cli
        process = self.start("paint", photo, style, "-w", 200)
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 130, err
        assert "interrupted" in err.splitlines()[-1]
        assert not [name for name in files() if "frames" in name]

    def test_ctrl_c_keeps_the_best_so_far(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        del cli  # for its folder and weights
        long = ("-w", 96, "-n", 100_000, "-p", 1, "-o", "a.png")
        process = self.start("paint", photo, style, *long)
        frames = Path("a.frames")
        until = time.monotonic() + 120
        while not list(frames.glob("iter-*.png")) and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 130, err
        assert out == "a.png\n"
        assert "Traceback" not in err
        assert pixels("a.png").shape == (72, 96, 3)
        made = record.read("a.png")
        assert made["stopped"][-1] == "interrupted"
        assert 0 < made["iterations"] < 100_000

    def test_ctrl_c_leaves_a_film_and_a_page_of_the_best_so_far(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        del cli
        more = ("-w", 48, "-n", 100_000, "-p", 1, "--explain", "--film", "a.gif")
        process = self.start("paint", photo, style, *more, "-o", "a.png")
        until = time.monotonic() + 120
        while not Path("a.frames/iter-000003.png").exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 130, err
        assert out == "a.png\na.explained.png\n"
        assert pixels("a.explained.png").shape[1] >= 1600
        frames = seen(Path("a.gif")).frames
        assert len(frames) >= 3
        assert apart(frames[-1], pixels("a.png")) < COARSE

    def test_version(self) -> None:
        process = self.start("--version")
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert out.startswith("artist-nst 0.")

    def test_usage_error(self) -> None:
        process = self.start("paint", "--artits", "x")
        out, err = process.communicate(timeout=60)
        assert process.returncode == 2
        assert out == ""
        assert err.count("\n") == 1
        assert "--artist" in err
