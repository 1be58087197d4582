"""Protobuf both ways."""

from __future__ import annotations

import pytest

from cluster.apiserver.codecs.body import Target, decode_body
from cluster.apiserver.codecs.cbor import dumps, loads
from cluster.apiserver.codecs.protobuf import decode_object, encode_object
from cluster.apiserver.codecs.protobuf_wire import chunk
from cluster.kinds.schema import schema
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupVersionKind

OBJECTS = [
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "labels": {"x": "y"}, "creationTimestamp": "2021-01-02T03:04:05Z"},
        "spec": {
            "containers": [
                {
                    "name": "c",
                    "resources": {"requests": {"cpu": "500m"}},
                    "livenessProbe": {"httpGet": {"port": "http"}, "periodSeconds": 5},
                    "env": [{"name": "E", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}}],
                }
            ],
            "volumes": [{"name": "v", "emptyDir": {}}],
            "terminationGracePeriodSeconds": 0,
        },
        "status": {},
    },
    {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "s",
            "managedFields": [{"manager": "m", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {".": {}}}}],
        },
        "data": {"k": "AAE="},
    },
    {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "l"},
        "spec": {"renewTime": "2021-01-02T03:04:05.000006Z", "leaseDurationSeconds": 40},
    },
    {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "w.e.io"},
        "spec": {
            "group": "e.io",
            "names": {"kind": "W", "plural": "w"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "a": {"type": "array", "items": {"type": "string", "default": "x"}},
                                "b": {"type": "object", "additionalProperties": {"type": "integer"}},
                                "c": {"x-kubernetes-int-or-string": True, "maximum": 1.5},
                                "d": {"type": "object", "additionalProperties": False},
                            },
                        }
                    },
                }
            ],
        },
        "status": {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": None},
    },
]


@pytest.mark.parametrize("obj", OBJECTS, ids=lambda obj: obj["kind"])
def test_objects_survive_the_way_there_and_back(obj: dict) -> None:  # type: ignore[type-arg]
    group, _, version = obj["apiVersion"].rpartition("/")
    definition = schema().definition_of(GroupVersionKind(group, version, obj["kind"]))
    assert definition is not None
    before = schema().decode(definition, obj).obj
    after = schema().decode(definition, decode_object(encode_object(before, schema()), schema())).obj
    assert after == before


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"k8s\x00\xff", b"k8s\x00" + chunk(1, chunk(1, b"v1") + chunk(2, b"Pod")) + chunk(2, b"\x0a\x50x")],
)
def test_malformed_bodies_are_bad_requests(body: bytes) -> None:
    target = Target(GroupVersionKind("", "v1", "Pod"), "io.k8s.api.core.v1.Pod")
    with pytest.raises(StatusError) as caught:
        decode_body(body, "application/vnd.kubernetes.protobuf", target, schema())
    assert caught.value.code == 400
    assert "the object provided is unrecognized (must be of type Pod)" in caught.value.message


def test_a_kind_without_a_message_is_not_acceptable() -> None:
    with pytest.raises(StatusError) as caught:
        encode_object({"apiVersion": "meta.k8s.io/v1", "kind": "Table"}, schema())
    assert caught.value.code == 406


def test_cbor_both_ways() -> None:
    value = {"a": [1, -1, 2**40, 1.5, True, None, "ü"], "b": {}}
    assert loads(dumps(value)) == value
    for body in (b"", b"\xff", b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", b"\x81" * 100, b"\xa1\x01\x02"):
        with pytest.raises(StatusError):
            loads(body)
