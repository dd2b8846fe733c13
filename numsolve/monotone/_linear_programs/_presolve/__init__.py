"""Reductions of a linear program that are cheap and reversible."""
