"""
Where rows come from: `sources.py` reads any source into the columns all stages share; `mini.py` makes the mini world.
"""
