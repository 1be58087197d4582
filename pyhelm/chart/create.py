"""A new chart to begin with: twelve files that install as they are, or a copy of a starter."""

from __future__ import annotations

import os
import re
import stat
from importlib import import_module

from pyhelm.errors import ChartError

__all__ = ["create_chart"]

ENGINES = ("gotpl", "jinja2")
_NAME = re.compile(r"[a-zA-Z0-9._-]+")
_PLACEHOLDER = "<CHARTNAME>"

_CHART_YAML = """\
apiVersion: v2
name: <CHARTNAME>
description: What this chart installs, in one line
type: application
{engine}
# The version of the chart: raise it with every change (https://semver.org).
version: 0.1.0

# The version of what the chart installs; quoted, since it is text.
appVersion: "1.16.0"
"""

_VALUES = """\
# How many pods run when autoscaling is off.
replicaCount: 1

image:
  repository: python
  pullPolicy: IfNotPresent
  # The chart's appVersion when empty.
  tag: 3.13-alpine

# What the container runs; the image's own command when empty. It listens on the pod's address, so that it also runs
# where pods are plain processes of one machine.
command: [python3, -m, http.server, --bind, $(POD_IP), "8080"]

# Names of the objects are made of the release's and the chart's name; these replace parts of them.
nameOverride: ""
fullnameOverride: ""

serviceAccount:
  create: true
  # Made of the full name when empty.
  name: ""

service:
  type: ClusterIP
  port: 8080

ingress:
  enabled: false
  className: ""
  hosts:
    - chart-example.local

httpRoute:
  enabled: false
  parentRefs:
    - name: gateway
  hostnames:
    - chart-example.local

autoscaling:
  enabled: false
  minReplicas: 1
  maxReplicas: 10
  # Mean use of CPU, in percent of what is requested.
  cpu: 80

livenessProbe:
  httpGet:
    path: /
    port: http
readinessProbe:
  httpGet:
    path: /
    port: http

# Requests and limits of the container.
resources: {}
"""

_IGNORE = """\
# What is no part of the package: one pattern a line, as file globs; `dir/` for folders, `!` to negate.
.DS_Store
.git/
.gitignore
.hg/
.svn/
.idea/
.vscode/
*.bak
*.orig
*.swp
*.tmp
*~
"""


def create_chart(name: str, folder: str, *, starter: str = "", engine: str = "jinja2") -> str:
    """Writes a new chart `name` below `folder` and returns its path. Raises ChartError.

    `engine` is the language of its templates; with a `starter` (path of a chart) that chart is copied instead.
    """
    name = name or "."
    _check_name(name)
    if engine not in ENGINES:
        raise ChartError(f"unknown template engine {engine!r}: it is jinja2 or gotpl")
    files = _from_starter(starter, name) if starter else _files(name, engine)
    top = os.path.normpath(os.path.join(folder, name))
    if os.path.exists(top) and not os.path.isdir(top):
        raise ChartError(f"file {top} already exists and is not a directory")
    for path, data in files.items():
        _write(os.path.join(top, *path.split("/")), data)
    os.makedirs(os.path.join(top, "charts"), exist_ok=True)
    return top


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= 250:
        raise ChartError("chart name must be between 1 and 250 characters")
    if not _NAME.fullmatch(name):
        raise ChartError('chart name must match the regular expression "^[a-zA-Z0-9._-]+$"')


def _files(name: str, engine: str) -> dict[str, bytes]:
    templates: dict[str, str] = import_module(f"pyhelm.chart.scaffold_{engine}").TEMPLATES
    chart_yaml = _CHART_YAML.replace("{engine}\n", "engine: jinja2\n" if engine == "jinja2" else "")
    texts = {"Chart.yaml": chart_yaml, "values.yaml": _VALUES, ".helmignore": _IGNORE, **templates}
    return {path: text.replace(_PLACEHOLDER, name).encode() for path, text in texts.items()}


def _from_starter(starter: str, name: str) -> dict[str, bytes]:
    from pyhelm.chart.load import load_chart
    from pyhelm.chart.package import chart_yaml

    if not os.path.exists(starter):
        raise ChartError(f"could not load {starter}: stat {starter}: no such file or directory")
    try:
        chart = load_chart(starter)
    except ChartError as error:
        raise ChartError(f"could not load {starter}: {error}") from error
    metadata = {
        "apiVersion": "v2", "name": name, "description": "A chart made from a starter", "type": "application",
        "version": "0.1.0", "appVersion": "0.1.0", "engine": chart.metadata.get("engine"),
        "dependencies": chart.metadata.get("dependencies"),
    }  # fmt: skip
    out = {
        file.name: file.data.replace(_PLACEHOLDER.encode(), name.encode())
        for file in chart.raw
        if file.name == "values.yaml" or file.name.startswith("templates/")
    }
    out.update({file.name: file.data for file in chart.raw if file.name not in out and file.name != "Chart.lock"})
    out["Chart.yaml"] = chart_yaml(metadata)
    return out


def _write(path: str, data: bytes) -> None:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
            raise ChartError(f"{path} is in the way: it is no regular file")
        with open(path, "wb") as stream:
            stream.write(data)
    except OSError as error:
        raise ChartError(f"cannot write {path}: {error.strerror}") from error
