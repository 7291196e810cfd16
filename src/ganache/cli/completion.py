"""`ganache --install-completion`: the shell completes commands, options, their values, and files.

The script is made of the help of all commands. It is static, so that the shell answers at once: no Python is started.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ganache.cli.help_page import Option, Page, help_page
from ganache.core import storage
from ganache.errors import ConfigError

MARK = "# Written by `ganache --install-completion`."
SHELLS = ("bash", "zsh", "fish")


def install_completion(words: Sequence[str], known: Sequence[str], run: Callable[[list[str]], None]) -> None:
    """Write the completion of the shell that the first of the words names, by default $SHELL, and say what was done.

    `run` runs the words of a command line. Raises ConfigError for another shell, and if the file is somebody else's.
    """
    shell = words[0] if words else Path(os.environ.get("SHELL", "")).name
    if shell not in SHELLS or len(words) > 1:
        raise ConfigError(
            f"--install-completion got the shell '{' '.join(words) or shell}': name one of bash, zsh and fish, as in  "
            "ganache --install-completion bash"
        )
    path = place(shell)
    if path.exists() and MARK not in storage.read_text(path):
        raise ConfigError(f"{path} exists, and ganache has not written it: move it away first.")
    pages = {word: help_page(word, run) for word in known}
    path.parent.mkdir(parents=True, exist_ok=True)
    storage.write_text(path, script(shell, pages))
    print(
        f"Written: {path}\nIt works in shells that you open from now on. After an update of ganache, install it again."
    )
    if shell == "bash":
        print("It needs the package bash-completion. Without that, add this line to ~/.bashrc:")
        print(f"  . {shlex.quote(str(path))}")
    if shell == "zsh":
        print("If ~/.zshrc does not have these lines yet, add them at its end:")
        print(f"  fpath=({shlex.quote(str(path.parent))} $fpath)\n  autoload -Uz compinit && compinit")
    print(f"To undo it:\n  rm {shlex.quote(str(path))}")


def place(shell: str) -> Path:
    """Return the file in which a shell looks for the completion of `ganache`."""
    home = Path.home()
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    return {
        "bash": data / "bash-completion" / "completions" / "ganache",
        "zsh": data / "zsh" / "site-functions" / "_ganache",
        "fish": config / "fish" / "completions" / "ganache.fish",
    }[shell]


def script(shell: str, pages: Mapping[str, Page]) -> str:
    """Return the completion script of a shell for these commands."""
    return {"bash": bash, "zsh": zsh, "fish": fish}[shell](pages)


def values(option: Option) -> list[str]:
    """Return the values that an option can have, also those of the tables that plugins extend; empty if any can."""
    from ganache.config.config import SPECS
    from ganache.config.recipes import RECIPES
    from ganache.runs.trackers import TRACKERS

    tables: dict[str, Iterable[str]] = {"--recipe": RECIPES, "--track": TRACKERS}
    tables |= {f"--{section}.name": table for section, table in SPECS.items()}
    return option.choices or [name for word in option.names for name in tables.get(word, ())]


def cases(pages: Mapping[str, Page]) -> list[str]:
    """Return the cases "COMMAND OPTION) VALUES" of bash and zsh, as lines of (pattern, words)."""
    found = []
    for word, page in pages.items():
        for option in page.options:
            if known := values(option):
                pattern = "|".join(f'"{word} {name}"' for name in option.names)
                found.append(f"{pattern}) values={shlex.quote(' '.join(known))} ;;")
    return found


def bash(pages: Mapping[str, Page]) -> str:
    """Return the script for bash."""
    options = [
        f"{word}) options={shlex.quote(' '.join(name for option in page.options for name in option.names))} ;;"
        for word, page in pages.items()
    ]
    return f"""{MARK}
_ganache() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} values="" options=""
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        values={shlex.quote(" ".join(["--help", "--version", *pages]))}
    else
        case "${{COMP_WORDS[1]}} $before" in
            {indented(cases(pages), 12)}
        esac
    fi
    if [ -z "$values" ] && [[ $word == -* ]]; then
        case "${{COMP_WORDS[1]}}" in
            {indented(options, 12)}
        esac
        values=$options
    fi
    [ -n "$values" ] && COMPREPLY=($(compgen -W "$values" -- "$word"))
}}
complete -o default -F _ganache ganache  # files, where nothing else fits
"""


def zsh(pages: Mapping[str, Page]) -> str:
    """Return the script for zsh."""
    described = [f"{word}:{short(page.summary)}" for word, page in pages.items()]
    options = [f"{word}) found=({' '.join(described_names(page))}) ;;" for word, page in pages.items()]
    return f"""#compdef ganache
{MARK}
local values=""
local -a found
if (( CURRENT == 2 )); then
    found=({" ".join(map(shlex.quote, described))})
    _describe command found
    return
fi
case "$words[2] $words[CURRENT-1]" in
    {indented(cases(pages), 4)}
esac
if [[ -n $values ]]; then
    compadd -- ${{=values}}
elif [[ $words[CURRENT] == -* ]]; then
    case $words[2] in
        {indented(options, 8)}
    esac
    _describe option found
else
    _files
fi
"""


def described_names(page: Page) -> list[str]:
    """Return "NAME:TEXT" for each option, quoted."""
    return [shlex.quote(f"{name}:{short(option.text)}") for option in page.options for name in option.names]


def fish(pages: Mapping[str, Page]) -> str:
    """Return the script for fish, which completes files by itself, unless -x says that only the given words fit."""
    lines, complete = [MARK], "complete -c ganache"
    for word, page in pages.items():
        lines.append(f"{complete} -f -n __fish_use_subcommand -a {word} -d {fish_quoted(short(page.summary))}")
        for option in page.options:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
            known = values(option)
            value = f" -x -a {fish_quoted(' '.join(known))}" if known else " -r" if option.takes_value else ""
            about = fish_quoted(short(option.text))
            lines.append(f"{complete} -n '__fish_seen_subcommand_from {word}' {names}{value} -d {about}")
    return "\n".join(lines) + "\n"


def fish_quoted(text: str) -> str:
    """Return a text in single quotes, in which fish knows two escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def short(text: str) -> str:
    """Return the first clause of a text, for a list of choices.

    >>> short("Side in pixels (64) or height x width; None keeps it. (default: 64)")
    'Side in pixels (64) or height x width'
    """
    return re.split(r"(?<=\w)\.(?: |$)|[;:](?: |$)", text)[0].rstrip(".")


def indented(lines: Sequence[str], columns: int) -> str:
    """Return lines below each other, of which all but the first are indented."""
    return ("\n" + " " * columns).join(lines)
