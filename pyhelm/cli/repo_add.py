"""`repo add`: a repository gets a name."""

from __future__ import annotations

from pyhelm.cli.chartflags import ACCESS
from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.flags import boolean, duration
from pyhelm.errors import RepoError

_FLAGS = (
    *(flag for flag in ACCESS if flag.name != "plain-http"),
    boolean("password-stdin", "read chart repository password from stdin"),
    boolean("force-update", "replace (overwrite) the repo if it already exists"),
    boolean("allow-deprecated-repos", "allow adding official repos that have been permanently deleted"),
    boolean("pass-credentials", "pass credentials to all domains"),
    duration("timeout", "time to wait for the index file download to complete", 120.0),
)


def run(call: Call) -> None:
    from pyhelm.cli.logging import logger
    from pyhelm.repo.config import Repository, read_repositories
    from pyhelm.repo.repository import as_url, download_index

    name, given = call.words
    _refuse_deleted(call, given)
    repository = Repository(
        name=name,
        url=as_url(given),
        username=call["username"],
        password=_password(call),
        cert_file=call["cert-file"],
        key_file=call["key-file"],
        ca_file=call["ca-file"],
        insecure=call["insecure-skip-tls-verify"],
        pass_credentials=call["pass-credentials"],
    )
    file = read_repositories(call.settings.repository_config)
    if "/" in name:
        raise RepoError(f"repository name ({name}) contains '/', please specify a different name without '/'")
    known = file.find(name)
    if known is not None and not call["force-update"]:
        if known != repository:
            raise RepoError(f"repository name ({name}) already exists, please specify a different name")
        call.out(f'"{name}" already exists with the same configuration, skipping')
        return
    log = logger(call)
    try:
        download_index(
            repository, call.settings.repository_cache, call["timeout"], lambda text, more: log("WARN", text, more)
        )
    except RepoError as error:
        if "protocol handler" in str(error):
            raise
        said = f'looks like "{given}" is not a valid chart repository or cannot be reached'
        raise RepoError(f"{said}: {error}") from error
    file.put(repository)
    file.write(call.settings.repository_config)
    call.out(f'"{name}" has been added to your repositories')


def _password(call: Call) -> str:
    if not call["username"] or call["password"]:
        return str(call["password"])
    if call["password-stdin"]:
        return call.stdin.read().rstrip("\r\n")
    import getpass

    return getpass.getpass("Password: ")


_DELETED = {
    "//kubernetes-charts.storage.googleapis.com": "https://charts.helm.sh/stable",
    "//kubernetes-charts-incubator.storage.googleapis.com": "https://charts.helm.sh/incubator",
}


def _refuse_deleted(call: Call, url: str) -> None:
    if call["allow-deprecated-repos"]:
        return
    for old, new in _DELETED.items():
        if old in url:
            raise RepoError(f'repo "{url}" is no longer available; try "{new}" instead')


COMMAND = Command(
    path="repo add", use="[NAME] [URL]", short="add a chart repository", flags=_FLAGS, args=exact_args(2), run=run
)
