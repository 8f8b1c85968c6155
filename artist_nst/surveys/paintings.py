"""The paintings in a folder, and the labels that tell them apart."""

from __future__ import annotations

import csv
import logging
import os
from collections import Counter
from pathlib import Path

from artist_nst._files import is_picture_file, list_folder
from artist_nst.painting.output_names import EXPLANATION, TABLE
from artist_nst.surveys.references import is_sheet

log = logging.getLogger(__name__)


def list_paintings(folder: Path) -> dict[Path, str]:
    """List the paintings in a folder with their labels.

    Of a comparison, they are those in its table, labeled by what varies; elsewhere, all
    pictures, labeled by their names.

    Raises:
        ArtistNstError: The folder cannot be read.
    """
    names = list_folder(folder)
    labels = _read_table(folder / TABLE) if TABLE in names else {}
    return {folder / name: label for name, label in labels.items()} or {
        folder / name: label
        for name, label in _label_files(folder, names).items()
        if not is_sheet(folder / name)
    }


def _read_table(path: Path) -> dict[str, str]:
    """Map the files in a comparison's table to labels as ``style scale 1.2, ratio 5``.

    Columns before the file's name are what varies.
    """
    labels = {}
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                columns = list(row)
                varied = columns[: columns.index("file")]
                pairs = (f"{name.replace('-', ' ')} {row[name]}" for name in varied)
                file = row["file"] or ""
                if file == os.path.basename(file) and not file.startswith("."):
                    labels[file] = ", ".join(pairs) or Path(file).stem
    except (OSError, ValueError, csv.Error) as error:
        log.warning("%s is not the table of a comparison (%s)", path, error)
        return {}
    return labels


def _label_files(folder: Path, names: list[str]) -> dict[str, str]:
    files = [
        name
        for name in names
        if not name.endswith(EXPLANATION) and is_picture_file(folder / name)
    ]
    stems = Counter(Path(name).stem for name in files)
    return {
        name: name if stems[Path(name).stem] > 1 else Path(name).stem for name in files
    }
