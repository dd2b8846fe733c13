"""Every kernel: its ``.cu`` file, its instantiations and its arguments; imports nothing.

The table drives the CuPy launcher, the g++ emulation, the NVRTC compile test and the parity test, so that
no kernel escapes any of them. The kinds of arguments:

=========  ==========================================================================================
``T*``     device array of the working dtype; ``R*`` of its real dtype, ``I*`` of indices, ``bool*``
``R+``     a sum still in pieces: device array of partial sums, passed as a pointer and a length
``R``      a real number by value; ``int64`` an integer by value
=========  ==========================================================================================

The last argument of kind ``int64`` is the number of items the grid strides over, unless the launch rule
says otherwise: "stride" is one thread an item, "lanes" that many threads, "item" a block an item, and "block"
one block in all.
"""

FLOATS = ("float32", "float64", "complex64", "complex128")
REALS = ("float32", "float64")
INDICES = ("int32", "int64")

TABLE = {  # name: (file, dtypes of T, dtypes of I, arguments of the .cu function, launch rule)
    "spmv": (
        "sparse.cu",
        FLOATS,
        INDICES,
        "indptr:I* indices:I* data:T* x:T* y:T* lanes:int64 n:int64",
        "lanes",
    ),
    "spmv_dot": (
        "sparse.cu",
        FLOATS,
        INDICES,
        "indptr:I* indices:I* data:T* p:T* q:T* pq:R* lanes:int64 n:int64",
        "lanes",
    ),
    "dot": ("vector.cu", FLOATS, None, "x:T* y:T* xy:R* n:int64", "stride"),
    "fold": ("vector.cu", FLOATS, None, "pieces:T* sums:T* length:int64 n:int64", "item"),
    "residual_norm": (
        "vector.cu",
        REALS,
        None,
        "rr:R+ tol:R step:int64 norms:R* live:bool*",
        "block",
    ),
    "cg_update": (
        "krylov.cu",
        FLOATS,
        None,
        "live:bool* rz:R+ pq:R+ p:T* q:T* x:T* r:T* rr:R* n:int64",
        "stride",
    ),
    "cg_direction": (
        "krylov.cu",
        FLOATS,
        None,
        "live:bool* rz:R+ rz_old:R+ z:T* p:T* n:int64",
        "stride",
    ),
    "gmres_project": ("krylov.cu", FLOATS, None, "V:T* pieces:T* j:int64 n:int64", "stride"),
    "gmres_advance": ("krylov.cu", FLOATS, None, "ST:T* V:T* uu:R* j:int64 n:int64", "stride"),
    "gmres_residual": (
        "krylov.cu",
        FLOATS,
        None,
        "live:bool* ST:T* uu:R+ H:T* R:T* G:T* rot:T* rr:R* j:int64 m:int64",
        "block",
    ),
}

C_NAMES = {
    "float32": "float",
    "float64": "double",
    "complex64": "complex64",
    "complex128": "complex128",
    "int32": "int",
    "int64": "int64",
}


def expression(name, dtype, index=None):
    """Return the C++ name of an instantiation."""
    return f"{name}<{', '.join(C_NAMES[t] for t in (dtype, index) if t)}>"
