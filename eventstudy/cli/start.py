"""The first lines that run: signals to end are answered from here on, whatever is being imported or done."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn, TextIO

from eventstudy.cli.full_disk import FULL

UNUSABLE = 2
# Seconds after which a signal to end that something swallowed is sent again.
AGAIN = 2.0
# new objects upon which garbage is looked for
NEW_OBJECTS = 1_000_000
# how many threads NumPy and SciPy multiply matrices with; read when they are imported
LINEAR_ALGEBRA = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


# signals that ask a program to end -> what is said
ENDING = {signal.SIGINT: "interrupted"}
for _name, _words in (("SIGTERM", "ended by SIGTERM"), ("SIGHUP", "ended with its terminal")):
    if hasattr(signal, _name):
        ENDING[getattr(signal, _name)] = _words


class _Interrupt:
    """Whether the end was asked for: libraries turn it into errors of theirs, and callbacks swallow it."""

    pressed = False
    number: int = signal.SIGINT


def main() -> None:
    """Run the command line; see ``eventstudy.cli.app.main`` for its exit codes."""
    _streams()
    # a short-lived process: looking for garbage during imports costs more than it frees
    gc.set_threshold(NEW_OBJECTS, 50, 100)
    # threads that wait for each other cost more than such small matrices do, and their number would change digits
    for name in LINEAR_ALGEBRA:
        os.environ.setdefault(name, "1")
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _pressed)
        sys.unraisablehook = _swallowed
    for number in ENDING:
        # whoever starts a program with a signal ignored, as nohup does, expects it to stay ignored
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _pressed)
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


def _streams() -> None:
    """Replace closed standard streams by the null device, so that no file of this program gets their numbers."""
    closed = []
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is not None:
            continue
        closed.append(name)
        with suppress(OSError):
            # the lowest free number is that of the stream: those below it are open by now
            os.open(os.devnull, os.O_RDONLY if mode == "r" else os.O_WRONLY)
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
    if "stdout" in closed:
        _say("error: standard output is closed, so results cannot be printed", "redirect it to /dev/null instead")
        sys.exit(UNUSABLE)


def _flushed() -> None:
    """Hand over what is printed while a failure can still be reported."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # the reader went away, as `| head` does
        _forget(sys.stdout)
    except OSError as error:
        _full(error)


def _full(error: OSError) -> NoReturn:
    """Standard output cannot be written; files of a report have errors of their own."""
    _forget(sys.stdout)
    _say(f"error: the output cannot be written: {error.strerror}", "free some space, or redirect the output")
    _deaf()
    sys.exit(UNUSABLE)


def _say(error: str, hint: str) -> None:
    with suppress(OSError):
        print(f"{error}\n  hint: {hint}", file=sys.stderr)


def _forget(stream: TextIO) -> None:
    """Let the interpreter's last flush go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _pressed(number: int, frame: FrameType | None) -> None:
    if _is_ending(frame):
        return
    if not _Interrupt.pressed:
        _Interrupt.pressed, _Interrupt.number = True, number
        # libraries clear what is raised in the middle of them; then it is asked for again
        _again(AGAIN, times=5)
    signal.default_int_handler(number, frame)


def _again(seconds: float, times: int = 1) -> None:
    """Send the signal once more a little later, unless the program is ending by then."""
    import threading

    def send() -> None:
        if signal.getsignal(_Interrupt.number) is not signal.SIG_IGN and _Interrupt.pressed:
            # to the main thread: a signal of this one would not wake it where it waits
            if hasattr(signal, "pthread_kill"):
                signal.pthread_kill(threading.main_thread().ident or 0, _Interrupt.number)
            else:
                signal.raise_signal(_Interrupt.number)
            if times > 1:
                _again(seconds, times - 1)

    timer = threading.Timer(seconds, send)
    timer.daemon = True
    timer.start()


def _swallowed(unraisable: sys.UnraisableHookArgs) -> None:
    """Where nothing can be raised, as in a callback of the collector, Ctrl-C is pressed again a little later."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
        return
    _again(0.02)


def _is_ending(frame: FrameType | None) -> bool:
    """Whether ``main`` has already caught what ended the command: one more exception would escape as a traceback."""
    while frame is not None:
        if frame.f_code in (_end.__code__, _deaf.__code__, _full.__code__):
            return True
        frame = frame.f_back
    return False


def _deaf() -> None:
    """Ignore signals from here on: what is left is to end."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


def _end() -> None:
    _deaf()
    with suppress(OSError):
        print(f"{ENDING[signal.Signals(_Interrupt.number)]}; nothing half-written", file=sys.stderr, flush=True)
    # threads and libraries may still be in the middle of something that does not matter any more
    os._exit(128 + _Interrupt.number)
