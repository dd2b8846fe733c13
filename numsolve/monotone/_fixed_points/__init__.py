"""Methods for a fixed point ``x = T x`` of a nonexpansive map."""
