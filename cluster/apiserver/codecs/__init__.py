"""Wire formats of the API: negotiation, request bodies, answers and watch frames.

Knows JSON, YAML, protobuf and CBOR, and the words in which a body is refused; knows nothing of storage, users or
the life of an object. The heavier formats are imported when first used.
"""

from cluster.apiserver.codecs.body import Body, Target, decode_body, summary
from cluster.apiserver.codecs.encode import encode, encode_json, json_frame, watch_frame
from cluster.apiserver.codecs.media import (
    BUILT_IN,
    CUSTOM,
    JSON,
    METADATA,
    PROTOBUF,
    YAML,
    Accepted,
    body_media,
    negotiate,
)

__all__ = [
    "BUILT_IN",
    "CUSTOM",
    "JSON",
    "METADATA",
    "PROTOBUF",
    "YAML",
    "Accepted",
    "Body",
    "Target",
    "body_media",
    "decode_body",
    "encode",
    "encode_json",
    "json_frame",
    "negotiate",
    "summary",
    "watch_frame",
]
