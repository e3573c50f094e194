"""gRPC server reflection, for clients that come without the contract. Needs HTTP/2."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from starlette.types import ASGIApp

from service.transport.contract import PACKAGE, image
from service.transport.registry import LazyApp

if TYPE_CHECKING:
    from protobuf import DescFile

PATHS = ("/grpc.reflection.v1.ServerReflection", "/grpc.reflection.v1alpha.ServerReflection")


def reflection_apps() -> dict[str, ASGIApp]:
    """The reflection services by path. Nothing is loaded before the first request."""
    return {path: LazyApp(lambda path=path: _build()[path]) for path in PATHS}


def _build() -> dict[str, ASGIApp]:
    import connectrpc_grpcreflect as grpcreflect

    described = _described_files()
    stable = grpcreflect.ServerReflectionASGIApplication(grpcreflect.ServerReflectionService(*described))
    alpha = grpcreflect.ServerReflectionAlphaASGIApplication(grpcreflect.ServerReflectionAlphaService(*described))
    return dict(zip(PATHS, cast(tuple[ASGIApp, ASGIApp], (stable, alpha)), strict=True))


def _described_files() -> list[DescFile]:
    from protobuf.wkt import FileDescriptorSet

    described = FileDescriptorSet.from_binary(image())
    registry = described.to_registry()
    names = [file.name for file in described.file if file.package == PACKAGE]
    return [file for name in names if (file := registry.file(name)) is not None]
