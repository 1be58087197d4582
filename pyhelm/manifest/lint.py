"""The lint rules that look at rendered documents: indentation, names, deprecated versions, selectors, List annotations.

Every rule answers the text of its complaint or "".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pyhelm.formats.quoting import quote
from pyhelm.formats.yaml_read import YAMLError, load, split_documents
from pyhelm.manifest.lifecycle import deprecation

__all__ = ["crd_faults", "decoded", "errors_of", "indent_fault", "warnings_of"]

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    f"'{_SUBDOMAIN.pattern}')"
)
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL.pattern}')"
)
_LABEL_1035_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    f"'{_LABEL_1035.pattern}')"
)
_WORKLOADS = frozenset({"Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"})


def indent_fault(text: str) -> str:
    """Whether the first line with content is indented."""
    for line in text.split("\n"):
        if line.strip():
            if line[0] in " \t":
                shown = quote(line.removesuffix("\r"))
                return f"document starts with an illegal indent: {shown}, which may cause parsing problems"
            return ""
    return ""


def decoded(text: str) -> Iterator[dict[str, Any] | YAMLError]:
    """The documents that are objects; a YAMLError ends the stream."""
    for part in split_documents(text.encode("utf-8", "surrogateescape")):
        try:
            found = load(part)
        except YAMLError as error:
            yield error
            return
        if found is None:
            continue
        if not isinstance(found, dict):
            kind = {str: "string", float: "number", bool: "bool"}.get(type(found), "array")
            target = "Go value of type rules.k8sYamlStruct"
            yield YAMLError(f"error unmarshaling JSON: json: cannot unmarshal {kind} into {target}")
            return
        yield found


def _name_of(document: dict[str, Any]) -> str:
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else ""


def _text(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""


def _name_faults(kind: str, name: str) -> list[str]:
    kind = kind.lower()
    if kind == "certificatesigningrequest":
        return []
    if kind in ("role", "clusterrole", "rolebinding", "clusterrolebinding"):
        return _path_segment_faults(name)
    if kind == "service":
        return _checked(name, 63, _LABEL_1035, _LABEL_1035_RULE)
    if kind == "namespace":
        if "." in name:
            return ["must not contain dots"]
        return _checked(name, 63, _LABEL, _LABEL_RULE)
    return _checked(name, 253, _SUBDOMAIN, _SUBDOMAIN_RULE)


def _checked(name: str, longest: int, pattern: re.Pattern[str], rule: str) -> list[str]:
    faults = [f"must be no more than {longest} characters"] if len(name.encode()) > longest else []
    return faults if pattern.fullmatch(name) else [*faults, rule]


def _path_segment_faults(name: str) -> list[str]:
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{mark}'" for mark in ("/", "%") if mark in name]


def _name_fault(document: dict[str, Any]) -> str:
    name = _name_of(document)
    faults = _name_faults(_text(document, "kind"), name)
    if not faults:
        return ""
    told = [f'metadata.name: Invalid value: "{name}": {fault}' for fault in faults]
    shown = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    return f"object name does not conform to Kubernetes naming requirements: {quote(name)}: {shown}"


def warnings_of(document: dict[str, Any], kubernetes: tuple[int, int]) -> list[str]:
    """Its name, and whether its version is deprecated."""
    old = deprecation(_text(document, "apiVersion"), _text(document, "kind"), kubernetes)
    return [text for text in (_name_fault(document), old) if text]


def errors_of(document: dict[str, Any], text: str) -> list[str]:
    """A workload without selectors anywhere in its file; annotations inside a List that are not looked at."""
    kind = _text(document, "kind")
    out: list[str] = []
    if kind in _WORKLOADS and "matchLabels" not in text and "matchExpressions" not in text:
        shown = quote(_name_of(document))
        out.append(f"a {kind} must contain matchLabels or matchExpressions, and {shown} does not")
    if kind == "List" and any("helm.sh/resource-policy" in _annotations(item) for item in document.get("items") or []):
        out.append("annotation 'helm.sh/resource-policy' within List objects are ignored")
    return out


def _annotations(item: Any) -> dict[str, Any]:
    metadata = item.get("metadata") if isinstance(item, dict) else None
    found = metadata.get("annotations") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def crd_faults(document: dict[str, Any]) -> list[str]:
    """What makes a document of crds/ no CustomResourceDefinition."""
    out = []
    if not _text(document, "apiVersion").startswith("apiextensions.k8s.io"):
        out.append("apiVersion is not in 'apiextensions.k8s.io'")
    if _text(document, "kind") != "CustomResourceDefinition":
        out.append("object kind is not 'CustomResourceDefinition'")
    return out
