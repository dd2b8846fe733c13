// Sweeps of coordinate descent by one block of threads; see the reference for what each kernel mean.
#include "kernel.h"

// The change of a coefficient: the same in all threads.
template <typename T>
__device__ T step_of(int64 positive, T c, T square, T l1, T l2, T w)
{
    const T curvature = square + l2, value = c + square * w;
    if (!(curvature > 0)) return T(0);
    if (value > l1) return (value - l1) / curvature - w;
    if (value < -l1 && !positive) return (value + l1) / curvature - w;
    return -w;
}

template <typename T>
__global__ void gram_sweeps(int64 positive, int64 sweeps, T tol, const T* G, const T* l1, const T* l2, T* c, T* w,
                            int64 room, int64 n)
{
    for (int64 sweep = 0; sweep < sweeps; ++sweep) {
        T decrease = 0;
        for (int64 j = 0; j < n; ++j) {
            const T square = G[j * room + j], d = step_of(positive, c[j], square, l1[j], l2[j], w[j]);
            __syncthreads();  // before c[j] and w[j] change
            if (d == 0) continue;
            if (threadIdx.x == 0) w[j] += d;
            for (int64 i = threadIdx.x; i < n; i += blockDim.x) c[i] -= d * G[j * room + i];
            decrease += d * d * (square + l2[j]);
            __syncthreads();
        }
        if (!(decrease > tol)) return;
    }
}

// The product of a sparse column with q.
template <typename T, typename I>
__device__ T column_product(int64 start, int64 end, const I* indices, const T* data, const T* q)
{
    T sum = 0;
    for (int64 e = start + threadIdx.x; e < end; e += blockDim.x) sum += data[e] * q[indices[e]];
    return block_sum(sum);
}

template <typename T, typename I>
__global__ void column_sweeps(int64 positive, int64 sweeps, T tol, const I* some, const I* indptr, const I* indices,
                              const T* data, const T* h, const T* mean, const T* squares, const T* l1, const T* l2,
                              T* q, T* shift, T* c, T* w, int64 m, int64 n)
{
    T total = 0, moved = shift[0];
    for (int64 i = threadIdx.x; i < m; i += blockDim.x) total += h[i];
    total = block_sum(total);
    for (int64 sweep = 0; sweep < sweeps; ++sweep) {
        T decrease = 0;
        for (int64 j = 0; j < n; ++j) {
            const int64 start = indptr[some[j]], end = indptr[some[j] + 1];
            const T found = moved * total * mean[j] + column_product(start, end, indices, data, q);
            const T d = step_of(positive, found, squares[j], l1[j], l2[j], w[j]);
            __syncthreads();  // before w[j] changes
            if (d == 0) continue;
            if (threadIdx.x == 0) w[j] += d;
            for (int64 e = start + threadIdx.x; e < end; e += blockDim.x) q[indices[e]] -= d * h[indices[e]] * data[e];
            moved += d * mean[j];
            decrease += d * d * (squares[j] + l2[j]);
            __syncthreads();
        }
        if (!(decrease > tol)) break;
    }
    for (int64 j = 0; j < n; ++j) {
        const T found = column_product(indptr[some[j]], indptr[some[j] + 1], indices, data, q);
        if (threadIdx.x == 0) c[j] = moved * total * mean[j] + found;
    }
    __syncthreads();
    if (threadIdx.x == 0) shift[0] = moved;
}

template <typename T>
__device__ T row_times(const T* a, const T* q, int64 m)
{
    T sum = 0;
    for (int64 i = threadIdx.x; i < m; i += blockDim.x) sum += a[i] * q[i];
    return block_sum(sum);
}

template <typename T>
__global__ void row_sweeps(int64 positive, int64 sweeps, T tol, const T* A, const T* h, const T* squares, const T* l1,
                           const T* l2, T* q, T* c, T* w, int64 m, int64 n)
{
    for (int64 sweep = 0; sweep < sweeps; ++sweep) {
        T decrease = 0;
        for (int64 j = 0; j < n; ++j) {
            const T* a = A + j * m;
            const T d = step_of(positive, row_times(a, q, m), squares[j], l1[j], l2[j], w[j]);
            __syncthreads();
            if (d == 0) continue;
            if (threadIdx.x == 0) w[j] += d;
            for (int64 i = threadIdx.x; i < m; i += blockDim.x) q[i] -= d * h[i] * a[i];
            decrease += d * d * (squares[j] + l2[j]);
            __syncthreads();
        }
        if (!(decrease > tol)) break;
    }
    for (int64 j = 0; j < n; ++j) {
        const T found = row_times(A + j * m, q, m);
        if (threadIdx.x == 0) c[j] = found;
    }
}
