"""Every RecordStore keeps announced files beside the documents that become of them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable

import pytest

from service.domain.caller import Caller
from service.domain.documents import Document
from service.errors import NotFound, UpstreamUnavailable
from service.ports import RecordStore
from tests.contract.records import upload

pytestmark = pytest.mark.anyio
MakeDocument = Callable[..., Document]


async def test_uploads_are_kept_until_they_are_deleted(record_store: RecordStore, caller: Caller) -> None:
    first, second = upload("a"), upload("b", minutes=5)
    for item in (first, second):
        await record_store.save_upload(caller, item)
    assert await record_store.get_upload(caller, "a") == first
    assert sorted(item.id for item in await record_store.list_uploads(caller)) == ["a", "b"]
    assert await record_store.list_uploads(caller, first.expire_time) == [first]
    assert await record_store.list_uploads(caller, first.expire_time - dt.timedelta(microseconds=1)) == []
    assert await record_store.list_uploads(Caller("other")) == []
    with pytest.raises(NotFound):
        await record_store.get_upload(Caller("other"), "a")
    await record_store.delete_upload(Caller("other"), "a")
    await record_store.delete_upload(caller, "a")
    await record_store.delete_upload(caller, "a")
    with pytest.raises(NotFound, match="CreateUpload"):
        await record_store.get_upload(caller, "a")


async def test_an_upload_and_its_document_are_saved_in_one_step(
    record_store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    await record_store.save_upload(caller, upload("a"))
    ingested = dataclasses.replace(upload("a"), document_id="a")
    with pytest.raises(UpstreamUnavailable):
        await record_store.save_upload(caller, ingested, make_document("a", filename=None))
    assert await record_store.get_upload(caller, "a") == upload("a")
    await record_store.save_upload(caller, ingested, make_document("a"))
    assert await record_store.get_upload(caller, "a") == ingested
    assert await record_store.get_document(caller, "a") == make_document("a")


async def test_tenants_are_known_by_their_documents_and_uploads(
    record_store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    others = Caller(f"{caller.tenant} documents"), Caller(f"{caller.tenant} uploads")
    await record_store.save_document(others[0], make_document("d"))
    await record_store.save_upload(others[1], upload("u"))
    await record_store.save_upload(others[1], upload("v"))
    found = [tenant for tenant in await record_store.list_tenants() if tenant.startswith(caller.tenant)]
    assert sorted(found) == [other.tenant for other in others]
