"""Dependencies of a chart: what it asks for, resolving ranges, fetching packages into charts/, the lock file.

The lock's digest is Helm's: SHA-256 of the compact JSON of what was asked for and what was taken.
"""

from __future__ import annotations

import glob as globbing
import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyhelm.chart.load import load_chart
from pyhelm.chart.model import Chart
from pyhelm.errors import ChartError, PyhelmError, RepoError
from pyhelm.formats.semver import Constraint, SemverError, Version
from pyhelm.release.times import format_time
from pyhelm.release.wire import Struct, json_text, yaml_text
from pyhelm.repo.config import Repository, read_repositories, replace_file
from pyhelm.repo.fetch import ANONYMOUS, Access, fetch
from pyhelm.repo.index import Index, parsed
from pyhelm.repo.locate import ChartRequest, Places, resolve
from pyhelm.repo.repository import cached_index, download_index, resolve_reference

_UNMANAGED = "helm-manager-"
Dependency = dict[str, Any]
Out = Callable[[str], None]


@dataclass(slots=True)
class Work:
    """One chart whose dependencies are worked on. `skip_refresh` leaves cached indexes as they are."""

    path: str
    places: Places
    out: Out
    skip_refresh: bool = False
    access: Access = ANONYMOUS
    verify: bool = False
    keyring: str = ""
    names: dict[str, str] = field(default_factory=dict)
    """Dependency name -> name of the repository whose cached index has it."""


def update_dependencies(path: str, places: Places, out: Out, log: Any, **more: Any) -> None:
    """Resolve ranges, fetch, rewrite the lock. Raises PyhelmError."""
    update(Work(path, places, out, **more))


def update(work: Work) -> None:
    chart = load_folder(work.path)
    wanted = _declared(chart)
    if not wanted:
        return
    _name_repositories(work, wanted)
    _refresh_unmanaged(work, wanted)
    _refresh(work)
    locked = _resolve(work, wanted)
    _download_all(work, locked)
    digest = lock_digest(wanted, locked)
    if chart.lock is not None and chart.lock.get("digest") == digest:
        return
    _write_lock(work.path, locked, digest, legacy=_is_v1(chart))


def build(work: Work) -> None:
    """Fetch what the lock names; without a lock, update. Raises PyhelmError."""
    chart = load_folder(work.path)
    if chart.lock is None:
        update(work)
        return
    wanted = _declared(chart)
    _name_repositories(work, wanted)
    locked = [dict(d) for d in chart.lock.get("dependencies") or []]
    if lock_digest(wanted, locked) != chart.lock.get("digest"):
        files = ("requirements.lock", "requirements.yaml") if _is_v1(chart) else ("Chart.lock", "Chart.yaml")
        raise ChartError(
            f"the lock file ({files[0]}) is out of sync with the dependencies file ({files[1]}). "
            "Please update the dependencies"
        )
    _require_known(work, locked)
    _refresh(work)
    _download_all(work, locked)


def load_folder(path: str) -> Chart:
    """A chart that must be a folder. Raises ChartError."""
    if not os.path.exists(path):
        raise ChartError(f"could not find {path}: stat {path}: no such file or directory")
    if not os.path.isdir(path):
        raise ChartError("only unpacked charts can be updated")
    return load_chart(path)


def _declared(chart: Chart) -> list[Dependency]:
    return [dict(entry) for entry in chart.metadata.get("dependencies") or []]


def _is_v1(chart: Chart) -> bool:
    return str(chart.metadata.get("apiVersion", "v1")) == "v1"


_FIELDS = ("name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias")


def lock_digest(wanted: list[Dependency], locked: list[Dependency]) -> str:
    """`sha256:` and the hash Helm writes into the lock."""
    text = json_text([[_struct(d) for d in wanted], [_struct(d) for d in locked]])
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _struct(entry: Dependency) -> Struct:
    """A dependency as Go prints it: name and repository always, the rest where it is set."""
    fields: dict[str, Any] = {"name": entry.get("name") or ""}
    for key in _FIELDS[1:]:
        if key == "repository":
            fields[key] = entry.get(key) or ""
        elif entry.get(key):
            fields[key] = entry[key]
    return Struct(fields)


def _repository(entry: Dependency) -> str:
    return str(entry.get("repository") or "")


def _name_repositories(work: Work, wanted: list[Dependency]) -> None:
    """Find each dependency's repository among the known ones; `@name` becomes its URL. Raises RepoError."""
    known = read_repositories(work.places.config).repositories
    missing: list[str] = []
    for entry in wanted:
        url = _repository(entry)
        if not url:
            continue
        if url.startswith("file://"):
            local_folder(url, work.path)
        if url.startswith(("file://", "oci://")):
            work.names[str(entry["name"])] = url
            continue
        found = next((r for r in known if _means(url, r)), None)
        if found is not None:
            entry["repository"] = found.url
            work.names[str(entry["name"])] = found.name
        elif _is_url(url):
            continue
        else:
            missing.append(url)
    if missing:
        raise RepoError(_no_definition(missing))


def _means(reference: str, repository: Repository) -> bool:
    names = (f"@{repository.name}", f"alias:{repository.name}")
    return reference in names or _same_url(reference, repository.url)


def _same_url(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")


def _is_url(text: str) -> bool:
    return bool(urlsplit(text).scheme) or text.startswith("/")


def _no_definition(missing: list[str]) -> str:
    text = f"no repository definition for {', '.join(missing)}. Please add them via 'helm repo add'"
    if any("//" not in m and not m.startswith(("@", "alias:")) for m in missing):
        text += (
            '\nNote that repositories must be URLs or aliases. For example, to refer to the "example"\n'
            'repository, use "https://charts.example.com/" or "@example" instead of\n'
            "\"example\". Don't forget to add the repo, too ('helm repo add')."
        )
    return text


def _require_known(work: Work, locked: list[Dependency]) -> None:
    known = read_repositories(work.places.config).repositories
    missing = []
    for entry in locked:
        url = _repository(entry)
        if url and not url.startswith(("file://", "oci://")) and not any(_same_url(url, r.url) for r in known):
            missing.append(url)
    if missing:
        raise RepoError(
            f"no repository definition for {', '.join(missing)}. Please add the missing repos via 'helm repo add'"
        )


def _refresh_unmanaged(work: Work, wanted: list[Dependency]) -> None:
    """Indexes of repositories nobody has added are cached under a name made of their URL."""
    unmanaged: list[Repository] = []
    for entry in wanted:
        url, name = _repository(entry), str(entry["name"])
        if not url or name in work.names:
            continue
        work.names[name] = _UNMANAGED + hashlib.sha256(url.encode()).hexdigest()
        unmanaged.append(Repository(name=work.names[name], url=url))
    if unmanaged and not work.skip_refresh:
        work.out("Getting updates for unmanaged Helm repositories...")
        _fetch_indexes(work, unmanaged)


def _refresh(work: Work) -> None:
    known = read_repositories(work.places.config).repositories
    if known and not work.skip_refresh:
        work.out("Hang tight while we grab the latest from your chart repositories...")
        _fetch_indexes(work, known)
        work.out("Update Complete. ⎈Happy Helming!⎈")


def _fetch_indexes(work: Work, repositories: list[Repository]) -> None:
    from pyhelm.repo.fetch import check_scheme

    for repository in repositories:
        check_scheme(repository.url)
    for repository in {r.name: r for r in repositories}.values():
        unmanaged = repository.name.startswith(_UNMANAGED)
        said = f'"{repository.url if unmanaged else repository.name}" chart repository'
        try:
            download_index(repository, work.places.cache)
        except RepoError as error:
            place = "" if unmanaged else f" ({repository.url})"
            work.out(f"...Unable to get an update from the {said}{place}:\n\t{error}")
        else:
            work.out(f"...Successfully got an update from the {said}")


def local_folder(repository: str, chart_path: str) -> str:
    """The folder a file:// repository means. Raises ChartError where it is not there."""
    part = repository.removeprefix("file://")
    path = part if part.startswith("/") else os.path.normpath(os.path.join(chart_path, part))
    if not os.path.exists(path):
        raise ChartError(f"directory {path} not found")
    return path


def _resolve(work: Work, wanted: list[Dependency]) -> list[Dependency]:
    locked: list[Dependency] = []
    missing: list[str] = []
    for entry in wanted:
        version = _resolved(work, entry)
        if version is None:
            said = (entry.get("name"), _repository(entry), entry.get("version") or "")
            missing.append('"{}" (repository "{}", version "{}")'.format(*said))
        else:
            locked.append({"name": entry["name"], "repository": _repository(entry), "version": version})
    if missing:
        raise ChartError(
            f"can't get a valid version for {len(missing)} subchart(s): {', '.join(missing)}. Make sure a matching "
            "chart version exists in the repo, or change the version constraint in Chart.yaml"
        )
    return locked


def _resolved(work: Work, entry: Dependency) -> str | None:
    name, url, asked = str(entry["name"]), _repository(entry), str(entry.get("version") or "")
    try:
        if not asked:
            raise SemverError("improper constraint: ")
        constraint = Constraint.parse(asked)
    except SemverError as error:
        raise ChartError(f'dependency "{name}" has an invalid version/constraint format: {error}') from error
    if not url:
        local_folder(os.path.join("charts", name), work.path)
        return asked
    if url.startswith("file://"):
        found = load_chart(local_folder(url, work.path)).version
        return found if _fits(found, constraint) else None
    if url.startswith("oci://"):
        from pyhelm.repo.oci import best_tag

        return best_tag(f"{url.rstrip('/')}/{name}", asked, work.access)
    repository = work.names.get(name, "")
    if not repository:
        return asked
    return _newest(work, name, url, repository, constraint)


def _newest(work: Work, name: str, url: str, repository: str, constraint: Constraint) -> str | None:
    try:
        index = cached_index(Repository(name=repository, url=url), work.places.cache)
    except RepoError as error:
        raise RepoError(f"no cached repository for {repository} found. (try 'helm repo update'): {error}") from error
    if name not in index.entries:
        raise RepoError(f"{name} chart not found in repo {url}")
    for candidate in index.entries[name]:
        version = parsed(candidate)
        if version is not None and candidate.get("urls") and constraint.check(version):
            return str(candidate["version"])
    return None


def _fits(version: str, constraint: Constraint) -> bool:
    try:
        return constraint.check(Version.parse(version))
    except SemverError:
        return False


def _download_all(work: Work, locked: list[Dependency]) -> None:
    """Fetch all into a folder beside charts/, then move them in: a failure leaves charts/ as it was."""
    target = Path(work.path) / "charts"
    if target.exists() and not target.is_dir():
        raise ChartError(f'"{target}" is not a directory')
    target.mkdir(parents=True, exist_ok=True)
    waiting = Path(work.path) / f"tmpcharts-{os.getpid()}"
    waiting.mkdir(parents=True, exist_ok=True)
    work.out(f"Saving {len(locked)} charts")
    done: set[str] = set()
    try:
        for entry in locked:
            _one(work, entry, target, waiting, done)
    except PyhelmError as error:
        work.out(f"Save error occurred:  {error}")
        raise
    else:
        _move_in(work, locked, waiting, target)
    finally:
        shutil.rmtree(waiting, ignore_errors=True)


def _one(work: Work, entry: Dependency, target: Path, waiting: Path, done: set[str]) -> None:
    name, url, version = str(entry["name"]), _repository(entry), str(entry.get("version") or "")
    if not url:
        work.out(f"Dependency {name} did not declare a repository. Assuming it exists in the charts directory")
        _check_unpacked(target / name, name, version)
    elif url.startswith("file://"):
        entry["version"] = _pack_local(work, name, url, version, waiting)
    else:
        _download(work, name, url, version, waiting, done)


def _check_unpacked(folder: Path, name: str, version: str) -> None:
    try:
        chart = load_chart(str(folder))
    except ChartError as error:
        raise ChartError(f"unable to load chart '{folder}': {error}") from error
    if not _fits(chart.version, Constraint.parse(version)):
        raise ChartError(f"dependency {name} at version {chart.version} does not satisfy the constraint {version}")


def _pack_local(work: Work, name: str, url: str, version: str, waiting: Path) -> str:
    from pyhelm.chart.package import package_chart

    chart = load_chart(local_folder(url, work.path))
    if not _fits(chart.version, Constraint.parse(version)):
        raise ChartError(f"can't get a valid version for dependency {name}")
    package_chart(chart, str(waiting))
    return chart.version


def _download(work: Work, name: str, url: str, version: str, waiting: Path, done: set[str]) -> None:
    place, access = _chart_url(work, name, url, version)
    if place in done:
        work.out(f"Already downloaded {name} from repo {url}")
        return
    work.out(f"Downloading {name} from repo {url}")
    try:
        data = fetch(place, access, origin=url).data
    except RepoError as error:
        raise RepoError(f"could not download {place}: {error}") from error
    file = urlsplit(place).path.rpartition("/")[2]
    if place.startswith("oci://"):
        file = f"{name}-{version}.tgz"
    replace_file(waiting / file, data)
    done.add(place)


def _chart_url(work: Work, name: str, url: str, version: str) -> tuple[str, Access]:
    if url.startswith("oci://"):
        return f"{url.rstrip('/')}/{name}:{version.replace('+', '_')}", work.access
    for known in read_repositories(work.places.config).repositories:
        if not _same_url(url, known.url):
            continue
        try:
            entry = _entry(cached_index(known, work.places.cache), name, version)
        except RepoError as error:
            raise RepoError(f"could not find : {error}") from error
        return resolve_reference(url, str(entry["urls"][0])), known.access
    try:
        request = ChartRequest(version=version, repo=url, access=work.access)
        return resolve(name, request, work.places).url, work.access
    except RepoError as error:
        raise RepoError(f"could not find : chart {name} not found in {url}: {error}") from error


def _entry(index: Index, name: str, version: str) -> Dependency:
    if name not in index.entries:
        raise RepoError("entry not found")
    for entry in index.entries[name]:
        if entry.get("urls") and (not version or entry.get("version") == version):
            return entry
    raise RepoError("no matching version")


def _move_in(work: Work, locked: list[Dependency], waiting: Path, target: Path) -> None:
    before = list(target.iterdir())
    fresh = {path.name for path in waiting.iterdir()}
    for name in sorted(fresh):
        os.replace(waiting / name, target / name)
    work.out("Deleting outdated charts")
    local = {str(d["name"]) for d in locked if not _repository(d)}
    for path in sorted(before):
        if path.is_dir() or path.name in fresh:
            continue
        try:
            name = load_chart(str(path)).name
        except ChartError as error:
            work.out(f"Could not verify {path} for deletion: {error} (Skipping)")
            continue
        if name not in local:
            path.unlink(missing_ok=True)


def _write_lock(path: str, locked: list[Dependency], digest: str, *, legacy: bool) -> None:
    name = "requirements.lock" if legacy else "Chart.lock"
    target = Path(path) / name
    if target.is_symlink():
        raise ChartError(f'the {name} file is a symlink to "{os.readlink(target)}"')
    data = {"dependencies": locked, "digest": digest, "generated": format_time(datetime.now(UTC))}
    replace_file(target, yaml_text(data).encode())


def statuses(chart: Chart, path: str) -> list[tuple[str, str, str, str]]:
    """(name, version, repository, status) of what Chart.yaml asks for."""
    rows = []
    for entry in chart.metadata.get("dependencies") or []:
        text = (str(entry.get("name") or ""), str(entry.get("version") or ""), _repository(entry))
        rows.append((*text, _status(chart, path, text[0], text[1])))
    return rows


def _status(chart: Chart, path: str, name: str, version: str) -> str:
    archives = sorted(globbing.glob(os.path.join(globbing.escape(path), "charts", f"{name}-*.tgz")))
    if len(archives) > 1:
        archives = [a for a in archives if _strict(os.path.basename(a)[len(name) + 1 : -4])]
        if len(archives) > 1:
            return "too many matches"
    if len(archives) == 1:
        return _archive_status(archives[0], name, version)
    child = next((c for c in reversed(chart.dependencies) if c.name == name), None)
    if child is None:
        return "missing"
    return _version_status(child.version, version) or "unpacked"


def _strict(text: str) -> bool:
    try:
        Version.parse_strict(text)
    except SemverError:
        return False
    return True


def _archive_status(archive: str, name: str, version: str) -> str:
    try:
        chart = load_chart(archive)
    except ChartError:
        return "corrupt"
    if chart.name != name:
        return "misnamed"
    return _version_status(chart.version, version) or "ok"


def _version_status(have: str, wanted: str) -> str:
    if have == wanted:
        return ""
    try:
        return "" if Constraint.parse(wanted).check(Version.parse(have)) else "wrong version"
    except SemverError:
        return "invalid version"


def undeclared(chart: Chart, path: str) -> list[str]:
    """Warnings about what lies in charts/ and Chart.yaml does not ask for."""
    wanted = {str(entry.get("name")) for entry in chart.metadata.get("dependencies") or []}
    lines = []
    for found in sorted(globbing.glob(os.path.join(globbing.escape(path), "charts", "*"))):
        if not os.path.isdir(found) and not found.endswith(".tgz"):
            continue
        try:
            name = load_chart(found).name
        except ChartError:
            lines.append(f'WARNING: "{found}" is not a chart.')
            continue
        if name not in wanted:
            lines.append(f'WARNING: "{found}" is not in Chart.yaml.')
    return lines


