"""Optional dependencies: which command adds one that is missing."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, distribution

from eventstudy.errors import UsageError

NAME = "eventstudy-engine"


def missing(what: str, package: str, extra: str) -> UsageError:
    """The error of an option whose optional dependency is not installed, with the command that installs it.

    Parameters
    ----------
    what : str
        The option, as a subject: ``--formats xlsx``.
    package : str
        The distribution that it needs.
    extra : str
        The extra of this project that holds it.
    """
    return UsageError(f"{what} needs the package {package}", "an installation with it", install_command(extra))


def absent(package: str) -> UsageError:
    """The error of a form that needs a package which no extra holds, with the command that installs it."""
    return UsageError(f"{package} is not installed", "", f"pip install {package}")


def install_command(extra: str) -> str:
    """The command that adds an extra to this installation: from the checkout where it is an editable one."""
    return f"pip install -e '.[{extra}]'" if _is_editable() else f"pip install '{NAME}[{extra}]'"


def _is_editable() -> bool:
    try:
        origin = distribution(NAME).read_text("direct_url.json")
    except PackageNotFoundError:
        # imported from a folder that is not installed: a checkout
        return True
    return origin is not None and bool(json.loads(origin).get("dir_info", {}).get("editable"))
