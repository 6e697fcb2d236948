"""Nothing that a file or a command line says is ever run: read from the package's own source."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FILES = sorted((ROOT / "eventstudy").rglob("*.py"))
MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "marshal",
    "shelve",
    "yaml",
    "code",
    "codeop",
    "pty",
    "commands",
    "jsonpickle",
    "joblib",
}
CALLS = {"eval", "exec", "compile", "__import__", "execfile"}
METHODS = {
    ("os", "system"), ("os", "popen"), ("os", "execv"), ("os", "execve"), ("os", "execvp"), ("os", "spawnv"), ("os", "startfile"),
    ("pd", "eval"), ("pandas", "eval"), ("pd", "read_pickle"), ("pandas", "read_pickle"), ("np", "frombuffer_pickle"),
}  # fmt: skip
# methods of any object that evaluate text or unpickle
EVALUATING = {"eval", "read_pickle", "to_pickle", "query"}


def findings(source: str, name: str = "<text>") -> list[str]:
    """Every place of a source that could run what it is given."""
    found = []
    for node in ast.walk(ast.parse(source)):
        place = f"{name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found += [f"{place} imports {module}" for module in named if module.split(".")[0] in MODULES]
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Name) and function.id in CALLS:
            found.append(f"{place} calls {function.id}")
        if isinstance(function, ast.Attribute):
            owner = function.value.id if isinstance(function.value, ast.Name) else ""
            if (owner, function.attr) in METHODS or function.attr in EVALUATING:
                found.append(f"{place} calls {owner}.{function.attr}")
        if any(k.arg == "shell" and not _is(k.value, False) for k in node.keywords):
            found.append(f"{place} passes shell=")
        if any(k.arg == "allow_pickle" and not _is(k.value, False) for k in node.keywords):
            found.append(f"{place} passes allow_pickle=")
    return found


def _is(node: ast.expr, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def test_the_package_runs_nothing_it_reads() -> None:
    assert len(FILES) > 150
    # a result that a caller unpickles holds its tables as a pickle of their own: it runs only inside the caller's load
    files = [path for path in FILES if path.parts[-2:] != ("api", "pickled.py")]
    assert len(files) == len(FILES) - 1
    found = [finding for path in files for finding in findings(path.read_text(encoding="utf-8"), path.name)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "eval(x)", "exec('a')", "import pickle", "from yaml import load", "import marshal as m", "subprocess.run(x, shell=True)",
        "subprocess.run(x, shell=flag)", "os.system(x)", "frame.query(text)", "pd.read_pickle(p)", 
        "np.load(p, allow_pickle=True)", "__import__(name)", "compile(a, b, c)", "frame.eval(text)",
    ],
)  # fmt: skip
def test_each_of_these_would_be_found(source: str) -> None:
    assert findings(source)


def test_the_linter_has_the_same_rules_without_exceptions() -> None:
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    assert "S" in rules["select"]
    assert [rule for rule in rules["ignore"] if rule.startswith("S")] == ["S101"]
    assert not [folder for folder in rules.get("per-file-ignores", {}) if folder.startswith(("eventstudy", "*", "**"))]
    for path in FILES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            assert "ruff: noqa" not in line and "flake8: noqa" not in line, path
            _, _, told = line.partition("# noqa")
            assert not told or told.startswith(":"), f"{path.name}:{number}: a noqa names its rule"
