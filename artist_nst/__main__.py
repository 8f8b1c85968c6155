"""Entry point of ``artist-nst`` and ``python -m artist_nst``."""

import sys


def main() -> None:
    """Run the command line of this process, and exit with its code."""
    try:
        from artist_nst.cli import run

        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        # Ctrl-C during the imports; later, run() handles it.
        print("artist-nst: interrupted before it started", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
