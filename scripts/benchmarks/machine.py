"""Description of the machine and of the software versions."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from artist_nst._files import get_version

PACKAGES = "torch", "torchvision", "numpy", "scipy", "artist-nst"


def describe_machine() -> dict[str, Any]:
    """Return processor, physical cores, threads, memory in bytes, system."""
    match = re.search(r"^model name\s*:\s*(.+)$", _read_cpuinfo(), re.MULTILINE)
    return {
        "cpu": match[1].strip() if match else platform.processor() or "unknown",
        "cores": psutil.cpu_count(logical=False),
        "threads": os.cpu_count(),
        "memory": psutil.virtual_memory().total,
        "system": platform.platform(),
    }


def list_versions() -> dict[str, str]:
    """Return the versions of Python and of the numerical packages."""
    versions = {name: get_version(name) or "not found" for name in PACKAGES}
    return {"python": platform.python_version(), **versions}


def format_now() -> str:
    """Return the time in UTC in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _read_cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
