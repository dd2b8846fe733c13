// Products with sketching matrices; see the reference for what each kernel means.
#include "kernel.h"

template <typename T, typename I>
__global__ void sketch_rows(const I* indptr, const I* places, T scale, const T* A, T* Y, int64 k, int64 items)
{
    for (int64 i = first(); i < items; i += stride()) {
        const int64 row = i / k, c = i % k;
        T sum = 0;
        for (int64 e = indptr[row]; e < indptr[row + 1]; ++e) {
            const int64 place = places[e];
            if (place < 0) sum -= A[~place * k + c];
            else sum += A[place * k + c];
        }
        Y[i] = scale * sum;
    }
}

// A block has a row of Y; its threads take the entries of one row of A, which are in different columns.
template <typename T, typename I>
__global__ void sketch_sparse(const I* indptr, const I* places, T scale, const I* A_indptr, const I* A_indices,
                              const T* A_data, T* Y, int64 k, int64 items)
{
    for (int64 row = blockIdx.x; row < items; row += gridDim.x) {
        for (int64 c = threadIdx.x; c < k; c += blockDim.x) Y[row * k + c] = 0;
        for (int64 e = indptr[row]; e < indptr[row + 1]; ++e) {
            __syncthreads();
            const int64 place = places[e], j = place < 0 ? ~place : place;
            const T value = place < 0 ? -scale : scale;
            for (int64 q = A_indptr[j] + threadIdx.x; q < A_indptr[j + 1]; q += blockDim.x)
                Y[row * k + A_indices[q]] += value * A_data[q];
        }
        __syncthreads();
    }
}

// One stage: the sums and differences of rows that are h apart.
template <typename T>
__global__ void hadamard(T* X, int64 k, int64 h, int64 items)
{
    for (int64 i = first(); i < items; i += stride()) {
        const int64 pair = i / k, c = i % k;
        T* x = X + (pair / h * 2 * h + pair % h) * k + c;
        const T a = x[0], b = x[h * k];
        x[0] = a + b;
        x[h * k] = a - b;
    }
}
