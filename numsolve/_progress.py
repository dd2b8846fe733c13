"""A progress bar for any iterative method: a callback made of tqdm."""

from math import log10

import numpy as np


class Progress:
    """Show iterations, the residual and, if the tolerance is known, the digits gained.

    Parameters
    ----------
    rtol : float, optional
        Relative tolerance of the solve; without it the bar has no end.
    desc : str
        Label in front of the bar.
    **options
        Passed to `tqdm.tqdm`, such as ``file`` or ``disable``.

    Notes
    -----
    Needs tqdm, which the extra ``plot`` installs. It is cheap, because it does not need the iterate.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve import Progress
    >>> from numsolve.krylov import cg
    >>> with Progress(rtol=1e-5, disable=True) as bar:
    ...     x, info = cg(np.eye(3), np.ones(3), callback=bar)
    """

    wants_x = False

    def __init__(self, rtol=None, *, desc="residual", **options):
        from tqdm import tqdm

        self._digits = None if not rtol else max(-log10(rtol), 1e-9)
        form = "{l_bar}{bar}| {postfix} [{elapsed}]" if self._digits else None
        self._bar = tqdm(total=self._digits, desc=desc, bar_format=form, **options)
        self._first = None
        self._steps = 0

    def __call__(self, x, residual_norm):  # noqa: ARG002 - a callback takes both
        """Take one step; never stops the solve."""
        residual_norm = np.max(residual_norm)  # of all columns
        self._steps += 1
        self._first = self._first or residual_norm
        self._bar.set_postfix_str(f"{self._steps} its, {residual_norm:.1e}", refresh=False)
        if self._digits:
            won = log10(self._first / residual_norm) if residual_norm > 0 else self._digits
            self._bar.update(min(max(won, self._bar.n), self._digits) - self._bar.n)
        else:
            self._bar.update()

    def close(self):
        """Close the bar and leave it on the screen."""
        self._bar.refresh()
        self._bar.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
