"""The command line: each command parses its arguments, calls the library and prints. See `ganache.__init__` for Python.

There is one file per command or group of commands. It may import everything, and nothing may import it. Slow imports
are inside the commands, so that `ganache --help` answers at once.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import tyro

from ganache.cli import lab
from ganache.cli.article import article
from ganache.cli.claims import claims
from ganache.cli.compare import compare
from ganache.cli.diagnose import diagnose
from ganache.cli.doctor import doctor
from ganache.cli.environment import check_environment
from ganache.cli.evaluate import evaluate
from ganache.cli.export import export
from ganache.cli.name import name
from ganache.cli.parsing import listing, parse
from ganache.cli.playground import explore, watch
from ganache.cli.recipes import recipes
from ganache.cli.report import report
from ganache.cli.streams import open_missing_streams
from ganache.cli.terminal import escapes_allowed, plain_streams
from ganache.cli.text import expanded, shortened, shown, without_long_words
from ganache.cli.train import train, train_command
from ganache.cli.types import REGISTRY
from ganache.core.plugins import load_plugins, plugin_of
from ganache.errors import ConfigError, GanacheError, choices

COMMANDS: dict[str, Callable[..., Any]] = {
    "train": train,
    "explore": explore,
    "watch": watch,
    "article": article,
    "export": export,
    "name": name,
    "render": lab.render,
    "compare": compare,
    "evaluate": evaluate,
    "diagnose": diagnose,
    "report": report,
    "doctor": doctor,
    "recipes": recipes,
    "claims": claims,
}
"""The commands besides those of the experiments, in the order of `ganache --help`."""

EXPERIMENTS_AFTER = "watch"
"""The command that the experiments follow in this order."""

INTRODUCTION = "Train GANs on the machine you have, see whether it works, and explore what the network learned."


def commands(selected: str | None) -> dict[str, Callable[..., Any]]:
    """Return all commands; the experiments are generated here, because plugins can add some."""
    found: dict[str, Callable[..., Any]] = {}
    for word, command in COMMANDS.items():
        found[word] = command
        if word == EXPERIMENTS_AFTER:
            experiments = lab.experiment_commands(selected)
            for taken in experiments.keys() & COMMANDS.keys():
                raise ConfigError(
                    f"A plugin adds the experiment '{taken}', and there is a command '{taken}': rename it."
                )
            found |= experiments
    return found


def main(argv: list[str] | None = None) -> None:
    """Run a command. An error that the user can correct gives one sentence on standard error and exit code 2."""
    open_missing_streams()
    with plain_streams():
        run_words(argv)


def run_words(argv: list[str] | None) -> None:
    """Run the command that these words describe, by default those of the command line."""
    args = [expanded(word) for word in (sys.argv[1:] if argv is None else argv)]
    if argv is None:
        atexit.register(gc.freeze)  # without it, the final garbage collection of all of PyTorch takes 0.3 s
    try:
        if args == ["--version"]:
            print(f"ganache {version('ganache')}")
            return
        check_environment()
        load_plugins()
        run_command(args)
    except GanacheError as error:
        fail(str(error), args)
    except KeyboardInterrupt:
        print("ganache: interrupted; all files are intact: the same command resumes at the last one.", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader, such as `head`, has exited
    except OSError as error:
        fail(f"A file could not be read or written ({error}): free some space or use another path.", args)
    except Exception as error:
        plugin = plugin_of(error)
        if plugin is not None:
            print(
                f"ganache: The error comes from the plugin {plugin}: correct it with this traceback.", file=sys.stderr
            )
        raise


def run_command(args: list[str]) -> None:
    """Run the command that the first word names. Raises ConfigError if there is none of this name."""
    word, *rest = args or [""]
    known = commands(word)
    if word == "train":
        train_command(rest)
    elif word in known:
        parse(known[word], rest, f"ganache {word}")()
    elif word in ("-h", "--help"):
        print(listing(known, INTRODUCTION))
    elif word.startswith("--tyro-"):  # a script that completes commands in the shell
        with escapes_allowed():
            tyro.extras.subcommand_cli_from_dict(known, args=args, prog="ganache", registry=REGISTRY)
    elif not word:
        raise ConfigError("No command is given: write  ganache train faces  to begin, or  ganache --help  for a list.")
    else:
        kind, names = ("option", ["--help", "--version"]) if word.startswith("-") else ("command", list(known))
        guess = choices(word, names)
        see = "see  ganache --help"
        raise ConfigError(f"There is no {kind} {shown(word)}: {guess if guess.startswith('did') else see}")


def fail(sentence: str, words: list[str]) -> None:
    """Print an error about the `words` of a command line, and exit with code 2."""
    print(f"ganache: {shortened(without_long_words(sentence, words))}", file=sys.stderr)
    raise SystemExit(2)
