"""Products with the matrix of the normal equations."""


def normal_product(A, x, y):
    """Write ``A^H (A x)`` to `y`, for a dense matrix A of shape (m, n) in C order, in one pass over A."""
    y[:] = A.conj().T @ (A @ x)
