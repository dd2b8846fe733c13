// Sums over vectors, and the residual norms that the iteration loop reads.
#include "kernel.h"

template <typename T>
__global__ void dot(const T* x, const T* y, real<T>* xy, int64 n)
{
    real<T> total = 0;
    for (int64 i = first(); i < n; i += stride()) total += inner(x[i], y[i]);
    total = block_sum(total);
    if (threadIdx.x == 0) xy[blockIdx.x] = total;
}

template <typename T>
__global__ void vdot(const T* x, const T* y, T* xy, int64 n)
{
    T sum = T(0);
    for (int64 i = first(); i < n; i += stride()) sum += conj_(x[i]) * y[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) xy[blockIdx.x] = sum;
}

template <typename T>
__global__ void projection(const T* t, const T* r, T* tr, real<T>* tt, int64 n)
{
    T product = T(0);
    real<T> square = 0;
    for (int64 i = first(); i < n; i += stride()) {
        product += conj_(t[i]) * r[i];
        square += inner(t[i], t[i]);
    }
    product = block_sum(product);
    square = block_sum(square);
    if (threadIdx.x == 0) {
        tr[blockIdx.x] = product;
        tt[blockIdx.x] = square;
    }
}

// Block i sums row i.
template <typename T>
__global__ void row_sums(const T* pieces, T* sums, int64 length, int64 n)
{
    for (int64 row = blockIdx.x; row < n; row += gridDim.x) {
        T total = T(0);
        for (int64 i = threadIdx.x; i < length; i += blockDim.x) total += pieces[row * length + i];
        total = block_sum(total);
        if (threadIdx.x == 0) sums[row] = total;
    }
}

template <typename R>
__global__ void residual_norm(const R* rr, int64 rr_count, R tol, int64 step, R* norms, bool* live)
{
    const R norm = sqrt(sum_pieces(rr, rr_count));
    if (threadIdx.x == 0) {
        norms[step] = norm;
        *live = norm > tol;
    }
}

template <typename R>
__global__ void residual_norms(const R* rr, const R* tol, int64 step, R* norms, bool* live, int64 k)
{
    for (int64 c = threadIdx.x; c < k; c += blockDim.x) {
        const R norm = live[c] ? sqrt(rr[c]) : R(0);
        norms[step * k + c] = norm;
        live[c] = norm > tol[c];
    }
}
