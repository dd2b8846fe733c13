// Sweeps over the rows of a matrix, one section a launch; see the reference. A thread a row.
#include "kernel.h"

template <typename T>
struct Residuals {
    T old, fresh;
};

// The residual of row i at x, and that with the values in y of the rows before `front`.
template <typename T, typename I>
__device__ Residuals<T> residuals(const I* indptr, const I* indices, const T* data, T value, const T* x, const T* y,
                                  int64 i, int64 front)
{
    T old = value, fresh = value;
    for (int64 k = indptr[i]; k < indptr[i + 1]; ++k) {
        const int64 j = indices[k];
        const T term = data[k] * x[j];
        old -= term;
        fresh -= j < front ? data[k] * y[j] : term;
    }
    return {old, fresh};
}

template <typename T, typename I>
__global__ void sor_sweep(const bool* live, const I* bounds, const I* indptr, const I* indices, const T* data,
                          const T* scale, const T* b, const T* x, T* y, real<T>* rr, int64 section)
{
    const bool go = *live;
    const int64 begin = bounds[section], last = bounds[section + 1];
    real<T> total = 0;
    for (int64 i = begin + first(); go && i < last; i += stride()) {
        const Residuals<T> found = residuals(indptr, indices, data, b[i], x, y, i, begin);
        y[i] = x[i] + scale[i] * found.fresh;
        total += inner(found.old, found.old);
    }
    total = block_sum(total);
    if (threadIdx.x == 0) rr[section * gridDim.x + blockIdx.x] = go ? total : not_a_number<real<T>>();
}

// A thread a block.
template <typename T, typename I>
__global__ void block_sweep(const bool* live, const I* bounds, const I* starts, const I* indptr, const I* indices,
                            const T* data, const T* inverses, const T* b, const T* x, T* y, T* r, real<T>* rr,
                            int64 m, int64 section)
{
    const bool go = *live;
    const int64 begin = bounds[section], last = bounds[section + 1], front = starts[begin];
    real<T> total = 0;
    for (int64 k = begin + first(); go && k < last; k += stride()) {
        const int64 top = starts[k], bottom = starts[k + 1];
        for (int64 i = top; i < bottom; ++i) {
            const Residuals<T> found = residuals(indptr, indices, data, b[i], x, y, i, front);
            r[i] = found.fresh;
            total += inner(found.old, found.old);
        }
        for (int64 i = top; i < bottom; ++i) {
            T value = x[i];
            for (int64 j = top; j < bottom; ++j) value += inverses[(k * m + i - top) * m + j - top] * r[j];
            y[i] = value;
        }
    }
    total = block_sum(total);
    if (threadIdx.x == 0) rr[section * gridDim.x + blockIdx.x] = go ? total : not_a_number<real<T>>();
}

template <typename T, typename I>
__global__ void colour_sweep(const bool* live, const I* bounds, const I* indptr, const I* indices, const T* data,
                             const T* scale, const T* b, T* x, int64 section)
{
    for (int64 i = bounds[section] + first(); *live && i < bounds[section + 1]; i += stride()) {
        T value = b[i];
        for (int64 k = indptr[i]; k < indptr[i + 1]; ++k) value -= data[k] * x[indices[k]];
        x[i] += scale[i] * value;
    }
}
