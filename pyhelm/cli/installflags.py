"""Flags of install, which template has too."""

from __future__ import annotations

from pyhelm.cli.chartflags import CHART_PATH, DEVEL, POST_RENDER, VALUES, WAIT
from pyhelm.cli.flags import Flag, boolean, pairs, text

INSTALL: tuple[Flag, ...] = (
    boolean("create-namespace", "create the release namespace if not present"),
    boolean("force-replace", "force resource updates by replacement"),
    boolean("force", "deprecated", deprecated="use --force-replace instead", alias_of="force-replace"),
    boolean("force-conflicts", "if set server-side apply will force changes against conflicts"),
    boolean("server-side", "object updates run in the server instead of the client", default=True),
    boolean("no-hooks", "prevent hooks from running during install"),
    boolean("replace", "reuse the given name, only if that name is a deleted release which remains in the history"),
    boolean("generate-name", "generate the name (and omit the NAME parameter)", "g"),
    text("name-template", "specify template used to name the release"),
    text("description", "add a custom description"),
    DEVEL,
    boolean("dependency-update", "update dependencies if they are missing before installing the chart"),
    boolean("disable-openapi-validation", "do not validate rendered templates against the Kubernetes OpenAPI Schema"),
    boolean("rollback-on-failure", 'uninstall upon failure. The --wait flag will default to "watcher" then'),
    boolean("atomic", "deprecated", deprecated="use --rollback-on-failure instead", alias_of="rollback-on-failure"),
    boolean("skip-crds", "if set, no CRDs will be installed. By default, CRDs are installed if not already present"),
    boolean("render-subchart-notes", "if set, render subchart notes along with the parent"),
    boolean("skip-schema-validation", "if set, disables JSON schema validation"),
    pairs("labels", "labels that would be added to release metadata. Should be divided by comma", "l"),
    boolean("enable-dns", "enable DNS lookups when rendering templates"),
    boolean("hide-notes", "if set, do not show notes in install output. Does not affect presence in chart metadata"),
    boolean("take-ownership", "ignore the check for helm annotations and take ownership of the existing resources"),
    *VALUES,
    *CHART_PATH,
    *WAIT,
    *POST_RENDER,
)
