"""repositories.yaml: the repositories a user knows by name, and where their indexes are cached."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyhelm.errors import RepoError
from pyhelm.release.times import ZERO
from pyhelm.release.wire import yaml_text
from pyhelm.repo.fetch import Access


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """One named repository."""

    name: str
    url: str
    username: str = ""
    password: str = ""
    cert_file: str = ""
    key_file: str = ""
    ca_file: str = ""
    insecure: bool = False
    pass_credentials: bool = False

    @property
    def access(self) -> Access:
        return Access(
            username=self.username,
            password=self.password,
            cert_file=self.cert_file,
            key_file=self.key_file,
            ca_file=self.ca_file,
            insecure=self.insecure,
            pass_credentials=self.pass_credentials,
        )

    def data(self) -> dict[str, Any]:
        return {
            "caFile": self.ca_file,
            "certFile": self.cert_file,
            "insecure_skip_tls_verify": self.insecure,
            "keyFile": self.key_file,
            "name": self.name,
            "pass_credentials_all": self.pass_credentials,
            "password": self.password,
            "url": self.url,
            "username": self.username,
        }


@dataclass(slots=True)
class RepositoryFile:
    """The file's content, in its order."""

    repositories: list[Repository] = field(default_factory=list)
    api_version: str = ""
    generated: str = ZERO

    def find(self, name: str) -> Repository | None:
        return next((r for r in self.repositories if r.name == name), None)

    def put(self, repository: Repository) -> None:
        """Add, or replace in place."""
        for place, known in enumerate(self.repositories):
            if known.name == repository.name:
                self.repositories[place] = repository
                return
        self.repositories.append(repository)

    def remove(self, name: str) -> bool:
        before = len(self.repositories)
        self.repositories = [r for r in self.repositories if r.name != name]
        return len(self.repositories) < before

    def write(self, path: Path) -> None:
        """Replace the file as a whole; only its owner may read it, for it may hold passwords."""
        data = {
            "apiVersion": self.api_version,
            "generated": self.generated,
            "repositories": [r.data() for r in self.repositories],
        }
        replace_file(path, yaml_text(data).encode(), 0o600)


def replace_file(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that a reader sees the old or the new one. Raises RepoError."""
    import os
    import tempfile

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(name, mode)
        os.replace(name, path)
    except OSError as error:
        raise RepoError(f"cannot write {path}: {error.strerror}") from error


def read_repositories(path: Path) -> RepositoryFile:
    """The file's content; nothing where it is not there. Raises RepoError."""
    from pyhelm.formats.yaml_read import YAMLError, load_map

    try:
        data = load_map(path.read_bytes())
    except FileNotFoundError:
        return RepositoryFile()
    except OSError as error:
        raise RepoError(f"couldn't load repositories file ({path}): {error.strerror}") from error
    except YAMLError as error:
        raise RepoError(f"couldn't load repositories file ({path}): {error}") from error
    listed = [entry for entry in data.get("repositories") or [] if isinstance(entry, dict)]
    return RepositoryFile(
        [_repository(entry) for entry in listed],
        str(data.get("apiVersion") or ""),
        str(data.get("generated") or ZERO),
    )


def _repository(entry: dict[str, Any]) -> Repository:
    def text(key: str) -> str:
        return str(entry.get(key) or "")

    return Repository(
        name=text("name"),
        url=text("url"),
        username=text("username"),
        password=text("password"),
        cert_file=text("certFile"),
        key_file=text("keyFile"),
        ca_file=text("caFile"),
        insecure=bool(entry.get("insecure_skip_tls_verify")),
        pass_credentials=bool(entry.get("pass_credentials_all")),
    )
