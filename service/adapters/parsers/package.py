"""Office Open XML packages: checked before anything is unpacked, then read part by part."""

from __future__ import annotations

import base64
import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from service.adapters.parsers.cleaning import one_line
from service.errors import UnreadableDocument

_MOST_UNPACKED = 256 * 1024 * 1024
_SMALL = 32 * 1024 * 1024
_HIGHEST_RATIO = 200
_MOST_PARTS = 10_000
_ENCRYPTED = 0x1
_PROLOG = 64 * 1024
_MEDIA = re.compile(r"/media/[^/]+\Z")
_DOT = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==")
_RELATIONSHIP = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
DAMAGED = (zipfile.BadZipFile, ElementTree.ParseError, ValueError, KeyError, OSError, EOFError, NotImplementedError)


class Package:
    """The parts of a package by name. Raises UnreadableDocument for a bomb, a password, and XML that has a DOCTYPE."""

    def __init__(self, content: bytes) -> None:
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
            _check_sizes(self._archive.infolist())
            self.names = frozenset(self._archive.namelist())
            for name in self.names:
                if name.endswith((".xml", ".rels", ".vml")):
                    self._check_prolog(name)
        except DAMAGED:
            raise damaged() from None

    def tree(self, name: str) -> ElementTree.Element:
        """The XML of a part. Raises UnreadableDocument."""
        try:
            return ElementTree.fromstring(self._archive.read(name))
        except DAMAGED:
            raise damaged() from None

    def elements(self, name: str, tag: str) -> Iterator[ElementTree.Element]:
        """The elements of a large part with this tag, each forgotten after it was used."""
        with self._archive.open(name) as part:
            for _, element in ElementTree.iterparse(part):
                if element.tag == tag:
                    yield element
                    element.clear()

    def related(self, name: str) -> dict[str, str]:
        """The parts that a part names, by the identifiers it uses for them, in its order."""
        folder, base = posixpath.split(name)
        list_name = f"{folder}/_rels/{base}.rels"
        if list_name not in self.names:
            return {}
        paths = {item.get("Id", ""): item.get("Target", "") for item in self.tree(list_name).iter(_RELATIONSHIP)}
        paths = {key: posixpath.normpath(posixpath.join("/", folder, path))[1:] for key, path in paths.items()}
        return {key: path for key, path in paths.items() if path in self.names}

    def without_pictures(self) -> bytes:
        """The same package with a dot for every picture: nothing is read from them, and some would fill the memory."""
        copy = io.BytesIO()
        try:
            with zipfile.ZipFile(copy, "w") as archive:
                for name in self.names:
                    archive.writestr(name, _DOT if _MEDIA.search(name) else self._archive.read(name))
        except DAMAGED:
            raise damaged() from None
        return copy.getvalue()

    def texts(self, name: str, paragraph: str, text: str) -> Iterator[str]:
        """The text of each element of a part with the first tag, from its elements with the second."""
        for element in self.tree(name).iter(paragraph):
            yield one_line("".join(part.text or "" for part in element.iter(text)))

    def _check_prolog(self, name: str) -> None:
        """Entities are declared before the root element, and no Office program declares any."""
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _refuse
        parser.StartElementHandler = _stop
        try:
            with self._archive.open(name) as part:
                parser.Parse(part.read(_PROLOG), False)
        except _Stop:
            return
        except expat.ExpatError:
            raise damaged() from None


class _Stop(Exception):
    pass


def _stop(*_: Any) -> None:
    raise _Stop


def _refuse(*_: Any) -> None:
    raise UnreadableDocument("The Office file declares XML entities, which no Office program does. It is not read.")


def _check_sizes(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > _MOST_PARTS or sum(entry.file_size for entry in entries) > _MOST_UNPACKED:
        raise UnreadableDocument("The file is far larger unpacked than packed. Split it and upload the parts.")
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED:
            raise UnreadableDocument("The file needs a password. Remove the password and upload it again.")
        if entry.file_size > max(_SMALL, _HIGHEST_RATIO * entry.compress_size):
            raise UnreadableDocument("The file is far larger unpacked than packed. Split it and upload the parts.")


def damaged() -> UnreadableDocument:
    """The error for a package that cannot be read."""
    return UnreadableDocument(
        "The Office file is damaged and cannot be read. Open and save it in its program, then upload that."
    )
