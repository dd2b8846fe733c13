"""Exact solution of a system whose graph is a forest, by messages from the leaves to the roots and back."""


def forest_solve(bounds, starts, coupling, diagonal, r):
    """Write the solution to `r`, and the pivots to `diagonal`.

    The nodes are numbered by levels, the roots first; level l has the nodes from ``bounds[l]`` to
    ``bounds[l + 1]``. The children c of node i have the numbers from ``starts[i]`` to ``starts[i + 1]``, and
    ``coupling[c]`` is the entry between c and i. From the leaves to the roots, ``d_i -= sum_c a_c^2 / d_c``
    and ``r_i -= sum_c a_c r_c / d_c``; then from the roots to the leaves ``x_c = (r_c - a_c x_i) / d_c``.
    """
    for i in range(len(r) - 1, -1, -1):
        children = slice(starts[i], starts[i + 1])
        gains = coupling[children] / diagonal[children]
        diagonal[i] -= (gains * coupling[children]).sum()
        r[i] -= (gains * r[children]).sum()
    if len(r):
        r[: bounds[1]] /= diagonal[: bounds[1]]
    for i in range(len(r)):
        children = slice(starts[i], starts[i + 1])
        r[children] = (r[children] - coupling[children] * r[i]) / diagonal[children]
