"""Trained models of the Hugging Face hub: the name of a repository becomes the folder of a run (extra: hub).

A model is one checkpoint: tensors and settings, and no code. It is read as carefully as any file of others, copied out
of the library's cache, whose files are links, and kept as a run in ganache's own cache.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from ganache.core import storage
from ganache.core.checkpoint_file import SUFFIX
from ganache.core.text import in_one_line
from ganache.data.pack import cache_folder, pack_folder
from ganache.data.readers.hub import is_reachable, require_repository
from ganache.errors import CheckpointError, ConfigError, DataError, GanacheError, HubError, MissingExtra
from ganache.runs.checkpoint import load_generator
from ganache.runs.file_names import MAX_JSON, NAMES, checkpoint_path
from ganache.runs.named import ON_HUB

MAX_MODEL = 2**32
"""Bytes of a model that is downloaded; the largest network here has 2% of it."""
REVISION = re.compile(r"[\w][\w./-]*", re.ASCII)


@cache
def local_run(source: str) -> Path:
    """Return the folder of a run with the model of a repository; what is not in the library's cache is downloaded.

    Without a file's name the repository must have one checkpoint, without a revision it is the newest. A process asks
    the hub once. Raises CheckpointError for a repository that has no model of ganache, HubError if it cannot be
    downloaded and is not in the cache, MissingExtra without the library.
    """
    repository, file, revision = parts_of(source)
    try:
        require_repository(source, repository, "model")
    except DataError as error:
        raise CheckpointError(str(error)) from None
    library = hub_library(f"'{source}' comes from the Hugging Face hub and")
    with explained(source):
        if is_reachable():
            file = remote_file(library, source, repository, file, revision)
            wanted = [file, NAMES]
            snapshot = Path(library.snapshot_download(repository, revision=revision, allow_patterns=wanted))
        else:
            wanted = [file or f"*{SUFFIX}", NAMES]
            snapshot = Path(
                library.snapshot_download(repository, revision=revision, allow_patterns=wanted, local_files_only=True)
            )
            found = [str(path.relative_to(snapshot)) for path in snapshot.rglob(f"*{SUFFIX}")]
            file = the_checkpoint(source, found, file)
    # The name of a snapshot is that of its commit, so the content of this folder never changes.
    folder = pack_folder(cache_folder(), "hub", repository, snapshot.name, file)
    name = repository.partition("/")[2]
    if not folder.exists():
        install(source, snapshot, file, folder, name)
    return folder / name


def parts_of(source: str) -> tuple[str, str, str | None]:
    """Split hf:owner/name/file@revision into (owner/name, file or "", revision or None).

    Raises CheckpointError for a revision that is none.

    >>> parts_of("hf:someone/faces"), parts_of("hf:someone/faces/a/b.safetensors@v1")
    (('someone/faces', '', None), ('someone/faces', 'a/b.safetensors', 'v1'))
    """
    name, at, revision = source.removeprefix(ON_HUB).partition("@")
    owner, _, rest = name.partition("/")
    name, _, file = rest.partition("/")
    if at and (not REVISION.fullmatch(revision) or ".." in revision):
        raise CheckpointError(f"'{source}' names no revision: give a branch, tag or commit, as in hf:owner/name@main.")
    return f"{owner}/{name}", file, revision if at else None


def remote_file(library: Any, source: str, repository: str, file: str, revision: str | None) -> str:
    """Return the name of the checkpoint in a repository, before anything large is downloaded.

    Raises CheckpointError if it is none of ganache, which the first bytes of the file tell, or too large.
    """
    siblings = library.model_info(repository, revision=revision, files_metadata=True).siblings or []
    sizes = {each.rfilename: each.size or 0 for each in siblings}
    file = the_checkpoint(source, [name for name in sizes if name.endswith(SUFFIX)], file)
    if sizes.get(file, 0) > MAX_MODEL:
        raise CheckpointError(
            f"'{source}' has {sizes[file]:,} bytes, more than the {MAX_MODEL:,} of any model of ganache."
        )
    header = library.HfApi().parse_safetensors_file_metadata(repository, file, revision=revision)
    if "ganache" not in header.metadata:
        raise CheckpointError(f"'{source}' is no model of ganache ({file} has no settings of it): name another.")
    return file


def the_checkpoint(source: str, files: list[str], file: str) -> str:
    """Return the file that was named or, if none was, the only one. Raises CheckpointError if there are others."""
    if file:
        return file
    if len(files) != 1:
        known = f"{len(files)} ({', '.join(sorted(files)[:5])})" if files else "none"
        raise CheckpointError(
            f"'{source}' must have one checkpoint (*{SUFFIX}) and has {known}: give {ON_HUB}owner/name/file."
        )
    return files[0]


def install(source: str, snapshot: Path, file: str, folder: Path, name: str) -> None:
    """Make a run in `folder` / `name` of the files of a snapshot, once they have passed all checks.

    Raises CheckpointError if the checkpoint is not intact, or its generator cannot be built.
    """
    real = Path(os.path.realpath(snapshot / file))
    try:
        _, _, header = load_generator(real)
    except (CheckpointError, ConfigError) as error:
        reason = str(error).replace(str(real), "the file")
        raise CheckpointError(f"'{source}' is no usable model of ganache. {reason}") from None
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = storage.create_temporary_folder(folder.parent)
    try:
        run = temporary / name
        path = checkpoint_path(run, header["step"])
        path.parent.mkdir(parents=True)
        storage.write_bytes(path, storage.read_bytes(real))
        if (snapshot / NAMES).is_file():
            storage.write_bytes(run / NAMES, storage.read_bytes(snapshot / NAMES, MAX_JSON, follow=True))
        storage.rename_folder(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


# ---- the library -----------------------------------------------------------------------------------------------------


def hub_library(what: str) -> Any:
    """Return the module `huggingface_hub`. Raises MissingExtra, which says that `what` needs it, without it."""
    try:
        import huggingface_hub
    except ImportError as error:
        raise MissingExtra(what, "hub") from error
    library: Any = huggingface_hub
    library.logging.set_verbosity_error()  # its warnings repeat the error that follows
    return library


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Raise HubError, a sentence on `what`, for the exceptions of the library; errors of ganache pass.

    The token is never part of the sentence, even if the hub repeats it.
    """
    from huggingface_hub import errors

    library: Any = errors
    # The errors of the HTTP library, whose name differs between versions, have the bases of this class.
    known = (*library.HfHubHTTPError.__bases__, library.SafetensorsParsingError, OSError, ValueError, RuntimeError)
    try:
        yield
    except GanacheError:
        raise
    except known as error:
        if getattr(error, "filename", None):  # a file of this machine, not the network
            raise
        raise HubError(without_token(sentence(what, error))) from None


def sentence(what: str, error: BaseException) -> str:
    """Return what went wrong with `what` on the hub, and what to do, in one sentence."""
    chain = [error, *filter(None, [error.__cause__])]
    names = [type(each).__name__ for each in chain]
    response = next((found for each in chain if (found := getattr(each, "response", None)) is not None), None)
    status = 0 if response is None else response.status_code
    reason = in_one_line((str(chain[-1]).strip() or names[-1]).splitlines()[0])[:200]
    if "RevisionNotFoundError" in names:
        return f"'{what}' has no such revision: name a branch, tag or commit that the hub shows."
    if "GatedRepoError" in names:
        return f"'{what}' is given only to those who accepted its terms: accept them on its page, and log in."
    if "RepositoryNotFoundError" in names or status == 404:
        return f"'{what}' is not on the hub, or is private: check its name, or log in with  hf auth login"
    if status == 401:
        return f"The hub did not accept the token for '{what}' (401): log in with  hf auth login, or set HF_TOKEN."
    if status == 403:
        return f"The token may not do this with '{what}' (403): use one that may write, or another owner."
    if status:
        said = getattr(error, "server_message", None) or reason
        return f"The hub answered {status} for '{what}' ({in_one_line(str(said))[:200]}): try again later."
    if {"LocalEntryNotFoundError", "OfflineModeIsEnabled", "IncompleteSnapshotError"} & {*names}:
        return f"'{what}' is not in the cache, and the hub cannot be reached: try again with a network."
    if isinstance(error, ValueError) or "SafetensorsParsingError" in names:
        return f"'{what}' cannot be used ({reason}): check it on the hub."
    return f"The connection to the hub failed for '{what}' ({reason}): run the same command again."


def without_token(text: str) -> str:
    """Return a text without the token of the user."""
    from huggingface_hub import get_token

    token = get_token()
    return text.replace(token, "***") if token else text
