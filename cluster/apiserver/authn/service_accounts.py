"""Service account tokens: JWTs bound to an account, perhaps to a pod, for an audience and a time.

A token is good only while the account and whatever it is bound to exist with the same uid; that is looked up at every
use, the signature is checked once. Keys are PEM, RSA or P-256.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from cluster.apiserver.registry.metadata import new_uid
from cluster.apiserver.request import UserInfo
from cluster.meta import errors
from cluster.meta.errors import Cause
from cluster.meta.objects import dig
from cluster.meta.times import seconds
from cluster.meta.types import GroupResource, Obj

if TYPE_CHECKING:
    from cluster.machinery.clock import Clock

ACCOUNTS = GroupResource("", "serviceaccounts")
BINDABLE = {
    "Pod": GroupResource("", "pods"),
    "Secret": GroupResource("", "secrets"),
    "Node": GroupResource("", "nodes"),
}
SHORTEST, LONGEST, USUAL = 600, 1 << 32, 3600
"""Seconds a token may live."""
_PREFIX = "authentication.kubernetes.io/"


class Objects(Protocol):
    def get(self, resource: GroupResource, namespace: str, name: str) -> Obj | None: ...


class TokenIssuer:
    """Issues and recognises tokens of one key."""

    def __init__(self, key: bytes, issuer: str, clock: Clock, objects: Objects) -> None:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        self._key: Any = load_pem_private_key(key, None)
        self._public: Any = self._key.public_key()
        self.issuer = issuer
        self._clock = clock
        self._objects = objects
        self._algorithm = "ES256" if hasattr(self._public, "curve") else "RS256"
        self._key_id = _key_id(self._public)
        self._verified = lru_cache(maxsize=1024)(self._check_signature)

    # Issuing.

    def request(self, objects: Objects, namespace: str, name: str, given: Obj) -> Obj:
        """Answers a TokenRequest. Raises 404, 409, 422."""
        account = objects.get(ACCOUNTS, namespace, name)
        if account is None:
            raise errors.not_found(ACCOUNTS, name)
        spec = given.get("spec") or {}
        wanted = spec.get("expirationSeconds")
        lifetime = USUAL if wanted is None else int(wanted)
        _check(lifetime)
        audiences = list(spec.get("audiences") or [self.issuer])
        bound = self._bound(objects, namespace, spec.get("boundObjectRef"))
        now = int(self._clock.now())
        token = self._sign(self._claims(account, audiences, now, lifetime, bound))
        meta = {k: v for k, v in (given.get("metadata") or {}).items() if v}
        meta |= {"name": name, "namespace": namespace, "creationTimestamp": seconds(now)}
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": meta,
            "spec": {
                "audiences": audiences,
                "expirationSeconds": lifetime,
                "boundObjectRef": spec.get("boundObjectRef"),
            },
            "status": {"token": token, "expirationTimestamp": seconds(now + lifetime)},
        }

    def _claims(self, account: Obj, audiences: list[str], now: int, lifetime: int, bound: Obj) -> Obj:
        meta = account["metadata"]
        about = {"namespace": meta["namespace"], **bound}
        about["serviceaccount"] = {"name": meta["name"], "uid": meta["uid"]}
        return {
            "aud": audiences,
            "exp": now + lifetime,
            "iat": now,
            "iss": self.issuer,
            "jti": new_uid(),
            "kubernetes.io": about,
            "nbf": now,
            "sub": f"system:serviceaccount:{meta['namespace']}:{meta['name']}",
        }

    @staticmethod
    def _bound(objects: Objects, namespace: str, ref: Obj | None) -> Obj:
        if not ref:
            return {}
        resource = BINDABLE.get(ref.get("kind") or "")
        if resource is None:
            raise errors.bad_request(f"cannot bind token to object of type /v1, Kind={ref.get('kind') or ''}")
        name = ref.get("name") or ""
        found = objects.get(resource, "" if ref["kind"] == "Node" else namespace, name)
        if found is None:
            raise errors.not_found(resource, name)
        uid = found["metadata"]["uid"]
        if ref.get("uid") and ref["uid"] != uid:
            why = f"the UID in the bound object reference ({ref['uid']}) does not match the UID in record. "
            raise errors.conflict(resource, name, why + "The object might have been deleted and then recreated")
        out = {str(ref["kind"]).lower(): {"name": name, "uid": uid}}
        node = dig(found, "spec", "nodeName") if ref["kind"] == "Pod" else None
        host = objects.get(BINDABLE["Node"], "", node) if node else None
        if node:
            out["node"] = {"name": node} | ({"uid": host["metadata"]["uid"]} if host else {})
        return out

    def _sign(self, claims: Obj) -> str:
        head = {"alg": self._algorithm, "kid": self._key_id}
        text = f"{_encode(head)}.{_encode(claims)}".encode()
        return f"{text.decode()}.{_base64(self._signature(text))}"

    def _signature(self, text: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes

        if self._algorithm == "RS256":
            from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

            return bytes(self._key.sign(text, PKCS1v15(), hashes.SHA256()))
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        r, s = decode_dss_signature(self._key.sign(text, ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    # Recognising.

    async def authenticate_token(self, token: str, audiences: tuple[str, ...] = ()) -> UserInfo | None:
        claims = self._verified(token)
        if claims is None or not claims["nbf"] <= self._clock.now() < claims["exp"]:
            return None
        if not set(audiences or (self.issuer,)) & set(claims["aud"]):
            return None
        return self._user(claims)

    def _user(self, claims: Obj) -> UserInfo | None:
        about = claims["kubernetes.io"]
        namespace, account = about["namespace"], about["serviceaccount"]
        if not self._lives(ACCOUNTS, namespace, account):
            return None
        extra = [(f"{_PREFIX}credential-id", (f"JTI={claims['jti']}",))]
        for kind, resource in BINDABLE.items():
            bound = about.get(kind.lower())
            if bound is None:
                continue
            if kind != "Node" and not self._lives(resource, namespace, bound):
                return None
            if kind != "Secret":
                extra += [
                    (f"{_PREFIX}{kind.lower()}-{part}", (bound[part],)) for part in ("name", "uid") if part in bound
                ]
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
        return UserInfo(claims["sub"], account["uid"], groups, tuple(extra))

    def _lives(self, resource: GroupResource, namespace: str, ref: Obj) -> bool:
        found = self._objects.get(resource, namespace, ref["name"])
        return found is not None and found["metadata"]["uid"] == ref["uid"]

    def _check_signature(self, token: str) -> Obj | None:
        """The claims of a token this key signed; None for anything else."""
        try:
            head, body, signature = token.split(".")
            header, claims = json.loads(_decode(head)), json.loads(_decode(body))
            if header.get("alg") != self._algorithm or claims.get("iss") != self.issuer:
                return None
            self._verify(f"{head}.{body}".encode(), _decode(signature))
        except (ValueError, TypeError, AttributeError, _invalid_signature()):
            return None
        found: Obj = claims
        return found

    def _verify(self, text: bytes, signature: bytes) -> None:
        from cryptography.hazmat.primitives import hashes

        if self._algorithm == "RS256":
            from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

            self._public.verify(signature, text, PKCS1v15(), hashes.SHA256())
            return
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        self._public.verify(encode_dss_signature(r, s), text, ECDSA(hashes.SHA256()))

    # Discovery for those who verify tokens themselves.

    def configuration(self, server: str) -> Obj:
        """/.well-known/openid-configuration"""
        return {
            "issuer": self.issuer,
            "jwks_uri": f"https://{server}/openid/v1/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self._algorithm],
        }

    def keys(self) -> Obj:
        """/openid/v1/jwks"""
        numbers = self._public.public_numbers()
        common = {"use": "sig", "kid": self._key_id, "alg": self._algorithm}
        if self._algorithm == "RS256":
            return {"keys": [{**common, "kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}]}
        point = {"x": _base64(numbers.x.to_bytes(32, "big")), "y": _base64(numbers.y.to_bytes(32, "big"))}
        return {"keys": [{**common, "kty": "EC", "crv": "P-256", **point}]}


def _check(lifetime: int) -> None:
    path = "spec.expirationSeconds"
    if lifetime < SHORTEST:
        text = f"Invalid value: {lifetime}: may not specify a duration less than 10 minutes"
        raise errors.invalid(("authentication.k8s.io", "TokenRequest"), "", [Cause("FieldValueInvalid", text, path)])
    if lifetime > LONGEST:
        text = f"Invalid value: {lifetime}: may not specify a duration larger than 2^32 seconds"
        raise errors.invalid(("authentication.k8s.io", "TokenRequest"), "", [Cause("FieldValueInvalid", text, path)])


def _invalid_signature() -> type[Exception]:
    from cryptography.exceptions import InvalidSignature

    return InvalidSignature


def _key_id(public: Any) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return _base64(hashlib.sha256(der).digest())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _number(value: int) -> str:
    return _base64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _encode(value: Obj) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
