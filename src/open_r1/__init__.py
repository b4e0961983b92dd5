"""open_r1: the whole DeepSeek-R1 pipeline as recipes on TRL."""

__version__ = "0.1.0"
