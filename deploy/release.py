"""Bring an image in, or take the last release back.

    python deploy/release.py release ACCOUNT.dkr.ecr.REGION.amazonaws.com/rag-text-to-sql-serverless@sha256:…
    python deploy/release.py rollback

A version is published of both functions, tested through invocations, and given 10 % of the calls, then all of them,
while it is watched. Whatever fails, the alias `live` is put back. A release that was cut off goes on when it is run
again.

Exit codes: 0 done, 1 failed and put back, 2 wrong usage, 3 not put back: a person is needed.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from releasing.functions import Function, Image, ReleaseFailed
from releasing.notify import notify
from releasing.steps import NotPutBack, Release
from releasing.watching import Watch

log = logging.getLogger("release")

FUNCTION = "rag-text-to-sql-serverless"
_INVOCATION_SECONDS = 900
_UNCHANGED = "The alias leads to where it led before."


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(levelname)-7s %(message)s", level=logging.WARNING, stream=sys.stdout)
    log.setLevel(logging.INFO)
    session = _session()
    try:
        return _run(options, session)
    except NotPutBack as error:
        said = f"{error} It began with this: {error.__context__ or 'a rollback'}"
        return _told(options.notify, session, f"{FUNCTION}: a person is needed", said, 3)
    except KeyboardInterrupt:
        return _told(options.notify, session, f"{FUNCTION}: {options.command} was stopped", _UNCHANGED, 1)
    except Exception as error:
        said = error if isinstance(error, ReleaseFailed) else f"{type(error).__name__}: {error}"
        return _told(options.notify, session, f"{FUNCTION}: {options.command} failed", f"{said} {_UNCHANGED}", 1)


def _run(options: argparse.Namespace, session: Any) -> int:
    image = Image.of(options.image) if options.command == "release" else None
    release = _release(session, image, options)
    if image is None:
        release.roll_back()
        return _told(options.notify, session, f"{FUNCTION}: the last release was taken back", "It serves again.", 0)
    if options.dry_run:
        release.plan(image)
    elif release(image):
        log.info("Released %s", image.digest)
    return 0


def _release(session: Any, image: Image | None, options: argparse.Namespace) -> Release:
    from botocore.config import Config

    config = Config(
        connect_timeout=10, read_timeout=_INVOCATION_SECONDS, retries={"mode": "standard", "total_max_attempts": 4}
    )
    lambda_ = session.client("lambda", config=config)
    functions = (Function(FUNCTION, lambda_), Function(f"{FUNCTION}-ingest", lambda_))
    watch = Watch(lambda_, session.client("cloudwatch"), options.watch, min(15.0, options.watch))
    ecr = session.client("ecr", region_name=image.region) if image else None
    return Release(functions, lambda_, ecr, watch, options.sql_question)


def _session() -> Any:
    import boto3

    sdk: Any = boto3
    return sdk.session.Session()


def _told(target: str, session: Any, subject: str, said: object, code: int) -> int:
    log.log(logging.ERROR if code else logging.INFO, "%s. %s", subject, said)
    notify(target, session, subject, str(said))
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--notify",
        default=os.environ.get("RELEASE_NOTIFY", ""),
        metavar="TARGET",
        help="who hears of what was put back: the ARN of an SNS topic or the URL of a webhook ($RELEASE_NOTIFY)",
    )
    shared.set_defaults(sql_question="", watch=0.0)
    commands = parser.add_subparsers(dest="command", required=True)
    release = commands.add_parser("release", parents=[shared], help="bring an image in")
    release.add_argument("image", help="the image in ECR by its digest")
    release.add_argument(
        "--sql-question",
        default="",
        metavar="TEXT",
        help="a question that the connected database answers; without it no SQL is tested",
    )
    release.add_argument(
        "--watch", type=float, default=180.0, metavar="SECONDS", help="how long each share is watched (default 180)"
    )
    release.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    commands.add_parser("rollback", parents=[shared], help="take the last release back")
    return parser


def _stop(*_: object) -> None:
    """What is stopped goes back first: a second signal does not stop that."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, _stop)
    sys.exit(main())
