"""A result as bytes that name the version that made them."""

from __future__ import annotations

import pickle
from typing import Any

from eventstudy import __version__
from eventstudy.errors import UsageError

# raised whenever a later version cannot read what an earlier one packed
FORMAT = 1


def packed(state: Any) -> tuple[str, bytes]:
    """The version, and the state within it: whoever cannot read the state can still read the version."""
    return __version__, pickle.dumps(state, protocol=5)


def unpacked(form: int, version: str, data: bytes) -> Any:
    """The state again.

    Raises
    ------
    UsageError
        If another version packed it in a form that this one does not read.
    """
    cure = "run the study again, or write its tables with es.report(result, 'out/') in that version"
    found = f"this result was pickled by eventstudy {version}, and this is {__version__}"
    if form != FORMAT:
        raise UsageError(f"{found}, which reads form {FORMAT} and not {form}", "a result of this version", cure)
    try:
        return pickle.loads(data)  # noqa: S301  part of the pickle that is being read
    except (AttributeError, ImportError, TypeError, KeyError) as error:
        raise UsageError(f"{found}: {error}", "a result of this version", cure) from error
