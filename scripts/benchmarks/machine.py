"""The machine, the versions and the date: what figures are worth nothing without."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

PACKAGES = "torch", "torchvision", "numpy", "scipy", "artist-nst"


def machine() -> dict[str, Any]:
    """Processor, physical cores, threads, memory in bytes, system."""
    account = _read("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", account, re.MULTILINE)
    return {
        "cpu": found[1].strip() if found else platform.processor() or "unknown",
        "cores": psutil.cpu_count(logical=False),
        "threads": os.cpu_count(),
        "memory": psutil.virtual_memory().total,
        "system": platform.platform(),
    }


def versions() -> dict[str, str]:
    """Of Python and of what computes."""
    return {
        "python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
    }


def now() -> str:
    """The time, in UTC, by ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not found"


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
