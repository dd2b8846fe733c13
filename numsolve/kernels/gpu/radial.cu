// Radial atoms; see the reference for what each kernel means. Arrays on a mesh are (degree + 1, elements).
#include "kernel.h"

// The i-th node in the order of elimination: the inner ones, the left, the right end.
__device__ inline int64 node(int64 i, int64 q) { return i < q - 2 ? i + 1 : i == q - 2 ? 0 : i; }

// Write H - shift, lower triangle, and the right-hand side of each element.
template <typename T>
__device__ void assemble(T* M, T* b, T level, T shift, const T* V, const T* c, const T* w, const T* h,
                         const T* K, const T* x, int64 q, int64 E)
{
    for (int64 a = threadIdx.x; a < q * q * E; a += blockDim.x) {
        const int64 e = a % E, i = a / E / q, j = a / E % q, ni = node(i, q), at = ni * E + e;
        if (j > i) continue;
        M[a] = K[ni * q + node(j, q)] / h[e];
        if (i != j) continue;
        M[a] += (V[at] + level * c[at] - shift) * w[at];
        b[i * E + e] = w[at] * x[at];
    }
    __syncthreads();
}

// Eliminate the inner nodes of all elements; return this thread's number of negative pivots.
template <typename T>
__device__ int64 eliminate(T* M, T* inverse, T tiny, int64 q, int64 E)
{
    int64 negative = 0;
    for (int64 k = 0; k < q - 2; ++k) {
        for (int64 e = threadIdx.x; e < E; e += blockDim.x) {
            T pivot = M[(k * q + k) * E + e];
            pivot = pivot != 0 ? pivot : tiny;
            negative += pivot < 0;
            inverse[k * E + e] = 1 / pivot;
        }
        __syncthreads();
        const int64 m = q - 1 - k;
        for (int64 a = threadIdx.x; a < m * m * E; a += blockDim.x) {
            const int64 e = a % E, i = k + 1 + a / E / m, j = k + 1 + a / E % m;
            if (j <= i) M[(i * q + j) * E + e] -= M[(i * q + k) * E + e] * inverse[k * E + e] * M[(j * q + k) * E + e];
        }
        __syncthreads();
    }
    return negative;
}

// One thread solves for the values where elements meet; returns the number of negative pivots.
template <typename T>
__device__ int64 join(const T* M, T* b, T* inverse, T tiny, int64 q, int64 E)
{
    const int64 left = q - 2, right = q - 1;
    const T* ends = M + right * q * E;  // rows of the right ends
    int64 negative = 0;
    for (int64 g = 0; g < E - 1; ++g) {
        T pivot = ends[right * E + g] + M[(left * q + left) * E + g + 1];
        T value = b[right * E + g] + b[left * E + g + 1];
        if (g > 0) {
            const T factor = ends[left * E + g] * inverse[g - 1];
            pivot -= factor * ends[left * E + g];
            value -= factor * b[right * E + g - 1];
        }
        pivot = pivot != 0 ? pivot : tiny;
        negative += pivot < 0;
        inverse[g] = 1 / pivot;
        b[right * E + g] = value;
    }
    b[right * E + E - 1] = 0;
    for (int64 g = E - 2; g >= 0; --g) {
        b[right * E + g] = inverse[g] * (b[right * E + g] - ends[left * E + g + 1] * b[right * E + g + 1]);
        b[left * E + g + 1] = b[right * E + g];
    }
    b[left * E] = 0;
    return negative;
}

template <typename T, typename I>
__global__ void radial_solve(const bool* live, const I* system, const T* l, const T* shift, const T* V, const T* c,
                             const T* w, const T* h, const T* K, const T* x, T* y, T* found, T* work, int64 q,
                             int64 E, int64 n)
{
    T *M = work + blockIdx.x * (q * q + 2 * q) * E, *b = M + q * q * E, *inverse = b + q * E;
    T* joints = inverse + (q - 2) * E;  // rows of `inverse` that the elimination leaves
    for (int64 s = blockIdx.x; s < n; s += gridDim.x) {
        const int64 t = system[s];
        if (!live[t]) continue;
        const T* weight = w + t * q * E;
        const T* before = x + s * q * E;
        const T tiny = K[q + 1] / h[t * E] * epsilon<T>();
        assemble(M, b, l[s] * (l[s] + 1) / 2, shift[s], V + t * q * E, c + t * q * E, weight, h + t * E, K, before, q, E);
        int64 negative = eliminate(M, inverse, tiny, q, E);
        for (int64 e = threadIdx.x; e < E; e += blockDim.x)
            for (int64 k = 0; k < q - 2; ++k)
                for (int64 i = k + 1; i < q; ++i)
                    b[i * E + e] -= M[(i * q + k) * E + e] * inverse[k * E + e] * b[k * E + e];
        __syncthreads();
        if (threadIdx.x == 0) negative += join(M, b, joints, tiny, q, E);
        __syncthreads();
        for (int64 e = threadIdx.x; e < E; e += blockDim.x)
            for (int64 k = q - 3; k >= 0; --k) {
                T value = b[k * E + e];
                for (int64 i = k + 1; i < q; ++i) value -= M[(i * q + k) * E + e] * b[i * E + e];
                b[k * E + e] = value * inverse[k * E + e];
            }
        __syncthreads();
        T yy = 0, yx = 0;
        for (int64 a = threadIdx.x; a < q * E; a += blockDim.x) {
            const int64 at = node(a / E, q) * E + a % E;
            yy += weight[at] * b[a] * b[a];
            yx += weight[at] * b[a] * before[at];
        }
        yy = block_sum(yy);
        yx = block_sum(yx);
        const T scale = 1 / sqrt(yy), gain = yx / yy, count = block_sum(T(negative));
        for (int64 a = threadIdx.x; a < q * E; a += blockDim.x) y[s * q * E + node(a / E, q) * E + a % E] = b[a] * scale;
        if (threadIdx.x == 0) {
            found[3 * s] = count;
            found[3 * s + 1] = gain;
            found[3 * s + 2] = 1 / yy - gain * gain;
        }
        __syncthreads();  // before the next state overwrites the workspace
    }
}

template <typename T, typename I>
__global__ void radial_density(const bool* live, const I* starts, const T* f, const T* r, const T* h, const T* D,
                               const T* J, const T* y, T* u, T* n, T* V, T* work, int64 q, int64 E, int64 systems)
{
    const int64 b = blockIdx.x, N = q * E;
    if (b >= systems || !live[b]) return;  // the whole block
    const T pi = T(3.141592653589793);
    T *near = work + 3 * b * N, *far = near + N, *over = far + N;
    u += b * N, n += b * N, V += b * N, r += b * N, h += b * E;
    for (int64 a = threadIdx.x; a < N; a += blockDim.x) {
        T sum = 0;
        for (int64 s = starts[b]; s < starts[b + 1]; ++s) sum += f[s] * y[s * N + a] * y[s * N + a];
        const T inverse = r[a] > 0 ? 1 / r[a] : T(0);
        u[a] = sum;
        over[a] = sum * inverse;
        n[a] = sum * inverse * inverse / (4 * pi);
    }
    __syncthreads();
    for (int64 a = threadIdx.x; a < N; a += blockDim.x) {
        const int64 i = a / E, e = a % E;
        T inside = 0, outside = 0;
        for (int64 j = 0; j < q; ++j) {
            inside += J[i * q + j] * u[j * E + e];
            outside += J[i * q + j] * over[j * E + e];
        }
        near[a] = inside * h[e] / 2;
        far[a] = outside * h[e] / 2;
    }
    __syncthreads();
    for (int64 a = threadIdx.x; a < N; a += blockDim.x) {
        const int64 e = a % E;
        T inside = near[a], outside = -far[a];
        for (int64 before = 0; before < e; ++before) inside += near[N - E + before];
        for (int64 after = e; after < E; ++after) outside += far[N - E + after];
        V[a] = (r[a] > 0 ? inside / r[a] : T(0)) + outside;
    }
    if (threadIdx.x != 0) return;
    T center = 0;
    for (int64 s = starts[b]; s < starts[b + 1]; ++s) {
        T slope = 0;
        for (int64 i = 0; i < q; ++i) slope += D[i] * y[s * N + i * E];
        slope *= 2 / h[0];
        center += f[s] * slope * slope;
    }
    n[0] = center / (4 * pi);
}

template <typename T>
__global__ void lda_vwn(const T* n, T* e, T* v, int64 count)
{
    const T A = T(0.0310907), x0 = T(-0.10498), b = T(3.72744), c = T(12.9352), pi = T(3.141592653589793);
    const T Q = sqrt(4 * c - b * b), far = x0 * x0 + b * x0 + c, slater = T(-0.75) * cbrt(9 / (4 * pi * pi));
    for (int64 i = first(); i < count; i += stride()) {
        if (!(n[i] > 0)) {
            e[i] = v[i] = 0;
            continue;
        }
        const T rs = cbrt(3 / (4 * pi * n[i])), x = sqrt(rs), X = rs + b * x + c;
        const T angle = atan(Q / (2 * x + b)) / Q;
        T ec = log(rs / X) + 2 * b * angle;
        ec = A * (ec - b * x0 / far * (log((x - x0) * (x - x0) / X) + 2 * (b + 2 * x0) * angle));
        e[i] = slater / rs + ec;
        v[i] = T(4) / 3 * slater / rs + ec - A / 3 * (c * (x - x0) - b * x0 * x) / ((x - x0) * X);
    }
}

constexpr int DEEPEST = 16;

// Solve with the Gram matrix G, whose lower triangle is overwritten; dependent directions get a zero.
template <typename T>
__device__ void least_squares(T (*G)[DEEPEST], T* z, int64 m)
{
    for (int64 i = 0; i < m; ++i) {
        const T whole = G[i][i];
        for (int64 j = 0; j < i; ++j) {
            T rest = G[i][j];
            for (int64 k = 0; k < j; ++k) rest -= G[i][k] * G[j][k];
            G[i][j] = G[j][j] > 0 ? rest / G[j][j] : T(0);
        }
        T rest = whole;
        for (int64 k = 0; k < i; ++k) {
            rest -= G[i][k] * G[i][k];
            z[i] -= G[i][k] * z[k];
        }
        G[i][i] = rest > 1000 * epsilon<T>() * whole ? sqrt(rest) : T(0);
        z[i] = G[i][i] > 0 ? z[i] / G[i][i] : T(0);
    }
    for (int64 i = m - 1; i >= 0; --i) {
        for (int64 k = i + 1; k < m; ++k) z[i] -= G[k][i] * z[k];
        z[i] = G[i][i] > 0 ? z[i] / G[i][i] : T(0);
    }
}

template <typename T>
__global__ void anderson(const bool* live, int64 step, T beta, const T* w, const T* u, const T* f, const T* V, T* dF,
                         T* dV, T* next, T* norms, int64 depth, int64 N, int64 systems)
{
    __shared__ T G[DEEPEST][DEEPEST], gamma[DEEPEST];
    const int64 b = blockIdx.x, last = (step + depth - 1) % depth, slot = step % depth, m = step < depth ? step : depth;
    if (b >= systems) return;
    w += b * N, u += b * N, f += b * N, V += b * N, next += b * N, dF += b * depth * N, dV += b * depth * N;
    if (!live[b]) {
        for (int64 a = threadIdx.x; a < N; a += blockDim.x) next[a] = V[a];
        return;
    }
    T square = 0, charge = 0;
    for (int64 a = threadIdx.x; a < N; a += blockDim.x) {
        square += w[a] * u[a] * f[a] * f[a];
        charge += w[a] * u[a];
        if (step > 0) {
            dF[last * N + a] = f[a] - dF[last * N + a];
            dV[last * N + a] = V[a] - dV[last * N + a];
        }
    }
    square = block_sum(square);
    charge = block_sum(charge);
    for (int64 k = 0; k < m; ++k) {
        const T* row = dF + (step - 1 - k) % depth * N;
        for (int64 j = 0; j <= k + 1; ++j) {  // the last product is that with f
            const T* other = j > k ? f : dF + (step - 1 - j) % depth * N;
            T product = 0;
            for (int64 a = threadIdx.x; a < N; a += blockDim.x) product += w[a] * u[a] * row[a] * other[a];
            product = block_sum(product);
            if (threadIdx.x == 0) (j > k ? gamma[k] : G[k][j]) = product;
        }
    }
    if (threadIdx.x == 0) {
        norms[b] = sqrt(square / charge);
        least_squares(G, gamma, m);
    }
    __syncthreads();
    for (int64 a = threadIdx.x; a < N; a += blockDim.x) {
        T value = V[a] + beta * f[a];
        for (int64 k = 0; k < m; ++k) {
            const int64 at = (step - 1 - k) % depth * N + a;
            value -= gamma[k] * (dV[at] + beta * dF[at]);
        }
        next[a] = value;
        dF[slot * N + a] = f[a];
        dV[slot * N + a] = V[a];
    }
}
