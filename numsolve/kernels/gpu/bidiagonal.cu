// Half a step of Golub and Kahan's bidiagonalisation; see the reference for what each kernel means.
#include "kernel.h"

template <typename T>
__global__ void bidiagonal(const real<T>* xx, int64 xx_count, const real<T>* yy, int64 yy_count, const T* w, T* y,
                           real<T>* squares, int64 n)
{
    const real<T> xx_sum = sum_pieces(xx, xx_count), yy_sum = sum_pieces(yy, yy_count);
    const bool go = xx_sum > 0;
    const real<T> inverse = 1 / sqrt(xx_sum), back = sqrt(xx_sum) / sqrt(yy_sum);
    real<T> total = go ? 0 : xx_sum * 0;
    for (int64 i = first(); go && i < n; i += stride()) {
        y[i] = inverse * w[i] - back * y[i];
        total += inner(y[i], y[i]);
    }
    total = block_sum(total);
    if (threadIdx.x == 0) squares[blockIdx.x] = total;
}

template <typename T, typename I>
__global__ void bidiagonal_csr(const I* indptr, const I* indices, const T* data, const real<T>* xx, int64 xx_count,
                               const real<T>* yy, int64 yy_count, const T* x, T* y, real<T>* squares, int64 lanes,
                               int64 n)
{
    const int64 rows = BLOCK / lanes, lane = threadIdx.x % lanes;
    const real<T> xx_sum = sum_pieces(xx, xx_count), yy_sum = sum_pieces(yy, yy_count);
    const bool go = xx_sum > 0;
    const real<T> inverse = 1 / sqrt(xx_sum), back = sqrt(xx_sum) / sqrt(yy_sum);
    real<T> total = go ? 0 : xx_sum * 0;
    for (int64 base = blockIdx.x * rows; go && base < n; base += gridDim.x * rows) {
        const int64 row = base + threadIdx.x / lanes;
        const T value = row_product(indptr, indices, data, x, row, n, int(lanes));
        if (row < n && lane == 0) {
            y[row] = inverse * value - back * y[row];
            total += inner(y[row], y[row]);
        }
    }
    total = block_sum(total);
    if (threadIdx.x == 0) squares[blockIdx.x] = total;
}
