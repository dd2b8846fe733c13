"""Minimisation with equality constraints by the exact augmented Lagrangian."""
