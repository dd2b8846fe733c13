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
