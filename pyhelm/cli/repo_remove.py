"""`repo remove`: a repository is forgotten, with what is cached of it."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, min_args
from pyhelm.errors import RepoError


def run(call: Call) -> None:
    from pyhelm.repo.config import read_repositories
    from pyhelm.repo.repository import forget

    file = read_repositories(call.settings.repository_config)
    if not file.repositories:
        raise RepoError("no repositories configured")
    for name in call.words:
        if not file.remove(name):
            raise RepoError(f'no repo named "{name}" found')
        file.write(call.settings.repository_config)
        forget(call.settings.repository_cache, name)
        call.out(f'"{name}" has been removed from your repositories')


COMMAND = Command(
    path="repo remove",
    use="[REPO1 [REPO2 ...]]",
    short="remove one or more chart repositories",
    args=min_args(1),
    run=run,
)
