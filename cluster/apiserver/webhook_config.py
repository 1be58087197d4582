"""A server outside, as a kubeconfig names it: where it is, how it is trusted, and who this server is to it.

The kubeconfig's current context counts; paths in it are relative to its file.
"""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """`credential` is a (certificate, key) pair of files; `token` a bearer token; `basic` a user and password."""

    url: str
    authority: str = ""
    insecure: bool = False
    token: str = ""
    basic: tuple[str, str] | None = None
    credential: tuple[Path, Path] | None = None

    @classmethod
    def read(cls, path: Path) -> Target:
        """Raises ValueError with file and field, OSError."""
        import yaml

        try:
            found = yaml.safe_load(path.read_text())
        except yaml.YAMLError as error:
            raise ValueError(f"{path}: {error}") from error
        if not isinstance(found, dict):
            raise ValueError(f"{path}: expected a kubeconfig")
        try:
            return _read(found, path.parent)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def client(self, timeout: float) -> Any:
        """An httpx.AsyncClient."""
        import httpx

        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "kube-apiserver"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return httpx.AsyncClient(
            verify=self._trust(), timeout=timeout, trust_env=False, headers=headers, auth=self.basic
        )

    async def post(self, http: Any, body: bytes) -> str:
        """Why it was not taken; empty when it was."""
        import httpx

        try:
            answer = await http.post(self.url, content=body)
        except (httpx.HTTPError, OSError) as error:
            return f"{self.url}: {str(error) or type(error).__name__}"
        return "" if 200 <= answer.status_code < 300 else f"{self.url} answered {answer.status_code}"

    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.authority or None)
        if self.insecure:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if self.credential is not None:
            context.load_cert_chain(*self.credential)
        return context


def _read(found: dict[str, Any], root: Path) -> Target:
    name = found.get("current-context") or next((c.get("name") for c in found.get("contexts") or ()), "")
    context = _named(found, "contexts", name).get("context") or {}
    cluster = _named(found, "clusters", context.get("cluster")).get("cluster") or {}
    user = _named(found, "users", context.get("user")).get("user") or {} if context.get("user") else {}
    url = cluster.get("server")
    if not url:
        raise ValueError(f"clusters[{context.get('cluster')}].cluster.server: must be given")
    token = user.get("token") or ""
    if user.get("tokenFile"):
        token = (root / user["tokenFile"]).read_text().strip()
    basic = (user["username"], user.get("password") or "") if user.get("username") else None
    return Target(
        str(url), _authority(cluster, root), bool(cluster.get("insecure-skip-tls-verify")), token, basic,
        _credential(user, root),
    )  # fmt: skip


def _named(found: dict[str, Any], field: str, name: Any) -> dict[str, Any]:
    for entry in found.get(field) or ():
        if entry.get("name") == name:
            return dict(entry)
    raise ValueError(f"{field}: there is none called {name!r}")


def _authority(cluster: dict[str, Any], root: Path) -> str:
    if cluster.get("certificate-authority-data"):
        return base64.b64decode(cluster["certificate-authority-data"]).decode()
    if cluster.get("certificate-authority"):
        return (root / str(cluster["certificate-authority"])).read_text()
    return ""


def _credential(user: dict[str, Any], root: Path) -> tuple[Path, Path] | None:
    if user.get("client-certificate-data") or user.get("client-key-data"):
        raise ValueError("users: client-certificate-data is not read here; name the files with client-certificate")
    if not user.get("client-certificate"):
        return None
    return root / user["client-certificate"], root / user.get("client-key", "")
