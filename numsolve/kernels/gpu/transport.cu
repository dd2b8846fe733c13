// The passes of Sinkhorn's iteration over rows and columns. A block takes its rows one after the other; each of
// its threads has every BLOCK-th column, so that no two add to the same sum.
#include "kernel.h"

constexpr int DENSE = 0, SQUARED = 1, SCALED = 3;
constexpr int KEPT = 4096;  // entries of a row that are not computed twice; 32 KB in double precision
constexpr double TINY = 1e-37, FAR = 80, EXTRA = 8;

template <typename T> __device__ T infinity() { return -log(T(0)); }

template <typename T>
struct Cost {
    T inverse;
    int64 kind;
    const T *C, *X, *Y;
    int64 d, n, m;

    __device__ T operator()(int64 i, int64 j) const
    {
        if (kind == DENSE) return inverse * C[i * m + j];
        if (kind == SCALED) return -log(C[i * m + j]);
        T square = 0;
        for (int64 k = 0; k < d; ++k) {
            const T difference = X[k * n + i] - Y[k * m + j];
            square += difference * difference;
        }
        return inverse * (kind == SQUARED ? square : sqrt(square));
    }
    // exp(shift + G_j - cost)
    __device__ T weight(T shift, const T* G, int64 i, int64 j) const
    {
        if (kind == SCALED) return exp(shift + G[j]) * C[i * m + j];
        return exp((shift + G[j]) - (*this)(i, j));
    }
};

template <typename T>
__device__ T block_max(T value)
{
    __shared__ T scratch[BLOCK];
    const int t = threadIdx.x;
    __syncthreads();
    scratch[t] = value;
    __syncthreads();
    for (int half = BLOCK / 2; half > 0; half /= 2) {
        if (t < half && scratch[t + half] > scratch[t]) scratch[t] = scratch[t + half];
        __syncthreads();
    }
    return scratch[0];
}

template <typename T>
__device__ T step(T omega, T kappa, T potential, T mass, T found)
{
    if (omega == 0) return potential;
    const T change = kappa * (potential + log(mass / found)) - potential;
    const T most = EXTRA;
    return potential + change + (omega - 1) * (change < -most ? -most : change > most ? most : change);
}

template <typename T> __device__ bool sound(T found, T change)
{
    return found > T(TINY) && is_finite(found) && (change < 0 ? -change : change) < T(FAR);
}

template <typename T>
__device__ T largest_of_row(const Cost<T>& cost, const T* G, int64 i)
{
    T most = -infinity<T>();
    for (int64 j = threadIdx.x; j < cost.m; j += BLOCK) {
        const T value = G[j] - cost(i, j);
        if (value > most) most = value;
    }
    return block_max(most);
}

template <typename T>
__global__ void transport_rows(
    const bool* live, T omega, T kappa, T inverse, int64 kind, const T* C, const T* X, const T* Y, const T* a,
    const T* F, const T* G, T* F_new, T* r, T* sums, int64 d, int64 n, int64 m)
{
    __shared__ T kept[KEPT];
    const Cost<T> cost{inverse, kind, C, X, Y, d, n, m};
    const int64 q = blockIdx.x, blocks = gridDim.x, last = (q + 1) * n / blocks;
    T* t = sums + q * m;
    if (!*live) return;
    for (int64 j = threadIdx.x; j < m; j += BLOCK) t[j] = 0;
    for (int64 i = q * n / blocks; i < last; ++i) {
        T shift = F[i], moved = F[i], found = 0, weight = 1;
        if (a[i] != 0) {
            for (int pass = 0; pass < 2; ++pass) {
                found = 0;
                for (int64 j = threadIdx.x; j < m; j += BLOCK) {
                    const T e = cost.weight(shift, G, i, j);
                    if (j < KEPT) kept[j] = e;
                    found += e;
                }
                found = block_sum(found);
                if (pass == 1) {  // taken by its largest term
                    moved = omega == 0 ? F[i] : kappa * (log(a[i]) + shift - log(found));
                    weight = exp(moved - shift);
                    found *= exp(F[i] - shift);
                    break;
                }
                moved = step(omega, kappa, F[i], a[i], found);
                weight = exp(moved - F[i]);
                if (kind == SCALED || sound(found, moved - F[i])) break;
                shift = -largest_of_row(cost, G, i);
            }
            for (int64 j = threadIdx.x; j < m; j += BLOCK)
                t[j] += weight * (j < KEPT ? kept[j] : cost.weight(shift, G, i, j));
        }
        if (threadIdx.x == 0) {
            r[i] = found;
            F_new[i] = moved;
        }
    }
}

template <typename T>
__global__ void transport_columns(
    const bool* live, T omega, T kappa, T inverse, int64 kind, const T* C, const T* X, const T* Y, const T* F,
    const T* b, const T* G, const T* sums, T* G_new, T* c, int64 blocks, int64 d, int64 n, int64 m)
{
    const Cost<T> cost{inverse, kind, C, X, Y, d, n, m};
    if (!*live) return;
    for (int64 j = first(); j < m; j += stride()) {
        T t = 0, moved = G[j], found;
        for (int64 q = 0; q < blocks; ++q) t += sums[q * m + j];
        found = b[j] == 0 ? T(0) : t;
        if (b[j] != 0 && omega != 0) {
            moved = step(omega, kappa, G[j], b[j], t);
            if (sound(t, moved - G[j])) found = t * exp(moved - G[j]);
            else if (kind == SCALED) found = moved = not_a_number<T>();
            else {
                T most = -infinity<T>(), sum = 0;
                for (int64 i = 0; i < n; ++i) {
                    const T value = F[i] - cost(i, j);
                    if (value > most) most = value;
                }
                for (int64 i = 0; i < n; ++i) sum += exp(F[i] - cost(i, j) - most);
                moved = kappa * (log(b[j]) - most - log(sum));
                found = exp(moved + most) * sum;
            }
        }
        G_new[j] = moved;
        c[j] = found;
    }
}

// Add to the error and the dual what the rows, or the columns, contribute.
template <typename T>
__device__ void judge(T kappa, const T* mass, const T* found, const T* potential, int64 n, T* error, T* dual)
{
    for (int64 i = threadIdx.x; i < n; i += BLOCK) {
        T wanted = mass[i];
        if (mass[i] != 0) {
            const T reach = kappa / (1 - kappa);
            if (kappa == 1) *dual += mass[i] * potential[i];
            else {
                wanted *= exp(-potential[i] * (1 - kappa) / kappa);
                *dual -= reach * mass[i] * expm1(-potential[i] / reach);
            }
        }
        const T off = found[i] - wanted;
        *error += off < 0 ? -off : off;
    }
}

template <typename T>
__global__ void transport_judge(
    T kappa_a, T kappa_b, const T* a, const T* b, const T* r, const T* c, const T* F, const T* G, T* squared,
    T* dual, int64 n, int64 m)
{
    T error = 0, value = 0;
    for (int64 i = threadIdx.x; i < n; i += BLOCK) value -= r[i];
    judge(kappa_a, a, r, F, n, &error, &value);
    judge(kappa_b, b, c, G, m, &error, &value);
    error = block_sum(error);
    value = block_sum(value);
    if (threadIdx.x == 0) {
        *squared = error * error;
        *dual = value;
    }
}

template <typename T>
__global__ void transport_least(
    T inverse, int64 kind, const T* C, const T* X, const T* Y, const T* G, T* F_new, T* sums, int64 d, int64 n,
    int64 m)
{
    const Cost<T> cost{inverse, kind, C, X, Y, d, n, m};
    const int64 q = blockIdx.x, blocks = gridDim.x, last = (q + 1) * n / blocks;
    T* t = sums + q * m;
    for (int64 j = threadIdx.x; j < m; j += BLOCK) t[j] = infinity<T>();
    for (int64 i = q * n / blocks; i < last; ++i) {
        const T least = -largest_of_row(cost, G, i);
        for (int64 j = threadIdx.x; j < m; j += BLOCK) {
            const T value = cost(i, j) - least;
            if (value < t[j]) t[j] = value;
        }
        if (threadIdx.x == 0) F_new[i] = least;
    }
}

// A block takes a row.
template <typename T, typename I>
__global__ void transport_edges(
    T inverse, const I* indptr, const I* indices, const T* data, const T* G, T* found, int64 n)
{
    for (int64 i = blockIdx.x; i < n; i += gridDim.x) {
        const int64 begin = indptr[i] + threadIdx.x, end = indptr[i + 1];
        T most = -infinity<T>(), total = 0;
        for (int64 k = begin; k < end; k += BLOCK) {
            const T value = G[indices[k]] - inverse * data[k];
            if (value > most) most = value;
        }
        most = block_max(most);
        if (is_finite(most))
            for (int64 k = begin; k < end; k += BLOCK) total += exp(G[indices[k]] - inverse * data[k] - most);
        total = block_sum(total);
        if (threadIdx.x == 0) found[i] = total > 0 ? most + log(total) : -infinity<T>();
    }
}
