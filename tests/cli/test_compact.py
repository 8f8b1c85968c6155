"""The compact network on the command line: in VGG-19's place, or on purpose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from artist_nst.image.files import sha256_of
from artist_nst.nst.compact import PACKAGED
from artist_nst.painting import record
from artist_nst.recipes.recipe import Architecture
from tests.cli.conftest import Cli, Ran
from tests.cli.test_compare import EXTRA, contents, names, rows
from tests.cli.test_paint import files, pixels

SMALL = ("-w", "64", "-n", "2")
DEEP = ("--content-layer", "conv5_2")
INSTEAD = "the compact network paints instead"


def used(path: Path | str) -> tuple[str, str, str]:
    """What painted: the network's name, the recipe's, and the weights' hash."""
    made = record.read(path)
    network = made["network"]
    return network["name"], made["recipe"]["network"], network["sha256"]


def packaged() -> tuple[str, str, str]:
    return "compact", "compact", sha256_of(PACKAGED)


def told(ran: Ran) -> str:
    """The one line that says what paints instead of VGG-19."""
    (line,) = [line for line in ran.err.splitlines() if "instead" in line]
    assert INSTEAD in line
    assert "`artist-nst weights`" in line
    return line


class TestInVgg19sPlace:
    @pytest.mark.parametrize("more", [(), ("--offline",), ("--network", "auto")])
    def test_it_paints_and_says_how_to_get_better(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        without_weights: list[str],
        more: tuple[str, ...],
    ) -> None:
        ran = cli("paint", photo, style, *SMALL, *more)
        assert (ran.code, ran.out) == (0, "photo-style.png\n")
        assert files() == ["photo-style.png"]
        assert used("photo-style.png") == packaged()
        assert not [line for line in ran.err.splitlines() if "artist-nst:" in line]
        assert ("offline nothing is downloaded" in told(ran)) == ("--offline" in more)
        assert (without_weights == []) == ("--offline" in more)
        assert "s by the compact network; stopped" in ran.err

    def test_quietly_that_is_the_one_thing_said(
        self, cli: Cli, photo: Path, style: Path, without_weights: list[str]
    ) -> None:
        ran = cli("paint", photo, style, *SMALL, "-q")
        assert ran.code == 0
        assert ran.err.splitlines() == [told(ran)]
        assert told(ran).startswith("artist-nst: VGG-19's weights are not here")
        assert without_weights

    def test_vgg19_is_named_where_it_painted(
        self, cli: Cli, photo: Path, style: Path, weights_file: Path
    ) -> None:
        ran = cli("paint", photo, style, *SMALL, "-o", "a.png")
        assert "s by VGG-19; stopped" in ran.err
        assert "compact" not in ran.err
        assert used("a.png") == ("vgg19", "vgg19", sha256_of(weights_file))

    @pytest.mark.usefixtures("without_weights")
    def test_a_network_that_was_typed_is_not_replaced(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        for more in (("--network", "vgg19"), ("--recipe", "premamayudu")):
            ran = cli("paint", photo, style, *SMALL, *more)
            assert ran.code == 1
            assert "--network compact" in ran.line
            assert INSTEAD not in ran.err
        assert files() == []

    @pytest.mark.usefixtures("without_weights")
    def test_a_layer_that_only_vgg19_has(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        ran = cli("paint", photo, style, *SMALL, *DEEP, "-q")
        assert (ran.code, ran.out, files()) == (2, "", [])
        last = ran.err.splitlines()[-1]
        assert last.startswith("artist-nst: VGG-19's weights are not here")
        assert "--content-layer: compact has no 'conv5_2'" in last
        assert "'conv5_1'" in last

    @pytest.mark.usefixtures("without_weights")
    def test_nothing_is_painted_instead_where_it_is_an_error(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        """One line, which does not say that something paints."""
        ran = cli("paint", photo, style, *SMALL, *DEEP, "-q")
        assert ran.err.splitlines() == [ran.line]

    @pytest.mark.parametrize("more", [(), ("--network", "vgg19")])
    def test_a_compact_network_where_a_vgg_is_looked_for(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        compact_file: Path,
        without_weights: list[str],
        monkeypatch: pytest.MonkeyPatch,
        more: tuple[str, ...],
    ) -> None:
        monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(compact_file))
        ran = cli("paint", photo, style, *SMALL, *more, "-q")
        assert (ran.code, ran.out, files()) == (1, "", [])
        assert ran.err.splitlines() == [ran.line]
        assert compact_file.name in ran.line
        assert "choose --network compact" in ran.line
        assert without_weights == []
        # As it says.
        asked = ("--network", "compact", "--weights", compact_file, "-o", "a.png")
        assert cli("paint", photo, style, *SMALL, *asked).code == 0
        assert used("a.png") == ("compact", "compact", sha256_of(compact_file))

    @pytest.mark.parametrize("command", ["paint", "demo", "doctor"])
    def test_a_broken_file_is_not_replaced(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        weights_file: Path,
        without_weights: list[str],
        monkeypatch: pytest.MonkeyPatch,
        command: str,
    ) -> None:
        arguments: tuple[object, ...] = (command,)
        if command == "paint":
            arguments = (command, photo, style, *SMALL)
        Path("cut.safetensors").write_bytes(weights_file.read_bytes()[:-100])
        for name in ("cut.safetensors", "missing.pth"):
            monkeypatch.setenv("ARTIST_NST_WEIGHTS", name)
            by_variable = cli(*arguments)
            monkeypatch.delenv("ARTIST_NST_WEIGHTS")
            by_option = cli(*arguments, "--weights", name)
            for ran in (by_variable, by_option):
                assert ran.code == (0 if command == "doctor" else 1)
                assert name in (ran.out if command == "doctor" else ran.line)
                assert "compact" not in ran.out + ran.err
        assert not [name for name in files() if "painted" in name or "sheet" in name]
        assert without_weights == []

    def test_reconstructions(
        self, cli: Cli, photo: Path, without_weights: list[str]
    ) -> None:
        arguments = ("reconstruct", photo, "--layer", "conv2_1", "-o", "layers")
        ran = cli(*arguments, "-w", 48, "-n", 1)
        assert (ran.code, ran.out) == (0, "layers/sheet.png\n")
        assert told(ran)
        paintings = {"content-conv2_1.png", "style-conv2_1.png"}
        assert names("layers") == paintings | EXTRA
        assert {used(f"layers/{name}") for name in paintings} == {packaged()}
        assert without_weights


class TestOnPurpose:
    @pytest.mark.parametrize("asked", [("--draft",), ("--network", "compact")])
    def test_no_vggs_file_is_looked_at(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        without_weights: list[str],
        monkeypatch: pytest.MonkeyPatch,
        asked: tuple[str, ...],
    ) -> None:
        """One that can't be loaded is none the worse for it."""
        Path("bad.pth").write_text("no tensors")
        monkeypatch.setenv("ARTIST_NST_WEIGHTS", "bad.pth")
        ran = cli("paint", photo, style, *SMALL, *asked, "-o", "a.png")
        assert ran.code == 0, ran.err
        assert used("a.png") == packaged()
        assert INSTEAD not in ran.err
        assert cli("paint", photo, style, *SMALL).code == 1
        assert without_weights == []

    def test_draft_though_vgg19_is_at_hand(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        paint = ("paint", photo, style, *SMALL, "--seed", 1)
        for number, more in enumerate(
            [
                ("--draft",),
                ("--network", "compact"),
                ("--draft", "--network", "compact"),
            ]
        ):
            assert cli(*paint, *more, "-o", f"{number}.png").code == 0
        first, *others = (pixels(f"{number}.png") for number in range(3))
        assert all((one == first).all() for one in others)
        assert used("0.png") == used("2.png") == packaged()

    def test_levels_as_drafts(self, cli: Cli, photo: Path, style: Path) -> None:
        sized = ("-w", "200", "-n", "3", "--seed", 1)
        paint = ("paint", photo, style, *sized)
        ran = cli(*paint, "--draft-levels", 2, "-o", "a.png")
        assert ran.code == 0
        assert "s by the compact network, then VGG-19; stopped" in ran.err
        made = record.read("a.png")
        painters = [level["network"] for level in made["computed"]]
        assert painters == ["compact", "compact", "vgg19"]
        assert made["network"]["name"] == "vgg19"
        assert made["network"]["draft_sha256"] == sha256_of(PACKAGED)
        assert made["recipe"]["draft_levels"] == 2
        assert cli("repaint", "a.png", "-o", "b.png").code == 0
        assert (pixels("a.png") == pixels("b.png")).all()
        assert cli(*paint, "-o", "c.png").code == 0
        assert record.read("c.png")["network"]["draft_sha256"] is None
        assert (pixels("a.png") != pixels("c.png")).any()

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("--draft-levels", "3"), "--draft-levels must be a number from 0 to 2"),
            (
                ("--recipe", "art.py", "--draft-levels", "1"),
                "--draft-levels must be a number from 0 to 0",
            ),
            (("--draft-levels", "1", *DEEP), "compact has no 'conv5_2'"),
        ],
    )
    def test_levels_that_cannot_be_drafts(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        arguments: tuple[str, ...],
        says: str,
    ) -> None:
        ran = cli("paint", photo, style, *SMALL, *arguments, "-q")
        assert (ran.code, files()) == (2, [])
        assert says in ran.line

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("--network", "vgg16"), "--draft is --network compact: not with"),
            (("--network", "auto"), "--draft is --network compact: not with"),
            (("--draft-levels", "1"), "choose it or --draft-levels"),
            (DEEP, "'conv5_1'"),
            (("--style-layer", "conv5_4"), "'conv5_1'"),
        ],
    )
    def test_what_draft_cannot_be_with(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        arguments: tuple[str, ...],
        says: str,
    ) -> None:
        ran = cli("paint", photo, style, *SMALL, "--draft", *arguments)
        assert (ran.code, ran.out, files()) == (2, "", [])
        assert says in ran.line
        assert ran.err.splitlines() == [ran.line]

    def test_draft_of_a_recipe_with_a_network_of_its_own(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        paint = ("paint", photo, style, *SMALL, "--recipe", "premamayudu")
        assert cli(*paint, "--draft", "-o", "a.png").code == 0
        assert used("a.png") == packaged()
        assert record.read("a.png")["recipe"]["name"] == "premamayudu"

    @pytest.mark.parametrize("more", [(), ("--network", "compact"), ("--draft",)])
    def test_a_compact_network_of_ones_own(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        compact_file: Path,
        more: tuple[str, ...],
    ) -> None:
        own = ("--weights", compact_file)
        ran = cli("paint", photo, style, *SMALL, *own, *more, "-o", "a.png")
        assert ran.code == 0, ran.err
        assert used("a.png") == ("compact", "compact", sha256_of(compact_file))
        assert INSTEAD not in ran.err
        assert "packaged" not in ran.err

    def test_a_note_where_the_weights_named_are_a_vggs(
        self, cli: Cli, photo: Path, style: Path, weights_file: Path
    ) -> None:
        more = ("--network", "compact", "--weights", weights_file, "-o", "a.png")
        ran = cli("paint", photo, style, *SMALL, *more)
        assert ran.code == 0
        assert used("a.png") == packaged()
        (note,) = [line for line in ran.err.splitlines() if weights_file.name in line]
        assert "the packaged one is used" in note

    def test_a_wrong_path_is_not_passed_over(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        more = ("--network", "compact", "--weights", "typo.safetensors")
        ran = cli("paint", photo, style, *SMALL, *more)
        assert (ran.code, files()) == (1, [])
        assert "typo.safetensors" in ran.line

    def test_doctor_knows_a_compact_network(self, cli: Cli, compact_file: Path) -> None:
        """For ``paint --weights`` takes it."""
        ran = cli("doctor", "--weights", compact_file)
        assert ran.code == 0
        assert compact_file.name in ran.out
        assert "unusable" not in ran.out

    @pytest.mark.usefixtures("without_weights")
    def test_demo_by_a_network_of_ones_own(
        self, cli: Cli, compact_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from artist_nst.recipes.published import recipe

        monkeypatch.setattr(
            "artist_nst.cli.commands.demo.recipe",
            lambda name, **changes: recipe(name, **changes).with_iterations(1),
        )
        assert cli("demo", "-w", 64, "--weights", compact_file).code == 0
        digest = sha256_of(compact_file)
        assert used("demo/coffee-painted.png") == ("compact", "compact", digest)


class TestRepaint:
    @pytest.fixture
    def painted(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        without_weights: list[str],
        weights_file: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> Path:
        """Painted where there were no weights; now they are here."""
        assert cli("paint", photo, style, *SMALL, "-o", "a.png").code == 0
        assert used("a.png") == packaged()
        assert without_weights
        monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_file))
        return Path("a.png")

    def test_the_same_pixels_though_vgg19_is_at_hand(
        self, cli: Cli, painted: Path
    ) -> None:
        ran = cli("repaint", painted, "-o", "b.png")
        assert ran.code == 0
        assert (pixels(painted) == pixels("b.png")).all()
        assert used("b.png") == packaged()
        assert "not the weights" not in ran.err

    @pytest.mark.parametrize("network", ["auto", "vgg19"])
    def test_by_the_better_network_where_that_is_asked_for(
        self, cli: Cli, painted: Path, weights_file: Path, network: str
    ) -> None:
        ran = cli("repaint", painted, "--network", network, "-o", "b.png")
        assert ran.code == 0
        assert used("b.png") == ("vgg19", "vgg19", sha256_of(weights_file))
        assert (pixels(painted) != pixels("b.png")).any()

    def test_of_a_network_of_ones_own(
        self, cli: Cli, photo: Path, style: Path, compact_file: Path
    ) -> None:
        own = ("--weights", compact_file)
        assert cli("paint", photo, style, *SMALL, *own, "-o", "a.png").code == 0
        ran = cli("repaint", "a.png", *own, "-o", "b.png")
        assert ran.code == 0
        assert "not the weights" not in ran.err
        assert (pixels("a.png") == pixels("b.png")).all()
        ran = cli("repaint", "a.png", "-o", "c.png")
        assert ran.code == 0
        assert "not the weights" in ran.err
        assert used("c.png") == packaged()

    def test_of_vgg19s_without_its_weights(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        weights_file: Path,
        without_weights: list[str],
    ) -> None:
        more = ("--weights", weights_file, "-o", "a.png")
        assert cli("paint", photo, style, *SMALL, *more).code == 0
        for more in ((), ("--offline",)):
            ran = cli("repaint", "a.png", *more, "-o", "b.png")
            assert (ran.code, ran.out) == (1, "")
            assert "--network compact" in ran.line
            assert ran.err.splitlines() == [ran.line]
            assert files() == ["a.png"]
        assert len(without_weights) == 1
        for more in (("--draft",), ("--network", "compact")):
            ran = cli("repaint", "a.png", *more, "-o", "b.png")
            assert ran.code == 0
            assert used("b.png") == packaged()


class TestCompare:
    def test_both_networks_side_by_side(
        self, cli: Cli, photo: Path, style: Path, weights_file: Path
    ) -> None:
        ran = cli("compare", "network", "vgg19,compact", photo, style, *SMALL)
        assert ran.code == 0
        folder = str(Path(ran.out.strip()).parent)
        assert names(folder) == EXTRA | {"network-vgg19.png", "network-compact.png"}
        table = rows(folder)
        assert [row["network"] for row in table] == ["vgg19", "compact"]
        hashes = [row["weights_sha256"] for row in table]
        assert hashes == [sha256_of(weights_file), sha256_of(PACKAGED)]
        # Measured alike.
        assert {row["distances_by"] for row in table} == {"vgg19, max pooling"}
        assert INSTEAD not in ran.err
        one, other = (
            pixels(f"{folder}/network-{name}.png") for name in ("vgg19", "compact")
        )
        assert np.abs(one.astype(int) - other).max() > 0

    def test_without_weights_that_is_said_once_and_gone_on_with(
        self, cli: Cli, photo: Path, style: Path, without_weights: list[str]
    ) -> None:
        arguments = ("compare", "ratio", "1,25", photo, style, *SMALL, "-o", "grid")
        assert told(cli(*arguments))
        assert {row["network"] for row in rows("grid")} == {"compact"}
        before = contents("grid")
        assert set(before) == {"ratio-1.png", "ratio-25.png"}
        assert {used(f"grid/{name}") for name in before} == {packaged()}
        ran = cli(*arguments)
        assert (ran.code, ran.out) == (0, "grid/sheet.png\n")
        assert "2 of 2 are there already" in ran.err
        assert contents("grid") == before
        assert without_weights

    @pytest.mark.usefixtures("without_weights")
    def test_it_does_not_go_on_with_another_network(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        weights_file: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        arguments = ("compare", "ratio", "1,25", photo, style, *SMALL, "-o", "grid")
        assert cli(*arguments, "--offline").code == 0
        Path("grid/ratio-25.png").unlink()
        before = contents("grid")
        monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_file))
        ran = cli(*arguments)
        assert (ran.code, ran.out) == (2, "")
        assert "grid/ratio-1.png was painted with other network: " in ran.line
        assert ran.err.splitlines() == [ran.line]
        assert contents("grid") == before
        # But with the first one it does.
        assert cli(*arguments, "--draft").code == 0
        assert used("grid/ratio-25.png") == packaged()

    @pytest.mark.usefixtures("without_weights")
    @pytest.mark.parametrize("values", ["conv4_2,conv5_2", "conv5_2,conv4_2"])
    def test_a_layer_that_only_vgg19_has_fails_alone(
        self, cli: Cli, photo: Path, style: Path, values: str
    ) -> None:
        more = (*SMALL, "-o", "grid", "--offline")
        ran = cli("compare", "content-layer", values, photo, style, *more)
        assert (ran.code, ran.out) == (1, "grid/sheet.png\n")
        assert told(ran)
        assert "artist-nst: content-layer-conv5_2: " in ran.err
        assert "1 of 2 paintings are in grid; 1 could not be painted" in ran.err
        assert set(contents("grid")) == {"content-layer-conv4_2.png"}

    def test_draft_beside_an_axis_of_networks(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        axis = ("compare", "network", "vgg19,compact")
        ran = cli(*axis, photo, style, *SMALL, "--draft")
        assert (ran.code, ran.out, files()) == (2, "", [])
        assert ran.line.startswith("artist-nst: --draft: network is what varies")

    def test_draft_of_all_cells(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        weights_files: Callable[[Architecture], Path],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_files("vgg16")))
        more = (*SMALL, "--draft", "-o", "grid")
        assert cli("compare", "recipe", "default,patel", photo, style, *more).code == 0
        assert {row["network"] for row in rows("grid")} == {"compact"}


def test_a_draft_by_another_compact_network_is_noted(
    cli: Cli,
    photo: Path,
    style: Path,
    compact_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paint = ("paint", photo, style, "-w", "200", "-n", "3", "--draft-levels", 1)
    assert cli(*paint, "-o", "a.png").code == 0
    assert "expect other pixels" not in cli("repaint", "a.png", "-n", "3").err
    monkeypatch.setattr("artist_nst.nst.compact.PACKAGED", compact_file)
    assert "expect other pixels" in cli("repaint", "a.png", "-n", "3").err
