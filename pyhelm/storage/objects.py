"""The Secret and ConfigMap drivers: a record per object, in the release's namespace, exactly as Helm stores it.

A Secret carries a second base64 layer, since the API wants one; a ConfigMap does not.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from pyhelm.errors import KubeError, ReleaseError
from pyhelm.kube.client import KubeClient
from pyhelm.release.model import Release
from pyhelm.release.record import TYPE, decode, encode
from pyhelm.storage.interface import ReleaseExists, ReleaseNotFound
from pyhelm.storage.labels import record_labels, user_labels

_MEBIBYTE = 1 << 20


class ObjectDriver:
    """Records in objects of one core kind. `namespace` "" reads all namespaces (for lists alone)."""

    name = ""
    plural = ""
    kind = ""

    def __init__(self, kube: KubeClient, namespace: str, seconds: Callable[[], float]) -> None:
        self._kube = kube
        self._namespace = namespace
        self._seconds = seconds

    def body(self, text: str) -> dict[str, Any]:
        """The parts of the object that hold the record."""
        raise NotImplementedError

    def text(self, data: Mapping[str, Any]) -> str:
        """The record's text out of the object's data."""
        raise NotImplementedError

    def path(self, key: str = "") -> str:
        scope = f"/namespaces/{self._namespace}" if self._namespace else ""
        return f"/api/v1{scope}/{self.plural}" + (f"/{key}" if key else "")

    async def get(self, key: str) -> Release:
        return self._release(await self._missing_is_not_found("get", self._kube.get(self.path(key)), key))

    async def query(self, labels: Mapping[str, str], selector: str = "") -> list[Release]:
        wanted = ",".join(f"{k}={v}" for k, v in sorted(labels.items()))
        both = ",".join(part for part in (wanted, selector) if part)
        found = await self._kube.list(self.path(), labelSelector=both)
        return [release for release in map(self._readable, found) if release is not None]

    async def create(self, key: str, release: Release) -> None:
        stored = self._object(key, release, ("createdAt", int(self._seconds())))
        try:
            await self._kube.create(self.path(), stored)
        except KubeError as error:
            if error.code == 409:
                raise ReleaseExists from error
            raise

    async def update(self, key: str, release: Release) -> None:
        stored = self._object(key, release, ("modifiedAt", int(self._seconds())))
        await self._missing_is_not_found("update", self._kube.replace(self.path(key), stored), key)

    async def delete(self, key: str) -> Release:
        release = await self.get(key)
        await self._missing_is_not_found("delete", self._kube.delete(self.path(key)), key)
        return release

    async def _missing_is_not_found(self, verb: str, call: Any, key: str) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = await call
        except KubeError as error:
            if error.code == 404:
                raise ReleaseNotFound from error
            raise KubeError(
                f"{verb}: failed to {verb} {key!r}: {error}", code=error.code, reason=error.reason, status=error.status
            ) from error
        return answer

    def _object(self, key: str, release: Release, stamp: tuple[str, int]) -> dict[str, Any]:
        text = encode(release)
        if len(text) > _MEBIBYTE:
            raise ReleaseError(
                f"the record of release {release.name} revision {release.version} takes {len(text)} bytes; "
                f"a {self.kind} holds {_MEBIBYTE} at most. Make the chart smaller (.helmignore) or split it"
            )
        return {
            "apiVersion": "v1",
            "kind": self.kind,
            "metadata": {"name": key, "namespace": self._namespace, "labels": record_labels(release, stamp)},
            **self.body(text),
        }

    def _release(self, stored: Mapping[str, Any]) -> Release:
        labels = stored["metadata"].get("labels") or {}
        release = decode(self.text(stored.get("data") or {}), user_labels(labels))
        release.namespace = release.namespace or stored["metadata"].get("namespace", "")
        return release

    def _readable(self, stored: Mapping[str, Any]) -> Release | None:
        """A list shows what can be read; one broken record must not hide the others."""
        try:
            return self._release(stored)
        except ReleaseError:
            return None


class SecretDriver(ObjectDriver):
    """The default: Secrets of type helm.sh/release.v1."""

    name = "Secret"
    plural = "secrets"
    kind = "Secret"

    def body(self, text: str) -> dict[str, Any]:
        return {"type": TYPE, "data": {"release": base64.b64encode(text.encode()).decode()}}

    def text(self, data: Mapping[str, Any]) -> str:
        try:
            return base64.b64decode(str(data.get("release", "")), validate=True).decode()
        except ValueError as error:
            raise ReleaseError(f"the release record cannot be decoded: {error}") from error


class ConfigMapDriver(ObjectDriver):
    """HELM_DRIVER=configmap."""

    name = "ConfigMap"
    plural = "configmaps"
    kind = "ConfigMap"

    def body(self, text: str) -> dict[str, Any]:
        return {"data": {"release": text}}

    def text(self, data: Mapping[str, Any]) -> str:
        return str(data.get("release", ""))
