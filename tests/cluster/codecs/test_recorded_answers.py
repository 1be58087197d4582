"""Recorded answers of a real API server: read, written in every format, and read again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cluster.apiserver.codecs import Target, decode_body
from cluster.apiserver.codecs.cbor import dumps as to_cbor
from cluster.apiserver.codecs.cbor import loads as from_cbor
from cluster.apiserver.codecs.protobuf import decode_object, encode_object
from cluster.apiserver.codecs.yaml_text import dumps, loads
from cluster.apiserver.openapi import OpenAPI
from cluster.kinds.registry import KindRegistry
from cluster.kinds.schema import schema
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupVersion, GroupVersionKind

RECORDED = Path(__file__).parents[4] / "shared" / "goldens" / "kube" / "api.jsonl"
pytestmark = pytest.mark.skipif(not RECORDED.exists(), reason="the recorded answers are not there")

MICRO = re.compile(r'"(renewTime|acquireTime|eventTime)": ?"<time>"')
PLACEHOLDER = re.compile(r'"<(time|rv-\d+|uid-\d+|nodePort-\d+)>"')
VALUES = {"time": '"2024-01-01T00:00:00Z"', "nodePort": "30000"}


@cache
def scenarios() -> list[dict[str, Any]]:
    return [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").split("\n") if line]


def filled(value: Any) -> Any:
    """Placeholders replaced by values of the right type."""
    text = MICRO.sub(r'"\1": "2024-01-01T00:00:00.000000Z"', json.dumps(value))
    return json.loads(PLACEHOLDER.sub(lambda found: VALUES.get(found[1].split("-")[0], '"1"'), text))


def answers() -> Iterator[tuple[str, dict[str, Any]]]:
    """(definition, object) of every recorded object of a built-in kind."""
    for scenario in scenarios():
        for step in scenario["steps"]:
            response = step.get("response")
            if step["status"] < 300 and isinstance(response, dict) and response.get("kind"):
                group, version = GroupVersion.parse(response.get("apiVersion", ""))
                definition = schema().definition_of(GroupVersionKind(group, version, response["kind"]))
                if definition is not None and not response["kind"].endswith("List"):
                    yield definition, filled(response)


def test_recorded_objects_are_already_in_their_written_form() -> None:
    different = []
    for definition, obj in answers():
        decoded = schema().decode(definition, obj)
        if decoded.obj != obj or decoded.unknown:
            different.append((definition, obj["metadata"].get("name")))
    assert len(different) <= 3, different


def test_recorded_objects_survive_protobuf_yaml_and_cbor() -> None:
    seen: dict[str, int] = {}
    for definition, obj in answers():
        seen[definition] = seen.get(definition, 0) + 1
        if seen[definition] > 12:
            continue
        before = schema().decode(definition, obj).obj
        after = schema().decode(definition, decode_object(encode_object(before, schema()), schema())).obj
        for claim in before.get("spec", {}).get("volumeClaimTemplates", ()) if "StatefulSet" in definition else ():
            claim.pop("kind"), claim.pop("apiVersion")
        assert after == before
        assert loads(dumps(before)).value == before
        assert from_cbor(to_cbor(before)) == before
    assert len(seen) > 50


def created() -> Iterator[tuple[dict[str, Any], GroupVersionKind]]:
    kinds = KindRegistry.builtin("1.36")
    for scenario in scenarios():
        for step in scenario["steps"]:
            parts = step["path"].strip("/").split("/")
            if step["method"] != "POST" or len(parts) < 3:
                continue
            group, version, rest = ("", parts[1], parts[2:]) if parts[0] == "api" else (parts[1], parts[2], parts[3:])
            rest = rest[2:] if rest[:1] == ["namespaces"] and len(rest) > 2 else rest
            kind = kinds.resource(group, version, rest[0]) if len(rest) == 1 else None
            if kind is not None:
                yield step, kind.gvk


NOT_OF_DECODING = ("the namespace of the provided object", "no namespace on request")


def test_recorded_bodies_are_read_or_refused_in_the_recorded_words() -> None:
    count = 0
    for step, gvk in created():
        body = step.get("body")
        raw = body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()
        media = (step.get("headers") or {}).get("Content-Type", "application/json")
        validation = dict(step.get("query") or {}).get("fieldValidation") or "Warn"
        definition = schema().definition_of(gvk)
        assert definition is not None
        try:
            decode_body(raw, media, Target(gvk, definition), schema(), validation)
            said = ""
        except StatusError as error:
            said = error.message
        response = step.get("response")
        expected = response["message"] if step["status"] in (400, 415) and isinstance(response, dict) else ""
        if not expected.startswith(NOT_OF_DECODING):
            assert said == expected, step["path"]
            count += 1
    assert count > 1000


def test_recorded_digests_of_openapi() -> None:
    digests = [s for s in scenarios() if s["id"] == "discovery/openapi-digests"]
    if not digests:
        pytest.skip("this part of the recording is kept aside")
    kinds, api = KindRegistry.builtin("1.36"), OpenAPI(schema())
    for step in digests[0]["steps"]:
        path, digest = step["path"], step["response"]
        if path == "/openapi/v3":
            assert json.loads(api.index(kinds).body)["paths"].keys() == digest["paths"].keys()
        elif path == "/openapi/v2":
            document = json.loads(api.v2(kinds).body)
            assert sorted(document["paths"]) == sorted(digest["paths_keys"])
            assert sorted(document["definitions"]) == sorted(digest["definitions_keys"])
        else:
            found = api.document(path.removeprefix("/openapi/v3/"), kinds)
            assert found is not None
            document = json.loads(found.body)
            methods = {where: sorted(set(item) - {"parameters"}) for where, item in document["paths"].items()}
            assert methods == digest["paths_methods"]
            assert sorted(document["components"]["schemas"]) == sorted(digest["schemas_keys"])
