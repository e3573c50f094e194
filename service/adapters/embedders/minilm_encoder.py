"""all-MiniLM-L6-v2 on onnxruntime: texts to unit-length vectors, synchronously."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.errors import NotConfigured
from service.models.catalog import MINILM

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]

DIMENSION = 384
_LONGEST = 512
_REMEMBERED_WORDS = 65_536
_LONGEST_REMEMBERED = 32


def missing_files(model_dir: Path) -> list[str]:
    """Names of the files that the encoder needs and does not find."""
    return [name for name in (MINILM.build, "tokenizer.json") if not (model_dir / name).is_file()]


class MiniLmEncoder:
    """A loaded model that works on one core. Safe to use from several threads, which work side by side.

    Raises NotConfigured when a file is missing or cannot be read.
    """

    def __init__(self, model_dir: Path) -> None:
        if missing := missing_files(model_dir):
            raise NotConfigured(
                f"The embedding model is not installed: {model_dir} has no {' and no '.join(missing)}."
                " Run `ragsql models pull`."
            )
        try:
            self.tokenizer = _tokenizer(model_dir / "tokenizer.json")
            self._session = open_session(model_dir / MINILM.build)
            self._remembered = lru_cache(_REMEMBERED_WORDS)(self._count)
        except Exception as error:
            raise NotConfigured(
                f"The embedding model in {model_dir} cannot be loaded. Remove that folder and run `ragsql models pull`."
            ) from error

    def count_tokens(self, text: str) -> int:
        """Tokens of text without the special ones: those of its words, which this model cuts one by one."""
        words = text.replace("\n", " ").split(" ")
        return sum(self._remembered(word) if len(word) <= _LONGEST_REMEMBERED else self._count(word) for word in words)

    def encode(self, text: str) -> Vectors:
        """The mean-pooled unit vector of text, shape (384,), always the same for the same text.

        One text at a time: the model's 8-bit steps are set by all that goes through it at once, so neighbours would
        move each other's vectors. Padding would cost more than a batch saves.
        """
        import numpy as np

        tokens = np.array([_cut(self.tokenizer.encode(text).ids)], np.int32)
        (states,) = self._session.run(None, {"input_ids": tokens, "attention_mask": np.ones_like(tokens)})
        pooled = states[0].mean(0)
        return pooled / np.linalg.norm(pooled)

    def _count(self, word: str) -> int:
        # Not encode: that one keeps every other thread waiting, for seconds where the text is long.
        return len(self.tokenizer.encode_batch_fast([word], add_special_tokens=False)[0])


def _cut(ids: list[int]) -> list[int]:
    return ids if len(ids) <= _LONGEST else [*ids[: _LONGEST - 1], ids[-1]]


def _tokenizer(path: Path) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def open_session(path: Path) -> Any:
    """An ONNX model on one core."""
    import onnxruntime

    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    return runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
