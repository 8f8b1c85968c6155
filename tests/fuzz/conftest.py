"""Makes the scripts importable."""

from tests.scripts.conftest import SCRIPTS as SCRIPTS
