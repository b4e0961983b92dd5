"""The keys of TRL's and transformers' dataclasses that do not decide the result, or that load something.

Any other key of theirs decides the result, as ours do (`core/keys.py`). What changes a result by rounding alone -
another division of the same batch - counts as how it runs.
"""

from ..core.keys import BATCH, COSMETIC, FILE, MODEL, RUN, Key, Keys

PUBLISHED = """report_to run_name project trackio_space_id trackio_static_space_id trackio_bucket_id
log_completions_hub_repo debug disable_tqdm log_level log_level_replica log_on_each_node"""
LOGGED = """logging_steps logging_strategy logging_first_step logging_nan_inf_filter log_completions log_unique_prompts
log_multimodal num_completions_to_print include_num_input_tokens_seen skip_memory_metrics"""
SAVED = """save_steps save_strategy save_total_limit save_only_model save_on_each_node enable_jit_checkpoint
restore_callback_states_from_checkpoint"""
LOADED = """dataloader_num_workers dataloader_pin_memory dataloader_persistent_workers dataloader_prefetch_factor
dataloader_multiprocessing_context dataloader_in_order dataset_num_proc"""
DEVICES = """use_cpu local_rank fsdp fsdp_config parallelism_config ddp_backend ddp_timeout ddp_bucket_cap_mb
ddp_find_unused_parameters ddp_broadcast_buffers ddp_static_graph ds3_gather_for_generation"""
MEMORY = """gradient_checkpointing gradient_checkpointing_kwargs activation_checkpointing
activation_checkpointing_kwargs activation_offloading torch_empty_cache_steps torch_compile torch_compile_backend
torch_compile_mode per_device_eval_batch_size eval_accumulation_steps"""
VLLM = """vllm_mode vllm_model_impl vllm_enable_sleep_mode vllm_gpu_memory_utilization vllm_tensor_parallel_size
vllm_server_base_url vllm_server_host vllm_server_port vllm_server_timeout vllm_group_port"""

THEIRS: Keys = {
    **{name: Key(COSMETIC) for name in PUBLISHED.split()},
    **{name: Key(RUN) for names in (LOGGED, SAVED, LOADED, DEVICES, MEMORY, VLLM) for name in names.split()},
    "per_device_train_batch_size": Key(BATCH, default=8),  # transformers' defaults
    "gradient_accumulation_steps": Key(BATCH, default=1),
    "model_name_or_path": Key(loads=MODEL, revision="model_revision"),
    "teacher_model_name_or_path": Key(loads=MODEL, revision="teacher_model_revision"),
    "deepspeed": Key(RUN, loads=FILE),
}
# GRPO states its batch in prompts, and both of these follow from it and the devices.
FOLLOWS: Keys = {name: Key(RUN) for name in ("per_device_train_batch_size", "gradient_accumulation_steps")}
