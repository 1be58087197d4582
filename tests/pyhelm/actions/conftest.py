"""A live API server for the tests of this folder, and a small chart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from live_cluster import Live, live_server


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with live_server(tmp_path) as server:
        yield server


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """Two ConfigMaps (the second when `two` is set), a hook and notes."""
    root = tmp_path / "demo"
    files = {
        "Chart.yaml": "apiVersion: v2\nname: demo\nversion: 1.0.0\nappVersion: '7'\n",
        "values.yaml": "text: hello\ntwo: false\n",
        "values-dev.yaml": "text: from dev\n",
        "templates/one.yaml": (
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-one\n"
            "data:\n  text: {{ .Values.text | quote }}\n  revision: {{ .Release.Revision | quote }}\n"
        ),
        "templates/two.yaml": (
            "{{- if .Values.two }}\napiVersion: v1\nkind: ConfigMap\n"
            "metadata:\n  name: {{ .Release.Name }}-two\n{{ end }}"
        ),
        "templates/hook.yaml": (
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-hook\n"
            "  annotations:\n    helm.sh/hook: pre-install,pre-upgrade\n"
            "    helm.sh/hook-delete-policy: hook-succeeded\n"
        ),
        "templates/NOTES.txt": "{{ .Release.Name }} says {{ .Values.text }}\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root
