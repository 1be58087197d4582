"""Reading a resource: one object, a page, a watch's beginning; all from the watch cache except the past.

Consistency: without a resourceVersion a list is at least as new as every write acknowledged before it, since
writers wait for the cache before they answer. A revision in the future is waited for, but not for ever.
"""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from cluster.apiserver.registry.cache import Match
from cluster.apiserver.registry.entry import Entry
from cluster.apiserver.registry.feed import unreadable
from cluster.apiserver.registry.options import ReadOptions, parse_revision, revision_error
from cluster.apiserver.registry.unavailable import unavailable
from cluster.meta import errors
from cluster.meta.errors import StatusError
from cluster.storage.interface import Compacted, FutureRevision, Key, Revision, StoreUnavailable

if TYPE_CHECKING:
    from cluster.apiserver.registry.registry import Registry

FUTURE_PATIENCE = 3.0
"""Seconds to wait for a revision that has not been reached."""
TOKEN_VERSION = "meta.k8s.io/v1"


@dataclass(slots=True)
class Page:
    """Entries in key order at `revision`. `remaining` is None where it is not known (selectors)."""

    entries: list[Entry]
    revision: int
    continue_token: str = ""
    remaining: int | None = None


async def wait_for(registry: Registry, revision: int) -> None:
    """Until the cache has reached `revision`; raises 504."""
    feed = registry.services.feed
    if feed.revision >= revision:
        return
    try:
        async with asyncio.timeout(FUTURE_PATIENCE):
            await feed.reached(revision)
    except TimeoutError:
        raise too_large_revision(revision, feed.revision) from None


def too_large_revision(asked: int, current: int) -> StatusError:
    return StatusError(
        504,
        errors.Reason.TIMEOUT,
        f"Timeout: Too large resource version: {asked}, current: {current}",
        {
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        },
    )


async def fresh(registry: Registry) -> None:
    """Until the cache has what was acknowledged before; raises 503, 504. Free where this server alone writes."""
    feed = registry.services.feed
    if not feed.shared:
        return
    try:
        async with asyncio.timeout(FUTURE_PATIENCE):
            await feed.fresh()
    except StoreUnavailable as error:
        raise unavailable(error) from None
    except TimeoutError:
        raise too_large_revision(feed.revision + 1, feed.revision) from None


async def get_entry(registry: Registry, namespace: str, name: str, resource_version: str = "") -> Entry:
    """Raises 404."""
    if resource_version and resource_version != "0":
        try:
            await wait_for(registry, parse_revision(resource_version))
        except ValueError as error:
            raise revision_error(error, in_list=False) from None
    elif not resource_version:
        await fresh(registry)
    entry = registry.cache.get(namespace, name)
    if entry is None:
        raise registry.absent(namespace, name)
    await registry.ready((entry,), anew=True)
    return entry


async def list_page(registry: Registry, namespace: str, options: ReadOptions) -> Page:
    """See the module; raises 400, 410, 504."""
    match, name = registry.matcher(options.label_selector, options.field_selector, namespace)
    try:
        asked = parse_revision(options.resource_version)
    except ValueError as error:
        raise revision_error(error, in_list=True) from None
    if registry.cache.unreadable:
        registry.refuse_unreadable(namespace, cached=options.resource_version == "0")
    if options.continue_token:
        revision, after = _read_token(options.continue_token, namespace)
        if asked:
            raise errors.bad_request("specifying resource version is not allowed when using continue")
        if revision < 0:
            # An inconsistent continuation: from where the old list stopped, in the state of now.
            return await _now(registry, namespace, options, match, name, after)
        return await _past(registry, namespace, options, match, revision, after)
    if asked and (options.match == "Exact" or (options.limit and not options.match)):
        await _refuse_future(registry, asked)
        return await _past(registry, namespace, options, match, asked, "")
    if asked:
        await wait_for(registry, asked)
    elif not options.resource_version:
        await fresh(registry)
    return await _now(registry, namespace, options, match, name, "")


async def _now(
    registry: Registry, namespace: str, options: ReadOptions, match: Match | None, name: str, after: str
) -> Page:
    """From the cache. What a webhook converts is converted first: the selectors are about that."""
    cache = registry.cache
    if registry.by_webhook:
        try:
            await registry.ready_now(lambda: [cache.entries[key] for key in cache.keys(namespace, after)])
        except StatusError as error:
            raise not_ready(registry, error) if options.resource_version == "0" else error from None
    return _cut(registry, namespace, options, match, name, after)


async def _refuse_future(registry: Registry, revision: int) -> None:
    if revision > registry.services.feed.revision:
        await wait_for(registry, revision)


def _cut(registry: Registry, namespace: str, options: ReadOptions, match: Match | None, name: str, after: str) -> Page:
    """From the cache, now."""
    cache, revision = registry.cache, registry.services.feed.revision
    if name and (namespace or not registry.kind.namespaced):
        entry = cache.get(namespace, name)
        found = [entry] if entry is not None and (match is None or match(entry)) else []
        return Page(found, revision)
    entries = cache.entries
    keys = cache.keys(namespace, after)
    if not options.limit or options.resource_version == "0":
        # "Any state will do" is answered from the cache, in one piece.
        if match is None:
            return Page([entries[k] for k in keys], revision)
        return Page([e for k in keys if match(e := entries[k])], revision)
    return _limited([entries[k] for k in keys], options, match, revision, namespace)


def not_ready(registry: Registry, error: StatusError) -> StatusError:
    """429: what cannot be converted cannot be kept in Kubernetes' cache, and that is what was asked."""
    about = f"{registry.kind.api_version}, Kind={registry.kind.kind}"
    return errors.too_many_requests(f"storage is (re)initializing: failed to list {about}: {error.message}", 1)


async def _past(
    registry: Registry, namespace: str, options: ReadOptions, match: Match | None, revision: int, after: str
) -> Page:
    """From the store's history, at a revision."""
    prefix = registry.cache.prefix + (f"{namespace}/" if namespace else "")
    try:
        page = await registry.services.store.list_at(
            prefix,
            revision=Revision(revision),
            after=Key(registry.cache.prefix + after) if after else None,
        )
    except Compacted:
        raise _too_old(options, after, namespace) from None
    except FutureRevision:
        raise too_large_revision(revision, registry.services.feed.revision) from None
    cut = len(registry.cache.prefix)
    for record in page.records:
        if why := unreadable(record):
            raise errors.internal(f'unable to transform key "{record.key}": {why}')
    entries = [Entry(r.key[cut:], r.value, r.mod_revision) for r in page.records]
    await registry.ready(entries)
    if not options.limit:
        return Page([e for e in entries if match is None or match(e)], revision)
    return _limited(entries, options, match, revision, namespace)


def _limited(entries: list[Entry], options: ReadOptions, match: Match | None, revision: int, namespace: str) -> Page:
    chosen: list[Entry] = []
    for at, entry in enumerate(entries):
        if match is not None and not match(entry):
            continue
        chosen.append(entry)
        left = len(entries) - at - 1
        if len(chosen) == options.limit and left:
            # Whether any of what is left matches nobody looks.
            token = _write_token(revision, entry.key, namespace)
            return Page(chosen, revision, token, left if match is None else None)
    return Page(chosen, revision)


def _too_old(options: ReadOptions, after: str, namespace: str) -> StatusError:
    if not options.continue_token:
        return errors.expired("The resourceVersion for the provided list is too old.")
    error = errors.expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        "without the continue parameter, or use the continue token in this response to retrieve the remainder of "
        "the results. Continuing with the provided token results in an inconsistent list - objects that were "
        "created, modified, or deleted between the time the first chunk was returned and now may show up in the "
        "list."
    )
    return InconsistentContinue(error, _write_token(-1, after, namespace))


class InconsistentContinue(StatusError):
    """410 with a token that goes on in the present."""

    def __init__(self, error: StatusError, token: str) -> None:
        super().__init__(error.code, error.reason, error.message)
        self._token = token

    def status(self) -> dict[str, Any]:
        out = super().status()
        out["metadata"] = {"continue": self._token}
        return out


def _write_token(revision: int, key: str, namespace: str) -> str:
    start = key.removeprefix(f"{namespace}/") if namespace else key
    return _raw_token(revision, start + "\0")


def _raw_token(revision: int, start: str) -> str:
    text = orjson.dumps({"v": TOKEN_VERSION, "rv": revision, "start": start})
    return urlsafe_b64encode(text).decode().rstrip("=")


def _json_word(value: Any) -> str:
    """As Go names what it cannot take."""
    words = {bool: "bool", str: "string", list: "array", dict: "object"}
    return words.get(type(value), "number")


def _read_token(token: str, namespace: str) -> tuple[int, str]:
    """The revision and the key after which to go on; raises 400."""
    import json

    def bad(why: str) -> StatusError:
        return errors.bad_request(f"invalid continue token: continue key is not valid: {why}")

    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        raise bad("illegal base64 data at input byte 0") from None
    try:
        data = json.loads(raw)
    except ValueError:
        shown = raw.decode("latin-1")[:1]
        shown = shown if shown.isprintable() and shown.isascii() else f"\\u{ord(shown or chr(0)):04x}"
        raise bad(f"invalid character '{shown}' looking for beginning of value") from None
    if not isinstance(data, dict):
        raise bad(f"json: cannot unmarshal {_json_word(data)} into Go value of type storage.continueToken")
    if data.get("v") != TOKEN_VERSION:
        raise bad(f"server does not recognize this encoded version {data.get('v') or ''}")
    revision, start = data.get("rv") or 0, data.get("start") or ""
    for field, value, kind, go in (("rv", revision, int, "int64"), ("start", start, str, "string")):
        if not isinstance(value, kind):
            place = f"Go struct field continueToken.{field} of type {go}"
            raise bad(f"json: cannot unmarshal {_json_word(value)} into {place}")
    if revision == 0:
        raise bad(f"incorrect encoded start resourceVersion (version {TOKEN_VERSION})")
    if not start:
        raise bad("unexpected empty start")
    if ".." in start.split("/"):
        raise bad(start)
    after = start.rstrip("\0")
    return revision, f"{namespace}/{after}" if namespace else after
