// Exact solution of a system whose graph is a forest; see the reference for what the kernel means.
#include "kernel.h"

template <typename T, typename I>
__global__ void forest_solve(const I* bounds, const I* starts, const T* coupling, T* diagonal, T* r, int64 levels)
{
    for (int64 level = levels - 1; level >= 0; --level) {
        for (int64 i = bounds[level] + threadIdx.x; i < bounds[level + 1]; i += blockDim.x) {
            T d = diagonal[i], value = r[i];
            for (int64 c = starts[i]; c < starts[i + 1]; ++c) {
                const T gain = coupling[c] / diagonal[c];
                d -= gain * coupling[c];
                value -= gain * r[c];
            }
            diagonal[i] = d;
            r[i] = level == 0 ? value / d : value;
        }
        __syncthreads();
    }
    for (int64 level = 0; level < levels; ++level) {
        for (int64 i = bounds[level] + threadIdx.x; i < bounds[level + 1]; i += blockDim.x)
            for (int64 c = starts[i]; c < starts[i + 1]; ++c) r[c] = (r[c] - coupling[c] * r[i]) / diagonal[c];
        __syncthreads();
    }
}
