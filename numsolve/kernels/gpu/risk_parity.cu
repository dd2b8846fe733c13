// A sweep of cyclical coordinate descent for risk budgets, by one block of threads.
#include "kernel.h"

template <typename T>
__global__ void risk_sweep(const bool* live, const T* C, const T* signs, const T* b, T* x, T* q, T* rr, int64 n)
{
    if (*live && n > 0) {
        for (int64 i = 0; i < n; ++i) {
            const T own = C[i * n + i], s = signs[i], a = (q[i] - own * x[i]) / 2, root = sqrt(a * a + own * b[i]);
            const T d = (s * a > 0 ? s * b[i] / (root + magnitude(a)) : (s * root - a) / own) - x[i];
            __syncthreads();  // all threads have read q[i] and x[i]
            if (threadIdx.x == 0) x[i] += d;
            for (int64 j = threadIdx.x; j < n; j += blockDim.x) q[j] += d * C[i * n + j];
            __syncthreads();
        }
        T total = 0;
        for (int64 i = threadIdx.x; i < n; i += blockDim.x) total += x[i] * q[i];
        total = block_sum(total);
        if (!(total > 0)) {
            if (threadIdx.x == 0) *rr = not_a_number<T>();
            return;
        }
        const T scale = 1 / sqrt(total);
        for (int64 i = threadIdx.x; i < n; i += blockDim.x) {
            x[i] *= scale;
            q[i] *= scale;
        }
    }
    T most = 0;
    for (int64 i = threadIdx.x; i < n; i += blockDim.x) {
        const T error = x[i] * q[i] - b[i];
        if (!(error * error <= most)) most = error * error;
    }
    const T broken = block_sum(most - most);  // 0, or NaN if an error is not finite
    most = block_max(most);
    if (threadIdx.x == 0) *rr = most + broken;
}
