"""Numbers over samples: `statistics.py` for pass@k, cons@k and intervals, `summary.py` for a model's rows,
`measures.py` for what some benchmarks count beside, `published.py` for what others measured.
"""
