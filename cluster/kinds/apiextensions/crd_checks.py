"""Validation of a CustomResourceDefinition: names, versions, columns, subresources, conversion.

What all versions have in common stands, as in the API, at the specification itself and not at the version.
"""

from __future__ import annotations

import re
from typing import Any

from cluster.kinds import checks
from cluster.kinds.admissionregistration.webhook_checks import client_config
from cluster.kinds.apiextensions.schema_checks import root
from cluster.kinds.checks import Faults
from cluster.kinds.golang import dump
from cluster.meta import names
from cluster.meta.field import Path, duplicate, forbidden, invalid, not_supported, required, too_many
from cluster.meta.types import Obj

SPEC = Path("spec")
COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_SIMPLE = re.compile(r"\.[A-Za-z0-9_\-.\[\]\\'\"/@*?()=<>! :,]+")
_DEFINITION = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion"
_SHARED = ("schema", "subresources", "additionalPrinterColumns", "selectableFields")

Spec = dict[str, Any]


def validate(crd: Obj) -> Faults:
    spec = crd.get("spec") or {}
    name, listed = (crd.get("metadata") or {}).get("name") or "", spec.get("names") or {}
    wanted = f"{listed.get('plural') or ''}.{spec.get('group') or ''}"
    faults: Faults = []
    if name != wanted:
        faults.append(invalid(Path("metadata") / "name", name, 'must be spec.names.plural+"."+spec.group'))
    faults += _group(spec.get("group") or "")
    faults += _scope(spec.get("scope") or "")
    faults += _versions(spec)
    faults += _names(SPEC / "names", listed)
    faults += _details(spec)
    faults += _conversion(SPEC / "conversion", spec.get("conversion") or {})
    return faults + _stored(crd, spec)


def _group(group: str) -> Faults:
    path = SPEC / "group"
    if not group:
        return [required(path)]
    complaints = names.dns1123_subdomain(group)
    if complaints:
        return [invalid(path, group, ",".join(complaints))]
    if "." not in group:
        return [invalid(path, group, "should be a domain with at least one dot")]
    return []


def _scope(scope: str) -> Faults:
    return checks.one_of(SPEC / "scope", scope, ("Cluster", "Namespaced")) if scope else [required(SPEC / "scope")]


def _versions(spec: Spec) -> Faults:
    versions = spec.get("versions") or []
    shown = [_shown(version, versions) for version in versions]
    path = SPEC / "versions"
    faults: Faults = []
    for at, version in enumerate(versions):
        complaints = names.dns1035_label(version.get("name") or "")
        if complaints:
            faults.append(invalid(path[at] / "name", version.get("name") or "", ",".join(complaints)))
        if version.get("deprecationWarning") is not None and not version.get("deprecated"):
            why = "can only be set for deprecated versions"
            faults.append(invalid(path[at] / "deprecationWarning", version["deprecationWarning"], why))
    listed = [version.get("name") for version in versions]
    if len(set(listed)) != len(listed):
        faults.append(invalid(path, shown, "must contain unique version names"))
    if sum(bool(version.get("storage")) for version in versions) != 1:
        faults.append(invalid(path, shown, "must have exactly one version marked as storage version"))
    return faults


def _shown(version: Spec, versions: list[Spec]) -> Any:
    """A version as the API holds it: what all have in common is not held at each."""
    held = dict(version)
    for field in _SHARED:
        if hoisted(versions, field):
            held.pop(field, None)
    return dump(held, _DEFINITION)


def hoisted(versions: list[Spec], field: str) -> bool:
    """Whether every version has the same, so that it stands at the specification."""
    return all(version.get(field) == versions[0].get(field) for version in versions)


def _names(path: Path, listed: Spec) -> Faults:
    faults: Faults = []
    for field in ("plural", "singular", "kind", "listKind"):
        value = listed.get(field) or ""
        lowered = value.lower() if field in ("kind", "listKind") else value
        mixed = "may have mixed case, but should otherwise match: " if field in ("kind", "listKind") else ""
        if not value:
            faults.append(required(path / field))
            continue
        complaints = names.dns1035_label(lowered)
        if complaints:
            faults.append(invalid(path / field, value, mixed + ",".join(complaints)))
    for field in ("shortNames", "categories"):
        for at, value in enumerate(listed.get(field) or ()):
            complaints = names.dns1035_label(value)
            if complaints:
                faults.append(invalid((path / field)[at], value, ",".join(complaints)))
    if listed.get("kind") and listed.get("kind") == listed.get("listKind"):
        faults.append(invalid(path / "listKind", listed["listKind"], "kind and listKind may not be the same"))
    return faults


def _details(spec: Spec) -> Faults:
    """Schemas, subresources, columns and selectable fields, where the API finds them."""
    versions = spec.get("versions") or []
    if not versions:
        return []
    faults: Faults = []
    if hoisted(versions, "schema"):
        faults += _schema(SPEC / "validation", versions[0], (SPEC / "versions")[0])
    else:
        for at, version in enumerate(versions):
            faults += _schema((SPEC / "versions")[at] / "schema", version, (SPEC / "versions")[at])
    for field, check in (
        ("subresources", _subresources),
        ("additionalPrinterColumns", _columns),
        ("selectableFields", _selectable),
    ):
        if hoisted(versions, field):
            faults += check(SPEC / field, versions[0].get(field), versions[0])
        else:
            for at, version in enumerate(versions):
                faults += check((SPEC / "versions")[at] / field, version.get(field), version)
    return faults


def _schema(path: Path, version: Spec, at: Path) -> Faults:
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if schema is None:
        return [required(at / "schema" / "openAPIV3Schema")]
    return root(path / "openAPIV3Schema", schema)


def _simple(path: Path, text: str) -> Faults:
    if not text:
        return [required(path)]
    if not _SIMPLE.fullmatch(text):
        return [invalid(path, text, "must be a simple json path starting with .")]
    return []


def _subresources(path: Path, held: Spec | None, _version: Spec) -> Faults:
    scale = (held or {}).get("scale")
    if scale is None:
        return []
    faults: Faults = []
    for field, prefix in (("specReplicasPath", "spec"), ("statusReplicasPath", "status"), ("labelSelectorPath", "")):
        text = scale.get(field) or ""
        if field == "labelSelectorPath" and not text:
            continue
        here = path / "scale" / field
        wrong = _simple(here, text)
        if not wrong and prefix and not text.startswith(f".{prefix}."):
            wrong = [invalid(here, text, f"should be a json path under .{prefix}")]
        if not wrong and not prefix and not text.startswith((".spec.", ".status.")):
            wrong = [invalid(here, text, "should be a json path under either .spec or .status")]
        faults += wrong
    return faults


def _columns(path: Path, columns: list[Spec] | None, _version: Spec) -> Faults:
    faults: Faults = []
    for at, column in enumerate(columns or ()):
        here, kind = path[at], column.get("type") or ""
        if not column.get("name"):
            faults.append(required(here / "name"))
        if not kind:
            faults.append(required(here / "type", f"must be one of {','.join(COLUMN_TYPES)}"))
        elif kind not in COLUMN_TYPES:
            faults.append(invalid(here / "type", kind, f"must be one of {','.join(COLUMN_TYPES)}"))
        if column.get("format") and column["format"] not in FORMATS:
            faults.append(invalid(here / "format", column["format"], f"must be one of {','.join(FORMATS)}"))
        faults += _simple(here / "JSONPath", column.get("jsonPath") or "")
    return faults


def _selectable(path: Path, fields: list[Spec] | None, version: Spec) -> Faults:
    faults: Faults = []
    schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
    if len(fields or ()) > 8:
        faults.append(too_many(path, 8))
    seen: set[str] = set()
    for at, field in enumerate(fields or ()):
        here, text = path[at] / "jsonPath", field.get("jsonPath") or ""
        if not text:
            faults.append(required(here))
            continue
        found = _follow(schema, text)
        if found is None:
            faults.append(invalid(here, text, "is an invalid path: does not refer to a valid field"))
        elif found.get("type") not in ("string", "boolean", "integer"):
            why = (
                "must point to a field of type string, boolean or integer. "
                "Enum string fields and strings with formats are allowed."
            )
            faults.append(invalid(here, text, why))
        if text in seen:
            faults.append(duplicate(here, text))
        seen.add(text)
    return faults


def _follow(schema: Spec, text: str) -> Spec | None:
    if not text.startswith("."):
        return None
    here: Any = schema
    for part in text[1:].split("."):
        here = (here.get("properties") or {}).get(part) if isinstance(here, dict) else None
    return here if isinstance(here, dict) else None


def _conversion(path: Path, conversion: Spec) -> Faults:
    strategy, webhook = conversion.get("strategy") or "", conversion.get("webhook")
    faults: Faults = []
    if not strategy:
        return [required(path / "strategy")]
    if strategy == "Webhook":
        config = (webhook or {}).get("clientConfig")
        if config is None:
            faults.append(required(path / "webhookClientConfig", "required when strategy is set to Webhook"))
        else:
            faults += client_config(path / "webhookClientConfig", config)
        if not (webhook or {}).get("conversionReviewVersions"):
            faults.append(required(path / "conversionReviewVersions"))
    elif strategy == "None":
        if webhook is not None:
            faults.append(
                forbidden(path / "webhookClientConfig", "should not be set when strategy is not set to Webhook")
            )
    else:
        faults.append(not_supported(path / "strategy", strategy, ["None", "Webhook"]))
    return faults


def _stored(crd: Obj, spec: Spec) -> Faults:
    """The storage version is among the stored ones, and none of those is gone."""
    stored, path = (crd.get("status") or {}).get("storedVersions") or [], Path("status") / "storedVersions"
    if not stored:
        return [invalid(path, None, "must have at least one stored version")]
    faults: Faults = []
    known = [version.get("name") for version in spec.get("versions") or ()]
    for at, version in enumerate(stored):
        if version not in known:
            faults.append(
                invalid(
                    path[at],
                    version,
                    f"missing from spec.versions; {version} was previously a storage version, and must remain in "
                    f"spec.versions until a storage migration ensures no data remains persisted in {version} "
                    f"and removes {version} from status.storedVersions",
                )
            )
    for version in spec.get("versions") or ():
        if version.get("storage") and version.get("name") not in stored:
            faults.append(invalid(path, stored, f"must have the storage version {version.get('name')}"))
    return faults


def validate_update(new: Obj, old: Obj) -> Faults:
    """Once established, group, scope and names stay."""
    now, was = new.get("spec") or {}, old.get("spec") or {}
    faults = validate(new)
    established = any(
        c.get("type") == "Established" and c.get("status") == "True"
        for c in (old.get("status") or {}).get("conditions") or ()
    )
    if established:
        faults += checks.immutable(SPEC / "scope", now.get("scope"), was.get("scope"))
        faults += checks.immutable(
            SPEC / "names" / "kind", (now.get("names") or {}).get("kind"), (was.get("names") or {}).get("kind")
        )
    faults += checks.immutable(SPEC / "group", now.get("group"), was.get("group"))
    plural = [(spec.get("names") or {}).get("plural") for spec in (now, was)]
    return faults + checks.immutable(SPEC / "names" / "plural", plural[0], plural[1])
