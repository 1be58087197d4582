"""Negotiation, answers and watch frames."""

from __future__ import annotations

import struct

import orjson
import pytest

from cluster.apiserver.codecs import CUSTOM, METADATA, Accepted, encode, json_frame, negotiate, watch_frame
from cluster.apiserver.codecs.protobuf_wire import fields
from cluster.kinds.schema import schema
from cluster.meta.errors import StatusError

OBJECT = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "1"}}


def test_the_first_clause_that_can_be_served_wins() -> None:
    asked = "application/json;as=Table;v=v9;g=meta.k8s.io,application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    assert negotiate(asked).transform == "Table"
    assert negotiate(asked, transforms=METADATA) == Accepted()
    assert negotiate(asked.replace("json", "vnd.kubernetes.protobuf", 2)) == Accepted()
    assert negotiate("") == Accepted()
    assert negotiate("*/*").media == "application/json"
    assert negotiate("application/yaml;q=0.5, application/vnd.kubernetes.protobuf").media.endswith("protobuf")
    assert negotiate("text/html, application/yaml").media == "application/yaml"


@pytest.mark.parametrize(
    ("accept", "fault"),
    [
        ("text/html", "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml"),
        (
            "application/json;as=Nope;v=v1;g=meta.k8s.io",
            "only the following media types are accepted: application/json",
        ),
    ],
)
def test_what_cannot_be_served_is_refused(accept: str, fault: str) -> None:
    with pytest.raises(StatusError) as caught:
        negotiate(accept)
    assert caught.value.code == 406
    assert caught.value.message.startswith(fault)


def test_custom_resources_have_no_protobuf() -> None:
    with pytest.raises(StatusError):
        negotiate("application/vnd.kubernetes.protobuf", CUSTOM)


def test_json_ends_with_a_line_feed_and_frames_are_lines() -> None:
    encoded = encode(OBJECT, Accepted())
    assert encoded.endswith(b"}\n")
    assert json_frame("ADDED", encoded) == watch_frame("ADDED", OBJECT, Accepted())
    assert orjson.loads(json_frame("ADDED", encoded)) == {"type": "ADDED", "object": OBJECT}


def test_yaml_is_sorted_and_quotes_what_would_be_read_otherwise() -> None:
    text = encode({"b": "1", "a": ["x", True], "c": "2021-01-01T00:00:00Z", "d": "a\nb"}, Accepted("application/yaml"))
    assert text == b'a:\n- x\n- true\nb: "1"\nc: "2021-01-01T00:00:00Z"\nd: |-\n  a\n  b\n'


def test_protobuf_frames_are_length_delimited() -> None:
    frame = watch_frame("ADDED", OBJECT, Accepted("application/vnd.kubernetes.protobuf"), schema())
    (size,) = struct.unpack(">I", frame[:4])
    assert size == len(frame) - 4
    event = {number: value for number, _, value in fields(frame[4:])}
    assert event[1] == b"ADDED"
