"""A chat model whose replies are kept on disk: what follows a reply can be measured again without the model."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from service.domain.caller import Caller
from service.domain.health import ComponentHealth
from service.domain.questions import Usage
from service.ports import ChatMessage, ChatModel, ChatOptions, ChatReply


class KeptReplies:
    """A ChatModel that asks another one only what it was never asked with the same options.

    saved is how many seconds the model once took for the replies that were given without asking it.
    """

    def __init__(self, chat: ChatModel, path: Path) -> None:
        self.model = chat.model
        self.supports_grammar = chat.supports_grammar
        self.saved = 0.0
        self._chat = chat
        self._file = sqlite3.connect(path)
        self._file.execute("CREATE TABLE IF NOT EXISTS reply (key TEXT PRIMARY KEY, seconds REAL, value TEXT)")

    async def check(self) -> ComponentHealth:
        return await self._chat.check()

    async def complete(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> ChatReply:
        asked = {**asdict(options or ChatOptions()), "timeout_seconds": 0, "model": self.model}
        text = json.dumps([[(message.role, message.content) for message in messages], asked])
        key = hashlib.sha256(text.encode()).hexdigest()
        row = self._file.execute("SELECT seconds, value FROM reply WHERE key = ?", (key,)).fetchone()
        if row is None:
            start = time.perf_counter()
            reply = await self._chat.complete(caller, messages, options)
            row = (time.perf_counter() - start, json.dumps(asdict(reply)))
            self._file.execute("INSERT INTO reply VALUES (?, ?, ?)", (key, *row))
            self._file.commit()
        else:
            self.saved += row[0]
        return _read(row[1])

    async def stream(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> AsyncIterator[str | ChatReply]:
        yield await self.complete(caller, messages, options)


def _read(text: str) -> ChatReply:
    value = json.loads(text)
    spent: dict[str, Any] = value["usage"]
    usage = replace(Usage(**spent), models=tuple(spent["models"]))
    pairs = {name: tuple((token, number) for token, number in value[name]) for name in ("alternatives", "logprobs")}
    return ChatReply(value["text"], usage, value["cut"], **pairs)
