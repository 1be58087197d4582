"""Questions asked as objects: access reviews, rules reviews, token and self reviews. Nothing is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.apiserver.authn.interface import InvalidCredential
from cluster.apiserver.authz.interface import Attributes, Decision, Selectors
from cluster.apiserver.authz.selectors import of_review
from cluster.apiserver.handlers import body, render, review_checks
from cluster.apiserver.handlers.accept import uncolumned
from cluster.apiserver.handlers.resources import write_options_of
from cluster.apiserver.handlers.router import nothing_here
from cluster.apiserver.http.messages import Response
from cluster.apiserver.registry import fields
from cluster.apiserver.registry.metadata import place_in_namespace
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.request import Context, UserInfo
from cluster.meta import errors
from cluster.meta.field import FieldError
from cluster.meta.times import seconds
from cluster.meta.types import Obj

if TYPE_CHECKING:
    from cluster.apiserver.server import ApiServer

AUTHZ, AUTHN = "authorization.k8s.io", "authentication.k8s.io"


def mount(server: ApiServer) -> None:
    reviews = Reviews(server)
    table = server.router.virtual
    table[AUTHZ, "selfsubjectaccessreviews"] = reviews.self_access
    table[AUTHZ, "subjectaccessreviews"] = reviews.access
    table[AUTHZ, "localsubjectaccessreviews"] = reviews.local_access
    table[AUTHZ, "selfsubjectrulesreviews"] = reviews.rules
    table[AUTHN, "selfsubjectreviews"] = reviews.self
    table[AUTHN, "tokenreviews"] = reviews.token


class Reviews:
    def __init__(self, server: ApiServer) -> None:
        self._server = server

    async def self_access(self, ctx: Context, registry: Registry) -> Response:
        obj = self._incoming(ctx, registry)
        self._check(review_checks.self_access(obj))
        return await self._access(ctx, obj, ctx.user)

    async def access(self, ctx: Context, registry: Registry) -> Response:
        obj = self._incoming(ctx, registry)
        self._check(review_checks.access(obj))
        return await self._access(ctx, obj, _subject(obj["spec"]))

    async def local_access(self, ctx: Context, registry: Registry) -> Response:
        if not ctx.info.namespace:
            raise nothing_here()
        obj = self._incoming(ctx, registry)
        self._check(review_checks.local_access(obj, ctx.info.namespace))
        return await self._access(ctx, obj, _subject(obj["spec"]))

    async def rules(self, ctx: Context, registry: Registry) -> Response:
        obj = self._incoming(ctx, registry, tracked=False)
        namespace = (obj.get("spec") or {}).get("namespace") or ""
        if not namespace:
            raise errors.bad_request("no namespace on request")
        rules, problem, incomplete = self._server.authorizer.rules_for(ctx.user, namespace)
        status: Obj = {
            "resourceRules": [_resource_rule(r) for r in rules if r.get("resources")],
            "nonResourceRules": [
                {"verbs": r["verbs"], "nonResourceURLs": r["nonResourceURLs"]}
                for r in rules
                if r.get("nonResourceURLs")
            ],
            "incomplete": incomplete,
        }
        if problem:
            status["evaluationError"] = problem
        obj["spec"], obj["status"] = {}, status
        return self._answer(ctx, obj)

    async def self(self, ctx: Context, registry: Registry) -> Response:
        obj = self._incoming(ctx, registry, tracked=False)
        obj["metadata"] = {"creationTimestamp": seconds(self._server.clock.now())}
        obj["status"] = {"userInfo": ctx.user.as_dict()}
        return self._answer(ctx, obj)

    async def token(self, ctx: Context, registry: Registry) -> Response:
        obj = self._incoming(ctx, registry)
        spec = obj.get("spec") or {}
        if not spec.get("token"):
            raise errors.bad_request("token is required for TokenReview in authentication")
        obj["status"] = await self._reviewed(str(spec["token"]), tuple(spec.get("audiences") or ()))
        return self._answer(ctx, obj)

    async def _reviewed(self, token: str, audiences: tuple[str, ...]) -> Obj:
        from cluster.apiserver.filters.authentication import known

        try:
            user, good = await self._server.token_sources.recognise(token, audiences)
        except InvalidCredential as why:
            return {"user": {}, "error": str(why)}
        return {"authenticated": True, "user": known(user).as_dict(), "audiences": list(good)}

    # Parts.

    def _incoming(self, ctx: Context, registry: Registry, *, tracked: bool = True) -> Obj:
        options = write_options_of(ctx, "CreateOptions")
        obj = body.incoming(ctx, registry, options)
        place_in_namespace(obj, registry.kind, ctx.info.namespace)
        if tracked:
            fields.track(registry, obj, None, options)
        return obj

    async def _access(self, ctx: Context, obj: Obj, user: UserInfo) -> Response:
        asked = _attributes(user, obj["spec"])
        decision, reason, error = await self._server.authorizer.decide(asked)
        status: Obj = {"allowed": decision is Decision.ALLOW}
        if decision is Decision.DENY:
            status["denied"] = True
        if reason:
            status["reason"] = reason
        faults = [error] if error else []
        if asked.selectors is not None:
            faults += _unread(asked.selectors)
        if faults:
            status["evaluationError"] = "; ".join(faults)
        obj["status"] = status
        return self._answer(ctx, obj)

    @staticmethod
    def _answer(ctx: Context, obj: Obj) -> Response:
        return render.created(ctx, obj, uncolumned(ctx))

    @staticmethod
    def _check(faults: list[FieldError]) -> None:
        if faults:
            raise errors.invalid((AUTHZ, ""), "", [fault.cause() for fault in faults])


def _resource_rule(rule: Obj) -> Obj:
    out = {"verbs": rule["verbs"], "apiGroups": rule.get("apiGroups") or [], "resources": rule["resources"]}
    if rule.get("resourceNames"):
        out["resourceNames"] = rule["resourceNames"]
    return out


def _subject(spec: Obj) -> UserInfo:
    extra = tuple((k, tuple(v or ())) for k, v in (spec.get("extra") or {}).items())
    return UserInfo(spec.get("user") or "", spec.get("uid") or "", tuple(spec.get("groups") or ()), extra)


def _attributes(user: UserInfo, spec: Obj) -> Attributes:
    other: dict[str, Any] | None = spec.get("nonResourceAttributes")
    if other is not None:
        return Attributes(user, other.get("verb") or "", path=other.get("path") or "")
    asked = spec["resourceAttributes"]
    return Attributes(
        user,
        asked.get("verb") or "",
        asked.get("group") or "",
        asked.get("version") or "*",
        asked.get("resource") or "",
        asked.get("subresource") or "",
        asked.get("name") or "",
        asked.get("namespace") or "",
        "",
        of_review(asked),
    )


def _unread(selectors: Selectors) -> list[str]:
    """Which selectors could not all be read."""
    out = []
    for name, fault, rest in (
        ("fieldSelector", selectors.field_fault, selectors.fields),
        ("labelSelector", selectors.label_fault, selectors.labels),
    ):
        if fault:
            part = "partially ignored" if rest else "ignored"
            out.append(f"spec.resourceAttributes.{name} {part} due to parse error")
    return out
