"""``make mutants``: a seeded sample of mutants of the engine against the tests of the engine and the oracles.

The mutants are those of cosmic-ray's operators. A place of the source is drawn first and one of its mutants second, so that
arithmetic, which has eleven replacements, does not crowd out the rest. Annotations are left out: nothing evaluates them.

A mutant runs in a copy of the repository, in a child of a process that has the libraries imported. The tests that run its
statement are tried, quick ones before slow ones, up to the first that fails; for compiled code, which is not traced, those
that run the Python around it. What runs at import may change any test: after the tests of its module comes the whole
subset. A mutant survives if all of these pass. ``reasons.toml`` says why a survivor is not a gap; one without a reason is a
failure, and so is a rate below 85 %.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import hashlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutants.forking import CLOCK

ROOT = Path(__file__).parent.parent.parent
ENGINE = "eventstudy/engine"
SUBSET = ("tests/engine", "tests/oracles")
REASONS = Path(__file__).parent / "reasons.toml"
WANTED = 0.85
WORDS = ["-x", "-q", "-n", "0", "-p", "no:randomly", "-p", "no:cacheprovider", "-m", "not slow",
         "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]  # fmt: skip
COMPILED = f"{ENGINE}/compiled/"
# most mutants die in the quickest tests; so many are collected first
FIRST = 25


@dataclass
class Mutant:
    """One change of one place, and what became of it."""

    path: str
    line: int
    operator: str
    text: str
    before: str
    after: str
    outcome: str = ""
    seconds: float = 0.0
    tests: list[str] = field(default_factory=list)
    at_import: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """What finds it again after lines have moved."""
        return Path(self.path).name, self.before, self.after


def annotations(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Places that no number comes from.

    Annotations, with `from __future__ import annotations`; TYPE_CHECKING blocks; and words that only keep people from
    mistakes (``frozen``, ``slots`` and ``kw_only`` of a record, ``strict`` of zip).
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        parts = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            parts.append(node)
        if isinstance(node, ast.keyword) and node.arg in ("frozen", "slots", "kw_only"):
            parts.append(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip":
            parts += node.keywords
        found += [((p.lineno, p.col_offset), (p.end_lineno, p.end_col_offset)) for p in parts if p is not None]
    return found


def mutants_of(path: str, source: str) -> dict[tuple[int, int], list[tuple[str, dict[str, object], int]]]:
    """Place -> (operator, its arguments, occurrence) of every mutant there."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.commands.init import _operators

    tree, unread = get_ast(source), annotations(source)
    places: dict[tuple[int, int], list[tuple[str, dict[str, object], int]]] = {}
    for name, arguments, operator in _operators({}):
        positions = [start for node in ast_nodes(tree) for start, _ in operator.mutation_positions(node)]
        for occurrence, start in enumerate(positions):
            if not any(first <= start < last for first, last in unread):
                places.setdefault(start, []).append((name, arguments, occurrence))
    return places


def mutated(source: str, name: str, arguments: dict[str, object], occurrence: int) -> str | None:
    """The source with one change."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    found: str | None = mutate_code(source, get_operator(name)(**arguments), occurrence)
    return found


def drawn(root: Path, count: int, seed: int, only: str = "") -> list[Mutant]:
    """A sample without repeats, of the files whose path holds a text.

    Places are drawn by a digest of what is there, so that a change elsewhere leaves the rest of the sample as it is.
    """
    sources = {p.relative_to(root).as_posix(): p.read_text(encoding="utf-8") for p in (root / ENGINE).rglob("*.py")}
    sources = {path: source for path, source in sources.items() if only in path}
    everything = {path: mutants_of(path, source) for path, source in sorted(sources.items())}
    ranked, seen = [], dict.fromkeys([""], 0)
    for path, found in everything.items():
        lines = sources[path].splitlines()
        for start in sorted(found):
            place = f"{seed} {path} {start[1]} {lines[start[0] - 1]}"
            seen[place] = seen.get(place, 0) + 1
            digest = int.from_bytes(hashlib.sha256(f"{place} {seen[place]}".encode()).digest()[:16], "big")
            ranked.append((digest, path, start))
    sample: list[Mutant] = []
    for digest, path, start in sorted(ranked):
        if len(sample) == count:
            break
        name, arguments, occurrence = everything[path][start][digest % len(everything[path][start])]
        text = mutated(sources[path], name, arguments, occurrence)
        if text is None or not differs(sources[path], text):
            continue
        lines = list(difflib.unified_diff(sources[path].splitlines(), text.splitlines(), lineterm="", n=0))[2:]
        old = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
        new = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
        sample.append(Mutant(path, start[0], name.partition("/")[2], text, old, new))
    print(f"{len(ranked):,} places in {len(sources)} files of {ENGINE}; {len(sample)} mutants, seed {seed}", flush=True)
    return sample


def statement(source: str, line: int) -> tuple[range, bool]:
    """The lines of the innermost statement there, of a compound one its head; and whether it runs at import."""
    found, at_import = range(line, line + 1), True

    def visit(node: ast.AST, inside: bool) -> None:
        nonlocal found, at_import
        for part in ast.iter_child_nodes(node):
            first, last = getattr(part, "lineno", None), getattr(part, "end_lineno", None)
            if isinstance(part, ast.stmt) and first is not None and first <= line <= (last or first):
                body = getattr(part, "body", None)
                found = range(first, body[0].lineno if body and body[0].lineno > first else (last or first) + 1)
                at_import = not inside
            visit(part, inside or isinstance(part, ast.FunctionDef))

    visit(ast.parse(source), False)
    return found, at_import


def differs(source: str, text: str) -> bool:
    """Whether a mutant is a program, and another one: a star of a signature is taken for a product."""
    try:
        return ast.dump(ast.parse(text)) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False


class Copy:
    """A copy of the repository in which mutants are tried one after the other."""

    def __init__(self, folder: Path, subset: list[str]) -> None:
        self.folder, self.subset = folder, subset
        listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True)
        for name in listed.stdout.decode().split("\0"):
            if name and (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        # bytecode is checked against the source itself: two mutants of one second may have one size
        quiet = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "eventstudy", "tests"]
        subprocess.run(quiet, cwd=folder, check=True)

        self.server = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.forking"],
            cwd=folder,
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def environment(self, cache: str = "numba") -> dict[str, str]:
        """One thread, no bytecode, and a folder of compiled code."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EVENTSTUDY_")}
        return {
            **kept,
            "PYTHONPATH": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "NUMBA_CACHE_DIR": str(self.folder / cache),
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }

    def run(self, tests: list[str], limit: float, environment: dict[str, str]) -> str:
        """What the tests say: ``passed``, ``killed``, ``too slow``, ``no tests`` or ``unknown``.

        The limit is one of processor time, for a busy machine must not kill mutants; tests that wait for ever are stopped
        by the clock, and what they would have said is unknown.
        """
        order = {"tests": tests, "words": WORDS, "env": environment, "processor": limit, "clock": 20 * limit}
        assert self.server.stdin is not None and self.server.stdout is not None
        self.server.stdin.write(json.dumps(order) + "\n")
        self.server.stdin.flush()
        code = int(self.server.stdout.readline())
        if code in (-signal.SIGXCPU, -signal.SIGKILL):
            return "too slow"
        # 1: tests fail; 2 and 4: a module cannot be imported; 3: pytest itself fell over the mutant
        return {0: "passed", 5: "no tests", CLOCK: "unknown"}.get(code, "killed")

    def close(self) -> None:
        """End the process that forks."""
        assert self.server.stdin is not None and self.server.stdout is not None
        self.server.stdin.close()
        self.server.wait(30)
        self.server.stdout.close()

    def map(self) -> dict[str, dict[str, object]]:
        """Which tests run which line; the subset must pass."""
        target = self.folder / "map.json"
        environment = {**self.environment(), "MUTANTS_MAP": str(target)}
        # the tests' own bytecode, which pytest makes, is kept for the mutants
        del environment["PYTHONDONTWRITEBYTECODE"]
        words = ["-m", "pytest", *WORDS, "-p", "tests.mutants.coverage_plugin", *self.subset]
        done = subprocess.run(
            [sys.executable, *words], cwd=self.folder, env=environment, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"the tests fail without a mutant\n{done.stdout[-3000:]}\n{done.stderr[-1000:]}")
        found: dict[str, dict[str, object]] = json.loads(target.read_text(encoding="utf-8"))
        return found

    def judge(self, mutant: Mutant, seconds: dict[str, float]) -> None:
        """Try a mutant and put the source back."""
        path, began = self.folder / mutant.path, time.monotonic()
        source = path.read_text(encoding="utf-8")
        compiled = mutant.path.startswith(COMPILED)
        environment = self.environment("fresh" if compiled else "numba")
        path.write_text(mutant.text, encoding="utf-8")
        # processor time beyond five times that of the tests is an endless loop; compiling takes its own
        slack = 120.0 if compiled else 20.0
        try:
            outcome = "passed" if mutant.tests else "no tests"
            ordered = sorted(mutant.tests, key=lambda name: seconds[name])
            for part in (ordered[:FIRST], ordered[FIRST:]):
                if part and outcome == "passed":
                    outcome = self.run(part, slack + 5 * sum(seconds[name] for name in part), environment)
            if mutant.at_import and outcome in ("passed", "no tests"):
                outcome = self.run(self.subset, slack + 5 * sum(seconds.values()), environment)
        finally:
            path.write_text(source, encoding="utf-8")
            shutil.rmtree(self.folder / "fresh", ignore_errors=True)
        mutant.outcome = "survived" if outcome == "passed" else outcome
        mutant.seconds = time.monotonic() - began


def choose(mutant: Mutant, source: str, lines: dict[str, dict[str, list[str]]]) -> None:
    """The tests that run the statement of a mutant; of code that is compiled, or runs at import, those of its module."""
    place, mutant.at_import = statement(source, mutant.line)
    own = lines.get(mutant.path, {})
    if mutant.path.startswith(COMPILED):
        around = [tests for path, each in lines.items() if path.startswith(COMPILED) for tests in each.values()]
    elif mutant.at_import:
        around = list(own.values())
    else:
        around = [own.get(str(line), []) for line in place]
    mutant.tests = sorted({test for tests in around for test in tests} - {""})


def reasons() -> dict[tuple[str, str, str], str]:
    """Why a mutant that survives is not a gap."""
    rows = tomllib.loads(REASONS.read_text(encoding="utf-8")).get("survivor", []) if REASONS.exists() else []
    return {(row["file"], row["before"], row["after"]): row["reason"] for row in rows}


def main() -> int:
    """Draw, try, tell; 1 if too many survive or one without a reason."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=16)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--minutes", type=float, default=0.0, help="start no mutant later than that; 0: no limit")
    parser.add_argument("--only", default="", metavar="TEXT", help="of the path of what is changed")
    parser.add_argument("--tests", nargs="+", default=list(SUBSET), metavar="PATH")
    parser.add_argument("--report", type=Path, default=ROOT / "build" / "mutants.json")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mutants-"))
    try:
        return campaign(given, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def campaign(given: argparse.Namespace, folder: Path) -> int:
    """Every mutant in one of the copies."""
    began = time.monotonic()
    copies = [Copy(folder / f"copy{n}", given.tests) for n in range(given.jobs)]
    sample = drawn(copies[0].folder, given.count, given.seed, given.only)
    known = copies[0].map()
    seconds: dict[str, float] = known["seconds"]  # type: ignore[assignment]
    print(f"{len(seconds)} tests in {sum(seconds.values()):.0f} s", flush=True)
    # a name that pytest does not find would kill every mutant
    found = copies[0].run(["--collect-only", *seconds], 60, {})
    if found != "passed":
        said = (copies[0].folder / "log.txt").read_text(encoding="utf-8", errors="replace")
        sys.exit(f"not every test is found by its name\n{said[-3000:]}")
    for copy in copies[1:]:
        if (copies[0].folder / "numba").exists():
            shutil.copytree(copies[0].folder / "numba", copy.folder / "numba", dirs_exist_ok=True)
    todo: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    for mutant in sample:
        source = (copies[0].folder / mutant.path).read_text(encoding="utf-8")
        choose(mutant, source, known["lines"])  # type: ignore[arg-type]
        mutant.tests = [test for test in mutant.tests if test in seconds]
        todo.put(mutant)

    def work(copy: Copy) -> None:
        while not given.minutes or time.monotonic() - began < 60 * given.minutes:
            try:
                mutant = todo.get_nowait()
            except queue.Empty:
                return
            copy.judge(mutant, seconds)
            where = f"{mutant.path}:{mutant.line}"
            print(
                f"{mutant.outcome:9} {mutant.seconds:5.0f} s  {where}  {mutant.before}  ->  {mutant.after}", flush=True
            )

    threads = [threading.Thread(target=work, args=(copy,)) for copy in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for copy in copies:
        copy.close()
    return told(sample, given)


def told(sample: list[Mutant], given: argparse.Namespace) -> int:
    """The rate, and every survivor with its reason."""
    tried, why = [mutant for mutant in sample if mutant.outcome], reasons()
    survivors = [mutant for mutant in tried if mutant.outcome not in ("killed", "too slow")]
    given.report.parent.mkdir(parents=True, exist_ok=True)
    rows = [{name: value for name, value in vars(m).items() if name not in ("text", "tests")} for m in tried]
    given.report.write_text(json.dumps({"seed": given.seed, "mutants": rows}, indent=1), encoding="utf-8")
    rate = 1 - len(survivors) / max(len(tried), 1)
    print(f"\n{len(tried)} of {len(sample)} mutants tried, {len(tried) - len(survivors)} killed: {100 * rate:.1f} %")
    for mutant in survivors:
        print(f"{mutant.path}:{mutant.line} {mutant.operator}\n  - {mutant.before}\n  + {mutant.after}")
        print(f"  {why.get(mutant.key, 'NO REASON')}")
    open_ = [mutant for mutant in survivors if mutant.key not in why]
    return int(rate < WANTED or bool(open_))


if __name__ == "__main__":
    sys.exit(main())
