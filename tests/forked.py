"""Processes for tests that start in milliseconds: forks of one process that has imported PyTorch.

    done = run_python("import sys; print(sys.argv[1:])", "a", "b")
    done = run_ganache("recipes", GANACHE_PLUGINS="mine.py")

Each fork has its own environment, folder, standard streams and arguments, as a new interpreter would. It inherits only
imported modules: the server (`python forked.py`) runs nothing itself. Tests about what is imported, or when, need a new
interpreter instead.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

READS_ENVIRONMENT = "huggingface_hub"
"""A library that reads the environment when it is imported: each fork imports it itself."""
TIMEOUT = 200
"""Seconds after which a fork ends with SIGALRM."""


def run_ganache(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with these environment variables added; GANACHE_PLUGINS is unset otherwise."""
    return run_python("from ganache.cli import main; main()", *arguments, **variables)


def run_python(code: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run `code` as `python -c code arguments` would, and wait for its end; options are those of `started_python`."""
    with started_python(code, *arguments, **options) as started:
        returncode = started.wait()
        printed, errors = (path.read_text(encoding="utf-8") for path in (started.printed, started.errors))
    return subprocess.CompletedProcess(["python", "-c", code, *arguments], returncode, printed, errors)


@dataclass(frozen=True)
class Started:
    """A process that runs, and the files to which it prints."""

    pid: int
    printed: Path
    errors: Path
    wait: Callable[[], int]
    """Wait for its end, once, and return its exit code; negative is a signal."""


@contextmanager
def started_python(
    code: str, *arguments: str, cwd: Path | None = None, stdin: str = "", preload: str = "", **variables: str
) -> Iterator[Started]:
    """Start `code` as `python -c code arguments` would; one process runs at a time, and must be waited for.

    `preload` is the path of a C library, `variables` are added to the environment.
    """
    environment = {name: value for name, value in os.environ.items() if name != "GANACHE_PLUGINS"} | variables
    with ExitStack() as files:
        streams = [files.enter_context(tempfile.NamedTemporaryFile("w+", encoding="utf-8")) for _ in range(3)]
        streams[0].write(stdin)
        streams[0].flush()
        job = {
            "code": code,
            "arguments": arguments,
            "environment": environment,
            "folder": str(cwd or Path.cwd()),
            "streams": [stream.name for stream in streams],
        }
        process = server(preload)
        assert process.stdin is not None
        assert process.stdout is not None
        print(json.dumps(job), file=process.stdin, flush=True)
        output, pid = process.stdout, int(process.stdout.readline())
        yield Started(pid, Path(streams[1].name), Path(streams[2].name), lambda: int(output.readline()))


@cache
def server(preload: str) -> subprocess.Popen[str]:
    """Start the server, which ends with this process."""
    pipe = subprocess.PIPE
    environment = os.environ | ({"LD_PRELOAD": preload} if preload else {})
    process = subprocess.Popen([sys.executable, __file__], stdin=pipe, stdout=pipe, text=True, env=environment)
    atexit.register(process.kill)
    return process


def serve() -> None:
    """Fork a process per line of standard input, and write its number, and its exit code at its end."""
    for line in sys.stdin:
        job = json.loads(line)
        with tempfile.TemporaryFile("w+") as modules:
            pid = os.fork()
            if pid == 0:
                become(job, modules)
            print(pid, flush=True)
            _, status = os.waitpid(pid, 0)
            modules.seek(0)
            for name in modules.read().split():  # what one process imports, the next ones find imported
                if name not in sys.modules and not name.startswith(READS_ENVIRONMENT):
                    with suppress(Exception):
                        importlib.import_module(name)
        print(os.waitstatus_to_exitcode(status), flush=True)


def become(job: dict[str, Any], modules: Any) -> NoReturn:
    """Run a job in this fork, write the names of the modules that are imported by then, and end the process."""
    code = 1
    try:
        signal.alarm(TIMEOUT)
        for number, (name, flags) in enumerate(
            zip(job["streams"], (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)
        ):
            os.dup2(os.open(name, flags), number)
        os.chdir(job["folder"])
        os.environ.clear()
        os.environ.update(job["environment"])
        sys.path[1:1] = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
        sys.argv = ["-c", *job["arguments"]]
        sys.modules["__main__"] = main = ModuleType("__main__")
        exec(compile(job["code"], "<string>", "exec"), main.__dict__)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1 if end.code else 0
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        print(*sys.modules, file=modules, flush=True)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
