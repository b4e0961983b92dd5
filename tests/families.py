"""
What a tiny stand-in takes over from the Hub's model: architecture, special tokens in the order of their ids, the
tokens that begin, end and pad a text, the template, the context, and how the model says it is to be sampled.

Ids are as small as the vocabulary; the real ones stand beside the tokens. A model whose base and instruct versions end
differently, pads with its end, or has room in its embedding that no token fills, does so here too.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tiny_models import begin_with, raw_tokenizer

CHATML = """{%- if messages[0].role != "system" %}{{ "<|im_start|>system\\nSYSTEM<|im_end|>\\n" }}{% endif -%}
{%- for message in messages %}{{ "<|im_start|>" + message.role + "\\n" + message.content + "<|im_end|>\\n" }}
{%- endfor -%}{%- if add_generation_prompt %}{{ "<|im_start|>assistant\\n" }}{% endif -%}"""
QWEN3 = """{%- for message in messages %}{% set content = message.content -%}
{%- if message.role == "assistant" %}{% set content = content.split("</think>")[-1].lstrip("\\n") -%}
{%- if loop.last %}{% set content = "<think>\\n\\n</think>\\n\\n" + content %}{% endif %}{% endif -%}
{{ "<|im_start|>" + message.role + "\\n" + content + "<|im_end|>\\n" }}{% endfor -%}
{%- if add_generation_prompt %}{{ "<|im_start|>assistant\\n" }}{% endif -%}"""
LLAMA3 = """{{- bos_token + "<|start_header_id|>system<|end_header_id|>\\n\\nCutting Knowledge Date: December 2023" -}}
{{- "\\nToday Date: 26 Jul 2024\\n\\n<|eot_id|>" }}{% for message in messages -%}
{{ "<|start_header_id|>" + message.role + "<|end_header_id|>\\n\\n" + message.content + "<|eot_id|>" }}{% endfor -%}
{%- if add_generation_prompt %}{{ "<|start_header_id|>assistant<|end_header_id|>\\n\\n" }}{% endif -%}"""
DEEPSEEK = """{{- bos_token }}{% for message in messages -%}
{%- if message.role == "user" %}{{ "<｜User｜>" + message.content -}}
{%- elif message.role == "assistant" %}{{ "<｜Assistant｜>" + message.content + "<｜end▁of▁sentence｜>" -}}
{%- else %}{{ message.content }}{% endif %}{% endfor -%}
{%- if add_generation_prompt %}{{ "<｜Assistant｜>" }}{% endif -%}"""


def names(text: str) -> list[str]:
    return text.split()


# of 151,665 tokens these are 151643 to 151656, and 151657 to 151664
QWEN = names("""<|endoftext|> <|im_start|> <|im_end|> <|object_ref_start|> <|object_ref_end|> <|box_start|> <|box_end|>
<|quad_start|> <|quad_end|> <|vision_start|> <|vision_end|> <|vision_pad|> <|image_pad|> <|video_pad|>""")
QWEN_PLAIN = names("""<tool_call> </tool_call> <|fim_prefix|> <|fim_middle|> <|fim_suffix|> <|fim_pad|> <|repo_name|>
<|file_sep|>""")
# 151665 to 151668: in Qwen3 each tag is one token, and no special one, so that it is not skipped in decoding
QWEN3_PLAIN = [*QWEN_PLAIN, "<tool_response>", "</tool_response>", "<think>", "</think>"]
# 128000 to 128010, of 128,256; all further ones are reserved
LLAMA = names("""<|begin_of_text|> <|end_of_text|> <|reserved_special_token_0|> <|reserved_special_token_1|>
<|finetune_right_pad_id|> <|reserved_special_token_2|> <|start_header_id|> <|end_header_id|> <|eom_id|> <|eot_id|>
<|python_tag|>""")
# 0 to 2 and 128800 to 128805, of 128,815; the tags became tokens with R1 (128798 and 128799)
SEEK = names("""<｜begin▁of▁sentence｜> <｜end▁of▁sentence｜> <｜▁pad▁｜>
<｜fim▁hole｜> <｜fim▁begin｜> <｜fim▁end｜>""")
SEEK_PLAIN = names("<｜User｜> <｜Assistant｜> <|EOT|>")
# 0 to 16, of 49,152
SMOL = names("""<|endoftext|> <|im_start|> <|im_end|> <repo_name> <reponame> <file_sep> <filename> <gh_stars>
<issue_start> <issue_comment> <issue_closed> <jupyter_start> <jupyter_text> <jupyter_code> <jupyter_output>
<jupyter_script> <empty_output>""")

LLAMA_ROPE = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0}
LLAMA_ROPE |= {"high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 40.0, "original_max_position_embeddings": 4096}
YARN |= {"beta_fast": 32, "beta_slow": 1, "mscale": 1.0, "mscale_all_dim": 1.0}
EXPERTS = {"moe_intermediate_size": 16, "first_k_dense_replace": 1, "n_routed_experts": 4, "n_group": 2}
EXPERTS |= {"topk_group": 1, "num_experts_per_tok": 2, "n_shared_experts": 1, "kv_lora_rank": 8, "q_lora_rank": 16}
EXPERTS |= {"qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8, "num_key_value_heads": 4}


@dataclass(frozen=True)
class Family:
    """
    One kind of model on the Hub.

    Attributes:
        architecture (`str`): transformers' `model_type`.
        special, plain (`list[str]`): Added tokens, special ones first; the latter are not skipped in decoding.
        end, pad, begin (`str`, *optional*): `eos_token`, `pad_token`, `bos_token` of the tokenizer.
        begins (`bool`): Whether tokenizing writes `begin`.
        digits (`str`): How many digits a token may hold, as a regular expression's quantifier.
        template (`str`, *optional*): The chat template that ships with it, shortened.
        context (`int`): `max_position_embeddings`.
        room (`int`): Rows of the embedding beyond the tokens.
        sizes (`dict`): Further values of its configuration.
        sampling (`dict`): What its `generation_config.json` says; tokens by name.
    """

    architecture: str
    special: list[str]
    end: str
    pad: str | None
    begin: str | None = None
    begins: bool = False
    plain: list[str] = field(default_factory=list)
    digits: str = ""
    template: str | None = None
    context: int = 32768
    room: int = 0
    sizes: dict[str, Any] = field(default_factory=dict)
    sampling: dict[str, Any] = field(default_factory=dict)


def qwen(context: int, instruct: bool = False, tied: bool = False, system: str = "You are Qwen.") -> Family:
    """Qwen2.5: the base ships the chat template too, and ends texts with another token than that template's turns."""
    drawn = {"temperature": 0.7, "top_p": 0.8, "top_k": 20, "repetition_penalty": 1.05, "do_sample": True}
    sampling = {"eos": ["<|im_end|>", "<|endoftext|>"], **drawn} if instruct else {"max_new_tokens": 2048}
    return Family(
        "qwen2", QWEN, "<|im_end|>" if instruct else "<|endoftext|>", "<|endoftext|>", plain=QWEN_PLAIN,
        template=CHATML.replace("SYSTEM", system), context=context, room=8, sizes={"tie_word_embeddings": tied},
        sampling=sampling,
    )  # fmt: skip


def qwen3(instruct: bool = False, tied: bool = False) -> Family:
    """Qwen3: as Qwen2.5, with normalised queries and keys, and one token for each tag."""
    drawn = {"temperature": 0.6, "top_p": 0.95, "top_k": 20, "do_sample": True}
    sampling = {"eos": ["<|im_end|>", "<|endoftext|>"], **drawn} if instruct else {"max_new_tokens": 2048}
    return Family(
        "qwen3", QWEN, "<|im_end|>" if instruct else "<|endoftext|>", "<|endoftext|>", plain=QWEN3_PLAIN,
        template=QWEN3, context=40960 if instruct else 32768, room=8,
        sizes={"head_dim": 8, "tie_word_embeddings": tied}, sampling=sampling,
    )  # fmt: skip


def llama(instruct: bool = False) -> Family:
    """Llama 3.1 and later: texts begin with a token, nothing is there to pad with, and the base has no template."""
    drawn = {"temperature": 0.6, "top_p": 0.9, "do_sample": True}
    ends = ["<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"]
    return Family(
        "llama", LLAMA, "<|eot_id|>" if instruct else "<|end_of_text|>", None, "<|begin_of_text|>", True,
        digits="{1,3}", template=LLAMA3 if instruct else None, context=131072,
        sizes={"rope_parameters": LLAMA_ROPE, "tie_word_embeddings": False},
        sampling={"eos": ends, **drawn} if instruct else drawn,
    )  # fmt: skip


def deepseek() -> Family:
    """DeepSeek-V3: latent attention and, after a dense layer, routed experts with a shared one."""
    return Family(
        "deepseek_v3", SEEK, SEEK[1], SEEK[1], SEEK[0], True,
        plain=SEEK_PLAIN, digits="{1,3}", template=DEEPSEEK, context=163840, room=8,
        sizes={"rope_parameters": YARN, "tie_word_embeddings": False, **EXPERTS},
    )  # fmt: skip


def smol(instruct: bool = False) -> Family:
    """SmolLM2: Llama's architecture with ChatML's tokens, which begin and pad too."""
    begin, end = ("<|im_start|>", "<|im_end|>") if instruct else ("<|endoftext|>", "<|endoftext|>")
    template = CHATML.replace("SYSTEM", "You are a helpful AI assistant named SmolLM, trained by Hugging Face")
    return Family(
        "llama", SMOL, end, end if instruct else None, begin, template=template if instruct else None, context=8192,
        sizes={"tie_word_embeddings": True},
    )  # fmt: skip


MATH = "Please reason step by step, and put your final answer within \\\\boxed{}."
FAMILIES = (  # the first pattern that is found in a name
    (r"Qwen2\.5-Math-(1\.5B|7B|72B)$", lambda size: qwen(4096, tied=size == "1.5B", system=MATH)),
    (r"Qwen2\.5-Math-(1\.5B|7B|72B)-Instruct$", lambda size: qwen(4096, True, size == "1.5B", MATH)),
    (r"Qwen2\.5-(?:Coder-)?(0\.5B|1\.5B|3B)$", lambda size: qwen(32768, tied=True)),
    (r"Qwen2\.5-(?:Coder-)?(7B|14B|32B|72B)$", lambda size: qwen(131072)),
    (r"Qwen2\.5-(?:Coder-)?([\d.]+B)-Instruct$", lambda size: qwen(32768, True, size in ("0.5B", "1.5B", "3B"))),
    (r"Qwen3-([\d.]+B)-Base$", lambda size: qwen3(tied=size in ("0.6B", "1.7B", "4B"))),
    (r"Qwen3-([\d.]+B)$", lambda size: qwen3(True, size in ("0.6B", "1.7B", "4B"))),
    (r"Llama-3\.\d-(\d+B)$", lambda size: llama()),
    (r"Llama-3\.\d-(\d+B)-Instruct$", lambda size: llama(True)),
    (r"DeepSeek-V3(-Base|-Base-BF16|-0324)?$", lambda size: deepseek()),
    (r"SmolLM2-([\d.]+[MB])$", lambda size: smol()),
    (r"SmolLM2-([\d.]+[MB])-Instruct$", lambda size: smol(True)),
)


def family_of(name: str) -> Family:
    """The family of a model's name; raises `KeyError` for one that has no stand-in yet."""
    for pattern, make in FAMILIES:
        if match := re.search(pattern, name, re.IGNORECASE):
            return make(match[1])
    raise KeyError(f"{name} has no tiny stand-in: add its family to tests/families.py")


def save_family(directory: Path, family: Family) -> None:
    """Saves a tiny model of a family as its Hub repository has it: about 40,000 parameters with random weights."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

    tokenizer = family_tokenizer(family)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    sizes |= {"num_key_value_heads": 2, "max_position_embeddings": family.context, "dtype": "bfloat16"}
    config = AutoConfig.for_model(
        family.architecture,
        vocab_size=len(tokenizer) + family.room,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
        **sizes | family.sizes,
    )
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config)
    ends = tokenizer.convert_tokens_to_ids(family.sampling.get("eos", [family.end]))
    how = {name: value for name, value in family.sampling.items() if name != "eos"}
    model.generation_config = GenerationConfig(eos_token_id=ends if len(ends) > 1 else ends[0], **how)
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)


def family_tokenizer(family: Family):
    """Its tokenizer: how it splits, the tokens that were added, and its template."""
    from transformers import PreTrainedTokenizerFast

    inner = raw_tokenizer(family.special, family.digits)
    inner.add_tokens(family.plain)
    if family.begins:
        begin_with(inner, family.begin)
    names = {"eos_token": family.end, "pad_token": family.pad, "bos_token": family.begin}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        clean_up_tokenization_spaces=False,
        model_max_length=family.context,
        **{name: token for name, token in names.items() if token},
    )
    tokenizer.chat_template = family.template
    return tokenizer
