// Products with a matrix in compressed sparse rows; `lanes` neighbouring threads share a row.
#include "kernel.h"

template <typename T, typename I>
__global__ void spmv(const I* indptr, const I* indices, const T* data, const T* x, T* y, int64 lanes, int64 n)
{
    const int64 rows = BLOCK / lanes, lane = threadIdx.x % lanes;
    for (int64 base = blockIdx.x * rows; base < n; base += gridDim.x * rows) {
        const int64 row = base + threadIdx.x / lanes;
        const T value = row_product(indptr, indices, data, x, row, n, int(lanes));
        if (row < n && lane == 0) y[row] = value;
    }
}

template <typename T, typename I>
__global__ void spmv_dot(const I* indptr, const I* indices, const T* data, const T* p, T* q, real<T>* pq,
                         int64 lanes, int64 n)
{
    const int64 rows = BLOCK / lanes, lane = threadIdx.x % lanes;
    real<T> total = 0;
    for (int64 base = blockIdx.x * rows; base < n; base += gridDim.x * rows) {
        const int64 row = base + threadIdx.x / lanes;
        const T value = row_product(indptr, indices, data, p, row, n, int(lanes));
        if (row < n && lane == 0) {
            q[row] = value;
            total += inner(p[row], value);
        }
    }
    total = block_sum(total);
    if (threadIdx.x == 0) pq[blockIdx.x] = total;
}

template <typename T, typename I>
__global__ void row_terms(const I* indptr, const I* indices, const T* data, const T* x, real<T>* terms,
                          real<T>* sizes, int64 lanes, int64 n)
{
    const int64 rows = BLOCK / lanes, lane = threadIdx.x % lanes;
    for (int64 base = blockIdx.x * rows; base < n; base += gridDim.x * rows) {
        const int64 row = base + threadIdx.x / lanes;
        real<T> found = 0, size = 0;
        if (row < n) {
            const int64 end = indptr[row + 1];
            for (int64 k = indptr[row] + lane; k < end; k += lanes) {
                const real<T> entry = magnitude(data[k]);
                found += entry * magnitude(x[indices[k]]);
                size += entry;
            }
        }
        found = lane_sum(found, int(lanes));
        size = lane_sum(size, int(lanes));
        if (row < n && lane == 0) {
            terms[row] = found;
            sizes[row] = size;
        }
    }
}

// Sums over the rows of a square system, and largest values: a column of `found` and `tops` for each block.
template <typename T, typename I>
__global__ void examine_rows(const I* indptr, const I* indices, const T* data, const T* x, const T* b,
                             real<T>* found, real<T>* tops, int64 lanes, int64 n)
{
    using R = real<T>;
    const int64 rows = BLOCK / lanes, lane = threadIdx.x % lanes;
    R sums[11] = {}, most[5] = {};
    for (int64 base = blockIdx.x * rows; base < n; base += gridDim.x * rows) {
        const int64 row = base + threadIdx.x / lanes;
        T value = T(0), w = T(0), d = T(0);
        R t = 0, s = 0;
        if (row < n) {
            const int64 end = indptr[row + 1];
            for (int64 k = indptr[row] + lane; k < end; k += lanes) {
                const T entry = data[k], factor = x[indices[k]];
                const R size = magnitude(entry);
                value += entry * factor;
                w += entry;
                if (int64(indices[k]) == row) d += entry;
                t += size * magnitude(factor);
                s += size;
                raise(most[3], 1 / size);
                raise(most[4], size);
            }
        }
        value = lane_sum(value, int(lanes));
        w = lane_sum(w, int(lanes));
        d = lane_sum(d, int(lanes));
        t = lane_sum(t, int(lanes));
        s = lane_sum(s, int(lanes));
        if (row < n && lane == 0) {
            const T r = b[row] - value;
            const R left = magnitude(r), given = magnitude(b[row]), of_row = magnitude(w), by = s > 0 ? s : R(1);
            sums[0] += left * left;
            sums[1] += inner(x[row], x[row]);
            sums[2] += given * given;
            sums[3] += (left / by) * (left / by);
            sums[4] += (given / by) * (given / by);
            sums[5] += real_part(r);
            sums[6] += imaginary_part(r);
            sums[7] += of_row;
            sums[8] += of_row * of_row;
            sums[9] += real_part(d) > 0;
            sums[10] += real_part(d) < 0;
            raise(most[0], t + given > 0 ? left / (t + given) : left);
            raise(most[1], s > 0 ? 1 - magnitude(d) / s : R(0.5));
            const R of_sign = (real_part(d) > 0 ? real_part(w) : -real_part(w)) - 2 * magnitude(d);
            raise(most[2], s > 0 ? 1 + of_sign / s : R(0));
        }
    }
    for (int j = 0; j < 11; ++j) {
        const R total = block_sum(sums[j]);
        if (threadIdx.x == 0) found[j * gridDim.x + blockIdx.x] = total;
    }
    for (int j = 0; j < 5; ++j) {
        const R top = block_max(most[j]);
        if (threadIdx.x == 0) tops[j * gridDim.x + blockIdx.x] = top;
    }
}

// Column c of a row's product with a block.
template <typename T, typename I>
__device__ T row_times_block(const I* indptr, const I* indices, const T* data, const T* X, int64 row, int64 c, int64 k)
{
    T sum = T(0);
    for (int64 e = indptr[row]; e < indptr[row + 1]; ++e) sum += data[e] * X[indices[e] * k + c];
    return sum;
}

template <typename T, typename I>
__global__ void spmm(const I* indptr, const I* indices, const T* data, const T* X, T* Y, int64 k, int64 items)
{
    for (int64 i = first(); i < items; i += stride())
        Y[i] = row_times_block(indptr, indices, data, X, i / k, i % k, k);
}

template <typename T, typename I>
__global__ void spmm_gram(const I* indptr, const I* indices, const T* data, const T* P, T* Q, T* pieces, int64 k,
                          int64 n)
{
    __shared__ T p[TILE * WIDEST], q[TILE * WIDEST];
    T sum = T(0);
    for (int64 base = int64(blockIdx.x) * TILE; base < n; base += int64(gridDim.x) * TILE) {
        const int64 rows = n - base < TILE ? n - base : TILE;
        for (int64 i = threadIdx.x; i < rows * k; i += blockDim.x) {
            p[i] = P[base * k + i];
            q[i] = Q[base * k + i] = row_times_block(indptr, indices, data, P, base + i / k, i % k, k);
        }
        add_to_gram(&sum, p, q, rows, k);
    }
    write_gram(sum, pieces, k);
}
