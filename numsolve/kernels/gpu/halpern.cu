// Steps of the Halpern iteration for linear programs; `lanes` neighbouring threads share a row.
#include "kernel.h"

template <typename T>
__device__ T clipped(T value, T lower, T upper)
{
    value = value < lower ? lower : value;
    return value > upper ? upper : value;
}

template <typename T, typename I>
__global__ void lp_primal(T tau, T keep, const I* indptr, const I* indices, const T* data, const T* y, const T* c,
                          const T* l, const T* u, const T* anchor, T* x, T* ahead, int64 lanes, int64 n)
{
    const int64 rows = BLOCK / lanes, lane = threadIdx.x % lanes;
    for (int64 base = blockIdx.x * rows; base < n; base += gridDim.x * rows) {
        const int64 row = base + threadIdx.x / lanes;
        const T product = row_product(indptr, indices, data, y, row, n, int(lanes));
        if (row < n && lane == 0) {
            const T old = x[row], fresh = 2 * clipped(old - tau * (c[row] - product), l[row], u[row]) - old;
            ahead[row] = fresh;
            x[row] = keep * fresh + (1 - keep) * anchor[row];
        }
    }
}

template <typename T, typename I>
__global__ void lp_dual(T sigma, T keep, const I* indptr, const I* indices, const T* data, const T* ahead, const T* rl,
                        const T* ru, const T* anchor, T* y, int64 lanes, int64 n)
{
    const int64 rows = BLOCK / lanes, lane = threadIdx.x % lanes;
    for (int64 base = blockIdx.x * rows; base < n; base += gridDim.x * rows) {
        const int64 row = base + threadIdx.x / lanes;
        const T product = row_product(indptr, indices, data, ahead, row, n, int(lanes));
        if (row < n && lane == 0) {
            const T old = y[row], w = old - sigma * product;
            const T fresh = w - clipped(w, -sigma * ru[row], -sigma * rl[row]);
            y[row] = keep * (2 * fresh - old) + (1 - keep) * anchor[row];
        }
    }
}
