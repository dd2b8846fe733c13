"""Compile the ``.cu`` files with g++ and run their kernels on NumPy arrays, scheduled as CUDA might do."""

import ctypes
import hashlib
import mmap
import os
import subprocess
import tempfile
from itertools import product
from pathlib import Path

import numpy as np

import numsolve
from numsolve.kernels.table import C_NAMES, FILES, TABLE, expression

HOME = Path(numsolve.__file__).parent / "kernels" / "gpu"
HEADER = Path(__file__).parent / "cuda_emulation.h"
COMPILER = ["g++", "-std=c++17", "-O1", "-fPIC", "-U_FORTIFY_SOURCE", "-Wall", "-Wno-unused"]
ERRORS = {1: "divergent: part of a block waits at a barrier the rest does not reach", 2: "out of bounds"}


class EmulationError(RuntimeError):
    """A kernel did what is an error on a GPU."""


def instantiations(name):
    """Return the (dtype, index dtype or None) pairs of a kernel."""
    _, dtypes, indices, _, _ = TABLE[name]
    return list(product(dtypes, indices or (None,)))


def is_common(dtype, index):
    """Tell whether an instantiation is of those that most tests use; others are compiled apart."""
    return dtype in ("float64", "complex128") and index != "int64"


class Emulator:
    """The kernels of the table, or of a copy of the sources with some `edits` (file, old, new) made.

    A file is compiled when the first of its kernels is launched: its common instantiations, or the others.
    """

    def __init__(self, edits=()):
        sources = {path.name: path.read_text() for path in [*HOME.glob("*.cu"), HOME / "kernel.h"]}
        for file, old, new in edits:
            if sources[file].count(old) != 1:
                raise ValueError(f"{old!r} occurs {sources[file].count(old)} times in {file}; once is needed")
            sources[file] = sources[file].replace(old, new)
        self._sources, self._libraries = sources, {}

    def launch(self, name, dtype, index, grid, block, args, seed=0):
        """Run a kernel; arrays are changed in place, and an access before or after them is an error."""
        copies = {_place(a): _Guarded(a, at_end=seed % 2 == 0) for a in args if isinstance(a, np.ndarray)}
        guarded = [copies[_place(a)] if isinstance(a, np.ndarray) else a for a in args]
        values = [ctypes.c_void_p(g.address) if isinstance(g, _Guarded) else _number(g) for g in guarded]
        pointers = (ctypes.c_void_p * len(values))(*(ctypes.addressof(v) for v in values))
        library = self._library(TABLE[name][0], is_common(dtype, index))
        shim = getattr(library, _shim_name(name, dtype, index))
        error = shim(grid, block, ctypes.c_uint(seed), pointers)
        for original, copy in zip(args, guarded, strict=True):
            if isinstance(copy, _Guarded):
                copy.back_to(original)
        if error:
            raise EmulationError(f"{name}: {ERRORS[error]}")

    def _library(self, file, common):
        if (file, common) not in self._libraries:
            self._libraries[file, common] = ctypes.CDLL(str(_compile(self._sources, file, common)))
        return self._libraries[file, common]


def _place(array):
    """Return an identifier of the memory of an array."""
    return array.ctypes.data, array.nbytes


class _Guarded:
    """A copy of an array between two protected pages, adjacent to one of them."""

    def __init__(self, array, at_end):
        page = mmap.PAGESIZE
        room = max(page, -(-array.nbytes // page) * page)
        self._map = mmap.mmap(-1, room + 2 * page)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        for fence in (start, start + page + room):
            if protect(ctypes.c_void_p(fence), page, mmap.PROT_READ * 0):
                raise OSError(ctypes.get_errno(), "mprotect")
        self.address = start + page + (room - array.nbytes if at_end else 0)
        self._bytes = array.nbytes
        ctypes.memmove(self.address, np.ascontiguousarray(array).ctypes.data, array.nbytes)

    def back_to(self, array):
        data = ctypes.string_at(self.address, self._bytes)
        array[...] = np.frombuffer(data, array.dtype).reshape(array.shape)


def _number(value):
    if isinstance(value, np.int64):
        return ctypes.c_longlong(int(value))
    return ctypes.c_float(value) if isinstance(value, np.float32) else ctypes.c_double(value)


def _shim_name(name, dtype, index):
    return "_".join(["shim", name, dtype, *([index] if index else [])])


def _shims(names, common):
    """Yield one C function for each instantiation, which unpacks its arguments and launches it."""
    for name in names:
        for dtype, index in instantiations(name):
            if is_common(dtype, index) != common:
                continue
            real = {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)
            types = {
                "T": C_NAMES[dtype],
                "R": C_NAMES[real],
                "I": C_NAMES.get(index or "int32"),
                "bool": "bool",
            }
            passed = []
            for field in TABLE[name][3].split():
                kind = field.partition(":")[2]
                if kind.endswith("+"):
                    passed += [f"{types[kind[:-1]]}*", "int64"]
                elif kind.endswith("*"):
                    passed.append(f"{types[kind[:-1]]}*")
                else:
                    passed.append(types.get(kind, kind))
            values = ", ".join(f"*({c}*)a[{i}]" for i, c in enumerate(passed))
            yield (
                f'extern "C" int {_shim_name(name, dtype, index)}'
                "(int grid, int block, unsigned seed, void** a)\n"
                f"{{ return emulation::launch(grid, block, seed, [=] {{ "
                f"{expression(name, dtype, index)}({values}); }}); }}"
            )


def _compile(sources, file, common):
    """Return the path of a library with the kernels of a file: the common instantiations, or the others."""
    shims = _shims(FILES[file], common)
    main = "\n".join([f'#include "{HEADER.name}"', f'#include "{file}.cu"', *shims])
    folder = _folder(main, HEADER.read_text(), sources["kernel.h"], sources[f"{file}.cu"])
    for name in (f"{file}.cu", "kernel.h"):
        _write(folder / name, sources[name])
    _write(folder / "main.cpp", main)
    include = ["-I", str(folder), "-I", str(_header())]
    return _built(folder / f"{file}.so", folder / "main.cpp", "-shared", *include)


def _header():
    """Return the folder of the header, compiled in advance: that takes as long as the kernels of a file."""
    folder = _folder(HEADER.read_text())
    _write(folder / HEADER.name, HEADER.read_text())
    _built(folder / f"{HEADER.name}.gch", folder / HEADER.name, "-x", "c++-header")
    return folder


def _folder(*texts):
    """Return a folder for what is compiled from some texts."""
    key = hashlib.sha256("".join([*COMPILER, *texts]).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / "numsolve-emulation" / key
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write(path, text):
    """Write a file that other processes write too."""
    if not path.exists():
        partial = path.with_name(f"partial-{os.getpid()}-{path.name}")
        partial.write_text(text)
        partial.rename(path)


def _built(target, source, *options):
    """Return the path of what is compiled from a source, by this process or another one."""
    if not target.exists():
        partial = target.with_name(f"partial-{os.getpid()}-{target.name}")
        subprocess.run([*COMPILER, *options, str(source), "-o", str(partial)], check=True)
        partial.rename(target)
    return target
