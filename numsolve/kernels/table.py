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
one block in all, and "level" one thread an item and one launch a level or section, whose number comes last.
"""

FLOATS = ("float32", "float64", "complex64", "complex128")
REALS = ("float32", "float64")
INDICES = ("int32", "int64")

FILES = {  # file: {name: (dtypes of T, dtypes of I, arguments of the .cu function, launch rule)}
    "vector": {
        "dot": (
            FLOATS,
            None,
            "x:T* y:T* xy:R* n:int64",
            "stride",
        ),
        "vdot": (
            FLOATS,
            None,
            "x:T* y:T* xy:T* n:int64",
            "stride",
        ),
        "fold": (
            FLOATS,
            None,
            "pieces:T* sums:T* length:int64 n:int64",
            "item",
        ),
        "residual_norm": (
            REALS,
            None,
            "rr:R+ tol:R step:int64 norms:R* live:bool*",
            "block",
        ),
        "projection": (
            FLOATS,
            None,
            "t:T* r:T* tr:T* tt:R* n:int64",
            "stride",
        ),
        "residual_norms": (
            REALS,
            None,
            "rr:R* tol:R* step:int64 norms:R* live:bool* k:int64",
            "block",
        ),
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
        "spmm": (
            FLOATS,
            INDICES,
            "indptr:I* indices:I* data:T* X:T* Y:T* k:int64 items:int64",
            "stride",
        ),
        "spmm_gram": (
            FLOATS,
            INDICES,
            "indptr:I* indices:I* data:T* P:T* Q:T* pieces:T* k:int64 n:int64",
            "stride",
        ),
    },
    "basis": {
        "rows_gram": (
            FLOATS,
            None,
            "X:T* Y:T* pieces:T* p:int64 q:int64 n:int64",
            "stride",
        ),
        "rows_combine": (
            FLOATS,
            None,
            "coefficients:T* X:T* Y:T* fresh:int64 k:int64 p:int64 n:int64",
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
        "cg_direction": (
            FLOATS,
            None,
            "live:bool* rz:R+ rz_old:R+ z:T* p:T* n:int64",
            "stride",
        ),
    },
    "gmres": {
        "gmres_shift": (
            FLOATS,
            None,
            "uw:R+ uu:R+ sigma:R* u:T* w:T* n:int64",
            "stride",
        ),
        "gmres_project": (
            FLOATS,
            None,
            "V:T* pieces:T* j:int64 count:int64 n:int64",
            "stride",
        ),
        "gmres_factor": (
            FLOATS,
            None,
            "live:bool* ST:T* sigma:R* F:T* p:int64 j:int64 count:int64",
            "block",
        ),
        "gmres_advance": (
            FLOATS,
            None,
            "F:T* V:T* squares:R* j:int64 count:int64 n:int64",
            "stride",
        ),
        "gmres_residual": (
            FLOATS,
            None,
            "live:bool* F:T* uu:R+ H:T* R:T* Y:T* G:T* rot:T* rr:R* kept:int64 p:int64 j:int64 step:int64 "
            "count:int64 m:int64",
            "block",
        ),
    },
    "minres": {
        "minres_lanczos": (
            FLOATS,
            None,
            "live:bool* aa:R+ bb:R+ bb_old:R+ overlap:R+ q:T* z:T* u:T* u_old:T* found:R* n:int64",
            "stride",
        ),
        "minres_update": (
            FLOATS,
            None,
            "live:bool* alpha:R+ bb:R+ bb_next:R+ state:R* z:T* w_old:T* w:T* x:T* rr:R* step:int64 n:int64",
            "stride",
        ),
        "minres_update_residual": (
            FLOATS,
            None,
            "live:bool* alpha:R+ bb:R+ bb_next:R+ state:R* z:T* w_old:T* w:T* x:T* u_next:T* r:T* "
            "rr:R* step:int64 n:int64",
            "stride",
        ),
    },
    "chebyshev": {
        "chebyshev_step": (
            FLOATS,
            None,
            "live:bool* keep:R gain:R q:T* d:T* x:T* r:T* rr:R* n:int64",
            "stride",
        ),
        "chebyshev_update": (
            FLOATS,
            None,
            "live:bool* q:T* d:T* x:T* r:T* rr:R* n:int64",
            "stride",
        ),
        "chebyshev_direction": (
            FLOATS,
            None,
            "live:bool* keep:R gain:R z:T* d:T* n:int64",
            "stride",
        ),
        "chebyshev_start": (
            FLOATS,
            None,
            "gain:R scale:T* b:T* d:T* x:T* n:int64",
            "stride",
        ),
        "chebyshev_smooth": (
            FLOATS,
            None,
            "keep:R gain:R scale:T* q:T* b:T* r:T* d:T* x:T* n:int64",
            "stride",
        ),
    },
    "bicgstab": {
        "bicgstab_half": (
            FLOATS,
            None,
            "rho:T+ vs:T+ vv:R+ ss:R+ eps:R v:T* r:T* alpha:T* n:int64",
            "stride",
        ),
        "bicgstab_update": (
            FLOATS,
            None,
            "live:bool* alpha:T+ tr:T+ tt:R+ before:R+ eps:R y:T* z:T* t:T* s:T* x:T* r:T* rho:T* "
            "rr:R* n:int64",
            "stride",
        ),
        "bicgstab_direction": (
            FLOATS,
            None,
            "old:T+ rho:T+ rr:R+ ss:R+ alpha:T+ tr:T+ tt:R+ eps:R v:T* r:T* s:T* p:T* rho_out:T* "
            "ss_out:R* n:int64",
            "stride",
        ),
    },
    "idrs": {
        "idrs_project": (
            FLOATS,
            None,
            "P:T* w:T* pieces:T* s:int64 n:int64",
            "stride",
        ),
        "idrs_begin": (
            FLOATS,
            None,
            "h:T* S:T* f:T* c:T* s:int64",
            "block",
        ),
        "idrs_solve": (
            FLOATS,
            None,
            "eps:R h:T* S:T* f:T* a:T* c:T* k:int64 s:int64",
            "block",
        ),
        "idrs_shift": (
            FLOATS,
            None,
            "c:T* G:T* r:T* v:T* k:int64 s:int64 n:int64",
            "stride",
        ),
        "idrs_direction": (
            FLOATS,
            None,
            "c:T* omega:T* v:T* U:T* k:int64 s:int64 n:int64",
            "stride",
        ),
        "idrs_advance": (
            FLOATS,
            None,
            "live:bool* a:T* G:T* U:T* x:T* r:T* rr:R* k:int64 n:int64",
            "stride",
        ),
        "idrs_reduce": (
            FLOATS,
            None,
            "live:bool* tr:T+ tt:R+ before:R+ kappa:R omega:T* v:T* t:T* x:T* r:T* rr:R* n:int64",
            "stride",
        ),
    },
    "bidiagonal": {
        "bidiagonal": (
            FLOATS,
            None,
            "xx:R+ yy:R+ w:T* y:T* squares:R* n:int64",
            "stride",
        ),
        "bidiagonal_csr": (
            FLOATS,
            INDICES,
            "indptr:I* indices:I* data:T* xx:R+ yy:R+ x:T* y:T* squares:R* lanes:int64 n:int64",
            "lanes",
        ),
    },
    "lsqr": {
        "lsqr_update": (
            FLOATS,
            None,
            "live:bool* bb:R+ aa:R+ old:R* new:R* v:T* w:T* x:T* rr:R* n:int64",
            "stride",
        ),
    },
    "lsmr": {
        "lsmr_update": (
            FLOATS,
            None,
            "live:bool* bb:R+ aa:R+ old:R* new:R* v:T* h:T* g:T* x:T* rr:R* n:int64",
            "stride",
        ),
    },
    "smooth": {
        "residual": (
            FLOATS,
            INDICES,
            "indptr:I* indices:I* data:T* x:T* b:T* r:T* lanes:int64 n:int64",
            "lanes",
        ),
        "correct": (
            FLOATS,
            INDICES,
            "indptr:I* indices:I* data:T* e:T* x:T* lanes:int64 n:int64",
            "lanes",
        ),
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
            "bounds:I* order:I* indptr:I* indices:I* data:T* scale:T* b:T* z:T* x:T* upper:int64 level:int64",
            "level",
        ),
        "relax": (
            FLOATS,
            INDICES,
            "bounds:I* order:I* indptr:I* indices:I* data:T* scale:T* b:T* x:T* level:int64",
            "level",
        ),
    },
    "relaxation": {
        "sor_sweep": (
            FLOATS,
            INDICES,
            "live:bool* bounds:I* indptr:I* indices:I* data:T* scale:T* b:T* x:T* y:T* rr:R* section:int64",
            "level",
        ),
        "block_sweep": (
            FLOATS,
            INDICES,
            "live:bool* bounds:I* starts:I* indptr:I* indices:I* data:T* inverses:T* b:T* x:T* y:T* r:T* "
            "rr:R* m:int64 section:int64",
            "level",
        ),
        "colour_sweep": (
            FLOATS,
            INDICES,
            "live:bool* bounds:I* indptr:I* indices:I* data:T* scale:T* b:T* x:T* section:int64",
            "level",
        ),
    },
    "sliced": {
        "sliced_find": (
            FLOATS,
            INDICES,
            "indptr:I* indices:I* data:T* counts:I* offsets:I* rows:int64 room:int64 n:int64 slices:int64",
            "item",
        ),
        "sliced_fill": (
            FLOATS,
            INDICES,
            "indptr:I* indices:I* data:T* starts:I* offsets:I* sliced:T* rows:int64 n:int64 places:int64",
            "stride",
        ),
        "sliced_spmv": (
            FLOATS,
            INDICES,
            "starts:I* offsets:I* data:T* x:T* y:T* rows:int64 m:int64 n:int64",
            "stride",
        ),
        "sliced_spmv_dot": (
            FLOATS,
            INDICES,
            "starts:I* offsets:I* data:T* p:T* q:T* pq:R* rows:int64 m:int64 n:int64",
            "stride",
        ),
    },
    "block_cg": {
        "block_gram": (
            FLOATS,
            None,
            "X:T* Y:T* pieces:T* k:int64 n:int64",
            "stride",
        ),
        "block_residual": (
            FLOATS,
            None,
            "alpha:T* Z:T* W:T* pieces:T* m:int64 n:int64",
            "stride",
        ),
        "block_step": (
            FLOATS,
            None,
            "moves:bool* step:T* beta:T* C:T* W:T* Y:T* X:T* P:T* k:int64 m:int64 n:int64",
            "stride",
        ),
        "block_alpha": (
            FLOATS,
            None,
            "live:bool* G:T* H:T* S:T* alpha:T* step:T* k:int64 m:int64",
            "block",
        ),
        "block_beta": (
            FLOATS,
            None,
            "N:T* F:T* S:T* H:T* C:T* beta:T* rr:R* moves:bool* k:int64 m:int64",
            "block",
        ),
    },
    "block_gmres": {
        "block_project": (
            FLOATS,
            None,
            "V:T* pieces:T* j:int64 p:int64 n:int64",
            "stride",
        ),
        "block_advance": (
            FLOATS,
            None,
            "ST:T* C:T* V:T* pieces:T* j:int64 p:int64 n:int64",
            "stride",
        ),
        "block_transform": (
            FLOATS,
            None,
            "C:T* W:T* p:int64 n:int64",
            "stride",
        ),
        "block_correct": (
            FLOATS,
            None,
            "live:bool* ST:T* L:T* H:T* R:T* Q:T* E:T* G:T* C:T* j:int64 m:int64 p:int64 k:int64",
            "block",
        ),
        "block_reduce": (
            FLOATS,
            None,
            "F:T* H:T* R:T* Q:T* E:T* G:T* L:T* C:T* rr:R* j:int64 m:int64 p:int64 k:int64",
            "block",
        ),
    },
    "radial": {
        "radial_solve": (
            REALS,
            INDICES,
            "live:bool* system:I* l:T* shift:T* V:T* c:T* w:T* h:T* K:T* x:T* y:T* found:T* work:T* q:int64 "
            "E:int64 n:int64",
            "item",
        ),
        "radial_density": (
            REALS,
            INDICES,
            "live:bool* starts:I* f:T* r:T* h:T* D:T* J:T* y:T* u:T* n:T* V:T* work:T* q:int64 E:int64 "
            "systems:int64",
            "item",
        ),
        "lda_vwn": (
            REALS,
            None,
            "n:T* e:T* v:T* count:int64",
            "stride",
        ),
        "anderson": (
            REALS,
            None,
            "live:bool* step:int64 beta:R w:T* u:T* f:T* V:T* dF:T* dV:T* new:T* norms:T* depth:int64 "
            "N:int64 systems:int64",
            "item",
        ),
    },
    "dirac": {
        "dirac_solve": (
            REALS,
            INDICES,
            "live:bool* system:I* rule:I* lift:T* Z:T* shift:T* c:R V:T* r:T* h:T* w:T* D:T* points:T* "
            "first:T* x:T* y:T* found:T* work:T* q:int64 E:int64 n:int64",
            "item",
        ),
        "relativistic_exchange": (
            REALS,
            None,
            "n:T* c:R e:T* v:T* count:int64",
            "stride",
        ),
    },
    "transport": {
        "transport_rows": (
            REALS,
            None,
            "live:bool* omega:T* kappa:R inverse:R kind:int64 C:T* X:T* Y:T* a:T* F:T* G:T* F_new:T* r:T* "
            "sums:T* own:int64 blocks:int64 d:int64 n:int64 m:int64",
            "item",
        ),
        "transport_columns": (
            REALS,
            None,
            "live:bool* omega:T* kappa:R inverse:R kind:int64 C:T* X:T* Y:T* F:T* b:T* G:T* sums:T* "
            "G_new:T* c:T* own:int64 blocks:int64 d:int64 n:int64 m:int64 k:int64",
            "stride",
        ),
        "transport_judge": (
            REALS,
            None,
            "kappa_a:R kappa_b:R a:T* b:T* r:T* c:T* F:T* G:T* squared:R* dual:R* n:int64 m:int64 k:int64",
            "item",
        ),
        "transport_least": (
            REALS,
            None,
            "inverse:R kind:int64 C:T* X:T* Y:T* G:T* F_new:T* sums:T* own:int64 blocks:int64 d:int64 "
            "n:int64 m:int64",
            "item",
        ),
        "transport_edges": (
            REALS,
            INDICES,
            "hard:int64 inverse:R indptr:I* indices:I* data:T* G:T* found:T* n:int64 m:int64 k:int64",
            "item",
        ),
        "transport_axis": (
            REALS,
            None,
            "hard:int64 inverse:R cost:T* values:T* sums:T* found:T* p:int64 n:int64 m:int64 q:int64",
            "stride",
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
