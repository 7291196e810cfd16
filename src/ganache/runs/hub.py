"""Trained models of the Hugging Face hub: the checkpoint of a repository, in the library's cache (extra: hub).

A checkpoint holds tensors and settings, and no code. It is read as carefully as any file of others.
"""

from __future__ import annotations

from pathlib import Path

from ganache.core.checkpoint_file import SUFFIX
from ganache.data.readers.hub import PREFIX, require_repository
from ganache.errors import CheckpointError, DataError, MissingExtra


def is_on_hub(source: str) -> bool:
    """Whether a model is named as one of the hub, hf:owner/name or hf:owner/name/file.

    >>> is_on_hub("hf:someone/faces"), is_on_hub("runs/faces")
    (True, False)
    """
    return source.startswith(PREFIX)


def downloaded(source: str) -> Path:
    """Return the path of the checkpoint in a repository; it is downloaded if it is not in the library's cache.

    Without a file's name the repository must have one checkpoint. Raises CheckpointError without network and for a
    repository that has none or several, MissingExtra without the library.
    """
    owner, _, rest = source.removeprefix(PREFIX).partition("/")
    name, _, file = rest.partition("/")
    repository = f"{owner}/{name}"
    try:
        require_repository(source, repository, "model")
    except DataError as error:
        raise CheckpointError(str(error)) from None
    try:
        import huggingface_hub as hub
    except ImportError as error:
        raise MissingExtra(f"'{source}' comes from the Hugging Face hub and", "hub") from error
    try:
        if not file:
            files = [each for each in files_of(repository) if each.endswith(SUFFIX)]
            if len(files) != 1:
                known = f"{len(files)} ({', '.join(files[:5])})" if files else "none"
                raise CheckpointError(
                    f"'{source}' must have one checkpoint (*{SUFFIX}) and has {known}: give {PREFIX}owner/name/file."
                )
            (file,) = files
        return Path(hub.hf_hub_download(repository, file))
    except (OSError, ValueError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CheckpointError(
            f"'{source}' could not be downloaded from the hub ({reason}): check its name, or give the path of a file."
        ) from error


def files_of(repository: str) -> list[str]:
    """Return the names of the files of a repository; without network, of those in the library's cache."""
    import huggingface_hub as hub

    try:
        files: list[str] = hub.list_repo_files(repository)
        return files
    except OSError as error:
        try:
            folder = Path(hub.snapshot_download(repository, local_files_only=True))
        except (OSError, ValueError):
            raise error from None
        return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
