"""Finding the API server: kubeconfig files, contexts, credentials, and the account inside a pod.

Follows client-go's loading rules: files of $KUBECONFIG in order, the first that sets a value wins; else
~/.kube/config; else the service account of the pod. The environment is handed in.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pyhelm.errors import KubeError

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What flags and HELM_KUBE… variables say, each "" where nothing was said."""

    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""
    token: str = ""
    as_user: str = ""
    as_groups: tuple[str, ...] = ()
    server: str = ""
    ca_file: str = ""
    tls_server_name: str = ""
    insecure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach one API server. PEM parts are bytes; `exec_plugin` still has to be run for a token."""

    server: str
    context: str = ""
    cluster: str = ""
    source: str = ""
    """The file the context came from, "in-cluster", or "flags"."""
    namespace: str = "default"
    ca: bytes = b""
    insecure: bool = False
    tls_server_name: str = ""
    certificate: bytes = b""
    private_key: bytes = b""
    token: str = ""
    token_file: str = ""
    username: str = ""
    password: str = ""
    exec_plugin: Mapping[str, Any] = field(default_factory=dict)
    as_user: str = ""
    as_groups: tuple[str, ...] = ()
    proxy_url: str = ""

    @property
    def words(self) -> str:
        """For the one line that says which cluster is spoken to."""
        return f"context {self.context} ({self.server})" if self.context else self.server


@dataclass(slots=True)
class _Merged:
    """The union of several files; `origin` remembers the folder relative paths count from."""

    current: str = ""
    source: str = ""
    sections: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=lambda: {"clusters": {}, "users": {}, "contexts": {}}
    )
    origin: dict[int, Path] = field(default_factory=dict)
    files: dict[int, str] = field(default_factory=dict)


def kubeconfig_files(overrides: Overrides, environ: Mapping[str, str]) -> list[Path]:
    """The files that are read, in order of precedence."""
    if overrides.kubeconfig:
        return [Path(overrides.kubeconfig)]
    if environ.get("KUBECONFIG"):
        return [Path(part) for part in environ["KUBECONFIG"].split(":") if part]
    home = environ.get("HOME") or str(Path.home())
    return [Path(home) / ".kube" / "config"]


def load_access(overrides: Overrides, environ: Mapping[str, str]) -> Access | None:
    """The API server to use; None where no context, no flag and no pod account says one.

    Raises KubeError where a file is unreadable or names what is not there.
    """
    merged = _read_all(kubeconfig_files(overrides, environ), must_exist=bool(overrides.kubeconfig))
    name = overrides.context or merged.current
    if name:
        access = _from_context(merged, name)
    elif overrides.server:
        access = Access(server="", source="flags")
    else:
        inside = _in_cluster(environ)
        if inside is None:
            return None
        access = inside
    return _overridden(access, overrides)


def _read_all(paths: list[Path], must_exist: bool) -> _Merged:
    merged = _Merged()
    for path in paths:
        if not path.exists() and not must_exist:
            continue
        data = _read(path)
        if not merged.current and data.get("current-context"):
            merged.current, merged.source = str(data["current-context"]), str(path)
        for section, singular in (("clusters", "cluster"), ("users", "user"), ("contexts", "context")):
            for entry in data.get(section) or []:
                body = dict(entry.get(singular) or {})
                merged.origin[id(body)], merged.files[id(body)] = path.parent, str(path)
                merged.sections[section].setdefault(str(entry.get("name", "")), body)
    return merged


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        text = path.read_text()
    except OSError as error:
        raise KubeError(f"cannot read kubeconfig {path}: {error.strerror}") from error
    try:
        data = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise KubeError(f"kubeconfig {path} is no valid YAML: {' '.join(str(error).split())}") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise KubeError(f"kubeconfig {path} holds no mapping")
    return data


def _from_context(merged: _Merged, name: str) -> Access:
    context = merged.sections["contexts"].get(name)
    if context is None:
        raise KubeError(f'context "{name}" does not exist')
    cluster_name = str(context.get("cluster", ""))
    cluster = merged.sections["clusters"].get(cluster_name)
    if cluster is None:
        raise KubeError(f'context "{name}" names cluster "{cluster_name}", which does not exist')
    user = merged.sections["users"].get(str(context.get("user", "")), {})
    return Access(
        server=str(cluster.get("server", "")),
        context=name,
        cluster=cluster_name,
        source=merged.files.get(id(context), ""),
        namespace=str(context.get("namespace") or "default"),
        ca=_pem(cluster, "certificate-authority", merged),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        tls_server_name=str(cluster.get("tls-server-name") or ""),
        proxy_url=str(cluster.get("proxy-url") or ""),
        certificate=_pem(user, "client-certificate", merged),
        private_key=_pem(user, "client-key", merged),
        token=str(user.get("token") or ""),
        token_file=_path(user, "tokenFile", merged),
        username=str(user.get("username") or ""),
        password=str(user.get("password") or ""),
        exec_plugin=user.get("exec") or {},
        as_user=str(user.get("as") or ""),
        as_groups=tuple(user.get("as-groups") or ()),
    )


def _pem(body: dict[str, Any], key: str, merged: _Merged) -> bytes:
    """A PEM given inline (base64) or by path, b"" for neither."""
    if inline := body.get(f"{key}-data"):
        try:
            return base64.b64decode(str(inline), validate=True)
        except binascii.Error as error:
            raise KubeError(f"{key}-data in {merged.files.get(id(body))} is no base64: {error}") from error
    path = _path(body, key, merged)
    return _bytes(path, key) if path else b""


def _bytes(path: str, what: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise KubeError(f"unable to read {what} {path}: {error.strerror}") from error


def _path(body: dict[str, Any], key: str, merged: _Merged) -> str:
    if not body.get(key):
        return ""
    return str(merged.origin.get(id(body), Path()) / str(body[key]))


def _in_cluster(environ: Mapping[str, str]) -> Access | None:
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT")
    token = _ACCOUNT / "token"
    if not host or not port or not token.exists():
        return None
    namespace = _ACCOUNT / "namespace"
    return Access(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        source="in-cluster",
        namespace=namespace.read_text().strip() if namespace.exists() else "default",
        ca=_bytes(str(_ACCOUNT / "ca.crt"), "certificate authority"),
        token_file=str(token),
    )


def _overridden(access: Access, overrides: Overrides) -> Access:
    changes: dict[str, Any] = {}
    for name, value in (
        ("server", overrides.server),
        ("namespace", overrides.namespace),
        ("token", overrides.token),
        ("tls_server_name", overrides.tls_server_name),
        ("as_user", overrides.as_user),
        ("as_groups", overrides.as_groups),
    ):
        if value:
            changes[name] = value
    if overrides.token:
        changes |= {"token_file": "", "exec_plugin": {}}
    if overrides.ca_file:
        changes["ca"] = _bytes(overrides.ca_file, "certificate authority")
    if overrides.insecure:
        changes |= {"insecure": True, "ca": b""}
    if overrides.server:
        changes["context"] = ""
    return replace(access, **changes)
