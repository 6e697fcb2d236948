"""Libraries that read settings from the current folder, imported as if it held none.

matplotlib reads ``matplotlibrc`` there, which may name programs to run; Numba reads ``.numba_config.yaml``, which may
name a folder of compiled code to load. The current folder is that of a study, and files of a study are data.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

OF_THE_FOLDER = frozenset(("matplotlibrc", ".numba_config.yaml"))
_ALONE = threading.RLock()
# What Python asks for when it starts another interpreter: whether the current folder comes first among the places of
# modules.
SAFE_PATH = "PYTHONSAFEPATH"


@contextmanager
def without_local_settings() -> Iterator[None]:
    """Within, both libraries find no file of settings in the current folder.

    The check they make is answered, and the folder is not changed: other threads may be working with relative paths.
    """
    with _ALONE:
        real = os.path.exists

        def exists(path: object) -> bool:
            return path not in OF_THE_FOLDER and real(path)  # type: ignore[arg-type]

        os.path.exists = exists
        try:
            yield
        finally:
            os.path.exists = real


def import_matplotlib() -> None:
    """Import matplotlib; a backend that the environment names is for windows, and there are none."""
    os.environ.pop("MPLBACKEND", None)
    with without_local_settings():
        import matplotlib  # noqa: F401


def import_numba() -> None:
    """Import Numba, which looks for its settings again with every function that it compiles."""
    with without_local_settings():
        import numba.core.config
    numba.core.config._config_fname = os.devnull
