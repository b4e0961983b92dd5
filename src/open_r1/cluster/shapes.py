"""The shape of a model, from its configuration alone, and how many parameters it has, part by part.

A configuration is the mapping of a `config.json`, whether it comes from one, from a recipe's `model_config` or from
the table of `models.yaml`. The four kinds below differ in a few tensors; the counts equal those of transformers.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from ..core.errors import RecipeError

KINDS = ("llama", "mistral", "qwen2", "qwen3", "deepseek_v3")


@dataclass(frozen=True)
class Shape:
    """
    A decoder-only transformer, in the words of its `config.json`.

    Those from `q_lora_rank` on are DeepSeek-V3's: latent attention, and experts from layer `first_k_dense_replace` on.
    """

    model_type: str
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    vocab_size: int
    num_key_value_heads: int = 0  # 0: as many as heads
    head_dim: int = 0  # 0: hidden_size / heads
    tie_word_embeddings: bool = False
    q_lora_rank: int = 0
    kv_lora_rank: int = 0
    qk_nope_head_dim: int = 0
    qk_rope_head_dim: int = 0
    v_head_dim: int = 0
    moe_intermediate_size: int = 0
    n_routed_experts: int = 0
    num_experts_per_tok: int = 0
    n_shared_experts: int = 0
    first_k_dense_replace: int = 0

    @property
    def heads_width(self) -> int:
        """Features of all query heads together."""
        return self.num_attention_heads * (self.head_dim or self.hidden_size // self.num_attention_heads)

    @property
    def keys_width(self) -> int:
        """Features of all key heads together; values have as many."""
        kept = self.num_key_value_heads or self.num_attention_heads
        return kept * (self.heads_width // self.num_attention_heads)

    @property
    def latent(self) -> bool:
        return self.model_type == "deepseek_v3"

    @property
    def cached_width(self) -> int:
        """Features that a cache keeps of one token in one layer; of latent attention what vLLM keeps, the latent."""
        return self.kv_lora_rank + self.qk_rope_head_dim if self.latent else 2 * self.keys_width

    @property
    def linears(self) -> list[tuple[int, int]]:
        """Inputs and outputs of the linear layers of one block, experts left out: what LoRA adapts."""
        hidden, width = self.hidden_size, self.intermediate_size
        mlp = [(hidden, width), (hidden, width), (width, hidden)]
        if not self.latent:
            keys = (hidden, self.keys_width)
            return [(hidden, self.heads_width), keys, keys, (self.heads_width, hidden), *mlp]
        heads, rope = self.num_attention_heads, self.qk_rope_head_dim
        queries = heads * (self.qk_nope_head_dim + rope)
        return [
            (hidden, self.q_lora_rank),
            (self.q_lora_rank, queries),
            (hidden, self.kv_lora_rank + rope),
            (self.kv_lora_rank, heads * (self.qk_nope_head_dim + self.v_head_dim)),
            (heads * self.v_head_dim, hidden),
            *mlp,
        ]

    def block(self, active: bool = False) -> int:
        """Parameters of all blocks; with `active` those that one token uses."""
        attention, mlp = self.linears[:-3], 3 * self.hidden_size * self.intermediate_size
        each = sum(inputs * outputs for inputs, outputs in attention) + 2 * self.hidden_size  # and two norms
        each += self.q_lora_rank + self.kv_lora_rank  # norms of the latents
        each += self.heads_width + 2 * self.keys_width if self.model_type == "qwen2" else 0  # biases
        each += 2 * self.heads_width // self.num_attention_heads if self.model_type == "qwen3" else 0  # norms of heads
        dense = self.first_k_dense_replace if self.n_routed_experts else self.num_hidden_layers
        experts = self.n_shared_experts + (self.num_experts_per_tok if active else self.n_routed_experts)
        routed = experts * 3 * self.hidden_size * self.moe_intermediate_size + self.n_routed_experts * self.hidden_size
        return self.num_hidden_layers * each + dense * mlp + (self.num_hidden_layers - dense) * routed

    @property
    def embedding(self) -> int:
        return self.vocab_size * self.hidden_size

    @property
    def parameters(self) -> int:
        return self.block() + self.hidden_size + self.embedding * (1 if self.tie_word_embeddings else 2)

    @property
    def active(self) -> int:
        """Parameters that multiply one token: all but the input embedding, and of experts the chosen ones."""
        return self.block(active=True) + self.hidden_size + self.embedding

    def adapter(self, rank: int) -> int:
        """Parameters of a LoRA adapter on all linear layers; experts are not adapted."""
        return self.num_hidden_layers * rank * sum(inputs + outputs for inputs, outputs in self.linears)


def shape_of(config: Mapping[str, Any], where: str) -> Shape:
    """The shape that a configuration describes; `where` names it in errors."""
    kind = config.get("model_type")
    if kind not in KINDS:
        raise RecipeError(f"{where}: no plan for `model_type: {kind}`", f"the plan counts {', '.join(KINDS)}")
    known = {field.name for field in fields(Shape)}
    try:
        return Shape(**{key: value for key, value in config.items() if key in known and value is not None})
    except TypeError as error:
        missing = str(error).partition(": ")[2]
        raise RecipeError(f"{where}: its configuration lacks {missing}", "complete it") from None


@functools.cache
def table() -> dict[str, Shape]:
    """The shapes of the bundled models, by all their names."""
    entries = yaml.safe_load(Path(__file__).with_name("models.yaml").read_text(encoding="utf-8"))
    return {
        alias: shape_of(config, name) for name, config in entries.items() for alias in (name, *config.get("also", ()))
    }
