// The small matrices of block GMRES; see the reference for what each kernel means.
#include "kernel.h"

// Take v v^H A from the rows of A, which has `columns`, from row c on; one thread a column.
template <typename T>
__device__ void reflect(int64 c, int64 rows, const T* v, T* A, int64 columns)
{
    for (int64 column = threadIdx.x; column < columns; column += blockDim.x) {
        T value = T(0);
        for (int64 a = c; a < rows; ++a) value += conj_(v[a]) * A[a * columns + column];
        for (int64 a = c; a < rows; ++a) A[a * columns + column] -= value * v[a];
    }
    __syncthreads();
}

// Bring column j to triangular form and rotate the right-hand sides with it.
template <typename T>
__device__ void triangularise(int64 j, const T* H, T* R, T* Q, T* E, T* G, int64 m, int64 p, int64 k)
{
    __shared__ T last[2 * WIDEST * WIDEST], next[WIDEST * WIDEST], v[2 * WIDEST];
    const int64 two = 2 * p, size = (m + 1) * p * p;
    const T* h = H + j * size;
    T *r = R + j * size, *both = Q + j * two * two;
    __syncthreads();
    for (int64 i = threadIdx.x; i < p * p; i += blockDim.x) last[i] = h[i];
    __syncthreads();
    for (int64 b = 0; b < j; ++b) {  // the lower half of what a rotation leaves is the upper half of the next
        for (int64 i = threadIdx.x; i < p * p; i += blockDim.x) last[p * p + i] = h[(b + 1) * p * p + i];
        __syncthreads();
        for (int64 i = threadIdx.x; i < two * p; i += blockDim.x)
            (i < p * p ? r + b * p * p : next - p * p)[i] = entry(Q + b * two * two, last, i / p, i % p, two, p);
        __syncthreads();
        for (int64 i = threadIdx.x; i < p * p; i += blockDim.x) last[i] = next[i];
    }
    for (int64 i = threadIdx.x; i < p * p; i += blockDim.x) last[p * p + i] = h[(j + 1) * p * p + i];
    for (int64 i = threadIdx.x; i < two * two; i += blockDim.x) both[i] = T(i / two == i % two ? 1 : 0);
    __syncthreads();
    for (int64 c = 0; c < p; ++c) {
        real<T> tail = 0;
        for (int64 a = c + 1; a < two; ++a) tail += inner(last[a * p + c], last[a * p + c]);
        const T head = last[c * p + c];
        const real<T> size2 = inner(head, head), length = sqrt(tail + size2), start = sqrt(size2);
        __syncthreads();
        if (length == 0) continue;
        const T phase = start > 0 ? (1 / start) * head : T(1);
        const real<T> factor = sqrt(2 / (tail + (length + start) * (length + start)));
        for (int64 a = c + threadIdx.x; a < two; a += blockDim.x)
            v[a] = factor * (a == c ? (length + start) * phase : last[a * p + c]);
        __syncthreads();
        reflect(c, two, v, last, p);
        reflect(c, two, v, both, two);
    }
    for (int64 i = threadIdx.x; i < p * p; i += blockDim.x) r[j * p * p + i] = last[i];
    for (int64 i = threadIdx.x; i < two * k; i += blockDim.x) {
        T value = T(0);
        for (int64 l = 0; l < p; ++l) value += both[i / k * two + l] * E[(j * p + l) * k + i % k];
        (i < p * k ? G + j * p * k : E + j * p * k)[i] = value;  // E[j + 1] follows E[j]
    }
    __syncthreads();
}

// Write C and D for the columns of U; alpha follows the j blocks of S. Returns the rank, for all threads.
template <typename T>
__device__ int64 orthonormal(int64 rows, const T* S, T* C, T* D, int64 p)
{
    __shared__ T N[WIDEST * WIDEST];
    __shared__ int64 rank;
    for (int64 i = threadIdx.x; i < p * p; i += blockDim.x) {
        T value = S[rows * p + i];
        for (int64 l = 0; l < rows; ++l) value -= conj_(S[l * p + i / p]) * S[l * p + i % p];
        N[i] = value;
        C[i] = D[i] = T(0);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        rank = 0;
        for (int64 c = 0; c < p; ++c) {
            real<T> left = real_part(N[c * p + c]);
            for (int64 b = 0; b < c; ++b) {
                T value = T(0);
                for (int64 a = 0; a <= b; ++a) value += conj_(C[a * p + b]) * N[a * p + c];
                D[b * p + c] = value;
                left -= inner(value, value);
            }
            if (!(left > real_part(S[(rows + c) * p + c]) / 4)) continue;
            const real<T> pivot = sqrt(left);
            ++rank;
            D[c * p + c] = T(pivot);
            for (int64 a = 0; a <= c; ++a) {
                T value = T(a == c ? 1 : 0);
                for (int64 b = a; b < c; ++b) value -= C[a * p + b] * D[b * p + c];
                C[a * p + c] = (1 / pivot) * value;
            }
        }
    }
    __syncthreads();
    return rank;
}

template <typename T>
__global__ void block_correct(const bool* live, T* ST, const T* L, T* H, T* R, T* Q, T* E, T* G, T* C, int64 j,
                              int64 m, int64 p, int64 k)
{
    __shared__ T D[WIDEST * WIDEST], gamma[WIDEST * WIDEST];
    const int64 rows = j * p, size = (m + 1) * p * p;
    T *S = ST, *W = ST + (rows + p) * p;
    const int64 rank = orthonormal(rows, S, C, D, p);
    if (j == 0) {
        for (int64 c = threadIdx.x; c < k; c += blockDim.x) {
            T column[WIDEST];
            for (int64 a = 0; a < p; ++a) column[a] = entry(D, E, a, c, p, k);
            for (int64 a = 0; a < p; ++a) E[a * k + c] = column[a];
        }
        __syncthreads();
    } else {
        T* before = H + (j - 1) * size;
        for (int64 i = threadIdx.x; i < rows * p; i += blockDim.x) before[i] += entry(S, L, i / p, i % p, p, p);
        for (int64 i = threadIdx.x; i < p * p; i += blockDim.x)
            before[rows * p + i] = entry(D, L, i / p, i % p, p, p);
        triangularise(j - 1, H, R, Q, E, G, m, p, k);
    }
    for (int64 i = threadIdx.x; i < p * k; i += blockDim.x) {
        if (!live[i % k]) E[rows * k + i] = T(0);
        else if (rank == 0) E[rows * k + i] = T(not_a_number<real<T>>());
    }
    for (int64 i = threadIdx.x; i < p * p; i += blockDim.x) {
        T value = W[rows * p + i];
        for (int64 l = 0; l < rows; ++l) value -= conj_(S[l * p + i / p]) * W[l * p + i % p];
        gamma[i] = value;
    }
    __syncthreads();
    for (int64 i = threadIdx.x; i < p * p; i += blockDim.x) {
        T value = T(0);
        for (int64 l = 0; l < p; ++l) value += conj_(C[l * p + i / p]) * gamma[l * p + i % p];
        W[rows * p + i] = value;
    }
    __syncthreads();
    for (int64 a = threadIdx.x; a < rows + p; a += blockDim.x) {
        T row[WIDEST];
        for (int64 c = 0; c < p; ++c) row[c] = W[a * p + c];
        for (int64 i = a < 2 * p ? 0 : a / p - 1; i < j; ++i)
            for (int64 c = 0; c < p; ++c) row[c] -= entry(H + i * size, S + i * p * p, a, c, p, p);
        for (int64 c = 0; c < p; ++c) {
            T value = T(0);
            for (int64 l = 0; l < p; ++l) value += row[l] * C[l * p + c];
            H[j * size + a * p + c] = value;
        }
    }
}

// Factorise F by pivots: L and its inverse C. For one thread.
template <typename T>
__device__ void scale(const T* F, T* L, T* C, int64 p)
{
    const real<T> eps = epsilon<T>();
    real<T> size[WIDEST], left[WIDEST];
    bool done[WIDEST], finite = true;
    for (int64 i = 0; i < p * p; ++i) L[i] = C[i] = T(0);
    for (int64 c = 0; c < p; ++c) {
        size[c] = left[c] = real_part(F[c * p + c]);
        done[c] = false;
        finite = finite && is_finite(size[c]);
    }
    for (int64 i = 0; !finite && i < p * p; ++i) L[i] = T(not_a_number<real<T>>());
    for (int64 r = 0; finite && r < p; ++r) {
        int64 best = -1;
        for (int64 c = 0; c < p; ++c)
            if (!done[c] && size[c] > 0 && (best < 0 || left[c] / size[c] > left[best] / size[best])) best = c;
        if (best < 0) break;
        const real<T> least = 8 * p * eps * size[best];
        const bool clear = left[best] > least;
        const real<T> pivot = sqrt(clear ? left[best] : least);
        for (int64 c = 0; c < p; ++c) {
            if (!clear || done[c] || c == best) continue;
            T value = F[best * p + c];
            for (int64 l = 0; l < r; ++l) value -= conj_(L[l * p + best]) * L[l * p + c];
            value = (1 / pivot) * value;
            L[r * p + c] = value;
            left[c] -= inner(value, value);
        }
        L[r * p + best] = T(pivot);
        done[best] = true;
        for (int64 a = 0; a < p; ++a) {
            T value = T(a == best ? 1 : 0);
            for (int64 l = 0; l < r; ++l) value -= C[a * p + l] * L[l * p + best];
            C[a * p + r] = (1 / pivot) * value;
        }
    }
}

template <typename T>
__global__ void block_reduce(const T* F, T* H, T* R, T* Q, T* E, T* G, T* L, T* C, real<T>* rr, int64 j, int64 m,
                             int64 p, int64 k)
{
    if (threadIdx.x == 0) scale(F, L, C, p);
    __syncthreads();
    for (int64 i = threadIdx.x; i < p * p; i += blockDim.x)
        H[j * (m + 1) * p * p + (j + 1) * p * p + i] = L[i];
    triangularise(j, H, R, Q, E, G, m, p, k);
    for (int64 c = threadIdx.x; c < k; c += blockDim.x) {
        real<T> value = 0;
        for (int64 a = 0; a < p; ++a) value += inner(E[((j + 1) * p + a) * k + c], E[((j + 1) * p + a) * k + c]);
        rr[c] = value;
    }
}
