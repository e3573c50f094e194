"""The tree of headings of a document, flattened into sections in reading order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from service.domain.documents import Block, BlockKind, ParsedDocument


@dataclass(slots=True)
class Section:
    """A heading (its block's index, None before the first heading) and the blocks below it up to the next.

    above holds the titles above the heading, outermost first; path also the heading's own, and the body stands
    under it. parent is the block of the heading above: sections with an equal one are siblings.
    """

    above: tuple[str, ...]
    path: tuple[str, ...]
    heading: int | None
    parent: int | None
    body: list[int] = field(default_factory=list[int])
    has_children: bool = False

    def blocks(self) -> list[int]:
        """The heading, if there is one, and the body."""
        return self.body if self.heading is None else [self.heading, *self.body]


def sections(parsed: ParsedDocument) -> list[Section]:
    """Every block belongs to exactly one section."""
    title = (one_line(parsed.title),) if parsed.title.strip() else ()
    found = [Section(title, title, None, None)]
    stack: list[tuple[int, Section]] = []
    for index, block in enumerate(parsed.blocks):
        if block.kind is BlockKind.HEADING:
            while stack and stack[-1][0] >= block.level:
                stack.pop()
            section = _open(block, index, stack[-1][1] if stack else found[0])
            found.append(section)
            stack.append((block.level, section))
        else:
            found[-1].body.append(index)
    return [section for section in found if section.blocks()]


def _open(block: Block, index: int, above: Section) -> Section:
    above.has_children = True
    text = one_line(block.text)
    repeats_title = above.heading is None and len(above.path) == 1 and above.path[0].casefold() == text.casefold()
    return Section(above.path, above.path if repeats_title else (*above.path, text), index, above.heading)


def runs_of_siblings(all_sections: list[Section], small: list[bool]) -> Iterator[list[int]]:
    """Indexes of neighbouring sections that are small, have no children and share a parent; all others alone."""
    run: list[int] = []
    for index, section in enumerate(all_sections):
        mergeable = small[index] and not section.has_children and section.heading is not None
        if run and not (mergeable and all_sections[run[-1]].parent == section.parent):
            yield run
            run = []
        run.append(index)
        if not mergeable:
            yield run
            run = []
    if run:
        yield run


def one_line(text: str) -> str:
    """The text with every run of white space as one space."""
    return " ".join(text.split())
