// Work on a few long vectors; see the reference for what each kernel means.
#include "kernel.h"

// Row a q + b of `pieces` holds the partial sums of the product of row a of X with row b of Y.
template <typename T>
__global__ void rows_gram(const T* X, const T* Y, T* pieces, int64 p, int64 q, int64 n)
{
    for (int64 a = 0; a < p; a += 4) {
        for (int64 b = 0; b < q; b += 2) {
            T s[4][2] = {{T(0), T(0)}, {T(0), T(0)}, {T(0), T(0)}, {T(0), T(0)}};
            for (int64 i = first(); i < n; i += stride()) {
                for (int other = 0; other < 2 && b + other < q; ++other) {
                    const T y = Y[(b + other) * n + i];
                    for (int row = 0; row < 4 && a + row < p; ++row)
                        s[row][other] += conj_(X[(a + row) * n + i]) * y;
                }
            }
            for (int row = 0; row < 4 && a + row < p; ++row) {
                for (int other = 0; other < 2 && b + other < q; ++other) {
                    const T sum = block_sum(s[row][other]);
                    if (threadIdx.x == 0) pieces[((a + row) * q + b + other) * gridDim.x + blockIdx.x] = sum;
                }
            }
        }
    }
}

template <typename T>
__global__ void rows_combine(const T* coefficients, const T* X, T* Y, int64 fresh, int64 k, int64 p, int64 n)
{
    for (int64 i = first(); i < n; i += stride()) {
        for (int64 o = 0; o < k; o += 4) {
            T sum[4] = {T(0), T(0), T(0), T(0)};
            for (int row = 0; row < 4 && o + row < k; ++row)
                if (!fresh) sum[row] = Y[(o + row) * n + i];
            for (int64 q = 0; q < p; ++q) {
                const T x = X[q * n + i];
                for (int row = 0; row < 4 && o + row < k; ++row) sum[row] += coefficients[(o + row) * p + q] * x;
            }
            for (int row = 0; row < 4 && o + row < k; ++row) Y[(o + row) * n + i] = sum[row];
        }
    }
}
