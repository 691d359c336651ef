"""The command line: one file a command; no mathematics, and no torch before a command needs it."""

import sys
from typing import cast

import typer
from rich.console import Console

from sparring.cli import (
    cache,
    doctor,
    encode,
    evaluate,
    explore,
    export,
    inspect,
    project,
    recipes,
    report,
    sample,
    train,
    translate,
)
from sparring.cli._processes import leads, silent
from sparring.errors import ProcessesError, SharedError, UserError
from sparring.readable import printable

# typer brings a click of its own in some versions and takes the public one in others
UsageError = cast(type[typer.BadParameter], typer.BadParameter.__mro__[1])

app = typer.Typer(
    help="Train a generative adversarial network on your own data.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    train.train,
    sample.sample,
    translate.translate,
    evaluate.evaluate,
    evaluate.compare,
    doctor.doctor,
    report.report,
    explore.explore,
    project.project,
    encode.encode,
    encode.reconstruct,
    export.export,
    inspect.inspect,
    recipes.recipes,
    cache.cache,
):
    app.command()(command)


@app.callback(invoke_without_command=True)
def version(
    context: typer.Context, version: bool = typer.Option(False, "--version", help="Print the version and exit.")
) -> None:
    """Train a generative adversarial network on your own data."""
    if version:
        from sparring import __version__

        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line. Exit code 2 is a user's mistake, 1 a training that failed."""
    try:
        sys.exit(app(sys.argv[1:] or ["--help"], prog_name="sparring", standalone_mode=False) or 0)
    except SharedError:
        sys.exit(0)  # the first process's exit code is the run's
    except UserError as error:
        if not silent():
            complain(error.problem, error.hint)
        sys.exit(2)
    except ProcessesError as error:
        if leads():
            complain(str(error))
        sys.exit(1)
    except UsageError as error:
        complain(error.format_message(), f"see {error.ctx.command_path if error.ctx else 'sparring'} --help")
        sys.exit(2)
    except typer.Abort:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)


def complain(problem: str, hint: str = "") -> None:
    """One line on stderr: what is wrong, and how to fix it."""
    console = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)
    console.print("error:", style="bold red", end=" ")
    # names of files may hold anything, line breaks too
    console.print(printable(f"{problem} ({hint})" if hint else problem), markup=False)
