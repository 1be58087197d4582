"""The command line as a whole: dispatch, help, tables, and what must not be imported."""

from __future__ import annotations

import io
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from pyhelm.cli.jsonpath import find
from pyhelm.cli.logging import line
from pyhelm.cli.main import ALIASES, COMMANDS, main
from pyhelm.cli.tables import table


def run(*argv: str, program: str = "helm", **environ: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(argv, out, err, io.StringIO(), {"HOME": "/nonexistent", **environ}, program)
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_is_whole(path: str) -> None:
    command = import_module(f"pyhelm.cli.{COMMANDS[path]}").COMMAND
    assert command.path == path
    assert command.short
    if not command.passes_flags:
        code, out, err = run(*path.split(), "--help")
        assert (code, err) == (0, "")
        assert f"Usage:\n  helm {path}" in out


def test_aliases_lead_to_commands() -> None:
    groups = {path.split()[0] for path in COMMANDS}
    assert all(target in COMMANDS or target in groups for target in ALIASES.values())


def test_help_names_the_program_it_is_called_by() -> None:
    assert "pyhelm [command]" in run("--help", program="pyhelm")[1]
    assert run("help", "repo")[1] == run("repo", "--help")[1]


def test_unknown_commands_get_a_suggestion() -> None:
    code, _, err = run("instal")
    assert code == 1
    assert err == (
        'Error: unknown command "instal" for "helm"\n\nDid you mean this?\n\tinstall\n\n'
        "Run 'helm --help' for usage.\n"
    )


def test_global_flags_may_stand_before_the_command() -> None:
    assert run("--namespace", "x", "env", "HELM_NAMESPACE") == (0, "x\n", "")
    assert run("env", "HELM_NAMESPACE", HELM_NAMESPACE="y") == (0, "y\n", "")


def test_paths_follow_the_environment() -> None:
    assert run("env", "HELM_REPOSITORY_CONFIG", HELM_CONFIG_HOME="/c")[1] == "/c/repositories.yaml\n"
    assert run("env", "HELM_REPOSITORY_CONFIG", XDG_CONFIG_HOME="/x")[1] == "/x/helm/repositories.yaml\n"


def test_an_environment_that_is_not_there_lists_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 1.0.0\n")
    (tmp_path / "values-dev.yaml").write_text("a: 1\n")
    (tmp_path / "templates" / "x.yaml").write_text("a: {{ .Values.a }}\n")
    code, out, err = run("template", str(tmp_path), "--env", "dev", HELM_CACHE_HOME=str(tmp_path / "cache"))
    assert (code, out) == (0, "---\n# Source: c/templates/x.yaml\na: 1\n")
    assert err == "environment dev: values from values-dev.yaml of chart c\n"
    code, _, err = run("template", str(tmp_path), "--env", "prd", HELM_CACHE_HOME=str(tmp_path / "cache"))
    assert code == 1
    assert 'chart c has no environment "prd"' in err
    assert "dev" in err


def test_version_and_template_import_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 1.0.0\n")
    code = (
        "import sys; from pyhelm.cli.main import main; "
        f"main(['version']); light = set(sys.modules); main(['template', {str(tmp_path)!r}]); "
        "heavy = {'httpx', 'requests', 'jsonschema', 'cryptography'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules); "
        "assert not {'jinja2', 'yaml', 'asyncio'} & light, {'jinja2', 'yaml', 'asyncio'} & light"
    )
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_tables_pad_cut_and_count_wide_letters() -> None:
    assert table([("A", "B"), ("日本", "x" * 60)]) == f"A   \tB{' ' * 49}\n日本\t{'x' * 47}..."
    assert table([("a", "b")], 0) == "a\tb"


def test_log_lines_quote_as_go_does() -> None:
    assert line("WARN", "a b", {"k": "v", "e": "", "q": 'x"y'}) == 'level=WARN msg="a b" k=v e="" q="x\\"y"'


def test_jsonpath_picks_values() -> None:
    data = {"a": {"b": [1.0, 2.0]}, "items": [{"n": "x"}, {"n": "y"}]}
    assert find(data, "{.a.b[1]}") == "2"
    assert find(data, "{.items[*].n}") == "x y"
    assert find(data, "{.a}") == '{"b":[1,2]}'
    assert find(data, "n={.nope}!") == "n=!"
