"""EncryptionConfiguration of apiserver.config.k8s.io/v1, checked and made into transformers.

Checks and their words are those of k8s.io/apiserver; providers `kms` are refused by name. It knows no file: a wire
dict comes in.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cluster.meta import field
from cluster.meta.configuration import Shape, check_kind, check_shape
from cluster.meta.field import FieldError, Path
from cluster.meta.types import Obj
from cluster.storage.encryption import ciphers
from cluster.storage.encryption.ciphers import Cipher, Identity
from cluster.storage.encryption.transformers import Prefixed, Transformer, Whole

_KEYS: Shape = {"keys": [{"name": str, "secret": str}]}
_SHAPE: Shape = {
    "resources": [
        {
            "resources": [str],
            "providers": [{"aesgcm": _KEYS, "aescbc": _KEYS, "secretbox": _KEYS, "identity": {}, "kms": dict}],
        }
    ]
}
_AES_SIZES, _BOX_SIZES = (16, 24, 32), (32,)
_MAKERS: Mapping[str, tuple[Callable[[bytes], Cipher], tuple[int, ...], str]] = {
    "aesgcm": (ciphers.AesGcm, _AES_SIZES, "AES"),
    "aescbc": (ciphers.AesCbc, _AES_SIZES, "AES"),
    "secretbox": (ciphers.SecretBox, _BOX_SIZES, "Secretbox"),
}
_NO_REST = ("apiserveripinfo", "serviceipallocations", "servicenodeportallocations")


class Encryption:
    """Which transformer a resource has. Made by `read`."""

    def __init__(self, choices: Mapping[str, Transformer]) -> None:
        self._choices = dict(choices)
        self._plain: Transformer = Whole(Identity())

    @classmethod
    def read(cls, configuration: Obj) -> Encryption:
        """Raises ValueError, one line a fault, each with its field."""
        check_kind(configuration, "apiserver.config.k8s.io/v1", "EncryptionConfiguration")
        check_shape(configuration, _SHAPE)
        faults = _faults(configuration)
        if faults:
            raise ValueError("\n".join(f"{fault.path}: {fault.body()}" for fault in faults))
        return cls(_transformers(configuration["resources"]))

    def transformer(self, resource: str) -> Transformer:
        """Of `secrets`, `deployments.apps`, …"""
        group = resource.partition(".")[2]
        for name in (resource, f"*.{group}", "*.*"):
            if name in self._choices:
                return self._choices[name]
        return self._plain


# Making.


def _transformers(entries: list[Obj]) -> dict[str, Transformer]:
    chosen: dict[str, list[tuple[bytes, Transformer]]] = {}
    for at, entry in enumerate(entries):
        providers = [_provider(provider) for provider in entry["providers"]]
        for number, resource in enumerate(entry["resources"]):
            for mask in (f"*.{resource.partition('.')[2]}", "*.*"):
                if mask in chosen:
                    place = f"resources[{at}].resources[{number}]"
                    raise ValueError(f'{place}: resource "{resource}" is masked by earlier rule "{mask}"')
            chosen.setdefault(resource, []).extend(providers)
    return {resource: Prefixed(found, "no matching prefix found") for resource, found in chosen.items()}


def _provider(provider: Obj) -> tuple[bytes, Transformer]:
    name, body = next(iter(provider.items()))
    if name == "identity":
        return b"", Whole(Identity())
    make, _, called = _MAKERS[name]
    keys = [(f"{key['name']}:".encode(), Whole(make(b64decode(key["secret"])))) for key in body["keys"]]
    return f"k8s:enc:{name}:v1:".encode(), Prefixed(
        keys, f"no matching key was found for the provided {called} transformer"
    )


# Checking.


def _faults(configuration: Obj) -> list[FieldError]:
    root = Path("resources")
    entries = configuration.get("resources") or []
    if not entries:
        return [_needed(root)]
    out: list[FieldError] = []
    for at, entry in enumerate(entries):
        resources, providers = entry.get("resources") or [], entry.get("providers") or []
        out += _resource_faults(root[at] / "resources", resources)
        if not providers:
            out.append(_needed(root[at] / "providers"))
        for number, provider in enumerate(providers):
            out += _provider_faults((root[at] / "providers")[number], provider)
    return out


def _needed(path: Path, what: str = "") -> FieldError:
    return field.required(path, f"at least one {what or path} is required")


def _resource_faults(path: Path, resources: list[str]) -> list[FieldError]:
    out = [] if resources else [_needed(path)]
    if len(set(resources)) != len(resources):
        out.append(_of_list(path, resources, "the same resource cannot be specified multiple times"))
    if _overlap(resources):
        overlap = "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed"
        out.append(_of_list(path, resources, f"{overlap} as they will be masked"))
    for at, resource in enumerate(resources):
        why = _name_fault(resource)
        if why:
            out.append(field.invalid(path[at], resource, why))
    return out


def _of_list(path: Path, resources: list[str], why: str) -> FieldError:
    return field.invalid(path, resources, why)


def _overlap(resources: list[str]) -> bool:
    split = [resource.partition(".")[::2] for resource in dict.fromkeys(resources)]
    if ("*", "*") in split and len(split) > 1:
        return True
    return any(
        first != second and first[1] == second[1] and "*" in (first[0], second[0])
        for first in split
        for second in split
    )


def _name_fault(resource: str) -> str:
    name, _, group = resource.partition(".")
    if resource.lower() != resource:
        return "resource name should not contain capital letters"
    if resource == "*":
        return "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"
    if resource in _NO_REST:
        return "resources which do not have REST API/s cannot be encrypted"
    if group == "events.k8s.io":
        return (
            "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the "
            "config file"
        )
    if group == "extensions":
        return "'extensions' group has been removed and cannot be used for encryption"
    if group == "*" and name != "*":
        return "encrypting the same resource across groups is not supported"
    return ""


def _provider_faults(path: Path, provider: Obj) -> list[FieldError]:
    if not provider:
        names = "KMS, AESGCM, AESCBC, Secretbox, Identity"
        return [field.invalid(path, provider, f"provider does not contain any of the expected providers: {names}")]
    if len(provider) > 1:
        why = "more than one provider specified in a single element, should split into different list elements"
        return [field.invalid(path, sorted(provider), why)]
    name, body = next(iter(provider.items()))
    if name == "kms":
        return [field.forbidden(path / "kms", "key management services are not served; give the keys themselves")]
    if name == "identity":
        return []
    keys, place = body.get("keys") or [], path / name / "keys"
    check = partial(_key_faults, sizes=_MAKERS[name][1])
    return [fault for at, key in enumerate(keys) for fault in check(place[at], key)] or (
        [] if keys else [_needed(place, "keys")]
    )


def _key_faults(path: Path, key: Mapping[str, Any], sizes: tuple[int, ...]) -> list[FieldError]:
    out = [] if key.get("name") else [field.required(path / "name", "name is a mandatory field for a key")]
    if not key.get("secret"):
        return [*out, field.required(path / "secret", "secret is a mandatory field for a key")]
    try:
        size = len(b64decode(key["secret"], validate=True))
    except binascii.Error:
        return [*out, field.invalid(path / "secret", "REDACTED", "secrets must be base64 encoded")]
    if size not in sizes:
        listed = " ".join(map(str, sizes))
        why = f"secret is not of the expected length, got {size}, expected one of [{listed}]"
        out.append(field.invalid(path / "secret", "REDACTED", why))
    return out
