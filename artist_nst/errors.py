"""What goes wrong, said in one line that names the thing and the mend."""

from collections.abc import Iterable
from difflib import get_close_matches


class ArtistNstError(Exception):
    """A failure that the user can understand: one line, exit code 1."""


class UsageError(ArtistNstError):
    """The request itself is wrong: one line, exit code 2."""


class TooLargeError(ArtistNstError):
    """Beyond a limit of ours: the same bytes again would not help."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that names what ``name`` may have meant, or lists what there is.

    Returns:
        ``"did you mean 'conv4_2'?"`` or ``"choose from a, b, c"``.
    """
    names = list(known)
    close = get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(repr(one) for one in close)}?"
    return f"choose from {', '.join(names)}"
