// The vector work of GMRES; see the reference for what each kernel means.
#include "kernel.h"

constexpr int MOST = 4;  // rows of the basis that are not final

template <typename T>
__global__ void gmres_shift(const real<T>* uw, int64 uw_count, const real<T>* uu, int64 uu_count, real<T>* sigma,
                            const T* u, T* w, int64 n)
{
    const real<T> above = sum_pieces(uw, uw_count), below = sum_pieces(uu, uu_count);
    const real<T> value = below > 0 ? above / below : real<T>(0);
    for (int64 i = first(); i < n; i += stride()) w[i] -= value * u[i];
    if (first() == 0) sigma[0] = value;
}

// Row a * (j + count) + k of `pieces` holds the partial sums of v_k^H v_(j+a); four rows k at a time.
template <typename T>
__global__ void gmres_project(const T* V, T* pieces, int64 j, int64 count, int64 n)
{
    const int64 rows = j + count;
    for (int64 k = 0; k < rows; k += 4) {
        T sums[MOST][4];
        for (int a = 0; a < MOST; ++a)
            for (int row = 0; row < 4; ++row) sums[a][row] = T(0);
        for (int64 i = first(); i < n; i += stride()) {
            T last[MOST];
            for (int a = 0; a < MOST; ++a) last[a] = a < count ? V[(j + a) * n + i] : T(0);
            for (int row = 0; row < 4; ++row) {
                if (k + row < rows) {
                    const T v = conj_(V[(k + row) * n + i]);
                    for (int a = 0; a < MOST; ++a) sums[a][row] += v * last[a];
                }
            }
        }
        for (int a = 0; a < MOST; ++a) {
            for (int row = 0; row < 4; ++row) {
                if (a < count && k + row < rows) {
                    const T sum = block_sum(sums[a][row]);
                    if (threadIdx.x == 0) pieces[(a * rows + k + row) * gridDim.x + blockIdx.x] = sum;
                }
            }
        }
    }
}

template <typename T>
__global__ void gmres_factor(const bool* live, const T* ST, const real<T>* sigma, T* F, int64 p, int64 j, int64 count)
{
    const real<T> eps = epsilon<T>();
    const int64 rows = j + count;
    T products[MOST][MOST];  // of the rows, minus their components along the final ones
    for (int64 i = threadIdx.x; i < (count + 1) * rows; i += blockDim.x) F[i] = T(0);
    for (int a = 0; a < MOST; ++a) {
        for (int b = 0; b <= a; ++b) {
            T sum = T(0);
            for (int64 k = threadIdx.x; a < count && k < j; k += blockDim.x) sum += conj_(ST[b * rows + k]) * ST[a * rows + k];
            sum = block_sum(sum);
            if (a < count) products[a][b] = ST[a * rows + j + b] - sum;
        }
    }
    bool sound = *live;
    for (int a = 0; a < count; ++a) {
        T* row = F + a * rows + j;
        real<T> left = real_part(products[a][a]);
        const real<T> size = real_part(ST[a * rows + j + a]);
        for (int b = 0; b < a; ++b) {
            T value = products[a][b];
            for (int c = 0; c < b; ++c) value -= conj_(products[b][c]) * products[a][c];
            products[a][b] = (1 / real_part(products[b][b])) * value;  // from here on the coordinates
            left -= inner(products[a][b], products[a][b]);
        }
        sound = sound && (a >= p || left > size / 4);
        const real<T> least = 8 * eps * size;
        real<T> length = sqrt(left > least ? left : least);
        if (!(left == left)) length = left;
        const real<T> pivot = a > p ? real_part(products[p][p]) : real<T>(1);
        if (a > p && !(pivot * pivot > sqrt(eps) * real_part(ST[p * rows + j + p]))) length = not_a_number<real<T>>();
        products[a][a] = T(length);
    }
    __syncthreads();
    for (int64 i = threadIdx.x; i < (count + 1) * rows; i += blockDim.x) {
        const int64 a = i / rows < count ? i / rows : p, k = i % rows;
        T value = k < j ? ST[a * rows + k] : k - j <= a ? products[a][k - j] : T(0);
        if (i / rows == count && count - p == 2)
            value += sigma[0] * (k < j ? ST[(p - 1) * rows + k] : k - j < p ? products[p - 1][k - j] : T(0));
        F[i] = sound ? value : T(not_a_number<real<T>>());
    }
}

// Row a of `squares` holds the partial sums of the squared norm of v_(j+a).
template <typename T>
__global__ void gmres_advance(const T* F, T* V, real<T>* squares, int64 j, int64 count, int64 n)
{
    const int64 rows = j + count;
    int64 moving = count;
    while (moving > 0 && !(real_part(F[(moving - 1) * rows + j + moving - 1]) >= 0)) --moving;
    real<T> totals[MOST];
    for (int a = 0; a < MOST; ++a) totals[a] = a < moving ? real<T>(0) : not_a_number<real<T>>();
    for (int64 i = first(); moving > 0 && i < n; i += stride()) {
        T last[MOST];
        for (int a = 0; a < MOST; ++a) last[a] = a < moving ? V[(j + a) * n + i] : T(0);
        for (int64 k = 0; k < j; ++k) {
            const T v = V[k * n + i];
            for (int a = 0; a < MOST; ++a)
                if (a < moving) last[a] -= F[a * rows + k] * v;
        }
        for (int a = 0; a < MOST; ++a) {
            if (a < moving) {
                for (int b = 0; b < a; ++b) last[a] -= F[a * rows + j + b] * last[b];
                const real<T> size = real_part(F[a * rows + j + a]);
                last[a] = (size > 0 ? 1 / size : real<T>(0)) * last[a];
                V[(j + a) * n + i] = last[a];
                totals[a] += inner(last[a], last[a]);
            }
        }
    }
    for (int a = 0; a < MOST; ++a) {
        const real<T> total = block_sum(totals[a]);
        if (threadIdx.x == 0 && a < count) squares[a * gridDim.x + blockIdx.x] = total;
    }
}

// One thread brings column j, whose last basis vector has a `norm`, to triangular form; returns the squared residual.
template <typename T>
__device__ real<T> rotate(int64 j, real<T> norm, const T* H, T* R, T* G, T* rot, int64 m)
{
    T low = H[j * m];
    for (int64 k = 0; k < j; ++k) {
        const T high = H[j * m + k + 1], c = rot[k], s = rot[m + k];
        R[j * m + k] = c * low + s * high;
        low = c * high - conj_(s) * low;
    }
    const real<T> b = norm * real_part(H[j * m + j + 1]), size = magnitude(low), rho = hypot(size, b);
    if (!(rho > 0)) return not_a_number<real<T>>();
    const T phase = size > 0 ? (1 / size) * low : T(1);
    const T c = T(size / rho), s = (b / rho) * phase;
    rot[j] = c;
    rot[m + j] = s;
    R[j * m + j] = rho * phase;
    G[m + j] = c * G[j];
    G[j + 1] = T(0) - conj_(s) * G[j];
    return inner(G[j + 1], G[j + 1]);
}

// Replace the coordinates along pending rows of the basis by those along the final rows.
template <typename T>
__device__ void finish(int64 j, int64 p, int64 rows, const T* F, T* column)
{
    T pending[2];
    for (int a = 0; a < 2; ++a) pending[a] = a < p ? column[j + a] : T(0);
    __syncthreads();
    for (int64 k = threadIdx.x; k < j + p; k += blockDim.x) {
        T value = k < j ? column[k] : T(0);
        for (int a = 0; a < 2; ++a)
            if (a < p && k <= j + a) value += pending[a] * F[a * rows + k];
        column[k] = value;
    }
    __syncthreads();
}

template <typename T>
__global__ void gmres_residual(const bool* live, const T* F, const real<T>* uu, int64 uu_count, T* H, T* R, T* Y, T* G,
                               T* rot, real<T>* rr, int64 kept, int64 p, int64 j, int64 step, int64 count, int64 m)
{
    const real<T> uu_sum = sum_pieces(uu, uu_count);
    const int64 rows = j + count, i = j + p - 1 + step;
    const bool go = *live && real_part(F[(p + step) * rows + j + p + step]) >= 0;
    if (go && step == 0 && j == kept) {
        for (int64 k = threadIdx.x; k < j; k += blockDim.x) G[m + k] += F[k];
        if (threadIdx.x == 0) G[j] = F[j];
    }
    for (int64 column = j - 1; go && step == 0 && j > kept && column < j + p - 1; ++column) {
        finish(j, p, rows, F, H + column * m);
        finish(j, p, rows, F, Y + column * m);
        if (threadIdx.x == 0) rotate(column, real<T>(1), H, R, G, rot, m);
    }
    const real<T> length = real_part(F[(i - j) * rows + i]);
    const T* image = F + (step ? p + 1 : count) * rows;
    for (int64 k = threadIdx.x; go && k < i + 2; k += blockDim.x) {
        H[i * m + k] = (1 / length) * image[k];
        if (k <= i) Y[i * m + k] = (1 / length) * F[(i - j) * rows + k];
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        if (go) G[2 * m + i] = T(length);
        rr[0] = go ? rotate(i, sqrt(uu_sum), H, R, G, rot, m) : not_a_number<real<T>>();
    }
}
