"""What every stage of a pipeline imports, imported once by the process that the stages are forked from.

Only imports: no tensor is made here, because threads that computing starts would not survive the fork.
"""

import datasets  # noqa: F401
import torch  # noqa: F401
import trl  # noqa: F401
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer  # noqa: F401
from transformers.models.llama import modeling_llama  # noqa: F401
from trl import GRPOConfig, GRPOTrainer, ModelConfig, RewardConfig, RewardTrainer, SFTConfig, SFTTrainer  # noqa: F401
