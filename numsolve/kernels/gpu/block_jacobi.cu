// The block diagonal preconditioner: one thread a row of a block.
#include "kernel.h"

template <typename T, typename I>
__global__ void block_jacobi(const I* rows, const T* inverses, const T* x, T* y, int64 m, int64 n)
{
    for (int64 i = first(); i < n; i += stride()) {
        if (rows[i] < 0) continue;
        const I* block = rows + i / m * m;
        T sum = T(0);
        for (int64 j = 0; j < m && block[j] >= 0; ++j) sum += inverses[i * m + j] * x[block[j]];
        y[rows[i]] = sum;
    }
}
