// The vector work of Chebyshev iterations; see the reference for what each kernel means.
#include "kernel.h"

template <typename T>
__global__ void chebyshev_step(const bool* live, real<T> keep, real<T> gain, const T* q, T* d, T* x, T* r,
                               real<T>* rr, int64 n)
{
    const bool go = *live;
    real<T> total = go ? 0 : not_a_number<real<T>>();
    for (int64 i = first(); go && i < n; i += stride()) {
        const T v = d[i], e = r[i] - q[i];
        x[i] += v;
        r[i] = e;
        d[i] = keep * v + gain * e;
        total += inner(e, e);
    }
    total = block_sum(total);
    if (threadIdx.x == 0) rr[blockIdx.x] = total;
}

template <typename T>
__global__ void chebyshev_update(const bool* live, const T* q, const T* d, T* x, T* r, real<T>* rr, int64 n)
{
    const bool go = *live;
    real<T> total = go ? 0 : not_a_number<real<T>>();
    for (int64 i = first(); go && i < n; i += stride()) {
        const T e = r[i] - q[i];
        x[i] += d[i];
        r[i] = e;
        total += inner(e, e);
    }
    total = block_sum(total);
    if (threadIdx.x == 0) rr[blockIdx.x] = total;
}

template <typename T>
__global__ void chebyshev_direction(const bool* live, real<T> keep, real<T> gain, const T* z, T* d, int64 n)
{
    const bool go = *live;
    for (int64 i = first(); go && i < n; i += stride()) d[i] = keep * d[i] + gain * z[i];
}

template <typename T>
__global__ void chebyshev_start(real<T> gain, const T* scale, const T* b, T* d, T* x, int64 n)
{
    for (int64 i = first(); i < n; i += stride()) {
        const T v = gain * scale[i] * b[i];
        d[i] = v;
        x[i] = v;
    }
}

template <typename T>
__global__ void chebyshev_smooth(real<T> keep, real<T> gain, const T* scale, const T* q, const T* b, T* r, T* d, T* x,
                                 int64 n)
{
    for (int64 i = first(); i < n; i += stride()) {
        const T e = b[i] - q[i], v = keep * d[i] + gain * scale[i] * e;
        r[i] = e;
        d[i] = v;
        x[i] += v;
    }
}
