// Row actions by one block of threads; see the reference for what each kernel means.
#include "kernel.h"

template <typename T, typename I>
__global__ void kaczmarz_dense(const I* rows, const T* A, const real<T>* norms, const T* b, T* x, int64 steps, int64 n)
{
    for (int64 step = 0; step < steps; ++step) {
        const int64 i = rows[step];
        if (!(norms[i] > 0)) continue;
        T value = T(0);
        for (int64 j = threadIdx.x; j < n; j += blockDim.x) value += A[i * n + j] * x[j];
        value = (1 / norms[i]) * (b[i] - block_sum(value));
        for (int64 j = threadIdx.x; j < n; j += blockDim.x) x[j] += value * conj_(A[i * n + j]);
    }
}

template <typename T, typename I>
__global__ void kaczmarz_csr(const I* rows, const I* indptr, const I* indices, const T* data, const real<T>* norms,
                             const T* b, T* x, int64 steps)
{
    for (int64 step = 0; step < steps; ++step) {
        const int64 i = rows[step], start = indptr[i], end = indptr[i + 1];
        if (!(norms[i] > 0)) continue;
        T value = T(0);
        for (int64 k = start + threadIdx.x; k < end; k += blockDim.x) value += data[k] * x[indices[k]];
        value = (1 / norms[i]) * (b[i] - block_sum(value));
        for (int64 k = start + threadIdx.x; k < end; k += blockDim.x) x[indices[k]] += value * conj_(data[k]);
        __syncthreads();
    }
}

// The row with the largest |r_i|^2 / norm(i); every thread of the block calls it.
template <typename T, typename Norm>
__device__ int64 farthest(Norm norm, const T* r, int64 m)
{
    __shared__ real<T> largest[BLOCK];
    __shared__ int64 rows[BLOCK];
    const int t = threadIdx.x;
    real<T> most = -1;
    int64 best = 0;
    for (int64 i = t; i < m; i += blockDim.x) {
        const real<T> size = norm(i), distance = size > 0 ? inner(r[i], r[i]) / size : real<T>(-1);
        if (distance > most) {
            most = distance;
            best = i;
        }
    }
    __syncthreads();  // other threads may still read the last choice
    largest[t] = most;
    rows[t] = best;
    __syncthreads();
    for (int half = BLOCK / 2; half > 0; half /= 2) {
        if (t < half && (largest[t + half] > largest[t] || (largest[t + half] == largest[t] && rows[t + half] < rows[t]))) {
            largest[t] = largest[t + half];
            rows[t] = rows[t + half];
        }
        __syncthreads();
    }
    return rows[0];
}

template <typename T, typename I>
__global__ void project_dense(const I* rows, const T* K, const T* G, T* z, T* r, int64 steps, int64 m, int64 n)
{
    for (int64 step = 0; step < steps; ++step) {
        int64 i = rows[step];
        if (i < 0) i = farthest([=](int64 j) { return real_part(G[j * m + j]); }, r, m);
        const real<T> size = real_part(G[i * m + i]);
        if (!(size > 0)) continue;
        const T w = (1 / size) * r[i];
        __syncthreads();  // before entry i of r changes
        for (int64 j = threadIdx.x; j < n; j += blockDim.x) z[j] -= w * conj_(K[i * n + j]);
        for (int64 j = threadIdx.x; j < m; j += blockDim.x) r[j] -= w * conj_(G[i * m + j]);
        __syncthreads();
    }
}

template <typename T, typename I>
__global__ void project_blocks(const I* rows, const T* inverses, T* y, const T* K, const T* G, T* z, T* r, int64 steps,
                               int64 q, int64 m, int64 n)
{
    for (int64 step = 0; step < steps; ++step, rows += q, inverses += q * q) {
        for (int64 a = threadIdx.x; a < q; a += blockDim.x) {
            T sum = T(0);
            for (int64 c = 0; c < q; ++c) sum += inverses[a * q + c] * r[rows[c]];
            y[a] = sum;
        }
        __syncthreads();
        for (int64 j = threadIdx.x; j < n; j += blockDim.x)
            for (int64 a = 0; a < q; ++a) z[j] -= y[a] * conj_(K[rows[a] * n + j]);
        for (int64 j = threadIdx.x; j < m; j += blockDim.x)
            for (int64 a = 0; a < q; ++a) r[j] -= y[a] * conj_(G[rows[a] * m + j]);
        __syncthreads();
    }
}

template <typename T, typename I>
__global__ void project_csr(const I* rows, const I* indptr, const I* indices, const T* data, const I* starts,
                            const I* numbers, const T* values, const real<T>* norms, T* z, T* r, int64 steps, int64 m)
{
    for (int64 step = 0; step < steps; ++step) {
        int64 i = rows[step];
        if (i < 0) i = farthest([=](int64 j) { return norms[j]; }, r, m);
        if (!(norms[i] > 0)) continue;
        const T w = (1 / norms[i]) * r[i];
        __syncthreads();  // before entry i of r changes
        for (int64 k = indptr[i]; k < indptr[i + 1]; ++k) {
            const int64 j = indices[k];
            const T move = w * conj_(data[k]);
            if (threadIdx.x == 0) z[j] -= move;
            for (int64 l = starts[j] + threadIdx.x; l < starts[j + 1]; l += blockDim.x) r[numbers[l]] -= move * conj_(values[l]);
            __syncthreads();
        }
    }
}

template <typename T>
__global__ void project_along(const T* S, const T* Y, const T* W, T* z, T* r, int64 steps, int64 m, int64 n)
{
    for (int64 step = 0; step < steps; ++step) {
        const T *s = S + step * m, *y = Y + step * n, *w = W + step * m;
        real<T> size = 0;
        T product = T(0);
        for (int64 j = threadIdx.x; j < n; j += blockDim.x) size += inner(y[j], y[j]);
        for (int64 j = threadIdx.x; j < m; j += blockDim.x) product += conj_(s[j]) * r[j];
        size = block_sum(size);
        product = block_sum(product);
        if (!(size > 0)) continue;
        product = (1 / size) * product;
        for (int64 j = threadIdx.x; j < n; j += blockDim.x) z[j] -= product * y[j];
        for (int64 j = threadIdx.x; j < m; j += blockDim.x) r[j] -= product * w[j];
    }
}
