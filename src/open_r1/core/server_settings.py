"""How a recipe names the servers of a model that writes at length: the rewriter, and the judge of pairs."""

from dataclasses import dataclass
from typing import Any

from .endpoints import Endpoint


@dataclass
class ServerSettings:
    """
    What `url`, `model` and the keys beside them say.

    Args:
        url (`str` or `list[str]`):
            Base URLs of its servers.
        model (`str`):
            Its name there.
        key_variable (`str`, *optional*, defaults to `"OPENAI_API_KEY"`):
            Environment variable with the key.
        concurrency (`int`, *optional*, defaults to `32`):
            Requests at once.
        timeout (`float`, *optional*, defaults to `600.0`):
            Seconds for one request.
        retries (`int`, *optional*, defaults to `6`):
            Attempts after the first.
    """

    url: Any
    model: str
    key_variable: str = "OPENAI_API_KEY"
    concurrency: int = 32
    timeout: float = 600.0
    retries: int = 6

    def endpoint(self) -> Endpoint:
        """Its servers; raises `RecipeError` for settings that cannot work."""
        return Endpoint(self.url, self.key_variable, self.concurrency, self.timeout, self.retries)
