"""What an error of botocore means: whether to ask again, and the domain's error in words."""

from __future__ import annotations

from typing import Any, cast

from service.adapters.retries import retry_after
from service.errors import NotConfigured, RagsqlError, UpstreamUnavailable

ABSENT = ("404", "NoSuchKey", "NotFound")
THERE = ("PreconditionFailed", "412")
UNABLE = ("NotImplemented", "501")
STALE = ("ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "TokenRefreshRequired")
"""Credentials that must be read anew before they are of use."""
_THROTTLED = ("SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "BandwidthLimitExceeded", "429")
_PASSES = ("RequestTimeout", "ConditionalRequestConflict", "OperationAborted", "InternalError", "ServiceUnavailable")
_DAMAGED = ("BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch")

_KEY = "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the profile or role they come from."
_REGION = "Set AWS_DEFAULT_REGION to its region."
_WORDS = {
    "NoSuchBucket": "There is no S3 bucket {bucket}. Set S3_CACHE_BUCKET to one that exists.",
    "InvalidBucketName": "S3 has no bucket of the form {bucket}. Set S3_CACHE_BUCKET to one that exists.",
    "ParamValidationError": "S3 has no bucket of the form {bucket}. Set S3_CACHE_BUCKET to one that exists.",
    "ExpiredToken": f"The AWS credentials for the S3 bucket {{bucket}} have expired. Renew them. {_KEY}",
    "TokenRefreshRequired": f"The AWS credentials for the S3 bucket {{bucket}} have expired. Renew them. {_KEY}",
    "AccessDenied": "The AWS credentials lack rights in the S3 bucket {bucket}. They need s3:GetObject, s3:PutObject, "
    "s3:DeleteObject and s3:ListBucket there; check S3_CACHE_BUCKET, too.",
    "RequestTimeTooSkewed": "The clock of this machine is not that of S3, which refuses requests to the bucket "
    "{bucket}. Set the clock, for example with NTP.",
    "PermanentRedirect": f"The S3 bucket {{bucket}} is in another region. {_REGION}",
    "AuthorizationHeaderMalformed": f"The S3 bucket {{bucket}} is in another region. {_REGION}",
    "NoRegionError": f"The region of the S3 bucket {{bucket}} is not known. {_REGION}",
}
"""By S3's codes and botocore's classes: what is wrong with the settings or the machine."""
_CREDENTIALS = (
    *("InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "NoCredentialsError", "PartialCredentialsError"),
    *("CredentialRetrievalError", "TokenRetrievalError", "SSOTokenLoadError", "UnauthorizedSSOTokenError"),
    *("ProfileNotFound", "RefreshWithMFAUnsupportedError"),
)


def code_of(error: Exception) -> str:
    """S3's code, or the class of an error that botocore raises by itself. A HEAD request gets a number."""
    answer = _answer(error)
    return str(answer["Error"]["Code"]) if answer else type(error).__name__


def pause(error: Exception) -> float | None:
    """See retries.Pause. What passes: throttling, S3's failures, broken connections, content damaged on its way."""
    from botocore import exceptions

    if answer := _answer(error):
        metadata = answer.get("ResponseMetadata", {})
        code, status = code_of(error), metadata.get("HTTPStatusCode", 0)
        if code in (*_THROTTLED, *_PASSES, *_DAMAGED) or (status >= 500 and status != 501):
            return retry_after(metadata.get("HTTPHeaders", {}).get("retry-after"))
        return None
    broken = (exceptions.HTTPClientError, exceptions.FlexibleChecksumError, exceptions.IncompleteReadError)
    return None if isinstance(error, exceptions.ReadTimeoutError) or not isinstance(error, broken) else 0.0


def as_domain_error(error: Exception, bucket: str) -> RagsqlError:
    """The domain's error for one of botocore. Texts of the server are not passed on."""
    code, shown = code_of(error), f'"{bucket}"'
    if code in _WORDS:
        return NotConfigured(_WORDS[code].format(bucket=shown))
    if code in _CREDENTIALS:
        return NotConfigured(f"The AWS credentials for the S3 bucket {shown} are missing or not valid. {_KEY}")
    if code in _THROTTLED:
        return UpstreamUnavailable(f"S3 takes no more requests for the bucket {shown} now. Wait a moment.")
    if code in (*_DAMAGED, "FlexibleChecksumError"):
        return UpstreamUnavailable(f"Content was damaged between the S3 bucket {shown} and this machine. Try again.")
    if _answer(error):
        return UpstreamUnavailable(
            f"The S3 bucket {shown} cannot be used: S3 answers {code[:40]}. Try again, or check S3_CACHE_BUCKET."
        )
    return UpstreamUnavailable(
        f"The S3 bucket {shown} cannot be reached or broke off ({code}). Check the network, S3_CACHE_BUCKET and "
        "AWS_DEFAULT_REGION."
    )


def _answer(error: Exception) -> dict[str, Any]:
    """What S3 answered, empty for an error that botocore raises by itself."""
    answer: Any = getattr(error, "response", None)
    return cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
