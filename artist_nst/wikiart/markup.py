"""HTML of a foreign server as a tree, in linear time: what takes longer is refused.

Both html.parser and Beautiful Soup, and most uses of a tree, take quadratic time for
markup that no site has: comments and tags without an end, tags nested without end.
"""

import re
from typing import Any

from bs4 import BeautifulSoup
from bs4.builder import ParserRejectedMarkup
from bs4.builder._htmlparser import BeautifulSoupHTMLParser, HTMLParserTreeBuilder

# A page of the site has some thousands of tags, and twenty levels of them.
MAX_LENGTH = 4 << 20
MAX_TAGS = 100_000
MAX_DEPTH = 100
MAX_UNFINISHED = 100  # tags that end nowhere, each of which is read to the end

# Beautiful Soup warns of what it takes for XML.
_DECLARATION = re.compile(r"<\?xml[^>]*>?", re.IGNORECASE)
# html.parser takes all that follows these for text.
_DAMAGED_REFERENCE = re.compile(
    r"&#(?!(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6})[^0-9a-fA-F])"
)
_CLOSED_BY_NEXT = {"li", "p"}


class MarkupError(ValueError):
    """The text is no HTML, or such as no site has."""


def parse_html(text: str) -> BeautifulSoup:
    """Parse a page, or part of one.

    Raises:
        MarkupError: It is damaged, too long, or has too many tags.
    """
    if len(text) > MAX_LENGTH:
        raise MarkupError(f"{len(text):,} characters")
    plain = _DAMAGED_REFERENCE.sub("&amp;#", _DECLARATION.sub("", text))
    plain = _remove_comments(plain).replace("<![", "<")
    # So that every tag has an end.
    end = plain.rfind(">") + 1
    plain = plain[:end] + plain[end:].replace("<", "&lt;")
    try:
        # Beautiful Soup warns of what it takes for the name of a file.
        return BeautifulSoup(plain if "<" in plain else "", builder=_TreeBuilder())
    except (ParserRejectedMarkup, AssertionError, ValueError, RecursionError) as error:
        raise MarkupError(str(error)) from error


def _remove_comments(text: str) -> str:
    """Remove comments; of one that has no end, only the beginning."""
    first, *rest = text.split("<!--")
    pieces = (piece.partition("-->") for piece in rest)
    return first + "".join(after if end else start for start, end, after in pieces)


class _TreeBuilder(HTMLParserTreeBuilder):
    def feed(self, markup: Any, *_: Any) -> None:
        assert self.soup is not None
        args, settings = self.parser_args
        parser = _Parser(self.soup, *args, **settings)
        parser.feed(markup)
        parser.close()


class _Parser(BeautifulSoupHTMLParser):
    tags = 0
    unfinished = 0

    def handle_starttag(
        self,
        tag: str,
        attrs: list[tuple[str, str | None]],
        handle_empty_element: bool = True,
    ) -> None:
        self.tags += 1
        if self.tags > MAX_TAGS or len(self.soup.tagStack) > MAX_DEPTH:
            raise ParserRejectedMarkup("too many tags")
        current = self.soup.currentTag
        if tag in _CLOSED_BY_NEXT and current is not None and current.name == tag:
            self.soup.handle_endtag(tag)
        super().handle_starttag(tag, attrs, handle_empty_element)
        # It would be searched at each end tag.
        self.already_closed_empty_element.clear()

    def check_for_whole_start_tag(self, i: int) -> int:
        end = super().check_for_whole_start_tag(i)
        self.unfinished += end < 0
        if self.unfinished > MAX_UNFINISHED:
            raise ParserRejectedMarkup("tags without an end")
        return int(end)
