"""Codes of what S3 servers and botocore say."""

from __future__ import annotations

import asyncio
from typing import Final

from booty import Code, clients
from botocore import exceptions

__all__ = ["ANSWERED", "SILENT", "code_of", "status_of", "word_of"]

ANSWERED: Final = exceptions.ClientError
"""Raised where a server said no."""
SILENT: Final = (exceptions.BotoCoreError, OSError, TimeoutError)
"""Raised where it said nothing."""
_WORDS: Final = {
    "NoSuchKey": Code.NOT_FOUND,
    "NoSuchBucket": Code.NOT_FOUND,
    "NoSuchUpload": Code.NOT_FOUND,
    "PreconditionFailed": Code.FAILED_PRECONDITION,
    "ConditionalRequestConflict": Code.FAILED_PRECONDITION,
    "OperationAborted": Code.FAILED_PRECONDITION,
    "BucketNotEmpty": Code.FAILED_PRECONDITION,
    "XMinioObjectExistsAsDirectory": Code.FAILED_PRECONDITION,
    "XMinioParentIsObject": Code.FAILED_PRECONDITION,
    "ObjectParentIsFile": Code.FAILED_PRECONDITION,
    "ExistingObjectIsDirectory": Code.FAILED_PRECONDITION,
    "AuthorizationHeaderMalformed": Code.PERMISSION_DENIED,
    "UnsupportedAlgorithm": Code.PERMISSION_DENIED,  # rclone, of what is not signed
    "ExpiredToken": Code.PERMISSION_DENIED,
    "InvalidToken": Code.PERMISSION_DENIED,
    "TokenRefreshRequired": Code.PERMISSION_DENIED,
    "XAdminUserNotFound": Code.PERMISSION_DENIED,
    "QuotaExceeded": Code.RESOURCE_EXHAUSTED,
    "XMinioAdminBucketQuotaExceeded": Code.RESOURCE_EXHAUSTED,
    "XMinioStorageFull": Code.RESOURCE_EXHAUSTED,
    "SlowDown": Code.RESOURCE_EXHAUSTED,
    "TooManyRequests": Code.RESOURCE_EXHAUSTED,
    "RequestLimitExceeded": Code.RESOURCE_EXHAUSTED,
    "RequestTimeout": Code.DEADLINE_EXCEEDED,
    "NotImplemented": Code.UNIMPLEMENTED,
}
"""By the word of an answer, where its status would say another thing."""
_STATUSES: Final = {
    400: Code.INVALID_ARGUMENT,
    401: Code.PERMISSION_DENIED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    405: Code.UNIMPLEMENTED,
    409: Code.ALREADY_EXISTS,
    411: Code.INVALID_ARGUMENT,
    412: Code.FAILED_PRECONDITION,
    413: Code.INVALID_ARGUMENT,
    416: Code.INVALID_ARGUMENT,
    429: Code.RESOURCE_EXHAUSTED,
    500: Code.INTERNAL,
    501: Code.UNIMPLEMENTED,
    503: Code.RESOURCE_EXHAUSTED,
    507: Code.RESOURCE_EXHAUSTED,
}
_FULL: Final = "cause(no space left on device)"
_KINDS: Final[tuple[tuple[type[Exception], Code], ...]] = (
    (exceptions.ConnectTimeoutError, Code.DEADLINE_EXCEEDED),
    (exceptions.ReadTimeoutError, Code.DEADLINE_EXCEEDED),
    (exceptions.NoCredentialsError, Code.PERMISSION_DENIED),
    (exceptions.PartialCredentialsError, Code.PERMISSION_DENIED),
    (exceptions.ProfileNotFound, Code.INVALID_ARGUMENT),
    (exceptions.ParamValidationError, Code.INVALID_ARGUMENT),
    (exceptions.SSLError, Code.PERMISSION_DENIED),
    (exceptions.BotoCoreError, Code.UNKNOWN),
    (asyncio.TimeoutError, Code.DEADLINE_EXCEEDED),
)


def code_of(error: Exception) -> Code:
    """Return the code of an exception of a call."""
    if isinstance(error, exceptions.ClientError):
        # a part on a full disk is an "internal error" of MinIO, whose text alone says why
        known = Code.RESOURCE_EXHAUSTED if _FULL in str(error) else _WORDS.get(word_of(error))
        return known or _STATUSES.get(status_of(error), Code.UNKNOWN)
    found = next((code for kind, code in _KINDS if isinstance(error, kind)), None)
    return clients.code_of(error) if found is None else found


def status_of(error: Exception) -> int:
    """Return the HTTP status of an answer; 0 if there was none."""
    if not isinstance(error, exceptions.ClientError):
        return 0
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def word_of(error: exceptions.ClientError) -> str:
    """Return what S3 calls the error; for an answer without a body the status."""
    return str(error.response.get("Error", {}).get("Code", ""))
