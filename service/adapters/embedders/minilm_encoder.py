"""all-MiniLM-L6-v2 on onnxruntime: texts to unit-length vectors, synchronously."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
_BATCH_TEXTS = 16
_BATCH_TOKENS = 1024


def missing_files(model_dir: Path) -> list[str]:
    """Names of the files that the encoder needs and does not find."""
    return [name for name in (MINILM.build, "tokenizer.json") if not (model_dir / name).is_file()]


class MiniLmEncoder:
    """A loaded model. Safe to use from several threads.

    Raises NotConfigured when a file is missing or cannot be read.
    """

    def __init__(self, model_dir: Path, threads: int) -> None:
        if missing := missing_files(model_dir):
            raise NotConfigured(
                f"The embedding model is not installed: {model_dir} has no {' and no '.join(missing)}."
                " Run `ragsql models pull`."
            )
        try:
            self._tokenizer = _tokenizer(model_dir / "tokenizer.json")
            self._session = _session(model_dir / MINILM.build, threads)
        except Exception as error:
            raise NotConfigured(
                f"The embedding model in {model_dir} cannot be loaded. Remove that folder and run `ragsql models pull`."
            ) from error

    def count_tokens(self, text: str) -> int:
        """Tokens of text without the special ones."""
        # Not encode: that one keeps every other thread waiting, for seconds where the text is long.
        return len(self._tokenizer.encode_batch_fast([text], add_special_tokens=False)[0])

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], list[list[int]]]]:
        """Batches of similar length as (positions in texts, token ids), each a fraction of a second of work."""
        ids: list[list[int]] = [_cut(encoding.ids) for encoding in self._tokenizer.encode_batch_fast(list(texts))]
        positions: list[int] = []
        for position in sorted(range(len(ids)), key=lambda i: len(ids[i])):
            full = len(positions) == _BATCH_TEXTS or (len(positions) + 1) * len(ids[position]) > _BATCH_TOKENS
            if positions and full:
                yield positions, [ids[i] for i in positions]
                positions = []
            positions.append(position)
        if positions:
            yield positions, [ids[i] for i in positions]

    def encode(self, ids: Sequence[Sequence[int]]) -> Vectors:
        """Mean-pooled unit vectors, shape (len(ids), 384), of one batch of token ids."""
        import numpy as np

        width = max(map(len, ids))
        tokens = np.zeros((len(ids), width), np.int32)
        mask = np.zeros_like(tokens)
        for row, line in enumerate(ids):
            tokens[row, : len(line)] = line
            mask[row, : len(line)] = 1
        (states,) = self._session.run(None, {"input_ids": tokens, "attention_mask": mask})
        pooled = np.einsum("bt,btd->bd", mask.astype(np.float32), states)
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    def encode_one(self, text: str) -> Vectors:
        """The unit vector of one text, shape (384,)."""
        return self.encode([_cut(self._tokenizer.encode(text).ids)])[0]


def _cut(ids: list[int]) -> list[int]:
    return ids if len(ids) <= _LONGEST else [*ids[: _LONGEST - 1], ids[-1]]


def _tokenizer(path: Path) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _session(path: Path, threads: int) -> Any:
    import onnxruntime

    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    # Threads that spin while they wait starve everything else on a small machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
