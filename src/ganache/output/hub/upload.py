"""Upload of a folder to the hub, as one commit.

The token is the library's own: HF_TOKEN, or that of `hf auth login`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from ganache.data.readers.hub import is_reachable
from ganache.errors import HubError
from ganache.output.hub.card import FILES
from ganache.runs.hub import explained, hub_library

TAG = "ganache"
"""The tag in the metadata of all repositories that this module has written."""
NEW = {".gitattributes", "README.md", "index.html", "style.css"}
"""The files that the hub puts into a new repository."""


def log_in(repository: str) -> Any:
    """Return the hub's interface for a user with a token that the hub accepts, before any work.

    Raises HubError without a token or a network, or if the hub does not accept the token; MissingExtra without the
    library.
    """
    library = hub_library("Pushing to the Hugging Face hub")
    if not library.get_token():
        raise HubError(
            f"There is no token of the hub to push '{repository}' with: make one that may write, then set HF_TOKEN or "
            "run  hf auth login"
        )
    if not is_reachable():
        raise HubError(f"The hub cannot be reached to push '{repository}': use --to FOLDER without a network.")
    api = library.HfApi()
    with explained(repository):
        api.whoami()
    return api


def upload(api: Any, folder: Path, repository: str, kind: Literal["model", "space"], private: bool = False) -> str:
    """Make the files of a folder those of a repository, which is created if there is none; return its address.

    Of an interrupted upload, the files that have arrived whole are not sent again. Raises HubError if the repository
    holds something else, or the hub does not take the files.
    """
    with explained(repository):
        sdk = {"space_sdk": "static"} if kind == "space" else {}
        url = api.create_repo(repository, repo_type=kind, exist_ok=True, private=private or None, **sdk)
        info = api.repo_info(repository, repo_type=kind)
        files = {each.rfilename for each in info.siblings or []}
        is_new = files <= NEW and len(api.list_repo_commits(repository, repo_type=kind)) <= 1
        if not is_new and TAG not in (info.tags or []):
            raise HubError(f"'{repository}' exists and was not made by ganache: name another, or delete it.")
        api.upload_folder(
            repo_id=repository,
            repo_type=kind,
            folder_path=folder,
            commit_message="Upload of ganache push",
            delete_patterns=list(FILES),
        )
    return str(url)
