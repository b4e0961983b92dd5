"""What every stage of a pipeline imports, imported once by the process that the stages are forked from.

Only imports: no tensor is made here, because threads that computing starts would not survive the fork.
"""

import datasets
import torch
import trl
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
from transformers.models.llama import modeling_llama
from trl import GRPOConfig, GRPOTrainer, ModelConfig, RewardConfig, RewardTrainer, SFTConfig, SFTTrainer
