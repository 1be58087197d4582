"""TokenRequest: what may be asked of an account's tokens, and the claims of those that are issued.

Order and wording of the checks are those of pkg/registry/core/serviceaccount/storage/token.go.
"""

from __future__ import annotations

from collections.abc import Callable

from cluster.apiserver.authn.service_accounts import ACCOUNTS, BINDABLE, Objects, TokenIssuer
from cluster.apiserver.registry.metadata import new_uid
from cluster.meta import errors
from cluster.meta.errors import StatusError
from cluster.meta.field import FieldError, Path, invalid
from cluster.meta.objects import dig
from cluster.meta.times import seconds
from cluster.meta.types import GroupResource, Obj

KIND = ("authentication.k8s.io", "TokenRequest")
SHORTEST, LONGEST, USUAL = 600, 1 << 32, 3600
"""Seconds a token may live."""
_OLD_CLIENTS, _A_YEAR = 3607, 365 * 24 * 3600
"""The lifetime that projected volumes ask for, and the one that pods get instead."""
_SPEC = Path("spec")


def prepare(issuer: TokenIssuer, objects: Objects, namespace: str, name: str, request: Obj) -> Obj:
    """The account asked for; fills what the request leaves open, in place. Raises 400, 404, 409, 422."""
    meta = request["metadata"]
    if meta.get("name") and meta["name"] != name:
        why = "must match the service account name if specified"
        raise _invalid(name, invalid(Path("metadata") / "name", meta["name"], why))
    account = objects.get(ACCOUNTS, namespace, name)
    if account is None:
        raise errors.not_found(ACCOUNTS, name)
    uid = account["metadata"]["uid"]
    if meta.get("uid") and meta["uid"] != uid:
        why = f"the UID in the token request ({meta['uid']}) does not match the UID of the service account ({uid})"
        raise errors.conflict(GroupResource(*KIND), name, why)
    meta |= {"name": name, "namespace": namespace, "uid": uid}
    meta["creationTimestamp"] = seconds(int(issuer.clock.now()))
    spec = request["spec"]
    spec["audiences"] = list(spec.get("audiences") or issuer.audiences)
    _check_lifetime(spec["expirationSeconds"])
    return account


def _check_lifetime(lifetime: int) -> None:
    for wrong, why in (
        (lifetime < SHORTEST, "may not specify a duration less than 10 minutes"),
        (lifetime > LONGEST, "may not specify a duration larger than 2^32 seconds"),
    ):
        if wrong:
            raise _invalid("", invalid(_SPEC / "expirationSeconds", lifetime, why))


def _invalid(name: str, fault: FieldError) -> StatusError:
    return errors.invalid(KIND, name, [fault.cause()])


def issue(issuer: TokenIssuer, objects: Objects, account: Obj, request: Obj, warn: Callable[[str], None]) -> Obj:
    """The request with its token. Raises 400, 404, 409."""
    spec = request["spec"]
    bound = _bound(objects, account["metadata"], spec.get("boundObjectRef"))
    longest = int(issuer.options.longest)
    if longest and spec["expirationSeconds"] > longest:
        asked = spec["expirationSeconds"]
        warn(f"requested expiration of {asked} seconds shortened to {longest} seconds")
        spec["expirationSeconds"] = longest
    now, lifetime = int(issuer.clock.now()), spec["expirationSeconds"]
    if _survives(issuer, spec, bound):
        bound["warnafter"] = now + lifetime
        lifetime = _A_YEAR
    token = issuer.key.sign(_claims(issuer, account["metadata"], spec["audiences"], now, lifetime, bound))
    status = {"token": token, "expirationTimestamp": seconds(now + spec["expirationSeconds"])}
    return {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {k: v for k, v in request["metadata"].items() if v},
        "spec": {
            "audiences": spec["audiences"],
            "expirationSeconds": spec["expirationSeconds"],
            "boundObjectRef": spec.get("boundObjectRef"),
        },
        "status": status,
    }


def _survives(issuer: TokenIssuer, spec: Obj, bound: Obj) -> bool:
    """Whether clients that never read their token again shall live with it."""
    ours = set(spec["audiences"]) <= set(issuer.audiences)
    return issuer.options.extend and "pod" in bound and spec["expirationSeconds"] == _OLD_CLIENTS and ours


def _claims(issuer: TokenIssuer, meta: Obj, audiences: list[str], now: int, lifetime: int, bound: Obj) -> Obj:
    about: Obj = {"namespace": meta["namespace"], **{k: bound[k] for k in ("node", "pod", "secret") if k in bound}}
    about["serviceaccount"] = {"name": meta["name"], "uid": meta["uid"]}
    if "warnafter" in bound:
        about["warnafter"] = bound["warnafter"]
    return {
        "aud": audiences,
        "exp": now + lifetime,
        "iat": now,
        "iss": issuer.issuer,
        "jti": new_uid(),
        "kubernetes.io": about,
        "nbf": now,
        "sub": f"system:serviceaccount:{meta['namespace']}:{meta['name']}",
    }


def _bound(objects: Objects, account: Obj, ref: Obj | None) -> Obj:
    """The claims of what the token is bound to."""
    if ref is None:
        return {}
    group, _, version = (ref.get("apiVersion") or "").rpartition("/")
    kind, name = ref.get("kind") or "", ref.get("name") or ""
    resource = BINDABLE.get(kind) if not group else None
    if resource is None:
        raise errors.bad_request(f"cannot bind token to object of type {group}/{version}, Kind={kind}")
    if not name:
        raise errors.bad_request("Name parameter required.")
    found = objects.get(resource, "" if kind == "Node" else account["namespace"], name)
    if found is None:
        raise errors.not_found(resource, name)
    if kind == "Pod" and dig(found, "spec", "serviceAccountName") != account["name"]:
        text = f'cannot bind token for serviceaccount "{account["name"]}" to pod running with different serviceaccount'
        raise errors.bad_request(f"{text} name.")
    uid = found["metadata"]["uid"]
    if ref.get("uid") and ref["uid"] != uid:
        why = f"the UID in the bound object reference ({ref['uid']}) does not match the UID in record. "
        raise errors.conflict(
            GroupResource("", kind), name, why + "The object might have been deleted and then recreated"
        )
    out = {kind.lower(): {"name": name, "uid": uid}}
    node = dig(found, "spec", "nodeName") if kind == "Pod" else None
    if node:
        host = objects.get(BINDABLE["Node"], "", node)
        out["node"] = {"name": node} | ({"uid": host["metadata"]["uid"]} if host else {})
    return out
