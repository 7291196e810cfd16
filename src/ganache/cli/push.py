"""`ganache push`: share a trained model on the Hugging Face hub."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tyro.conf import Positional

from ganache.cli.text import command, shown
from ganache.core.text import file_size
from ganache.errors import ConfigError

REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]*")


def push(
    run: Positional[str],
    repository: Positional[str],
    license: str = "",
    about: str = "",
    space: str = "",
    to: str = "",
    private: bool = False,
    critic: bool = True,
) -> None:
    """Share a trained model on the Hugging Face hub: weights, a card written from the run, samples, ONNX, a page.

    Args:
        run: The run's folder, or RUN@STEP.
        repository: The model's name on the hub, owner/name. It is created if there is none.
        license: The licence that you give the model, as the hub names it: mit, cc-by-4.0, openrail, other, ...
        about: What the pictures show and where they come from, in a sentence for the card.
        space: Share the page with sliders too, as the static Space of this name, owner/name.
        to: Write all files into this new folder instead, to look at them; nothing leaves this machine.
        private: Create repositories that only you can see.
        critic: Include the critic, so that others can train on. It knows more of the training pictures than the
            generator does.
    """
    check(repository, license, space)
    from ganache.core.text import in_one_line
    from ganache.output.hub import log_in, upload, write_model, write_space

    api = None if to else log_in(repository)
    with target(to) as folder:
        parts = {"model": folder / "model", "space": folder / "space"}
        parts["model"].mkdir()
        shared = write_model(
            run, parts["model"], repository, license, about=in_one_line(about), space=space, critic=critic
        )
        if shared.size and (space or to):
            parts["space"].mkdir()
            write_space(shared, parts["space"], progress=True)
        elif space:
            raise ConfigError(f"{run} makes points, which the page of a Space does not show: leave --space out.")
        for kind, name in (("model", repository), ("space", space)):
            if api is None and parts[kind].is_dir():
                print(f"{parts[kind]}: {listed(parts[kind])}")
            elif api is not None and name:
                print(f"{upload(api, parts[kind], name, kind, private)}: {listed(parts[kind])}", flush=True)  # type: ignore[arg-type]
    if api is None:
        print("Nothing was uploaded: the same command without --to shares it.")
    else:
        print(f"Everybody who may see it can use it:\n  {command('explore', f'hf:{repository}')}")
    if not shared.run.evaluations:
        print(f"The card has no scores of this checkpoint: first run\n  {command('evaluate', run)}")


def check(repository: str, licence: str, space: str) -> None:
    """Raise ConfigError, before any work, for names that the hub does not have, and without a licence."""
    for name in (repository, *([space] if space else [])):
        if not REPOSITORY.fullmatch(name):
            raise ConfigError(f"{shown(name)} is no name of the hub: write owner/name, such as me/faces.")
    if not licence:
        raise ConfigError(
            "No licence was named, and without one nobody may use the model: add --license with the hub's name for it, "
            "such as mit, cc-by-4.0 or other."
        )
    if not LICENCE.fullmatch(licence):
        raise ConfigError(f"--license is {shown(licence)}: use the hub's name for it, such as mit or cc-by-4.0.")


@contextmanager
def target(to: str) -> Iterator[Path]:
    """Yield the new folder `to`, or a temporary one. Raises ConfigError if there is something in it."""
    if not to:
        with TemporaryDirectory(prefix="ganache-push-") as folder:
            yield Path(folder)
        return
    path = Path(to)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ConfigError(f"{path} exists and is not an empty folder: name another with --to.")
    path.mkdir(parents=True, exist_ok=True)
    yield path


def listed(folder: Path) -> str:
    """Return the files of a folder with their sizes."""
    return ", ".join(f"{file.name} {file_size(file.stat().st_size)}" for file in sorted(folder.iterdir()))
