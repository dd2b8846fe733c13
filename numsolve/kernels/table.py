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
says otherwise: "stride" is one thread an item, "lanes" that many threads, "item" a block an item, "block"
one block in all, and "level" one thread an item and one launch a level, whose number comes last.
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
    },
    "smooth": {
        "residual": (
            FLOATS,
            INDICES,
            "indptr:I* indices:I* data:T* x:T* b:T* r:T* lanes:int64 n:int64",
            "lanes",
        ),
        "correct": (FLOATS, INDICES, "indptr:I* indices:I* data:T* e:T* x:T* lanes:int64 n:int64", "lanes"),
        "jacobi_sweep": (
            FLOATS,
            INDICES,
            "omega:R inverse:T* indptr:I* indices:I* data:T* b:T* x:T* y:T* lanes:int64 n:int64",
            "lanes",
        ),
    },
    "block_jacobi": {
        "block_jacobi": (
            FLOATS,
            INDICES,
            "rows:I* inverses:T* x:T* y:T* m:int64 n:int64",
            "stride",
        ),
    },
    "triangular": {
        "ilu0": (
            FLOATS,
            INDICES,
            "bounds:I* order:I* indptr:I* indices:I* diag:I* data:T* level:int64",
            "level",
        ),
        "ldu_solve": (
            FLOATS,
            INDICES,
            "bounds:I* order:I* indptr:I* indices:I* data:T* scale:T* b:T* x:T* scaled:int64 level:int64",
            "level",
        ),
        "relax": (
            FLOATS,
            INDICES,
            "bounds:I* order:I* indptr:I* indices:I* data:T* scale:T* b:T* x:T* level:int64",
            "level",
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
