"""
Numbers over a sample store: `statistics.py` for pass@k and its kin, `language.py` for what language a text is in.
"""
