"""The pinecone SDK: one checked client an event loop, deadlines, and its errors in words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary

from service.adapters.circuit import Circuit
from service.adapters.vectors.pinecone_retries import once, repeated, without_retries
from service.domain import terms
from service.errors import NotConfigured, RagsqlError, UpstreamUnavailable

if TYPE_CHECKING:
    from pinecone import AsyncIndex

T = TypeVar("T")

READ_SECONDS = 15.0
WRITE_SECONDS = 60.0
_PROBE_SECONDS = 3.0
_ATTEMPT_SECONDS = 20.0
_PER_FETCH = 50
_PER_LIST = 100
_CONNECTIONS = 32
_FAILURES = 3
_RETRY_SECONDS = 5.0
_IDENTITY_NAMESPACE = "ragsql"
_IDENTITY = "identity"
_METRICS = ("cosine", "dotproduct")


class PineconeIndex:
    """The index of this name, opened on first use and whenever it could not be reached.

    Raises NotConfigured for a wrong key, a missing index, another dimension or another embedding model, and
    UpstreamUnavailable when Pinecone fails, after retries. After three such failures in a row calls fail at once, but
    for one in five seconds.
    """

    def __init__(self, api_key: str, name: str, model: str, dimension: int) -> None:
        self._api_key = api_key
        self.name = name
        self.dimension = dimension
        self._identity = {"model": model, "dimension": str(dimension), "terms_version": str(terms.VERSION)}
        self._opened: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[AsyncIndex]] = WeakKeyDictionary()
        self._circuit = Circuit(_FAILURES, _RETRY_SECONDS)

    async def call(self, work: Callable[[AsyncIndex], Awaitable[T]], seconds: float) -> T:
        """What work, which is one request, returns within so many seconds, retries included."""
        if not self._circuit.may_call():
            raise UpstreamUnavailable(
                f"Pinecone did not answer the last calls and is asked again within {_RETRY_SECONDS:.0f} seconds."
            )
        begun = self._circuit.clock()
        try:
            async with asyncio.timeout(seconds):
                index = await asyncio.shield(self._open())
                result = await repeated(lambda: work(index), seconds)
        except Exception as error:
            self._note(error, begun)
            raise self._as_domain_error(error) from error
        self._circuit.succeeded()
        return result

    async def ready(self) -> None:
        """Nothing while Pinecone answers. When it did not, ask it once, for what comes then may take several calls."""
        if self._circuit.is_open:
            await self.call(lambda index: index.describe_index_stats(), _PROBE_SECONDS)

    async def upsert(self, namespace: str, records: Sequence[Mapping[str, Any]]) -> None:
        """Store records, at most a hundred."""
        await self.call(lambda index: index.upsert(vectors=records, namespace=namespace), WRITE_SECONDS)

    async def fetch(self, namespace: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The metadata of those of these records that are there."""
        parts = [ids[start : start + _PER_FETCH] for start in range(0, len(ids), _PER_FETCH)]
        replies = await asyncio.gather(
            *(
                self.call(lambda index, part=part: index.fetch(ids=part, namespace=namespace), READ_SECONDS)
                for part in parts
            )
        )
        return {name: dict(vector.metadata or {}) for reply in replies for name, vector in reply.vectors.items()}

    async def list_ids(self, namespace: str, prefix: str) -> list[str]:
        """The ids of a namespace that begin with prefix."""
        ids: list[str] = []
        token: str | None = None
        while True:
            page = await self.call(
                lambda index, token=token: index.list_paginated(
                    prefix=prefix, limit=_PER_LIST, pagination_token=token, namespace=namespace
                ),
                READ_SECONDS,
            )
            ids += [item.id for item in page.vectors if item.id]
            token = page.pagination.next if page.pagination else None
            if not token:
                return ids

    async def delete(self, namespace: str, ids: Sequence[str]) -> None:
        """Delete records, at most a thousand, if they and their namespace are there."""
        from pinecone.errors import NotFoundError

        async def work(index: AsyncIndex) -> None:
            with suppress(NotFoundError):
                await index.delete(ids=ids, namespace=namespace)

        await self.call(work, WRITE_SECONDS)

    def close(self) -> None:
        """Close the connections of the loops that still run, from another thread than theirs."""
        for loop, task in list(self._opened.items()):
            if loop.is_running() and task.done() and not task.exception():
                with suppress(Exception):
                    asyncio.run_coroutine_threadsafe(task.result().close(), loop).result(2)
        self._opened.clear()

    def _note(self, error: Exception, begun: float) -> None:
        """Only silence counts against Pinecone: one that refuses or throttles has answered."""
        from pinecone import errors

        if isinstance(error, TimeoutError | errors.PineconeConnectionError | errors.ServiceError):
            self._circuit.failed(begun)
        if isinstance(error, errors.PineconeConnectionError):  # an index that was made anew has another host
            self._opened.pop(asyncio.get_running_loop(), None)

    def _open(self) -> asyncio.Task[AsyncIndex]:
        loop = asyncio.get_running_loop()
        task = self._opened.get(loop)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = self._opened[loop] = asyncio.create_task(self._connect())
        return task

    async def _connect(self) -> AsyncIndex:
        from pinecone import AsyncIndex, AsyncPinecone

        async with AsyncPinecone(api_key=self._api_key, timeout=_ATTEMPT_SECONDS, retry_config=once()) as control:
            description: Any = await repeated(lambda: control.indexes.describe(self.name), READ_SECONDS)
        self._check_shape(description)
        index = without_retries(
            AsyncIndex(
                host=description.host,
                api_key=self._api_key,
                timeout=_ATTEMPT_SECONDS,
                connection_pool_maxsize=_CONNECTIONS,
            )
        )
        try:
            await self._check_identity(index)
        except BaseException:
            await index.close()
            raise
        return index

    def _check_shape(self, description: Any) -> None:
        dimension, metric = description.dimension, description.metric
        if dimension != self.dimension or metric not in _METRICS:
            raise NotConfigured(
                f'The Pinecone index "{self.name}" holds vectors of {dimension} dimensions with the metric {metric}, '
                f"but {self._identity['model']} makes {self.dimension} for cosine. Set PINECONE_INDEX_NAME to an index "
                f"of {self.dimension} dimensions with the metric cosine, or change RAGSQL_EMBEDDER."
            )

    async def _check_identity(self, index: AsyncIndex) -> None:
        found = await repeated(lambda: index.fetch(ids=[_IDENTITY], namespace=_IDENTITY_NAMESPACE), READ_SECONDS)
        if _IDENTITY not in found.vectors:
            record = {"id": _IDENTITY, "values": marker(self.dimension), "metadata": self._identity}
            await repeated(lambda: index.upsert(vectors=[record], namespace=_IDENTITY_NAMESPACE), READ_SECONDS)
            return
        stored = cast("dict[str, str]", found.vectors[_IDENTITY].metadata)
        if int(stored["terms_version"]) > terms.VERSION:
            raise NotConfigured(
                f'The Pinecone index "{self.name}" was written by a newer version of ragsql. Upgrade, or set '
                "PINECONE_INDEX_NAME to another index."
            )
        if stored["model"] != self._identity["model"]:
            raise NotConfigured(
                f'The Pinecone index "{self.name}" was built with the embedding model {stored["model"]}, but the '
                f"service now embeds with {self._identity['model']}. Set RAGSQL_EMBEDDER back, or set "
                "PINECONE_INDEX_NAME to another index and upload the documents again."
            )

    def _as_domain_error(self, error: Exception) -> RagsqlError:
        """The domain's error for one of the SDK. Texts of the server are not passed on."""
        from pinecone import errors

        if isinstance(error, RagsqlError):
            return error
        if isinstance(error, errors.UnauthorizedError | errors.ForbiddenError | errors.PineconeValueError):
            return NotConfigured("Pinecone refuses the key. Check PINECONE_API_KEY.")
        if isinstance(error, errors.NotFoundError):
            return NotConfigured(
                f'Pinecone has no index "{self.name}". Check PINECONE_INDEX_NAME, or make a serverless index of that '
                f"name with {self.dimension} dimensions and the metric cosine."
            )
        if isinstance(error, errors.PaymentRequiredError | errors.RateLimitError):
            return UpstreamUnavailable("Pinecone takes no more requests now. Wait a moment, or check its quota.")
        if isinstance(error, TimeoutError):
            return UpstreamUnavailable("Pinecone did not answer in time. Try again.")
        if isinstance(error, errors.ApiError):
            return UpstreamUnavailable(f"Pinecone failed with HTTP status {error.status_code}. Try again.")
        return UpstreamUnavailable(
            "Pinecone cannot be reached or broke off. Check PINECONE_INDEX_NAME and the network."
        )


def marker(dimension: int) -> list[float]:
    """The vector of a record that is not searched by meaning. Pinecone takes none that is all zeros."""
    return [1.0] + [0.0] * (dimension - 1)
