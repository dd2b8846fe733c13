// Sweeps over the rows of a matrix, one section a launch; see the reference. A thread a row.
#include "kernel.h"

template <typename T, typename I>
__global__ void sor_sweep(const bool* live, const I* bounds, const I* indptr, const I* indices, const T* data,
                          const T* scale, const T* b, const T* x, T* y, real<T>* rr, int64 section)
{
    const bool go = *live;
    const int64 begin = bounds[section], last = bounds[section + 1];
    real<T> total = 0;
    for (int64 i = begin + first(); go && i < last; i += stride()) {
        T old = b[i], fresh = b[i];
        for (int64 k = indptr[i]; k < indptr[i + 1]; ++k) {
            const int64 j = indices[k];
            const T term = data[k] * x[j];
            old -= term;
            fresh -= j < begin ? data[k] * y[j] : term;
        }
        y[i] = x[i] + scale[i] * fresh;
        total += inner(old, old);
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
