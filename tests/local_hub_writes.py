"""The endpoints of the Hub of `local_hub.py` that change what lies there; see `local_hub_routes.py`."""

import hashlib

from local_hub_routes import FILES, REPOSITORY, opened, route
from local_hub_store import Refused, mode_of


@route("POST", "/api/repos/create", "create")
def create(hub, request):
    asked = request.json
    kind, name = asked.get("type") or "model", f"{asked.get('organization') or hub.user}/{asked['name']}"
    if not hub.who(request):
        raise Refused(401, "Invalid username or password.")
    if hub.role != "write" or name.partition("/")[0] not in hub.namespaces:
        raise Refused(
            403, f"You don't have the rights to create a {kind} under the namespace {name.partition('/')[0]}"
        )
    found = {"url": hub.url_of(kind, name), "name": name, "id": name}
    if (kind, name) in hub.repositories:
        raise Refused(409, f"You already created this {kind} repo", body=found)
    hub.add(kind, name, {".gitattributes": b""}, private=asked.get("visibility") == "private")
    return found


@route("DELETE", "/api/repos/delete")
def delete(hub, request):
    kind, name = request.json.get("type") or "model", request.json["name"]
    name = f"{request.json.get('organization') or hub.user}/{name}"
    del hub.repositories[kind, opened(hub, request, kind, name, write=True).name]


@route("PUT", REPOSITORY + "/settings")
def settings(hub, request, kind, name):
    repository, asked = opened(hub, request, kind, name, write=True), request.json
    repository.private = asked.get("visibility", "public") == "private"
    repository.gated = bool(asked.get("gated", repository.gated))


@route("POST", REPOSITORY + "/branch/(?P<branch>[^/]+)", "branch")
def create_branch(hub, request, kind, name, branch):
    repository = opened(hub, request, kind, name, write=True)
    if branch in repository.branches:
        raise Refused(409, "Reference already exists")
    repository.branches[branch] = repository.at(request.json.get("startingPoint") or "main")


@route("POST", REPOSITORY + "/tag/(?P<revision>[^/]+)", "tag")
def create_tag(hub, request, kind, name, revision):
    repository, tag = opened(hub, request, kind, name, write=True), request.json["tag"]
    if tag in repository.tags:
        raise Refused(409, "Tag reference already exists")
    repository.tags[tag] = repository.at(revision)


@route("DELETE", REPOSITORY + "/(?P<what>branch|tag)/(?P<revision>[^/]+)")
def delete_ref(hub, request, kind, name, what, revision):
    repository = opened(hub, request, kind, name, write=True)
    known = repository.branches if what == "branch" else repository.tags
    if known.pop(revision, None) is None:
        raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")


@route("POST", REPOSITORY + "/preupload/(?P<revision>[^/]+)", "preupload")
def preupload(hub, request, kind, name, revision):
    known, found = opened(hub, request, kind, name, write=True).at(revision).files, []
    for file in request.json["files"]:
        path, mode = file["path"], mode_of(file["path"], file["size"])
        oid = known[path].oid if path in known else None
        found.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
    return {"files": found}


@route("POST", FILES + r"\.git/info/lfs/objects/batch", "lfs-batch")
def lfs_batch(hub, request, kind, name):
    opened(hub, request, kind, name, write=True)
    found = []
    for one in request.json["objects"]:
        upload = {"upload": {"href": f"{hub.url}/uploads/{one['oid']}", "header": {}}}
        actions = {} if one["oid"] in hub.objects else {"actions": upload}  # none: it is there already
        found.append({"oid": one["oid"], "size": one["size"], **actions})
    return {"transfer": "basic", "objects": found}


@route("PUT", "/uploads/(?P<oid>[0-9a-f]{64})", "upload")
def upload(hub, request, oid):
    if hashlib.sha256(request.body).hexdigest() != oid:
        raise Refused(400, "the content is not what its hash says")
    hub.objects[oid] = request.body


@route("POST", REPOSITORY + "/commit/(?P<revision>[^/]+)", "commit")
def commit(hub, request, kind, name, revision):
    repository = opened(hub, request, kind, name, write=True)
    made = repository.apply(revision, request.body.splitlines(), hub.objects)
    url = f"{hub.url_of(repository.kind, name)}/commit/{made.sha}"
    return {"success": True, "commitOid": made.sha, "commitUrl": url, "hookOutput": ""}
