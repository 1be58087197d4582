"""What a request says about how to read or write, read and checked once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from cluster.apiserver.request import LOOPBACK, Query, UserInfo
from cluster.meta import errors
from cluster.meta import field as faults
from cluster.meta.decimals import is_digits, whole
from cluster.meta.errors import StatusError
from cluster.meta.field import FieldError
from cluster.meta.types import Obj

META_GROUP = "meta.k8s.io"


@dataclass(slots=True)
class WriteOptions:
    """Of one write. `manager` is the field manager in effect; `validation` Strict, Warn or Ignore."""

    user: UserInfo = LOOPBACK
    dry_run: bool = False
    manager: str = ""
    validation: str = "Strict"
    force: bool = False
    apply: bool = False
    warnings: list[str] = field(default_factory=list)
    wire: dict[str, Any] = field(default_factory=dict)
    """The options as admission shows them."""
    annotations: dict[str, str] | None = None
    """Where admission notes what the audit log shall say; None when nobody listens."""
    bodies_audited: bool = False

    def warn(self, text: str) -> None:
        if text and text not in self.warnings:
            self.warnings.append(text)


def default_manager(user_agent: str) -> str:
    """The field manager of a client that names none: the program part of its User-Agent."""
    return user_agent.partition("/")[0][:128] or "unknown"


def write_options(query: Query, user: UserInfo, user_agent: str, options_kind: str) -> WriteOptions:
    """From the query of a create, update or patch; raises 422."""
    found: list[FieldError] = check_dry_run(query.all("dryRun"))
    manager = query.get("fieldManager")
    found += _check_manager(manager)
    validation = query.get("fieldValidation")
    if validation not in ("", "Strict", "Warn", "Ignore"):
        found.append(faults.not_supported("fieldValidation", validation, ["", "Ignore", "Strict", "Warn"]))
    raise_faults(options_kind, found)
    wire: dict[str, Any] = {"kind": options_kind, "apiVersion": f"{META_GROUP}/v1"}
    if query.has("dryRun"):
        wire["dryRun"] = query.all("dryRun")
    if manager:
        wire["fieldManager"] = manager
    if validation:
        wire["fieldValidation"] = validation
    return WriteOptions(
        user, query.has("dryRun"), manager or default_manager(user_agent), validation or "Warn", wire=wire
    )


def check_dry_run(values: list[str]) -> list[FieldError]:
    if any(value != "All" for value in values):
        return [faults.not_supported("dryRun", values, ["All"])]
    return []


def _check_manager(manager: str) -> list[FieldError]:
    found = []
    if len(manager.encode()) > 128:
        found.append(FieldError(faults.FaultType.TOO_LONG, "fieldManager", "", "may not be more than 128 bytes"))
    for at, letter in enumerate(manager):
        if not letter.isprintable():
            text = f"invalid character {_go_rune(letter)} (at position {at})"
            found.append(faults.invalid("fieldManager", manager, text))
    return found


def _go_rune(letter: str) -> str:
    return f"U+{ord(letter):04X}"


def raise_faults(options_kind: str, found: list[FieldError]) -> None:
    if found:
        raise errors.invalid((META_GROUP, options_kind), "", [f.cause() for f in found])


@dataclass(slots=True)
class DeleteOptions:
    """See meta/v1 DeleteOptions. `grace` and the preconditions are None where the client said nothing."""

    user: UserInfo = LOOPBACK
    grace: int | None = None
    propagation: str | None = None
    orphan: bool | None = None
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False
    ignore_store_read_error: bool = False
    wire: Obj = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    annotations: dict[str, str] | None = None
    """See WriteOptions."""

    def copy(self) -> DeleteOptions:
        return DeleteOptions(
            self.user,
            self.grace,
            self.propagation,
            self.orphan,
            self.uid,
            self.resource_version,
            self.dry_run,
            self.ignore_store_read_error,
            self.wire,
            self.warnings,
            self.annotations,
        )


def delete_options(body: Obj | None, query: Query, user: UserInfo) -> DeleteOptions:
    """From the body, or where there is none from the query. Raises 400, 422."""
    source = body if body else _from_query(query)
    conditions = source.get("preconditions") or {}
    options = DeleteOptions(
        user,
        source.get("gracePeriodSeconds"),
        source.get("propagationPolicy"),
        source.get("orphanDependents"),
        conditions.get("uid"),
        conditions.get("resourceVersion"),
        bool(source.get("dryRun")),
        bool(source.get("ignoreStoreReadErrorWithClusterBreakingPotential")),
        {"kind": "DeleteOptions", "apiVersion": f"{META_GROUP}/v1", **source},
    )
    raise_faults("DeleteOptions", _check_delete(options, source))
    return options


def _from_query(query: Query) -> Obj:
    source: Obj = {}
    if query.has("gracePeriodSeconds"):
        source["gracePeriodSeconds"] = integer(query.get("gracePeriodSeconds"))
    if query.has("propagationPolicy"):
        source["propagationPolicy"] = query.get("propagationPolicy")
    if query.has("orphanDependents"):
        source["orphanDependents"] = query.flag("orphanDependents")
    if query.has("dryRun"):
        source["dryRun"] = query.all("dryRun")
    conditions = {name: query.get(name) for name in ("uid", "resourceVersion") if query.get(name)}
    if conditions:
        source["preconditions"] = conditions
    return source


_POLICIES = ("Foreground", "Background", "Orphan")


def _check_delete(options: DeleteOptions, source: Obj) -> list[FieldError]:
    found: list[FieldError] = []
    if options.propagation is not None and options.orphan is not None:
        text = "orphanDependents and deletionPropagation cannot be both set"
        found.append(faults.invalid("propagationPolicy", options.propagation, text))
    if options.propagation is not None and options.propagation not in _POLICIES:
        found.append(faults.not_supported("propagationPolicy", options.propagation, [*_POLICIES, "nil"]))
    return found + check_dry_run(list(source.get("dryRun") or []))


def integer(text: str) -> int:
    """A query value as Go's ParseInt reads it; raises 400."""
    if re.fullmatch(r"[+-]?[0-9]+", text) is None:
        raise errors.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    number = whole(text)
    if not -(2**63) <= number < 2**63:
        raise errors.bad_request(f'strconv.ParseInt: parsing "{text}": value out of range')
    return number


@dataclass(slots=True)
class ReadOptions:
    """Of one get, list or watch."""

    label_selector: str = ""
    field_selector: str = ""
    limit: int = 0
    continue_token: str = ""
    resource_version: str = ""
    match: str = ""
    timeout: int | None = None
    bookmarks: bool = False
    send_initial: bool | None = None
    watch: bool = False


def read_options(query: Query) -> ReadOptions:
    """From the query of a list or watch; raises 400, 422."""
    options = ReadOptions(
        query.get("labelSelector"),
        query.get("fieldSelector"),
        integer(query.get("limit")) if query.get("limit") else 0,
        query.get("continue"),
        query.get("resourceVersion"),
        query.get("resourceVersionMatch"),
        integer(query.get("timeoutSeconds")) if query.get("timeoutSeconds") else None,
        query.flag("allowWatchBookmarks"),
        query.flag("sendInitialEvents") if query.has("sendInitialEvents") else None,
        query.flag("watch"),
    )
    raise_faults("ListOptions", _check_match(options))
    return options


def _check_match(o: ReadOptions) -> list[FieldError]:
    path = "resourceVersionMatch"
    if o.watch:
        return _check_watch(o, path)
    found: list[FieldError] = []
    if o.send_initial is not None:
        found.append(faults.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    if not o.match:
        return found
    if not o.resource_version:
        found.append(faults.forbidden(path, "resourceVersionMatch is forbidden unless resourceVersion is provided"))
    if o.continue_token:
        found.append(faults.forbidden(path, "resourceVersionMatch is forbidden when continue is provided"))
    if o.match not in ("Exact", "NotOlderThan"):
        found.append(faults.not_supported(path, o.match, ["Exact", "NotOlderThan", ""]))
    if o.match == "Exact" and o.resource_version == "0":
        found.append(faults.forbidden(path, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
    return found


def _check_watch(o: ReadOptions, path: str) -> list[FieldError]:
    found: list[FieldError] = []
    if o.match:
        if o.send_initial is None:
            found.append(
                faults.forbidden(
                    path, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
                )
            )
        elif o.match != "NotOlderThan":
            found.append(
                faults.forbidden(path, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
            )
        if o.match != "NotOlderThan":
            found.append(faults.not_supported(path, o.match, ["NotOlderThan"]))
    elif o.send_initial is not None:
        found.append(faults.forbidden(path, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"))
    return found


def parse_revision(text: str) -> int:
    """A resourceVersion; raises ValueError with Go's words."""
    if not text:
        return 0
    fault = unsigned_fault(text)
    if fault:
        raise ValueError(f'resourceVersion: Invalid value: "{text}": {fault}')
    return whole(text)


def unsigned_fault(text: str) -> str:
    """What Go has against `text` as an unsigned number of 64 bits; "" where it is one."""
    if not is_digits(text):
        return f'strconv.ParseUint: parsing "{text}": invalid syntax'
    if whole(text) >= 1 << 64:
        return f'strconv.ParseUint: parsing "{text}": value out of range'
    return ""


def revision_error(error: ValueError, *, in_list: bool) -> StatusError:
    """A bad resourceVersion is the client's fault in a list, and (so does Kubernetes) the server's elsewhere."""
    if in_list:
        return errors.bad_request(f"invalid resource version: {error}")
    return StatusError(500, "", str(error))
