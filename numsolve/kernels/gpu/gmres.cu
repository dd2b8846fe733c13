// The vector work of GMRES; see the reference for what each kernel means.
#include "kernel.h"

// Row k of `pieces` holds what the blocks found of v_k^H u, row j + 1 + k of v_k^H w; four rows at a time.
template <typename T>
__global__ void gmres_project(const T* V, T* pieces, int64 j, int64 n)
{
    const T *u = V + j * n, *w = u + n;
    for (int64 k = 0; k <= j; k += 4) {
        T s[4] = {T(0), T(0), T(0), T(0)}, t[4] = {T(0), T(0), T(0), T(0)};
        for (int64 i = first(); i < n; i += stride()) {
            const T ui = u[i], wi = w[i];
            for (int row = 0; row < 4; ++row) {
                if (k + row <= j) {
                    const T v = conj_(V[(k + row) * n + i]);
                    s[row] += v * ui;
                    t[row] += v * wi;
                }
            }
        }
        for (int row = 0; row < 4 && k + row <= j; ++row) {
            const T s_sum = block_sum(s[row]), t_sum = block_sum(t[row]);
            if (threadIdx.x == 0) {
                pieces[(k + row) * gridDim.x + blockIdx.x] = s_sum;
                pieces[(j + 1 + k + row) * gridDim.x + blockIdx.x] = t_sum;
            }
        }
    }
}

// nu, the norm of u after its second orthogonalisation (NaN if nothing is left of it), and gamma = v_j^H w.
template <typename T>
__device__ void scales(const T* ST, int64 j, real<T>* nu, T* gamma)
{
    const T *s = ST, *t = ST + j + 1;
    real<T> ss = 0;
    T st = T(0);
    for (int64 k = threadIdx.x; k < j; k += blockDim.x) {
        ss += inner(s[k], s[k]);
        st += conj_(s[k]) * t[k];
    }
    ss = block_sum(ss);
    st = block_sum(st);
    const real<T> alpha = real_part(s[j]), nu2 = alpha - ss;
    *nu = nu2 > alpha / 4 ? sqrt(nu2) : not_a_number<real<T>>();
    *gamma = (1 / *nu) * (t[j] - st);
}

template <typename T>
__global__ void gmres_advance(const T* ST, T* V, real<T>* uu, int64 j, int64 n)
{
    real<T> nu;
    T gamma;
    scales(ST, j, &nu, &gamma);
    const bool go = nu > 0;
    const real<T> inverse = 1 / nu;
    real<T> total = go ? 0 : nu;
    for (int64 i = first(); go && i < n; i += stride()) {
        T u = V[j * n + i], w = V[(j + 1) * n + i];
        for (int64 k = 0; k < j; ++k) {
            const T v = V[k * n + i];
            u -= ST[k] * v;
            w -= ST[j + 1 + k] * v;
        }
        u = inverse * u;
        w = inverse * (w - gamma * u);
        V[j * n + i] = u;
        V[(j + 1) * n + i] = w;
        total += inner(w, w);
    }
    total = block_sum(total);
    if (threadIdx.x == 0) uu[blockIdx.x] = total;
}

// Column j to triangular form; returns the squared residual. For one thread.
template <typename T>
__device__ real<T> rotate(int64 j, const T* H, T* R, T* G, T* rot, int64 m)
{
    T low = H[j * m];
    for (int64 k = 0; k < j; ++k) {
        const T high = H[j * m + k + 1], c = rot[k], s = rot[m + k];
        R[j * m + k] = c * low + s * high;
        low = c * high - conj_(s) * low;
    }
    const real<T> b = real_part(H[j * m + j + 1]), size = magnitude(low), rho = hypot(size, b);
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

template <typename T>
__global__ void gmres_residual(const bool* live, const T* ST, const real<T>* uu, int64 uu_count, T* H, T* R, T* G,
                               T* rot, real<T>* rr, int64 kept, int64 linear, int64 j, int64 m)
{
    real<T> nu;
    T gamma;
    scales(ST, j, &nu, &gamma);
    const real<T> uu_sum = sum_pieces(uu, uu_count);
    const bool go = *live && nu > 0;
    if (go && j > kept) {
        for (int64 k = threadIdx.x; k < j; k += blockDim.x) H[(j - 1) * m + k] += ST[k];
        __syncthreads();
        if (threadIdx.x == 0) {
            H[(j - 1) * m + j] = T(nu);
            rotate(j - 1, H, R, G, rot, m);
        }
    }
    for (int64 k = threadIdx.x; go && j == kept && k < j; k += blockDim.x) G[m + k] += ST[k];
    if (go && j == kept && threadIdx.x == 0) G[j] = T(nu);
    __syncthreads();
    for (int64 k = threadIdx.x; go && k <= j; k += blockDim.x) {
        T value = k < j ? ST[j + 1 + k] : gamma;
        for (int64 i = k - 1 > kept ? k - 1 : kept; linear && i < j; ++i) value -= ST[i] * H[i * m + k];
        H[j * m + k] = (1 / nu) * value;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        if (go) H[j * m + j + 1] = T(sqrt(uu_sum));
        rr[0] = go ? rotate(j, H, R, G, rot, m) : not_a_number<real<T>>();
    }
}
