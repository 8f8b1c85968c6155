"""All that the pages share: the folder, what is in it, and the work in progress."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from artist_nst.corpus.works import check_corpora_folder, choose_corpora_folder
from artist_nst.web.artists import ArtistLibrary
from artist_nst.web.fetches import Fetcher
from artist_nst.web.folder import StudioFolder
from artist_nst.web.paintings import PaintingLibrary
from artist_nst.web.photos import PhotoStore
from artist_nst.web.queue import PaintingQueue
from artist_nst.web.requests import RequestChecker
from artist_nst.web.signals import ChangeSignal
from artist_nst.web.survey_library import SurveyLibrary
from artist_nst.web.thumbnails import Thumbnails

if TYPE_CHECKING:
    from artist_nst.painting.compute import ComputeOptions


@dataclass
class Studio:
    """The studio's parts.

    Args:
        root: The folder of paintings.
        corpora: The folder of corpora; looked for as the README says if None.
        compute: Where to compute.
        is_local: Whether only this machine reaches it: then pictures may be adopted
            from any folder of it.

    Raises:
        UsageError: A folder cannot be used.
    """

    root: Path
    corpora: Path | None
    compute: ComputeOptions
    is_local: bool = True
    signal: ChangeSignal = field(default_factory=ChangeSignal)

    is_closing: bool = False

    def __post_init__(self) -> None:
        self.folder = StudioFolder(self.root)
        corpora = choose_corpora_folder(self.corpora).absolute()
        check_corpora_folder(corpora)
        notify = self.signal.notify
        self.photos = PhotoStore(self.folder.photos)
        self.masks = PhotoStore(self.folder.masks)
        self.artists = ArtistLibrary(corpora)
        self.paintings = PaintingLibrary(self.folder.root, self.folder.comparisons)
        self.surveys = SurveyLibrary(self.folder.surveys)
        self.thumbnails = Thumbnails(self.folder.thumbnails)
        self.queue = PaintingQueue(self.folder.root, self.compute, notify)
        self.fetcher = Fetcher(corpora, notify)
        self.checker = RequestChecker(
            self.folder.root, self.photos, self.masks, self.artists
        )

    def start(self) -> None:
        """Start the painter and the fetcher."""
        self.queue.start()
        self.fetcher.start()

    def end_streams(self) -> None:
        """End the streams of events, which would go on for ever."""
        self.is_closing = True
        self.signal.notify()

    def close(self) -> None:
        """Stop both; what is painted is kept as it is."""
        self.end_streams()
        self.fetcher.close()
        self.queue.close()
