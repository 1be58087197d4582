"""What the server serves: plain lists, aggregated lists, derived from the kinds, and what others serve behind it.

Cached by the editions of both. The order is that of the APIServices.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import orjson

from cluster.apiserver.codecs.media import BUILT_IN, named, unacceptable
from cluster.apiserver.handlers import render
from cluster.apiserver.handlers.accept import JSON, YAML, Wanted, clauses, pretty
from cluster.apiserver.http.messages import Response
from cluster.apiserver.request import Context
from cluster.kinds.kind import Kind
from cluster.kinds.registry import KindRegistry
from cluster.meta import errors
from cluster.meta.types import GroupVersion, Obj

if TYPE_CHECKING:
    from cluster.apiserver.aggregation.aggregator import Aggregator

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=%s;as=APIGroupDiscoveryList"
_REFUSED = f"only the following media types are accepted: {', '.join(BUILT_IN)}"


def _asked(accept: str) -> list[tuple[str, dict[str, str]]]:
    """The clauses of a header; of one in which nothing is a media type, none."""
    return clauses(accept) if not accept.strip() or "/" in accept or "*" in accept else []


def _check_route(accept: str) -> None:
    """What Kubernetes routes before it negotiates is refused there when no type is named that it has. Raises 406."""
    if accept and not named(accept, BUILT_IN):
        raise unacceptable(BUILT_IN)


class Discovery:
    """Handlers of /api, /apis and what lies below them that is no resource."""

    def __init__(self, kinds: KindRegistry, aggregator: Aggregator, address: str) -> None:
        self._kinds = kinds
        self._others = aggregator
        self.address = address
        self._edition = (-1, -1)
        self._cache: dict[str, Any] = {}

    def _cached(self, key: str, make: Any) -> Any:
        edition = (self._kinds.edition, self._others.edition)
        if self._edition != edition:
            self._edition = edition
            self._cache.clear()
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    async def core(self, ctx: Context) -> Response:
        """/api"""
        _check_route(ctx.request.headers.get("accept", ""))
        return self._versioned(ctx, "core", self._api_versions, lambda: self._aggregated([""]))

    async def groups(self, ctx: Context) -> Response:
        """/apis"""
        return self._versioned(ctx, "groups", self._group_list, lambda: self._aggregated([*self._order()]))

    def _order(self) -> dict[str, list[str]]:
        """Groups but for the core one, with their versions, in the order in which they are told."""
        found: dict[str, list[str]] = self._cached("order", self._ordered)
        return found

    def _ordered(self) -> dict[str, list[str]]:
        served = [(group, self._kinds.versions(group)) for group in self._kinds.groups()]
        order = self._others.registrations.ordered(served)
        order.pop("", None)
        return order

    def has_group(self, group: str) -> bool:
        return group in self._order()

    def _versioned(self, ctx: Context, key: str, plain: Any, aggregated: Any) -> Response:
        if ctx.request.method not in ("GET", "HEAD"):
            raise errors.method_not_allowed()
        for media, values in _asked(ctx.request.headers.get("accept", "")):
            if values.get("as") == "APIGroupDiscoveryList" and values.get("g") == "apidiscovery.k8s.io":
                if values.get("v") == "v2" and media == JSON:
                    return self._aggregated_response(ctx, key, aggregated)
                continue
            if values.get("as"):
                continue
            if media in ("*/*", "application/*", JSON, YAML):
                wanted = Wanted(YAML if media == YAML else JSON, pretty=pretty(ctx))
                return render.answer(ctx, self._cached(key, plain), wanted)
        raise errors.not_acceptable(_REFUSED)

    def _aggregated_response(self, ctx: Context, key: str, make: Any) -> Response:
        body: bytes = self._cached(f"{key} v2", lambda: orjson.dumps(make()) + b"\n")
        etag = self._cached(f"{key} v2 etag", lambda: f'"{hashlib.sha512(body).hexdigest().upper()}"')
        if ctx.request.headers.get("if-none-match", "") == etag:
            return Response(304, headers=[("ETag", etag), ("Vary", "Accept")])
        response = render.finish(ctx, body, _AGGREGATED % "v2")
        response.headers += [("ETag", etag), ("X-Varied-Accept", _AGGREGATED % "v2")]
        return response

    async def group(self, ctx: Context) -> Response | None:
        """/apis/GROUP and /apis/GROUP/VERSION, /api/v1; None when it is none of them."""
        parts = [p for p in ctx.request.path.strip("/").split("/") if p]
        found = self._document(parts)
        if found is None:
            return None
        if ctx.request.method not in ("GET", "HEAD"):
            raise errors.method_not_allowed()
        accept = ctx.request.headers.get("accept", "")
        if parts[0] == "api" or len(parts) == 3 or parts[1] == "apiregistration.k8s.io":
            _check_route(accept)
        for media, values in _asked(accept):
            if not values.get("as") and media in ("*/*", "application/*", JSON, YAML):
                return render.answer(ctx, found, Wanted(YAML if media == YAML else JSON, pretty=pretty(ctx)))
        raise errors.not_acceptable(_REFUSED)

    def _document(self, parts: list[str]) -> Obj | None:
        if parts[0] == "api" and len(parts) == 2:
            gv = GroupVersion("", parts[1])
        elif parts[0] == "apis" and len(parts) == 2 and self.has_group(parts[1]):
            found: Obj = self._cached(
                f"group {parts[1]}", lambda: {"kind": "APIGroup", "apiVersion": "v1", **self._group(parts[1])}
            )
            return found
        elif parts[0] == "apis" and len(parts) == 3:
            gv = GroupVersion(parts[1], parts[2])
        else:
            return None
        if gv not in self._kinds.group_versions():
            return None
        resources: Obj = self._cached(f"resources {gv}", lambda: self._resource_list(gv))
        return resources

    # Documents.

    def _api_versions(self) -> Obj:
        return {
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": self.address}],
        }

    def _group_list(self) -> Obj:
        groups = [self._group(g) for g in self._order()]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}

    def _group(self, group: str) -> Obj:
        versions = [{"groupVersion": f"{group}/{v}", "version": v} for v in self._order()[group]]
        return {"name": group, "versions": versions, "preferredVersion": versions[0]}

    def _resource_list(self, gv: GroupVersion) -> Obj:
        resources: list[Obj] = []
        for kind in self._kinds.resources(gv):
            resources += _plain_resources(kind)
        head: Obj = {"kind": "APIResourceList"}
        if gv.group:
            head["apiVersion"] = "v1"
        return {**head, "groupVersion": str(gv), "resources": resources}

    def _aggregated(self, groups: list[str]) -> Obj:
        items = []
        for group in groups:
            names = self._order()[group] if group else self._kinds.versions(group)
            versions = [self._aggregated_version(GroupVersion(group, version)) for version in names]
            items.append({"metadata": {"name": group} if group else {}, "versions": versions})
        return {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": "apidiscovery.k8s.io/v2",
            "metadata": {},
            "items": items,
        }

    def _aggregated_version(self, gv: GroupVersion) -> Obj:
        if gv in self._others.remote:
            return self._others.versions.get(gv, {"version": gv.version, "freshness": "Stale"})
        resources = [_aggregated_resource(k) for k in self._kinds.resources(gv)]
        return {"version": gv.version, "resources": resources, "freshness": "Current"}


_STORED_ELSEWHERE = {
    ("events.k8s.io", "events"): ("", "v1"),
    ("autoscaling", "horizontalpodautoscalers"): ("autoscaling", "v2"),
    ("apiextensions.k8s.io", "customresourcedefinitions"): ("apiextensions.k8s.io", "v1beta1"),
    ("admissionregistration.k8s.io", "mutatingadmissionpolicies"): (
        "admissionregistration.k8s.io",
        "v1beta1",
    ),
    ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings"): (
        "admissionregistration.k8s.io",
        "v1beta1",
    ),
}
"""Group and version whose encoding the hash stands for in Kubernetes, where it is not the served one."""


def storage_version_hash(kind: Kind) -> str:
    """How clients notice that objects moved to another version: a hash of where they are stored."""
    group, version = _STORED_ELSEWHERE.get((kind.group, kind.plural), (kind.group, kind.version))
    text = f"{group}/{version}/{kind.kind}"
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()


def _plain_resources(kind: Kind) -> list[Obj]:
    main: Obj = {
        "name": kind.plural,
        "singularName": kind.singular or kind.kind.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        main["shortNames"] = list(kind.short_names)
    if kind.categories:
        main["categories"] = list(kind.categories)
    if "list" in kind.verbs and "create" in kind.verbs:
        main["storageVersionHash"] = storage_version_hash(kind)
    out = [main]
    for sub in kind.subresources:
        entry: Obj = {"name": f"{kind.plural}/{sub.name}", "singularName": "", "namespaced": kind.namespaced}
        if sub.kind is not None and sub.kind.api_version != kind.api_version:
            entry |= {"group": sub.kind.group, "version": sub.kind.version}
        entry |= {"kind": sub.kind.kind if sub.kind else kind.kind, "verbs": list(sub.verbs)}
        out.append(entry)
    return out


def _response_kind(kind: Kind, sub: Any = None) -> Obj:
    if sub is not None and sub.kind is not None and sub.kind.api_version != kind.api_version:
        return {"group": sub.kind.group, "version": sub.kind.version, "kind": sub.kind.kind}
    # Empty group and version: the same as the resource's own.
    return {"group": "", "version": "", "kind": sub.kind.kind if sub is not None and sub.kind else kind.kind}


def _aggregated_resource(kind: Kind) -> Obj:
    out: Obj = {
        "resource": kind.plural,
        "responseKind": _response_kind(kind),
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular or kind.kind.lower(),
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        out["shortNames"] = list(kind.short_names)
    if kind.categories:
        out["categories"] = list(kind.categories)
    if kind.subresources:
        out["subresources"] = [
            {"subresource": s.name, "responseKind": _response_kind(kind, s), "verbs": list(s.verbs)}
            for s in kind.subresources
        ]
    return out
