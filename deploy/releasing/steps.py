"""The steps of a release, and the way back. What was done is read from AWS, never from this machine."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from releasing.arrival import ArrivalCheck
from releasing.functions import ALIAS, Alias, Function, Image, ReleaseFailed
from releasing.smoke import Smoke
from releasing.watching import Watch

log = logging.getLogger("release")

SHARES = (0.1, 1.0)
INGEST_SECONDS = 300.0


class NotPutBack(Exception):
    """The alias could not be put back, or what it leads to does not serve: a person is needed."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where an alias is put back to, and what it then says of itself."""

    version: str
    description: str


@dataclass(frozen=True, slots=True)
class Release:
    """functions are the one behind the Function URL and the one that ingests; ecr and lambda_ boto3's clients."""

    functions: tuple[Function, Function]
    lambda_: Any
    ecr: Any
    watch: Watch
    sql_question: str = ""

    def __call__(self, image: Image) -> bool:
        """Bring the image in; whether there was anything to do.

        Whatever is raised meanwhile, `live` leads to where it led before, and that was found to serve: else
        NotPutBack is raised.
        """
        self._find(image)
        aliases = [function.alias() for function in self.functions]
        back = [Target(alias.version, alias.description) for alias in aliases]
        try:
            new = [self._publish(function, image) for function in self.functions]
            if all(_is_there(alias, version) for alias, version in zip(aliases, new, strict=True)):
                log.info("Nothing to do: this image is live already.")
                return False
            back = [_before(alias, version) for alias, version in zip(aliases, new, strict=True)]
            self._smoke(new)
            for share in SHARES:
                self._shift(back, new, share)
            return True
        except BaseException as error:
            log.error("%s", error if isinstance(error, ReleaseFailed) else f"{type(error).__name__}: {error}")
            self._put_back(back)
            raise

    def plan(self, image: Image) -> None:
        """Say what a release would do, and do nothing."""
        self._find(image)
        for function in self.functions:
            alias, latest = function.alias(), function.digest()
            live = function.digest(alias.version)
            log.info("%s: live is version %s with %s", function.name, alias.version, live)
            if alias.shares:
                log.info("%s: a release was cut off: %s", function.name, alias.shares)
            if latest != image.digest:
                log.info("%s: its code would be updated to %s", function.name, image.digest)
            if live == image.digest == latest and not alias.shares:
                log.info("%s: nothing would change unless its configuration has", function.name)
            else:
                log.info("%s: a version would be published and tested, and get 10 %%, then all calls", function.name)

    def roll_back(self) -> None:
        """Have `live` lead to the versions before the last release. Raises ReleaseFailed and NotPutBack."""
        aliases = [function.alias() for function in self.functions]
        if not any(alias.previous or alias.shares for alias in aliases):
            raise ReleaseFailed("There is no release to take back: the alias does not say what was live before.")
        self._put_back([_taken_back(alias) for alias in aliases])

    def _find(self, image: Image) -> None:
        ids = [{"imageDigest": image.digest}]
        try:
            self.ecr.describe_images(registryId=image.registry, repositoryName=image.repository, imageIds=ids)
        except (self.ecr.exceptions.ImageNotFoundException, self.ecr.exceptions.RepositoryNotFoundException):
            raise ReleaseFailed(f"ECR has no image {image.uri}. Push it first.") from None
        log.info("ECR has %s in %s", image.digest, image.repository)

    def _publish(self, function: Function, image: Image) -> str:
        version = function.publish(image)
        log.info("%s: version %s runs the image", function.name, version)
        return version

    def _smoke(self, new: Sequence[str]) -> None:
        url, ingest = self.functions
        serving = Smoke(self.lambda_, url.name, new[0], self.sql_question)
        told = Smoke(self.lambda_, ingest.name, new[1])
        serving.answers()
        told.takes_events()
        ArrivalCheck(serving, told, INGEST_SECONDS)()

    def _shift(self, old: Sequence[Target], new: Sequence[str], share: float) -> None:
        since = dt.datetime.now(dt.UTC)
        for function, before, version in zip(self.functions, old, new, strict=True):
            if before.version == version:
                continue
            if share < 1:
                function.share(before.version, version, share)
            else:
                function.point(version, f"version {version}, before it {before.version}")
            log.info("%s: %.0f %% of the calls go to version %s", function.name, share * 100, version)
        self.watch(
            [(function.name, version) for function, version in zip(self.functions, new, strict=True)], share, since
        )

    def _put_back(self, targets: Sequence[Target]) -> None:
        problems: list[str] = []
        for function, target in zip(self.functions, targets, strict=True):
            try:
                function.point(target.version, target.description)
                log.info("%s: live leads to version %s", function.name, target.version)
            except Exception as error:
                problems.append(f"The alias of {function.name} was not put back to version {target.version}: {error}")
        try:
            Smoke(self.lambda_, self.functions[0].name, ALIAS).serves()
        except Exception as error:
            problems.append(f"What the alias leads to was not found to serve: {error}")
        if problems:
            raise NotPutBack(" ".join(problems))


def _is_there(alias: Alias, version: str) -> bool:
    return alias.version == version and not alias.shares


def _before(alias: Alias, version: str) -> Target:
    """What was live before the release of this version, which another run may have begun."""
    if alias.version == version and alias.previous:
        return _taken_back(alias)
    return Target(alias.version, alias.description)


def _taken_back(alias: Alias) -> Target:
    """What was live before the last release, whether that one ended or was cut off."""
    if alias.shares or not alias.previous:
        return Target(alias.version, alias.description)
    return Target(alias.previous, f"version {alias.previous}, taken back from {alias.version}")
