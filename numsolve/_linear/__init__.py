"""From the caller's ``A, b`` to a checked system, its solution by a method, and the result."""
