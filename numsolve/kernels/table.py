"""Every kernel: its file, its instantiations and its arguments; imports nothing.

The table drives the CuPy launcher, the g++ emulation, the NVRTC compile test and the parity test, so that
no kernel escapes any of them. The kinds of arguments:

=========  ==========================================================================================
``T*``     device array of the working dtype; ``R*`` of its real dtype, ``I*`` of indices, ``bool*``
``R+``     a real sum still in pieces: device array of partial sums, passed as a pointer and a length;
           ``T+`` the same of the working dtype
``R``      a real number by value; ``int64`` an integer by value
=========  ==========================================================================================

The last argument of kind ``int64`` is the number of items the grid strides over, unless the launch rule
says otherwise: "stride" is one thread an item, "lanes" that many threads, "item" a block an item, and "block"
one block in all.
"""

FLOATS = ("float32", "float64", "complex64", "complex128")
REALS = ("float32", "float64")
INDICES = ("int32", "int64")

FILES = {  # file: {name: (dtypes of T, dtypes of I, arguments of the .cu function, launch rule)}
    "vector": {
        "dot": (FLOATS, None, "x:T* y:T* xy:R* n:int64", "stride"),
        "vdot": (FLOATS, None, "x:T* y:T* xy:T* n:int64", "stride"),
        "fold": (FLOATS, None, "pieces:T* sums:T* length:int64 n:int64", "item"),
        "residual_norm": (REALS, None, "rr:R+ tol:R step:int64 norms:R* live:bool*", "block"),
        "residual_norms": (REALS, None, "rr:R* tol:R* step:int64 norms:R* live:bool* k:int64", "block"),
    },
    "sparse": {
        "spmv": (
            FLOATS,
            INDICES,
            "indptr:I* indices:I* data:T* x:T* y:T* lanes:int64 n:int64",
            "lanes",
        ),
        "spmv_dot": (
            FLOATS,
            INDICES,
            "indptr:I* indices:I* data:T* p:T* q:T* pq:R* lanes:int64 n:int64",
            "lanes",
        ),
        "spmm": (FLOATS, INDICES, "indptr:I* indices:I* data:T* X:T* Y:T* k:int64 items:int64", "stride"),
        "spmm_gram": (
            FLOATS,
            INDICES,
            "indptr:I* indices:I* data:T* P:T* Q:T* pieces:T* k:int64 n:int64",
            "stride",
        ),
    },
    "cg": {
        "cg_update": (
            FLOATS,
            None,
            "live:bool* rz:R+ pq:R+ p:T* q:T* x:T* r:T* rr:R* n:int64",
            "stride",
        ),
        "cg_direction": (FLOATS, None, "live:bool* rz:R+ rz_old:R+ z:T* p:T* n:int64", "stride"),
    },
    "block_cg": {
        "block_gram": (FLOATS, None, "X:T* Y:T* pieces:T* k:int64 n:int64", "stride"),
        "block_residual": (FLOATS, None, "alpha:T* Z:T* W:T* pieces:T* m:int64 n:int64", "stride"),
        "block_step": (
            FLOATS,
            None,
            "moves:bool* step:T* beta:T* C:T* W:T* Y:T* X:T* P:T* k:int64 m:int64 n:int64",
            "stride",
        ),
        "block_alpha": (FLOATS, None, "live:bool* G:T* H:T* S:T* alpha:T* step:T* k:int64 m:int64", "block"),
        "block_beta": (
            FLOATS,
            None,
            "N:T* F:T* S:T* H:T* C:T* beta:T* rr:R* moves:bool* k:int64 m:int64",
            "block",
        ),
    },
    "gmres": {
        "gmres_project": (FLOATS, None, "V:T* pieces:T* j:int64 n:int64", "stride"),
        "gmres_advance": (FLOATS, None, "ST:T* V:T* uu:R* j:int64 n:int64", "stride"),
        "gmres_residual": (
            FLOATS,
            None,
            "live:bool* ST:T* uu:R+ H:T* R:T* G:T* rot:T* rr:R* linear:int64 j:int64 m:int64",
            "block",
        ),
    },
}
TABLE = {name: (file, *entry) for file, kernels in FILES.items() for name, entry in kernels.items()}

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
