// Rows in an order, one level a launch; see the reference. Rows of a level do not meet: a thread each.
#include "kernel.h"

template <typename R> __device__ R divide(R a, R b) { return a / b; }
template <typename R> __device__ complex_t<R> divide(complex_t<R> a, complex_t<R> b)
{
    const R inverse = 1 / magnitude(b);  // twice, so that no square overflows
    return inverse * (a * conj_(inverse * b));
}

// Both rows are sorted: of row j, only what lies right of its diagonal and in the pattern of row i counts.
template <typename T, typename I>
__global__ void ilu0(const I* bounds, const I* order, const I* indptr, const I* indices, const I* diag, T* data,
                     int64 level)
{
    for (int64 item = bounds[level] + first(); item < bounds[level + 1]; item += stride()) {
        const int64 i = order[item], end = indptr[i + 1];
        for (int64 k = indptr[i]; k < diag[i]; ++k) {
            const int64 j = indices[k], above_end = indptr[j + 1];
            const T factor = divide(data[k], data[diag[j]]);
            data[k] = factor;
            for (int64 here = k + 1, above = diag[j] + 1; here < end && above < above_end;) {
                if (indices[here] == indices[above]) data[here++] -= factor * data[above++];
                else if (indices[here] < indices[above]) ++here;
                else ++above;
            }
        }
    }
}

// One level of one triangle: x = b - L x, or with `scaled` x = S b - U x.
template <typename T, typename I>
__global__ void ldu_solve(const I* bounds, const I* order, const I* indptr, const I* indices, const T* data,
                          const T* scale, const T* b, T* x, int64 scaled, int64 level)
{
    for (int64 item = bounds[level] + first(); item < bounds[level + 1]; item += stride()) {
        const int64 i = order[item], end = indptr[i + 1];
        T value = scaled ? scale[i] * b[i] : b[i];
        for (int64 k = indptr[i]; k < end; ++k) value -= data[k] * x[indices[k]];
        x[i] = value;
    }
}

template <typename T, typename I>
__global__ void relax(const I* bounds, const I* order, const I* indptr, const I* indices, const T* data,
                      const T* scale, const T* b, T* x, int64 level)
{
    for (int64 item = bounds[level] + first(); item < bounds[level + 1]; item += stride()) {
        const int64 i = order[item], end = indptr[i + 1];
        T value = b[i];
        for (int64 k = indptr[i]; k < end; ++k) value -= data[k] * x[indices[k]];
        x[i] += scale[i] * value;
    }
}
