"""Recipes in files: exact both ways, and every mistake told with its line."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from dataclasses import fields, replace
from pathlib import Path

import pytest

from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.recipes.published import RECIPES, recipe
from artist_nst.recipes.recipe import Recipe
from artist_nst.recipes.toml_file import LARGEST, find_recipe, read_recipe, write_recipe

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
    tv=1e-7,
    tv_sum=5e-324,
    init="style",
    levels=((1 / 3, 0), (0.5, 1), (1, 7)),
    draft_levels=2,
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


def written(text: str, name: str = "mine.toml") -> str:
    Path(name).write_text(text, "utf-8")
    return name


def refused(path: str) -> str:
    with pytest.raises(UsageError) as caught:
        read_recipe(path)
    line = str(caught.value)
    assert line.isprintable()
    return line


def test_the_other_recipe_differs_everywhere() -> None:
    """Else the next test would show less than it seems to."""
    for field in fields(Recipe):
        assert getattr(OTHER, field.name) != getattr(recipe(), field.name), field.name


@pytest.mark.usefixtures("here")
class TestWriting:
    @pytest.mark.parametrize(
        "made", [*RECIPES.values(), OTHER], ids=[*RECIPES, "other"]
    )
    def test_reads_back_exactly(self, made: Recipe) -> None:
        write_recipe("mine.toml", made)
        assert read_recipe("mine.toml") == made

    def test_every_field_is_there_to_be_changed(self) -> None:
        write_recipe("mine.toml", recipe())
        text = Path("mine.toml").read_text("utf-8")
        assert set(tomllib.loads(text)) == {field.name for field in fields(Recipe)}
        assert text.startswith("# A recipe of artist-nst")
        assert all(line.startswith("#") for line in text.splitlines()[:3])
        assert "\nratio = 5.0\n" in text
        assert "80], [0.6666666666666666, 60], [1.0, 40]]\n" in text
        assert "\n[content_layers]\nconv4_2 = 1.0\n" in text

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

    @pytest.mark.parametrize(
        ("path", "says"),
        [
            ("mine", ".toml"),
            ("photo.jpg", ".toml"),
            (".toml", ".toml"),
            ("no/mine.toml", "folder does not exist"),
            ("file/mine.toml", "file"),
            ("folder.toml", "folder"),
            ("x" * 300 + ".toml", "too long"),
            ("nul\0.toml", "null"),
        ],
    )
    def test_what_cannot_be_written(self, path: str, says: str) -> None:
        Path("file").write_text("mine")
        Path("photo.jpg").write_text("mine")
        Path("folder.toml").mkdir()
        before = sorted(os.listdir())
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
        old = written("ratio = 7")

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        says = r"^mine\.toml cannot be written: no space left on the disk"
        with pytest.raises(ArtistNstError, match=says):
            write_recipe(old, recipe())
        assert os.listdir() == [old]
        assert read_recipe(old).ratio == 7


@pytest.mark.usefixtures("here")
class TestReading:
    def test_an_empty_file_is_the_default(self) -> None:
        made = read_recipe(written("", "my own.toml"))
        source = f"based on default: {RECIPES['default'].source}"
        assert made == replace(recipe(), name="my own", source=source)

    def test_what_is_left_out_is_the_base(self) -> None:
        made = read_recipe(
            written(
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
        made = read_recipe(written('name = "walk"\nsource = "me"'))
        assert (made.name, made.source) == ("walk", "me")

    @pytest.mark.parametrize(
        "text",
        [
            "[style_layers]\nconv1_1 = 0.2\nconv2_1 = 1",
            "style_layers.conv1_1 = 0.2\nstyle_layers.conv2_1 = 1",
            "style_layers = {conv1_1 = 0.2, conv2_1 = 1.0}",
            "[style_layers]\r\nconv1_1 = 0.2\r\n'conv2_1' = 1",
            "\ufeff[style_layers]\nconv1_1 = 2e-1\nconv2_1 = 1",
        ],
    )
    def test_a_table_replaces_the_layers_whole(self, text: str) -> None:
        path = Path("mine.toml")
        path.write_bytes(text.encode())
        assert read_recipe(path).style_layers == (("conv1_1", 0.2), ("conv2_1", 1.0))

    def test_a_table_without_lines_is_no_layers(self) -> None:
        assert read_recipe(written("[style_layers]")).style_layers == ()

    @pytest.mark.parametrize("base", RECIPES)
    def test_every_recipe_can_be_a_base(self, base: str) -> None:
        made = read_recipe(written(f'base = "{base}"\nwidth = 77'))
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

    def test_the_first_mistake_is_told(self) -> None:
        line = refused(written("\nratio = -1\nwidth = 0\n"))
        assert line.startswith("mine.toml, line 2: ratio must be a number, 0 to 1e+15")


# The text, the line that is wrong, and what is said of it.
WRONG = [
    # Not TOML.
    ("ratio = 5\nratio: 5", 2, "expected '='"),
    ("\n\ninit = rand", 3, "a text needs quotes"),
    ("tv = .5", 1, "a digit before"),
    ('# x\ninit = "rand\nratio = 5', 2, "quotes at its end"),
    ("init = 'rand\nratio = 5", 1, "quotes at its end"),
    ("init = 'rand\nname = 'x'", 1, "quotes at its end"),
    ('ratio = 5\nname = """\nnever\nends', 2, "quotes at its end (up to line 4)"),
    ("levels = [[1.0, 40]\nratio = 5", 1, "a list without its ]"),
    ("ratio = 5\nlevels = [\n[0.5, 3]\n[1, 2]\n]", 2, "a comma (up to line 4)"),
    ("style_layers = {conv1_1 = 1", 1, "a table without its }"),
    ("\nlevels = [[1/3, 80], [1, 2]]", 2, "comma"),
    ("ratio = 1/3", 1, "more than one value"),
    ("[style_layers\nconv1_1 = 1", 1, "expected ']'"),
    ("= 5", 1, "neither a key"),
    ("ratio = 5\n\nratio = 6", 3, "given twice"),
    (
        'ratio = 5\nsource = "a"\nsource = """\na\n"""\n',
        3,
        "give it once (up to line 5)",
    ),
    ("[style_layers]\nconv1_1 = 1\nconv1_1 = 2", 3, "given twice"),
    ("[style_layers]\n[content_layers]\n[style_layers]", 3, "given twice"),
    ("style_layers = {a = 1, b = 2, a = 3}", 1, "given twice"),
    ("style_layers = {a = 1}\n[style_layers]\nb = 2", 2, "given twice"),
    ("\nwidth = " + "9" * 5000, 2, "too long"),
    ("ratio = 5\nlevels = " + "[" * 50_000, 2, "too deep"),
    # No such key.
    ("ratio = 5\nstylescale = 1", 2, "no 'stylescale': did you mean 'style_scale'"),
    ("\nbses = 'art.py'", 2, "did you mean 'base'"),
    ("style-size = 'content'", 1, "did you mean 'style_size'"),
    ("zzz = 5", 1, NAMES.replace(" ", ", ")),
    ("# x\n[stile_layers]\nconv1_1 = 1", 2, "did you mean 'style_layers'"),
    ('name = """\nratio = 1\n"""\n"ra tio" = 5', 4, "did you mean 'ratio'"),
    ("[ratio.x.y]\n[style_layers.a.b]", 1, "ratio must be a number, not a table"),
    # The base.
    ("ratio = 5\nbase = 'art'", 2, "unknown base 'art': did you mean 'art.py'"),
    ("base = 'mine.toml'", 1, "unknown base 'mine.toml'"),
    ("base = 3", 1, "base must be a text in quotes, not a whole number"),
    ("base = []", 1, "base must be a text in quotes, not a list"),
    # Kinds.
    ("\nname = 5", 2, "name must be a text in quotes, not a whole number"),
    ("init = true", 1, "init must be a text in quotes, not true or false"),
    ("[pool]", 1, "pool must be a text in quotes, not a table"),
    ('ratio = "5"', 1, "ratio must be a number, not a text"),
    ("tv = false", 1, "tv must be a number, not true or false"),
    ("tv_sum = 1979-05-27", 1, "tv_sum must be a number, not a date or time"),
    ("width = 512.0", 1, "width must be a whole number, not a number with a point"),
    ("history = true", 1, "history must be a whole number, not true or false"),
    # Names and ranges.
    ("\n\n  init = 'noise'", 3, "init can't be 'noise': did you mean 'noisy-content'"),
    ("network = 'vgg20'", 1, "network can't be 'vgg20': did you mean 'vgg"),
    ("style_loss = ''", 1, "choose from relative, gatys, gatys-raw, mean"),
    ("ratio = -1", 1, "ratio must be a number, 0 to 1e+15, not -1"),
    ("ratio = nan", 1, "ratio must be a number, 0 to 1e+15, not nan"),
    ("\ntv = inf", 2, "tv must be a number, 0 to 1e+15, not inf"),
    ("tv_sum = -inf", 1, "tv_sum must be a number"),
    ("ratio = 0x" + "f" * 5000, 1, "ratio must be a number, 0 to 1e+15, not inf"),
    ("width = 0x" + "f" * 5000, 1, "width must be a whole number of fewer digits"),
    ("width = 0", 1, "width must be a number, from 1 up, not 0"),
    ("history = 0", 1, "history must be a number, 1 to 1000, not 0"),
    ("style_scale = 0", 1, "style_scale must be a number, 0.001 to 100"),
    ("learning_rate = 0", 1, "learning_rate must be a number"),
    ("color_strength = 1.1", 1, "color_strength must be a number, 0 to 1, not 1.1"),
    ('"r\\u0061tio" = -1', 1, "ratio must be a number"),
    # Layers.
    ("[style_layers]\na = 1\n\nb = 'x'", 4, "style_layers b must be a number, not a t"),
    ("style_layers.a = 1\nstyle_layers.'b' = -2", 2, "style_layers b must be a number"),
    ("[style_layers]\na = nan", 2, "style_layers a must be a number, from 0 up"),
    ("[content_layers]\n\n# x\na = true", 4, "not true or false"),
    ("[style_layers]\n[content_layers]\na = 1\n[style_layers.a]", 4, "not a table"),
    ("ratio = 1\nstyle_layers = { a = 1, b = -1 }", 2, "style_layers b must be"),
    ("[style_layers]\n'' = 1", 2, "must name its layers"),
    ("\nstyle_layers = ['conv1_1']", 2, "must be a table: [style_layers]"),
    ("content_layers = 'conv4_2'", 1, "must be a table: [content_layers]"),
    ("[[style_layers]]\nconv1_1 = 1", 1, "must be a table"),
    # Levels.
    ("levels = 3", 1, "levels must be a list of pairs"),
    ("levels = [1.0, 40]", 1, "levels must be a list of pairs"),
    ("levels = [[1.0]]", 1, "levels must be a list of pairs"),
    ("ratio = 1\n[[levels]]\nscale = 1", 2, "levels must be a list of pairs"),
    ("levels = [['a', 40]]", 1, "levels: a scale must be a number, not a text"),
    ("levels = [[1.0, 4.5]]", 1, "levels: its iterations must be a whole number"),
    ("levels = [[2.0, 4], [1, 2]]", 1, "levels: a scale must be a number, 0.001 to 1"),
    ("levels = [[0.5, -4], [1, 2]]", 1, "levels: its iterations must be a number, 0 t"),
    ("# x\nlevels = [\n[0.5, 4],\n]", 2, "levels must end with one of scale 1"),
    ("levels = []", 1, "levels must end with one of scale 1"),
    ("levels = [[1.0, 0]]", 1, "levels must end with one of scale 1"),
]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("text", "number", "says"), WRONG, ids=[repr(text[:40]) for text, _, _ in WRONG]
)
def test_a_mistake_is_told_with_its_line(text: str, number: int, says: str) -> None:
    line = refused(written(text))
    assert line.startswith(f"mine.toml, line {number}: ")
    assert says in line
    assert len(line) < 400


@pytest.mark.usefixtures("here")
def test_lines_are_counted_past_whatever_stands_above() -> None:
    above = '''\
# "a quote ] and 'another
name = """ratio = -1 # no "comment" \\
[tv]
""\\"""""  # ends with two quotes of the text
source = \'\'\'
ratio = -1
''\'\'\'
"padding"   =  'zeros' # ["
levels = [ # [
  [0.5, 3], # ]
  [1.0, 2]]
style_layers."conv1_1" = 1
[ content_layers ]
'''
    assert read_recipe(written(above)).source.endswith("''")
    for below, says in (("conv4_2 = -1", "conv4_2"), ("conv4_2 == 1", "not TOML")):
        line = refused(written(above + below))
        assert line.startswith("mine.toml, line 14: ")
        assert says in line


@pytest.mark.usefixtures("here")
class TestFilesThatCannotBeRead:
    def test_missing(self) -> None:
        assert refused("no.toml").startswith("no.toml: there is no such file")
        assert "no/no.toml" in refused("no/no.toml")

    def test_a_folder(self) -> None:
        Path("mine.toml").mkdir()
        assert refused("mine.toml").startswith("mine.toml is a folder")

    def test_not_utf_8(self) -> None:
        Path("mine.toml").write_bytes(b'ratio = 5\nname = "\xe9"\n')
        assert refused("mine.toml").startswith("mine.toml, line 2: it is not text in")
        Path("mine.toml").write_bytes("ratio = 5".encode("utf-16"))
        assert refused("mine.toml").startswith("mine.toml, line 1: it is not text in")

    def test_too_large(self) -> None:
        written("#" * LARGEST)
        assert read_recipe("mine.toml").ratio == 5
        written("#" * (LARGEST + 1))
        assert "1,000,001 bytes, at most 1,000,000" in refused("mine.toml")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
    def test_a_pipe_is_not_waited_for(self) -> None:
        os.mkfifo("mine.toml")
        assert "pipe" in refused("mine.toml")

    @pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all"
    )
    def test_no_permission(self) -> None:
        Path(written("")).chmod(0)
        assert refused("mine.toml").startswith("mine.toml cannot be read: Permission")

    def test_odd_names(self) -> None:
        assert refused("a\nb.toml").startswith(r"'a\nb.toml': there is no such file")
        assert "null byte" in refused("a\0.toml")
        assert "cannot be read" in refused("x" * 300 + ".toml")
        name = written("ratio = -1", "a\nb.toml")
        assert refused(name).startswith(r"'a\nb.toml', line 1: ratio must be")


@pytest.mark.usefixtures("here")
class TestFinding:
    def test_a_named_recipe(self) -> None:
        assert find_recipe("patel") is RECIPES["patel"]

    def test_a_named_recipe_wins_over_a_file_of_that_name(self) -> None:
        written("print('not a recipe')", "art.py")
        assert find_recipe("art.py") is RECIPES["art.py"]

    @pytest.mark.parametrize("name", ["mine.toml", "MINE.TOML", "folder/mine", "mine"])
    def test_a_file(self, name: str) -> None:
        Path("folder").mkdir()
        assert find_recipe(written("ratio = 3", name)).ratio == 3

    def test_a_toml_file_that_is_not_there(self) -> None:
        with pytest.raises(UsageError, match=r"^no.toml: there is no such file"):
            find_recipe("no.toml")

    @pytest.mark.parametrize(
        ("name", "hint"),
        [("art", "'art.py'"), ("folder", "default"), ("", "default"), ("a\0", "patel")],
    )
    def test_an_unknown_name(self, name: str, hint: str) -> None:
        Path("folder").mkdir()
        with pytest.raises(UsageError) as caught:
            find_recipe(name)
        line = str(caught.value)
        assert line.startswith(f"unknown recipe {name!r}: ")
        assert hint in line
        assert ".toml" in line
        assert line.isprintable()


def test_the_example_of_the_documentation(here: Path) -> None:
    text = DOCS.read_text("utf-8")
    own = text.partition("## A recipe of your own")[2].partition("\n## ")[0]
    example = own.partition("```toml\n")[2].partition("```")[0]
    made = read_recipe(here / written(example))
    changed = {
        field.name
        for field in fields(Recipe)
        if getattr(made, field.name) != getattr(recipe("art.py"), field.name)
    }
    assert changed - {"source"} == set(tomllib.loads(example)) - {"base"}
    assert made.name == "harsh"
    for field in fields(Recipe):
        assert f"`{field.name}`" in own or f"`[{field.name}]`" in own, field.name
    line = refused(written(example.replace('"noisy-content"', '"noise"')))
    assert line in own


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
