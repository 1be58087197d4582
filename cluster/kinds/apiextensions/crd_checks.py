"""Validation of a CustomResourceDefinition: names, versions, columns, subresources, conversion.

What all versions have in common stands, as in the API, at the specification itself and not at the version.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from cluster.kinds import checks
from cluster.kinds.admissionregistration.webhook_checks import client_config
from cluster.kinds.apiextensions.acceptance import APPROVED, approval, holds, protected
from cluster.kinds.apiextensions.field_paths import follow
from cluster.kinds.apiextensions.schema_checks import root
from cluster.kinds.checks import Faults
from cluster.kinds.golang import dump
from cluster.meta import names
from cluster.meta.field import Path, duplicate, forbidden, invalid, required, too_many
from cluster.meta.types import Obj

SPEC = Path("spec")
COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
REVIEWS = ("v1", "v1beta1")
MOST_SELECTABLE = 8
_DEFINITION = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion"
_SHARED = ("schema", "subresources", "additionalPrinterColumns", "selectableFields")
_FIELD_TYPES = ("string", "boolean", "integer")

Spec = dict[str, Any]


def validate(crd: Obj) -> Faults:
    return _validate(crd, frozenset()) + _approval(crd, None)


def validate_update(new: Obj, old: Obj) -> Faults:
    """Once established, scope and kind stay; group and plural always do."""
    now, was = new.get("spec") or {}, old.get("spec") or {}
    faults = _validate(new, _unchanged(now, was), old)
    kinds = [(spec.get("names") or {}).get("kind") for spec in (now, was)]
    if holds(old, "Established"):
        faults += checks.immutable(SPEC / "scope", now.get("scope"), was.get("scope"))
        faults += checks.immutable(SPEC / "names" / "kind", *kinds)
    faults += checks.immutable(SPEC / "group", now.get("group"), was.get("group"))
    plural = [(spec.get("names") or {}).get("plural") for spec in (now, was)]
    faults += checks.immutable(SPEC / "names" / "plural", *plural)
    return faults + _stored(new, now) + _approval(new, old)


def _unchanged(now: Spec, was: Spec) -> frozenset[str]:
    """Versions whose schema stays as it was accepted."""
    before = {version.get("name"): version.get("schema") for version in was.get("versions") or ()}
    same = (v.get("name") or "" for v in now.get("versions") or () if before.get(v.get("name"), 0) == v.get("schema"))
    return frozenset(same)


def _validate(crd: Obj, known: frozenset[str], old: Obj | None = None) -> Faults:
    """`known` are versions with a schema that was accepted before."""
    spec = crd.get("spec") or {}
    faults = [] if old is not None else _name(crd, spec)
    faults += _group(spec.get("group") or "")
    faults += _scope(spec.get("scope") or "")
    faults += _schemas_given(spec)
    faults += _versions(spec, known)
    faults += _first_version(spec)
    faults += _names(SPEC / "names", spec.get("names") or {})
    faults += _shared(spec, known)
    faults += _conversion(SPEC / "conversion", spec.get("conversion") or {}, old)
    faults += [] if old is not None else _stored(crd, spec)
    return faults + _unknown_fields(spec, old)


def _name(crd: Obj, spec: Spec) -> Faults:
    name = (crd.get("metadata") or {}).get("name") or ""
    wanted = f"{(spec.get('names') or {}).get('plural') or ''}.{spec.get('group') or ''}"
    if name == wanted:
        return []
    return [invalid(Path("metadata") / "name", name, 'must be spec.names.plural+"."+spec.group')]


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


def _schema_of(version: Spec) -> Spec | None:
    found = (version.get("schema") or {}).get("openAPIV3Schema")
    return found if isinstance(found, dict) else None


def _schemas_given(spec: Spec) -> Faults:
    missing = [at for at, version in enumerate(spec.get("versions") or ()) if _schema_of(version) is None]
    return [required((SPEC / "versions")[at] / "schema" / "openAPIV3Schema") for at in missing]


def _versions(spec: Spec, known: frozenset[str]) -> Faults:
    versions = spec.get("versions") or []
    path = SPEC / "versions"
    faults: Faults = []
    for at, version in enumerate(versions):
        faults += _version(path[at], version, versions, (version.get("name") or "") in known)
    shown = [_shown(version, versions) for version in versions]
    listed = [version.get("name") for version in versions]
    if len(set(listed)) != len(listed):
        faults.append(invalid(path, shown, "must contain unique version names"))
    if sum(bool(version.get("storage")) for version in versions) != 1:
        faults.append(invalid(path, shown, "must have exactly one version marked as storage version"))
    return faults


def _first_version(spec: Spec) -> Faults:
    """The API keeps the first version's name at the specification too, and checks it there once more."""
    name = next((version.get("name") or "" for version in spec.get("versions") or ()), "")
    complaints = names.dns1035_label(name) if name else []
    return [invalid(SPEC / "version", name, ",".join(complaints))] if complaints else []


def _unknown_fields(spec: Spec, old: Obj | None) -> Faults:
    if not spec.get("preserveUnknownFields") or (old is not None and old["spec"].get("preserveUnknownFields")):
        return []
    why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
    return [invalid(SPEC / "preserveUnknownFields", True, why)]


def _version(path: Path, version: Spec, versions: list[Spec], known: bool) -> Faults:
    name, own = version.get("name") or "", _own_of(version, versions)
    faults: Faults = []
    complaints = names.dns1035_label(name)
    if complaints:
        faults.append(invalid(path / "name", name, ",".join(complaints)))
    faults += _deprecation(path / "deprecationWarning", version)
    schema = _schema_of(own)
    if schema is not None:
        faults += root(path / "schema" / "openAPIV3Schema", schema, _has_status(version), known)
    faults += _subresources(path / "subresources", own.get("subresources"))
    faults += _columns(path / "additionalPrinterColumns", own.get("additionalPrinterColumns"))
    if own.get("selectableFields"):
        here = path / "selectableFields"
        why = "may only be set when `version.schema.openAPIV3Schema` is not included"
        faults += [invalid(here, "", why)] if schema is None else _selectable(here, own["selectableFields"], schema)
    return faults


def _own_of(version: Spec, versions: list[Spec]) -> Spec:
    """A version as the API holds it: what all have in common is not held at each."""
    return {key: value for key, value in version.items() if key not in _SHARED or not hoisted(versions, key)}


def _shown(version: Spec, versions: list[Spec]) -> Any:
    return dump(_own_of(version, versions), _DEFINITION)


def hoisted(versions: list[Spec], field: str) -> bool:
    """Whether every version has the same, so that it stands at the specification."""
    return all(version.get(field) == versions[0].get(field) for version in versions)


def _has_status(version: Spec) -> bool:
    return (version.get("subresources") or {}).get("status") is not None


def _deprecation(path: Path, version: Spec) -> Faults:
    text = version.get("deprecationWarning")
    if text is None:
        return []
    if not version.get("deprecated"):
        return [invalid(path, text, "can only be set for deprecated versions")]
    faults: Faults = []
    if len(text.encode()) > 256:
        faults.append(invalid(path, text, "must be <= 256 characters long"))
    if not text:
        faults.append(invalid(path, text, "must not be an empty string"))
    odd = next((at for at, char in enumerate(text) if not char.isprintable()), None)
    if odd is not None:
        at = len(text[:odd].encode())
        why = f"must only contain printable UTF-8 characters; non-printable character found at index {at}"
        faults.append(invalid(path, text, why))
    return faults


def _names(path: Path, listed: Spec) -> Faults:
    single = ("plural", "singular", "kind", "listKind")
    faults: Faults = [required(path / field) for field in single if not listed.get(field)]
    for field in single:
        value = listed.get(field) or ""
        mixed = field in ("kind", "listKind")
        complaints = names.dns1035_label(value.lower() if mixed else value) if value else []
        if complaints:
            words = "may have mixed case, but should otherwise match: " if mixed else ""
            faults.append(invalid(path / field, value, words + ",".join(complaints)))
    faults += _labels(path / "shortNames", listed.get("shortNames"))
    if listed.get("kind") and listed.get("kind") == listed.get("listKind"):
        faults.append(invalid(path / "listKind", listed["listKind"], "kind and listKind may not be the same"))
    return faults + _labels(path / "categories", listed.get("categories"))


def _labels(path: Path, values: list[str] | None) -> Faults:
    found = ((at, value, names.dns1035_label(value)) for at, value in enumerate(values or ()))
    return [invalid(path[at], value, ",".join(complaints)) for at, value, complaints in found if complaints]


def _shared(spec: Spec, known: frozenset[str]) -> Faults:
    """What all versions have in common."""
    versions = spec.get("versions") or []
    if not versions:
        return []
    first = {field: versions[0].get(field) for field in _SHARED if hoisted(versions, field)}
    faults: Faults = []
    schema = _schema_of(first)
    if schema is not None:
        status = any(_has_status(version) for version in versions)
        seen = all((version.get("name") or "") in known for version in versions)
        faults += root(SPEC / "validation" / "openAPIV3Schema", schema, status, seen)
    faults += _subresources(SPEC / "subresources", first.get("subresources"))
    faults += _columns(SPEC / "additionalPrinterColumns", first.get("additionalPrinterColumns"))
    if first.get("selectableFields"):
        here, why = SPEC / "selectableFields", "may only be set when validations.schema is included"
        faults += [invalid(here, "", why)] if schema is None else _selectable(here, first["selectableFields"], schema)
    return faults


def _simple(path: str, text: str) -> Faults:
    return [] if text.startswith(".") else [invalid(path, text, "must be a simple json path starting with .")]


def _subresources(path: Path, held: Spec | None) -> Faults:
    scale = (held or {}).get("scale")
    if scale is None:
        return []
    faults: Faults = []
    for field, place in (("specReplicasPath", "spec"), ("statusReplicasPath", "status")):
        here, text = f"{path}.scale.{field}", scale.get(field) or ""
        wrong = _simple(here, text) if text else [required(here)]
        if not wrong and not text.startswith(f".{place}."):
            wrong = [invalid(here, text, f"should be a json path under .{place}")]
        faults += wrong
    return faults + _selector_path(f"{path}.scale.labelSelectorPath", scale.get("labelSelectorPath") or "")


def _selector_path(path: str, text: str) -> Faults:
    if not text:
        return []
    if not text.startswith((".spec.", ".status.")):
        return _simple(path, text) or [invalid(path, text, "should be a json path under either .spec or .status")]
    return []


def _columns(path: Path, columns: list[Spec] | None) -> Faults:
    return [fault for at, column in enumerate(columns or ()) for fault in _column(path[at], column)]


def _column(path: Path, column: Spec) -> Faults:
    faults: Faults = []
    kind, style, text = column.get("type") or "", column.get("format") or "", column.get("jsonPath") or ""
    if not column.get("name"):
        faults.append(required(path / "name"))
    kinds = f"must be one of {','.join(COLUMN_TYPES)}"
    if not kind:
        faults.append(required(path / "type", kinds))
    elif kind not in COLUMN_TYPES:
        faults.append(invalid(path / "type", kind, kinds))
    if style and style not in FORMATS:
        faults.append(invalid(path / "format", style, f"must be one of {','.join(FORMATS)}"))
    return faults + (_simple(path / "JSONPath", text) if text else [required(path / "JSONPath")])


def _selectable(path: Path, fields: list[Spec], schema: Spec) -> Faults:
    faults: Faults = []
    seen: set[str] = set()
    for at, field in enumerate(fields):
        here, text = path[at] / "jsonPath", field.get("jsonPath") or ""
        if not text:
            faults.append(required(here))
            continue
        try:
            where, found = follow(text, schema, brackets=False)
        except ValueError as error:
            faults.append(invalid(here, text, f"is an invalid path: {error}"))
            continue
        if where.partition(".")[0] == "metadata":
            faults.append(invalid(here, text, "must not point to fields in metadata"))
        if found.get("type") not in _FIELD_TYPES:
            why = (
                "must point to a field of type string, boolean or integer. "
                "Enum string fields and strings with formats are allowed."
            )
            faults.append(invalid(here, text, why))
        if where in seen:
            faults.append(duplicate(here, text))
        seen.add(where)
    return [*faults, too_many(path, MOST_SELECTABLE, len(seen))] if len(seen) > MOST_SELECTABLE else faults


def _conversion(path: Path, conversion: Spec, old: Obj | None) -> Faults:
    strategy, webhook = conversion.get("strategy") or "", conversion.get("webhook")
    faults = (
        checks.one_of(path / "strategy", strategy, ("None", "Webhook")) if strategy else [required(path / "strategy")]
    )
    reviews = (webhook or {}).get("conversionReviewVersions") or []
    config = (webhook or {}).get("clientConfig")
    config_path, reviews_path = path / "webhookClientConfig", path / "conversionReviewVersions"
    if strategy == "Webhook":
        if config is None:
            faults.append(required(config_path, "required when strategy is set to Webhook"))
        else:
            faults += client_config(config_path, config) + _bundle(config_path / "caBundle", config, old)
        return faults + _reviews(reviews_path, reviews)
    why = "should not be set when strategy is not set to Webhook"
    if config is not None:
        faults.append(forbidden(config_path, why))
    return [*faults, forbidden(reviews_path, why)] if reviews else faults


def _reviews(path: Path, versions: list[str]) -> Faults:
    if not versions:
        return [required(path)]
    faults: Faults = []
    for at, version in enumerate(versions):
        if version in versions[:at]:
            faults.append(invalid(path[at], version, "duplicate version"))
        else:
            faults += [invalid(path[at], version, text) for text in names.dns1035_label(version)]
    if not set(versions) & set(REVIEWS):
        faults.append(invalid(path, versions, f"must include at least one of {', '.join(REVIEWS)}"))
    return faults


def _bundle(path: Path, config: Spec, old: Obj | None) -> Faults:
    """A definition that is served keeps a bundle that can be read."""
    bundle = config.get("caBundle") or ""
    if not bundle or old is None or not holds(old, "Established") or _readable(bundle):
        return []
    before = ((old["spec"].get("conversion") or {}).get("webhook") or {}).get("clientConfig") or {}
    if before.get("caBundle") and not _readable(before["caBundle"]):
        return []
    why = "unable to load root certificates: unable to parse bytes as PEM block"
    return [invalid(path, [int(byte) for byte in _decoded(bundle)], why)]


def _decoded(bundle: str) -> bytes:
    try:
        return base64.b64decode(bundle)
    except binascii.Error:
        return b""


def _readable(bundle: str) -> bool:
    text = _decoded(bundle)
    return not text.strip() or b"-----BEGIN CERTIFICATE-----" in text


def _stored(crd: Obj, spec: Spec) -> Faults:
    """The storage version is among the stored ones, and none of those is gone."""
    stored, path = (crd.get("status") or {}).get("storedVersions") or [], Path("status") / "storedVersions"
    if not stored:
        return [invalid(path, None, "must have at least one stored version")]
    faults: Faults = []
    for version in spec.get("versions") or ():
        if version.get("storage") and version.get("name") not in stored:
            faults.append(invalid(path, stored, f"must have the storage version {version.get('name')}"))
    known = [version.get("name") for version in spec.get("versions") or ()]
    for at, version in enumerate(stored):
        if version not in known:
            why = (
                f"missing from spec.versions; {version} was previously a storage version, and must remain in "
                f"spec.versions until a storage migration ensures no data remains persisted in {version} "
                f"and removes {version} from status.storedVersions"
            )
            faults.append(invalid(path[at], version, why))
    return faults


def _approval(crd: Obj, old: Obj | None) -> Faults:
    """Groups of the community need a word of approval, unless nothing has changed about it."""
    if not protected((crd.get("spec") or {}).get("group") or ""):
        return []
    state, why = approval(crd)
    if state in ("approved", "bypassed") or (old is not None and approval(old)[0] == state):
        return []
    here = Path("metadata") / "annotations"
    text = (crd["metadata"].get("annotations") or {}).get(APPROVED)
    return [required(here[APPROVED], why) if text is None or state == "missing" else invalid(here[APPROVED], text, why)]
