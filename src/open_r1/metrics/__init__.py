"""Numbers over a sample store: `statistics.py` for pass@k and its kin, `summary.py` for a model's row, `tables.py`."""
