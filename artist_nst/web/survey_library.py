"""The surveys in the studio's folder."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path

from artist_nst.errors import ArtistNstError
from artist_nst.surveys.store import Survey, open_survey

SUFFIX = ".db"

log = logging.getLogger(__name__)


class SurveyLibrary:
    """Surveys in one folder, known by the names of their files.

    A file is read once: what is asked never changes.

    Args:
        folder: Holds them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[Path, tuple[int, Survey]] = {}

    def make_path(self) -> Path:
        """Make the path of a new survey, whose id nobody can guess."""
        return self.folder / f"{secrets.token_hex(8)}{SUFFIX}"

    def list_surveys(self) -> dict[str, Survey]:
        """List the surveys by their ids, the one that was changed last first."""
        surveys = {}
        paths = self._list_paths()
        for id in sorted(paths, key=lambda id: -paths[id].stat().st_mtime):
            try:
                surveys[id] = self._open(paths[id])
            except ArtistNstError as error:
                log.warning("%s", error)
        return surveys

    def find(self, survey_id: str) -> Survey:
        """Return a survey.

        Raises:
            KeyError: There is none.
            ArtistNstError: It cannot be read.
        """
        return self._open(self._list_paths()[survey_id])

    def _list_paths(self) -> dict[str, Path]:
        return {path.stem: path for path in self.folder.glob(f"[!.]*{SUFFIX}")}

    def _open(self, path: Path) -> Survey:
        inode = path.stat().st_ino
        known = self._known.get(path)
        if known is None or known[0] != inode:
            known = self._known[path] = inode, open_survey(path)
        return known[1]
