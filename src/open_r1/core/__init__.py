"""What every room may use: recipes, artifacts, formats, languages, errors, processes. Nothing here imports torch."""
