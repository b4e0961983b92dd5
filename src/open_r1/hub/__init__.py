"""The Hub: what of an artifact is published, how it is checked, described and sent."""
