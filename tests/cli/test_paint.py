"""``artist-nst paint`` on small pictures, with a network of random weights."""

from __future__ import annotations

import errno
import gc
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from artist_nst.cli import session
from artist_nst.corpus.works import get_packaged_corpora
from artist_nst.errors import ArtistNstError
from artist_nst.nst.vgg import VGG
from artist_nst.painting.output_names import find_unused
from artist_nst.painting.record import load_record
from artist_nst.recipes.recipe import Color, Init
from tests.cli.conftest import SMALL, TINY, Cli, distance, files, pixels, save
from tests.image.test_video import seen

# Levels that a film's 256 colors, or its half of the chroma, may be off.
COARSE = 12

ENTRY_POINT = (str(Path(sys.executable).with_name("artist-nst")),)


class TestOutput:
    def test_name_is_of_photo_and_style_and_numbered(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        ran = cli("paint", photo, style, *SMALL)
        assert (ran.code, ran.out) == (0, "photo-style.png\n")
        assert pixels("photo-style.png").shape == (36, 48, 3)
        assert "stopped" not in ran.err
        cli("paint", photo, style, *SMALL)
        assert files() == ["photo-style-2.png", "photo-style.png"]

    def test_explanation_of_an_earlier_painting_is_kept(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        Path("photo-style.explained.png").write_text("earlier")
        assert cli("paint", photo, style, *SMALL).out == "photo-style-2.png\n"
        assert files() == ["photo-style-2.png", "photo-style.explained.png"]

    def test_out_is_a_file_to_replace_or_a_folder(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        Path("a.png").write_bytes(b"old")
        assert cli("paint", photo, style, *SMALL, "-o", "a.png").code == 0
        assert pixels("a.png").shape == (36, 48, 3)
        Path("folder").mkdir()
        assert cli("paint", photo, style, *SMALL, "-o", "folder").code == 0
        assert files() == ["a.png", "folder", "folder/photo-style.png"]
        for folder in ("new", "v1.0/"):
            assert cli("paint", photo, style, *SMALL, "-o", folder).code == 0
            assert Path(folder, "photo-style.png").exists()
        ran = cli("paint", photo, style, *SMALL, "-o", "v1.1")
        assert ran.code == 2
        assert "v1.1" in ran.line

    def test_several_pictures_without_a_style_are_noted(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        ran = cli("paint", photo, style, style, *SMALL)
        assert ran.code == 0
        assert "photo.png is painted after 2 pictures together" in ran.err
        ran = cli("paint", photo, f"{style}:1", f"{style}:2", *SMALL)
        assert "together" not in ran.err
        ran = cli("paint", photo.parent, style, *SMALL)
        assert ran.code == 2
        assert "--style, or an --artist" in ran.line

    def test_out_is_a_pipe(self, cli: Cli, photo: Path, style: Path) -> None:
        command = [*ENTRY_POINT, "paint", photo, style, *SMALL, "-o", "-"]
        done = subprocess.run(command, capture_output=True, timeout=120, check=True)
        Path("a.png").write_bytes(done.stdout)
        assert pixels("a.png").shape == (36, 48, 3)
        assert load_record("a.png")["iterations"] == 3
        assert files() == ["a.png"]
        for pictures, more in (
            ((photo, photo, "--style", style), ()),
            ((photo, style), ("--explain",)),
            ((photo, style), ("--film", "a.gif")),
        ):
            ran = cli("paint", *pictures, *SMALL, "-o", "-", *more)
            assert (ran.code, ran.out) == (2, "")

    def test_records_without_paths(self, cli: Cli, photo: Path, style: Path) -> None:
        assert cli("paint", photo, style, *SMALL, "-o", "a.png").code == 0
        assert load_record("a.png")["content"]["path"] == str(photo)
        more = ("-o", "b.png", "--no-paths")
        assert cli("paint", photo, style, *SMALL, *more).code == 0
        record = json.dumps(load_record("b.png"))
        assert '"photo.png"' in record
        assert str(photo.parent) not in record
        several = (photo, "-A", "procedural", "--works", 2, "-o", "works")
        compared = ("ratio", 1, photo, style, "-o", "grid")
        assert cli("paint", *several, *SMALL, "--no-paths").code == 0
        assert cli("compare", *compared, *SMALL, "--no-paths").code == 0
        paintings = {*Path().glob("*/*.png")} - {*Path().glob("*/[sl][ho]*.png")}
        assert len(paintings) == 3
        for path in paintings:
            assert str(photo.parent) not in json.dumps(load_record(path))
        assert cli("repaint", "b.png").code == 2
        found = ("--content", photo, "--style-image", style)
        assert cli("repaint", "b.png", *found, "-o", "c.png").code == 0
        assert (pixels("b.png") == pixels("c.png")).all()

    def test_every_format_holds_the_record(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        for suffix in ("jpg", "tif", "webp"):
            assert cli("paint", photo, style, *SMALL, "-o", f"a.{suffix}").code == 0
            assert load_record(f"a.{suffix}")["recipe"]["width"] == 48

    def test_long_side_of_a_portrait(self, cli: Cli, style: Path) -> None:
        save("tall.png", 120, 60)
        ran = cli("paint", "tall.png", style, "--long-side", 64, "-n", 2, "-o", "a.png")
        assert ran.code == 0
        assert pixels("a.png").shape == (64, 32, 3)

    def test_orientation_is_applied_and_gps_is_dropped(
        self, cli: Cli, style: Path
    ) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        exif.get_ifd(0x8825)[2] = (42.0, 20.0, 0.0)
        save("turned.png", 48, 96)
        Image.open("turned.png").save("turned.jpg", exif=exif)
        assert cli("paint", "turned.jpg", style, *SMALL, "-o", "a.jpg").code == 0
        with Image.open("a.jpg") as painted:
            assert painted.size == (48, 96)
            assert painted.getexif().get(0x0112, 1) == 1
            assert not dict(painted.getexif().get_ifd(0x8825))

    def test_alpha_is_kept(self, cli: Cli, photo: Path, style: Path) -> None:
        alpha = np.zeros((72, 96), np.uint8)
        alpha[:, 48:] = 255
        image = Image.open(photo)
        image.putalpha(Image.fromarray(alpha))
        image.save("alpha.png")
        assert cli("paint", "alpha.png", style, *SMALL, "-o", "a.png").code == 0
        painted = pixels("a.png")
        assert painted.shape == (36, 48, 4)
        assert (painted[:, :20, 3] == 0).all()
        assert (painted[:, 28:, 3] == 255).all()

    def test_soft_edges_have_no_border(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        """On white it is what an opaque photo gives, on black it has no white."""
        image = Image.open(photo).convert("RGB")
        ramp = np.linspace(0, 255, 96).astype(np.uint8)[None].repeat(72, 0)
        dark = Image.fromarray(np.asarray(image) // 4)
        dark.putalpha(Image.fromarray(ramp))
        dark.save("soft.png")
        white = Image.new("RGBA", dark.size, "white")
        Image.alpha_composite(white, dark).convert("RGB").save("white.png")
        for name in ("soft", "white"):
            output = f"{name}-painted.png"
            assert cli("paint", f"{name}.png", style, *SMALL, "-o", output).code == 0
        painted = Image.open("soft-painted.png")
        white = Image.new("RGBA", painted.size, "white")
        shown = Image.alpha_composite(white, painted).convert("RGB")
        difference = np.asarray(shown, int) - pixels("white-painted.png")
        assert np.abs(difference).mean() < 12
        half = np.asarray(painted)[:, 20:28, :3]
        assert half.mean() < pixels("white-painted.png")[:, 20:28].mean() - 40

    def test_print_rate_and_a_film_of_the_saved_iterations(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        arguments = ("-w", 48, "-p", 3, "-o", "a.png")
        film = ("--film", "a.gif")
        assert cli("paint", photo, style, "-n", 7, *arguments, *film).code == 0
        names = ["iter-0003.png", "iter-0006.png"]
        saved = [f"a.frames/{name}" for name in names]
        assert files() == ["a.frames", *saved, "a.gif", "a.png"]
        frames = seen(Path("a.gif")).frames
        assert len(frames) == 3
        for frame, path in zip(frames, [*saved, "a.png"], strict=True):
            assert distance(frame, pixels(path)) < COARSE
        # The frames of a painting that is replaced are deleted.
        cli("paint", photo, style, "-n", 4, *arguments)
        assert os.listdir("a.frames") == names[:1]

    def test_a_film_ends_with_the_painting(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        for suffix, optimizer in ((".gif", "adam"), (".mp4", "lbfgs")):
            arguments = ("-w", 48, "-n", 5, "-o", "a.png", "--optimizer", optimizer)
            film = ("--film", f"a{suffix}")
            assert cli("paint", photo, style, *arguments, *film).code == 0
            frames = seen(Path(f"a{suffix}")).frames
            # The last frame of a video is held for two seconds.
            assert len(frames) == (5 if suffix == ".gif" else 5 + 23)
            last = distance(frames[-1], pixels("a.png"))
            assert last < COARSE
            assert distance(frames[0], pixels("a.png")) > last

    def test_explain_draws_a_page_beside_the_painting(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        ran = cli("paint", photo, style, *TINY, "--explain")
        assert ran.code == 0
        assert ran.out == "photo-style.png\nphoto-style.explained.png\n"
        page = pixels("photo-style.explained.png")
        assert page.shape[0] > 1000
        assert page.shape[1] >= 1600
        assert 0.02 < (page < 200).mean() < 0.9
        assert load_record("photo-style.png")["distances"]["style"] > 0
        # The page has no record to repaint.
        assert cli("repaint", "photo-style.explained.png").code == 1


class TestRecipe:
    def test_every_start_with_both_optimizers(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        for init in get_args(Init):
            for optimizer in ("lbfgs", "adam"):
                arguments = ("-i", init, "--optimizer", optimizer, "-o", "a.png")
                assert cli("paint", photo, style, *SMALL, *arguments).code == 0
                assert load_record("a.png")["recipe"]["init"] == init

    def test_every_color_method_at_full_and_half_strength(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        paint = ("paint", photo, style, *TINY, "--seed", 1, "-o", "a.png")
        assert cli(*paint).code == 0
        plain = pixels("a.png")
        for color in set(get_args(Color)) - {"none"}:
            results = []
            for strength in (1, 0.5):
                more = ("--color", color, "--color-strength", strength)
                assert cli(*paint, *more).code == 0
                results.append(distance(pixels("a.png"), plain))
            assert results[0] > results[1] > 0, color

    def test_color_transfer_is_reinhard(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        for name, more in (("a", ["-c"]), ("b", ["--color", "reinhard"])):
            out = ("--seed", 1, "-o", f"{name}.png")
            assert cli("paint", photo, style, *SMALL, *more, *out).code == 0
        assert (pixels("a.png") == pixels("b.png")).all()

    def test_luminance_keeps_the_photos_chroma(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        more = ("--color", "luminance", "-w", 96, "-n", 3, "-o", "a.png")
        assert cli("paint", photo, style, *more).code == 0
        before, after = (
            np.asarray(Image.open(path).convert("YCbCr")).astype(int)
            for path in (photo, "a.png")
        )
        difference = np.abs(before - after)
        assert np.median(difference[..., 1:]) <= 1
        assert difference[..., 0].mean() > 1

    def test_weights_of_styles(self, cli: Cli, photo: Path, style: Path) -> None:
        other = save(style.with_name("other.png"), 64, 90, seed=5)
        for name, styles in (
            ("one", [style]),
            ("first", [f"{style}:1", f"{other}:0"]),
            ("both", [f"{style}:0.5", f"{other}:0.5"]),
        ):
            out = ("--seed", 1, "-o", f"{name}.png")
            assert cli("paint", photo, *styles, *SMALL, *out).code == 0
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
        def count_networks() -> int:
            gc.collect()
            return sum(type(item) is VGG for item in gc.get_objects())

        before = count_networks()
        assert cli("paint", photo, style, *SMALL).code == 0
        assert count_networks() == before


class TestArtist:
    def test_picked_work_is_named_and_decided_by_the_seed(
        self, cli: Cli, photo: Path
    ) -> None:
        ran = cli("paint", photo, "-A", "Procedural", *SMALL, "--seed", 4)
        assert ran.code == 0
        (name,) = files()
        source = load_record(name)["styles"][0]
        assert source["work"]["title"] in ran.err
        assert source["path"] is None
        again = cli("paint", photo, "-A", "procedural", *SMALL, "--seed", 4)
        assert source["work"]["title"] in again.err

    def test_several_photos_and_one_that_is_broken(self, cli: Cli, photo: Path) -> None:
        other = save(photo.with_name("other.png"), 48, 96, seed=9)
        Path("bad.jpg").write_text("not a picture")
        arguments = (*SMALL, "--work", "procedural-03", "-o", "all")
        ran = cli("paint", photo, "bad.jpg", other, "-A", "procedural", *arguments)
        assert ran.code == 1
        assert "bad.jpg" in ran.err
        assert "1 of 3 photos" in ran.err
        assert "Harbour before Dusk" in ran.err
        assert sorted(os.listdir("all")) == [
            "other-procedural-harbour-before-dusk.png",
            "photo-procedural-harbour-before-dusk.png",
        ]

    def test_missing_weights_are_reported_once_for_several_photos(
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

    def test_a_title_that_ends_in_a_number(
        self, cli: Cli, photo: Path, tmp_path: Path
    ) -> None:
        works = tmp_path / "corpora" / "anna"
        works.mkdir(parents=True)
        for name in ("Night: 3.png", "Day.png"):
            save(works / name, 40, 40)
        more = ("--corpora", tmp_path / "corpora", "--work", "night: 3", *SMALL)
        assert cli("paint", photo, "-A", "anna", *more, "-o", "a.png").code == 0
        (style,) = load_record("a.png")["styles"]
        assert style["work"]["title"] == "Night: 3"
        assert style["weight"] == 1

    def test_works_with_weights_in_a_folder_that_is_named(
        self, cli: Cli, photo: Path, tmp_path: Path
    ) -> None:
        shutil.copytree(get_packaged_corpora() / "procedural", tmp_path / "c/anna-b")
        works = ("--work", "procedural-01:0.7", "--work", "table with guitar:0.3")
        more = ("--corpora", tmp_path / "c", *works, *SMALL)
        assert cli("paint", photo, "-A", "Anna B", *more).code == 0
        (name,) = files()
        styles = load_record(name)["styles"]
        assert [(style["work"]["id"], style["weight"]) for style in styles] == [
            ("procedural-01", 0.7),
            ("procedural-05", 0.3),
        ]

    def test_unknown_artist(self, cli: Cli, photo: Path) -> None:
        ran = cli("paint", photo, "-A", "procedurel", *SMALL)
        assert ran.code == 2
        assert "procedural" in ran.line
        assert "`artist-nst fetch" in ran.line


LONG_NAME = "x" * 300

# Arguments, exit code, and a word of the message. P is the photo, S the style.
REFUSALS = [
    ("P", 2, "--artist"),
    ("P S -w 0", 2, "--width"),
    ("P S -w 8", 2, "--width"),
    ("P S -n 0", 2, "--numiter"),
    ("P S --long-side 0", 2, "--long-side"),
    ("P S -w 9 --long-side 9", 2, "--long-side"),
    ("P S -s 0", 2, "--style-scale"),
    ("P S -s nan", 2, "--style-scale"),
    ("P S -s 1e300", 2, "--style-scale"),
    ("P S --ratio -1", 2, "--ratio"),
    ("P S --ratio 1e39", 2, "--ratio"),
    ("P S --tv -1", 2, "--tv"),
    ("P S --color-strength 2", 2, "--color-strength"),
    ("P S --color-strength 0.5", 2, "--color"),
    ("P S -c --color hsv", 2, "--color"),
    ("P S --style-layer foo", 2, "conv1_1"),
    ("P S --style-layer =0.5", 2, "conv1_1"),
    ("P S --style-layer conv9_1", 2, "conv5_1"),
    ("P S --style-layer conv3_1=-1", 2, "conv3_1"),
    ("P S --content-layer conv42", 2, "conv4_2"),
    ("P S --content-layer conv4_2=x", 2, "conv4_2"),
    ("P S --recipe defalt", 2, "default"),
    ("P S --init contant", 2, "--init"),
    (f"P S --seed {'9' * 30}", 2, "--seed"),
    (f"{LONG_NAME}.jpg S", 1, "xxx"),
    (f"P {LONG_NAME}.jpg", 1, "xxx"),
    (f"P S -o {LONG_NAME}.png", 2, "xxx"),
    (f"P S --explain -o {'x' * 250}.png", 2, "explained"),
    ("missing.jpg S", 1, "missing.jpg"),
    ("P missing.jpg", 1, "missing.jpg"),
    (". S", 2, "is a folder: to paint all"),
    ("P S:-1", 2, "weight"),
    ("P S:0", 2, "weights"),
    ("P S --work x", 2, "--artist"),
    ("P -A procedural --work nigth", 2, "Night Wind"),
    ("P P -A procedural -o new.png", 2, "folder"),
    ("P P -A procedural -o P", 2, "folder"),
    ("P P -A procedural --film a.gif", 2, "--film"),
    ("P S -o no/a.png", 2, "no"),
    ("P S -o a.gif", 2, ".png"),
    ("P S -o P", 2, "replace"),
    ("P S -o S", 2, "replace"),
    ("P S --weights no.pth", 1, "no.pth"),
    ("P S --network vgg16", 1, "vgg19"),
    ("P S --device cuda", 2, "--device"),
    ("P S --precision float16", 2, "bfloat16"),
    ("P S --max-pixels 100", 1, "--max-pixels"),
    *((f"P S --max-memory {amount}", 2, "--max-memory") for amount in ("0", "4GB")),
    *((f"P S --max-memory {amount}", 2, "--max-memory") for amount in ("nan", "inf")),
    ("P S --film a.avi", 2, ".mp4"),
    ("P S --film no/a.gif", 2, "no/a.gif"),
    ("--artits x", 2, "--artist"),
]


class TestRefusals:
    """One line, exit code 1 or 2, nothing left behind."""

    def test_one_line(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
        paths = {"P": str(photo), "S": str(style)}
        for text, code, word in REFUSALS:
            arguments = []
            for argument in text.split():
                name, colon, weight = argument.partition(":")
                arguments.append(paths.get(name, name) + colon + weight)
            ran = cli("paint", *arguments)
            assert ran.code == code, (text, ran.err)
            assert word in ran.line, text
            assert (ran.out, files()) == ("", []), text

    def test_files_that_are_no_pictures(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        Image.open(photo).save(style.with_name("whole.jpg"))
        whole = style.with_name("whole.jpg").read_bytes()
        for name, content in (
            ("text.jpg", b"I am no picture"),
            ("empty.jpg", b""),
            ("cut.jpg", whole[:-400]),
        ):
            bad = style.with_name(name)
            bad.write_bytes(content)
            for arguments in ((bad, style), (photo, bad)):
                ran = cli("paint", *arguments, *SMALL)
                assert ran.code == 1
                assert name in ran.line
                assert files() == []

    def test_pictures_of_extreme_shapes(self, cli: Cli, style: Path) -> None:
        Image.new("RGB", (1, 1), "teal").save("dot.png")
        ran = cli("paint", "dot.png", style, *TINY, "-o", "a.png")
        assert ran.code == 0
        assert "enlarged" in ran.err
        Image.new("RGB", (20000, 3), "teal").save("wide.png")
        Image.new("RGB", (3, 20000), "teal").save("tall.png")
        for pictures, option in (
            (("wide.png", style), "--width"),
            (("tall.png", style), "--long-side"),
            ((style, "tall.png"), "--long-side"),
        ):
            ran = cli("paint", *pictures)
            assert ran.code == 2
            assert option in ran.line

    def test_frames_and_films_that_fail_do_not_cost_the_painting(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail_to_clear(*_: object) -> None:
            raise ArtistNstError("no space left")

        def fail_to_add(*_: object) -> None:
            raise OSError(errno.ENOSPC, "no space left")

        monkeypatch.setattr("artist_nst.painting.frame_writer._clear", fail_to_clear)
        monkeypatch.setattr("artist_nst.image.video._GifEncoder.add", fail_to_add)
        for more in (("-p", 1), ("--film", "a.gif")):
            ran = cli("paint", photo, style, *SMALL, "-o", "a.png", *more)
            assert (ran.code, ran.out) == (0, "a.png\n")
            assert ran.err.count("no space left") == 1
            assert files() == ["a.png"]

    def test_outputs_do_not_replace_inputs(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        save("a.gif", 60, 80)
        save("a.explained.png", 60, 80)
        for option, name in (("--film", "a.gif"), ("--explain", "a.explained.png")):
            before = Path(name).read_bytes()
            value = (name,) if option == "--film" else ()
            for pictures in ((name, style), (photo, name)):
                ran = cli("paint", *pictures, *SMALL, "-o", "a.png", option, *value)
                assert ran.code == 2
                assert f"{option} {name}" in ran.line
                assert Path(name).read_bytes() == before
                assert files() == ["a.explained.png", "a.gif"]

    def test_outputs_are_regular_files(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        os.mkfifo("pipe.png")
        Path("null.png").symlink_to(os.devnull)
        for name in ("pipe.png", "null.png"):
            ran = cli("paint", photo, style, *SMALL, "-o", name)
            assert ran.code == 2
            assert f"{name} cannot be written: it is a pipe or device" in ran.line
        assert files() == ["null.png", "pipe.png"]

    def test_two_at_once_take_two_names(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another process takes the name while this one paints."""
        taken: list[Path] = []

        def find(path: Path, suffixes: Sequence[str] = ()) -> Path:
            if not taken:
                taken.append(path)
                return path
            return find_unused(path, suffixes)

        monkeypatch.setattr(session, "find_unused", find)
        Path("photo-style.png").write_bytes(b"of the other")
        ran = cli("paint", photo, style, *SMALL)
        assert (ran.code, ran.out) == (0, "photo-style-2.png\n")
        assert Path("photo-style.png").read_bytes() == b"of the other"

    def test_names_of_many_bytes(self, cli: Cli, style: Path) -> None:
        photo = save("画" * 80 + ".png", 36, 48)
        other = style.with_name("夜" * 80 + ".png")
        style.rename(other)
        ran = cli("paint", photo, other, *TINY, "-p", 1)
        assert ran.code == 0, ran.err
        assert ran.out.startswith("画画")
        assert "-夜夜" in ran.out
        assert len(files()) == 1 + 2 + 2

    def test_full_disk_keeps_what_was_there(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Path("a.png").write_bytes(b"old")

        def fail(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", fail)
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
        for word in ("--weights", "artist-nst weights", "--network compact"):
            assert word in ran.line
        assert files() == []

    def test_errors_while_painting(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for error, word in (
            (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "--width"),
            (KeyError("a\nb"), "report"),  # a bug is one line, too
        ):

            def fail(*_: object, error: Exception = error) -> None:
                raise error

            monkeypatch.setattr("artist_nst.nst.vgg.VGG.run_block", fail)
            ran = cli("paint", photo, style, *SMALL)
            assert ran.code == 1
            assert word in ran.line


class TestEntryPoint:
    """The console script itself, in its own process."""

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*ENTRY_POINT, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def interrupt(self, process: subprocess.Popen[str], file: str) -> tuple[str, str]:
        """Send Ctrl-C as soon as a file is there, and return stdout and stderr."""
        until = time.monotonic() + 120
        while not Path(file).exists():
            assert time.monotonic() < until
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        return process.communicate(timeout=120)

    @pytest.mark.parametrize("seconds", [0.6, 1.2])
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

    def test_ctrl_c_keeps_the_best_so_far_with_its_film_and_page(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        del cli  # for its folder and weights
        more = ("-w", 48, "-n", 100_000, "-p", 1, "--explain", "--film", "a.gif")
        process = self.start("paint", photo, style, *more, "-o", "a.png")
        out, err = self.interrupt(process, "a.frames/iter-000003.png")
        assert process.returncode == 130, err
        assert out == "a.png\na.gif\na.frames\na.explained.png\n"
        assert "Traceback" not in err
        assert "artist-nst repaint" in err
        assert pixels("a.png").shape == (36, 48, 3)
        record = load_record("a.png")
        assert record["stopped"][-1] == "interrupted"
        assert 0 < record["iterations"] < 100_000
        assert pixels("a.explained.png").shape[1] >= 1600
        frames = seen(Path("a.gif")).frames
        assert len(frames) >= 3
        assert distance(frames[-1], pixels("a.png")) < COARSE

    def test_ctrl_c_in_a_series_says_what_is_left(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        del cli
        photos = [photo]
        for number in range(5):
            photos.append(photo.with_name(f"{number}.png"))
            shutil.copy(photo, photos[-1])
        more = ("--style", style, "-w", 48, "-n", 20, "-o", "all")
        process = self.start("paint", *photos, *more)
        _, err = self.interrupt(process, "all/photo-style.png")
        assert process.returncode == 130, err
        assert re.search("[0-5] of 6 photos are done; run the same", err)

    def test_version(self) -> None:
        out, _ = self.start("--version").communicate(timeout=60)
        assert out.startswith("artist-nst 0.")
