"""Messages to and from the binary format."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from service.transport.errors import to_wire
from service.transport.refusals import MalformedRequest

M = TypeVar("M", bound=Message)


class ProtoCodec:
    """The codec of content type application/proto."""

    def name(self) -> str:
        return "proto"

    def encode(self, message: Message) -> bytes:
        return message.SerializeToString()

    def decode(self, data: bytes | bytearray, message_class: type[M]) -> M:
        """Raises a ConnectError with the reason MALFORMED_REQUEST."""
        try:
            return message_class.FromString(bytes(data))
        except DecodeError:
            name = message_class.DESCRIPTOR.full_name
            raise to_wire(MalformedRequest(f"The body is not a {name} in the binary format.")) from None
