// The work of block GMRES on its basis; see the reference for what each kernel means.
#include "kernel.h"

// Copy a tile of a block of vectors to shared memory; every thread calls it.
template <typename T>
__device__ void load_tile(T* tile, const T* block, int64 base, int64 rows, int64 p)
{
    for (int64 i = threadIdx.x; i < rows * p; i += blockDim.x) tile[i] = block[base * p + i];
}

// Row a of `pieces` holds the partial sums of product a; four blocks of the basis at a time.
template <typename T>
__global__ void block_project(const T* V, T* pieces, int64 j, int64 p, int64 n)
{
    constexpr int MANY = 4;
    __shared__ T u[TILE * WIDEST], w[TILE * WIDEST], v[TILE * WIDEST];
    const T *U = V + j * n * p, *W = U + n * p;
    for (int64 first = 0; first <= j; first += MANY) {
        T s[MANY], t[MANY];
        for (int b = 0; b < MANY; ++b) s[b] = t[b] = T(0);
        for (int64 base = int64(blockIdx.x) * TILE; base < n; base += int64(gridDim.x) * TILE) {
            const int64 rows = n - base < TILE ? n - base : TILE;
            load_tile(u, U, base, rows, p);
            load_tile(w, W, base, rows, p);
            for (int b = 0; b < MANY && first + b <= j; ++b) {
                load_tile(v, V + (first + b) * n * p, base, rows, p);
                add_to_gram(&s[b], v, u, rows, p);
                add_to_gram(&t[b], v, w, rows, p);
            }
        }
        for (int b = 0; b < MANY && first + b <= j; ++b) {
            write_gram(s[b], pieces + (first + b) * p * p * gridDim.x, p);
            __syncthreads();
            write_gram(t[b], pieces + (j + 1 + first + b) * p * p * gridDim.x, p);
            __syncthreads();
        }
    }
}

template <typename T>
__global__ void block_advance(const T* ST, const T* C, T* V, T* pieces, int64 j, int64 p, int64 n)
{
    __shared__ T u[TILE * WIDEST], w[TILE * WIDEST], v[TILE * WIDEST];
    T *U = V + j * n * p, *W = U + n * p, sum = T(0);
    const T *Tj = ST + (j + 1) * p * p, *gamma = Tj + j * p * p;
    for (int64 base = int64(blockIdx.x) * TILE; base < n; base += int64(gridDim.x) * TILE) {
        const int64 rows = n - base < TILE ? n - base : TILE, items = rows * p;
        load_tile(u, U, base, rows, p);
        load_tile(w, W, base, rows, p);
        for (int64 b = 0; b < j; ++b) {
            load_tile(v, V + b * n * p, base, rows, p);
            __syncthreads();
            for (int64 i = threadIdx.x; i < items; i += blockDim.x) {
                u[i] -= entry(v, ST + b * p * p, i / p, i % p, p, p);
                w[i] -= entry(v, Tj + b * p * p, i / p, i % p, p, p);
            }
            __syncthreads();
        }
        __syncthreads();
        for (int64 i = threadIdx.x; i < items; i += blockDim.x) v[i] = entry(u, C, i / p, i % p, p, p);
        __syncthreads();
        for (int64 i = threadIdx.x; i < items; i += blockDim.x) {
            U[base * p + i] = v[i];
            w[i] -= entry(v, gamma, i / p, i % p, p, p);
        }
        __syncthreads();
        for (int64 i = threadIdx.x; i < items; i += blockDim.x)
            W[base * p + i] = u[i] = entry(w, C, i / p, i % p, p, p);
        add_to_gram(&sum, u, u, rows, p);
    }
    write_gram(sum, pieces, p);
}

template <typename T>
__global__ void block_transform(const T* C, T* W, int64 p, int64 n)
{
    __shared__ T w[TILE * WIDEST];
    for (int64 base = int64(blockIdx.x) * TILE; base < n; base += int64(gridDim.x) * TILE) {
        const int64 rows = n - base < TILE ? n - base : TILE;
        load_tile(w, W, base, rows, p);
        __syncthreads();
        for (int64 i = threadIdx.x; i < rows * p; i += blockDim.x) W[base * p + i] = entry(w, C, i / p, i % p, p, p);
        __syncthreads();
    }
}
