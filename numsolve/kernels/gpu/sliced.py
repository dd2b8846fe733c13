"""Products with a matrix in sliced diagonals, and the conversion from compressed sparse rows."""

from ._launch import BLOCK, blocks, launch, pieces


def sliced_find(rows, indptr, indices, data, counts, offsets):
    if rows > BLOCK:
        raise ValueError(f"a slice has {rows} rows; at most {BLOCK} can be merged by a block")
    slices, room = offsets.shape
    args = indptr, indices, data, counts, offsets, rows, room, indptr.size - 1, slices
    launch("sliced_find", blocks(slices, BLOCK), *args)


def sliced_fill(indptr, indices, data, starts, offsets, sliced):
    rows = sliced.shape[1]
    places = (starts.size - 1) * rows
    args = indptr, indices, data, starts, offsets, sliced, rows, indptr.size - 1, places
    launch("sliced_fill", blocks(places), *args)


def sliced_spmv(starts, offsets, data, x, y):
    args = starts, offsets, data, x, y, data.shape[1], x.size, y.size
    launch("sliced_spmv", blocks(y.size), *args)


def sliced_spmv_dot(starts, offsets, data, p, q):
    pq = pieces(q, blocks(q.size))
    launch("sliced_spmv_dot", pq.size, starts, offsets, data, p, q, pq, data.shape[1], p.size, q.size)
    return pq
