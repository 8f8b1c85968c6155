"""What a survey asks, and what raters answer."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Kind: TypeAlias = Literal["rating", "pairs"]
"""How good each painting is, or which one of two."""
Which: TypeAlias = Literal["painting", "photo", "work"]
"""The pictures of an item; photo and work are what it was painted from and after."""
WHICH: tuple[Which, ...] = get_args(Which)

SCALE = {1: "bad", 2: "poor", 3: "fair", 4: "good", 5: "excellent"}
SIDES = ("left", "right")
QUESTIONS: dict[Kind, str] = {
    "rating": "How good is this painting?",
    "pairs": "Which one is the better painting?",
}


@dataclass(frozen=True, slots=True)
class Item:
    """A painting that people are asked about.

    Attributes:
        id: Unique in the survey.
        label: Tells it from the others, for those who read the results.
        caption: After which works it was painted; "" if unknown.
        pictures: Those that the survey holds of it.
    """

    id: int
    label: str
    caption: str
    pictures: tuple[Which, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """A question to one rater.

    Attributes:
        id: Names it when it is answered.
        items: The one to rate, or the left and the right one.
        done: How many the rater has answered.
        total: How many the rater is asked.
    """

    id: str
    items: tuple[Item, ...]
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Rating:
    """How good a rater finds an item.

    Attributes:
        rater: Number in the order of first answers, from 1.
        item: Its id.
        value: One of :data:`SCALE`.
        time: In UTC, as ISO 8601.
        seconds: That the rater took, if known.
    """

    rater: int
    item: int
    value: int
    time: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Choice:
    """Which item of two a rater prefers; otherwise as :class:`Rating`."""

    rater: int
    left: int
    right: int
    chosen: int
    time: str
    seconds: float | None
