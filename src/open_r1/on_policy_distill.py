r"""On-policy distillation with TRL: the student writes, and a teacher shows it a better next token at each place.

    accelerate launch --config_file recipes/accelerate_configs/cpu.yaml \
        src/open_r1/on_policy_distill.py --config recipes/mini/on_policy_distill.yaml

The paper distils by SFT on the teacher's texts (section 2.4, `open-r1 sft`), and leaves what could follow to others.
A student that learned from them alone writes itself into places where none of them has been. Here it samples
completions itself, and its loss is the distance of its distribution from the teacher's at each of their tokens:
`beta: 1` the reverse KL, `0` the forward KL (Agarwal et al., arXiv 2306.13649). The teacher reads what the student's
tokenizer wrote, so both must have the same one.
"""

from typing import TYPE_CHECKING, Any

from open_r1.core.errors import RecipeError, report_errors
from open_r1.training.adapters import adapter_config
from open_r1.training.arguments import OnPolicyDistillArguments, row_sizes
from open_r1.training.checks import check_turn_end, require_rows
from open_r1.training.models import check_context, check_embedding, explained_errors, stored_config
from open_r1.training.run import Run
from open_r1.training.starting import start

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel


def prompts(sources: list[dict[str, Any]]) -> "Dataset":
    """The prompts of some sources, and nothing else of them."""
    from open_r1.data.sources import load_sources

    return load_sources(sources, ["prompt"]).select_columns(["prompt"])


def load_teacher(run: Run, vocabulary: int) -> "PreTrainedModel":
    """
    The teacher, with as many words as the student.

    Args:
        run (`Run`):
            Names it, and how to load it.
        vocabulary (`int`):
            Rows of the student's embedding. Models of one tokenizer differ in rows that no token has
            (Qwen2.5-Math-1.5B has 151,936, -7B 152,064), which the teacher loses.

    Returns:
        `PreTrainedModel`. Raises `RecipeError` for another tokenizer, and for a teacher with fewer rows.
    """
    from transformers import AutoModelForCausalLM

    from open_r1.data.models import load_model

    config, name = run.config, run.config.teacher_model_name_or_path
    options = {"revision": config.teacher_model_revision or "main", "trust_remote_code": config.trust_remote_code}
    check_tokenizer(run, name, **options)
    options |= {"dtype": run.model_args.dtype or "float32", **(config.teacher_model_init_kwargs or {})}
    teacher = load_model(name, AutoModelForCausalLM, **options)
    config.teacher_model_init_kwargs = None  # they are used; TRL would refuse them beside a model
    rows = teacher.get_input_embeddings().num_embeddings
    if rows < vocabulary:
        raise RecipeError(
            f"the teacher {name} has {rows} rows in its embedding, fewer than the student's {vocabulary}",
            "use a teacher that is as large, or larger",
        )
    if rows > vocabulary:
        teacher.resize_token_embeddings(vocabulary)
    return teacher


def check_tokenizer(run: Run, name: str, **options: Any) -> None:
    """Refuses a teacher to which the student's tokens mean something else."""
    from transformers import AutoTokenizer

    theirs, ours = AutoTokenizer.from_pretrained(name, **options).get_vocab(), run.tokenizer.get_vocab()
    if other := sorted(token for token in {*ours, *theirs} if ours.get(token) != theirs.get(token)):
        raise RecipeError(
            f"the teacher {name} has another tokenizer than {run.source}: {len(other)} tokens differ, such as "
            f"{other[0]!r}",
            "use a teacher of the same family; to learn from any other, generate its texts and use `open-r1 sft`",
        )


ARGUMENTS, TRL = OnPolicyDistillArguments, "DistillationConfig"


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Runs one recipe of on-policy distillation from the command line."""
    run = start(arguments, ARGUMENTS, TRL, adjust=row_sizes)
    if run is None:
        return
    if run.config.use_vllm:
        from open_r1.sampling.vllm import require_vllm

        require_vllm("use_vllm: true", "remove it")
    from trl import DistillationTrainer

    from open_r1.training.with_vllm import explained_server, prepare_vllm, watch_vllm

    run.config.model_init_kwargs = run.model_init_kwargs
    rows, config = prompts(run.args.datasets), run.config
    run.rows = rows
    require_rows(rows, config.train_batch_size * config.world_size * config.gradient_accumulation_steps, "step")
    if run.config.use_vllm:
        prepare_vllm(run, rows)
    check_context(run)
    check_embedding(run)
    teacher = load_teacher(run, stored_config(run).get_text_config().vocab_size)
    with explained_server(run), explained_errors(run):
        trainer = DistillationTrainer(
            model=run.model_args.model_name_or_path,
            teacher_model=teacher,
            args=run.config,
            train_dataset=rows,
            eval_dataset=prompts(run.args.eval_datasets) if run.args.eval_datasets else None,
            processing_class=run.tokenizer,
            peft_config=adapter_config(run.model_args),
        )
    check_turn_end(run.tokenizer, trainer.eos_token_ids)
    watch_vllm(run, trainer)
    with explained_server(run):
        run.train(trainer)


if __name__ == "__main__":
    main()
