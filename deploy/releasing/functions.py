"""A Lambda function: its code, its versions, and the alias `live` that its callers reach."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

ALIAS = "live"
_PREVIOUS = re.compile(r"before it (\d+)")
_IMAGE = re.compile(
    r"(?P<registry>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[a-z0-9._/-]+)@(?P<digest>sha256:[0-9a-f]{64})"
)


class ReleaseFailed(Exception):
    """The release cannot go on. str() is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image in ECR, named by its digest."""

    uri: str
    registry: str
    region: str
    repository: str
    digest: str

    @classmethod
    def of(cls, uri: str) -> Image:
        """Raises ReleaseFailed for a name that can come to mean another image."""
        match = _IMAGE.fullmatch(uri)
        if match is None:
            raise ReleaseFailed(
                f"{uri} does not name one image for good. Name it by its digest: "
                "ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY@sha256:…"
            )
        return cls(uri, **match.groupdict())


@dataclass(frozen=True, slots=True)
class Alias:
    """Where `live` leads: a version, and another one that gets a share of the calls while it is brought in."""

    version: str
    shares: dict[str, float]
    description: str

    @property
    def previous(self) -> str | None:
        """What was live before the version was."""
        match = _PREVIOUS.search(self.description)
        return match[1] if match else None


@dataclass(frozen=True, slots=True)
class Function:
    """A function by its name. Errors are those of botocore."""

    name: str
    aws: Any = field(repr=False)
    """boto3's client of Lambda."""

    def alias(self) -> Alias:
        """Where `live` leads now. Raises ReleaseFailed when there is none yet."""
        try:
            found: dict[str, Any] = self.aws.get_alias(FunctionName=self.name, Name=ALIAS)
        except self.aws.exceptions.ResourceNotFoundException:
            raise ReleaseFailed(
                f"{self.name} has no alias {ALIAS} in this region. Make the stack of deploy/template.yaml first."
            ) from None
        routing: dict[str, Any] = found.get("RoutingConfig") or {}
        shares: dict[str, float] = routing.get("AdditionalVersionWeights") or {}
        return Alias(found["FunctionVersion"], shares, found.get("Description") or "")

    def digest(self, qualifier: str = "$LATEST") -> str:
        """The digest of the image that a version runs."""
        code = self.aws.get_function(FunctionName=self.name, Qualifier=qualifier)["Code"]
        return "sha256:" + str(code["ResolvedImageUri"]).rpartition("sha256:")[2]

    def publish(self, image: Image) -> str:
        """The version that runs the image with the configuration of today; Lambda makes none that it has already."""
        self._settle()
        if self.digest() != image.digest:
            self.aws.update_function_code(FunctionName=self.name, ImageUri=image.uri, Publish=False)
            self._settle()
        version: str = self.aws.publish_version(FunctionName=self.name)["Version"]
        self._wait("published_version_active", version)
        if self.digest(version) != image.digest:
            raise ReleaseFailed(
                f"Version {version} of {self.name} does not run {image.digest}: something else changed the function "
                "meanwhile. Release again when nothing else does."
            )
        return version

    def share(self, old: str, new: str, share: float) -> None:
        """Give the new version this share of the calls."""
        self._point(old, {"AdditionalVersionWeights": {new: share}})

    def point(self, version: str, description: str) -> None:
        """Have `live` lead to the version alone."""
        self._point(version, {"AdditionalVersionWeights": {}}, Description=description)

    def _point(self, version: str, routing: dict[str, Any], **more: str) -> None:
        self.aws.update_alias(
            FunctionName=self.name, Name=ALIAS, FunctionVersion=version, RoutingConfig=routing, **more
        )

    def _settle(self) -> None:
        # Not until it is active: what nobody calls becomes inactive after some weeks, and can be updated all the same.
        self._wait("function_updated_v2", "$LATEST")

    def _wait(self, what: str, qualifier: str) -> None:
        self.aws.get_waiter(what).wait(FunctionName=self.name, Qualifier=qualifier)
