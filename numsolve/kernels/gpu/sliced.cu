// Products with a matrix in sliced diagonals, and the conversion from compressed sparse rows.
#include "kernel.h"

constexpr int64 NONE = 0x7fffffffffffffff;

// A thread a row: neighbours read neighbouring entries of `data` and of `x`.
template <typename T, typename I>
__device__ T sliced_row(const I* starts, const I* offsets, const T* data, const T* x, int64 row, int64 rows, int64 m)
{
    const int64 slice = row / rows, place = row % rows, end = starts[slice + 1];
    T sum = T(0);
    for (int64 k = starts[slice]; k < end; ++k) {
        const int64 column = row + offsets[k];
        if (0 <= column && column < m) sum += data[k * rows + place] * x[column];
    }
    return sum;
}

template <typename T, typename I>
__global__ void sliced_spmv(const I* starts, const I* offsets, const T* data, const T* x, T* y, int64 rows,
                            int64 m, int64 n)
{
    for (int64 row = first(); row < n; row += stride()) y[row] = sliced_row(starts, offsets, data, x, row, rows, m);
}

template <typename T, typename I>
__global__ void sliced_spmv_dot(const I* starts, const I* offsets, const T* data, const T* p, T* q, real<T>* pq,
                                int64 rows, int64 m, int64 n)
{
    real<T> total = 0;
    for (int64 row = first(); row < n; row += stride()) {
        const T value = sliced_row(starts, offsets, data, p, row, rows, m);
        q[row] = value;
        total += inner(p[row], value);
    }
    total = block_sum(total);
    if (threadIdx.x == 0) pq[blockIdx.x] = total;
}

// The smallest `value` of the block, for all its threads; every thread must call it.
__device__ inline int64 block_min(int64 value)
{
    __shared__ int64 scratch[BLOCK];
    const int t = threadIdx.x;
    __syncthreads();  // other threads may still read the last one
    scratch[t] = value;
    __syncthreads();
    for (int half = BLOCK / 2; half > 0; half /= 2) {
        if (t < half && scratch[t + half] < scratch[t]) scratch[t] = scratch[t + half];
        __syncthreads();
    }
    return scratch[0];
}

// The next entry of a row, from `k` on, that is not zero.
template <typename T>
__device__ int64 nonzero(const T* data, int64 k, int64 end)
{
    while (k < end && magnitude(data[k]) == 0) ++k;
    return k;
}

// Block s merges the rows of slice s, a thread a row: the smallest offset that is left is the next diagonal.
template <typename T, typename I>
__global__ void sliced_find(const I* indptr, const I* indices, const T* data, I* counts, I* offsets, int64 rows,
                            int64 room, int64 n, int64 slices)
{
    const int t = threadIdx.x;
    for (int64 s = blockIdx.x; s < slices; s += gridDim.x) {
        const int64 row = s * rows + t;
        const bool mine = t < rows && row < n;
        const int64 end = mine ? indptr[row + 1] : 0;
        int64 k = mine ? nonzero(data, indptr[row], end) : 0, count = 0;
        while (count <= room) {
            const int64 next = k < end ? indices[k] - row : NONE, smallest = block_min(next);
            if (smallest == NONE) break;
            if (next == smallest) k = nonzero(data, k + 1, end);
            if (t == 0 && count < room) offsets[s * room + count] = smallest;
            ++count;
        }
        if (t == 0) counts[s] = count;
        if (t == 0 && count > room)
            for (int64 i = 0; i < room; ++i) offsets[s * room + i] = 0;
    }
}

template <typename T, typename I>
__global__ void sliced_fill(const I* indptr, const I* indices, const T* data, const I* starts, const I* offsets,
                            T* sliced, int64 rows, int64 n, int64 places)
{
    for (int64 row = first(); row < places; row += stride()) {
        const int64 slice = row / rows, last = starts[slice + 1];
        const int64 end = row < n ? indptr[row + 1] : 0;
        int64 k = row < n ? nonzero(data, indptr[row], end) : 0;
        for (int64 d = starts[slice]; d < last; ++d) {
            T value = T(0);
            if (k < end && indices[k] - row == offsets[d]) {
                value = data[k];
                k = nonzero(data, k + 1, end);
            }
            sliced[d * rows + row % rows] = value;
        }
    }
}
