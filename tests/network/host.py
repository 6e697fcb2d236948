"""A small host of workflows: the commands of a job in order, in a fresh clone, with the files a real host provides.

Knows just the actions and the expressions that the workflows here use; anything else is refused, so that a workflow
cannot outgrow its test unnoticed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML


def load(path: Path) -> dict[str, Any]:
    """A workflow; YAML 1.2, in which `on` is a word."""
    found = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


@dataclass
class Step:
    """What became of a step."""

    name: str
    code: int | None
    text: str = ""


@dataclass
class Ran:
    """What became of a run: steps by name, and what the host shows."""

    steps: list[Step] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    def __getitem__(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)

    @property
    def failed(self) -> list[str]:
        return [step.name for step in self.steps if step.code not in (None, 0)]


@dataclass
class Host:
    """A repository, its caches and artifacts.

    Attributes
    ----------
    folder : Path
        Where everything lies.
    origin : Path
        The repository that is cloned and pushed to.
    environment : dict
        Of every command: what the machine has.
    """

    folder: Path
    origin: Path
    environment: dict[str, str]
    caches: dict[str, Path] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    run_id: int = 0
    attempt: int = 1

    @property
    def artifact(self) -> Path:
        return self.folder / f"artifact-{self.run_id}"

    def run(self, path: Path, **env: str) -> dict[str, Ran]:
        """Every job of a workflow file of the repository, with top-level variables as a user would set them."""
        self.run_id, self.attempt = self.run_id + 1, 1
        return self._jobs(path, env, {})

    def run_again(self, path: Path, done: dict[str, Ran], job: str, **env: str) -> dict[str, Ran]:
        """One job of the last run once more, as where a person presses "re-run failed jobs": the others are as they were."""
        self.attempt += 1
        return self._jobs(path, env, {name: ran for name, ran in done.items() if name != job})

    def _jobs(self, path: Path, env: dict[str, str], done: dict[str, Ran]) -> dict[str, Ran]:
        workflow = load(path)
        unknown = set(env) - set(workflow.get("env", {}))
        assert not unknown, f"{unknown} cannot be set at the top"
        top = {**workflow.get("env", {}), **env}
        assert workflow["defaults"]["run"]["shell"] == "bash"
        for name, job in workflow["jobs"].items():
            if name in done:
                continue
            needs = job.get("needs", [])
            known = [needs] if isinstance(needs, str) else needs
            scope = _Scope(top, self, done, Ran(), any(done[need].failed for need in known))
            if scope.true(job.get("if")):
                scope.failed = False
                done[name] = self._job(job, scope)
        return done

    def _job(self, job: dict[str, Any], scope: _Scope) -> Ran:
        ran, clone = scope.here, self.folder / f"clone-{self.run_id}-{len(list(self.folder.iterdir()))}"
        for number, step in enumerate(job["steps"]):
            name = step.get("name") or step["uses"].split("@")[0]
            if not scope.true(step.get("if")):
                ran.steps.append(Step(name, None))
                continue
            if "uses" in step:
                given = {key: scope.filled(str(value)) for key, value in step.get("with", {}).items()}
                code, text = self._action(step["uses"], given, clone), ""
            else:
                code, text = self._command(step, number, scope, clone)
            ran.steps.append(Step(name, code, text))
            scope.failed = scope.failed or code != 0
        ran.outputs |= {key: scope.filled(value) for key, value in job.get("outputs", {}).items()}
        return ran

    def _command(self, step: dict[str, Any], number: int, scope: _Scope, clone: Path) -> tuple[int, str]:
        script = step["run"]
        assert "${{" not in script, "expressions reach commands through env alone"
        files = {name: self.folder / f"{name}-{number}" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for path in files.values():
            path.write_text("")
        env = {**self.environment, **scope.env, **{key: str(path) for key, path in files.items()}}
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        done = subprocess.run(shell, cwd=clone, env=env, capture_output=True, text=True, timeout=240)
        for line in files["GITHUB_OUTPUT"].read_text().splitlines():
            key, _, value = line.partition("=")
            scope.values[f"steps.{step['id']}.outputs.{key}"] = value
        said = files["GITHUB_STEP_SUMMARY"].read_text()
        assert len(said.encode()) < 2**20, "the host takes 1 MiB"
        scope.here.summary += said
        return done.returncode, done.stdout + done.stderr

    def _action(self, uses: str, given: dict[str, str], clone: Path) -> int:
        action, _, tag = uses.partition("@")
        assert re.fullmatch(r"[0-9a-f]{40}", tag), f"{uses}: a commit"
        if action == "actions/checkout":
            subprocess.run(["git", "clone", "-q", str(self.origin), str(clone)], check=True, capture_output=True)
        elif action == "actions/cache/restore":
            keys = [k for k in self.caches if k == given["key"]] or [
                k for k in self.caches if given.get("restore-keys") and k.startswith(given["restore-keys"])
            ]
            if keys:
                shutil.copytree(self.caches[keys[-1]], clone / given["path"], dirs_exist_ok=True)
            return int(not keys and given.get("fail-on-cache-miss", "").lower() == "true")
        elif action == "actions/cache/save":
            assert given["key"] not in self.caches, "keys are written once"
            if (clone / given["path"]).exists():
                self.caches[given["key"]] = self.folder / f"cache-{len(self.caches)}"
                shutil.copytree(clone / given["path"], self.caches[given["key"]])
        elif action == "actions/upload-artifact":
            if given.get("overwrite", "").lower() == "true":
                shutil.rmtree(self.artifact, ignore_errors=True)
            assert not self.artifact.exists(), "an artifact of that name is there"
            shutil.copytree(clone / given["path"], self.artifact)
        elif action == "actions/download-artifact":
            if not self.artifact.exists():
                return 1
            shutil.copytree(self.artifact, clone / given["path"], dirs_exist_ok=True)
        else:
            assert action == "actions/setup-python", action
        return 0


@dataclass
class _Scope:
    """What expressions mean inside a job."""

    env: dict[str, str]
    host: Host
    jobs: dict[str, Ran]
    here: Ran
    failed: bool
    values: dict[str, str] = field(default_factory=dict)

    def filled(self, text: str) -> str:
        return re.sub(r"\$\{\{\s*(.*?)\s*\}\}", lambda match: self.value(match[1]), text)

    def value(self, name: str) -> str:
        kind, _, rest = name.partition(".")
        if kind == "github":
            return {"run_id": str(self.host.run_id), "run_attempt": str(self.host.attempt), "ref": "refs/heads/main"}[
                rest
            ]
        if kind == "needs":
            job, word, key = rest.split(".")
            assert word == "outputs"
            return self.jobs[job].outputs[key]
        found = {"env": self.env, "vars": self.host.variables, "steps": self.values}[kind]
        return found.get(name if kind == "steps" else rest, "")

    def true(self, condition: str | None) -> bool:
        """A condition of a step or job; without a status function the host adds success()."""
        text = str(condition or "success()").strip().removeprefix("${{").removesuffix("}}").strip()
        parts = [part.strip() for part in text.split("&&")]
        if not any(part.endswith("()") for part in parts):
            parts.append("success()")
        return all(self._part(part) for part in parts)

    def _part(self, part: str) -> bool:
        if part == "success()":
            return not self.failed
        if part == "!cancelled()":
            return True
        match = re.fullmatch(r"([a-z_.A-Z0-9]+) == '([^']*)'", part)
        assert match, f"this host does not know {part!r}"
        return self.value(match[1]) == match[2]
