"""Conversion of custom resources by the webhook of their definition: the review asked, and the checks of its answer.

A conversion may change everything but who the object is: of the metadata only labels and annotations are taken from
the answer. Messages are those of Kubernetes, as authors of such webhooks read them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from cluster.apiserver.admission.dynamic.calling import Caller, CallFailed
from cluster.meta.errors import StatusError
from cluster.meta.field import Path
from cluster.meta.gojson import go_type, kind_of
from cluster.meta.labels import annotation_faults, label_faults
from cluster.meta.objects import clone
from cluster.meta.types import GroupVersion, Obj

TIMEOUT = 30.0
AT_ONCE = 50
"""Objects in one review: enough to make a list cheap, few enough for an answer of a size that is read."""
_LATE = "net/http: request canceled (Client.Timeout exceeded while awaiting headers)"
_GROUP = "apiextensions.k8s.io"
_SPOKEN = ("v1", "v1beta1")


class ConversionWebhook:
    """Called as `cluster.kinds.kind.Convert`: (objects, apiVersion) -> the objects in that version."""

    def __init__(self, webhook: Obj, caller: Caller) -> None:
        self._config = webhook.get("clientConfig") or {}
        self._version = next((v for v in webhook.get("conversionReviewVersions") or () if v in _SPOKEN), "")
        self._caller = caller

    async def __call__(self, objects: list[Obj], api_version: str) -> list[Obj]:
        """Raises StatusError 500."""
        if not self._version:
            raise _failure("no supported conversion review versions")
        out: list[Obj] = []
        for at in range(0, len(objects), AT_ONCE):
            out += await self._some(objects[at : at + AT_ONCE], api_version)
        return out

    async def _some(self, objects: list[Obj], api_version: str) -> list[Obj]:
        about = f"conversion webhook for {_shown(objects[0])}"
        found = await self._asked(about, objects, api_version)
        if len(found) != len(objects):
            raise _failure(f"{about} returned {len(found)} objects, expected {len(objects)}")
        return [_checked(about, old, new, api_version) for old, new in zip(objects, found, strict=True)]

    async def _asked(self, about: str, objects: list[Obj], api_version: str) -> list[Any]:
        uid = str(uuid.uuid4())
        review: Obj = {"kind": "ConversionReview", "apiVersion": f"{_GROUP}/{self._version}"}
        review["request"] = {"uid": uid, "desiredAPIVersion": api_version, "objects": objects}
        review["response"] = {"uid": "", "convertedObjects": None, "result": {"metadata": {}}}
        try:
            answer = await self._caller.ask(self._config, review, TIMEOUT, _LATE)
            return _converted(answer, uid, self._version)
        except CallFailed as failed:
            raise _failure(f"{about} failed: {failed.why}") from None


def _failure(text: str) -> StatusError:
    return StatusError(500, "", text)


def _shown(obj: Obj) -> str:
    return f"{obj['apiVersion']}, Kind={obj['kind']}"


def _converted(answer: Obj, uid: str, version: str) -> list[Any]:
    """The objects of an answer to the review `uid`. Raises CallFailed."""
    _check_kind(answer, version)
    response = answer.get("response")
    if response is None:
        raise CallFailed("no response provided")
    # The beta version never checked whom an answer was meant for.
    if version == "v1" and response.get("uid") != uid:
        raise CallFailed(f'expected response.uid="{uid}", got "{response.get("uid") or ""}"')
    result = response.get("result") or {}
    if result.get("status") != "Success":
        words = f"response.result.status was '{result.get('status') or ''}', not 'Success'"
        raise CallFailed(result.get("message") or words)
    return response.get("convertedObjects") or []


def _check_kind(answer: Obj, version: str) -> None:
    api_version, kind = str(answer.get("apiVersion") or ""), str(answer.get("kind") or "")
    group, _, said = api_version.rpartition("/")
    if kind and (kind != "ConversionReview" or group != _GROUP or said not in _SPOKEN):
        known = f'no kind "{kind}" is registered for version "{api_version}"'
        raise CallFailed(f'{known} in scheme "k8s.io/apiserver/pkg/util/webhook/client.go:71"')
    if kind and said != version:
        raise CallFailed(f"converting ({said}.ConversionReview) to ({version}.ConversionReview): unknown conversion")
    if version == "v1" and not kind:
        wanted = f"{_GROUP}/v1, Kind=ConversionReview"
        raise CallFailed(f"expected webhook response of {wanted}, got {group}/{said}, Kind=")


def _checked(about: str, old: Obj, new: Any, api_version: str) -> Obj:
    """A converted object that is what it was. Raises StatusError."""
    if not isinstance(new, dict):
        raise _failure(f"json: cannot unmarshal {kind_of(new)} into Go value of type map[string]interface {{}}")
    if not new.get("kind"):
        raise _failure(f"Object 'Kind' is missing in '{_text(new)}'")
    wrong = f"{about} returned invalid object at index 0"
    said = str(new.get("apiVersion") or "")
    if _parsed(said) != _parsed(api_version):
        raise _failure(f"{wrong}: invalid groupVersion (expected {api_version}, received {said})")
    if new["kind"] != old["kind"]:
        raise _failure(f"{wrong}: invalid kind (expected {old['kind']}, received {new['kind']})")
    _check_same(about, old, new)
    return {**new, "metadata": _metadata(about, old["metadata"], new)}


def _parsed(api_version: str) -> GroupVersion:
    try:
        return GroupVersion.parse(api_version)
    except ValueError:
        return GroupVersion("", api_version)


def _check_same(about: str, old: Obj, new: Obj) -> None:
    before, after = old["metadata"], new.get("metadata")
    for field, name in (("name", "name"), ("namespace", "namespace"), ("uid", "UID")):
        was = before.get(field) or ""
        held = after.get(field) if isinstance(after, dict) else ""
        now = held if isinstance(held, str) else ""
        if was != now:
            raise _failure(f"{about} returned invalid object: must have the same {name}: {was} != {now}")


def _metadata(about: str, old: Obj, new: Obj) -> Obj:
    """The metadata of before, with the labels and annotations of the answer."""
    given, out = new.get("metadata"), clone(old)
    wrong = f"{about} returned invalid metadata: "
    if not isinstance(given, dict):
        words = f"invalid metadata of type {go_type(given)} in converted object"
        raise _failure(wrong + ("missing metadata in converted object" if given is None else words))
    for field, faults_of in (("labels", label_faults), ("annotations", annotation_faults)):
        held = given.get(field)
        if held is None:
            out.pop(field, None)
            continue
        _check_map(wrong, field, held, old.get(field) or {}, faults_of)
        out[field] = held
    return out


def _check_map(wrong: str, field: str, held: Any, before: Obj, faults_of: Callable[..., list[Any]]) -> None:
    if not isinstance(held, dict):
        raise _failure(f"{wrong}invalid metadata.{field} of type {go_type(held)} in converted object")
    for key, value in held.items():
        if not isinstance(value, str):
            raise _failure(
                f"{wrong}metadata.{field}[{key}] must be a string, but is {go_type(value)} in converted object"
            )
    if held == before:
        return
    path = Path("metadata") / ("labels" if field == "labels" else "annotation")
    texts = list(dict.fromkeys(f"{fault.path}: {fault.body()}" for fault in faults_of(held, path)))
    if texts:
        raise _failure(wrong + (texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"))


def _text(value: Obj) -> str:
    import orjson

    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
