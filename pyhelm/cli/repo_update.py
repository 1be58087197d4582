"""`repo update`: the indexes are fetched again, all at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pyhelm.cli.command import Call, Command, any_args
from pyhelm.cli.flags import duration
from pyhelm.errors import RepoError

if TYPE_CHECKING:
    from pyhelm.repo.config import Repository


def run(call: Call) -> None:
    wanted = _wanted(call)
    call.out("Hang tight while we grab the latest from your chart repositories...")
    failed = update_all(call, wanted, call["timeout"])
    if failed:
        raise RepoError(f"failed to update the following repositories: [{' '.join(failed)}]")
    call.out("Update Complete. ⎈Happy Helming!⎈")


def update_all(call: Call, repositories: list[Repository], timeout: float) -> list[str]:
    """Fetch the indexes; the URLs that failed. One line tells of each."""
    from pyhelm.repo.repository import download_index

    def one(repository: Repository) -> str:
        try:
            download_index(repository, call.settings.repository_cache, timeout)
        except RepoError as error:
            return str(error)
        return ""

    failed = []
    with ThreadPoolExecutor(max_workers=8) as pool:
        for repository, error in zip(repositories, pool.map(one, repositories)):
            if error:
                failed.append(repository.url)
                name = f'"{repository.name}" chart repository ({repository.url})'
                call.out(f"...Unable to get an update from the {name}:\n\t{error}")
            else:
                call.out(f'...Successfully got an update from the "{repository.name}" chart repository')
    return failed


def _wanted(call: Call) -> list[Repository]:
    from pyhelm.repo.config import read_repositories

    known = read_repositories(call.settings.repository_config).repositories
    if not known:
        raise RepoError("no repositories found. You must add one before updating")
    names = {r.name for r in known}
    for name in call.words:
        if name not in names:
            raise RepoError(f"no repositories found matching '{name}'.  Nothing will be updated")
    return [r for r in known if not call.words or r.name in call.words]


COMMAND = Command(
    path="repo update",
    use="[REPO1 [REPO2 ...]]",
    short="update information of available charts locally from chart repositories",
    flags=(duration("timeout", "time to wait for the index file download to complete", 120.0),),
    args=any_args,
    run=run,
)
