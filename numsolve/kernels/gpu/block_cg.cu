// The work of block conjugate gradients; see the reference for what each kernel means.
#include "kernel.h"

template <typename T>
__global__ void block_gram(const T* X, const T* Y, T* pieces, int64 k, int64 n)
{
    __shared__ T x[TILE * WIDEST], y[TILE * WIDEST];
    T sum = T(0);
    for (int64 base = int64(blockIdx.x) * TILE; base < n; base += int64(gridDim.x) * TILE) {
        const int64 rows = n - base < TILE ? n - base : TILE;
        for (int64 i = threadIdx.x; i < rows * k; i += blockDim.x) {
            x[i] = X[base * k + i];
            y[i] = Y[base * k + i];
        }
        add_to_gram(&sum, x, y, rows, k);
    }
    write_gram(sum, pieces, k);
}

template <typename T>
__global__ void block_residual(const T* alpha, const T* Z, T* W, T* pieces, int64 m, int64 n)
{
    __shared__ T w[TILE * WIDEST];
    T sum = T(0);
    for (int64 base = int64(blockIdx.x) * TILE; base < n; base += int64(gridDim.x) * TILE) {
        const int64 rows = n - base < TILE ? n - base : TILE;
        for (int64 i = threadIdx.x; i < rows * m; i += blockDim.x)
            w[i] = W[base * m + i] = W[base * m + i] - entry(Z + base * m, alpha, i / m, i % m, m, m);
        add_to_gram(&sum, w, w, rows, m);
    }
    write_gram(sum, pieces, m);
}

template <typename T>
__global__ void block_step(const bool* moves, const T* step, const T* beta, const T* C, T* W, T* Y, T* X, T* P,
                           int64 k, int64 m, int64 n)
{
    __shared__ T w[TILE * WIDEST], y[TILE * WIDEST], p[TILE * WIDEST];
    const bool go = moves[0], renew = moves[1];
    for (int64 base = int64(blockIdx.x) * TILE; go && base < n; base += int64(gridDim.x) * TILE) {
        const int64 rows = n - base < TILE ? n - base : TILE;
        for (int64 i = threadIdx.x; i < rows * m; i += blockDim.x) {
            w[i] = W[base * m + i];
            y[i] = Y[base * m + i];
            p[i] = P[base * m + i];
        }
        __syncthreads();
        for (int64 i = threadIdx.x; i < rows * m; i += blockDim.x) {
            T next = y[i];
            if (renew) {
                next = entry(y, C, i / m, i % m, m, m);
                W[base * m + i] = entry(w, C, i / m, i % m, m, m);
                Y[base * m + i] = next;
            }
            P[base * m + i] = next + entry(p, beta, i / m, i % m, m, m);
        }
        for (int64 i = threadIdx.x; i < rows * k; i += blockDim.x)
            X[base * k + i] += entry(p, step, i / k, i % k, m, k);
        __syncthreads();
    }
}

// Overwrite B (m, k) by A^-1 B; zero rows of A are left out. False, for all threads, if A is not definite.
template <typename T>
__device__ bool solve(const T* A, T* B, int64 m, int64 k)
{
    __shared__ T L[WIDEST * WIDEST];
    __shared__ bool definite;
    if (threadIdx.x == 0) definite = true;
    __syncthreads();
    for (int64 j = 0; j < m; ++j) {
        if (threadIdx.x == 0) {
            real<T> value = real_part(A[j * m + j]);
            const bool left_out = value == 0;
            for (int64 l = 0; l < j; ++l) value -= inner(L[j * m + l], L[j * m + l]);
            if (!left_out && !(value > 0)) definite = false;
            L[j * m + j] = T(left_out ? real<T>(0) : sqrt(value));
        }
        __syncthreads();
        const real<T> pivot = real_part(L[j * m + j]);
        for (int64 i = j + 1 + threadIdx.x; i < m; i += blockDim.x) {
            T value = A[i * m + j];
            for (int64 l = 0; l < j; ++l) value -= L[i * m + l] * conj_(L[j * m + l]);
            L[i * m + j] = pivot == 0 ? T(0) : (1 / pivot) * value;
        }
        __syncthreads();
    }
    for (int64 c = threadIdx.x; c < k; c += blockDim.x) {
        for (int64 j = 0; j < m; ++j) {
            const real<T> pivot = real_part(L[j * m + j]);
            T value = B[j * k + c];
            for (int64 l = 0; l < j; ++l) value -= L[j * m + l] * B[l * k + c];
            B[j * k + c] = pivot == 0 ? T(0) : (1 / pivot) * value;
        }
        for (int64 j = m - 1; j >= 0; --j) {
            const real<T> pivot = real_part(L[j * m + j]);
            T value = B[j * k + c];
            for (int64 l = j + 1; l < m; ++l) value -= conj_(L[l * m + j]) * B[l * k + c];
            B[j * k + c] = pivot == 0 ? T(0) : (1 / pivot) * value;
        }
    }
    __syncthreads();
    const bool result = definite;
    __syncthreads();
    return result;
}

template <typename T> __device__ bool vanishes(T a) { return inner(a, a) == 0; }

template <typename T>
__global__ void block_alpha(const bool* live, const T* G, const T* H, const T* S, T* alpha, T* step, int64 k,
                            int64 m)
{
    for (int64 i = threadIdx.x; i < m * m; i += blockDim.x) alpha[i] = H[i];
    __syncthreads();
    bool definite = solve(G, alpha, m, m);
    for (int64 j = 0; j < m; ++j) definite = definite && (!vanishes(G[j * m + j]) || vanishes(H[j * m + j]));
    for (int64 i = threadIdx.x; !definite && i < m * m; i += blockDim.x) alpha[i] = T(not_a_number<real<T>>());
    __syncthreads();
    for (int64 i = threadIdx.x; i < m * k; i += blockDim.x)
        step[i] = live[i % k] ? entry(alpha, S, i / k, i % k, m, k) : T(0);
}

// Factorise F, pivot by pivot; row r of L belongs to column order[r]. Returns the rank, for all threads.
template <typename T>
__device__ int64 pivoted(const T* F, const real<T>* old, T* L, int* order, bool* renew, int64 m)
{
    __shared__ real<T> left[WIDEST];
    __shared__ bool done[WIDEST];
    __shared__ int best;
    const real<T> eps = epsilon<T>();
    const real<T> high = 1 / sqrt(sqrt(eps)), negligible = 1e6 * eps * eps;
    for (int64 i = threadIdx.x; i < m * m; i += blockDim.x) L[i] = T(0);
    for (int64 j = threadIdx.x; j < m; j += blockDim.x) {
        left[j] = real_part(F[j * m + j]);
        done[j] = false;
    }
    __syncthreads();
    int64 before = 0, rank = 0;
    for (int64 j = 0; j < m; ++j) before += old[j] > 0;
    for (; rank < m; ++rank) {
        if (threadIdx.x == 0) {
            real<T> most = 8 * m * eps;
            best = -1;
            for (int64 j = 0; j < m; ++j) {
                const real<T> size = real_part(F[j * m + j]);
                if (!done[j] && size > negligible * old[j] && left[j] > most * size) {
                    best = int(j);
                    most = left[j] / size;
                }
            }
        }
        __syncthreads();
        const int64 b = best;
        if (b < 0) break;
        const real<T> pivot2 = left[b], pivot = sqrt(pivot2);
        __syncthreads();
        if (threadIdx.x == 0 && !(1 / high <= pivot2 && pivot2 <= high)) *renew = true;
        for (int64 i = threadIdx.x; i < m; i += blockDim.x) {
            if (done[i] || i == b) continue;
            T value = F[b * m + i];
            for (int64 l = 0; l < rank; ++l) value -= conj_(L[l * m + b]) * L[l * m + i];
            value = (1 / pivot) * value;
            L[rank * m + i] = value;
            left[i] -= inner(value, value);
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            L[rank * m + b] = T(pivot);
            order[rank] = int(b);
            done[b] = true;
        }
        __syncthreads();
    }
    if (threadIdx.x == 0 && rank < before) *renew = true;
    __syncthreads();
    return rank;
}

template <typename T>
__global__ void block_beta(const T* N, const T* F, T* S, T* H, T* C, T* beta, real<T>* rr, bool* moves, int64 k,
                           int64 m)
{
    __shared__ T L[WIDEST * WIDEST], product[WIDEST * WIDEST];
    __shared__ real<T> old[WIDEST];
    __shared__ int order[WIDEST];
    __shared__ bool renew;
    bool definite = true;
    for (int64 j = 0; j < m; ++j) definite = definite && real_part(F[j * m + j]) >= 0;
    for (int64 i = threadIdx.x; i < m * m; i += blockDim.x) beta[i] = F[i];
    for (int64 j = threadIdx.x; j < m; j += blockDim.x) old[j] = real_part(H[j * m + j]);
    if (threadIdx.x == 0) renew = false;
    __syncthreads();
    definite = solve(H, beta, m, m) && definite;
    for (int64 c = threadIdx.x; c < k; c += blockDim.x) {
        real<T> value = 0;
        for (int64 i = 0; i < m; ++i) value += inner(S[i * k + c], entry(N, S, i, c, m, k));
        rr[c] = definite ? value < 0 ? real<T>(0) : value : not_a_number<real<T>>();
    }
    __syncthreads();
    bool go = definite;
    for (int64 c = 0; c < k; ++c) go = go && rr[c] - rr[c] == 0;
    const int64 rank = go ? pivoted(F, old, L, order, &renew, m) : 0;
    if (threadIdx.x == 0) {
        moves[0] = go;
        moves[1] = renew;
    }
    for (int64 i = threadIdx.x; go && i < m * m; i += blockDim.x) {
        H[i] = F[i];
        if (renew) C[i] = T(0);
    }
    __syncthreads();
    if (!go || !renew) return;
    for (int64 c = threadIdx.x; c < rank; c += blockDim.x) {
        for (int64 r = c; r >= 0; --r) {
            T value = T(r == c ? 1 : 0);
            for (int64 l = r + 1; l <= c; ++l) value -= L[r * m + order[l]] * C[order[l] * m + c];
            C[order[r] * m + c] = (1 / real_part(L[r * m + order[r]])) * value;
        }
    }
    for (int64 c = threadIdx.x; c < k; c += blockDim.x) {
        T column[WIDEST];
        for (int64 i = 0; i < m; ++i) column[i] = entry(L, S, i, c, m, k);
        for (int64 i = 0; i < m; ++i) S[i * k + c] = column[i];
    }
    __syncthreads();
    for (int64 i = threadIdx.x; i < m; i += blockDim.x) {
        T row[WIDEST];
        for (int64 c = 0; c < m; ++c) row[c] = entry(beta, C, i, c, m, m);
        for (int64 c = 0; c < m; ++c) beta[i * m + c] = row[c];
    }
    for (int64 i = threadIdx.x; i < m * m; i += blockDim.x) product[i] = entry(F, C, i / m, i % m, m, m);
    __syncthreads();
    for (int64 i = threadIdx.x; i < m * m; i += blockDim.x) {
        T value = T(0);
        for (int64 j = 0; j < m; ++j) value += conj_(C[j * m + i / m]) * product[j * m + i % m];
        H[i] = value;
    }
}
