"""Many steps of the Halpern iteration for linear programs in one call: one takes as long as a call."""

from ..cpu._jit import inline
from ..cpu.halpern import _dual_rows, _primal_rows


@inline
def lp_steps(
    count, done, tau, sigma, tp, ti, td, ap, ai, ad, c, l, u, rl, ru, x_anchor, y_anchor, x, y, ahead
):
    """Take `count` steps with `lp_primal` and `lp_dual`, after `done` steps since the last restart.

    The arrays of ``A^T`` come before those of A.
    """
    for step in range(done, done + count):
        keep = (step + 1) / (step + 2)
        _primal_rows(0, x.size, tau, keep, tp, ti, td, y, c, l, u, x_anchor, x, ahead)
        _dual_rows(0, y.size, sigma, keep, ap, ai, ad, ahead, rl, ru, y_anchor, y)
