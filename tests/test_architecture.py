"""The house rules, walked by reading the imports: who may know whom, and how large a room may grow."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "eventstudy"
FILES = sorted(PACKAGE.rglob("*.py"))

HEAVY = {
    "pandas", "matplotlib", "statsmodels", "exchange_calendars", "scipy", "numpy", "yfinance", "pyarrow", "dask",
    "distributed",
}  # fmt: skip
# folder -> top-level packages it may never import, wherever in the file
FORBIDDEN = {
    "engine": {
        "pandas",
        "matplotlib",
        "statsmodels",
        "exchange_calendars",
        "typer",
        "pathlib",
        "yfinance",
        "csv",
        "json",
        "pyarrow",
        "dask",
        "distributed",
    },
    "data": {"matplotlib", "statsmodels", "typer"},
    "report": {"statsmodels", "typer", "exchange_calendars"},
    "evaluate": {"matplotlib", "typer"},
    "review": {"pandas", "matplotlib", "statsmodels", "exchange_calendars", "typer", "yfinance", "numpy", "scipy"},
}
# folder -> own packages it may never import
OWN_FORBIDDEN = {
    "engine": {"data", "report", "cli", "evaluate", "study", "results", "flags"},
    "data": {"report", "cli", "evaluate", "study", "results", "flags"},
    "evaluate": {"report", "cli", "study"},
    "report": {"cli", "study"},
    "review": {"cli", "study", "engine", "evaluate", "data"},
}
# significance lives in the engine; the border may use panels, windows, models and the layout of a block only
DATA_MAY_USE_ENGINE = {"panel", "windows", "models"}


def imports(path: Path, top_only: bool = False) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_only else ast.walk(tree)
    found: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append(node.module)
    return found


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_run_in_one_direction(path: Path) -> None:
    folder = path.relative_to(PACKAGE).parts[0]
    for name in imports(path):
        parts = name.split(".")
        assert parts[0] not in FORBIDDEN.get(folder, set()), f"{path} imports {name}; {folder} may not"
        if parts[0] == "eventstudy" and len(parts) > 1:
            assert parts[1] not in OWN_FORBIDDEN.get(folder, set()), f"{path} imports {name}; {folder} may not"
            if folder == "data" and parts[1] == "engine" and len(parts) > 2:
                assert parts[2] in DATA_MAY_USE_ENGINE, f"{path} imports {name}; data never tests significance"


@pytest.mark.parametrize("name", ["matplotlib", "statsmodels", "scipy.stats", "pyarrow", "dask", "distributed"])
def test_costly_imports_happen_inside_functions(name: str) -> None:
    for path in FILES:
        costly = [i for i in imports(path, top_only=True) if i == name or i.startswith(name + ".")]
        assert not costly, f"{path} imports {costly} at its top"


def test_the_command_line_starts_without_anything_heavy() -> None:
    for path in [*(PACKAGE / "cli").glob("*.py"), PACKAGE / "__init__.py", PACKAGE / "errors.py"]:
        if path.name in ("terminal.py", "summary.py"):
            continue  # imported inside the commands that print
        assert not HEAVY & {i.split(".")[0] for i in imports(path, top_only=True)}, path


def test_the_engine_has_no_kwargs_and_no_print() -> None:
    for path in (PACKAGE / "engine").rglob("*.py"):
        for function in functions(path):
            assert function.args.kwarg is None, f"{path}: {function.name} takes **{function.args.kwarg}"
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        names = {n.func.id for n in calls if isinstance(n.func, ast.Name)}
        assert not names & {"print", "open", "input", "exec", "eval"}, path


def test_functions_take_at_most_seven_parameters() -> None:
    """Commands and what users call from Python take every choice by name; what is called from outside a compiled
    kernel, and vector instructions, have a convention of their own."""
    free = {
        *(("engine/compiled", name) for name in ("measure_events", "rank_events", "add_events", "refit_events")),
        *(("api", name) for name in ("run", "collect_filings")),
        *((".", name) for name in ("run", "study_into")),
    }
    many = []
    for path in FILES:
        folder = path.parent.relative_to(PACKAGE).as_posix()
        for function in functions(path):
            given = function.args
            names = [
                a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs) if a.arg not in ("self", "cls")
            ]
            exempt = (folder, function.name) in free or folder == "cli" or path.name == "simd.py"
            if len(names) > 7 and not exempt:
                many.append(f"{path}: {function.name} takes {len(names)} parameters")
    assert not many


def import_cycle(modules: dict[str, list[ast.ImportFrom]]) -> list[str]:
    """Modules that import each other in a circle; empty where there is no such circle."""
    leads = {
        name: {
            one
            for node in nodes
            for a in node.names
            for one in (f"{node.module}.{a.name}", node.module)
            if one in modules
        }
        for name, nodes in modules.items()
    }
    while ends := [name for name, others in leads.items() if not others]:
        leads = {name: others - set(ends) for name, others in leads.items() if name not in ends}
    return sorted(leads)


def at_any_time(tree: ast.Module) -> list[ast.ImportFrom]:
    """Imports that a module or its functions make, except those for types."""
    typing = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    return [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and id(node) not in typing]


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Neither at import nor inside a function, which only hides a circle."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): at_any_time(ast.parse(path.read_text("utf-8")))
        for path in FILES
        if path.name != "__init__.py"
    }
    assert len(modules) > 200 and not import_cycle(modules)
    # a control that must be found
    modules["eventstudy.spec"] = at_any_time(ast.parse("def f():\n    from eventstudy.study import run"))
    assert {"eventstudy.spec", "eventstudy.study"} <= set(import_cycle(modules))


# what the command line may import besides itself: the public API, presentation code, and what reads, says and writes text
CLI_MAY_USE = {
    "api",
    "atomic_write",
    "cli",
    "report",
    "review",
    "errors",
    "lists",
    "opening",
    "paths",
    "precision",
    "reading",
    "spec",
    "spelling",
}


def runtime_imports(tree: ast.Module) -> list[str]:
    """Modules of this package that a file imports anywhere except for its types."""
    typing = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and id(node) not in typing]
    return [node.module for node in nodes if node.module and node.module.split(".")[0] == "eventstudy"]


def beyond_the_api(names: list[str]) -> list[str]:
    """Those that the command line may not use."""
    return [name for name in names if "." in name and name.split(".")[1] not in CLI_MAY_USE]


def test_the_command_line_uses_the_public_api_alone() -> None:
    for path in (PACKAGE / "cli").glob("*.py"):
        assert not beyond_the_api(runtime_imports(ast.parse(path.read_text(encoding="utf-8")))), path
    # controls that must be found
    for text in ("from eventstudy.study import run", "def f():\n    from eventstudy.data.store import Store"):
        assert beyond_the_api(runtime_imports(ast.parse(text)))


def test_nothing_below_the_api_uses_it() -> None:
    for path in FILES:
        folder = path.relative_to(PACKAGE).parts[0]
        if folder not in ("api", "cli", "__init__.py"):
            found = [name for name in imports(path) if name.startswith("eventstudy.api")]
            assert not found, f"{path} imports {found}"


def test_rooms_and_functions_stay_small() -> None:
    for path in FILES:
        lines = path.read_text(encoding="utf-8").count("\n")
        assert lines <= 450, f"{path} has {lines} lines"
        for function in functions(path):
            first = function.body[1] if ast.get_docstring(function) and len(function.body) > 1 else function.body[0]
            length = (function.end_lineno or 0) - first.lineno + 1
            assert length <= 60, f"{path}: {function.name} has {length} lines"


def test_every_public_name_says_what_it_is() -> None:
    missing = []
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            overload = any(ast.unparse(mark) == "overload" for mark in getattr(node, "decorator_list", ()))
            if public and not overload and not ast.get_docstring(node):
                missing.append(f"{path.relative_to(PACKAGE)}:{node.name}")
        if not ast.get_docstring(tree) and path.name != "__init__.py":
            missing.append(str(path.relative_to(PACKAGE)))
    assert not missing


def test_classes_inherit_from_nothing_of_ours_but_errors() -> None:
    for path in FILES:
        if path.name == "errors.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base) for base in node.bases}
                assert bases <= {
                    "Protocol",
                    "Generic[T]",
                    "TypedDict",
                    "SpecChoices",
                    "ModuleType",
                    "str",
                    "Exception",
                    "OSError",
                    "requests.Session",
                    "TyperCommand",
                }, f"{path}: {node.name} inherits {bases}"


def test_version_is_one() -> None:
    import tomllib

    import eventstudy

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == eventstudy.__version__
    assert f"version: {eventstudy.__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
