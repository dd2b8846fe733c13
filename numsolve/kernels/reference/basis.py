"""Work on a few long vectors, the rows of an array: bases that are projected on and recombined."""


def rows_gram(X, Y):
    """Return ``conj(X) Y^T``, the products of the rows of X with those of Y."""
    return X.conj() @ Y.T


def rows_combine(fresh, T, X, Y):
    """Add ``T X``, combinations of the rows of X, to Y, which may be rows of X; write it there if `fresh`."""
    Y[...] = (0 if fresh else Y) + T @ X
