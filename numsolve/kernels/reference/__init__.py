"""NumPy text: the definition of every kernel, with which the other two are compared."""
