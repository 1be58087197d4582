"""Whatever the bytes: decoders answer with an object or with a StatusError, and written text reads back."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cluster.apiserver.codecs import Target, decode_body
from cluster.apiserver.codecs.cbor import dumps as to_cbor
from cluster.apiserver.codecs.cbor import loads as from_cbor
from cluster.apiserver.codecs.protobuf import MAGIC, encode_object
from cluster.apiserver.codecs.yaml_text import dumps, loads
from cluster.kinds.schema import schema
from cluster.meta.errors import StatusError
from cluster.meta.ownership import Writer, apply, update
from cluster.meta.patch import json_patch, merge_patch, strategic_merge_patch
from cluster.meta.quantity import Quantity, canonical
from cluster.meta.selectors import FieldSelector, LabelSelector, SelectorError
from cluster.meta.types import GroupVersionKind

POD = Target(GroupVersionKind("", "v1", "Pod"), "io.k8s.api.core.v1.Pod")
TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8
)
FIELDS = st.sampled_from(["metadata", "spec", "status", "name", "labels", "containers", "volumes", "ports", "env"])
OBJECTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FIELDS, inner, max_size=3), max_leaves=8
)
SAMPLE = encode_object(
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "labels": {"x": "y"}},
        "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80}]}]},
    },
    schema(),
)


def read(body: bytes, media: str) -> None:
    with contextlib.suppress(StatusError):
        decode_body(body, media, POD, schema())


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(["application/json", "application/yaml", "application/cbor"]))
def test_any_bytes_are_read_or_refused(body: bytes, media: str) -> None:
    read(body, media)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255), st.integers(0, len(SAMPLE)))
def test_a_damaged_protobuf_body_is_read_or_refused(at: int, byte: int, cut: int) -> None:
    damaged = bytearray(SAMPLE)
    damaged[at] = byte
    read(bytes(damaged[: max(cut, len(MAGIC))]), "application/vnd.kubernetes.protobuf")


@settings(max_examples=150, deadline=None)
@given(OBJECTS)
def test_decoding_twice_is_decoding_once(value: Any) -> None:
    import orjson

    with contextlib.suppress(StatusError):
        first = decode_body(orjson.dumps(value), "application/json", POD, schema()).obj
        again = decode_body(orjson.dumps(first), "application/json", POD, schema())
        assert again.obj == first
        assert again.warnings == []


@settings(max_examples=150, deadline=None)
@given(JSON)
@example({"²": "0b", "a10": 1, "a9": 2})
@example({"0o": "0b", "08": "0x", "1e3": ".", "-": "+1", "1_000": "0_7"})
def test_yaml_and_cbor_read_back(value: Any) -> None:
    assert loads(dumps({"v": value})).value == {"v": value}
    assert from_cbor(to_cbor(value)) == value


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab=!(),><in not", max_size=12))
def test_selectors_are_read_or_refused_and_their_text_reads_back(text: str) -> None:
    with contextlib.suppress(SelectorError):
        found = LabelSelector.parse(text)
        assert LabelSelector.parse(str(found)) == found
    with contextlib.suppress(SelectorError):
        fields = FieldSelector.parse(text)
        assert FieldSelector.parse(str(fields)) == fields


@settings(max_examples=200, deadline=None)
@given(st.integers(-(10**15), 10**15), st.sampled_from(["", "m", "k", "M", "Ki", "Mi", "e3", "n"]))
def test_a_canonical_quantity_is_equal_and_stays(number: int, suffix: str) -> None:
    text = f"{number}{suffix}"
    assert Quantity.parse(canonical(text)) == Quantity.parse(text)
    assert canonical(canonical(text)) == canonical(text)


@settings(max_examples=150, deadline=None)
@given(OBJECTS, OBJECTS)
def test_patches_leave_their_arguments_alone(document: Any, patch: Any) -> None:
    import copy

    before = copy.deepcopy((document, patch))
    merge_patch(document, patch)
    with contextlib.suppress(StatusError):
        json_patch(document, patch)
    if isinstance(document, dict) and isinstance(patch, dict):
        with contextlib.suppress(StatusError):
            strategic_merge_patch(document, patch, schema().structure(POD.definition))
    assert (document, patch) == before


MAPS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("12"), max_size=3)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["x", "y"]), st.booleans(), MAPS), min_size=1, max_size=6))
def test_ownership_always_speaks_of_fields_that_exist(steps: list[tuple[str, bool, dict[str, str]]]) -> None:
    structure = schema().structure("io.k8s.api.core.v1.ConfigMap")
    live: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}
    for second, (name, applied, data) in enumerate(steps):
        wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data}
        writer = Writer(name, "v1", f"2021-01-01T00:00:0{second}Z")
        if applied:
            live = apply(live, wanted, structure, writer, force=True).obj
            assert {key: (live.get("data") or {}).get(key) for key in data} == data
        else:
            kept = live["metadata"].get("managedFields")
            live = update(live, {**wanted, "metadata": {"name": "a", "managedFields": kept}}, structure, writer)
        live["metadata"]["uid"] = "u"
        for entry in live["metadata"].get("managedFields", ()):
            owned = entry["fieldsV1"].get("f:data", {}).keys() - {"."}
            assert {field[2:] for field in owned} <= (live.get("data") or {}).keys()
