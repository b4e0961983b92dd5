"""The Hub: what a repository is checked for before it is published, and how it goes there and comes back."""
