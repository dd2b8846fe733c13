// The work of a multigrid cycle on each grid; `lanes` neighbouring threads share a row.
#include "kernel.h"

// Call finish(row, sum) for each row, where sum adds term(k) over the entries k of the row. All threads of a block
// run to its last row, because lane_sum needs whole warps.
template <typename T, typename I, typename Term, typename Finish>
__device__ void each_row(const I* indptr, int64 lanes, int64 n, Term term, Finish finish)
{
    const int64 rows = BLOCK / lanes, lane = threadIdx.x % lanes;
    for (int64 base = blockIdx.x * rows; base < n; base += gridDim.x * rows) {
        const int64 row = base + threadIdx.x / lanes;
        T sum = T(0);
        if (row < n) {
            const int64 end = indptr[row + 1];
            for (int64 k = indptr[row] + lane; k < end; k += lanes) sum += term(k);
        }
        sum = lane_sum(sum, int(lanes));
        if (row < n && lane == 0) finish(row, sum);
    }
}

template <typename T, typename I>
__global__ void residual(const I* indptr, const I* indices, const T* data, const T* x, const T* b, T* r, int64 lanes,
                         int64 n)
{
    each_row<T>(indptr, lanes, n, [=](int64 k) { return data[k] * x[indices[k]]; },
                [=](int64 i, T sum) { r[i] = b[i] - sum; });
}

template <typename T, typename I>
__global__ void correct(const I* indptr, const I* indices, const T* data, const T* e, T* x, int64 lanes, int64 n)
{
    each_row<T>(indptr, lanes, n, [=](int64 k) { return data[k] * e[indices[k]]; },
                [=](int64 i, T sum) { x[i] += sum; });
}

template <typename T, typename I>
__global__ void jacobi_sweep(real<T> omega, const T* inverse, const I* indptr, const I* indices, const T* data,
                             const T* b, const T* x, T* y, int64 lanes, int64 n)
{
    each_row<T>(indptr, lanes, n, [=](int64 k) { return data[k] * x[indices[k]]; },
                [=](int64 i, T sum) { y[i] = x[i] + omega * (inverse[i] * (b[i] - sum)); });
}
