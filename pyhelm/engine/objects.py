"""The objects every template starts from: .Values, .Chart, .Release, .Capabilities, .Files, .Template, .Subcharts.

Most are plain maps, as in Helm 4. Those with methods answer `go_methods`. Nothing here reads a disk: the files of a
chart are already in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from pyhelm.chart.model import Chart
from pyhelm.engine.functions.errors import GoCallError
from pyhelm.engine.interface import Capabilities, ReleaseInfo
from pyhelm.formats.gotypes import GoInt, GoObject, NilMap, StringList, StringMap

__all__ = ["Files", "Method", "capabilities_object", "chart_object", "release_object"]


class Method:
    """A method templates may call: the callable and the Go types of its parameters."""

    __slots__ = ("call", "parameters")

    def __init__(self, call: Callable[..., Any], *parameters: str) -> None:
        self.call = call
        self.parameters = parameters

    def __call__(self, *arguments: Any) -> Any:
        return self.call(*arguments)


class Files(dict[str, bytes]):
    """`.Files`: path -> bytes, with methods. Reading it by key gives a method before a file."""

    go_type: ClassVar[str] = "engine.files"
    go_kind: ClassVar[str] = "map"

    def go_methods(self) -> dict[str, Callable[..., Any]]:
        return {
            "Get": Method(self.text, "string"),
            "GetBytes": Method(self.data, "string"),
            "Glob": Method(self.glob, "string"),
            "Lines": Method(self.lines, "string"),
            "AsConfig": Method(self.as_config),
            "AsSecrets": Method(self.as_secrets),
        }

    def data(self, name: str) -> bytes:
        return dict.get(self, name, b"")

    def text(self, name: str) -> str:
        return self.data(name).decode("utf-8", "surrogateescape")

    def glob(self, pattern: str) -> Files:
        from pyhelm.engine.globs import matcher

        matches = matcher(pattern)
        return Files({name: data for name, data in self.items() if matches(name)})

    def lines(self, name: str) -> list[str]:
        if name not in self:
            return StringList()
        text = self.text(name)
        if not text:
            raise GoCallError("runtime error: index out of range [-1]")
        return StringList((text[:-1] if text.endswith("\n") else text).split("\n"))

    def by_base_name(self) -> dict[str, bytes]:
        return {name.rsplit("/", 1)[-1]: dict.__getitem__(self, name) for name in sorted(self)}

    def as_config(self) -> str:
        from pyhelm.engine.functions import resolve

        return str(resolve("toYaml")({k: v.decode("utf-8", "surrogateescape") for k, v in self.by_base_name().items()}))

    def as_secrets(self) -> str:
        from binascii import b2a_base64

        from pyhelm.engine.functions import resolve

        encoded = {k: b2a_base64(v, newline=False).decode() for k, v in self.by_base_name().items()}
        return str(resolve("toYaml")(encoded))


class VersionSet(list[str]):
    """`.Capabilities.APIVersions`."""

    go_type: ClassVar[str] = "common.VersionSet"
    go_kind: ClassVar[str] = "slice"

    def go_methods(self) -> dict[str, Callable[..., Any]]:
        return {"Has": Method(self.__contains__, "string")}


class KubeVersion(GoObject):
    """`.Capabilities.KubeVersion`: prints as its normalised version."""

    go_type: ClassVar[str] = "common.KubeVersion"
    go_kind: ClassVar[str] = "struct"
    go_string_by_address: ClassVar[bool] = True

    def __init__(self, version: str) -> None:
        self.version = version
        major, _, rest = version.lstrip("v").partition(".")
        minor = rest.partition(".")[0]
        digits = len(minor) - len(minor.lstrip("0123456789"))
        self.parts = {"Version": version, "Major": major, "Minor": minor[:digits]}

    @property
    def normalized(self) -> str:
        return self.version.partition("-")[0].partition("+")[0]

    def go_fields(self) -> dict[str, Any]:
        return self.parts

    def go_printed(self) -> list[Any]:
        return [self.version, self.normalized, self.parts["Major"], self.parts["Minor"]]

    def go_methods(self) -> dict[str, Callable[..., Any]]:
        return {"GitVersion": Method(lambda: self.version), "String": Method(lambda: self.normalized)}

    def go_string(self) -> str | None:
        return self.normalized


class _Record(GoObject):
    """A struct of fields without methods."""

    def __init__(self, go_type: str, fields: dict[str, Any], kind: str = "struct") -> None:
        self.go_type = go_type  # type: ignore[misc]
        self.go_kind = kind  # type: ignore[misc]
        self.fields = fields

    def go_fields(self) -> dict[str, Any]:
        return self.fields


_HELM_COMMITS = {"v4.1.4": "05fa37973dc9e42b76e1d2883494c87174b6074f"}


def capabilities_object(capabilities: Capabilities) -> GoObject:
    helm = {
        "Version": capabilities.helm_version,
        "GitCommit": _HELM_COMMITS.get(capabilities.helm_version, ""),
        "GitTreeState": "clean",
        "GoVersion": "go1.25",
        "KubeClientVersion": "v1.35",
    }
    fields = {
        "KubeVersion": KubeVersion(capabilities.kube_version),
        "APIVersions": VersionSet(capabilities.api_versions),
        "HelmVersion": _Record("version.BuildInfo", helm),
    }
    return _Record("*common.Capabilities", fields, "ptr")


def release_object(release: ReleaseInfo) -> dict[str, Any]:
    return {
        "Name": release.name,
        "Namespace": release.namespace,
        "IsUpgrade": release.is_upgrade,
        "IsInstall": release.is_install,
        "Revision": GoInt(release.revision),
        "Service": release.service,
    }


_TEXTS = {
    "Name": "name", "Home": "home", "Version": "version", "Description": "description", "Icon": "icon",
    "APIVersion": "apiVersion", "Condition": "condition", "Tags": "tags", "AppVersion": "appVersion",
    "KubeVersion": "kubeVersion", "Type": "type",
}  # fmt: skip


def chart_object(chart: Chart) -> dict[str, Any]:
    """`.Chart`: Chart.yaml by Go's field names."""
    metadata = chart.metadata
    fields: dict[str, Any] = {name: _text(metadata.get(key)) for name, key in _TEXTS.items()}
    fields["Sources"] = StringList(metadata.get("sources") or [])
    fields["Keywords"] = StringList(metadata.get("keywords") or [])
    annotations = metadata.get("annotations")
    fields["Annotations"] = NilMap() if annotations is None else StringMap(annotations)
    fields["Deprecated"] = bool(metadata.get("deprecated"))
    fields["Maintainers"] = [_maintainer(item) for item in metadata.get("maintainers") or []]
    fields["Dependencies"] = [_dependency(item) for item in metadata.get("dependencies") or []]
    fields["IsRoot"] = chart.parent is None
    return fields


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _maintainer(item: dict[str, Any]) -> dict[str, Any]:
    return {"Name": _text(item.get("name")), "Email": _text(item.get("email")), "URL": _text(item.get("url"))}


def _dependency(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "Name": _text(item.get("name")),
        "Version": _text(item.get("version")),
        "Repository": _text(item.get("repository")),
        "Condition": _text(item.get("condition")),
        "Tags": StringList(item.get("tags") or []),
        "Enabled": bool(item.get("enabled", True)),
        "ImportValues": list(item.get("import-values") or []),
        "Alias": _text(item.get("alias")),
    }
