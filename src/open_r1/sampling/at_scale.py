"""Generation in many processes or Slurm jobs, through datatrove: its executors start the tasks, its `InferenceRunner`
the servers.

    executor:
      kind: slurm              # or local: processes on this machine
      tasks: 64                # parts of the problems; a stopped job must keep their number
      workers: 8               # tasks at the same time, by default all
      server: vllm             # one per task: vllm, sglang, custom (`server_args: {server_script: FILE}`);
                               # or endpoint: `url` of the recipe
      tensor_parallel: 4       # GPUs of one server
      context: 40960           # of one server; by default the model's own
      # any argument of datatrove's SlurmPipelineExecutor
      slurm: {time: "24:00:00", partition: gpu, gpus_per_task: 4, cpus_per_task: 32}

Every task samples its share of the problems and keeps its replies in chunks; a task that dies, or whose node does, is
requeued and goes on from there. When all tasks are done the same command verifies and writes the sample store: on
Slurm a last job runs it (`jobs.py`). Run again, it starts only the tasks that are missing. The rollout below is ours
and knows nothing of datatrove.
"""

import asyncio
import functools
import importlib.util
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..core.artifacts import Artifact
from ..core.errors import RecipeError, UserError
from ..core.files import write_atomically
from ..core.served import LISTS_ALL, Served
from .arguments import GenerateArguments, Sampling
from .engines import Draw, Part
from .jobs import submit
from .server import ServerEngine
from .spent import task_clock
from .store import fill_store

KEYS = ("kind", "tasks", "workers", "server", "server_args", "tensor_parallel", "context", "chunk", "slurm")
NEEDED = ("datatrove", "orjson", "aiosqlite", "aiofiles", "httpx", "xxhash")


# -------------------------------------------------------------------------------------------------------- the rollout


async def rollout(document: Any, generate: Any, engine: ServerEngine) -> list[dict[str, Any]]:
    """
    All completions of one problem. A request that fails stays as a failed completion, so that it stops nothing else.

    Servers that stand by themselves (`url`) are asked by our own client, which tries again; those of a task by
    datatrove, which ends the task where its server dies.
    """
    problem = document.metadata["problem"]
    problem = problem | {"prompt": json.loads(problem["prompt"])}
    if engine.sampling.url:
        endpoint = await engine.connected()
        draws = await asyncio.gather(
            *(engine.draw_one(endpoint, problem, sample) for sample in range(engine.sampling.num_samples))
        )
        return [draw._asdict() for draw in draws]

    from datatrove.pipeline.inference.types import ServerError

    async def one(sample: int) -> dict[str, Any]:
        seed = engine.seed(problem, sample)
        prompt, _, body = engine.request(problem, seed)
        if reason := engine.fit(problem, body):
            return Draw(prompt, "", 0, "failed", seed, reason)._asdict()
        try:
            result = await generate({key: value for key, value in body.items() if key != "model"})
            message = {"content": result.text, "reasoning": result.reasoning or None}
            choice = {"finish_reason": result.finish_reason, "text": result.text, "message": message}
            return Draw(prompt, *engine.read({"choices": [choice], "usage": result.usage}), seed)._asdict()
        except ServerError:  # its server died, and the task with it; both come back
            raise
        except Exception as error:
            return Draw(prompt, "", 0, "failed", seed, f"{type(error).__name__}: {error}"[:300])._asdict()

    return await asyncio.gather(*(one(sample) for sample in range(engine.sampling.num_samples)))


def documents(_: Any, rank: int, world_size: int, args: GenerateArguments) -> Iterator[Any]:
    """The problems of one task: every `world_size`-th."""
    from datatrove.data import Document

    from ..data.sources import load_sources

    problems = load_sources(args.datasets, ["prompt", "answer"])
    for index in range(rank, len(problems), world_size):
        problem = problems[index]
        text = problem["prompt"][-1]["content"]
        plain = problem | {"prompt": json.dumps(problem["prompt"])}
        yield Document(text=text, id=str(index), metadata={"problem": plain})


def sample_documents(
    data: Iterable[Any], rank: int, world_size: int, args: GenerateArguments, sampling: Sampling, folder: str
) -> None:
    """A task: datatrove's runner with our rollout; its replies go to `folder`."""
    from datatrove.pipeline.inference.run_inference import InferenceConfig, InferenceRunner
    from datatrove.pipeline.inference.types import InferenceError
    from datatrove.pipeline.writers import JsonlWriter

    settings, urls = args.executor, [sampling.url] if isinstance(sampling.url, str) else sampling.url
    context = context_of(args)
    engine = ServerEngine(args.model, args.response_format, sampling, args.chat_template or None, remote=False)
    if (server := settings.get("server", "endpoint")) != "endpoint":
        engine.served = Served(context, server if server in LISTS_ALL else "")
        engine.sampling = replace(sampling, url="")
    config = InferenceConfig(
        server_type=server,
        model_name_or_path=args.model,
        model_max_context=context or 8192,
        use_chat=sampling.api == "chat",
        endpoint_url=urls[0] or None,
        api_key=os.environ.get(sampling.key_variable),
        tp=settings.get("tensor_parallel", 1),
        max_concurrent_generations=sampling.concurrency,
        max_concurrent_documents=max(1, sampling.concurrency // sampling.num_samples),
        request_timeout=sampling.timeout,
        model_kwargs=dict(settings.get("server_args") or {}),
        server_log_folder=f"{folder}/servers",
    )
    runner = InferenceRunner(
        rollout_fn=rollout,
        config=config,
        output_writer=JsonlWriter(f"{folder}/replies", "${rank}_${chunk_index}.jsonl", compression=None),
        shared_context={"engine": engine},
        checkpoints_local_dir=f"{folder}/checkpoints",
        records_per_chunk=settings.get("chunk", 200),
    )
    mend(Path(folder), rank, settings.get("chunk", 200))
    clock = task_clock(folder, rank, settings)
    try:
        runner.run(data, rank, world_size)
    except InferenceError as error:  # which no process can send to another: the one that started this would hang
        cause = error.__cause__
        raise (cause if isinstance(cause, UserError) else RuntimeError(str(error)[:2000])) from None
    finally:
        clock()


def context_of(args: GenerateArguments) -> int:
    """
    The context of a task's server. datatrove names one to vLLM in any case, by default 8,192: what a model of ours
    says in 32,768 tokens would have no place there.
    """
    settings = args.executor
    given = settings.get("context") or settings.get("server_args", {}).get("max-model-len", 0)
    if given or settings.get("server") not in LISTS_ALL:
        return given
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(args.model, trust_remote_code=args.trust_remote_code)
    return config.get_text_config().max_position_embeddings


def mend(folder: Path, rank: int, chunk: int) -> None:
    """
    Counts the finished chunks of a task again, where a kill has left datatrove's note of them empty: it is written in
    its place. A chunk is finished when all of its replies are there, and no checkpoint of it any more.
    """
    note = folder / "checkpoints/last_chunk" / f"{rank:05d}.txt"
    if not note.is_file() or note.read_text(encoding="utf-8").strip():
        return
    done = 0
    while not (folder / "checkpoints" / f"{rank:05d}" / f"chunk_{done:05d}.jsonl").exists():
        replies = folder / "replies" / f"{rank:05d}_{done}.jsonl"
        if not replies.is_file() or replies.read_bytes().count(b"\n") < chunk:
            break
        done += 1
    write_atomically(note, str(done - 1)) if done else note.unlink()


# ---------------------------------------------------------------------------------------------------------- the tasks


def fill_at_scale(args: GenerateArguments, sampling: Sampling, problems: Any, artifact: Artifact, store: Path) -> bool:
    """
    Draws a store in many tasks.

    Args:
        args (`GenerateArguments`):
            The recipe, with `executor`.
        sampling (`Sampling`):
            How to draw.
        problems (`datasets.Dataset`):
            All problems.
        artifact (`Artifact`):
            The stage's output.
        store (`Path`):
            Where the rows go: the output itself, or a folder in it.

    Returns:
        `bool`: whether the store is filled; `False` after jobs were submitted.
    """
    check_executor(args.executor)
    folder = str((artifact.path / "tasks").resolve())
    if not are_done(args.executor, folder):
        if args.executor["kind"] == "slurm":
            return submit({folder: pipeline(args, sampling, folder)}, args.executor, artifact)
        run_here(args, sampling, folder)
    store_replies(args, sampling, folder, problems, store, artifact.progress)
    return True


def are_done(executor: dict[str, Any], folder: str) -> bool:
    """Whether all tasks that write to a folder have ended well."""
    logs = Path(folder, "logs", "completions")
    return all((logs / f"{rank:05d}").exists() for rank in range(executor.get("tasks", 1)))


def store_replies(
    args: GenerateArguments, sampling: Sampling, folder: str, problems: Any, store: Path, progress: Any
) -> None:
    """Verifies and stores what the tasks have drawn."""
    fill_store(Replies(args, sampling, folder), problems, store, progress)
    # some requests failed, or a task lost some: once more, from here
    if sampling.url and list(store.glob("part-*.failed.jsonl")):
        fill_store(
            ServerEngine(args.model, args.response_format, sampling, args.chat_template or None),
            problems,
            store,
            progress,
        )


def check_executor(settings: dict[str, Any]) -> None:
    """Raises `RecipeError` for unknown settings and missing packages."""
    from ..core.fields import check_keys

    check_keys(settings, KEYS, "`executor`")
    if settings.get("kind") not in ("local", "slurm"):
        raise RecipeError(f"`executor`: kind {settings.get('kind')!r} is unknown", "use local or slurm")
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise RecipeError(f"`executor` needs {missing[0]}", "pip install 'open_r1[generation]'")


def pipeline(args: GenerateArguments, sampling: Sampling, folder: str) -> list[Any]:
    return [
        functools.partial(documents, args=args),
        functools.partial(sample_documents, args=args, sampling=sampling, folder=folder),
    ]


def run_here(args: GenerateArguments, sampling: Sampling, folder: str) -> None:
    """The tasks as processes of this machine."""
    from datatrove.executor import LocalPipelineExecutor

    tasks = args.executor.get("tasks", 1)
    workers = args.executor.get("workers", tasks)
    LocalPipelineExecutor(
        pipeline(args, sampling, folder), tasks=tasks, workers=workers, logging_dir=f"{folder}/logs"
    ).run()


class Replies(ServerEngine):
    """An engine that draws nothing: it hands the tasks' replies to the store."""

    def __init__(self, args: GenerateArguments, sampling: Sampling, folder: str):
        super().__init__(args.model, args.response_format, sampling, args.chat_template or None, remote=False)
        self.places: dict[str, tuple[str, int]] = {}  # where a problem's replies stand
        for file in sorted(Path(folder, "replies").glob("*.jsonl")):
            offset = 0
            with file.open("rb") as lines:
                for line in lines:
                    if line.endswith(b"\n"):  # the last line of a killed task may be cut; its document was done again
                        self.places[json.loads(line)["metadata"]["problem"]["problem_id"]] = (str(file), offset)
                    offset += len(line)

    def draw_parts(self, parts: list[Part], save: Any) -> None:
        for part in parts:
            found: dict[tuple[str, int], Draw] = {}
            for problem in {problem["problem_id"] for problem, _ in part.jobs}:
                found |= {(problem, sample): draw for sample, draw in enumerate(self.replies(problem))}
            missing = Draw("", "", 0, "failed", 0, "no task has drawn it")
            save(part, [found.get((problem["problem_id"], sample), missing) for problem, sample in part.jobs])

    def replies(self, problem: str) -> list[Draw]:
        if problem not in self.places:
            return []
        file, offset = self.places[problem]
        with open(file, "rb") as lines:
            lines.seek(offset)
            results = json.loads(lines.readline())["metadata"]["rollout_results"]
        return [Draw(**draw) for draws in results for draw in draws]
