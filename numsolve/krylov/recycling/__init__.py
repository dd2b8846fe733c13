"""Recycled spaces, the learning of directions, and the methods that use them."""
