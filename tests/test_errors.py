"""Hints: what a name may have meant, or what there is."""

import pytest

from artist_nst.errors import ArtistNstError, UsageError, suggest

LAYERS = ("conv4_1", "conv4_2", "conv5_1", "pool3")


def test_usage_is_a_failure_too() -> None:
    assert issubclass(UsageError, ArtistNstError)
    assert issubclass(ArtistNstError, Exception)


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("pol3", LAYERS, "did you mean 'pool3'?"),
        ("lbgfs", ["lbfgs", "adam"], "did you mean 'lbfgs'?"),
        ("adam", ["adam"], "did you mean 'adam'?"),
        ("xyz", LAYERS, "choose from conv4_1, conv4_2, conv5_1, pool3"),
        ("", ["lbfgs", "adam"], "choose from lbfgs, adam"),
        ("xyz", {"a": 1, "b": 2}, "choose from a, b"),
        ("xyz", iter("ab"), "choose from a, b"),
        ("abcd", iter(["abce"]), "did you mean 'abce'?"),
    ],
)
def test_nearest(name: str, known: tuple[str, ...], hint: str) -> None:
    assert suggest(name, known) == hint


def test_nearest_names_three_at_most_best_first() -> None:
    known = [f"conv{block}_{number}" for block in range(1, 6) for number in (1, 2)]
    hint = suggest("conv4_3", known)
    assert hint.startswith("did you mean 'conv4_")
    assert hint.count(" or ") == 2
    assert "'conv4_1'" in hint
    assert "'conv4_2'" in hint
