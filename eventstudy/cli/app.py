"""The typer application and the last line of defence: every outcome becomes an exit code."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import typer

from eventstudy import __version__
from eventstudy.cli import backtest, calibrate, doctor, event, fetch, regress, run, validate
from eventstudy.cli.cache import cache
from eventstudy.cli.check import check_command
from eventstudy.cli.collect import collect
from eventstudy.cli.config import config
from eventstudy.cli.console import Console, printed, tell
from eventstudy.cli.diff import diff_command
from eventstudy.cli.full_disk import FULL
from eventstudy.cli.import_ import import_command
from eventstudy.cli.init import init_command
from eventstudy.cli.panels import PanelCommand
from eventstudy.cli.settings import unknown_variables
from eventstudy.errors import EventStudyError, UsageError

# its own class, or that of the click that older versions of typer come with
CLICK_ERROR: Any = next(one for one in typer.BadParameter.__mro__ if one.__name__ == "ClickException")

app = typer.Typer(
    name="eventstudy",
    help="What did this announcement do to this stock, and how sure can we be?",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# what a list of commands says of each, in one line of an 80-column terminal
COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "run": (run.run_command, "Study every event of EVENTS and write the report."),
    "event": (event.event_command, "Study one announcement on the terminal."),
    "validate": (validate.validate_command, "Check EVENTS: every problem at once, day 0 of every row."),
    "fetch": (fetch.fetch_command, "Get prices of every ticker of EVENTS and keep them."),
    "calibrate": (calibrate.calibrate_command, "How often each test is wrong on days without news."),
    "backtest": (backtest.backtest_command, "Forecast each announcement from earlier ones."),
    "regress": (regress.regress_command, "Regress CARs on columns of EVENTS."),
    "diff": (diff_command, "What changed between two report folders, and why."),
    "import": (import_command, "Turn a list of identifiers and dates into EVENTS."),
    "init": (init_command, "Write an example study that runs as it is."),
    "check": (check_command, "A gate for CI: exit 5 if a condition is true."),
    "doctor": (doctor.doctor_command, "What works on this machine, and what to do."),
}
for _name, (_command, _summary) in COMMANDS.items():
    app.command(_name, cls=PanelCommand, short_help=_summary)(_command)
app.add_typer(collect, name="collect", short_help="Filings and dates of results become rows of EVENTS.")
app.add_typer(cache, name="cache", short_help="The price store: info, verify, export, import, clear.")
app.add_typer(config, name="config", short_help="Every setting, and where it comes from.")


def _version(asked: bool) -> None:
    if asked:
        tell(f"eventstudy {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """What did this announcement do to this stock, and how sure can we be?"""
    # --version is answered by its own callback before anything else
    del version
    if not {"-q", "--quiet"} & set(sys.argv):
        for name, hint in unknown_variables(os.environ):
            tell(f"note: {name} is set and is not a setting of this program{hint}", error=True)


def _fail(error: EventStudyError) -> NoReturn:
    """Say what is wrong, to programs too, and end with its code."""
    Console.make(False, False, False).fail(error)
    _answer(error.exit_code, error.in_lines().partition("\n  hint: ")[0], error.hint)
    sys.exit(error.exit_code)


def _answer(code: int, message: str, hint: str) -> None:
    """With ``--json`` an error is an object on stdout as well, unless an object has been printed already."""
    if "--json" in sys.argv and not printed():
        from eventstudy.report.escape import SCHEMA_VERSION, json_dumps

        error = {"code": code, "message": message, "hint": hint}
        tell(json_dumps({"schema_version": SCHEMA_VERSION, "error": error}))


def main() -> None:
    """Run the command line; exits with the code of design: 0, 1 (a bug), 2, 3, 4, 5 (a gate tripped) or 130."""
    printed(afresh=True)
    try:
        # what it has to say about options goes the way of everything that is said
        code = app(standalone_mode=False)
        if isinstance(code, int) and code:
            sys.exit(code)
    except CLICK_ERROR as error:
        said = io.StringIO()
        error.show(said)
        tell(said.getvalue(), error=True, end="")
        _answer(error.exit_code, error.format_message(), "")
        sys.exit(error.exit_code)
    except EventStudyError as error:
        _fail(error)
    except BrokenPipeError:
        # the reader of stdout went away (`| head`): no traceback, and nothing left to flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        # a name that is too long, a folder in circles, a disk that fails: the machine's doing, wherever it shows
        if not error.filename or not error.strerror or error.errno in FULL:
            raise
        place = f"{error.filename!s:.200}"
        _fail(UsageError(f"{place}: {error.strerror}", "a file or folder that can be used"))
    finally:
        # the process ends here, so the interpreter need not walk every object once more
        gc.freeze()
