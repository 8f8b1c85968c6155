"""A studio in a process of its own, and Chromium to look at it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    expect,
    sync_playwright,
)

START_SECONDS = 60
# A page on a busy machine may take a while; tests do not assert on time.
expect.set_options(timeout=30_000)


class StudioProcess:
    """``artist-nst web`` on a free port.

    Attributes:
        url: Its address, without the last slash.
        folder: Holds the paintings.
    """

    def __init__(self, folder: Path, corpora: Path, *more: str) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "artist_nst", "web", "-o", str(folder)]
        command += ["--corpora", str(corpora), "--port", "0", "--no-browser", *more]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        self.stdout = self.process.stdout
        self.url = self.stdout.readline().strip().rstrip("/")
        assert self.url.startswith("http://"), self.url

    def stop(self) -> int:
        """End it as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(START_SECONDS)
        self.stdout.close()
        return code


@contextmanager
def open_studio(folder: Path, corpora: Path, *more: str) -> Iterator[StudioProcess]:
    studio = StudioProcess(folder, corpora, *more)
    try:
        yield studio
    finally:
        if studio.process.poll() is None:
            studio.stop()


def find_chromium() -> str:
    names = "chromium", "chromium-browser", "google-chrome"
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not installed")
        pytest.skip("chromium is not installed")
    return found


@contextmanager
def open_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


class Watched:
    """A page whose scripts must not fail, and that must load nothing from elsewhere.

    Attributes:
        page: The page.
        problems: What went wrong.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", self._add_error)
        page.on("console", self._add_message)
        page.on(
            "request",
            lambda request: (
                request.url.startswith((url, "data:", "blob:"))
                or self.problems.append(f"loads {request.url}")
            ),
        )

    def _add_error(self, error: Error) -> None:
        self.problems.append(str(error))

    def _add_message(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.problems.append(message.text)
