"""A survey in its file: ask raters, and keep their answers.

Any number of threads and processes may use one file: each call has a connection of its
own, and returns after its changes are on the disk.
"""

from __future__ import annotations

import math
import re
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from artist_nst._files import format_error, format_path
from artist_nst._types import PathLike
from artist_nst._validation import validate
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.surveys.database import check_database, connect, transaction
from artist_nst.surveys.order import choose_pair, count_tasks, shuffle_items
from artist_nst.surveys.survey import (
    SCALE,
    SIDES,
    WHICH,
    Choice,
    Item,
    Kind,
    Rating,
    Task,
    Which,
)


class _Content(TypedDict):
    kind: Kind
    title: str
    question: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """A survey in a file.

    Attributes:
        path: The file.
        kind: What is asked.
        title: For people.
        question: For people.
        items: The paintings, ordered by id.
    """

    path: Path
    kind: Kind
    title: str
    question: str
    items: tuple[Item, ...]

    def get_picture(self, item_id: int, which: Which) -> bytes | None:
        """Get a picture of an item as JPEG, or None if there is none."""
        pictures = {item.id: item.pictures for item in self.items}
        if which not in pictures.get(item_id, ()):
            return None
        query = (
            f"SELECT jpeg FROM picture JOIN item ON sha256 = {which} WHERE item.id = ?"
        )
        with connect(self.path) as database:
            jpeg: bytes = database.execute(query, [item_id]).fetchone()[0]
        return jpeg

    def next_task(self, rater: str) -> Task | None:
        """Return what to ask a rater next, or None after the last answer.

        A rater who comes back is asked the same again, in an order of their own.

        Args:
            rater: Of 32 hexadecimal digits, from ``secrets.token_hex(16)``.

        Raises:
            UsageError: It is no such id.
        """
        _check_rater(rater)
        total = count_tasks(self.kind, len(self.items))
        if self.kind == "pairs":
            return self._next_pair(rater, total)
        with connect(self.path) as database:
            rows = database.execute("SELECT item FROM rating WHERE rater = ?", [rater])
            rated = {item for (item,) in rows}
        for item in shuffle_items(rater, self.items):
            if item.id not in rated:
                return Task(str(item.id), (item,), len(rated), total)
        return None

    def _next_pair(self, rater: str, total: int) -> Task | None:
        with connect(self.path) as database:
            asked = _list_pairs(database, rater)
        done = sum(asked.values())
        if done == len(asked):
            if done >= total:
                return None
            asked = self._ask_pair(rater)
        pair = next(pair for pair, is_answered in asked.items() if not is_answered)
        items = {item.id: item for item in self.items}
        left, right = pair
        return Task(f"{left}-{right}", (items[left], items[right]), done, total)

    def _ask_pair(self, rater: str) -> dict[tuple[int, int], bool]:
        """Choose another pair for a rater, and return all that the rater was asked."""
        with transaction(self.path) as database:
            asked = _list_pairs(database, rater)
            if all(asked.values()):  # else another request of the rater was faster
                rows = database.execute(
                    "SELECT left_item, right_item, COUNT(chosen), COUNT(*) FROM choice "
                    "GROUP BY left_item, right_item"
                )
                counts = {(left, right): more for left, right, *more in rows}
                ids = [item.id for item in self.items]
                pair = choose_pair(rater, ids, asked, counts)
                database.execute(
                    "INSERT INTO choice (rater, left_item, right_item) "
                    "VALUES (?, ?, ?)",
                    [rater, *pair],
                )
                asked[pair] = False
        return asked

    def add_answer(
        self,
        rater: str,
        task_id: str,
        value: int | str,
        seconds: float | None = None,
    ) -> None:
        """Keep an answer, on the disk when this returns; the last one to a task counts.

        Args:
            rater: Their id.
            task_id: Of the task that :meth:`next_task` gave.
            value: 1 to 5, or ``left`` or ``right``; a number may be text.
            seconds: That the rater took.

        Raises:
            UsageError: An argument is none of these.
        """
        _check_rater(rater)
        if seconds is not None and not (math.isfinite(seconds) and seconds >= 0):
            raise UsageError(f"an answer cannot take {seconds} seconds")
        values = SIDES if self.kind == "pairs" else [str(number) for number in SCALE]
        if str(value) not in values:
            raise UsageError(
                f"{value!r} is no answer: it must be {' or '.join(values)}"
            )
        ids = self._parse_task(task_id)
        when = datetime.now(UTC).isoformat(timespec="seconds")
        with transaction(self.path) as database:
            if self.kind == "pairs":
                chosen = ids[SIDES.index(str(value))]
                cursor = database.execute(
                    "UPDATE choice SET chosen = ?, time = ?, seconds = ? "
                    "WHERE rater = ? AND left_item = ? AND right_item = ?",
                    [chosen, when, seconds, rater, *ids],
                )
                if not cursor.rowcount:
                    raise _unknown_task_error(task_id)
            database.execute("INSERT OR IGNORE INTO rater (id) VALUES (?)", [rater])
            if self.kind == "rating":
                database.execute(
                    "INSERT OR REPLACE INTO rating VALUES (?, ?, ?, ?, ?)",
                    [rater, *ids, int(value), when, seconds],
                )

    def _parse_task(self, task_id: str) -> list[int]:
        """Return the ids of a task's items."""
        known = {str(item.id): item.id for item in self.items}
        parts = task_id.split("-")
        count = 2 if self.kind == "pairs" else 1
        if len(parts) != count or not known.keys() >= {*parts}:
            raise _unknown_task_error(task_id)
        return [known[part] for part in parts]

    def list_ratings(self) -> list[Rating]:
        """List the answers of a rating survey, by rater and item."""
        query = (
            "SELECT number, item, value, time, seconds FROM rating "
            "JOIN rater ON rater.id = rating.rater ORDER BY number, item"
        )
        with connect(self.path) as database:
            return [Rating(*row) for row in database.execute(query)]

    def list_choices(self) -> list[Choice]:
        """List the answers of a survey of pairs, by rater and in their order."""
        query = (
            "SELECT number, left_item, right_item, chosen, time, seconds FROM choice "
            "JOIN rater ON rater.id = choice.rater WHERE chosen IS NOT NULL "
            "ORDER BY number, choice.rowid"
        )
        with connect(self.path) as database:
            return [Choice(*row) for row in database.execute(query)]


def open_survey(path: PathLike) -> Survey:
    """Open a survey that :func:`~artist_nst.surveys.creation.create_survey` made.

    Raises:
        ArtistNstError: The file is no survey, damaged, or of a newer version.
    """
    check_database(path)
    with connect(path) as database:
        database.row_factory = sqlite3.Row
        header = database.execute("SELECT * FROM survey").fetchone()
        items = [
            {
                "id": row["id"],
                "label": row["label"],
                "caption": row["caption"],
                "pictures": [which for which in WHICH if row[which] is not None],
            }
            for row in database.execute("SELECT * FROM item ORDER BY id")
        ]
    try:
        content = validate({**dict(header or ()), "items": items}, _Content)
    except ValueError as error:
        raise ArtistNstError(
            f"{format_path(path)} is damaged ({format_error(error)}): use a copy of it"
        ) from error
    return Survey(Path(path).absolute(), **content)


def _list_pairs(
    database: sqlite3.Connection, rater: str
) -> dict[tuple[int, int], bool]:
    """Map the pairs that a rater was asked, left first, to whether it is answered."""
    rows = database.execute(
        "SELECT left_item, right_item, chosen FROM choice WHERE rater = ?", [rater]
    )
    return {(left, right): chosen is not None for left, right, chosen in rows}


def _check_rater(rater: str) -> None:
    if not re.fullmatch("[0-9a-f]{32}", rater):
        raise UsageError(
            f"{rater!r} is no rater: an id has 32 hexadecimal digits, as "
            "secrets.token_hex(16) makes them"
        )


def _unknown_task_error(task_id: str) -> UsageError:
    return UsageError(f"{task_id!r} is no task of this rater: ask for the next one")
