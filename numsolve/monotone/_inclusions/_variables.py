"""Points that are one array or a tuple of arrays, as vectors."""

from math import prod

from ... import _validate
from ..._functions import VectorFunction
from ..._variables import Variables
from .._proximal import Product, projection


class Parts(Variables):
    """Several arrays as one vector.

    Attributes
    ----------
    shapes : list of tuple
        The shapes of the arrays.
    """

    def __init__(self, arrays, name):
        parts = [Variables(part, real=True, name=f"{name}[{i}]") for i, part in enumerate(arrays)]
        if not parts:
            raise ValueError(f"{name} is an empty tuple; at least one array is needed")
        _validate.same_library(**{f"{name}[{i}]": part.start for i, part in enumerate(parts)})
        self.library, self.xp = parts[0].library, parts[0].xp
        self.shapes = [part.shape for part in parts]
        self.start = self.xp.concatenate(tuple(part.start for part in parts))
        self.dtype, self.shape = self.start.dtype, self.start.shape

    @property
    def sizes(self):
        """The numbers of entries of the arrays."""
        return [prod(shape) for shape in self.shapes]

    def shown(self, x):
        """Return a vector as a tuple of arrays that the caller may keep or change."""
        found, first = [], 0
        for shape, size in zip(self.shapes, self.sizes, strict=True):
            found.append(x[first : first + size].reshape(shape).copy())
            first += size
        return tuple(found)


def variables_of(z0, name="z0") -> Variables:
    """Return the variables of one array, or of a tuple of arrays."""
    return Parts(z0, name) if isinstance(z0, tuple) else Variables(z0, real=True, name=name)


def operator_of(F, variables, args):
    """Return the caller's operator as a function of vectors.

    For a tuple of arrays it is called as ``F(x, y, *args)`` and returns as many arrays.
    """
    if not isinstance(variables, Parts) or not callable(F):
        return VectorFunction(F, variables, args, "F", variables.n, "z0 has")
    count, sizes, xp = len(variables.shapes), variables.sizes, variables.xp

    def of_parts(parts, *more):
        values = F(*parts, *more)
        if not isinstance(values, (tuple, list)) or len(values) != count:
            raise TypeError(f"F returned a {type(values).__name__}; a tuple of {count} arrays is needed")
        values = [_validate.as_array(value, f"the value {i} of F", xp) for i, value in enumerate(values)]
        for i, (value, size) in enumerate(zip(values, sizes, strict=True)):
            if value.size != size:
                raise ValueError(f"the value {i} of F has {value.size} entries, but z0[{i}] has {size}")
        return xp.concatenate(tuple(value.reshape(-1) for value in values))

    return VectorFunction(of_parts, variables, args, "F", variables.n, "z0 has")


def projection_of(project, variables):
    """Return the caller's projection as a function of vectors."""
    if not isinstance(variables, Parts):
        P = projection(project)
        return lambda z: P(z.reshape(variables.shape)).reshape(-1).astype(variables.dtype, copy=False)
    if project is None:
        return lambda z: z
    if not isinstance(project, (tuple, list)) or len(project) != len(variables.shapes):
        raise TypeError(f"project needs one set for each of the {len(variables.shapes)} arrays of z0")
    maps = [projection(P, f"project[{i}]") for i, P in enumerate(project)]

    def reshaped(P, shape):
        return lambda z: P(z.reshape(shape)).reshape(-1)

    product = Product(
        [reshaped(P, shape) for P, shape in zip(maps, variables.shapes, strict=True)], variables.sizes
    )
    return lambda z: product(z).astype(variables.dtype, copy=False)
