"""Every kernel in one line: its launch rule and its arguments; imports nothing.

The table drives the CuPy launcher, the g++ emulation, the NVRTC compile test and the parity test, so that
no kernel escapes any of them. ``[file]`` precedes the kernels of a file; after ``[file] reals`` the working
dtype T is real, elsewhere real or complex. A line reads ``name rule: arguments``. The arguments ``x,y:T* n``
are two of kind ``T*`` and an integer:

=========  ==========================================================================================
``T*``     device array of the working dtype; ``R*`` of its real dtype, ``I*`` of indices, ``bool*``
``R+``     a real sum still in pieces: device array of partial sums, passed as a pointer and a length;
           ``T+`` the same of the working dtype
``R``      a real number by value; no kind: an integer by value, ``int64``
=========  ==========================================================================================

The last argument of kind ``int64`` is the number of items the grid strides over, unless the launch rule
says otherwise. No rule ("stride") is one thread an item, and "lanes" that many threads an item. "item" is a
block an item, and "block" one block in all. "level" is one thread an item and one launch a level or section,
whose number comes last.
"""

KERNELS = """
[vector]
dot: x,y:T* xy:R* n
vdot: x,y,xy:T* n
row_sums item: pieces,sums:T* length,n
residual_norm block: rr:R+ tol:R step norms:R* live:bool*
projection: t,r,tr:T* tt:R* n
residual_norms block: rr,tol:R* step norms:R* live:bool* k
[sparse]
spmv lanes: indptr,indices:I* data,x,y:T* lanes,n
spmv_dot lanes: indptr,indices:I* data,p,q:T* pq:R* lanes,n
spmm: indptr,indices:I* data,X,Y:T* k,items
spmm_gram: indptr,indices:I* data,P,Q,pieces:T* k,n
row_terms lanes: indptr,indices:I* data,x:T* terms,sizes:R* lanes,n
examine_rows lanes: indptr,indices:I* data,x,b:T* found,tops:R* lanes,n
[basis]
rows_gram: X,Y,pieces:T* p,q,n
rows_combine: coefficients,X,Y:T* fresh,k,p,n
[cg]
cg_update: live:bool* rz,pq:R+ p,q,x,r:T* rr:R* n
cg_direction: live:bool* rz,rz_old:R+ z,p:T* n
[gmres]
gmres_shift: uw,uu:R+ sigma:R* u,w:T* n
gmres_project: V,pieces:T* j,count,n
gmres_factor block: live:bool* ST:T* sigma:R* F:T* p,j,count
gmres_advance: F,V:T* squares:R* j,count,n
gmres_residual block: live:bool* F:T* uu:R+ H,R,Y,G,rot:T* rr:R* kept,p,j,step,count,m
[minres]
minres_lanczos: live:bool* aa,bb,bb_old,overlap:R+ q,z,u,u_old:T* found:R* n
minres_update: live:bool* alpha,bb,bb_next:R+ state:R* z,w_old,w,x:T* rr:R* step,n
minres_update_residual: live:bool* alpha,bb,bb_next:R+ state:R* z,w_old,w,x,u_next,r:T* rr:R* step,n
[chebyshev]
chebyshev_step: live:bool* keep,gain:R q,d,x,r:T* rr:R* n
chebyshev_update: live:bool* q,d,x,r:T* rr:R* n
chebyshev_direction: live:bool* keep,gain:R z,d:T* n
chebyshev_start: gain:R scale,b,d,x:T* n
chebyshev_smooth: keep,gain:R scale,q,b,r,d,x:T* n
[bicgstab]
bicgstab_half: rho,vs:T+ vv,ss:R+ eps:R v,r,alpha:T* n
bicgstab_update: live:bool* alpha,tr:T+ tt,before:R+ eps:R y,z,t,s,x,r,rho:T* rr:R* n
bicgstab_direction: old,rho:T+ rr,ss:R+ alpha,tr:T+ tt:R+ eps:R v,r,s,p,rho_out:T* ss_out:R* n
[idrs]
idrs_project: P,w,pieces:T* s,n
idrs_begin block: h,S,f,c:T* s
idrs_solve block: eps:R h,S,f,a,c:T* k,s
idrs_shift: c,G,r,v:T* k,s,n
idrs_direction: c,omega,v,U:T* k,s,n
idrs_advance: live:bool* a,G,U,x,r:T* rr:R* k,n
idrs_reduce: live:bool* tr:T+ tt,before:R+ kappa:R omega,v,t,x,r:T* rr:R* n
[bidiagonal]
bidiagonal: xx,yy:R+ w,y:T* squares:R* n
bidiagonal_csr lanes: indptr,indices:I* data:T* xx,yy:R+ x,y:T* squares:R* lanes,n
[lsqr]
lsqr_update: live:bool* bb,aa:R+ old,new:R* v,w,x:T* rr:R* n
[lsmr]
lsmr_update: live:bool* bb,aa:R+ old,new:R* v,h,g,x:T* rr:R* n
[smooth]
residual lanes: indptr,indices:I* data,x,b,r:T* lanes,n
correct lanes: indptr,indices:I* data,e,x:T* lanes,n
jacobi_sweep lanes: omega:R inverse:T* indptr,indices:I* data,b,x,y:T* lanes,n
[block_jacobi]
block_jacobi: rows:I* inverses,x,y:T* m,n
[triangular]
ilu0 level: bounds,order,indptr,indices,diag:I* data:T* level
ldu_solve level: bounds,order,indptr,indices:I* data,scale,b,z,x:T* upper,level
relax level: bounds,order,indptr,indices:I* data,scale,b,x:T* level
[relaxation]
sor_sweep level: live:bool* bounds,indptr,indices:I* data,scale,b,x,y:T* rr:R* section
block_sweep level: live:bool* bounds,starts,indptr,indices:I* data,inverses,b,x,y,r:T* rr:R* m,section
colour_sweep level: live:bool* bounds,indptr,indices:I* data,scale,b,x:T* section
[kaczmarz]
kaczmarz_dense block: rows:I* A:T* norms:R* b,x:T* steps,n
kaczmarz_csr block: rows,indptr,indices:I* data:T* norms:R* b,x:T* steps
project_dense block: rows:I* K,G,z,r:T* steps,m,n
project_csr block: rows,indptr,indices:I* data:T* starts,numbers:I* values:T* norms:R* z,r:T* steps,m
project_blocks block: rows:I* inverses,y,K,G,z,r:T* steps,q,m,n
project_along block: S,Y,W,z,r:T* steps,m,n
[sliced]
sliced_find item: indptr,indices:I* data:T* counts,offsets:I* rows,room,n,slices
sliced_fill: indptr,indices:I* data:T* starts,offsets:I* sliced:T* rows,n,places
sliced_spmv: starts,offsets:I* data,x,y:T* rows,m,n
sliced_spmv_dot: starts,offsets:I* data,p,q:T* pq:R* rows,m,n
[block_cg]
block_gram: X,Y,pieces:T* k,n
block_residual: alpha,Z,W,pieces:T* m,n
block_step: moves:bool* step,beta,C,W,Y,X,P:T* k,m,n
block_alpha block: live:bool* G,H,S,alpha,step:T* k,m
block_beta block: N,F,S,H,C,beta:T* rr:R* moves:bool* k,m
[block_gmres]
block_project: V,pieces:T* j,p,n
block_advance: ST,C,V,pieces:T* j,p,n
block_transform: C,W:T* p,n
[block_hessenberg]
block_correct block: live:bool* ST,L,H,R,Q,E,G,C:T* j,m,p,k
block_reduce block: F,H,R,Q,E,G,L,C:T* rr:R* j,m,p,k
[radial] reals
radial_solve item: live:bool* system:I* l,shift,V,c,w,h,K,x,y,found,work:T* q,E,n
radial_density item: live:bool* starts:I* f,r,h,D,J,y,u,n,V,work:T* q,E,systems
lda_vwn: n,e,v:T* count
anderson item: live:bool* step beta:R w,u,f,V,dF,dV,new,norms:T* depth,N,systems
[dirac] reals
dirac_solve item: live:bool* system,rule:I* lift,Z,shift:T* c:R V,r,h,w,D,points,first,x,y,found,work:T* q,E,n
relativistic_exchange: n:T* c:R e,v:T* count
[transport] reals
transport_rows item: live:bool* omega:T* kappa,inverse:R kind C,X,Y,a,F,G,F_new,r,sums:T* own,blocks,d,n,m
transport_columns: live:bool* omega:T* kappa,inverse:R kind C,X,Y,F,b,G,sums,G_new,c:T* own,blocks,d,n,m,k
transport_judge item: kappa_a,kappa_b:R a,b,r,c,F,G:T* squared,dual:R* n,m,k
transport_least item: inverse:R kind C,X,Y,G,F_new,sums:T* own,blocks,d,n,m
transport_edges item: hard inverse:R indptr,indices:I* data,G,found:T* n,m,k
transport_axis: hard inverse:R cost,values,sums,found:T* p,n,m,q
[sketch] reals
sketch_rows: indptr,places:I* scale:R A,Y:T* k,items
sketch_sparse item: indptr,places:I* scale:R A_indptr,A_indices:I* A_data,Y:T* k,items
hadamard: X:T* k,h,items
[risk_parity] reals
risk_sweep block: live:bool* C,signs,b,x,q:T* rr:R* n
[halpern] reals
lp_primal lanes: tau,keep:R indptr,indices:I* data,y,c,l,u,anchor,x,ahead:T* lanes,n
lp_dual lanes: sigma,keep:R indptr,indices:I* data,ahead,rl,ru,anchor,y:T* lanes,n
[fraction] reals
ratio_sweep block: order:I* columns,curvature,x,r:T* top:bool* lam:R steps,m,n
kurtosis_sweep block: order:I* columns,x,z:T* theta:R steps,m,n
[normal]
normal_product item: A,x,pieces:T* m,n
[forest] reals
forest_solve block: bounds,starts:I* coupling,diagonal,r:T* levels
[coordinate] reals
gram_sweeps block: positive,sweeps tol:R G,l1,l2,c,w:T* room,n
column_sweeps block: positive,sweeps tol:R some,indptr,indices:I* data,h,mean,squares,l1,l2,q,shift,c,w:T* m,n
row_sweeps block: positive,sweeps tol:R A,h,squares,l1,l2,q,c,w:T* m,n
[cyclic] reals
cyclic_dense block: backward,width,loss delta,theta,a,A:R X,y,s,z,g,base,extra,penalty,old,zeta,p,v,x:T* m,n
cyclic_csc block: backward,width,loss delta,theta,a,A:R indptr,indices:I* \
data,y,s,z,g,base,extra,penalty,old,zeta,p,v,x:T* n
sampled_dense block: first,steps,width,loss,count,blocks delta,a,ratio,before:R rows:I* \
X,y,s,z,base,mu,penalty,center,zeta,v,points,total:T* n
sampled_csr block: first,steps,width,loss,count,blocks delta,a,ratio,before:R rows,indptr,indices:I* \
data,y,s,z,base,mu,penalty,center,zeta,v,points,total:T* n
"""

FLOATS = ("float32", "float64", "complex64", "complex128")
REALS = ("float32", "float64")
INDICES = ("int32", "int64")


def _entry(rule, arguments, reals):
    """Return the dtypes of T, those of I, the arguments, each with its kind, and the launch rule."""
    fields = []
    for group in arguments.split():
        names, _, kind = group.partition(":")
        fields += [f"{name}:{kind or 'int64'}" for name in names.split(",")]
    kinds = {field.partition(":")[2] for field in fields}
    dtypes = REALS if reals or not kinds & {"T*", "T+"} else FLOATS
    return dtypes, INDICES if "I*" in kinds else None, " ".join(fields), rule or "stride"


def _files(text):
    """Return the entries of the kernels of each file."""
    files = {}
    for line in text.split("\n"):
        if line.startswith("["):
            file, _, rest = line[1:].partition("]")
            files[file] = {}
        elif line:
            head, _, arguments = line.partition(": ")
            name, _, rule = head.partition(" ")
            files[file][name] = _entry(rule, arguments, "reals" in rest)
    return files


FILES = _files(KERNELS)  # {file: {name: (dtypes of T, dtypes of I or None, arguments, launch rule)}}
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
