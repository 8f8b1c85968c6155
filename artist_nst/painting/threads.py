"""How threads wait, which is decided before torch is loaded."""

import os


def stop_spinning() -> None:
    """Let threads that wait for long sleep, so that other paintings have their cores.

    libgomp reads this when it is loaded; what the user has set stays.
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys():
        os.environ["GOMP_SPINCOUNT"] = "1000"
