"""What lies on the Hub of `local_hub.py`: repositories, as their branches, tags and commits, all in memory."""

import base64
import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

LFS_SUFFIXES = (".safetensors", ".bin", ".pt", ".parquet", ".arrow", ".model", ".gguf", ".gz", ".zip", ".png")
LFS_SIZE = 10_000_000  # bytes; larger files are kept apart whatever their name
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"


class Refused(Exception):
    """An answer other than 200: its status, its message, and the code that the client turns into an exception."""

    def __init__(self, status: int, message: str, code: str | None = None, body: dict | None = None):
        super().__init__(message)
        self.status, self.message, self.code, self.body = status, message, code, body or {}


@dataclass(frozen=True)
class File:
    """One file: regular ones are blobs of git, `lfs` ones are kept by their content's hash."""

    data: bytes
    lfs: bool = False

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def blob(self) -> str:
        """The hash that git gives to the file, or to what stands for it."""
        body = POINTER.format(self.sha256, len(self.data)).encode() if self.lfs else self.data
        return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()

    @property
    def oid(self) -> str:
        """The hash by which the client sees that a file has not changed."""
        return self.sha256 if self.lfs else self.blob

    def entry(self, path: str) -> dict[str, Any]:
        size = len(self.data)
        lfs = {"lfs": {"oid": self.sha256, "size": size, "pointerSize": 134}} if self.lfs else {}
        return {"type": "file", "path": path, "size": size, "oid": self.blob, **lfs}


def folder_entry(path: str) -> dict[str, Any]:
    return {"type": "directory", "path": path, "oid": hashlib.sha1(path.encode()).hexdigest(), "size": 0}


class Commit(NamedTuple):
    """One commit, with all files as they are after it."""

    sha: str
    title: str
    message: str
    files: dict[str, File]
    parent: "Commit | None"
    date: str


@dataclass
class Repository:
    """
    A repository.

    Args:
        kind (`str`): "model" or "dataset".
        name (`str`): "namespace/name".
        private (`bool`): Whether others than its owners see it.
        gated (`bool`): Whether others than its owners see its files.
    """

    kind: str
    name: str
    private: bool = False
    gated: bool = False
    branches: dict[str, Commit] = field(default_factory=dict)
    tags: dict[str, Commit] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        return self.name.partition("/")[0]

    def at(self, revision: str) -> Commit:
        for known in (self.branches, self.tags, self.commits):
            if revision in known:
                return known[revision]
        raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")

    def files(self, revision: str = "main") -> dict[str, bytes]:
        return {path: file.data for path, file in self.at(revision).files.items()}

    def history(self, revision: str = "main") -> list[Commit]:
        """The newest first."""
        found, commit = [], self.at(revision)
        while commit:
            found.append(commit)
            commit = commit.parent
        return found

    def commit(self, branch: str, title: str, files: dict[str, File], message: str = "") -> Commit:
        parent = self.branches.get(branch)
        sha = hashlib.sha1(f"{self.kind} {self.name} {len(self.commits)} {time.time_ns()}".encode()).hexdigest()
        date = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        self.commits[sha] = self.branches[branch] = Commit(sha, title, message, files, parent, date)
        return self.commits[sha]

    def write(self, files: dict[str, bytes], branch: str = "main", title: str = "by somebody") -> Commit:
        """A commit that comes from elsewhere."""
        before = self.branches[branch].files if branch in self.branches else {}
        new = {path: File(data, mode_of(path, len(data)) == "lfs") for path, data in files.items()}
        return self.commit(branch, title, before | new)

    def apply(self, branch: str, lines: Iterable[bytes], objects: dict[str, bytes]) -> Commit:
        """A commit as the client sends it: a header, then one line for each file."""
        if branch not in self.branches:
            raise Refused(404, f"Invalid rev id: {branch}", "RevisionNotFound")
        head, files, header = self.branches[branch], dict(self.branches[branch].files), {}
        for line in map(json.loads, lines):
            key, value = line["key"], line["value"]
            if key == "header":
                header = value
            else:
                change(files, key, value, objects)
        if header.get("parentCommit") not in (None, head.sha):
            raise Refused(412, "A commit has happened since. Please refresh and try again.")
        return self.commit(branch, header["summary"], files, header.get("description", ""))


def mode_of(path: str, size: int) -> str:
    return "lfs" if path.endswith(LFS_SUFFIXES) or size > LFS_SIZE else "regular"


def change(files: dict[str, File], key: str, value: dict[str, Any], objects: dict[str, bytes]) -> None:
    """Makes one change of a commit."""
    path = value["path"]
    if key == "file":
        files[path] = File(base64.b64decode(value["content"]))
    elif key == "lfsFile" and value["oid"] in objects:
        files[path] = File(objects[value["oid"]], lfs=True)
    elif key == "deletedFile" and path in files:
        del files[path]
    elif key == "deletedFolder":
        for inside in [name for name in files if name.startswith(path.rstrip("/") + "/")]:
            del files[inside]
    else:
        raise Refused(400, f"{key} {path}: not there")


def tree(files: dict[str, File], folder: str, recursive: bool) -> list[dict[str, Any]]:
    """What lies in a folder, as the Hub lists it."""
    prefix = f"{folder}/" if folder else ""
    inside = {path: file for path, file in files.items() if path.startswith(prefix)}
    if not inside and folder:
        raise Refused(404, f"{folder} does not exist", "EntryNotFound")
    found, folders = [], set()
    for path, file in sorted(inside.items()):
        parts = path[len(prefix) :].split("/")
        above = [prefix + "/".join(parts[:depth]) for depth in range(1, len(parts))]
        folders.update(above if recursive else above[:1])
        if recursive or not above:
            found.append(file.entry(path))
    return [folder_entry(path) for path in sorted(folders)] + found


def paths_info(files: dict[str, File], paths: list[str]) -> list[dict[str, Any]]:
    found = []
    for path in (path.strip("/") for path in paths):
        if path in files:
            found.append(files[path].entry(path))
        elif any(name.startswith(f"{path}/") for name in files):
            found.append(folder_entry(path))
    return found
