"""Products with sketching matrices."""

from ._launch import BLOCKS, blocks, launch


def sketch_rows(indptr, places, scale, A, Y):
    launch("sketch_rows", blocks(Y.size), indptr, places, scale, A, Y, A.shape[1], Y.size)


def sketch_sparse(indptr, places, scale, A_indptr, A_indices, A_data, Y):
    grid = max(1, min(len(Y), BLOCKS))
    A = A_indptr, A_indices, A_data
    launch("sketch_sparse", grid, indptr, places, scale, *A, Y, Y.shape[1], len(Y))


def hadamard(X):
    n, k = X.shape
    h = 1
    while h < n:
        launch("hadamard", blocks(n // 2 * k), X, k, h, n // 2 * k)
        h *= 2
