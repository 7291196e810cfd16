"""A stand-in for the Hugging Face hub on 127.0.0.1: the part of its HTTP interface that ganache uses, in memory.

    with hub_server() as hub:
        run_ganache("push", run, "me/faces", "--license", "mit", **hub.variables(tmp_path))

It keeps every request, can refuse tokens, and can break a transfer after some bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

TOKEN = "hf_theTokenOfTheTests"
DATE = "2026-01-01T00:00:00.000Z"
LARGE = (".safetensors", ".onnx", ".png")
"""Files that are uploaded by themselves (LFS); others are inside the commit."""


@dataclass
class Repository:
    """The commits of a repository, oldest first: (name of the commit, path -> content)."""

    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)
    private: bool = False

    def add(self, files: dict[str, bytes]) -> str:
        name = hashlib.sha1(repr((len(self.commits), sorted(files))).encode()).hexdigest()
        self.commits.append((name, files))
        return name

    def at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        if revision == "main":
            return self.commits[-1]
        return next((commit for commit in self.commits if commit[0] == revision), None)


@dataclass
class Hub:
    """What the hub holds, what it was asked, and what it does wrong."""

    address: str = ""
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    """("models" or "spaces", owner/name) -> repository."""
    objects: dict[str, bytes] = field(default_factory=dict)
    """SHA-256 -> the content of a large file that has arrived whole."""
    requests: list[str] = field(default_factory=list)
    """METHOD path, and the range that was asked for."""
    break_after: dict[str, int] = field(default_factory=dict)
    """METHOD -> bytes after which the next transfer of more bytes breaks, once."""
    refusals: dict[str, int] = field(default_factory=dict)
    """A part of a path -> the status with which each request for it is answered."""

    def variables(self, folder: Path, token: str = TOKEN) -> dict[str, str]:
        """Environment variables of a user of this hub whose files are in `folder`."""
        found = {
            "HF_ENDPOINT": self.address,
            "HF_HOME": str(folder / "hf"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_OFFLINE": "0",
            "HF_TOKEN": token,
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "GANACHE_CACHE": str(folder / "cache"),
        }
        return found | dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"), "")

    def publish(self, name: str, files: dict[str, bytes], kind: str = "models") -> str:
        """Make a commit with these files; return its name."""
        return self.repositories.setdefault((kind, name), Repository()).add(files)

    def files(self, name: str, kind: str = "models") -> dict[str, bytes]:
        return self.repositories[kind, name].commits[-1][1]


@contextmanager
def hub_server() -> Iterator[Hub]:
    """Start a hub on a free port of 127.0.0.1, and stop it afterwards."""
    hub = Hub()
    handler = type("BoundHandler", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"
    hub: Hub
    content: bytes | None = None

    def handle_one(self) -> None:
        self.content = None
        path = unquote(urlsplit(self.path).path)
        asked = self.headers.get("Range")
        self.hub.requests.append(f"{self.command} {path}{f' {asked}' if asked else ''}")
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        refused = next((status for part, status in self.hub.refusals.items() if part in path), 0)
        if self.command == "PUT":
            self.receive(path)
        elif refused:
            self.fail(refused, message=f"no, {token}")
        elif token and token != TOKEN:
            self.fail(401, message=f"Invalid credentials {token}")
        else:
            for pattern, answer in ROUTES.items():
                if found := re.fullmatch(pattern, f"{self.command} {path}"):
                    answer(self, **found.groupdict())
                    return
            self.fail(501, message=f"the stand-in has no {self.command} {path}")

    do_GET = do_HEAD = do_POST = do_PUT = handle_one

    def log_message(self, *_: Any) -> None:
        pass

    # ---- what is sent ------------------------------------------------------------------------------------------------

    def body(self) -> bytes:
        """Return what was sent with the request; reading it again gives the same."""
        if self.content is None:
            self.content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return self.content

    def send(self, content: bytes, status: int = 200, **headers: Any) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": len(content), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def reply(self, plain: Any, status: int = 200) -> None:
        self.body()
        self.send(json.dumps(plain).encode(), status, Content_Type="application/json")

    def fail(self, status: int, code: str = "", message: str = "") -> None:
        self.body()
        self.send(b"{}", status, **({"X_Error_Code": code} if code else {}), X_Error_Message=message)

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    # ---- repositories ------------------------------------------------------------------------------------------------

    def found(self, kind: str, name: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """Return a commit; answer the request and return None if there is none."""
        repository = self.hub.repositories.get((kind, name))
        if repository is None or (repository.private and "Authorization" not in self.headers):
            self.fail(404 if "Authorization" in self.headers else 401, "RepoNotFound", "Repository not found")
            return None
        commit = repository.at(revision)
        if commit is None:
            self.fail(404, "RevisionNotFound", "Invalid rev id")
        return commit

    def whoami(self) -> None:
        if "Authorization" in self.headers:
            self.reply({"type": "user", "name": "me", "auth": {"type": "access_token"}})
        else:
            self.fail(401)

    def create(self) -> None:
        asked = json.loads(self.body())
        name = f"{asked['organization']}/{asked['name']}"
        key = (f"{asked.get('type', 'model')}s", name)
        status = 409 if key in self.hub.repositories else 200
        self.hub.repositories.setdefault(key, Repository([("0" * 40, {".gitattributes": b""})]))
        if asked.get("visibility") == "private":
            self.hub.repositories[key].private = True
        plain = {"url": f"{self.hub.address}/{'' if key[0] == 'models' else 'spaces/'}{name}", "id": name}
        self.send(json.dumps(plain).encode(), status, Content_Type="application/json")

    def info(self, kind: str, name: str, revision: str | None = None) -> None:
        if commit := self.found(kind, name, revision or "main"):
            sha, files = commit
            card = files.get("README.md", b"").decode()
            data = yaml.safe_load(card.split("---")[1]) if card.startswith("---") else {}
            siblings = [{"rfilename": path, "size": len(content), "blobId": sha} for path, content in files.items()]
            plain = {"_id": "1", "id": name, "sha": sha, "tags": data.get("tags", []), "siblings": siblings}
            self.reply({**plain, "private": False, "downloads": 0, "likes": 0})

    def tree(self, kind: str, name: str, revision: str) -> None:
        if commit := self.found(kind, name, revision):
            entries = [{"type": "file", "path": p, "size": len(c), "oid": etag(c)} for p, c in commit[1].items()]
            self.reply(entries)

    def commits(self, kind: str, name: str) -> None:
        commits = self.hub.repositories[kind, name].commits
        self.reply([{"id": sha, "title": "", "message": "", "date": DATE, "authors": []} for sha, _ in commits])

    def validate(self) -> None:
        content = json.loads(self.body())["content"]
        try:
            yaml.safe_load(content.split("---")[1])
            self.reply({"errors": [], "warnings": []})
        except yaml.YAMLError as error:
            self.reply({"errors": [{"message": str(error)}]}, 400)

    def preupload(self, **_: str) -> None:
        files = json.loads(self.body())["files"]
        modes = {each["path"]: "lfs" if each["path"].endswith(LARGE) else "regular" for each in files}
        self.reply({"files": [{"path": p, "uploadMode": m, "shouldIgnore": False} for p, m in modes.items()]})

    def batch(self, **_: str) -> None:
        objects = json.loads(self.body())["objects"]
        for each in objects:
            if each["oid"] not in self.hub.objects:
                each["actions"] = {"upload": {"href": f"{self.hub.address}/lfs/{each['oid']}"}}
        self.reply({"transfer": "basic", "objects": objects})

    def receive(self, path: str) -> None:
        limit = self.hub.break_after.pop("PUT", None)
        if limit is not None:
            self.rfile.read(limit)
            self.hang_up()
            return
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = iter(lambda: self.rfile.read(int(self.rfile.readline(), 16) + 2)[:-2], b"")
            content = b"".join(parts)
        else:
            content = self.body()
        assert hashlib.sha256(content).hexdigest() == path.rpartition("/")[2]
        self.hub.objects[path.rpartition("/")[2]] = content
        self.send(b"")

    def commit(self, kind: str, name: str) -> None:
        lines = [json.loads(line) for line in self.body().splitlines()]
        repository = self.hub.repositories[kind, name]
        files = dict(repository.commits[-1][1])
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        sha = repository.add(files)
        self.reply({"commitUrl": f"{self.hub.address}/{name}/commit/{sha}", "commitOid": sha})

    def resolve(self, name: str, revision: str, file: str) -> None:
        commit = self.found("models", name, revision)
        if commit is None:
            return
        if file not in commit[1]:
            self.fail(404, "EntryNotFound", "Entry not found")
            return
        content, status, headers = commit[1][file], 200, {"ETag": f'"{etag(commit[1][file])}"'}
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            start, end = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
            content, status = content[start : end + 1], 206
        limit = self.hub.break_after.get("GET") if self.command == "GET" and status == 200 else None
        if limit is not None and len(content) > limit:
            del self.hub.break_after["GET"]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:limit])
            self.wfile.flush()
            self.hang_up()
            return
        self.send(content, status, X_Repo_Commit=commit[0], Accept_Ranges="bytes", **headers)


def etag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


KIND, NAME, REVISION = r"(?P<kind>models|spaces)", r"(?P<name>[^/]+/[^/]+)", r"(?P<revision>[^/]+)"
ROUTES = {
    r"GET /api/whoami-v2": Handler.whoami,
    r"POST /api/repos/create": Handler.create,
    r"POST /api/validate-yaml": Handler.validate,
    rf"GET /api/{KIND}/{NAME}": Handler.info,
    rf"GET /api/{KIND}/{NAME}/revision/{REVISION}": Handler.info,
    rf"GET /api/{KIND}/{NAME}/tree/{REVISION}": Handler.tree,
    rf"GET /api/{KIND}/{NAME}/commits/main": Handler.commits,
    rf"POST /api/{KIND}/{NAME}/preupload/main": Handler.preupload,
    rf"POST /api/{KIND}/{NAME}/commit/main": Handler.commit,
    r"POST /(spaces/)?[^/]+/[^/]+\.git/info/lfs/objects/batch": Handler.batch,
    rf"(GET|HEAD) /{NAME}/resolve/{REVISION}/(?P<file>.+)": Handler.resolve,
}
