<<<<<<< HEAD
"""The Hub: what of an artifact is published, how it is checked, described and sent."""
=======
"""The Hub: what a repository is checked for before it is published, and how it goes there and comes back."""
>>>>>>> hub-check
