"""The groups of flags several commands share: values, where a chart comes from, waiting, dry runs."""

from __future__ import annotations

from pyhelm.cli.flags import Flag, array, boolean, duration, strings, text

VALUES: tuple[Flag, ...] = (
    strings("values", "specify values in a YAML file or a URL (can specify multiple)", "f"),
    array("set", "set values on the command line (can specify multiple: key1=val1,key2=val2)"),
    array("set-string", "set STRING values on the command line"),
    array("set-file", "set values from respective files specified via the command line"),
    array("set-json", "set JSON values on the command line"),
    array("set-literal", "set a literal STRING value on the command line"),
    text("env", "use the chart's values-NAME.yaml, below the values given by -f and --set"),
)

ACCESS: tuple[Flag, ...] = (
    text("username", "chart repository username where to locate the requested chart"),
    text("password", "chart repository password where to locate the requested chart"),
    text("cert-file", "identify HTTPS client using this SSL certificate file"),
    text("key-file", "identify HTTPS client using this SSL key file"),
    text("ca-file", "verify certificates of HTTPS-enabled servers using this CA bundle"),
    boolean("insecure-skip-tls-verify", "skip tls certificate checks for the chart download"),
    boolean("plain-http", "use insecure HTTP connections for the chart download"),
)

VERIFY: tuple[Flag, ...] = (
    boolean("verify", "verify the package before using it"),
    text("keyring", "location of public keys used for verification"),
)

CHART_PATH: tuple[Flag, ...] = (
    text("version", "specify a version constraint for the chart version to use"),
    *VERIFY,
    text("repo", "chart repository url where to locate the requested chart"),
    *ACCESS,
    boolean("pass-credentials", "pass credentials to all domains"),
)

DEVEL = boolean("devel", "use development versions, too. Equivalent to version '>0.0.0-0'")


def parse_wait(word: str) -> str:
    if word in ("watcher", "hookOnly", "legacy", "true", "false"):
        return word
    raise ValueError(f'invalid wait input "{word}". Valid inputs are watcher, hookOnly, and legacy')


def parse_dry_run(word: str) -> str:
    return word


WAIT: tuple[Flag, ...] = (
    Flag(
        name="wait",
        help="wait until resources are ready (up to --timeout). Valid inputs are watcher, hookOnly, and legacy",
        parse=parse_wait,
        default="hookOnly",
        bare="watcher",
        kind="WaitStrategy",
    ),
    boolean("wait-for-jobs", "if set and --wait enabled, will wait until all Jobs have been completed"),
    duration("timeout", "time to wait for any individual Kubernetes operation (like Jobs for hooks)", 300.0),
)

DRY_RUN = Flag(
    name="dry-run",
    help='simulates the operation either client-side or server-side. Must be either: "none", "client", or "server"',
    parse=parse_dry_run,
    default="none",
    bare="unset",
)

POST_RENDER: tuple[Flag, ...] = (
    text("post-renderer", "the name of a postrenderer type plugin to be used for post rendering"),
    array("post-renderer-args", "an argument to the post-renderer (can specify multiple)"),
)
