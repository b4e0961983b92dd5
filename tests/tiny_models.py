"""
Tiny models of two dialects, with random weights: the tokenizer's rules, special tokens and template dialect are those
of Qwen2.5 and Llama-3, and so is the trap: the base's end token is not the one that ends a turn. `hub.py` builds on
this a stand-in for every model that a recipe names.
"""

import json
from pathlib import Path

ORDINARY = (
    "The sum of two numbers. So 1 + 2 = 3 . Therefore: user assistant system think answer boxed\n\n <think>\n</think>"
)
# how both families split text before the merges: letters, up to three digits, signs with their line ends, white space
SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
SPLIT += r"|\s*[\r\n]+|\s+(?!\S)|\s+"
SPECIAL = {
    "chatml": ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|fim_pad|>"],
    "llama3": ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    + ["<|finetune_right_pad_id|>"],
}
BASE_END = {"chatml": "<|endoftext|>", "llama3": "<|end_of_text|>"}
TURN_END = {"chatml": "<|im_end|>", "llama3": "<|eot_id|>"}
SPARE = {"chatml": "<|fim_pad|>", "llama3": "<|finetune_right_pad_id|>"}


def raw_tokenizer(special: list[str], digits: str = "{1,3}"):
    """A byte-level BPE tokenizer with these special tokens; `digits` is how many of them one token may hold."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT.replace("{1,3}", digits)), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([ORDINARY] * 10, trainer)
    tokenizer.add_special_tokens(special)
    return tokenizer


def begin_with(tokenizer, begin: str) -> None:
    """Lets every text begin with a token."""
    from tokenizers import processors

    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A", special_tokens=[(begin, tokenizer.token_to_id(begin))]
    )


def tiny_tokenizer(dialect: str, special: list[str] | None = None):
    """The tokenizer of a family, as its base model ships it: padding and end are one token."""
    from transformers import PreTrainedTokenizerFast

    tokenizer = raw_tokenizer(SPECIAL[dialect] if special is None else special)
    ends = {"eos_token": BASE_END[dialect], "pad_token": BASE_END[dialect]}
    if dialect == "llama3":
        ends["bos_token"] = "<|begin_of_text|>"
        begin_with(tokenizer, ends["bos_token"])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **ends)


def save_tiny_base(directory: Path, dialect: str, **changes) -> str:
    """Saves a base model of two layers with random weights and its tokenizer; returns the directory."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

    tokenizer = tiny_tokenizer(dialect)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    sizes |= {"num_key_value_heads": 2, "max_position_embeddings": 512, "tie_word_embeddings": True}
    sizes |= {"vocab_size": len(tokenizer)}
    config = AutoConfig.for_model(
        {"chatml": "qwen2", "llama3": "llama"}[dialect],
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
        **sizes | changes,
    )
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config)
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id)
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return str(directory)


def save_rows(file: Path, count: int = 24) -> str:
    """Saves sums with reasoning to learn by heart; returns the file."""
    rows = [
        {
            "prompt": f"{n} + 1",
            "response": rf"<think> So {n} + 1 = {n + 1} . </think> \boxed{{{n + 1}}}",
            "answer": n + 1,
        }
        for n in range(1, count + 1)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


CPU = {"use_cpu": True, "bf16": False, "report_to": "none", "disable_tqdm": True, "activation_checkpointing": False}


def run(main, **recipe) -> None:
    """Runs a training command with these keys."""
    main([word for key, value in (CPU | recipe).items() for word in (f"--{key}", json.dumps(value))])


def greedy(model: object, response_format: str = "r1") -> list[tuple[str, int, str]]:
    """What the engine of evaluation draws from a model at temperature 0."""
    from open_r1.core.formats import render_prompt
    from open_r1.sampling.arguments import Sampling
    from open_r1.sampling.in_process import TransformersEngine

    engine = TransformersEngine(str(model), response_format, Sampling(temperature=0.0, max_new_tokens=24))
    asked = [render_prompt(engine.tokenizer, [{"role": "user", "content": f"{n} + 1"}]) for n in range(1, 5)]
    return engine.draw(asked, 0)
