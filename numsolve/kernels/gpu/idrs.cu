// The vector work of IDR(s); see the reference for what each kernel means.
#include "kernel.h"

// Row k of `pieces` holds the partial sums of p_k^H w, row s those of w^H w; four rows at a time.
template <typename T>
__global__ void idrs_project(const T* P, const T* w, T* pieces, int64 s, int64 n)
{
    for (int64 k = 0; k <= s; k += 4) {
        T sums[4] = {T(0), T(0), T(0), T(0)};
        for (int64 i = first(); i < n; i += stride()) {
            for (int row = 0; row < 4; ++row) {
                if (k + row <= s) sums[row] += conj_(k + row < s ? P[(k + row) * n + i] : w[i]) * w[i];
            }
        }
        for (int row = 0; row < 4 && k + row <= s; ++row) {
            const T sum = block_sum(sums[row]);
            if (threadIdx.x == 0) pieces[(k + row) * gridDim.x + blockIdx.x] = sum;
        }
    }
}

// Solve S[k:, k:] c[k:] = f[k:]; for one thread.
template <typename T>
__device__ void forward(int64 k, const T* S, const T* f, T* c, int64 s)
{
    for (int64 i = k; i < s; ++i) {
        T value = f[i];
        for (int64 j = k; j < i; ++j) value -= S[i * s + j] * c[j];
        c[i] = divide(value, S[i * s + i]);
    }
}

template <typename T>
__global__ void idrs_begin(const T* h, const T* S, T* f, T* c, int64 s)
{
    if (first() > 0) return;
    for (int64 i = 0; i < s; ++i) f[i] = h[i];
    forward(0, S, f, c, s);
}

template <typename T>
__global__ void idrs_solve(real<T> eps, const T* h, T* S, T* f, T* a, T* c, int64 k, int64 s)
{
    if (first() > 0) return;
    for (int64 i = 0; i < k; ++i) {
        T value = h[i];
        for (int64 j = 0; j < i; ++j) value -= S[i * s + j] * a[j];
        a[i] = divide(value, S[i * s + i]);
    }
    for (int64 i = k; i < s; ++i) {
        T value = h[i];
        for (int64 j = 0; j < k; ++j) value -= S[i * s + j] * a[j];
        S[i * s + k] = value;
    }
    real<T> size = sqrt(real_part(h[s]));
    for (int64 j = 0; j < k; ++j) size += magnitude(S[k * s + j]) * magnitude(a[j]);
    const T pivot = S[k * s + k];
    if (!(magnitude(pivot) > eps * size && is_finite(size))) {
        a[k] = T(not_a_number<real<T>>());
        S[k * s + k] = T(1);
        return;
    }
    a[k] = divide(f[k], pivot);
    f[k] = T(0);
    for (int64 i = k + 1; i < s; ++i) f[i] -= a[k] * S[i * s + k];
    forward(k + 1, S, f, c, s);
}

template <typename T>
__global__ void idrs_shift(const T* c, const T* G, const T* r, T* v, int64 k, int64 s, int64 n)
{
    for (int64 i = first(); i < n; i += stride()) {
        T value = r[i];
        for (int64 j = k; j < s; ++j) value -= c[j] * G[j * n + i];
        v[i] = value;
    }
}

template <typename T>
__global__ void idrs_direction(const T* c, const T* omega, const T* v, T* U, int64 k, int64 s, int64 n)
{
    for (int64 i = first(); i < n; i += stride()) {
        T value = *omega * v[i];
        for (int64 j = k; j < s; ++j) value += c[j] * U[j * n + i];
        U[k * n + i] = value;
    }
}

template <typename T>
__global__ void idrs_advance(const bool* live, const T* a, T* G, T* U, T* x, T* r, real<T>* rr, int64 k, int64 n)
{
    const T beta = a[k];
    const bool go = *live && is_finite(magnitude(beta));
    real<T> total = go ? 0 : not_a_number<real<T>>();
    for (int64 i = first(); go && i < n; i += stride()) {
        T g = G[k * n + i], u = U[k * n + i];
        for (int64 j = 0; j < k; ++j) {
            g -= a[j] * G[j * n + i];
            u -= a[j] * U[j * n + i];
        }
        G[k * n + i] = g;
        U[k * n + i] = u;
        const T value = r[i] - beta * g;
        x[i] += beta * u;
        r[i] = value;
        total += inner(value, value);
    }
    total = block_sum(total);
    if (threadIdx.x == 0) rr[blockIdx.x] = total;
}

template <typename T>
__global__ void idrs_reduce(const bool* live, const T* tr, int64 tr_count, const real<T>* tt, int64 tt_count,
                            const real<T>* before, int64 before_count, real<T> kappa, T* omega, const T* v,
                            const T* t, T* x, T* r, real<T>* rr, int64 n)
{
    const T tr_sum = sum_pieces(tr, tr_count);
    const real<T> tt_sum = sum_pieces(tt, tt_count), length = magnitude(tr_sum);
    const real<T> least = kappa * sqrt(sum_pieces(before, before_count)) / sqrt(tt_sum), size = length / tt_sum;
    const bool go = *live && tt_sum > 0 && is_finite(tt_sum) && is_finite(length);
    const T longer = size > 0 ? (least / length) * tr_sum : T(least);
    const T w = size < least ? longer : (1 / tt_sum) * tr_sum;
    real<T> total = go ? 0 : not_a_number<real<T>>();
    for (int64 i = first(); go && i < n; i += stride()) {
        x[i] += w * v[i];  // v may be r
        const T value = r[i] - w * t[i];
        r[i] = value;
        total += inner(value, value);
    }
    total = block_sum(total);
    if (threadIdx.x == 0) rr[blockIdx.x] = total;
    if (go && first() == 0) omega[0] = w;
}
