"""The command line: each command parses its arguments, calls the library and prints. See `ganache.__init__` for Python.

There is one file per command or group of commands. Slow imports are inside the commands, so that
`ganache --help` answers at once.
"""

from __future__ import annotations

import atexit
import gc
import inspect
import os
import re
import sys
import warnings
from collections.abc import Callable
from typing import Any

from ganache.cli import lab
from ganache.cli.article import article
from ganache.cli.claims import claims
from ganache.cli.compare import compare
from ganache.cli.convert import convert
from ganache.cli.diagnose import diagnose
from ganache.cli.doctor import doctor
from ganache.cli.environment import check_environment, ignore_matplotlibrc
from ganache.cli.evaluate import evaluate
from ganache.cli.export import export
from ganache.cli.layout import listing, overview
from ganache.cli.learn import learn
from ganache.cli.name import name
from ganache.cli.other_tools import command_for
from ganache.cli.parsing import HELP, parse
from ganache.cli.playground import explore, watch
from ganache.cli.push import push
from ganache.cli.recipes import recipes
from ganache.cli.report import report
from ganache.cli.streams import open_missing_streams
from ganache.cli.terminal import plain_streams
from ganache.cli.text import expanded, shortened, shown, without_long_words
from ganache.cli.train import train, train_command
from ganache.cli.train_help import short_help
from ganache.cli.types import unwrapped
from ganache.core.plugins import load_plugins, plugin_of
from ganache.core.storage import advice
from ganache.errors import ConfigError, GanacheError, GanacheWarning, choices

COMMANDS: dict[str, Callable[..., Any]] = {
    "train": train,
    "explore": explore,
    "watch": watch,
    "learn": learn,
    "article": article,
    "export": export,
    "convert": convert,
    "push": push,
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
"""The commands besides those of the experiments."""

EXPERIMENTS_AFTER = "watch"
"""The command that the experiments follow in the order of all commands."""


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
        silence_libraries()
    try:
        if args == ["--version"]:
            from ganache.cli.version import print_version  # slow

            return print_version()
        check_environment()
        ignore_matplotlibrc()
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
        fail(f"A file could not be read or written ({error}): {advice(error)}.", args)
    except Exception as error:
        plugin = plugin_of(error)
        if plugin is not None:
            print(
                f"ganache: The error comes from the plugin {plugin}: correct it with this traceback.", file=sys.stderr
            )
        raise


def silence_libraries() -> None:
    """Let no warning of a library reach the user, who cannot answer it, unless Python was asked to show them.

    Ganache's own warnings are printed as sentences.

    `python -W default -m ganache` and the environment variable PYTHONWARNINGS show them.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        warnings.simplefilter("default", GanacheWarning)
        warnings.filterwarnings("default", category=UserWarning, module=r"ganache\.fastconv\b")  # imports no errors
        warnings.formatwarning = lambda message, *_, **__: f"ganache: {message}\n"
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # warnings of PyTorch's C++ code
        import logging

        logging.lastResort = logging.NullHandler()  # instead of standard error, if nothing else was set up


def run_command(args: list[str]) -> None:
    """Run the command that the first word names. Raises ConfigError if there is none of this name."""
    word, *rest = args or [""]
    known = commands(word)
    if word == "train" and {"-h", "--help"} & {*rest} and "--help-all" not in rest:
        print(short_help(rest))
    elif word == "train":
        train_command(rest)
    elif word in known:
        parse(known[word], rest, f"ganache {word}")()
    elif not word:
        print(overview(list(known)))
    elif word in HELP:
        print(listing({name: first_sentence(command) for name, command in known.items()}))
    elif word == "--install-completion":
        from ganache.cli.completion import install_completion

        install_completion(rest, list(known), run_command)
    else:
        raise ConfigError(unknown_command(word, list(known)))


def first_sentence(command: Callable[..., Any]) -> str:
    """Return the first sentence of a command's documentation."""
    return re.split(r"(?<=\.)(?:\s|$)", unwrapped(inspect.getdoc(command) or ""))[0]


def unknown_command(word: str, known: list[str]) -> str:
    """Return the sentence about a first word that is no command."""
    kind, names = (
        ("option", ["--help", "--version", "--install-completion"]) if word.startswith("-") else ("command", known)
    )
    guess, here = choices(word, names), command_for(word)
    if here is not None and (not guess.startswith("did") or here.startswith("--")):
        guess = f"write  ganache {here}"
    elif not guess.startswith("did"):
        guess = "see  ganache --help"
    return f"There is no {kind} {shown(word)}: {guess}"


def fail(sentence: str, words: list[str]) -> None:
    """Print an error about the `words` of a command line, and exit with code 2."""
    print(f"ganache: {shortened(without_long_words(sentence, words))}", file=sys.stderr)
    raise SystemExit(2)
