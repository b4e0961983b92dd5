"""Completions: the sample store, the engines that fill it, and many jobs at once."""
