"""Machines: what a recipe needs of them before anything loads."""
