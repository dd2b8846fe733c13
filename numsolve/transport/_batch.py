"""Many problems at once: each as if alone, but in the same passes, which keep all threads busy."""

from functools import partial
from typing import Any

import numpy as np

from .._array import namespace, to_host
from ._iteration import Sinkhorn, joined


class Together(Sinkhorn):
    """The state of the iteration of k problems: masses (k, n) and (k, m), and a rule of omega for each.

    What has met its tolerance stays where it is; once that is half of the problems, the others go on alone.
    `which` are then their numbers, and `whole` the potentials of all.
    """

    which: Any = None
    whole: Any = None

    def start(self, x):
        everything = dict(vars(self))
        try:
            yield from super().start(x)
        finally:  # the loop may start again, with all problems
            vars(self).update(everything, which=None, whole=None)

    def shown(self, x, found):
        squares, _ = found
        if self.whole is None:
            return x, squares
        every = namespace(x).zeros(len(self.whole[0]), squares.dtype)
        every[self.which] = squares
        return partial(self.filled, self.which, *self.sides(x)), every

    def filled(self, which, F, G):
        """Return the iterate of all problems, where `which` have the potentials F and G."""
        whole = [potentials.copy() for potentials in self.whole]
        whole[0][which], whole[1][which] = F, G
        return joined(*whole)

    def mine(self, live):
        return live if self.whole is None else live[self.which]

    def swapped(self, live, x, y):
        self.put(~live, x, y)
        return y, x

    def put(self, chosen, source, target):
        """Copy the potentials of some problems."""
        for old, new in zip(self.sides(source), self.sides(target), strict=True):
            new[...] = namespace(new).where(chosen[:, None], old, new)

    def look(self, live, fresh, x, y):
        xp, alive, verdicts = namespace(x), to_host(live), []
        more, noise = self.read(fresh, x)
        for p, (control, window) in enumerate(zip(self.controls, self.windows, strict=True)):
            window[0].extend(more[p][0])
            window[1].extend(more[p][1])
            looks = alive[p] and control.learns
            verdicts.append(control.see(*window, noise[p]) if looks else None)
            if verdicts[p] is not None:
                self.windows[p] = [], []
        if False in verdicts:
            undone = xp.asarray(np.array([verdict is False for verdict in verdicts]))
            self.put(undone, self.saved[0], x)
            self.c[...] = xp.where(undone[:, None], self.saved[1], self.c)
        if True in verdicts:
            kept = xp.asarray(np.array([verdict is True for verdict in verdicts]))
            self.put(kept, x, self.saved[0])
            self.saved[1][...] = xp.where(kept[:, None], self.c, self.saved[1])
        if verdicts.count(None) < len(verdicts):
            self.set_omega()
        if 0 < 2 * alive.sum() <= len(alive):
            x = self.narrow(np.flatnonzero(alive), x)
            return self.all, x, xp.empty_like(x)
        return live, x, y

    def narrow(self, alive, x):
        """Leave the other problems where they are; return the iterate of those that are `alive`."""
        index, sides = namespace(x).asarray(alive), self.sides(x)
        if self.whole is None:
            self.whole, self.which = [side.copy() for side in sides], index
        else:
            for potentials, side in zip(self.whole, sides, strict=True):
                potentials[self.which] = side
            self.which = self.which[index]
        x, saved = (joined(*(side[index] for side in self.sides(z))) for z in (x, self.saved[0]))
        self.saved = saved, self.saved[1][index]
        self.form = self.form.only(index)
        for name in ("a", "b", "r", "c", "still", "all"):
            setattr(self, name, getattr(self, name)[index])
        self.controls, self.windows = ([each[p] for p in alive] for each in (self.controls, self.windows))
        self.set_omega()
        return x
