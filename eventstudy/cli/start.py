"""The first lines that run: Ctrl-C is answered from here on, whatever is being imported or done."""

from __future__ import annotations

import errno
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn, TextIO

INTERRUPTED, UNUSABLE = 130, 2
FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO)


class _Interrupt:
    """Whether Ctrl-C was pressed: libraries turn it into errors of theirs, and callbacks swallow it."""

    pressed = False


def main() -> None:
    """Run the command line; see ``eventstudy.cli.app.main`` for its exit codes."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _pressed)
        sys.unraisablehook = _swallowed
    try:
        from eventstudy.cli.app import main as command

        command()
        _flushed()
    except KeyboardInterrupt:
        _end()
    except SystemExit as error:
        if _Interrupt.pressed and error.code not in (0, None):
            # whatever the command took it for
            _end()
        _deaf()
        _flushed()
        raise
    except BaseException as error:
        if _Interrupt.pressed:
            # an import that was cut short tells of something else
            _end()
        if isinstance(error, MemoryError):
            _say(
                "error: this machine's memory does not suffice",
                "fewer events at a time; docs/scale.md says how many fit",
            )
            _deaf()
            sys.exit(UNUSABLE)
        if not isinstance(error, OSError) or error.errno not in FULL:
            raise
        _full(error)
    _deaf()


def _flushed() -> None:
    """Hand over what is printed while its failure can still be told."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # the reader went away, as `| head` does
        _forget(sys.stdout)
    except OSError as error:
        _full(error)


def _full(error: OSError) -> NoReturn:
    """What is printed cannot be written; files of a report have errors of their own."""
    _forget(sys.stdout)
    _say(f"error: what is printed cannot be written: {error.strerror}", "free some space, or send it elsewhere")
    _deaf()
    sys.exit(UNUSABLE)


def _say(error: str, hint: str) -> None:
    with suppress(OSError):
        print(f"{error}\n  hint: {hint}", file=sys.stderr)


def _forget(stream: TextIO) -> None:
    """Let the interpreter's last flush go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _pressed(number: int, frame: FrameType | None) -> None:
    _Interrupt.pressed = True
    signal.default_int_handler(number, frame)


def _swallowed(unraisable: sys.UnraisableHookArgs) -> None:
    """Where nothing can be raised, as in a callback of the collector, Ctrl-C is pressed again a little later."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
        return
    import threading

    again = threading.Timer(0.02, signal.raise_signal, (signal.SIGINT,))
    again.daemon = True
    again.start()


def _deaf() -> None:
    """What is left is to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _end() -> None:
    _deaf()
    with suppress(OSError):
        print("interrupted; nothing half-written", file=sys.stderr, flush=True)
    # threads and libraries may still be in the middle of something that does not matter any more
    os._exit(INTERRUPTED)
