// Rows in an order, one level a launch; see the reference. Rows of a level do not meet: a thread each.
#include "kernel.h"

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

// One level of one triangle: z = b - L z, or of the `upper` one z = S z - U z, which goes to x.
template <typename T, typename I>
__global__ void ldu_solve(const I* bounds, const I* order, const I* indptr, const I* indices, const T* data,
                          const T* scale, const T* b, T* z, T* x, int64 upper, int64 level)
{
    for (int64 i = bounds[level] + first(); i < bounds[level + 1]; i += stride()) {
        const int64 place = order[i], end = indptr[i + 1];
        T value = upper ? scale[i] * z[i] : b[place];
        for (int64 k = indptr[i]; k < end; ++k) value -= data[k] * z[indices[k]];
        z[i] = value;
        if (upper) x[place] = value;
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
