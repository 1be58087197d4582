"""Charts in OCI registries: pull, push, tags. Speaks the distribution API over requests, imported when needed.

A chart is a manifest with Helm's config (Chart.yaml as JSON) and one layer, the package; `+` of a version is `_` in a
tag, since tags know no plus.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from pyhelm.errors import RepoError
from pyhelm.repo.fetch import TIMEOUT, Access

CONFIG = "application/vnd.cncf.helm.config.v1+json"
CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
LEGACY_CONTENT = "application/tar+gzip"
PROVENANCE = "application/vnd.cncf.helm.chart.provenance.v1.prov"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"

_REFERENCE = re.compile(
    r"oci://(?P<host>[^/]+)/(?P<name>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?$"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """`oci://host/name:tag` or `oci://host/name@digest`."""

    host: str
    name: str
    tag: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a registry had under a reference."""

    chart: bytes
    provenance: bytes | None = None


def parse_reference(text: str) -> Reference:
    """Raises RepoError for what is no reference."""
    found = _REFERENCE.match(text)
    if found is None:
        raise RepoError(f'invalid reference: "{text}"')
    return Reference(found["host"], found["name"], (found["tag"] or "").replace("+", "_"), found["digest"] or "")


def with_tag(text: str, version: str, access: Access) -> str:
    """The reference with the tag that a version or a range means. Raises RepoError."""
    reference = parse_reference(text)
    if reference.tag or reference.digest:
        return text
    tag = best_tag(text, version, access)
    if tag is None:
        raise RepoError(f"could not find any tag of {text} that satisfies {version or '*'}")
    return f"{text}:{tag}"


def best_tag(text: str, version: str, access: Access) -> str | None:
    """The newest version that satisfies the range; an exact one is taken as it is."""
    from pyhelm.formats.semver import Constraint, SemverError, Version

    try:
        Version.parse_strict(version)
    except SemverError:
        pass
    else:
        return version
    constraint = Constraint.parse(version or "*")
    found: list[Version] = []
    for tag in tags(text, access):
        try:
            found.append(Version.parse(tag.replace("_", "+")))
        except SemverError:
            continue
    fitting = [v for v in found if constraint.check(v)]
    return max(fitting).original if fitting else None


def tags(text: str, access: Access) -> list[str]:
    """All tags of a repository. Raises RepoError."""
    reference = parse_reference(text)
    with _Registry(reference, access) as registry:
        return [str(tag) for tag in registry.json("GET", "tags/list").get("tags") or []]


def pull(text: str, access: Access) -> Pulled:
    """The package a reference names, checked against its digest. Raises RepoError."""
    reference = parse_reference(text)
    with _Registry(reference, access) as registry:
        manifest = registry.json("GET", f"manifests/{reference.digest or reference.tag}", headers={"Accept": MANIFEST})
        layers = {layer["mediaType"]: layer["digest"] for layer in manifest.get("layers") or []}
        content = layers.get(CONTENT) or layers.get(LEGACY_CONTENT)
        if content is None:
            raise RepoError(f"{text} holds no chart: manifest does not contain a layer with mediatype {CONTENT}")
        provenance = registry.blob(layers[PROVENANCE]) if PROVENANCE in layers else None
        return Pulled(registry.blob(content), provenance)


def push(package: str, remote: str, access: Access) -> tuple[str, str]:
    """Push a package below `remote`; (reference, digest of the manifest). Raises RepoError, ChartError."""
    from pyhelm.chart.load import load_chart

    chart = load_chart(package)
    tag = chart.version.replace("+", "_")
    reference = parse_reference(f"{remote.rstrip('/')}/{chart.name}:{tag}")
    config = json.dumps(chart.metadata, separators=(",", ":")).encode()
    blobs = [(CONTENT, Path(package).read_bytes())]
    signature = Path(f"{package}.prov")
    if signature.exists():
        blobs.append((PROVENANCE, signature.read_bytes()))
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _descriptor(CONFIG, config),
            "layers": [_descriptor(kind, data) for kind, data in blobs],
            "annotations": _annotations(chart.metadata),
        },
        separators=(",", ":"),
    ).encode()
    with _Registry(reference, access) as registry:
        for data in (config, *(data for _, data in blobs)):
            registry.upload(data)
        registry.send("PUT", f"manifests/{tag}", data=manifest, headers={"Content-Type": MANIFEST})
    return f"{reference.host}/{reference.name}:{tag}", _digest(manifest)


def _annotations(metadata: dict[str, Any]) -> dict[str, str]:
    known = {"title": "name", "version": "version", "description": "description", "url": "home"}
    own = {str(key): str(value) for key, value in (metadata.get("annotations") or {}).items()}
    found = {f"org.opencontainers.image.{k}": str(metadata[v]) for k, v in known.items() if metadata.get(v)}
    return {**own, **found}


def _descriptor(kind: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": _digest(data), "size": len(data)}


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class _Registry:
    """One repository of one registry, with a bearer token where the registry asks for one."""

    def __init__(self, reference: Reference, access: Access) -> None:
        import requests

        self._access = access
        self._session = requests.Session()
        local = reference.host.partition(":")[0] in ("localhost", "127.0.0.1")
        scheme = "http" if access.plain_http or local else "https"
        self._root = f"{scheme}://{reference.host}/v2/{reference.name}/"
        self._session.verify = False if access.insecure else access.ca_file or True
        if access.username:
            self._session.auth = (access.username, access.password)

    def __enter__(self) -> _Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        return dict(self.send(method, path, **options).json())

    def blob(self, digest: str) -> bytes:
        data = bytes(self.send("GET", f"blobs/{digest}").content)
        if _digest(data) != digest:
            raise RepoError(f"{self._root}blobs/{digest}: the content has another digest")
        return data

    def upload(self, data: bytes) -> None:
        digest = _digest(data)
        if self.send("HEAD", f"blobs/{digest}", missing=True).status_code == 200:
            return
        location = urljoin(self._root, self.send("POST", "blobs/uploads/").headers["Location"])
        joint = "&" if "?" in location else "?"
        self.send("PUT", f"{location}{joint}digest={digest}", data=data)

    def send(self, method: str, path: str, *, missing: bool = False, **options: Any) -> Any:
        import requests

        url = path if "://" in path else urljoin(self._root, path)
        try:
            answer = self._session.request(method, url, timeout=TIMEOUT, **options)
            if answer.status_code == 401 and self._authorize(answer.headers.get("Www-Authenticate", "")):
                answer = self._session.request(method, url, timeout=TIMEOUT, **options)
        except requests.RequestException as error:
            raise RepoError(f'{method.capitalize()} "{url}": {error}') from error
        if answer.status_code >= 400 and not (missing and answer.status_code == 404):
            raise RepoError(f"{url}: {answer.status_code} {answer.reason}")
        return answer

    def _authorize(self, challenge: str) -> bool:
        """Get a token as the challenge says; False where it says nothing usable."""
        parts = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        if not challenge.lower().startswith("bearer") or "realm" not in parts:
            return False
        wanted = {key: parts[key] for key in ("service", "scope") if key in parts}
        answer = self._session.get(parts["realm"], params=wanted, timeout=TIMEOUT)
        if answer.status_code != 200:
            return False
        token = answer.json().get("token") or answer.json().get("access_token")
        self._session.auth = None
        self._session.headers["Authorization"] = f"Bearer {token}"
        return True
