"""The characters of a PDF page: text, boxes, fonts, each by its index in pdfium's list."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from typing import Any

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in points from the page's upper left corner as it is shown."""

_NAME_BYTES = 128
_PROBED = 64


class Characters:
    """text has one character an index: boxes and fonts are found by position in it."""

    def __init__(self, page: Any, text_page: Any) -> None:
        import pypdfium2.raw as raw

        self._raw = raw
        self._handle = text_page.raw
        self._page_at = ctypes.cast(text_page.raw, ctypes.c_void_p).value
        self._name = ctypes.create_string_buffer(_NAME_BYTES)
        self._flags = ctypes.c_int()
        self._flags_at = ctypes.addressof(self._flags)
        address, number = ctypes.c_void_p, ctypes.c_int
        self._font = _quick(raw.FPDFText_GetFontInfo, address, number, ctypes.c_char_p, ctypes.c_ulong, address)
        self.box = _boxes(self._page_at, page.get_bbox(), page.get_rotation() // 90)
        """The box of a character: as high as the type is set, as wide as it advances."""
        self.text = self._text(text_page.count_chars())

    def font(self, index: int) -> bytes:
        """The name of the font as the file has it, empty when there is none."""
        length = self._font(self._page_at, index, self._name, _NAME_BYTES, self._flags_at)
        return self._name.value if length else b""

    def _text(self, count: int) -> str:
        if not count:
            return ""
        buffer = (ctypes.c_ushort * (count + 1))()
        written = self._raw.FPDFText_GetText(self._handle, 0, count, buffer)
        text = bytes(buffer)[: 2 * max(0, written - 1)].decode("utf-16-le", "surrogatepass")
        probed = range(0, count, _PROBED)
        find = self._raw.FPDFText_GetTextIndexFromCharIndex
        if len(text) == count and all(find(self._handle, index) == index for index in probed):
            return text
        return "".join(chr(self._raw.FPDFText_GetUnicode(self._handle, index)) for index in range(count))


def _boxes(page_at: int | None, bounds: Box, turns: int) -> Callable[[int], Box]:
    """A function, made for speed: it is called twice a word. turns counts quarters to the right."""
    import pypdfium2.raw as raw

    rectangle = raw.FS_RECTF()
    at = ctypes.addressof(rectangle)
    read = _quick(raw.FPDFText_GetLooseCharBox, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
    unpack = struct.Struct("4f").unpack
    x0, y0, x1, y1 = bounds

    def upright(index: int) -> Box:
        read(page_at, index, at)
        left, top, right, bottom = unpack(rectangle)
        return left - x0, y1 - top, right - x0, y1 - bottom

    def turned(index: int) -> Box:
        read(page_at, index, at)
        left, top, right, bottom = unpack(rectangle)
        if turns == 1:
            return bottom - y0, left - x0, top - y0, right - x0
        if turns == 2:
            return x1 - right, bottom - y0, x1 - left, top - y0
        return y1 - top, x1 - right, y1 - bottom, x1 - left

    return turned if turns else upright


def _quick(function: Any, *arguments: Any) -> Any:
    """The same function for plain numbers as handles and addresses: it takes a third of the time."""
    prototype: Any = ctypes.PYFUNCTYPE(ctypes.c_int, *arguments)
    return prototype(ctypes.cast(function, ctypes.c_void_p).value)
