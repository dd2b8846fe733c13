"""Roots of systems of equations, also within bounds."""
