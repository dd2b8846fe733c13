"""Randomized sketching: operators, least squares, low-rank factorisations and row-action methods."""

__all__ = []
