"""Content negotiation: which representation a client asked for, in which form.

`Accept` may name a transformation (`as=Table;v=v1;g=meta.k8s.io`) and clients list several clauses in order of wish;
a clause that cannot be served is passed over. What is not supported is refused in the words of the API server.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from cluster.meta.errors import StatusError, not_acceptable, unsupported_media_type

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
CBOR = "application/cbor"
BUILT_IN = (JSON, YAML, PROTOBUF)
CUSTOM = (JSON, YAML)
METADATA = ("PartialObjectMetadata", "PartialObjectMetadataList")
TRANSFORMS = ("Table", *METADATA)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What to answer with. `transform` is "", Table, PartialObjectMetadata or PartialObjectMetadataList and
    `version` the version of that in meta.k8s.io; `stream` says the clause asked for a watch stream by name."""

    media: str = JSON
    transform: str = ""
    version: str = "v1"
    pretty: bool = False
    stream: bool = False
    charset: str = ""

    @property
    def content_type(self) -> str:
        """The Content-Type of an answer that is one document."""
        return self.media

    @property
    def watch_content_type(self) -> str:
        """The Content-Type of a watch: JSON frames are plain application/json."""
        return JSON if self.media == JSON else f"{self.media};stream=watch"


@dataclass(frozen=True, slots=True)
class _Clause:
    main: str
    sub: str
    quality: float
    params: tuple[tuple[str, str], ...]


class Route(StrEnum):
    """What a path answers: one object, a list (or, on the same path, a watch), or a watch, which speaks no YAML."""

    ONE = "one"
    LIST = "list"
    WATCH = "watch"


def negotiate(
    accept: str,
    types: tuple[str, ...] = BUILT_IN,
    transforms: tuple[str, ...] = TRANSFORMS,
    route: Route = Route.ONE,
) -> Accepted:
    """The best clause that can be served; no header means JSON. What has no columns is offered in the METADATA
    transforms only; of CUSTOM types protobuf carries metadata alone. Raises StatusError 406."""
    return _negotiate(accept, types, transforms, route)


@lru_cache(maxsize=256)
def _negotiate(accept: str, types: tuple[str, ...], transforms: tuple[str, ...], route: Route) -> Accepted:
    if not accept.strip():
        return Accepted(types[0])
    if types == BUILT_IN and not named(accept, types):
        raise unacceptable(types if route is Route.ONE else types + _STREAMS)
    found = [
        accepted
        for clause in _clauses(accept)
        for media in (*BUILT_IN, CBOR)
        if _names(clause, media) and (accepted := _accept(clause, media, types, transforms)) is not None
    ]
    if not found:
        raise not_acceptable(f"only the following media types are accepted: {', '.join(BUILT_IN)}")
    if route is Route.WATCH:
        found = [accepted for accepted in found if accepted.media != YAML]
        if not found:
            raise not_acceptable(f"only the following media types are accepted: {', '.join(_STREAMS)}")
    return found[0]


_STREAMS = (f"{JSON};stream=watch", f"{PROTOBUF};stream=watch")


def named(accept: str, types: tuple[str, ...]) -> bool:
    """Whether a clause names one of the types, or anything. This is all that the routing of built-in kinds looks at;
    it knows no `application/*`."""
    asked = {part.partition(";")[0].strip() for part in accept.split(",")}
    return not asked.isdisjoint(("*/*", CBOR, *types))


def unacceptable(types: tuple[str, ...]) -> StatusError:
    """The refusal when not one named type can be produced."""
    message = f"406: Not Acceptable\n\nAvailable representations: {', '.join(types)}"
    return StatusError(406, "NotAcceptable", message, {})


def unsupported(types: tuple[str, ...] = BUILT_IN) -> StatusError:
    """The refusal of a body's Content-Type."""
    listed = ", ".join(types)
    text = f"the body of the request was in an unknown format - accepted media types include: {listed}"
    return unsupported_media_type(text)


def _clauses(accept: str) -> list[_Clause]:
    """Clauses, most wanted first; equals stay in order, wildcards last among them."""
    found = [clause for part in accept.split(",") if (clause := _clause(part)) is not None]
    return sorted(found, key=lambda c: (-c.quality, c.main == "*", c.sub == "*"))


def _clause(part: str) -> _Clause | None:
    name, *raw = (piece.strip() for piece in part.split(";"))
    main, _, sub = name.lower().partition("/")
    if main == "*" and not sub:
        sub = "*"
    if not main or not sub:
        return None
    params = [(key.strip().lower(), value.strip()) for key, _, value in (piece.partition("=") for piece in raw)]
    quality = next((_quality(value) for key, value in params if key == "q"), 1.0)
    return _Clause(main, sub, quality, tuple(pair for pair in params if pair[0] != "q"))


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _names(clause: _Clause, media: str) -> bool:
    main, _, sub = media.partition("/")
    if clause.main == "*" and clause.sub == "*":
        return media != CBOR
    return clause.main == main and clause.sub in (sub, "*") and (media != CBOR or clause.sub == sub)


def _accept(clause: _Clause, media: str, types: tuple[str, ...], transforms: tuple[str, ...]) -> Accepted | None:
    params = dict(clause.params)
    if params.get("stream", "watch") != "watch":
        return None
    transform = params.get("as", "")
    if media not in (*types, CBOR) and transform not in METADATA:
        return None
    if transform and not (transform in transforms and _can(transform, media, params)):
        return None
    return Accepted(
        media=media,
        transform=transform,
        version=params.get("v", "v1") if transform else "v1",
        pretty=params.get("pretty") == "1",
        stream="stream" in params,
        charset=params.get("charset", ""),
    )


def _can(transform: str, media: str, params: dict[str, str]) -> bool:
    """Tables are texts for people: they come as JSON or YAML alone."""
    known = params.get("g") == "meta.k8s.io" and params.get("v") in ("v1", "v1beta1")
    return known and (transform != "Table" or media in (JSON, YAML))


def body_media(content_type: str, types: tuple[str, ...] = BUILT_IN) -> str:
    """The media type of a request body; none given means JSON. Raises StatusError 415."""
    media = content_type.partition(";")[0].strip().lower()
    if not media:
        return JSON
    if media not in (*types, CBOR):
        raise unsupported(types)
    return media
