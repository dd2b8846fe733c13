// Products with the matrix of the normal equations.
#include "kernel.h"

// Row b of `pieces` is the sum over the rows of A that block b takes; each thread has the same columns throughout.
template <typename T>
__global__ void normal_product(const T* A, const T* x, T* pieces, int64 m, int64 n)
{
    T* g = pieces + blockIdx.x * n;
    for (int64 c = threadIdx.x; c < n; c += blockDim.x) g[c] = T(0);
    for (int64 row = blockIdx.x; row < m; row += gridDim.x) {
        const T* a = A + row * n;
        T sum = T(0);
        for (int64 c = threadIdx.x; c < n; c += blockDim.x) sum += a[c] * x[c];
        sum = block_sum(sum);
        for (int64 c = threadIdx.x; c < n; c += blockDim.x) g[c] += conj_(a[c]) * sum;
    }
}
