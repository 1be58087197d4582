"""The global flags and HELM_… variables, read once: where things are, which cluster, how talkative."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pyhelm.cli.flags import Flag, Parsed, array, boolean, number, text
from pyhelm.records import dataclass

GLOBAL_FLAGS: tuple[Flag, ...] = (
    text("namespace", "namespace scope for this request", "n"),
    text("kubeconfig", "path to the kubeconfig file"),
    text("kube-context", "name of the kubeconfig context to use"),
    text("kube-token", "bearer token used for authentication"),
    text("kube-as-user", "username to impersonate for the operation"),
    array("kube-as-group", "group to impersonate for the operation (can be repeated)"),
    text("kube-apiserver", "the address and the port for the Kubernetes API server"),
    text("kube-ca-file", "the certificate authority file for the Kubernetes API server connection"),
    text("kube-tls-server-name", "server name to use for Kubernetes API server certificate validation"),
    boolean("kube-insecure-skip-tls-verify", "if true, the Kubernetes API server's certificate will not be checked"),
    boolean("debug", "enable verbose output"),
    text("registry-config", "path to the registry config file"),
    text("repository-config", "path to the file containing repository names and URLs"),
    text("repository-cache", "path to the directory containing cached repository indexes"),
    text("content-cache", "path to the directory containing cached content (e.g. charts)"),
    number("burst-limit", "client-side default throttling limit", 100),
    Flag(name="qps", help="queries per second to the Kubernetes API", parse=float, default=0.0, kind="float32"),
    text("color", "use colored output (never, auto, always)", default="auto"),
    text("colour", "use colored output (never, auto, always)", default="auto", alias_of="color", hidden=True),
    boolean("bundled", "use the bundled cluster, also where a kubeconfig names another one"),
    boolean("helm-errors", "tell failures in Helm's own words"),
    boolean("quiet", "do not say which cluster is used, and show no progress"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Paths and connection wishes, flags before environment before defaults."""

    namespace: str
    kubeconfig: str
    kube_context: str
    kube_token: str
    kube_as_user: str
    kube_as_groups: tuple[str, ...]
    kube_apiserver: str
    kube_ca_file: str
    kube_tls_server_name: str
    kube_insecure: bool
    debug: bool
    registry_config: Path
    repository_config: Path
    repository_cache: Path
    content_cache: Path
    cache_home: Path
    config_home: Path
    data_home: Path
    max_history: int
    driver: str
    color: str
    bundled: bool
    quiet: bool
    helm_errors: bool

    @property
    def namespace_or_default(self) -> str:
        return self.namespace or "default"


def read_settings(parsed: Parsed, environ: Mapping[str, str]) -> Settings:
    """Settings of one invocation."""
    cache, config, data = (_home(environ, kind) for kind in ("CACHE", "CONFIG", "DATA"))

    def word(flag: str, variable: str, default: str = "") -> str:
        if flag in parsed.given:
            return str(parsed[flag])
        return environ.get(variable) or default

    groups = tuple(parsed["kube-as-group"]) or tuple(g for g in environ.get("HELM_KUBEASGROUPS", "").split(",") if g)
    return Settings(
        namespace=word("namespace", "HELM_NAMESPACE"),
        kubeconfig=str(parsed["kubeconfig"]),
        kube_context=word("kube-context", "HELM_KUBECONTEXT"),
        kube_token=word("kube-token", "HELM_KUBETOKEN"),
        kube_as_user=word("kube-as-user", "HELM_KUBEASUSER"),
        kube_as_groups=groups,
        kube_apiserver=word("kube-apiserver", "HELM_KUBEAPISERVER"),
        kube_ca_file=word("kube-ca-file", "HELM_KUBECAFILE"),
        kube_tls_server_name=word("kube-tls-server-name", "HELM_KUBETLS_SERVER_NAME"),
        kube_insecure=bool(parsed["kube-insecure-skip-tls-verify"])
        or truth(environ.get("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", "")),
        debug=bool(parsed["debug"]) or truth(environ.get("HELM_DEBUG", "")),
        registry_config=Path(word("registry-config", "HELM_REGISTRY_CONFIG", f"{config}/registry/config.json")),
        repository_config=Path(word("repository-config", "HELM_REPOSITORY_CONFIG", f"{config}/repositories.yaml")),
        repository_cache=Path(word("repository-cache", "HELM_REPOSITORY_CACHE", f"{cache}/repository")),
        content_cache=Path(word("content-cache", "HELM_CONTENT_CACHE", f"{cache}/content")),
        cache_home=cache,
        config_home=config,
        data_home=data,
        max_history=_number(environ.get("HELM_MAX_HISTORY", ""), 10),
        driver=environ.get("HELM_DRIVER", ""),
        color=word("color", "HELM_COLOR", "auto"),
        bundled=bool(parsed["bundled"]) or truth(environ.get("PYHELM_BUNDLED", "")),
        quiet=bool(parsed["quiet"]) or truth(environ.get("PYHELM_QUIET", "")),
        helm_errors=bool(parsed["helm-errors"]) or truth(environ.get("PYHELM_HELM_ERRORS", "")),
    )


def truth(word: str) -> bool:
    """A boolean variable as Go reads it; what is unreadable counts as unset."""
    return word in ("1", "t", "T", "true", "TRUE", "True")


def _number(word: str, default: int) -> int:
    try:
        return int(word)
    except ValueError:
        return default


_XDG = {"CACHE": ".cache", "CONFIG": ".config", "DATA": ".local/share"}
_MAC = {"CACHE": "Library/Caches", "CONFIG": "Library/Preferences", "DATA": "Library"}


def _home(environ: Mapping[str, str], kind: str) -> Path:
    """HELM_x_HOME, else XDG_x_HOME/helm, else the system's place."""
    if own := environ.get(f"HELM_{kind}_HOME"):
        return Path(own)
    if xdg := environ.get(f"XDG_{kind}_HOME"):
        return Path(xdg) / "helm"
    home = environ.get("HOME") or os.path.expanduser("~")
    below = (_MAC if sys.platform == "darwin" else _XDG)[kind]
    return Path(home) / below / "helm"


def environment(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """What `env` shows."""
    return {
        "HELM_BIN": environ.get("HELM_BIN", sys.argv[0]),
        "HELM_BURST_LIMIT": environ.get("HELM_BURST_LIMIT", "100"),
        "HELM_CACHE_HOME": str(settings.cache_home),
        "HELM_CONFIG_HOME": str(settings.config_home),
        "HELM_CONTENT_CACHE": str(settings.content_cache),
        "HELM_DATA_HOME": str(settings.data_home),
        "HELM_DEBUG": str(settings.debug).lower(),
        "HELM_KUBEAPISERVER": settings.kube_apiserver,
        "HELM_KUBEASGROUPS": ",".join(settings.kube_as_groups),
        "HELM_KUBEASUSER": settings.kube_as_user,
        "HELM_KUBECAFILE": settings.kube_ca_file,
        "HELM_KUBECONTEXT": settings.kube_context,
        "HELM_KUBEINSECURE_SKIP_TLS_VERIFY": str(settings.kube_insecure).lower(),
        "HELM_KUBETLS_SERVER_NAME": settings.kube_tls_server_name,
        "HELM_KUBETOKEN": settings.kube_token,
        "HELM_MAX_HISTORY": str(settings.max_history),
        "HELM_NAMESPACE": settings.namespace_or_default,
        "HELM_PLUGINS": environ.get("HELM_PLUGINS", str(settings.data_home / "plugins")),
        "HELM_QPS": environ.get("HELM_QPS", "0.00"),
        "HELM_REGISTRY_CONFIG": str(settings.registry_config),
        "HELM_REPOSITORY_CACHE": str(settings.repository_cache),
        "HELM_REPOSITORY_CONFIG": str(settings.repository_config),
    }
