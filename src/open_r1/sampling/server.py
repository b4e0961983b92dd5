"""Completions from servers with an OpenAI-compatible API: vLLM, SGLang, `transformers serve`, commercial services.

One request per completion, with a seed of its own; servers with a prefix cache read a prompt once all the same. `api:
text` sends the prompt that this model's tokenizer renders and gets back what was sampled: use it where the server has
`/completions`. `api: chat` leaves the template to the server; some then split the reasoning off, and it is put back
here, so that verdicts see what the model wrote.
"""

import asyncio
from pathlib import Path
from typing import Any

from ..core.endpoints import Endpoint, RequestError
from ..core.errors import EndpointError, RecipeError
from ..core.formats import CLOSE, OPEN, ResponseFormat
from ..core.hub import called
from ..core.rows import Row
from ..core.served import Served
from ..data.tokenizer import load_tokenizer
from .arguments import Sampling
from .engines import Draw, Part, Save
from .prompts import conversation, cut_at, format_of, render, sample_seed, without_bos

# With vLLM and SGLang a request means what it says: else the model's own generation_config fills in what is left out,
# and `top_k: 1` there makes all samples of a problem copies.
NEUTRAL = {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}
ABORTED = ("abort", "error")  # what vLLM and SGLang say where they went down, or gave up: no word of the model
OPEN_PARTS = 4  # at least so many parts at once, so that the slowest completion of one holds nothing up


class ServerEngine:
    """
    One or several servers of one model.

    Args:
        model (`str`):
            The name by which they serve it.
        response_format (`str`):
            `zero` or `r1`.
        sampling (`Sampling`):
            How to draw; `url` names the servers.
        chat_template (`str`, *optional*):
            A `.jinja` file in place of the model's own template, for `api: text`.
        remote (`bool`, *optional*, defaults to `True`):
            Whether this process asks the servers itself, and not through `at_scale.py`.
    """

    def __init__(
        self,
        model: str,
        response_format: str,
        sampling: Sampling,
        chat_template: str | None = None,
        remote: bool = True,
    ):
        if remote and not sampling.url:
            raise RecipeError("`engine: server` needs `url`", "add `url: http://localhost:8000/v1`, or a list of them")
        if sampling.api not in ("chat", "text"):
            raise RecipeError(
                f"`api: {sampling.api}` is neither `chat` nor `text`", "use `text` where the server has /completions"
            )
        if sampling.api == "chat" and chat_template:
            raise RecipeError(
                "`chat_template` does nothing with `api: chat`: the server has its own",
                "use `api: text`, or remove it",
            )
        self.name, self.sampling = called(model), sampling
        conversation([], sampling)  # what it names is read, or refused, before a server is asked
        local = sampling.tokenizer or (model if sampling.api == "text" or Path(model).is_dir() else "")
        self.tokenizer = (
            load_tokenizer(local, chat_template, trust_remote_code=sampling.trust_remote_code) if local else None
        )
        self.response_format = ResponseFormat(response_format)  # type: ignore[arg-type]  # the recipe was checked
        if self.tokenizer:
            self.response_format = format_of(response_format, self.tokenizer, sampling)
        self.served = Served(0, "")  # what the servers say
        self.in_a_row = 0  # requests that no server answered
        self.endpoint: Endpoint | None = None

    def draw_parts(self, parts: list[Part], save: Save) -> None:
        """Draws all parts, some at a time; raises `EndpointError` where the servers are away or refuse."""
        asyncio.run(self.draw_all(parts, save))

    async def draw_all(self, parts: list[Part], save: Save) -> None:
        chosen = self.sampling
        open_parts: set[asyncio.Task] = set()
        most = max(OPEN_PARTS, 2 * chosen.concurrency // max(1, len(parts[0].jobs))) if parts else 0
        async with self.client() as endpoint:
            self.served = await endpoint.check(self.name)
            try:
                for part in parts:
                    if len(open_parts) >= most:
                        done, open_parts = await asyncio.wait(open_parts, return_when=asyncio.FIRST_COMPLETED)
                        for ended in done:
                            ended.result()
                    open_parts.add(asyncio.create_task(self.draw_part(endpoint, part, save)))
                for ending in asyncio.as_completed(open_parts):
                    await ending
            finally:
                for task in open_parts:
                    task.cancel()
                await asyncio.gather(*open_parts, return_exceptions=True)

    def client(self) -> Endpoint:
        chosen = self.sampling
        return Endpoint(chosen.url, chosen.key_variable, chosen.concurrency, chosen.timeout, chosen.retries)

    async def connected(self) -> Endpoint:
        """A client for as long as this process lives."""
        if self.endpoint is None:
            self.endpoint = self.client()
            await self.endpoint.__aenter__()
            self.served = await self.endpoint.check(self.name)
        return self.endpoint

    async def draw_part(self, endpoint: Endpoint, part: Part, save: Save) -> None:
        draws = await asyncio.gather(*(self.draw_one(endpoint, *job) for job in part.jobs))
        await asyncio.to_thread(save, part, draws)

    async def draw_one(self, endpoint: Endpoint, problem: Row, sample: int) -> Draw:
        """One completion; what fails after all attempts comes back with its reason."""
        seed = self.seed(problem, sample)
        prompt, path, body = self.request(problem, seed)
        if reason := self.fit(problem, body):
            return Draw(prompt, "", 0, "failed", seed, reason)
        try:
            text, tokens, finish_reason = await self.complete(endpoint, path, body)
        except RequestError as error:
            self.in_a_row += error.status == 0
            if self.in_a_row > max(8, self.sampling.concurrency):
                hint = "start the servers and run again: what was drawn is kept"
                raise EndpointError(f"no server answers any more: {error}", hint) from None
            return Draw(prompt, "", 0, "failed", seed, str(error))
        self.in_a_row = 0
        return Draw(prompt, text, tokens, finish_reason, seed)

    async def complete(self, endpoint: Endpoint, path: str, body: dict[str, Any]) -> tuple[str, int, str]:
        """
        A request's reply. A template that only the server knows may leave less of the context than `max_tokens`: asked
        without, the server gives what is left.
        """
        try:
            return await endpoint.post(path, body, self.read)
        except RequestError as error:
            mended = error.status == 400 and self.sampling.api == "chat" and self.served.context
            if not mended or body.pop("max_tokens", None) is None:
                raise
        return await endpoint.post(path, body, self.read)

    def seed(self, problem: Row, sample: int) -> int:
        return sample_seed(self.sampling.seed, problem["problem_id"], sample)

    def request(self, problem: Row, seed: int) -> tuple[str, str, dict[str, Any]]:
        """The prompt as far as we know it, the path, and the body of a request."""
        chosen, messages = self.sampling, conversation(problem["prompt"], self.sampling)
        body = {
            "model": self.name,
            "temperature": chosen.temperature,
            "top_p": chosen.top_p,
            "max_tokens": chosen.max_new_tokens,
        }
        body |= NEUTRAL if self.served.software else {}
        body |= {"seed": seed} | ({"stop": chosen.stop} if chosen.stop else {}) | chosen.extra
        if chosen.api == "text":
            prompt = render(self.tokenizer, problem["prompt"], chosen)
            return prompt, "/completions", body | {"prompt": without_bos(self.tokenizer, prompt)}
        if chosen.prefill:  # vLLM and SGLang continue a last message of the assistant
            messages = [*messages, {"role": "assistant", "content": chosen.prefill}]
            body |= {"continue_final_message": True, "add_generation_prompt": False}
        return problem["prompt"][-1]["content"], "/chat/completions", body | {"messages": messages}

    def fit(self, problem: Row, body: dict[str, Any]) -> str:
        """Shortens `max_tokens` to what the context leaves; why not even that is possible, else nothing."""
        context = self.served.context
        if not context:
            return ""
        if not self.tokenizer:  # then only the server can tell how much is left
            if body["max_tokens"] >= context:
                del body["max_tokens"]
            return ""
        if "prompt" in body:
            ids = self.tokenizer(body["prompt"])["input_ids"]
        else:
            prompt = render(self.tokenizer, problem["prompt"], self.sampling)
            ids = self.tokenizer(prompt, add_special_tokens=False)["input_ids"]
        if len(ids) >= context:
            return f"prompt of {len(ids)} tokens, context of {context}"
        body["max_tokens"] = min(body["max_tokens"], context - len(ids))
        return ""

    def read(self, reply: dict[str, Any]) -> tuple[str, int, str]:
        """Text, number of tokens and finish reason of a reply."""
        choice = reply["choices"][0]
        if choice.get("finish_reason") in ABORTED:
            raise ValueError(f"the server ended it: {choice['finish_reason']}")
        finish_reason = "length" if choice.get("finish_reason") == "length" else "stop"
        text = str(choice["text"]) if self.sampling.api == "text" else self.joined(choice["message"], finish_reason)
        reported = (reply.get("usage") or {}).get("completion_tokens")
        if self.tokenizer:
            text = without_specials(text, self.tokenizer)
            if reported is None:
                reported = len(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        return cut_at(text, self.sampling.stop)[0], int(reported or 0), finish_reason

    def joined(self, message: dict[str, Any], finish_reason: str) -> str:
        """
        A chat reply as one text, with the tag that the template may have written and the reasoning that the server
        split off. A server that looks for reasoning takes a reply without tags for nothing else; so where there is
        nothing else and the model stopped by itself, it is an answer.
        """
        text, reasoning = message.get("content") or "", message.get("reasoning_content") or message.get("reasoning")
        if not isinstance(text, str):
            raise TypeError(f"content is a {type(text).__name__}")
        given = self.response_format.prefilled  # then the tag is part of the prompt, and readers add it
        if reasoning is not None:
            if not text and finish_reason == "stop":
                return reasoning
            return ("" if given else OPEN) + reasoning + (CLOSE + text if text else "")
        if self.sampling.prefill and not given and not text.startswith(self.sampling.prefill):
            text = self.sampling.prefill + text
        # in reasoning whose tag the server's template wrote, for all we know
        cut = finish_reason == "length" and not self.tokenizer
        return OPEN + text if (CLOSE in text or cut) and OPEN not in text and not given else text


def without_specials(text: str, tokenizer: Any) -> str:
    """Without the end tokens that some servers leave in the text."""
    specials = [token for token in tokenizer.all_special_tokens if token not in (OPEN, CLOSE)]
    while cut := next((token for token in specials if text.endswith(token)), None):
        text = text.removesuffix(cut)
    return text
