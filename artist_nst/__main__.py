"""The program: ``artist-nst``, or ``python -m artist_nst``."""

import sys


def main() -> None:
    """Run a command, and exit with 0, 1, 2 or 130."""
    try:
        from artist_nst.cli import run

        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        # While the commands were being loaded; once they run, they hear it themselves.
        print("artist-nst: interrupted; nothing was begun", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
