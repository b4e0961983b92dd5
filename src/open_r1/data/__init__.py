"""
Rows: where they come from (`sources.py`, `mini.py`), which are kept (`filters.py`, `contamination.py`), what becomes
of them (`rewriting.py`, `review.py`) and how they are written (`tables.py`).
"""
