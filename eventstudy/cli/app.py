"""The typer application and the last line of defence: every outcome becomes an exit code."""

from __future__ import annotations

import gc
import io
import os
import sys
from typing import Annotated, Any

import typer

from eventstudy import __version__
from eventstudy.cli import backtest, calibrate, doctor, event, fetch, regress, run, validate
from eventstudy.cli.cache import cache
from eventstudy.cli.check import check_command
from eventstudy.cli.collect import collect
from eventstudy.cli.config import config
from eventstudy.cli.console import Console, tell
from eventstudy.cli.diff import diff_command
from eventstudy.cli.import_ import import_command
from eventstudy.cli.init import init_command
from eventstudy.cli.settings import unknown_variables
from eventstudy.cli.start import FULL
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
app.command("run")(run.run_command)
app.command("event")(event.event_command)
app.command("validate")(validate.validate_command)
app.command("fetch")(fetch.fetch_command)
app.command("calibrate")(calibrate.calibrate_command)
app.command("backtest")(backtest.backtest_command)
app.command("regress")(regress.regress_command)
app.command("diff")(diff_command)
app.command("import")(import_command)
app.command("init")(init_command)
app.command("check")(check_command)
app.command("doctor")(doctor.doctor_command)
app.add_typer(collect, name="collect")
app.add_typer(cache, name="cache")
app.add_typer(config, name="config")


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
            tell(f"note: {name} is set and is no setting of this program{hint}", error=True)


def main() -> None:
    """Run the command line; exits with the code of design: 0, 1 (a bug), 2, 3, 4, 5 (a gate tripped) or 130."""
    # a short-lived process: looking for garbage during imports costs more than it frees
    gc.set_threshold(100_000, 50, 100)
    try:
        # what it has to say about options goes the way of everything that is said
        code = app(standalone_mode=False)
        if isinstance(code, int) and code:
            sys.exit(code)
    except CLICK_ERROR as error:
        said = io.StringIO()
        error.show(said)
        tell(said.getvalue(), error=True, end="")
        sys.exit(error.exit_code)
    except EventStudyError as error:
        Console.make(False, False, False).fail(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # the reader of stdout went away (`| head`): no traceback, and nothing left to flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        # a name that is too long, a folder in circles, a disk that fails: the machine's doing, wherever it shows
        if not error.filename or not error.strerror or error.errno in FULL:
            raise
        place = f"{error.filename!s:.200}"
        Console.make(False, False, False).fail(
            UsageError(f"{place}: {error.strerror}", "a file or folder that can be used")
        )
        sys.exit(UsageError.exit_code)
    finally:
        # the process ends here, so the interpreter need not walk every object once more
        gc.freeze()
