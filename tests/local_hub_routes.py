"""
What the Hub of `local_hub.py` answers: one function for each endpoint that the libraries call. Each gets the request
and the parts of its path, and returns the body of its answer, or raises `Refused`. Here are those that read; those
that write are in `local_hub_writes.py`.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

import yaml
from local_hub_store import Refused, Repository, paths_info, tree

ROUTES: list[tuple[str, str, re.Pattern, Any]] = []
REPOSITORY = r"/api/(?P<kind>model|dataset)s/(?P<name>[^/]+/[^/]+)"
FILES = r"/(?P<kind>datasets/)?(?P<name>[^/]+/[^/]+)"


@dataclass
class Request:
    """What was asked, at which step of a push, and how it ended: `status` is `None` where no answer was given."""

    method: str
    path: str
    step: str = "other"
    status: int | None = None
    query: dict[str, str] = field(default_factory=dict)
    headers: Any = None
    body: bytes = b""

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body or b"{}")


@dataclass
class Answer:
    """Bytes, where an answer is not JSON."""

    status: int
    data: bytes
    headers: dict[str, str]


def route(method: str, pattern: str, step: str = "other"):
    def register(function):
        ROUTES.append((method, step, re.compile(pattern), function))
        return function

    return register


def find(method: str, path: str):
    """The step, the function and the arguments for a request."""
    for wanted, step, pattern, function in ROUTES:
        if wanted == method.replace("HEAD", "GET") and (found := pattern.fullmatch(path)):
            return step, function, {key: unquote(value) for key, value in found.groupdict(default="").items()}
    raise Refused(404, f"the local Hub does not know {method} {path}")


def kind_of(part: str) -> str:
    """Models have no part of the address that names them, "datasets/" is that of data sets."""
    return "dataset" if part.startswith("dataset") else "model"


def opened(hub, request: Request, kind: str, name: str, write: bool = False, files: bool = False) -> Repository:
    """The repository that a request is about, if whoever asks may see it, write to it, or read its files."""
    user, kind = hub.who(request), kind_of(kind)
    repository = hub.repositories.get((kind, name))
    mine = bool(user) and name.partition("/")[0] in hub.namespaces
    if repository is None or (repository.private and not mine):
        raise Refused(404 if user else 401, "Repository not found", "RepoNotFound")
    if files and repository.gated and not mine:
        raise Refused(403 if user else 401, f"Access to {kind} {name} is restricted", "GatedRepo")
    if write and not user:
        raise Refused(401, "Invalid username or password.")
    if write and not (mine and hub.role == "write"):
        raise Refused(403, "Forbidden: you must use a write token to upload to a repository.")
    return repository


@route("GET", "/api/whoami-v2", "whoami")
def whoami(hub, request):
    if not hub.who(request):
        raise Refused(401, "Invalid username or password.")
    orgs = [{"type": "org", "id": org, "name": org, "fullname": org, "roleInOrg": "write"} for org in hub.orgs]
    token = {"displayName": "test", "role": hub.role, "createdAt": "2025-01-01T00:00:00.000Z"}
    user = {"type": "user", "id": hub.user, "name": hub.user, "fullname": hub.user, "orgs": orgs}
    return user | {"auth": {"type": "access_token", "accessToken": token}}


@route("POST", "/api/validate-yaml")
def validate_yaml(hub, request):
    parts = request.json["content"].split("---\n")
    try:
        metadata = yaml.safe_load(parts[1]) if len(parts) > 2 else {}
    except yaml.YAMLError as error:
        metadata = str(error)
    errors = [] if isinstance(metadata or {}, dict) else [{"message": f"not metadata: {metadata}"}]
    if errors:
        raise Refused(400, "Invalid metadata", body={"errors": errors, "warnings": []})
    return {"errors": [], "warnings": []}


@route("GET", "/api/(?P<kind>model|dataset)s")
def listing(hub, request, kind):
    author, mine = request.query.get("author"), hub.namespaces if hub.who(request) else ()
    found = [one for one in hub.repositories.values() if one.kind == kind and author in (None, one.namespace)]
    return [info(request, one, "main") for one in found if not one.private or one.namespace in mine]


def info(request, repository: Repository, revision: str) -> dict[str, Any]:
    commit, siblings = repository.at(revision), []
    for path, file in sorted(commit.files.items()):
        entry = file.entry(path)
        lfs = {"lfs": entry["lfs"] | {"sha256": file.sha256}} if file.lfs else {}
        more = {"size": entry["size"], "blobId": file.blob} | lfs if "blobs" in request.query else {}
        siblings.append({"rfilename": path} | more)
    return {
        "_id": repository.name, "id": repository.name, "sha": commit.sha, "author": repository.namespace,
        "private": repository.private, "gated": "manual" if repository.gated else False, "disabled": False,
        "lastModified": commit.date, "createdAt": commit.date, "tags": [], "downloads": 0, "likes": 0,
        "siblings": siblings,
    }  # fmt: skip


@route("GET", REPOSITORY + "(?:/revision/(?P<revision>[^/]+))?")
def repo_info(hub, request, kind, name, revision):
    return info(request, opened(hub, request, kind, name), revision or "main")


@route("GET", REPOSITORY + "/auth-check")
def auth_check(hub, request, kind, name):
    opened(hub, request, kind, name, files=True)


@route("GET", REPOSITORY + "/refs")
def refs(hub, request, kind, name):
    def listed(folder, known):
        return [{"name": one, "ref": f"refs/{folder}/{one}", "targetCommit": known[one].sha} for one in known]

    repository = opened(hub, request, kind, name)
    return {"branches": listed("heads", repository.branches), "tags": listed("tags", repository.tags), "converts": []}


@route("GET", REPOSITORY + "/commits/(?P<revision>[^/]+)")
def commits(hub, request, kind, name, revision):
    history = opened(hub, request, kind, name).history(revision)
    names = {"authors": [{"user": hub.user}]}
    return [{"id": one.sha, "title": one.title, "message": one.message, "date": one.date, **names} for one in history]


@route("GET", REPOSITORY + "/tree/(?P<revision>[^/]+)(?:/(?P<folder>.+))?")
def list_tree(hub, request, kind, name, revision, folder):
    files = opened(hub, request, kind, name).at(revision).files
    return tree(files, folder.strip("/"), request.query.get("recursive", "").lower() == "true")


@route("POST", REPOSITORY + "/paths-info/(?P<revision>[^/]+)")
def list_paths(hub, request, kind, name, revision):
    paths = parse_qs(request.body.decode()).get("paths", [])
    return paths_info(opened(hub, request, kind, name).at(revision).files, paths)


@route("GET", FILES + "/(?:resolve|raw)/(?P<revision>[^/]+)/(?P<path>.+)", "resolve")
def resolve(hub, request, kind, name, revision, path):
    at = opened(hub, request, kind, name, files=True).at(revision)
    if path not in at.files:
        raise Refused(404, "Entry not found", "EntryNotFound")
    file = at.files[path]
    size = len(file.data)
    headers = {"X-Repo-Commit": at.sha, "ETag": f'"{file.oid}"', "Accept-Ranges": "bytes"}
    if not (asked := re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))):
        return Answer(200, file.data, headers)
    first, last = int(asked[1]), min(int(asked[2] or size), size - 1)
    if first > last:
        raise Refused(416, "the range cannot be satisfied")
    return Answer(206, file.data[first : last + 1], headers | {"Content-Range": f"bytes {first}-{last}/{size}"})
