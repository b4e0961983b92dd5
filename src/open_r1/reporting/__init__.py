"""The report: what lies in a folder of models and evaluations (`evaluations.py`, `training.py`, `sizes.py`), which
completions to show (`completions.py`), figures (`figures.py`) and the page (`page.py`).
"""
