"""The compact network on the command line: in VGG-19's place, or on purpose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from artist_nst._files import hash_file
from artist_nst.nst.compact import PACKAGED_FILE
from artist_nst.painting.record import load_record
from artist_nst.recipes.recipe import Architecture
from tests.cli.conftest import TINY, Cli, Ran, files, pixels, read_paintings, read_rows

DEEP = ("--content-layer", "conv5_2")
INSTEAD = "the compact network paints instead"


def get_network(path: Path | str) -> tuple[str, str, str]:
    """Get a painting's network, its recipe's, and the weights' hash."""
    record = load_record(path)
    network = record["network"]
    return network["name"], record["recipe"]["network"], network["sha256"]


def compact(path: Path = PACKAGED_FILE) -> tuple[str, str, str]:
    return "compact", "compact", hash_file(path)


def vgg19(path: Path) -> tuple[str, str, str]:
    return "vgg19", "vgg19", hash_file(path)


def warning(ran: Ran) -> str:
    """The one line that says what paints instead of VGG-19."""
    (line,) = [line for line in ran.err.splitlines() if "instead" in line]
    assert INSTEAD in line
    assert "`artist-nst weights`" in line
    return line


class TestInPlaceOfVgg19:
    def test_it_paints_and_says_how_to_get_better(
        self, cli: Cli, photo: Path, style: Path, without_weights: list[str]
    ) -> None:
        for more in (("--offline",), (), ("--network", "auto")):
            ran = cli("paint", photo, style, *TINY, *more, "-o", "a.png")
            assert (ran.code, ran.out) == (0, "a.png\n")
            assert get_network("a.png") == compact()
            assert "artist-nst: " not in ran.err
            is_offline = "--offline" in more
            assert ("offline nothing is downloaded" in warning(ran)) == is_offline
            assert (without_weights == []) == is_offline
            assert "the compact network\n" in ran.err
        ran = cli("paint", photo, style, *TINY, "-q", "-o", "a.png")
        assert ran.code == 0
        assert ran.err.splitlines() == [warning(ran)]
        assert ran.line == warning(ran)

    def test_vgg19_is_named_where_it_painted(
        self, cli: Cli, photo: Path, style: Path, weights_file: Path
    ) -> None:
        ran = cli("paint", photo, style, *TINY, "-o", "a.png")
        assert "VGG-19\n" in ran.err
        assert "compact" not in ran.err
        assert get_network("a.png") == vgg19(weights_file)

    @pytest.mark.usefixtures("without_weights")
    def test_what_is_not_replaced(self, cli: Cli, photo: Path, style: Path) -> None:
        for more in (("--network", "vgg19"), ("--recipe", "premamayudu")):
            ran = cli("paint", photo, style, *TINY, *more)
            assert ran.code == 1
            assert "--network compact" in ran.line
            assert INSTEAD not in ran.err
        # A layer that only VGG-19 has: one line, which does not say that it paints.
        ran = cli("paint", photo, style, *TINY, *DEEP, "-q")
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.splitlines() == [ran.line]
        for word in ("VGG-19's weights", "compact has no 'conv5_2'", "'conv5_1'"):
            assert word in ran.line
        assert files() == []

    def test_a_compact_network_where_a_vgg_is_looked_for(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        compact_file: Path,
        without_weights: list[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(compact_file))
        for more in ((), ("--network", "vgg19")):
            ran = cli("paint", photo, style, *TINY, *more, "-q")
            assert (ran.code, ran.out, files()) == (1, "", [])
            assert ran.err.splitlines() == [ran.line]
            assert compact_file.name in ran.line
            assert "--network compact" in ran.line
        assert without_weights == []
        # As the message says.
        more = ("--network", "compact", "--weights", compact_file, "-o", "a.png")
        assert cli("paint", photo, style, *TINY, *more).code == 0
        assert get_network("a.png") == compact(compact_file)

    def test_a_broken_file_is_not_replaced(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        weights_file: Path,
        without_weights: list[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        Path("cut.safetensors").write_bytes(weights_file.read_bytes()[:-100])
        for command, *arguments in (("paint", photo, style, *TINY), ("doctor",)):
            for name in ("cut.safetensors", "missing.pth"):
                monkeypatch.setenv("ARTIST_NST_WEIGHTS", name)
                by_variable = cli(command, *arguments)
                monkeypatch.delenv("ARTIST_NST_WEIGHTS")
                by_option = cli(command, *arguments, "--weights", name)
                for ran in (by_variable, by_option):
                    assert ran.code == (0 if command == "doctor" else 1)
                    assert name in (ran.out if command == "doctor" else ran.line)
                    assert "compact" not in ran.out + ran.err
        assert files() == ["cut.safetensors"]
        assert without_weights == []

    def test_reconstructions(
        self, cli: Cli, photo: Path, without_weights: list[str]
    ) -> None:
        more = ("--layer", "conv2_1", "-o", "layers", "-w", 48, "-n", 1)
        ran = cli("reconstruct", photo, *more)
        assert (ran.code, ran.out) == (0, "layers/sheet.png\n")
        assert warning(ran)
        paintings = read_paintings("layers")
        assert set(paintings) == {"content-conv2_1.png", "style-conv2_1.png"}
        assert {get_network(f"layers/{name}") for name in paintings} == {compact()}
        assert without_weights


class TestOnPurpose:
    def test_no_file_of_vgg_is_read(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        without_weights: list[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        Path("bad.pth").write_text("no tensors")
        monkeypatch.setenv("ARTIST_NST_WEIGHTS", "bad.pth")
        for more in (("--draft",), ("--network", "compact")):
            ran = cli("paint", photo, style, *TINY, *more, "-o", "a.png")
            assert ran.code == 0, ran.err
            assert get_network("a.png") == compact()
            assert INSTEAD not in ran.err
        assert cli("paint", photo, style, *TINY).code == 1
        assert without_weights == []

    def test_draft_though_vgg19_is_here(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        paint = ("paint", photo, style, *TINY, "--seed", 1)
        options = ("--draft",), ("--network", "compact")
        for number, more in enumerate((*options, options[0] + options[1])):
            assert cli(*paint, *more, "-o", f"{number}.png").code == 0
            assert get_network(f"{number}.png") == compact()
        # A draft is shorter, too.
        assert (pixels("0.png") == pixels("2.png")).all()
        levels = [load_record(f"{n}.png")["recipe"]["levels"] for n in (0, 1)]
        assert len(levels[0]) < len(levels[1])
        # In place of the network that a recipe names, too.
        more = ("--recipe", "premamayudu", "--draft", "-o", "a.png")
        assert cli(*paint, *more).code == 0
        assert get_network("a.png") == compact()
        assert load_record("a.png")["recipe"]["name"] == "premamayudu"

    def test_levels_as_drafts(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        compact_file: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        paint = ("paint", photo, style, "-w", "192", "-n", "6", "--seed", 1)
        ran = cli(*paint, "-o", "a.png")
        assert ran.code == 0
        assert "with VGG-19 and the compact network\n" in ran.err
        record = load_record("a.png")
        painters = [level["network"] for level in record["computed"]]
        assert painters == ["vgg19", "compact", "compact", "vgg19"]
        optimizers = [level["optimizer"] for level in record["computed"]]
        assert optimizers == [
            "lbfgs-clipped",
            "lbfgs-device",
            "lbfgs-device",
            "lbfgs-clipped",
        ]
        assert record["network"]["name"] == "vgg19"
        assert record["network"]["draft_sha256"] == hash_file(PACKAGED_FILE)
        assert record["recipe"]["draft_levels"] == 2
        ran = cli("repaint", "a.png", "-o", "b.png")
        assert ran.code == 0
        assert "the pixels will differ" not in ran.err
        assert (pixels("a.png") == pixels("b.png")).all()
        # It lacks this layer, so it cannot paint drafts.
        for more in (("--draft-levels", 0), ("--style-layer", "conv5_2")):
            ran = cli(*paint, *more, "-o", "c.png")
            assert ran.code == 0
            assert ("compact network lacks" in ran.err) == ("conv5_2" in more)
            assert load_record("c.png")["network"]["draft_sha256"] is None
            assert (pixels("a.png") != pixels("c.png")).any()
        # Another compact network is noted.
        monkeypatch.setattr("artist_nst.nst.compact.PACKAGED_FILE", compact_file)
        ran = cli("repaint", "a.png", "-o", "d.png")
        assert "the pixels will differ" in ran.err

    def test_refused_in_one_line(self, cli: Cli, photo: Path, style: Path) -> None:
        for text, words in (
            ("--draft-levels 4", "--draft-levels must be a number from 0 to 3"),
            ("--recipe art.py --draft-levels 1", "a number from 0 to 0"),
            ("--draft --network vgg16", "leave out --draft or"),
            ("--draft --network auto", "leave out --draft or"),
            ("--draft --draft-levels 1", "--draft-levels"),
            ("--draft --content-layer conv5_2", "'conv5_1'"),
            ("--draft --style-layer conv5_4", "'conv5_1'"),
        ):
            ran = cli("paint", photo, style, *TINY, *text.split(), "-q")
            assert (ran.code, ran.out, files()) == (2, "", []), text
            assert words in ran.line, text
            assert ran.err.splitlines() == [ran.line]
        more = ("--network", "compact", "--weights", "typo.safetensors")
        ran = cli("paint", photo, style, *TINY, *more)
        assert (ran.code, files()) == (1, [])
        assert "typo.safetensors" in ran.line

    def test_a_compact_network_of_ones_own(
        self, cli: Cli, photo: Path, style: Path, compact_file: Path
    ) -> None:
        own = ("--weights", compact_file)
        for more in ((), ("--network", "compact"), ("--draft",)):
            ran = cli("paint", photo, style, *TINY, *own, *more, "-o", "a.png")
            assert ran.code == 0, ran.err
            assert get_network("a.png") == compact(compact_file)
            assert INSTEAD not in ran.err
            assert "packaged" not in ran.err
        ran = cli("doctor", *own)
        assert ran.code == 0
        assert compact_file.name in ran.out
        assert "unusable" not in ran.out
        # The painting is repainted with it, or else that is noted.
        ran = cli("repaint", "a.png", *own, "-o", "b.png")
        assert ran.code == 0
        assert "the pixels will differ" not in ran.err
        assert (pixels("a.png") == pixels("b.png")).all()
        ran = cli("repaint", "a.png", "-o", "c.png")
        assert ran.code == 0
        assert "the pixels will differ" in ran.err
        assert get_network("c.png") == compact()

    def test_a_note_if_the_weights_are_of_a_vgg(
        self, cli: Cli, photo: Path, style: Path, weights_file: Path
    ) -> None:
        more = ("--network", "compact", "--weights", weights_file, "-o", "a.png")
        ran = cli("paint", photo, style, *TINY, *more)
        assert ran.code == 0
        assert get_network("a.png") == compact()
        (note,) = [line for line in ran.err.splitlines() if weights_file.name in line]
        assert "the packaged one" in note


class TestRepaint:
    def test_of_the_compact_network_though_vgg19_is_here_now(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        without_weights: list[str],
        weights_file: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        assert cli("paint", photo, style, *TINY, "-o", "a.png").code == 0
        assert get_network("a.png") == compact()
        assert without_weights
        monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_file))
        ran = cli("repaint", "a.png", "-o", "b.png")
        assert ran.code == 0
        assert (pixels("a.png") == pixels("b.png")).all()
        assert get_network("b.png") == compact()
        assert "the pixels will differ" not in ran.err
        for network in ("auto", "vgg19"):
            ran = cli("repaint", "a.png", "--network", network, "-o", "c.png")
            assert ran.code == 0
            assert get_network("c.png") == vgg19(weights_file)
            assert (pixels("a.png") != pixels("c.png")).any()

    def test_of_vgg19_without_its_weights(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        weights_file: Path,
        without_weights: list[str],
    ) -> None:
        more = ("--weights", weights_file, "-o", "a.png")
        assert cli("paint", photo, style, *TINY, *more).code == 0
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
            assert get_network("b.png") == compact()


class TestCompare:
    def test_both_networks_side_by_side(
        self, cli: Cli, photo: Path, style: Path, weights_file: Path
    ) -> None:
        ran = cli("compare", "network", "vgg19,compact", photo, style, *TINY)
        assert ran.code == 0
        folder = Path(ran.out.strip()).parent
        assert set(read_paintings(folder)) == {
            "network-vgg19.png",
            "network-compact.png",
        }
        rows = read_rows(folder)
        assert [row["network"] for row in rows] == ["vgg19", "compact"]
        hashes = [row["weights_sha256"] for row in rows]
        assert hashes == [hash_file(weights_file), hash_file(PACKAGED_FILE)]
        # One network measures both.
        assert {row["distances_by"] for row in rows} == {"vgg19, max pooling"}
        assert INSTEAD not in ran.err
        first, second = (pixels(folder / name) for name in read_paintings(folder))
        assert np.abs(first.astype(int) - second).max() > 0

    @pytest.mark.usefixtures("without_weights")
    def test_without_weights_it_continues_with_the_same_network(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        weights_file: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        arguments = ("compare", "ratio", "1,25", photo, style, *TINY, "-o", "grid")
        assert warning(cli(*arguments))
        assert {row["network"] for row in read_rows("grid")} == {"compact"}
        before = read_paintings("grid")
        assert set(before) == {"ratio-1.png", "ratio-25.png"}
        assert {get_network(f"grid/{name}") for name in before} == {compact()}
        ran = cli(*arguments, "--offline")
        assert (ran.code, ran.out) == (0, "grid/sheet.png\n")
        assert "2 of 2" in ran.err
        assert read_paintings("grid") == before
        # Not with VGG-19, once its weights are here.
        Path("grid/ratio-25.png").unlink()
        before = read_paintings("grid")
        monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_file))
        ran = cli(*arguments)
        assert (ran.code, ran.out) == (2, "")
        assert "grid/ratio-1.png" in ran.line
        assert "other network" in ran.line
        assert ran.err.splitlines() == [ran.line]
        assert read_paintings("grid") == before
        assert cli(*arguments, "--network", "compact").code == 0
        assert get_network("grid/ratio-25.png") == compact()

    @pytest.mark.usefixtures("without_weights")
    def test_a_layer_that_only_vgg19_has_fails_alone(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        for values in ("conv4_2,conv5_2", "conv5_2,conv4_2"):
            more = (*TINY, "-o", values, "--offline")
            ran = cli("compare", "content-layer", values, photo, style, *more)
            assert (ran.code, ran.out) == (1, f"{values}/sheet.png\n")
            assert warning(ran)
            assert "artist-nst: content-layer-conv5_2: " in ran.err
            assert "1 could not be painted" in ran.err
            assert set(read_paintings(values)) == {"content-layer-conv4_2.png"}

    def test_draft_of_all_paintings(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        weights_files: Callable[[Architecture], Path],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Though the recipes name other networks, whose weights are here."""
        monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_files("vgg16")))
        more = (*TINY, "--draft", "-o", "grid")
        assert cli("compare", "recipe", "default,patel", photo, style, *more).code == 0
        assert {row["network"] for row in read_rows("grid")} == {"compact"}
