// Dirac's radial equation; see the reference for what each kernel means. Arrays on a mesh are (degree + 1, elements).
#include "kernel.h"

// The i-th node in the order of elimination: the inner ones, the left, the right end.
__device__ inline int64 node(int64 i, int64 q) { return i < q - 2 ? i + 1 : i == q - 2 ? 0 : i; }

// The data of the state of a block.
template <typename T>
struct State {
    T lift, Z, shift, c;
    const T *V, *r, *h, *w, *D, *points, *first, *x;
    int64 q, E;

    // The denominator 2 c**2 + E - V, times the radius.
    __device__ T d(T potential, T radius) const { return Z + (2 * c * c + shift - potential) * radius; }

    // A function at point k of the first element: by values (0), by G (1), as potentials (2).
    __device__ T at(int64 which, int64 k, const T* f) const
    {
        T sum = 0;
        for (int64 i = 0; i < q; ++i) sum += first[(which * q + k) * q + i] * f[i * E];
        return sum;
    }
};

// Write the coefficients at the nodes: of G f G f times r' and r'**2 (r' = 2 r / h), and of f f.
template <typename T>
__device__ void coefficients(const State<T>& s, T* slope, T* square, T* diagonal)
{
    for (int64 a = threadIdx.x; a < s.q * s.E; a += blockDim.x) {
        if (a % s.E == 0) continue;
        const T rate = 2 * s.r[a] / s.h[a % s.E];
        diagonal[a] = s.w[a] * ((s.V[a] - s.shift) * s.r[a] - s.Z);
        slope[a] = s.w[a] * s.c * s.c / s.d(s.V[a], s.r[a]) * rate;
        square[a] = slope[a] * rate;
    }
    for (int64 k = threadIdx.x; k < s.q; k += blockDim.x) {  // lane 0: at the points of the first element
        const T radius = s.points[k], weight = s.points[s.q + k], potential = s.at(2, k, s.V);
        slope[k * s.E] = weight * s.c * s.c / s.d(potential, radius);
        diagonal[k * s.E] = weight * ((potential - s.shift) * radius - s.Z);
    }
    __syncthreads();
}

// Write the lower triangles of the elements.
template <typename T>
__device__ void assemble(const State<T>& s, const T* slope, const T* square, const T* diagonal, T* M)
{
    const int64 q = s.q, E = s.E;
    for (int64 a = threadIdx.x; a < q * q * E; a += blockDim.x) {
        const int64 e = a % E, i = a / E / q, j = a / E % q, ni = node(i, q), nj = node(j, q);
        if (j > i) continue;
        T sum = 0;
        if (e == 0) {
            const T *B = s.first, *G = s.first + q * q;
            for (int64 k = 0; k < q; ++k)
                sum += slope[k * E] * G[k * q + ni] * G[k * q + nj] + diagonal[k * E] * B[k * q + ni] * B[k * q + nj];
        } else {
            sum = s.lift * (s.D[ni * q + nj] * slope[ni * E + e] + s.D[nj * q + ni] * slope[nj * E + e]);
            for (int64 k = 0; k < q; ++k) sum += s.D[k * q + ni] * s.D[k * q + nj] * square[k * E + e];
            if (i == j) sum += diagonal[ni * E + e] + s.lift * s.lift * slope[ni * E + e] * s.h[e] / (2 * s.r[ni * E + e]);
        }
        M[a] = sum;
    }
    __syncthreads();
}

// Write the right-hand side of each element, in the order of elimination.
template <typename T>
__device__ void source(const State<T>& s, const T* slope, T* b)
{
    const int64 q = s.q, E = s.E;
    const T* small = s.x + q * E;
    for (int64 a = threadIdx.x; a < q * E; a += blockDim.x) {
        const int64 e = a % E, ni = node(a / E, q), at = ni * E + e;
        T sum = 0;
        if (e == 0) {
            for (int64 k = 0; k < q; ++k) {
                const T radius = s.points[k], weight = s.points[q + k];
                sum += s.first[k * q + ni] * weight * radius * s.at(0, k, s.x);
                sum += s.first[(q + k) * q + ni] * slope[k * E] / s.c * radius * s.at(0, k, small);
            }
        } else {
            sum = s.w[at] * s.r[at] * s.x[at] + s.lift * slope[at] * s.h[e] / (2 * s.c) * small[at];
            for (int64 k = 0; k < q; ++k)
                sum += s.D[k * q + ni] * slope[k * E + e] * s.r[k * E + e] / s.c * small[k * E + e];
        }
        b[a] = sum;
    }
    __syncthreads();
}

// Eliminate the inner nodes of all elements and the right-hand sides; return this thread's number of negative pivots.
template <typename T>
__device__ int64 eliminate(T* M, T* b, T* inverse, T tiny, int64 q, int64 E)
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
        for (int64 a = threadIdx.x; a < m * (m + 1) * E; a += blockDim.x) {
            const int64 e = a % E, i = k + 1 + a / E / (m + 1), j = k + a / E % (m + 1);  // j = k: the source
            const T factor = M[(i * q + k) * E + e] * inverse[k * E + e];
            if (j == k) b[i * E + e] -= factor * b[k * E + e];
            else if (j <= i) M[(i * q + j) * E + e] -= factor * M[(j * q + k) * E + e];
        }
        __syncthreads();
    }
    return negative;
}

// One thread solves for the values where elements begin; returns the number of negative pivots.
template <typename T>
__device__ int64 join(const T* M, T* b, T* inverse, T tiny, int64 q, int64 E)
{
    const int64 left = q - 2, right = q - 1;
    const T* ends = M + right * q * E;  // rows of the right ends
    int64 negative = 0;
    for (int64 g = 0; g < E; ++g) {
        T pivot = M[(left * q + left) * E + g], value = b[left * E + g];
        if (g > 0) {
            const T factor = ends[left * E + g - 1] * inverse[g - 1];
            pivot += ends[right * E + g - 1] - factor * ends[left * E + g - 1];
            value += b[right * E + g - 1] - factor * b[left * E + g - 1];
        }
        pivot = pivot != 0 ? pivot : tiny;
        negative += pivot < 0;
        inverse[g] = 1 / pivot;
        b[left * E + g] = value;
    }
    b[right * E + E - 1] = 0;
    for (int64 g = E - 1; g >= 0; --g) {
        b[left * E + g] = inverse[g] * (b[left * E + g] - ends[left * E + g] * b[right * E + g]);
        if (g > 0) b[right * E + g - 1] = b[left * E + g];
    }
    return negative;
}

// Solve for the inner nodes, and write both components.
template <typename T>
__device__ void substitute(const State<T>& s, const T* M, T* b, const T* inverse, T* y)
{
    const int64 q = s.q, E = s.E;
    T* g = y + q * E;
    for (int64 e = threadIdx.x; e < E; e += blockDim.x) {
        for (int64 k = q - 3; k >= 0; --k) {
            T value = b[k * E + e] * inverse[k * E + e];
            for (int64 i = k + 1; i < q; ++i) value -= M[(i * q + k) * E + e] * inverse[k * E + e] * b[i * E + e];
            b[k * E + e] = value;
        }
        for (int64 i = 0; i < q; ++i) y[node(i, q) * E + e] = b[i * E + e];
        for (int64 i = 0; i < q; ++i) {
            const int64 a = i * E + e;
            T sum = 0;
            for (int64 j = 0; j < q; ++j) sum += s.D[i * q + j] * y[j * E + e];
            const T d = s.d(s.V[a], s.r[a]);
            const T value = s.c * (sum * 2 * s.r[a] / s.h[e] + s.lift * y[a]) - s.r[a] * s.x[q * E + a];
            g[a] = d != 0 ? value / d : T(0);
        }
    }
    __syncthreads();
}

// Add this thread's share of the integrals of y y, y x, x x and y (H - shift) y.
template <typename T>
__device__ void products(const State<T>& s, const T* y, T& yy, T& yx, T& xx, T& yhy)
{
    const int64 q = s.q, E = s.E, N = q * E;
    for (int64 a = threadIdx.x; a < N; a += blockDim.x) {
        if (a % E == 0) continue;
        const T f = y[a], g = y[N + a], level = (s.V[a] - s.shift) * s.r[a] - s.Z;
        const T rest = 2 * s.c * s.c * s.r[a] * g + 2 * s.r[a] * s.x[N + a];
        yhy += s.w[a] * (level * (f * f - g * g) + rest * g);
    }
    for (int64 a = threadIdx.x; a < 2 * N; a += blockDim.x) {
        if (a % E == 0) continue;
        const T weight = s.w[a % N] * s.r[a % N];
        yy += weight * y[a] * y[a];
        yx += weight * y[a] * s.x[a];
        xx += weight * s.x[a] * s.x[a];
    }
    for (int64 k = threadIdx.x; k < q; k += blockDim.x) {
        const T radius = s.points[k], weight = s.points[q + k] * radius;
        const T large = s.at(0, k, s.x), small = s.at(0, k, s.x + N), f = s.at(0, k, y);
        const T level = (s.at(2, k, s.V) - s.shift) * radius - s.Z, rest = 2 * s.c * s.c * radius;
        const T g = (s.c * s.at(1, k, y) - radius * small) / (rest - level);
        yhy += s.points[q + k] * (level * (f * f - g * g) + (rest * g + 2 * radius * small) * g);
        yy += weight * (f * f + g * g);
        yx += weight * (f * large + g * small);
        xx += weight * (large * large + small * small);
    }
}

template <typename T, typename I>
__global__ void dirac_solve(const bool* live, const I* system, const I* rule, const T* lift, const T* Z, const T* shift,
                            T c, const T* V, const T* r, const T* h, const T* w, const T* D, const T* points,
                            const T* first, const T* x, T* y, T* found, T* work, int64 q, int64 E, int64 n)
{
    const int64 N = q * E;
    T *M = work + blockIdx.x * (q + 5) * N, *b = M + q * N, *inverse = b + N, *slope = inverse + N;
    T *square = slope + N, *diagonal = square + N;
    for (int64 i = blockIdx.x; i < n; i += gridDim.x) {
        const int64 t = system[i], k = rule[i];
        if (!live[t]) continue;
        const State<T> s = {lift[k], Z[k], shift[i], c, V + t * N, r + t * N, h + t * E, w + k * N, D,
                            points + 2 * k * q, first + 3 * k * q * q, x + 2 * i * N, q, E};
        coefficients(s, slope, square, diagonal);
        assemble(s, slope, square, diagonal, M);
        source(s, slope, b);
        const T tiny = epsilon<T>() * magnitude(M[0]);
        __syncthreads();  // before the first pivot changes
        int64 negative = eliminate(M, b, inverse, tiny, q, E);
        if (threadIdx.x == 0) negative += join(M, b, square, tiny, q, E);
        __syncthreads();
        substitute(s, M, b, inverse, y + 2 * i * N);
        T yy = 0, yx = 0, xx = 0, yhy = 0;
        products(s, y + 2 * i * N, yy, yx, xx, yhy);
        yy = block_sum(yy);
        yx = block_sum(yx);
        xx = block_sum(xx);
        yhy = block_sum(yhy);
        const T scale = 1 / sqrt(yy), count = block_sum(T(negative));
        for (int64 a = threadIdx.x; a < 2 * N; a += blockDim.x) y[2 * i * N + a] *= scale;
        if (threadIdx.x == 0) {
            found[3 * i] = count;
            found[3 * i + 1] = yhy / yy;
            found[3 * i + 2] = xx / yy - yx / yy * (yx / yy);
        }
        __syncthreads();  // before the next state overwrites the workspace
    }
}

template <typename T>
__global__ void relativistic_exchange(const T* n, T c, T* e, T* v, int64 count)
{
    const T pi = T(3.141592653589793);
    for (int64 i = ::first(); i < count; i += stride()) {
        if (!(n[i] > 0)) continue;
        const T k = cbrt(3 * pi * pi * n[i]), beta = k / c, mu = sqrt(1 + beta * beta), area = asinh(beta);
        const T ratio = (beta * mu - area) / (beta * beta);
        e[i] += T(1.125) / pi * k * ratio * ratio;
        v[i] -= T(1.5) / pi * k * (area / (beta * mu) - 1);
    }
}
