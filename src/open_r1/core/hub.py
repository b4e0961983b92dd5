"""Names on the Hub, `org/name` or `org/name@revision`: which commit they mean, and the folder where it lies here.

Nothing is downloaded under a branch's name: a branch or tag is resolved to a commit first (`commit_of`), and what was
pulled of a commit is complete by the list of its files, which `huggingface_hub` keeps beside them in its cache. So the
same names work with `HF_HUB_OFFLINE=1`, and a folder says by its path what it is (`origin`). `huggingface_hub` is
imported when it is needed.
"""

import contextlib
import glob
import re
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from .errors import HubError, NotOnHub, RecipeError

COMMIT = re.compile(r"[0-9a-f]{40}")
NAME = re.compile(r"([\w.-]+/[\w.-]+)@(.+)")
# what transformers, PEFT and vLLM read of a model: not the same weights in other formats
TEXTS = (".json", ".jinja", ".txt", ".model", ".tiktoken", ".py", ".yaml", ".md")
SAFE = re.compile(r"(adapter/)?(adapter_)?model[^/]*\.safetensors")
PICKLED = re.compile(r"(pytorch_|adapter_)model[^/]*\.bin")


def split_id(name: str) -> tuple[str, str | None]:
    """Hub id and revision of `org/name@revision`; any other name is itself, without one."""
    found = NAME.fullmatch(name)
    return (found[1], found[2]) if found else (name, None)


def looks_local(name: str) -> bool:
    """Whether a model or dataset name means a place on this disk, not a Hub id `namespace/name`."""
    path, whole = Path(split_id(name)[0]), Path(name).expanduser()
    return name.startswith((".", "/", "~")) or str(path).count("/") != 1 or path.parent.exists() or whole.exists()


def is_hub_name(name: str) -> bool:
    """Whether a name means something on the Hub; generated data (`mini:`, `gym:`) are nowhere."""
    return ":" not in name and not looks_local(name)


def at(name: str, revision: Any) -> str:
    """A name with the revision that another key gives it; raises `RecipeError` where it has another one itself."""
    if not revision or not is_hub_name(name):
        return name
    base, own = split_id(name)
    if own and own != str(revision):
        raise RecipeError(f"{name} has the revision {own}, and the key beside it {revision}", "give one of them")
    return f"{base}@{revision}"


def origin(folder: str | Path) -> tuple[str, str] | None:
    """Hub id and commit of a folder in the cache, `None` for any other place."""
    *_, repository, kind, commit = ("", "", "", *Path(folder).parts)[-3:]
    kinds = ("models--", "datasets--")
    if kind != "snapshots" or not repository.startswith(kinds) or not COMMIT.fullmatch(commit):
        return None
    return repository.partition("--")[2].replace("--", "/", 1), commit


def called(name: str) -> str:
    """How a model is called in rows and messages: a Hub id without its revision, or its place on this disk."""
    found = origin(name)
    return found[0] if found else split_id(name)[0] if is_hub_name(name) else name


def offline() -> bool:
    """Whether the Hub is switched off (`HF_HUB_OFFLINE`)."""
    from huggingface_hub import is_offline_mode

    return is_offline_mode()


def commit_of(name: str, revision: str | None, kind: str) -> str:
    """
    The commit that a revision means now; offline what it meant when it was pulled.

    Args:
        name (`str`):
            Hub id.
        revision (`str` or `None`):
            Branch, tag or commit; `None` for `main`.
        kind (`str`):
            `model` or `dataset`.
    """
    from huggingface_hub import HfApi

    with explained(name, revision, kind):
        found = HfApi().resolve_revision(name, repo_type=kind, revision=revision, local_files_only=offline())
    return found.resolved


def folder_of(name: str, commit: str, kind: str) -> Path:
    """Where a commit lies in the cache, whether or not it does."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type=kind) / "snapshots" / commit


def listing(name: str, commit: str, kind: str) -> dict[str, int]:
    """The files of a commit with their bytes; of one in the cache without a list, such as is pulled no more, those."""
    from huggingface_hub import HfApi, get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError, LocalEntryNotFoundError
    from huggingface_hub.hf_api import RepoFile

    with explained(name, commit, kind):
        try:
            found = get_cached_repo_tree(name, repo_type=kind, revision=commit)
        except CachedRepoTreeNotFoundError:
            folder = folder_of(name, commit, kind)
            if offline() and not folder.is_dir():
                raise LocalEntryNotFoundError(str(folder)) from None
            if offline():
                files = [path for path in folder.rglob("*") if path.is_file()]
                return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
            tree = HfApi().list_repo_tree(name, recursive=True, revision=commit, repo_type=kind)
            found = [entry for entry in tree if isinstance(entry, RepoFile)]
    return {file.path: file.size for file in found}


def model_files(name: str, commit: str, weights: bool = True) -> list[str]:
    """The files of a model that are read, and no second copy of its weights."""
    files = listing(name, commit, "model")
    texts = [file for file in files if file.endswith(TEXTS)]
    found = [file for file in files if SAFE.fullmatch(file)] or [file for file in files if PICKLED.fullmatch(file)]
    if weights and not found:
        if offline():
            raise not_pulled(name, commit)
        raise HubError(f"{name} holds no weights that transformers loads", "give a model with `model.safetensors`")
    return texts + (found if weights else [])


def snapshot(name: str, commit: str, kind: str, files: Collection[str]) -> Path:
    """
    The folder of a commit, in which some of its files are.

    Args:
        name (`str`):
            Hub id.
        commit (`str`):
            From `commit_of`.
        kind (`str`):
            `model` or `dataset`.
        files (`Collection[str]`):
            The files that are wanted, of those that `listing` names.
    """
    from huggingface_hub import snapshot_download

    folder = folder_of(name, commit, kind)
    missing = absent(name, commit, kind, files)
    if not missing:
        return folder
    if offline():
        raise not_pulled(name, commit)
    require_space(sum(missing.values()), name)
    with explained(name, commit, kind):
        wanted = [glob.escape(file) for file in missing]
        snapshot_download(name, repo_type=kind, revision=commit, allow_patterns=wanted)
    return folder


def absent(name: str, commit: str, kind: str, files: Collection[str]) -> dict[str, int]:
    """Those of the files of a commit that are not in the cache yet, with their bytes."""
    folder, known = folder_of(name, commit, kind), listing(name, commit, kind)
    return {file: known[file] for file in files if not (folder / file).is_file()}


def require_space(needed: int, what: str, place: Path | None = None) -> None:
    """Raises `HubError` where a download would fill the disk; by default that of the cache."""
    from huggingface_hub import constants

    place = (place or Path(constants.HF_HUB_CACHE)).expanduser().absolute()
    there = next(path for path in (place, *place.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        hint = "free space, choose another `--root`, or set HF_HUB_CACHE to a place on a larger disk"
        raise HubError(f"{what} needs {in_words(needed)}, and {there} has {in_words(free)} free", hint)


def in_words(size: float) -> str:
    """A number of bytes."""
    for unit in ("bytes", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def not_pulled(name: str, revision: str | None) -> HubError:
    """What to say of a name that the cache does not hold, where the Hub is switched off."""
    whole = f"{name}@{revision}" if revision else name
    return HubError(
        f"{whole} is not, or not whole, in the cache here, and the Hub is switched off (HF_HUB_OFFLINE)",
        "`open-r1 pull` the recipe on a machine with network, with this HF_HUB_CACHE; or unset HF_HUB_OFFLINE",
    )


@contextlib.contextmanager
def explained(name: str, revision: str | None, kind: str) -> Iterator[None]:
    """Gives what the client of the Hub says about a name as one line, with the fix."""
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except errors.HfHubHTTPError as error:
        raise refusal(error, name, revision, kind) from None
    except errors.HFValidationError:
        raise HubError(f"{name} is no name on the Hub", "write `namespace/name`, or a path that exists") from None
    except (
        errors.LocalEntryNotFoundError,
        errors.RevisionResolutionError,
        errors.OfflineModeIsEnabled,
        httpx2.HTTPError,
    ) as error:
        if offline():
            raise not_pulled(name, revision) from None
        reason = type(error.__cause__ or error).__name__
        raise HubError(
            f"{name}: the Hub cannot be reached ({reason})",
            "check the network and HF_ENDPOINT, or set HF_HUB_OFFLINE=1 to use what `open-r1 pull` has fetched",
        ) from None


def refusal(error: Any, name: str, revision: str | None, kind: str) -> HubError:
    """What to say of an answer of the Hub that is no success."""
    from huggingface_hub import constants, errors, get_token

    page = f"{constants.ENDPOINT}/{'datasets/' if kind == 'dataset' else ''}{name}"
    status, token = error.response.status_code, get_token()
    login = "use a token that may read it" if token else "log in with `hf auth login`, or set HF_TOKEN"
    if isinstance(error, errors.GatedRepoError):
        return HubError(f"the {kind} {name} is gated", f"accept its terms at {page}, then {login}")
    if isinstance(error, errors.RevisionNotFoundError):
        return NotOnHub(
            f"the {kind} {name} has no revision {revision or 'main'}", f"use one of {revisions(name, kind)}"
        )
    if isinstance(error, errors.RepositoryNotFoundError) or status in (401, 403):
        state = "not readable with this token" if token else "private"
        return NotOnHub(f"the {kind} {name} is not on the Hub, or {state}", f"correct the name, or {login}")
    return HubError(f"{name}: the Hub answers with status {status}", "try again later")


def revisions(name: str, kind: str) -> str:
    """The branches and tags that a repository has."""
    from huggingface_hub import HfApi

    refs = HfApi().list_repo_refs(name, repo_type=kind)
    return ", ".join(ref.name for ref in (*refs.branches, *refs.tags)) or "a commit"
