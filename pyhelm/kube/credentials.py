"""Turning an Access into what HTTP needs: an SSL context and headers; runs credential plugins.

Secrets go no further than the objects made here; none is ever part of a message.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from pyhelm.errors import KubeError
from pyhelm.kube.kubeconfig import Access


def ssl_context(access: Access, certificate: bytes = b"", private_key: bytes = b"") -> ssl.SSLContext:
    """TLS as the kubeconfig says. Raises KubeError where a certificate does not fit."""
    context = ssl.create_default_context(cadata=access.ca.decode("ascii", "replace") if access.ca else None)
    if access.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate, private_key = certificate or access.certificate, private_key or access.private_key
    if certificate and private_key:
        _load_pair(context, certificate, private_key)
    return context


def _load_pair(context: ssl.SSLContext, certificate: bytes, private_key: bytes) -> None:
    """ssl reads key pairs from files alone; the file is private and gone at once."""
    descriptor, name = tempfile.mkstemp(prefix="pyhelm-", suffix=".pem")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(certificate + b"\n" + private_key)
        context.load_cert_chain(name)
    except ssl.SSLError as error:
        raise KubeError(f"the client certificate cannot be used: {error.reason or error}") from error
    finally:
        Path(name).unlink()


def headers(access: Access, token: str = "") -> dict[str, str]:
    """Authorization and impersonation."""
    result: dict[str, str] = {}
    token = token or access.token or _token_file(access.token_file)
    if token:
        result["Authorization"] = f"Bearer {token}"
    elif access.username:
        pair = base64.b64encode(f"{access.username}:{access.password}".encode()).decode()
        result["Authorization"] = f"Basic {pair}"
    if access.as_user:
        result["Impersonate-User"] = access.as_user
    return result


def impersonated_groups(access: Access) -> list[tuple[str, str]]:
    """A header for every group: names may repeat."""
    return [("Impersonate-Group", group) for group in access.as_groups]


def _token_file(path: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise KubeError(f"unable to read token file {path}: {error.strerror}") from error


def run_exec_plugin(access: Access, environ: dict[str, str]) -> dict[str, Any]:
    """Run the credential plugin of the kubeconfig; its `status` (token, clientCertificateData, clientKeyData)."""
    plugin = access.exec_plugin
    command = [str(plugin.get("command", "")), *map(str, plugin.get("args") or [])]
    info = {"apiVersion": plugin.get("apiVersion"), "kind": "ExecCredential", "spec": {"interactive": False}}
    env = environ | {str(e["name"]): str(e["value"]) for e in plugin.get("env") or []}
    env["KUBERNETES_EXEC_INFO"] = json.dumps(info)
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        hint = str(plugin.get("installHint") or "").strip()
        raise KubeError(f"getting credentials: exec: {error}" + (f"\n{hint}" if hint else "")) from error
    if done.returncode:
        raise KubeError(
            f"getting credentials: exec: executable {command[0]} failed with exit code {done.returncode}: "
            f"{done.stderr.strip()}"
        )
    try:
        status = json.loads(done.stdout)["status"]
    except (ValueError, KeyError, TypeError) as error:
        raise KubeError(f"getting credentials: exec: {command[0]} printed no ExecCredential") from error
    return dict(status)
