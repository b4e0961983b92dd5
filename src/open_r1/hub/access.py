"""Whether the Hub would let this user publish, asked before a long run and not after it."""

from collections.abc import Iterable
from typing import Any

from ..core.errors import RecipeError
from ..core.publishing import Repository

LOGIN = "hf auth login, or set HF_TOKEN, with a token that may write"


def check_access(repositories: Iterable[Repository]) -> str:
    """
    The name of the token's user, if it may write to all of these; raises `RecipeError` with what is wrong otherwise.
    Nothing is created.
    """
    from huggingface_hub import HfApi, get_token

    if not get_token():
        raise RecipeError("no token of the Hub is here to publish with", LOGIN)
    user = HfApi().whoami()
    token = user.get("auth", {}).get("accessToken", {})
    if token.get("role") == "read":
        raise RecipeError(f"the token of {user['name']} may only read, and is to publish", LOGIN)
    writers = {user["name"]} | {org["name"] for org in user.get("orgs", []) if org.get("roleInOrg") != "read"}
    for repository in repositories:
        owner = repository.name.partition("/")[0] if "/" in repository.name else user["name"]
        if owner not in writers:
            hint = f"publish in the namespace of one of {', '.join(sorted(writers))}"
            raise RecipeError(f"{repository.name}: {user['name']} may not write to {owner}", hint)
        if token.get("role") == "fineGrained" and not may_write(token.get("fineGrained", {}), owner):
            raise RecipeError(f"{repository.name}: the token of {user['name']} may not write to {owner}", LOGIN)
    return user["name"]


def may_write(scopes: dict[str, Any], owner: str) -> bool:
    """Whether a fine-grained token may write to some repository of an owner."""
    return any(
        scope.get("entity", {}).get("name", "").partition("/")[0] == owner
        and "repo.write" in scope.get("permissions", [])
        for scope in scopes.get("scoped", [])
    )
