"""Sinkhorn's iteration on many problems at once: each as if alone, in passes shared by all."""

from functools import partial
from typing import Any

import numpy as np

from .._array import namespace, to_host
from ._iteration import Sinkhorn, join_potentials


class SinkhornBatch(Sinkhorn):
    """Sinkhorn's iteration on k problems: masses (k, n) and (k, m), and a rule of omega for each.

    A problem that has met its tolerance is not changed any more. Once half of the problems have, the arrays
    are reduced to the others.

    Attributes
    ----------
    at_work : array of int, or None
        Numbers of the problems that the arrays hold; None for all.
    all_potentials : list of arrays, shapes (k, n) and (k, m), or None
        Potentials of all problems, once the arrays hold only some.
    """

    at_work: Any = None
    all_potentials: Any = None

    def start(self, x):
        everything = dict(vars(self))
        try:
            yield from super().start(x)
        finally:  # the loop may start again with all problems
            vars(self).update(everything, at_work=None, all_potentials=None)

    def for_the_loop(self, x, found):
        squares, _ = found
        if self.all_potentials is None:
            return x, squares
        every = namespace(x).zeros(len(self.all_potentials[0]), squares.dtype)
        every[self.at_work] = squares
        return partial(self.with_all, self.at_work, *self.split(x)), every

    def with_all(self, numbers, F, G):
        """Return the iterate of all problems; those with these `numbers` have the potentials F and G."""
        potentials = [side.copy() for side in self.all_potentials]
        potentials[0][numbers], potentials[1][numbers] = F, G
        return join_potentials(*potentials)

    def own_flags(self, live):
        return live if self.all_potentials is None else live[self.at_work]

    def after_step(self, live, x, y):
        self.copy_problems(~live, x, y)
        return y, x

    def copy_problems(self, chosen, source, target):
        """Copy the potentials of the `chosen` problems from one iterate to another."""
        for old, new in zip(self.split(source), self.split(target), strict=True):
            new[...] = namespace(new).where(chosen[:, None], old, new)

    def show_rules(self, live, unread, x, y):
        xp, alive, verdicts = namespace(x), to_host(live), []
        more, noise = self.read_rows(unread, x)
        for p, (control, window) in enumerate(zip(self.controls, self.windows, strict=True)):
            window[0].extend(more[p][0])
            window[1].extend(more[p][1])
            looks = alive[p] and control.watches
            verdicts.append(control.judge_window(*window, noise[p]) if looks else None)
            if verdicts[p] is not None:
                self.windows[p] = [], []
        if False in verdicts:
            undone = xp.asarray(np.array([verdict is False for verdict in verdicts]))
            self.copy_problems(undone, self.saved[0], x)
            self.c[...] = xp.where(undone[:, None], self.saved[1], self.c)
        if True in verdicts:
            kept = xp.asarray(np.array([verdict is True for verdict in verdicts]))
            self.copy_problems(kept, x, self.saved[0])
            self.saved[1][...] = xp.where(kept[:, None], self.c, self.saved[1])
        if verdicts.count(None) < len(verdicts):
            self.set_omega()
        if 0 < 2 * alive.sum() <= len(alive):
            x = self.keep_problems(np.flatnonzero(alive), x)
            return self.all_live, x, xp.empty_like(x)
        return live, x, y

    def keep_problems(self, alive, x):
        """Reduce the arrays to the problems that are `alive`; return their iterate."""
        index, sides = namespace(x).asarray(alive), self.split(x)
        if self.all_potentials is None:
            self.all_potentials, self.at_work = [side.copy() for side in sides], index
        else:
            for potentials, side in zip(self.all_potentials, sides, strict=True):
                potentials[self.at_work] = side
            self.at_work = self.at_work[index]
        x, saved = (join_potentials(*(side[index] for side in self.split(z))) for z in (x, self.saved[0]))
        self.saved = saved, self.saved[1][index]
        self.passes = self.passes.only(index)
        for name in ("a", "b", "r", "c", "no_step", "all_live"):
            setattr(self, name, getattr(self, name)[index])
        self.controls, self.windows = ([each[p] for p in alive] for each in (self.controls, self.windows))
        self.set_omega()
        return x
