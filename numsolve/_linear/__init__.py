"""From the caller's ``A, b`` to a checked system, a run and back."""
