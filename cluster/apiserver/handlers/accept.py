"""What the client wants back: whole objects, tables or metadata alone; JSON or another codec."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cluster.meta import errors

JSON, YAML, PROTOBUF, CBOR = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "application/cbor"
OFFERED = (JSON, YAML, PROTOBUF)
_META_VERSIONS = ("v1", "v1beta1")


@dataclass(frozen=True, slots=True)
class Wanted:
    """`shape` is "" (the object), "Table", "PartialObjectMetadata" or "PartialObjectMetadataList"; `version` meta.k8s.io's."""

    media_type: str = JSON
    shape: str = ""
    version: str = "v1"
    pretty: bool = False
    stream: bool = False


@lru_cache(maxsize=512)
def negotiate(accept: str, for_list: bool = False, for_watch: bool = False) -> Wanted:
    """The best of what is offered; raises 406."""
    for clause in _clauses(accept):
        found = _fits(clause, for_list)
        if found is not None:
            return found
    offered = ", ".join(OFFERED)
    if "as=" in accept or "g=" in accept:
        raise errors.not_acceptable(f"only the following media types are accepted: {offered}")
    raise errors.not_acceptable(f"only the following media types are accepted: {offered}")


def _clauses(accept: str) -> list[tuple[str, dict[str, str]]]:
    if not accept.strip():
        return [("*/*", {})]
    out: list[tuple[float, int, str, dict[str, str]]] = []
    for at, clause in enumerate(accept.split(",")):
        media, *parameters = (part.strip() for part in clause.split(";"))
        values = dict(p.split("=", 1) for p in parameters if "=" in p)
        try:
            quality = float(values.pop("q", "1"))
        except ValueError:
            quality = 1.0
        out.append((-quality, at, media.lower(), values))
    return [(media, values) for _, _, media, values in sorted(out, key=lambda c: c[:2])]


def _fits(clause: tuple[str, dict[str, str]], for_list: bool) -> Wanted | None:
    media, values = clause
    if media in ("*/*", "application/*"):
        media = JSON
    if media not in (*OFFERED, CBOR):
        return None
    shape = values.get("as", "")
    if not shape:
        return Wanted(media, pretty=values.get("pretty") == "1", stream=values.get("stream") == "watch")
    if values.get("g") != "meta.k8s.io" or values.get("v") not in _META_VERSIONS:
        return None
    if shape == "Table" or shape == ("PartialObjectMetadataList" if for_list else "PartialObjectMetadata"):
        return Wanted(media, shape, values["v"])
    return None
