"""The root of the command line. Sub-commands are loaded when they are called: scoring imports nothing of training's."""

import importlib
import sys
from collections.abc import Sequence

import click

COMMANDS = {
    "check": "blockrisk.features.check_cli:check",
    "template": "blockrisk.features.check_cli:template",
    "features": "blockrisk.features.cli:features",
    "train": "blockrisk.training.train_cli:train",
    "backtest": "blockrisk.training.backtest_cli:backtest",
    "score": "blockrisk.serving.cli:score",
    "explain": "blockrisk.serving.explain_cli:explain",
    "evidence": "blockrisk.serving.evidence_cli:evidence",
    "run": "blockrisk.training.morning.run_cli:run",
    "models": "blockrisk.training.morning.registry_cli:models",
    "promote": "blockrisk.training.morning.registry_cli:promote",
    "rollback": "blockrisk.training.morning.registry_cli:rollback",
    "serve": "blockrisk.training.morning.serve_cli:serve",
    "monitor": "blockrisk.training.monitor_cli:monitor",
    "simulate": "blockrisk.training.simulate_cli:simulate",
    "demo": "blockrisk.training.demo_cli:demo",
}


class _LazyGroup(click.Group):
    """A group that imports a sub-command's module only to run it or to show its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog="Example: blockrisk demo")
@click.version_option(package_name="blockrisk")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Forecast which telemarketing cards their operators will block, say why, and what may lawfully be done.

    A mistake in what you give is told in one line, with exit code 2.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code: 0 done, 2 a mistake of the user's, 1 anything else, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    try:
        code = cli.main(given, prog_name="blockrisk", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        sys.exit(130)
    except Exception as error:
        if debug:
            raise
        sys.exit(_explain(error))


def _explain(error: Exception) -> int:
    """Print one line about an error and return the exit code."""
    if isinstance(error, click.ClickException):
        _say(error.format_message())
        return 2
    code = getattr(error, "exit_code", None)
    if isinstance(error, ValueError) and isinstance(code, int):
        _say(str(error))
        return code
    if isinstance(error, OSError):
        _say(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        return 2
    _say(f"internal error, {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}; --debug shows where")
    return 1


def _say(message: str) -> None:
    click.echo(f"blockrisk: {' '.join(message.split())}", err=True)
