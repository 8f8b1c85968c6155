"""Recipes in files: read back exactly; mistakes are named in one line."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import get_args

import pytest

from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.recipes.published import RECIPES, recipe
from artist_nst.recipes.recipe import (
    FIELD_TYPES,
    SETTINGS,
    Levels,
    Recipe,
    Setting,
    Weighted,
    format_value,
)
from artist_nst.recipes.toml_file import (
    MAX_FILE_BYTES,
    find_recipe,
    read_recipe,
    write_recipe,
)

OTHER = Recipe(
    name='quoted "other" \\ ürëcipe',
    source="two\nlines",
    network="vgg16",
    pool="average",
    padding="replicate",
    content_layers=(("conv3_1", 0.1 + 0.2), ("conv4_2", 1)),
    style_layers=(),
    content_loss="quarter-mean",
    style_loss="mean",
    ratio=1e15 / 3,
    gram_weight=1 / 3,
    neighbor_weight=1e-9,
    neighbor_layers=(("conv2_2", 0.7), ("conv3_1", 2)),
    rematch=0,
    turns="all",
    mask_propagation="all",
    matting=0.5,
    detail_scale=0.1,
    max_share=1 / 7,
    tv=1e-7,
    tv_sum=5e-324,
    init="style",
    levels=((1 / 3, 0), (0.5, 1), (1, 7)),
    draft_levels=1,
    optimizer="adam",
    history=3,
    ftol=1e-12,
    gtol=1e-3,
    first_step=0.1,
    learning_rate=1.5,
    width=10**18,
    style_scale=0.7,
    style_size="content",
    color="histogram",
    color_strength=0.4,
)
DOCS = Path(__file__).parents[2] / "docs" / "recipes.md"
NAMES = " ".join(("base", *(field.name for field in fields(Recipe))))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, name: str = "mine.toml") -> str:
    """Write a file and return its name."""
    Path(name).write_text(text, "utf-8")
    return name


def get_error(path: str) -> str:
    with pytest.raises(UsageError) as caught:
        read_recipe(path)
    line = str(caught.value)
    assert line.isprintable()
    return line


def test_the_other_recipe_differs_everywhere() -> None:
    """Otherwise the next test would show less than it seems to."""
    for field in fields(Recipe):
        assert getattr(OTHER, field.name) != getattr(recipe(), field.name), field.name


@pytest.mark.usefixtures("here")
class TestWriting:
    def test_reads_back_exactly(self) -> None:
        for made in (*RECIPES.values(), OTHER):
            write_recipe("mine.toml", made)
            assert read_recipe("mine.toml") == made

    def test_every_field_is_there_to_be_changed(self) -> None:
        write_recipe("mine.toml", recipe())
        text = Path("mine.toml").read_text("utf-8")
        assert set(tomllib.loads(text)) == {field.name for field in fields(Recipe)}
        assert text.startswith("# A recipe of artist-nst")
        assert all(line.startswith("#") for line in text.splitlines()[:3])
        assert "\nratio = 5.0\n" in text
        assert "40], [0.6666666666666666, 50], [1.0, 30], [1.0, 35]]\n" in text
        assert "\n[content_layers]\nconv4_2 = 1.0\n" in text
        assert "\n[neighbor_layers]\nconv1_1 = 0.2\n" in text

    def test_replaces_what_is_there_and_leaves_nothing_else(self) -> None:
        Path("mine.toml").write_text("old " * 9999)
        write_recipe("mine.toml", recipe("patel"))
        assert read_recipe("mine.toml") == recipe("patel")
        assert os.listdir() == ["mine.toml"]

    def test_writes_through_a_link(self) -> None:
        Path("folder").mkdir()
        Path("mine.toml").symlink_to("folder/real.toml")
        write_recipe("mine.toml", recipe("patel"))
        assert Path("mine.toml").is_symlink()
        assert read_recipe("folder/real.toml") == recipe("patel")

    def test_what_cannot_be_written(self) -> None:
        Path("file").write_text("mine")
        Path("photo.jpg").write_text("mine")
        Path("folder.toml").mkdir()
        before = sorted(os.listdir())
        for path, says in [
            ("mine", ".toml"),
            ("photo.jpg", ".toml"),
            (".toml", ".toml"),
            ("no/mine.toml", "folder does not exist"),
            ("file/mine.toml", "file"),
            ("folder.toml", "folder"),
            ("x" * 300 + ".toml", "too long"),
            ("nul\0.toml", "null"),
        ]:
            with pytest.raises(UsageError) as caught:
                write_recipe(path, recipe())
            line = str(caught.value)
            assert line.isprintable()
            assert line.startswith((path, repr(path)))
            assert says in line
        assert sorted(os.listdir()) == before
        assert Path("photo.jpg").read_text() == "mine"

    def test_a_failure_leaves_the_old_file(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old_file = write("ratio = 7")

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        says = r"^mine\.toml cannot be written: no space left on the disk"
        with pytest.raises(ArtistNstError, match=says):
            write_recipe(old_file, recipe())
        assert os.listdir() == [old_file]
        assert read_recipe(old_file).ratio == 7


@pytest.mark.usefixtures("here")
class TestReading:
    def test_a_file_without_fields_is_the_default(self) -> None:
        source = f"based on default: {RECIPES['default'].source}"
        for text in ("", "# none"):
            made = read_recipe(write(text, "my own.toml"))
            assert made == replace(recipe(), name="my own", source=source)

    def test_what_is_left_out_is_the_base(self) -> None:
        made = read_recipe(
            write(
                """
                # after a walk
                base = 'art.py'   # its numbers
                ratio = 2000
                levels = [
                    [0.333, 80],  # coarse
                    [1.0, 40],
                ]

                [content_layers]
                conv3_2 = 1
                "conv4_2" = 0.5
                """
            )
        )
        assert made == replace(
            recipe("art.py"),
            name="mine",
            source=f"based on art.py: {RECIPES['art.py'].source}",
            ratio=2000.0,
            levels=((0.333, 80), (1.0, 40)),
            content_layers=(("conv3_2", 1.0), ("conv4_2", 0.5)),
        )
        assert isinstance(made.ratio, float)
        assert isinstance(made.levels[0][1], int)

    def test_a_name_and_a_source_of_its_own(self) -> None:
        made = read_recipe(write('name = "walk"\nsource = "me"'))
        assert (made.name, made.source) == ("walk", "me")

    def test_a_table_replaces_all_layers(self) -> None:
        for text in [
            "[style_layers]\nconv1_1 = 0.2\nconv2_1 = 1",
            "style_layers.conv1_1 = 0.2\nstyle_layers.conv2_1 = 1",
            "style_layers = {conv1_1 = 0.2, conv2_1 = 1.0}",
            "[style_layers]\r\nconv1_1 = 0.2\r\n'conv2_1' = 1",
            "\ufeff[style_layers]\nconv1_1 = 2e-1\nconv2_1 = 1",
        ]:
            Path("mine.toml").write_bytes(text.encode())
            layers = read_recipe("mine.toml").style_layers
            assert layers == (("conv1_1", 0.2), ("conv2_1", 1.0)), text

    def test_a_table_without_lines_is_no_layers(self) -> None:
        assert read_recipe(write("[style_layers]")).style_layers == ()

    def test_every_recipe_can_be_a_base(self) -> None:
        for base in RECIPES:
            made = read_recipe(write(f'base = "{base}"\nwidth = 77'))
            expected = replace(recipe(base, width=77), name="mine", source=made.source)
            assert made == expected
            assert made.source.startswith(f"based on {base}: ")

    def test_a_file_name_that_is_not_text(self) -> None:
        try:
            Path(os.fsdecode(b"\xff.toml")).write_text("")
        except OSError:
            pytest.skip("the file system takes no such name")
        made = read_recipe(os.fsdecode(b"\xff.toml"))
        assert made.name == "\N{REPLACEMENT CHARACTER}"
        write_recipe("again.toml", made)
        assert read_recipe("again.toml") == made

    def test_fields_are_validated_together_whatever_their_order(self) -> None:
        levels = "levels = [[0.2, 5], [0.4, 5], [0.5, 5], [0.6, 5], [1.0, 5]]"
        for text in (f"draft_levels = 4\n{levels}", f"{levels}\ndraft_levels = 4"):
            assert read_recipe(write(text)).draft_levels == 4
        assert "draft_levels must be a number from 0 to 3" in get_error(
            write("draft_levels = 4")
        )

    def test_fewer_levels_than_the_base_drafts(self) -> None:
        assert read_recipe(write("levels = [[1.0, 5]]")).levels == ((1.0, 5),)


# The text, and what is said of it after the file's name.
WRONG = [
    # Not TOML: tomllib says where.
    ("ratio = 5\nratio: 5", "not valid TOML"),
    ("\n\ninit = rand", "line 3"),
    ('# x\ninit = "rand\nratio = 5', "line 2"),
    ("levels = [[1.0, 40]\nratio = 5", "line 2"),
    ("ratio = 5\n\nratio = 6", "overwrite"),
    ("\nwidth = " + "9" * 5000, "not valid TOML"),
    ("ratio = 5\nlevels = " + "[" * 10_000, "not valid TOML"),
    # No such key.
    ("ratio = 5\nstylescale = 1", "no 'stylescale': did you mean 'style_scale'"),
    ("\nbses = 'art.py'", "did you mean 'base'"),
    ("zzz = 5", NAMES.replace(" ", ", ")),
    # The base.
    ("ratio = 5\nbase = 'art'", "unknown base 'art': did you mean 'art.py'"),
    ("base = []", "unknown base []"),
    # Kinds.
    ("\nname = 5", "name must be text in quotes, not 5"),
    ("init = true", "init must be text in quotes, not True"),
    ("[pool]", "pool must be text in quotes, not {}"),
    ('ratio = "5"', "ratio must be a number, not '5'"),
    ("tv_sum = 1979-05-27", "tv_sum must be a number, not "),
    ("width = 512.0", "width must be a whole number, not 512.0"),
    ("history = true", "history must be a whole number, not True"),
    # Names and ranges.
    ("\n\n  init = 'noise'", "init can't be 'noise': did you mean 'noisy-content'"),
    ("network = 'vgg20'", "network can't be 'vgg20': did you mean 'vgg"),
    ("style_loss = ''", "choose from relative, gatys, gatys-raw, mean"),
    ("ratio = -1", "ratio must be a number, 0 to 1e+15, not -1"),
    ("ratio = nan", "ratio must be a number, 0 to 1e+15, not nan"),
    ("\ntv = inf", "tv must be a number, 0 to 1e+15, not inf"),
    ("ratio = 0x" + "f" * 5000, "ratio must be a number, 0 to 1e+15, not inf"),
    ("width = 0x" + "f" * 5000, "width must be a whole number of fewer digits"),
    ("turns = 'mirrored'", "turns can't be 'mirrored': did you mean 'mirror'"),
    ("max_share = 0", "max_share must be a number, 0.01 to 1, not 0"),
    ("rematch = 2.5", "rematch must be a whole number, not 2.5"),
    ("width = 0", "width must be a number, from 1 up, not 0"),
    ("history = 0", "history must be a number, 1 to 1000, not 0"),
    ("color_strength = 1.1", "color_strength must be a number, 0 to 1, not 1.1"),
    # Layers.
    ("[style_layers]\na = 1\n\nb = 'x'", "style_layers b must be a number, not 'x'"),
    ("style_layers.a = 1\nstyle_layers.'b' = -2", "style_layers b must be a number"),
    ("[style_layers]\na = nan", "style_layers a must be a number, from 0 up"),
    ("[style_layers]\n'' = 1", "must name its layers"),
    ("\nstyle_layers = ['conv1_1']", "must be written as [style_layers]"),
    ("content_layers = 'conv4_2'", "must be written as [content_layers]"),
    ("neighbor_layers = 'conv4_2'", "must be written as [neighbor_layers]"),
    # Levels.
    ("levels = 3", "levels must be written as"),
    ("levels = [[1.0]]", "levels must be written as"),
    ("ratio = 1\n[[levels]]\nscale = 1", "levels must be written as"),
    ("levels = [['a', 40]]", "levels: a scale must be a number, not 'a'"),
    ("levels = [[1.0, 4.5]]", "levels: its iterations must be a whole number"),
    ("levels = [[2.0, 4], [1, 2]]", "levels: a scale must be a number, 0.001 to 1"),
    ("# x\nlevels = [\n[0.5, 4],\n]", "levels must end with one of scale 1"),
]


@pytest.mark.usefixtures("here")
def test_a_mistake_is_one_line_that_names_the_file_and_the_field() -> None:
    for text, says in WRONG:
        line = get_error(write(text))
        assert line.startswith(("mine.toml: ", "mine.toml is ")), text
        assert says in line, text
        # All fields have to be named where none is near.
        assert len(line) < max(400, len(says) + 60), text


@pytest.mark.usefixtures("here")
class TestFilesThatCannotBeRead:
    def test_missing(self) -> None:
        assert "no.toml cannot be read: there is no such file" in get_error("no.toml")
        assert "no/no.toml" in get_error("no/no.toml")

    def test_a_folder(self) -> None:
        Path("mine.toml").mkdir()
        assert "folder" in get_error("mine.toml")

    def test_not_utf_8(self) -> None:
        Path("mine.toml").write_bytes(b'ratio = 5\nname = "\xe9"\n')
        assert get_error("mine.toml").startswith("mine.toml, line 2: it is not text in")
        Path("mine.toml").write_bytes("ratio = 5".encode("utf-16"))
        assert get_error("mine.toml").startswith("mine.toml, line 1: it is not text in")

    def test_too_large(self) -> None:
        write("#" * MAX_FILE_BYTES)
        assert read_recipe("mine.toml").ratio == 5
        write("#" * (MAX_FILE_BYTES + 1))
        assert "16,000 bytes" in get_error("mine.toml")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
    def test_a_pipe_is_not_waited_for(self) -> None:
        os.mkfifo("mine.toml")
        assert "pipe" in get_error("mine.toml")

    @pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all"
    )
    def test_no_permission(self) -> None:
        Path(write("")).chmod(0)
        assert get_error("mine.toml").startswith("mine.toml cannot be read: permission")

    def test_odd_names(self) -> None:
        assert get_error("a\nb.toml").startswith(
            r"'a\nb.toml' cannot be read: there is"
        )
        assert "null byte" in get_error("a\0.toml")
        assert "cannot be read" in get_error("x" * 300 + ".toml")
        name = write("ratio = -1", "a\nb.toml")
        assert get_error(name).startswith(r"'a\nb.toml': ratio must be")


@pytest.mark.usefixtures("here")
class TestFinding:
    def test_a_named_recipe(self) -> None:
        assert find_recipe("patel") is RECIPES["patel"]

    def test_a_named_recipe_wins_over_a_file_of_that_name(self) -> None:
        write("print('not a recipe')", "art.py")
        assert find_recipe("art.py") is RECIPES["art.py"]

    def test_a_file(self) -> None:
        Path("folder").mkdir()
        for name in ("mine.toml", "MINE.TOML", "folder/mine", "mine"):
            assert find_recipe(write("ratio = 3", name)).ratio == 3

    def test_a_toml_file_that_is_not_there(self) -> None:
        with pytest.raises(UsageError, match="there is no such file"):
            find_recipe("no.toml")

    def test_an_unknown_name(self) -> None:
        Path("folder").mkdir()
        for name, hint in [
            ("art", "'art.py'"),
            ("folder", "default"),
            ("", "default"),
            ("a\0", "patel"),
        ]:
            with pytest.raises(UsageError) as caught:
                find_recipe(name)
            line = str(caught.value)
            assert line.startswith(f"unknown recipe {name!r}: ")
            assert hint in line
            assert ".toml" in line
            assert line.isprintable()


# The documentation


def read_documentation() -> str:
    """Return the section about recipe files."""
    text = DOCS.read_text("utf-8")
    return text.partition("## A recipe of your own")[2].partition("\n## ")[0]


def make_field_table() -> str:
    """Make the documentation's table of all fields that have a meaning."""
    lines = ["| field | option | default | values | meaning |", "|---|---|---|---|---|"]
    for name, setting in SETTINGS.items():
        option = f"`--{setting.option}`" if setting.option else ""
        default = format_value(getattr(recipe(), name))
        values = describe_values(name, setting)
        lines.append(f"| `{name}` | {option} | {default} | {values} | {setting.help} |")
    return "\n".join(lines)


def describe_values(name: str, setting: Setting) -> str:
    kind = FIELD_TYPES[name]
    if kind == Weighted:
        return "layers and weights"
    if kind == Levels:
        return "pairs of scale and iterations"
    if kind not in (int, float):
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    if setting.most >= 1e300:
        return f"from {setting.least:g} up"
    return f"{setting.least:g} to {setting.most:g}"


def test_the_documentation_lists_all_fields() -> None:
    table = make_field_table()
    assert table in read_documentation(), f"{DOCS} lacks this table:\n{table}"


def test_the_example_of_the_documentation(here: Path) -> None:
    section = read_documentation()
    example = section.partition("```toml\n")[2].partition("```")[0]
    made = read_recipe(here / write(example))
    changed = {
        field.name
        for field in fields(Recipe)
        if getattr(made, field.name) != getattr(recipe("art.py"), field.name)
    }
    assert changed - {"source"} == set(tomllib.loads(example)) - {"base"}
    assert made.name == "harsh"
    error = get_error(write(example.replace('"noisy-content"', '"noise"')))
    assert error in section


def test_imports_nothing_heavy() -> None:
    heavy = ("torch", "numpy", "PIL", "scipy", "typer", "rich")
    code = (
        "import sys, artist_nst.recipes.toml_file\n"
        f"print(*(name for name in {heavy} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.split() == []
