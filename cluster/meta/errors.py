"""The one error of the API: a Status, and the table that ties its reason to an HTTP code.

Server and client translate through this table, so that a 409 raised in the registry is the 409 a controller
catches. Texts follow k8s.io/apimachinery/pkg/api/errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cluster.meta.types import GroupResource, Obj


class Reason(StrEnum):
    BAD_REQUEST = "BadRequest"
    UNAUTHORIZED = "Unauthorized"
    FORBIDDEN = "Forbidden"
    NOT_FOUND = "NotFound"
    METHOD_NOT_ALLOWED = "MethodNotAllowed"
    NOT_ACCEPTABLE = "NotAcceptable"
    ALREADY_EXISTS = "AlreadyExists"
    CONFLICT = "Conflict"
    GONE = "Gone"
    EXPIRED = "Expired"
    TOO_LARGE = "RequestEntityTooLarge"
    UNSUPPORTED_MEDIA_TYPE = "UnsupportedMediaType"
    INVALID = "Invalid"
    TOO_MANY_REQUESTS = "TooManyRequests"
    INTERNAL_ERROR = "InternalError"
    SERVICE_UNAVAILABLE = "ServiceUnavailable"
    TIMEOUT = "Timeout"
    SERVER_TIMEOUT = "ServerTimeout"
    UNKNOWN = ""


CODES: dict[Reason, int] = {
    Reason.BAD_REQUEST: 400,
    Reason.UNAUTHORIZED: 401,
    Reason.FORBIDDEN: 403,
    Reason.NOT_FOUND: 404,
    Reason.METHOD_NOT_ALLOWED: 405,
    Reason.NOT_ACCEPTABLE: 406,
    Reason.ALREADY_EXISTS: 409,
    Reason.CONFLICT: 409,
    Reason.GONE: 410,
    Reason.EXPIRED: 410,
    Reason.TOO_LARGE: 413,
    Reason.UNSUPPORTED_MEDIA_TYPE: 415,
    Reason.INVALID: 422,
    Reason.TOO_MANY_REQUESTS: 429,
    Reason.INTERNAL_ERROR: 500,
    Reason.SERVICE_UNAVAILABLE: 503,
    Reason.TIMEOUT: 504,
    Reason.SERVER_TIMEOUT: 500,
}


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of details.causes."""

    reason: str
    message: str
    field: str = ""

    def as_dict(self) -> dict[str, str]:
        out = {"reason": self.reason, "message": self.message}
        if self.field:
            out["field"] = self.field
        return out


class StatusError(Exception):
    """What the API answers instead of an object: code, reason, message, details."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def status(self) -> Obj:
        """The Status object of the wire."""
        out: Obj = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            out["reason"] = str(self.reason)
        if self.details is not None:
            out["details"] = self.details
        out["code"] = self.code
        return out

    @classmethod
    def from_status(cls, status: Obj) -> StatusError:
        return cls(
            int(status.get("code") or 500),
            str(status.get("reason") or ""),
            str(status.get("message") or ""),
            status.get("details"),
        )


def _details(resource: GroupResource, name: str, **more: Any) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if name:
        out["name"] = name
    if resource.group:
        out["group"] = resource.group
    if resource.resource:
        out["kind"] = resource.resource
    out.update(more)
    return out


def _make(reason: Reason, message: str, details: dict[str, Any] | None = None) -> StatusError:
    return StatusError(CODES[reason], reason, message, details)


def bad_request(message: str) -> StatusError:
    return _make(Reason.BAD_REQUEST, message)


def unauthorized(message: str = "Unauthorized") -> StatusError:
    return _make(Reason.UNAUTHORIZED, message)


def forbidden(resource: GroupResource, name: str, why: str) -> StatusError:
    where = f'{resource} "{name}"' if name else str(resource)
    message = f"{where} is forbidden: {why}" if where else f"forbidden: {why}"
    return _make(Reason.FORBIDDEN, message, _details(resource, name))


def not_found(resource: GroupResource, name: str) -> StatusError:
    return _make(Reason.NOT_FOUND, f'{resource} "{name}" not found', _details(resource, name))


def already_exists(resource: GroupResource, name: str) -> StatusError:
    return _make(Reason.ALREADY_EXISTS, f'{resource} "{name}" already exists', _details(resource, name))


def name_not_generated(resource: GroupResource, name: str) -> StatusError:
    """An object that wanted a generated name, and whose name is taken all the same."""
    message = f'{resource} "{name}" already exists, the server was not able to generate a unique name for the object'
    return _make(Reason.ALREADY_EXISTS, message, _details(resource, name, retryAfterSeconds=1))


def conflict(resource: GroupResource, name: str, why: str) -> StatusError:
    message = f'Operation cannot be fulfilled on {resource} "{name}": {why}'
    return _make(Reason.CONFLICT, message, _details(resource, name))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def expired(message: str = "The resourceVersion for the provided watch is too old.") -> StatusError:
    return _make(Reason.EXPIRED, message)


def method_not_allowed(message: str = "the server does not allow this method on the requested resource") -> StatusError:
    return _make(Reason.METHOD_NOT_ALLOWED, message, {})


def unsupported_media_type(message: str) -> StatusError:
    return _make(Reason.UNSUPPORTED_MEDIA_TYPE, message)


def not_acceptable(message: str) -> StatusError:
    return _make(Reason.NOT_ACCEPTABLE, message)


def too_large(message: str) -> StatusError:
    return _make(Reason.TOO_LARGE, message)


def too_many_requests(message: str, retry_after: int) -> StatusError:
    return _make(Reason.TOO_MANY_REQUESTS, message, {"retryAfterSeconds": retry_after})


def internal(message: str) -> StatusError:
    return _make(
        Reason.INTERNAL_ERROR,
        f"Internal error occurred: {message}",
        {"causes": [{"message": message}]},
    )


def invalid(group_kind: tuple[str, str], name: str, causes: Iterable[Cause]) -> StatusError:
    """422 with causes; `group_kind` is (group, Kind). The message joins the causes as Go's aggregate does."""
    group, kind = group_kind
    listed: Sequence[Cause] = list(causes)
    texts = list(dict.fromkeys(f"{c.field}: {c.message}" if c.field else c.message for c in listed))
    joined = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    qualified = f"{kind}.{group}" if group else kind
    details = _details(GroupResource(group, kind), name, causes=[c.as_dict() for c in listed])
    return _make(Reason.INVALID, f'{qualified} "{name}" is invalid: {joined}', details)


def is_not_found(error: BaseException) -> bool:
    return isinstance(error, StatusError) and error.reason == Reason.NOT_FOUND


def is_conflict(error: BaseException) -> bool:
    return isinstance(error, StatusError) and error.reason == Reason.CONFLICT


def is_already_exists(error: BaseException) -> bool:
    return isinstance(error, StatusError) and error.reason == Reason.ALREADY_EXISTS
