"""Every command of every workflow, in order, in a fresh clone, against the stand-in; and what linters say of the files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, clean_environment, copy_study, run_in
from tests.network.host import Host, load
from tests.network.stand_in import StandIn, snapshot_listings

TEMPLATES = ROOT / "eventstudy" / "templates"
WORKFLOWS = ROOT / ".github" / "workflows"
GITHUB = ".github/workflows/eventstudy.yml"
# What a user would write at the top: here the program is the one under test. Until it has run, there is no `eventstudy`.
INSTALL = 'printf \'#!/bin/sh\\nexec "%s" -m eventstudy "$@"\\n\' "$TESTED" > "$TOOLS/eventstudy"; chmod +x "$TOOLS/eventstudy"'


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.fixture
def machine(yahoo: StandIn, tmp_path: Path) -> dict[str, str]:
    """The environment of a host's machine whose Yahoo is the stand-in."""
    yahoo.listings = snapshot_listings()
    tools = tmp_path / "tools"
    tools.mkdir()
    # without the environment under test: `eventstudy` comes from INSTALL alone
    path = [p for p in os.environ["PATH"].split(os.pathsep) if Path(p) != Path(sys.executable).parent]
    env = clean_environment(
        PATH=os.pathsep.join([str(tools), *path]),
        TESTED=sys.executable,
        TOOLS=str(tools),
        PYTHONPATH=str(ROOT),
        HOME=str(tmp_path),
        GIT_CONFIG_GLOBAL=os.devnull,
        **yahoo.environment(tmp_path / "cache"),
    )
    del env["EVENTSTUDY_OFFLINE"]
    return env


def repository(folder: Path, *init: str) -> tuple[Path, Path]:
    """A study as `init` writes it, pushed to an origin of its own; and the clone it was pushed from."""
    work, origin = folder / "work", folder / "origin.git"
    work.mkdir()
    assert run_in(work, "init", *init).code == 0
    return publish(work, origin)


def publish(work: Path, origin: Path) -> tuple[Path, Path]:
    git(work, "init", "-q", "-b", "main")
    git(work, "add", "-A")
    git(work, "commit", "-qm", "the study")
    git(work.parent, "clone", "-q", "--bare", str(work), str(origin))
    git(work, "remote", "add", "origin", str(origin))
    return origin, work


def push(work: Path, name: str, text: str) -> None:
    git(work, "pull", "-q", "--rebase", "origin", "main")
    (work / name).write_text(text, encoding="utf-8")
    git(work, "commit", "-qam", "another")
    git(work, "push", "-q", "origin", "main")


@pytest.mark.slow
def test_nights_on_github(yahoo: StandIn, machine: dict[str, str], tmp_path: Path) -> None:
    origin, work = repository(tmp_path, "--ci", "github")
    host = Host(tmp_path, origin, machine)
    path = work / GITHUB

    unset = host.run(path)["study"]
    assert unset.failed == ["Install"] and unset["Install"].code == 2 and "::error" in unset["Install"].text
    assert not unset.summary and unset["Gate"].code is None

    # Yahoo refuses before there are any prices: exit 4, said as such, and no gate is asked
    yahoo.fault("429", times=None)
    refused = host.run(path, INSTALL=INSTALL)["study"]
    assert refused["Fetch prices"].code == 0 and "::warning title=No new prices" in refused["Fetch prices"].text
    assert refused.failed == ["Study"] and refused["Study"].code == 4
    assert "::error title=No prices yet" in refused["Study"].text and "not a finding" in refused.summary
    assert refused["Gate"].code is None and not host.artifact.exists()

    yahoo.heal()
    first = host.run(path, INSTALL=INSTALL)
    assert set(first) == {"study"}, "nothing is committed until somebody asks for it"
    ran = first["study"]
    assert not ran.failed, [(step.name, step.text[-800:]) for step in ran.steps if step.code]
    assert "There is no earlier report" in ran.summary and "*Event study" in ran.summary and "![" not in ran.summary
    assert (host.artifact / "report.html").is_file() and (host.artifact / "manifest.json").is_file()
    assert "false excluded > 0" not in ran["Gate"].text and "no condition is true" in ran["Gate"].text

    # refused with a store: the study goes on with what is there, a warning and no finding
    yahoo.fault("429", times=None)
    host.variables["EVENTSTUDY_COMMIT"] = "yes"
    second = host.run(path, INSTALL=INSTALL, MAX_AGE="0", FETCH_AGE="0")
    ran = second["study"]
    assert not ran.failed and "::warning title=No new prices" in ran["Fetch prices"].text
    assert "The numbers of both reports agree" in ran.summary, "what changed since the last run"
    assert "Stale prices" in ran.summary, "the banner of --max-age"
    assert not second["commit"].failed
    listed = git(origin, "ls-tree", "-r", "--name-only", "main").split()
    assert "reports/windows.csv" in listed and "reports/summary.md" in listed
    assert "reports/manifest.json" not in listed and not [name for name in listed if name.startswith(".eventstudy")]
    # a person runs only the job that failed again: what was handed over is still there
    again = host.run_again(path, second, "commit", INSTALL=INSTALL, MAX_AGE="0", FETCH_AGE="0")
    assert not again["commit"].failed, [(step.name, step.text) for step in again["commit"].steps]
    assert "no number changed" in again["commit"]["Commit what is the same for the same inputs"].text
    third = host.run(path, INSTALL=INSTALL, MAX_AGE="0", FETCH_AGE="0")
    assert "no number changed" in third["commit"]["Commit what is the same for the same inputs"].text
    assert git(origin, "rev-list", "--count", "main").strip() == "2", "the same numbers make no commit"


@pytest.mark.slow
def test_what_changed_overnight_and_a_gate_that_trips(yahoo: StandIn, machine: dict[str, str], tmp_path: Path) -> None:
    origin, work = repository(tmp_path, "--ci", "github")
    host = Host(tmp_path, origin, machine)
    path = work / GITHUB
    assert not host.run(path, INSTALL=INSTALL)["study"].failed

    day = date(2025, 4, 16)
    listing = yahoo.listings["NVDA"]
    opened, high, low, close, volume = listing.bars[day]
    yahoo.listings["NVDA"] = replace(listing, bars={**listing.bars, day: (opened, high, low, close * 1.01, volume)})
    events = (work / "events.csv").read_text(encoding="utf-8")
    rest = "," * (events.partition("\n")[0].count(",") - 4)
    more = f"unknown,ZZZZ,2025-05-01,amc,direct{rest}\nlater,AMD,2025-05-06,amc,direct{rest}\n"
    push(work, "events.csv", events + more)
    host.variables["EVENTSTUDY_COMMIT"] = "yes"
    done = host.run(path, INSTALL=INSTALL, FETCH_AGE="0", FAIL_IF="abs(car[0,1]) > 9 or excluded > 0")
    ran = done["study"]
    assert ran.failed == ["Gate"] and ran["Gate"].code == 5, "a finding, and the report is there all the same"
    assert "::error title=eventstudy check::" in ran["Gate"].text or "::error" in ran["Gate"].text
    assert "| later | AMD | added |" in ran.summary and "excluded (no\\_prices)" in ran.summary.replace(
        "no_p", "no\\_p"
    )
    assert "| NVDA | revised |" in ran.summary and "prices of NVDA" in ran.summary
    assert not done["commit"].failed, "a gate keeps nothing from being kept"

    push(work, "events.csv", events.replace("2025-01-27", "27.1.2025"))
    broken = host.run(path, INSTALL=INSTALL)
    assert set(broken) == {"study"}
    ran = broken["study"]
    assert ran.failed == ["Check the events file"] and ran["Check the events file"].code == 2
    assert "::error file=events.csv,line=" in ran["Check the events file"].text


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_projects_own_study(yahoo: StandIn, machine: dict[str, str], tmp_path: Path, whole: bool) -> None:
    work = tmp_path / "work"
    work.mkdir()
    copy_study(work)
    if not whole:
        head, *rows = (work / "events.csv").read_text(encoding="utf-8").splitlines()
        few = [row for row in rows if row.startswith(("h20_license_8k", "deepseek_shock"))]
        assert few
        (work / "events.csv").write_text("\n".join([head, *few]) + "\n", encoding="utf-8")
    origin, work = publish(work, tmp_path / "origin.git")
    host = Host(tmp_path, origin, machine)
    ran = host.run(WORKFLOWS / "study.yml", INSTALL=INSTALL)["study"]
    assert not ran.failed, [(step.name, step.text[-800:]) for step in ran.steps if step.code]
    assert "NVIDIA" in ran.summary and "16 April 2025" in ran.summary


def test_the_projects_own_study_is_the_template() -> None:
    ours, template = load(WORKFLOWS / "study.yml"), load(TEMPLATES / "github.yml")
    install = ours["env"].pop("INSTALL")
    assert install and template["env"].pop("INSTALL") == "", "how it is installed is the user's line"
    assert ours["env"].pop("FAIL_IF") == "excluded > 6" and template["env"].pop("FAIL_IF") == "excluded > 0"
    assert ours == template
    name = install.split()[-1]
    assert name == "." and (ROOT / "constraints.txt").is_file() and "--constraint constraints.txt" in install


def test_the_workflow_of_the_tests(tmp_path: Path, machine: dict[str, str]) -> None:
    """Its one command is the script of this repository, run here as a stand-in: the script itself runs these tests."""
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    work = tmp_path / "work"
    (work / ".ci").mkdir(parents=True)
    (work / ".ci" / "run").write_text("#!/bin/sh\necho stand-in of .ci/run\n")
    shutil.copymode(script, work / ".ci" / "run")
    origin, _ = publish(work, tmp_path / "origin.git")
    ran = Host(tmp_path, origin, machine).run(WORKFLOWS / "tests.yml")["tests"]
    assert not ran.failed and ran["Lint, types, sample report, tests"].text == "stand-in of .ci/run\n"


def _gitlab(job: dict[str, object], clone: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The lines of a job in one shell, as a runner runs them."""
    script = "\n".join(job["script"])  # type: ignore[arg-type]
    shell = ["bash", "-eo", "pipefail", "-c", script]
    return subprocess.run(shell, cwd=clone, env=env, capture_output=True, text=True, timeout=240)


@pytest.mark.slow
def test_nights_on_gitlab(yahoo: StandIn, machine: dict[str, str], tmp_path: Path) -> None:
    origin, work = repository(tmp_path, "--ci", "gitlab")
    found = load(work / ".gitlab-ci.yml")
    job = found["event study"]
    assert job["allow_failure"]["exit_codes"] == [4] and job["artifacts"]["paths"] == ["reports/"]
    variables = {name: str(value) for name, value in found["variables"].items()}
    assert (variables["REPORT"] + "/", variables["STORE"] + "/") == (*job["artifacts"]["paths"], *job["cache"]["paths"])
    store = tmp_path / "kept"
    texts = []
    nights: list[tuple[str, dict[str, str]]] = [
        ("", {}),
        ("429", {"INSTALL": INSTALL}),
        ("", {"INSTALL": INSTALL}),
        ("429", {"INSTALL": INSTALL, "FETCH_AGE": "0", "FAIL_IF": "max(abs(car)) > 0.1"}),
    ]
    codes = []
    for number, (fault, extra) in enumerate(nights):
        yahoo.heal()
        if fault:
            yahoo.fault(fault, times=None)
        clone = tmp_path / f"night-{number}"
        git(tmp_path, "clone", "-q", str(origin), str(clone))
        if store.exists():
            shutil.copytree(store, clone / ".eventstudy")
        done = _gitlab(job, clone, {**machine, **variables, **extra})
        codes.append(done.returncode)
        texts.append(done.stdout + done.stderr)
        if (clone / ".eventstudy").exists():
            shutil.rmtree(store, ignore_errors=True)
            shutil.copytree(clone / ".eventstudy", store)
    assert codes == [2, 4, 0, 5], texts
    assert "Set INSTALL" in texts[0]
    assert "No prices yet" in texts[1] and "not a finding" in texts[1]
    assert "There is no earlier report" in texts[2] and "no condition is true" in texts[2]
    assert "No new prices" in texts[3] and "The numbers of both reports agree" in texts[3]
    assert "TRUE  max(abs(car)) > 0.1" in texts[3]


LINTED = [*sorted(WORKFLOWS.glob("*.yml")), TEMPLATES / "github.yml"]


def _tool(*arguments: str) -> str:
    """What a linter says of files that it takes; an AssertionError with what it says of others."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments] if arguments[0] == "check_jsonschema" else [*arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**clean_environment(), "NO_PROXY": "*"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("path", LINTED, ids=lambda path: path.name)
def test_github_would_take_it(path: Path) -> None:
    _tool("check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path))


def test_gitlab_would_take_it() -> None:
    _tool("check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", str(TEMPLATES / "gitlab.yml"))


@pytest.mark.parametrize("path", LINTED, ids=lambda path: path.name)
def test_nothing_in_it_is_unsafe(path: Path, tmp_path: Path) -> None:
    """The file is read and nothing is found; of the same file with one unsafe step, that step is."""
    zizmor = str(Path(sys.executable).parent / "zizmor")
    config = str(ROOT / ".github" / "zizmor.yml")
    audit = (zizmor, "--offline", "--no-progress", "--persona", "pedantic", "--config", config)
    said = _tool(*audit, str(path))
    assert "No findings to report" in said, said
    text = path.read_text(encoding="utf-8")
    spoilt = text.replace("    steps:\n", '    steps:\n      - run: echo "${{ github.event.issue.title }}"\n', 1)
    assert spoilt != text
    (tmp_path / path.name).write_text(spoilt, encoding="utf-8")
    with pytest.raises(AssertionError, match="template-injection"):
        _tool(*audit, str(tmp_path / path.name))


def test_the_linters_see_what_is_wrong(tmp_path: Path) -> None:
    """Negative controls: tags in place of commits are found; a command that runs what a title says is found."""
    text = (TEMPLATES / "github.yml").read_text()
    (tmp_path / "bad.yml").write_text(
        text.replace('eventstudy validate "$EVENTS"', 'eventstudy validate "${{ github.event.issue.title }}"')
    )
    config = str(ROOT / ".github" / "zizmor.yml")
    zizmor = str(Path(sys.executable).parent / "zizmor")
    with pytest.raises(AssertionError, match="template-injection"):
        _tool(zizmor, "--offline", "--no-progress", "--config", config, str(tmp_path / "bad.yml"))
    (tmp_path / "tag.yml").write_text(re.sub(r"@[0-9a-f]{40} # ", "@", text))
    with pytest.raises(AssertionError, match="unpinned-uses"):
        _tool(zizmor, "--offline", "--no-progress", "--config", config, str(tmp_path / "tag.yml"))
    (tmp_path / "worse.yml").write_text(text.replace("runs-on:", "run-on:"))
    with pytest.raises(AssertionError, match="run-on"):
        _tool("check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(tmp_path / "worse.yml"))


def steps(path: Path) -> list[tuple[str, dict[str, object]]]:
    return [(name, step) for name, job in load(path)["jobs"].items() for step in job["steps"]]


# the commits of released versions, each as several public workflows name it; a renewed action is looked up and added
COMMITS = {
    ("actions/checkout", "v7.0.1"): "3d3c42e5aac5ba805825da76410c181273ba90b1",
    ("actions/setup-python", "v6.3.0"): "ece7cb06caefa5fff74198d8649806c4678c61a1",
    ("actions/cache", "v5.0.5"): "27d5ce7f107fe9357f9df03efb73ab90386fccae",
    ("actions/upload-artifact", "v7.0.1"): "043fb46d1a93c77aae656e7c1c64a875d1fc6a0a",
    ("actions/download-artifact", "v8.0.1"): "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
    ("actions/upload-pages-artifact", "v4.0.0"): "7b1f4a764d45c48632c6b24a0339c27f5614fb0b",
    ("actions/deploy-pages", "v4.0.5"): "d6db90164ac5ed86f2b6aed7e0febac5b3c0c03e",
    ("pypa/gh-action-pypi-publish", "v1.12.4"): "76f52bc884231f62b9a034ebfe128415bbaabdfc",
}


@pytest.mark.parametrize("path", LINTED, ids=lambda path: path.name)
def test_every_action_is_a_commit_with_its_version(path: Path) -> None:
    """What runs is what was looked at; the comment says which version it is, and equal actions are equal commits."""
    lines = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert len(lines) == sum("uses" in step for _, step in steps(path))
    for line in lines:
        assert re.search(
            r"uses: (actions/[a-z/-]+|pypa/gh-action-pypi-publish)@[0-9a-f]{40} # v\d+\.\d+\.\d+( #|$)", line
        ), line
    for action, commit, version in re.findall(r"uses: ([a-z/-]+)@([0-9a-f]{40}) # (v[\d.]+)", path.read_text()):
        # actions/cache/restore is a part of actions/cache
        assert COMMITS["/".join(action.split("/")[:2]), version] == commit, (action, version)


def test_the_image_of_gitlab_is_pinned() -> None:
    """A tag can be given to another image; a digest cannot."""
    image = load(TEMPLATES / "gitlab.yml")["event study"]["image"]
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-[a-z]+@sha256:[0-9a-f]{64}", image)


@pytest.mark.parametrize("path", LINTED, ids=lambda path: path.name)
def test_least_permissions_and_no_secret(path: Path) -> None:
    """Nothing is granted at the top; a job names what it needs; no secret is read, and no expression enters a command."""
    found, text = load(path), path.read_text()
    assert found["permissions"] == {} and "secrets." not in text and "pull_request_target" not in text
    assert "workflow_run" not in found["on"]
    for name, job in found["jobs"].items():
        # a job that proves who it is to the index or to Pages runs one action and no command
        if job["permissions"] in ({"id-token": "write"}, {"pages": "write", "id-token": "write"}):
            assert not [step for step in job["steps"] if "run" in step] and "pull_request" not in found["on"], name
            continue
        assert job["permissions"] in ({"contents": "read"}, {"contents": "write"}), name
        if job["permissions"] == {"contents": "write"}:
            # what may write runs neither the program nor anything that a file of the study could name
            commands = "\n".join(step.get("run", "") for step in job["steps"])
            assert "eventstudy " not in commands and "INSTALL" not in commands and "pip" not in commands, name
            assert "pull_request" not in found["on"]
        else:
            for step in job["steps"]:
                if str(step.get("uses", "")).startswith("actions/checkout@"):
                    assert step["with"]["persist-credentials"] is False, name
        assert all("${{" not in step.get("run", "") for step in job["steps"]), name


def test_no_pull_request_starts_a_study() -> None:
    """A fork's events.csv is studied by nobody: the study runs on a schedule or by hand, on the project's own branch."""
    for path in (WORKFLOWS / "study.yml", TEMPLATES / "github.yml"):
        assert set(load(path)["on"]) == {"schedule", "workflow_dispatch"}
    found = load(TEMPLATES / "gitlab.yml")
    wanted = [{"if": f'$CI_PIPELINE_SOURCE == "{source}"'} for source in ("schedule", "web")]
    assert found["workflow"]["rules"] == wanted and found["event study"]["rules"] == wanted
    tests = load(WORKFLOWS / "tests.yml")
    assert [job["permissions"] for job in tests["jobs"].values()] == [{"contents": "read"}]
