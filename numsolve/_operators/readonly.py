"""What every object that threads share has in common: read-only arrays, also after it was pickled."""

from typing import ClassVar

import numpy as np


class ReadOnly:
    """An object whose arrays are read-only, in itself, in its copies and in what is loaded from a pickle.

    Threads can share it, and it works on read-only memory maps. A kernel sees one type of array, however the
    object was made. A subclass names in `_not_pickled` the attributes that a pickle leaves out: they are None
    in what is loaded.
    """

    _not_pickled: ClassVar[tuple[str, ...]] = ()

    def __setattr__(self, name, value):
        object.__setattr__(self, name, frozen(value))

    def __getstate__(self):
        return {**vars(self), **dict.fromkeys(set(self._not_pickled) & set(vars(self)))}

    def __setstate__(self, state):
        for name, value in state.items():
            setattr(self, name, value)


def frozen(value):
    """Return a read-only view of a NumPy array, and of each array of a tuple; anything else as it is."""
    if isinstance(value, np.ndarray) and (value.flags.writeable or isinstance(value, np.memmap)):
        value = value.view(np.ndarray)
        value.flags.writeable = False
    elif type(value) is tuple:
        return tuple(map(frozen, value))
    return value
