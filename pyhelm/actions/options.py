"""What may be asked of the actions, as frozen values; the words are those of the flags."""

from __future__ import annotations

from enum import StrEnum

from pyhelm.records import dataclass, field

MINUTES_5 = 300.0


class Strategy(StrEnum):
    """What `--wait` may say."""

    WATCHER = "watcher"
    HOOK_ONLY = "hookOnly"
    LEGACY = "legacy"


class DryRun(StrEnum):
    """How far an action goes: all the way, without any server, or asking the server but changing nothing."""

    NONE = "none"
    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderOptions:
    """What rendering depends on besides chart, values and release."""

    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    include_crds: bool = False
    sub_notes: bool = False
    enable_dns: bool = False
    hide_secret: bool = False
    skip_schema_validation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitOptions:
    """What is waited for, and how long (seconds)."""

    strategy: Strategy = Strategy.HOOK_ONLY
    timeout: float = MINUTES_5
    jobs: bool = False

    def for_rollback(self, rollback_on_failure: bool) -> WaitOptions:
        """To undo a failure one has to notice it: a rollback implies waiting."""
        if rollback_on_failure and self.strategy is Strategy.HOOK_ONLY:
            return WaitOptions(strategy=Strategy.WATCHER, timeout=self.timeout, jobs=self.jobs)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallOptions:
    """Options of `install`."""

    create_namespace: bool = False
    replace: bool = False
    server_side: bool = True
    force_conflicts: bool = False
    force_replace: bool = False
    no_hooks: bool = False
    skip_crds: bool = False
    take_ownership: bool = False
    validate: bool = True
    rollback_on_failure: bool = False
    description: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    dry_run: DryRun = DryRun.NONE
    is_upgrade: bool = False
    wait: WaitOptions = WaitOptions()
    render: RenderOptions = RenderOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeOptions:
    """Options of `upgrade`; `server_side` is auto, true or false."""

    server_side: str = "auto"
    force_conflicts: bool = False
    force_replace: bool = False
    no_hooks: bool = False
    take_ownership: bool = False
    validate: bool = True
    rollback_on_failure: bool = False
    cleanup_on_fail: bool = False
    reset_values: bool = False
    reuse_values: bool = False
    reset_then_reuse_values: bool = False
    description: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    max_history: int = 10
    dry_run: DryRun = DryRun.NONE
    wait: WaitOptions = WaitOptions()
    render: RenderOptions = RenderOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackOptions:
    """Options of `rollback`; revision 0 is the one before the current."""

    revision: int = 0
    server_side: str = "auto"
    force_conflicts: bool = False
    force_replace: bool = False
    no_hooks: bool = False
    cleanup_on_fail: bool = False
    max_history: int = 10
    dry_run: DryRun = DryRun.NONE
    wait: WaitOptions = WaitOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class UninstallOptions:
    """Options of `uninstall`."""

    dry_run: bool = False
    no_hooks: bool = False
    ignore_not_found: bool = False
    keep_history: bool = False
    cascade: str = "background"
    description: str = ""
    wait: WaitOptions = WaitOptions()
