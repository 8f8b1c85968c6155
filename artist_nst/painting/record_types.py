"""What the record in a painting holds."""

from typing import Annotated, Any, Literal, NotRequired, Required, TypedDict

from msgspec import Meta

from artist_nst._types import Precision
from artist_nst._validation import Count, Hash, Side, Text
from artist_nst.recipes.recipe import Network

Name = Annotated[str, Meta(pattern=r"^(?!\.{1,2}$)[^/\\\0-\x1f\ud800-\udfff]{1,300}$")]
"""Of a folder within another."""


class RecordedWork(TypedDict):
    """A work of an artist."""

    artist: Text
    corpus: Name
    id: Text
    title: Text
    year: Text | None
    rights: Text | None


class RecordedPicture(TypedDict):
    """A photo.

    ``path`` is as it was typed, a file's name alone if paths are not kept, or None
    for an image in memory.
    """

    path: Text | None
    sha256: Hash
    width: Side
    height: Side


class RecordedStyle(RecordedPicture):
    """A style image; a work is named by its corpus and id, not by a path.

    ``share`` is how much of the painting is after it, where that is known.
    """

    weight: Annotated[float, Meta(ge=0, le=1e300)]
    work: RecordedWork | None
    share: NotRequired[float]


class RecordedRegion(TypedDict):
    """A part of a painting (:class:`artist_nst.painting.regions.MaskedStyle`).

    Attributes:
        mask: None for what no other mask covers.
        styles: Which of the record's it is after; none if it is as photographed.
        style_mask: Which part of the style counts, if not all.
        strength: Of the style, relative to the recipe's.
    """

    mask: RecordedPicture | None
    styles: list[Count]
    style_mask: RecordedPicture | None
    strength: Annotated[float, Meta(ge=0, le=1e15)]


class RecordedNetwork(TypedDict):
    """A network, and its weights with the input that they expect."""

    name: Network
    sha256: Text
    input: Literal["torchvision", "oxford"]
    draft_sha256: NotRequired[Text | None]


class RecordedLevel(TypedDict, total=False):
    """A level (:class:`artist_nst.nst.level.LevelInfo`)."""

    width: Side
    height: Side
    network: Network
    precision: Precision
    optimizer: Required[Text]
    rows: Count | None
    history: Count


class RecordedLosses(TypedDict):
    """Losses (:class:`artist_nst.nst.objective.Losses`)."""

    total: float
    content: float
    style: float
    tv: float
    neighbors: NotRequired[float]
    matting: NotRequired[float]


class RecordedDistances(TypedDict):
    """Distances (:class:`artist_nst.nst.distance.Distances`)."""

    content: float | None
    style: float | None
    grams: dict[str, float]
    network: NotRequired[Text]


class Record(TypedDict):
    """How a painting was made. Earlier versions did not record all of it.

    Attributes:
        format: Of the record: 1.
        corpora: The folder of corpora, if one was given.
        recipe: :meth:`artist_nst.recipes.recipe.Recipe.to_dict`.
        size: Width and height in pixels.
        computed: The completed levels.
        stopped: Why each level stopped.
        history: Of some iterations, ``[iteration, total, content, style, tv, seconds,
            neighbors]``.
        job: The key of the batch's job, if it is one's finished painting.
        regions: Its parts by masks, if it has some.
        protect_faces: Whether its faces have the photo's features.
        segmented: Whether photo and works were segmented alike.
    """

    artist_nst: Text | None
    format: int
    painted: Text
    content: RecordedPicture
    styles: Annotated[list[RecordedStyle], Meta(min_length=1, max_length=10_000)]
    corpora: Text | None
    recipe: dict[str, Any]
    seed: Count
    size: Annotated[list[Side], Meta(min_length=2, max_length=2)]
    network: RecordedNetwork
    device: Annotated[str, Meta(pattern=r"^[a-z]")]
    precision: NotRequired[Precision]
    computed: list[RecordedLevel]
    versions: dict[str, str | None]
    stopped: list[Text]
    iterations: Count
    evaluations: Count
    losses: NotRequired[RecordedLosses]
    distances: RecordedDistances | None
    history: list[list[float]]
    seconds: float
    job: NotRequired[Text]
    regions: NotRequired[Annotated[list[RecordedRegion], Meta(max_length=1000)]]
    protect_faces: NotRequired[bool]
    segmented: NotRequired[bool]
