"""What people who know other tools type, and painting many photos after one style."""

from pathlib import Path

import pytest

from artist_nst.cli.aliases import replace_aliases
from artist_nst.nst import level
from artist_nst.painting.record import load_record
from tests.cli.conftest import SMALL, Cli, pixels, save


def test_names_of_other_tools() -> None:
    typed = [
        "paint",
        "a.jpg",
        "--size",
        "40",
        "--style-weight=7",
        "--init",
        "random",
        "--",
        "--size",
    ]
    ours = [
        "paint",
        "a.jpg",
        "--long-side",
        "40",
        "--ratio=7",
        "--init",
        "rand",
        "--",
        "--size",
    ]
    assert replace_aliases(typed) == ours
    assert replace_aliases(["fetch", "x", "--size", "large"])[2] == "--size"


def test_they_paint(cli: Cli, photo: Path, style: Path) -> None:
    options = ("--size", 48, "--steps", 2, "--output", "a.png", "--style-weight", 7)
    ran = cli("paint", photo, style, *options, "--style-layer", "relu3_1")
    assert ran.code == 0, ran.err
    recipe = load_record("a.png")["recipe"]
    assert recipe["ratio"] == 7
    assert recipe["style_layers"] == [["conv3_1", 1.0]]
    assert sum(count for _, count in recipe["levels"]) == 2


def test_one_style_for_several_photos_goes_on(cli: Cli, style: Path) -> None:
    Path("photos").mkdir()
    save(Path("photos/b.png"), 40, 48, seed=3)
    save(Path("photos/a.png"), 40, 48, seed=4)
    command = ("paint", "photos", "--style", f"{style}:0.5", *SMALL, "-o", "out")
    first = cli(*command)
    assert first.code == 0, first.err
    paths = [Path(line) for line in first.out.split()]
    assert [path.name for path in paths] == ["a-style.png", "b-style.png"]
    kept = paths[0].stat().st_mtime_ns
    paths[1].unlink()
    again = cli(*command)
    assert again.out == first.out
    assert "already painted" in again.err
    assert paths[0].stat().st_mtime_ns == kept
    # With other settings it is another painting, and nothing is replaced.
    other = cli(*command, "--ratio", 9)
    assert [Path(line).name for line in other.out.split()] == [
        "a-style-2.png",
        "b-style-2.png",
    ]
    assert cli(*command, "--ratio", 9).out == other.out


def test_styles_are_not_movements(cli: Cli, photo: Path, style: Path) -> None:
    ran = cli("paint", photo, "--style", "cubism")
    assert ran.code == 2
    assert "--movement cubism" in ran.line
    ran = cli("paint", photo, "-A", "procedural", "--movement", style)
    assert ran.code == 2
    assert "--style" in ran.line
    ran = cli("paint", photo, "-A", "procedural", "--style", style)
    assert ran.code == 2
    assert "not both" in ran.line


def test_a_name_without_a_suffix_is_a_folder(
    cli: Cli, photo: Path, style: Path
) -> None:
    ran = cli("paint", photo, style, *SMALL, "-o", "painted")
    assert ran.code == 0, ran.err
    assert Path("painted/photo-style.png").is_file()


def test_a_new_folder_is_not_left_empty(cli: Cli, style: Path) -> None:
    broken = Path("broken.png")
    broken.write_bytes(b"no picture")
    for pictures in ((broken, style), (broken, "nothere.png", "--style", style)):
        assert cli("paint", *pictures, *SMALL, "-o", "painted").code != 0
        assert not Path("painted").exists()


def test_a_painting_cut_short_by_memory_fails(
    cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint_level = level.LevelPainter.paint_level

    def lacks_memory(
        self: level.LevelPainter, step: level.Level, *rest: object
    ) -> object:
        if step.final:
            raise level.ArtistNstError("not enough memory for this level")
        return paint_level(self, step, *rest)  # type: ignore[arg-type]

    save(Path("b.png"), 40, 48, seed=3)
    command = ("paint", photo, "b.png", "--style", style, "-w", 96, "-n", 3, "-o", "o")
    with monkeypatch.context() as patch:
        patch.setattr(level.LevelPainter, "paint_level", lacks_memory)
        ran = cli("paint", photo, style, "-w", 96, "-n", 3, "-o", "a.png")
        assert cli(*command).code == 1
    assert ran.code == 1
    assert "a.png" in ran.line
    assert ran.err.count("not enough memory") == 1
    assert pixels("a.png").shape[1] == 96
    # A series paints it again.
    again = cli(*command)
    assert again.code == 0, again.err
    assert "already painted" not in again.err
    painted = sorted(path.name for path in Path("o").iterdir())
    assert painted == ["b-style.png", "photo-style.png"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (("--epochs", 3), "--numiter"),
        (("--gpu",), "--device"),
        (("--content-weight", 3), "--ratio"),
        (("--style-image", "a.png"), "--style FILE"),
        (("--quite",), "--quiet"),
        (("-w", "wide"), "--width must be a whole number, not 'wide'"),
        (("--max-memory", "all"), "--max-memory must be a number, not 'all'"),
        (("--works", 0), "--works must be 1 or more, not '0'"),
        (("--init", "noise"), "--init can't be 'noise': "),
        (("--pool", "averag"), "did you mean 'average'"),
    ],
)
def test_what_was_meant(
    cli: Cli, photo: Path, style: Path, typed: tuple[object, ...], words: str
) -> None:
    ran = cli("paint", photo, style, *SMALL, *typed)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.line
    assert "Value error" not in ran.line


def test_options_of_another_command_are_not_suggested(cli: Cli) -> None:
    ran = cli("fetch", "picasso", "--steps", 3)
    assert ran.code == 2
    assert "--numiter" not in ran.line


def test_underscores(cli: Cli, photo: Path, style: Path) -> None:
    assert cli("paint", photo, style, *SMALL, "--style_scale", 2).code == 0


def test_a_picture_in_place_of_a_command(cli: Cli, photo: Path) -> None:
    ran = cli(photo, "night.jpg")
    assert ran.code == 2
    assert f"did you mean `artist-nst paint {photo} night.jpg`?" in ran.line


def test_an_option_without_its_value_names_its_command(cli: Cli) -> None:
    assert "`artist-nst paint --help`" in cli("paint", "a.jpg", "--film").line
