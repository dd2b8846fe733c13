"""Spaces of known directions, how they are learned, and the methods that use them."""
