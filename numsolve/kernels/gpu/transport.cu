// The passes of Sinkhorn's iteration over rows and columns. A block takes its rows one after the other; each of
// its threads has every BLOCK-th column, so that no two add to the same sum.
#include "kernel.h"

constexpr int DENSE = 0, EUCLIDEAN = 2, SCALED = 3, CITYBLOCK = 4;
constexpr int KEPT = 4096;  // entries of a row that are not computed twice; 32 KB in double precision
constexpr double TINY = 1e-37, FAR = 80, EXTRA = 8;

template <typename T> __device__ T infinity() { return -log(T(0)); }

template <typename T>
struct Cost {
    T inverse;
    int64 kind;
    const T *C, *X, *Y;
    int64 d, n, m;

    // The cost of problem p: its own or that of all.
    __device__ Cost of(int64 p) const
    {
        const bool stored = kind == DENSE || kind == SCALED;
        return {inverse, kind, stored ? C + p * n * m : C, stored ? X : X + p * d * n, stored ? Y : Y + p * d * m, d, n, m};
    }
    __device__ T operator()(int64 i, int64 j) const
    {
        if (kind == DENSE) return inverse * C[i * m + j];
        if (kind == SCALED) return -log(C[i * m + j]);
        T total = 0;
        for (int64 k = 0; k < d; ++k) {
            const T difference = X[k * n + i] - Y[k * m + j];
            if (kind == CITYBLOCK) total += difference < 0 ? -difference : difference;
            else total += difference * difference;
        }
        return inverse * (kind == EUCLIDEAN ? sqrt(total) : total);
    }
    // exp(shift + G_j - cost)
    __device__ T weight(T shift, const T* G, int64 i, int64 j) const
    {
        if (kind == SCALED) return exp(shift + G[j]) * C[i * m + j];
        return exp((shift + G[j]) - (*this)(i, j));
    }
};

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
    const bool* live, const T* omega, T kappa, T inverse, int64 kind, const T* C, const T* X, const T* Y, const T* a,
    const T* F, const T* G, T* F_new, T* r, T* sums, int64 own, int64 blocks, int64 d, int64 n, int64 m)
{
    __shared__ T kept[KEPT];
    const int64 p = blockIdx.x / blocks, q = blockIdx.x % blocks, last = (q + 1) * n / blocks;
    const Cost<T> cost = Cost<T>{inverse, kind, C, X, Y, d, n, m}.of(own * p);
    if (!live[p]) return;
    const T w = omega[p];
    T* t = sums + blockIdx.x * m;
    a += p * n, F += p * n, G += p * m, F_new += p * n, r += p * n;
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
                if (pass == 1) {  // relative to its largest term
                    moved = w == 0 ? F[i] : kappa * (log(a[i]) + shift - log(found));
                    weight = exp(moved - shift);
                    found *= exp(F[i] - shift);
                    break;
                }
                moved = step(w, kappa, F[i], a[i], found);
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
    const bool* live, const T* omega, T kappa, T inverse, int64 kind, const T* C, const T* X, const T* Y, const T* F,
    const T* b, const T* G, const T* sums, T* G_new, T* c, int64 own, int64 blocks, int64 d, int64 n, int64 m, int64 k)
{
    for (int64 item = first(); item < k * m; item += stride()) {
        const int64 p = item / m, j = item % m;
        if (!live[p]) continue;
        const Cost<T> cost = Cost<T>{inverse, kind, C, X, Y, d, n, m}.of(own * p);
        T t = 0, moved = G[item], found;
        for (int64 q = 0; q < blocks; ++q) t += sums[(p * blocks + q) * m + j];
        found = b[item] == 0 ? T(0) : t;
        if (b[item] != 0 && omega[p] != 0) {
            moved = step(omega[p], kappa, G[item], b[item], t);
            if (sound(t, moved - G[item])) found = t * exp(moved - G[item]);
            else if (kind == SCALED) found = moved = not_a_number<T>();
            else {
                const T* f = F + p * n;
                T most = -infinity<T>(), sum = 0;
                for (int64 i = 0; i < n; ++i) {
                    const T value = f[i] - cost(i, j);
                    if (value > most) most = value;
                }
                for (int64 i = 0; i < n; ++i) sum += exp(f[i] - cost(i, j) - most);
                moved = kappa * (log(b[item]) - most - log(sum));
                found = exp(moved + most) * sum;
            }
        }
        G_new[item] = moved;
        c[item] = found;
    }
}

// Add the contributions of the rows, or of the columns, to the error and the dual.
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

// One block a problem.
template <typename T>
__global__ void transport_judge(
    T kappa_a, T kappa_b, const T* a, const T* b, const T* r, const T* c, const T* F, const T* G, T* squared,
    T* dual, int64 n, int64 m, int64 k)
{
    for (int64 p = blockIdx.x; p < k; p += gridDim.x) {
        T error = 0, value = 0;
        for (int64 i = threadIdx.x; i < n; i += BLOCK) value -= r[p * n + i];
        judge(kappa_a, a + p * n, r + p * n, F + p * n, n, &error, &value);
        judge(kappa_b, b + p * m, c + p * m, G + p * m, m, &error, &value);
        error = block_sum(error);
        value = block_sum(value);
        if (threadIdx.x == 0) {
            squared[p] = error * error;
            dual[p] = value;
        }
    }
}

template <typename T>
__global__ void transport_least(
    T inverse, int64 kind, const T* C, const T* X, const T* Y, const T* G, T* F_new, T* sums, int64 own,
    int64 blocks, int64 d, int64 n, int64 m)
{
    const int64 p = blockIdx.x / blocks, q = blockIdx.x % blocks, last = (q + 1) * n / blocks;
    const Cost<T> cost = Cost<T>{inverse, kind, C, X, Y, d, n, m}.of(own * p);
    T* t = sums + blockIdx.x * m;
    for (int64 j = threadIdx.x; j < m; j += BLOCK) t[j] = infinity<T>();
    for (int64 i = q * n / blocks; i < last; ++i) {
        const T least = -largest_of_row(cost, G + p * m, i);
        for (int64 j = threadIdx.x; j < m; j += BLOCK) {
            const T value = cost(i, j) - least;
            if (value < t[j]) t[j] = value;
        }
        if (threadIdx.x == 0) F_new[p * n + i] = least;
    }
}

// One block a row of a problem.
template <typename T, typename I>
__global__ void transport_edges(
    int64 hard, T inverse, const I* indptr, const I* indices, const T* data, const T* G, T* found, int64 n, int64 m,
    int64 k)
{
    for (int64 item = blockIdx.x; item < k * n; item += gridDim.x) {
        const int64 i = item % n, begin = indptr[i] + threadIdx.x, end = indptr[i + 1];
        const T* g = G + item / n * m;
        T most = -infinity<T>(), total = 0;
        for (int64 e = begin; e < end; e += BLOCK) {
            const T value = g[indices[e]] - inverse * data[e];
            if (value > most) most = value;
        }
        most = block_max(most);
        if (!hard && is_finite(most)) {
            for (int64 e = begin; e < end; e += BLOCK) total += exp(g[indices[e]] - inverse * data[e] - most);
            most += log(block_sum(total));
        }
        if (threadIdx.x == 0) found[item] = most;
    }
}

template <typename T>
__global__ void transport_axis(
    int64 hard, T inverse, const T* cost, const T* values, const T* sums, T* found, int64 p, int64 n, int64 m, int64 q)
{
    for (int64 item = first(); item < p * n * q; item += stride()) {
        if (!hard && !(sums[item] < T(TINY))) continue;
        const T* row = cost + item / q % n * m;
        const T* column = values + item / (n * q) * m * q + item % q;
        T most = -infinity<T>(), total = 0;
        for (int64 j = 0; j < m; ++j) {
            const T value = column[j * q] - inverse * row[j];
            if (value > most) most = value;
        }
        if (!hard && is_finite(most)) {
            for (int64 j = 0; j < m; ++j) total += exp(column[j * q] - inverse * row[j] - most);
            most += log(total);
        }
        found[item] = most;
    }
}
