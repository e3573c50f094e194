"""The plain text of DOCX and HTML files, to check that a converter lost none of it."""

from __future__ import annotations

import bisect
import html.parser
import itertools
import re
from collections.abc import Iterator
from xml.etree import ElementTree

from service.adapters.parsers.cleaning import one_line
from service.adapters.parsers.package import Package
from service.domain.documents import Block, BlockKind
from service.errors import UnreadableDocument

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_PARTS = re.compile(r"word/(?:document|footnotes|endnotes|header\d*|footer\d*)\.xml\Z")
_ALTERNATIVES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_OLD = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark q s samp small span strike "
    "strong sub sup time tt u var wbr".split()
)
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_HIDDEN = frozenset("script style template noscript title svg".split())
_DEEPEST = 500


def docx_parts(package: Package) -> list[ElementTree.Element]:
    """The XML of the body, then of notes, headers and footers. Raises UnreadableDocument.

    Text boxes stand in a file twice, the second time for old programs; those are left out.
    """
    names = sorted(filter(_PARTS.match, package.names), key=lambda name: ("document" not in name, name))
    parts = [package.tree(name) for name in names]
    for part in parts:
        for parent in list(part.iter(_ALTERNATIVES)):
            for old in parent.findall(_OLD):
                parent.remove(old)
    return parts


def docx_paragraphs(parts: list[ElementTree.Element]) -> list[str]:
    """The text of all paragraphs."""
    return [text for part in parts for text in map(paragraph_text, part.iter(f"{WORD}p")) if text]


def paragraph_text(paragraph: ElementTree.Element) -> str:
    """The text of a Word paragraph, without that of text boxes."""
    return one_line("".join(map(_run_text, _runs(paragraph))))


def _runs(parent: ElementTree.Element) -> Iterator[ElementTree.Element]:
    for child in parent:
        if child.tag == f"{WORD}r":
            yield child
        elif child.tag != f"{WORD}p":
            yield from _runs(child)


def _run_text(run: ElementTree.Element) -> str:
    return "".join((node.text or "") if node.tag == f"{WORD}t" else " " for node in run if node.tag in _RUN_TEXT)


_RUN_TEXT = frozenset(f"{WORD}{name}" for name in ("t", "tab", "br", "cr"))


class Collector(html.parser.HTMLParser):
    """Collects the text between block elements, and the title."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.paragraphs: list[str] = []
        self.title = ""
        self.open: list[str] = []
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _INLINE:
            self.flush()
        if tag not in _VOID:
            self.open.append(tag)
        if len(self.open) > _DEEPEST:
            raise UnreadableDocument(
                f"The HTML is nested more than {_DEEPEST} elements deep. Close its elements, or save it as plain text."
            )

    def handle_endtag(self, tag: str) -> None:
        if tag not in _INLINE:
            self.flush()
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "title" in self.open and "svg" not in self.open:
            self.title += data
        elif not _HIDDEN.intersection(self.open):
            self._text.append(data)

    def flush(self) -> None:
        """End a paragraph."""
        text = "".join(self._text)
        self._text.clear()
        self.keep(text)

    def keep(self, text: str) -> None:
        """Take a paragraph with its white space, which may be all there is."""
        if line := one_line(text):
            self.paragraphs.append(line)

    def close(self) -> None:
        super().close()
        self.flush()


def html_paragraphs(text: str) -> tuple[list[str], str]:
    """What stands between block elements, in order, and the text of the title element.

    Raises UnreadableDocument for nesting beyond 500 elements.
    """
    collector = Collector()
    collector.feed(text)
    collector.close()
    return collector.paragraphs, one_line(collector.title)


def put_back(paragraphs: list[str], blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """The blocks, with each paragraph that none of them holds after the block that holds the one before it."""
    starts: list[int] = []
    keys: list[str] = []
    length = 0
    for block in blocks:
        starts.append(length)
        keys.append(_key(block.text))
        length += len(keys[-1])
    have = "".join(keys)
    lost: dict[int, list[Block]] = {}
    position, after = 0, -1
    for paragraph in paragraphs:
        key = _key(paragraph)
        found = have.find(key, position)
        found = found if found >= 0 else have.find(key)
        if found >= 0:
            position = found + len(key)
            after = bisect.bisect_right(starts, max(found, position - 1)) - 1
        else:
            lost.setdefault(after, []).append(Block(BlockKind.TEXT, paragraph))
    kept = [[*lost.get(-1, [])], *([block, *lost.get(index, [])] for index, block in enumerate(blocks))]
    return tuple(itertools.chain.from_iterable(kept))


def _key(text: str) -> str:
    return "".join(filter(str.isalnum, text))
