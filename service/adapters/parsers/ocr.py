"""Text recognition with the models that come inside rapidocr's package: nothing is ever downloaded.

Imported in the parsing process only: rapidocr and its models take seconds to load.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import rapidocr

from service.adapters.parsers.cleaning import one_line
from service.adapters.parsers.pdf_lines import Line, PageLines

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_MODELS = Path(rapidocr.__file__).parent / "models"
_STEPS = {
    "Det": "PP-OCRv6_det_small.onnx",
    "Cls": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
    "Rec": "PP-OCRv6_rec_small.onnx",
}
_FILLED = 0.9
"""Type size as a share of the height of a box."""
_UNEVEN = 1.35


def read_lines(image: npt.NDArray[np.uint8], page: int) -> PageLines:
    """The lines on a picture, given as RGB of shape (height, width, 3); all sizes are in pixels."""
    found: Any = _engine()(image[:, :, ::-1])
    height, width = image.shape[:2]
    texts, boxes = (() if part is None else part for part in (found.txts, found.boxes))
    pairs = zip(texts, boxes, strict=True)
    lines = [_line(one_line(text), box, page) for text, box in pairs if text.strip()]
    return PageLines(width, height, tuple(_evened(lines)))


def reader_name() -> str:
    """What a document says it was read by."""
    return f"rapidocr {importlib.metadata.version('rapidocr')}"


def model_files() -> dict[str, str]:
    """Where the models of the three steps are: Det, Cls and Rec."""
    return {step: str(_MODELS / name) for step, name in _STEPS.items()}


@cache
def _engine() -> Any:
    """One thread: each document has a process of its own, and spinning threads slow one another down."""
    files = {f"{step}.model_path": path for step, path in model_files().items()}
    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    return rapidocr.RapidOCR(params={"Global.log_level": "critical", **files, **threads})


def _evened(lines: list[Line]) -> Iterator[Line]:
    """Lines about as high as most are as high: the height of a box depends on which letters are in it."""
    letters = [line.height for line in lines for _ in line.text]
    usual = median(letters) if letters else 0.0
    for line in lines:
        like_most = usual / _UNEVEN <= line.height <= usual * _UNEVEN
        yield replace(line, height=usual) if like_most else line


def _line(text: str, box: npt.NDArray[np.float32], page: int) -> Line:
    left, top = (float(edge) for edge in box.min(axis=0))
    right, bottom = (float(edge) for edge in box.max(axis=0))
    return Line(page, left, top, right, bottom, text, (bottom - top) * _FILLED, bold=False, mono=False)
