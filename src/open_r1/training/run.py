"""What the three training scripts share: start from a recipe, resume, train, save locally first and publish second.

A script is then a dozen lines: `start` (`starting.py`) gives it a `Run` (recipe, arguments, tokenizer), it builds its
TRL trainer, and `Run.train` does the rest. Killed at any moment and run again, a script continues from its newest
complete checkpoint. SIGTERM or SIGUSR1 lets it save first and end with exit code 75 (`Stopped`); a second one ends it
at once. A guard (`guards.py`) ends it with exit code 78 (`Halted`).
"""

import contextlib
import functools
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core import saved_steps
from ..core.artifacts import Artifact
from ..core.errors import ArtifactError, Halted, Stopped
from ..core.formats import ResponseFormat
from ..core.hub import at, is_hub_name, split_id
from ..core.inputs import ADAPTER
from ..core.notes import START
from ..core.processes import StopRequest, is_distributed, is_main_process
from ..core.pushing import add_step
from ..core.recipes import Recipe
from ..data.models import set_generation_defaults
from .adapters import merge_result, point_at_base
from .checks import check_checkpoint
from .ranks import first_decides, require_sharding

if TYPE_CHECKING:
    import torch
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, Trainer, TrainingArguments
    from trl import ModelConfig

    from .callbacks import StopTogether


@dataclass
class Run:
    """
    One training run, ready for a trainer.

    Attributes:
        recipe (`dict`): The resolved recipe.
        artifact (`Artifact`): Its output directory, claimed.
        args (`StageArguments`): Our arguments.
        config (`TrainingArguments`): TRL's trainer configuration.
        model_args (`ModelConfig`): TRL's model configuration.
        tokenizer (`PreTrainedTokenizerBase`): With the recipe's chat template.
        halted_step (`int`): Step at which a guard has ended this run, before a key was changed; 0 if none has.
        rows (`Dataset`, *optional*): What it learns from, before the trainer has made tokens of it.
    """

    recipe: Recipe
    artifact: Artifact
    args: Any  # the dataclass of its stage
    config: "TrainingArguments"
    model_args: "ModelConfig"
    tokenizer: "PreTrainedTokenizerBase"
    halted_step: int = 0
    rows: "Dataset | None" = None

    @property
    def response_format(self) -> ResponseFormat:
        return ResponseFormat.of(self.args.response_format, self.tokenizer)

    @property
    def model_init_kwargs(self) -> dict[str, Any]:
        """How to load the model, for TRL's trainers; the recipe's own `model_init_kwargs` win."""
        from trl import get_quantization_config

        options = {
            "revision": self.model_args.model_revision,
            "attn_implementation": self.model_args.attn_implementation,
            "dtype": self.model_args.dtype,
            "quantization_config": get_quantization_config(self.model_args),
            "trust_remote_code": self.config.trust_remote_code,
        }
        found = {key: value for key, value in options.items() if value is not None}
        if is_distributed():
            found["device_map"] = None  # TRL's default is "auto", over all GPUs, which accelerate refuses here
        return found | (self.config.model_init_kwargs or {})

    @property
    def source(self) -> str:
        """The start model by the name that the recipe gives it, whatever was made of it to load."""
        return self.recipe["model_name_or_path"]

    @property
    def base(self) -> tuple[str, str]:
        """The start model as an adapter on it names it, and its revision: on the Hub the commit."""
        name, _ = split_id(self.source)
        commit = self.artifact.inputs.get(at(self.source, self.recipe.get("model_revision")))
        return (name, commit) if commit and is_hub_name(self.source) else (self.source, self.model_args.model_revision)

    @property
    def limits(self) -> dict[str, float]:
        """Of the guards that are on."""
        from .guards import limits_of

        return limits_of(self.args.guards, self.artifact.path.name)

    def train(self, trainer: "Trainer") -> None:
        """
        Trains to the end, from the newest complete checkpoint; saves the model, and some prompts of the rows that it
        learned from; marks the artifact complete.
        """
        from .saving import save_prompts, save_whole

        require_sharding(trainer)
        dtype = trainer.model.dtype  # FSDP changes it
        with StopRequest() as request:
            self.train_on(trainer, request, dtype)
            trainer.save_state()
            set_generation_defaults(trainer.model, self.tokenizer)
            save_whole(trainer, self.artifact.path, dtype)
            first_decides(lambda: self.complete_model(trainer.model))
            if is_main_process():
                save_prompts(self.artifact.path, self.rows, self.config)
                self.artifact.finish(steps=trainer.state.global_step, parameters=trainer.model.num_parameters())
                self.clean_up()
                saved_steps.evaluate_result(self.recipe)

    def complete_model(self, model: "PreTrainedModel") -> None:
        """Merges an adapter that was saved, where the recipe wants that, and makes sure that the result loads."""
        from .saving import require_loadable

        if self.model_args.use_peft:
            self.finish_adapter(model)
        require_loadable(self.artifact.path, self.config.trust_remote_code)

    def train_on(self, trainer: "Trainer", request: StopRequest, dtype: "torch.dtype") -> None:
        """
        Trains from the newest complete checkpoint; raises `Stopped` where a signal ends it before the last step, and
        `Halted` where a guard does.
        """
        from .callbacks import EpochOrder, Progress, StopTogether
        from .checkpoints import AllTrained, Checkpoints, newest_checkpoint
        from .guards import Guards
        from .timing import Timing, shares
        from .tracking import follow

        checkpoint = first_decides(lambda: newest_checkpoint(self.artifact.path))
        if not checkpoint and is_main_process():
            self.artifact.forget_halt()
        guards = Guards(trainer, self.limits, self.window, self.halted_step if checkpoint else 0)
        stop, timing = StopTogether(request, self.window, guards), Timing(trainer)
        pass_on = functools.partial(self.pass_on, trainer, dtype)
        saved = Checkpoints(trainer, pass_on)
        for callback in (EpochOrder(), Progress(self.artifact), stop, guards, saved, timing):
            trainer.add_callback(callback)
        follow(trainer, self.recipe, self.artifact.path, bool(checkpoint))
        if checkpoint:
            check_checkpoint(checkpoint, trainer.model, self.config.trust_remote_code)
        if checkpoint and is_main_process():
            print(f"resuming {checkpoint}", flush=True)
            pass_on(int(checkpoint.name.partition("-")[2]))  # a kill may have come before it was queued
        try:
            with contextlib.suppress(AllTrained), timing.listening():
                trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
            if is_main_process() and (line := shares(trainer.state.log_history)):
                print(line, flush=True)
            self.require_end(trainer, stop)
        except Halted as reason:
            if is_main_process():
                self.artifact.halt(reason, trainer.state.global_step)
            trainer.accelerator.wait_for_everyone()
            raise

    def require_end(self, trainer: "Trainer", stop: "StopTogether") -> None:
        """Raises what ended a training before its last step."""
        done, total = trainer.state.global_step, trainer.state.max_steps
        if done >= total:
            return
        for callback in trainer.callback_handler.callbacks:
            if found := getattr(callback, "found", None):  # one that stopped the run, on all ranks
                raise found
        if not stop.stopped:
            raise ArtifactError(f"training ended at step {done} of {total}", "it continues when it is run again")
        if is_main_process():
            self.artifact.progress(done, total, stopped=True)
        trainer.accelerator.wait_for_everyone()  # a launcher ends the other ranks as soon as one has failed
        raise Stopped(f"by a signal at step {done} of {total}", "run it again to continue")

    def pass_on(self, trainer: "Trainer", dtype: "torch.dtype", step: int) -> None:
        """Queues a checkpoint for the Hub and for its benchmarks, where the recipe wants that."""
        from .saving import describe

        output = self.artifact.path
        checkpoint = output / f"checkpoint-{step}"
        if not (self.args.push_to_hub or self.args.benchmarks):
            return
        try:
            describe(trainer, checkpoint, dtype)
            if (checkpoint / ADAPTER).is_file():
                point_at_base(checkpoint, *self.base)
        except (OSError, ValueError) as error:  # a full disk, or settings that transformers does not save
            return print(f"notice: step {step} is neither published nor evaluated: {error}", flush=True)
        if self.args.push_to_hub:
            add_step(output, self.recipe, self.artifact.hash, step)
        if self.args.benchmarks:
            saved_steps.keep(output, step, checkpoint)
            saved_steps.start(output, self.recipe)

    @property
    def window(self) -> int:
        """Optimiser steps between two places where the run can stop: GRPO keeps no rollout in its checkpoints."""
        rollout = getattr(self.config, "steps_per_generation", None)
        if rollout is None:
            return 1
        return rollout // self.config.gradient_accumulation_steps * self.config.num_iterations

    def finish_adapter(self, model: "PreTrainedModel") -> None:
        """Completes the adapter that was saved, and merges it where the recipe wants that."""
        if model.can_generate():
            model.generation_config.save_pretrained(self.artifact.path)
        point_at_base(self.artifact.path, *self.base)
        if not self.args.merge:  # a merge that failed before may have left its beginning
            for old in (self.artifact.path / "config.json", *self.artifact.path.glob("model*.safetensors*")):
                old.unlink(missing_ok=True)
        else:
            given = self.recipe.get("model_init_kwargs")
            merge_result(self.artifact.path, self.tokenizer, self.config.trust_remote_code, given)

    def clean_up(self) -> None:
        """
        Deletes what only an unfinished run needs; after the manifest, so that a kill never costs more than the last
        step.
        """
        for old in self.artifact.path.glob("checkpoint-*"):
            shutil.rmtree(old)
        shutil.rmtree(self.artifact.path / START, ignore_errors=True)
