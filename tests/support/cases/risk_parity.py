"""Cases of ``risk_parity``."""

import numpy as np

MOST = 301  # assets: the matrix has their square


def sweep(rng, n, dtype, index):
    """Return the arguments of risk_sweep: a covariance matrix, signs, budgets, an iterate and its image."""
    n = min(n, MOST)
    factors = rng.standard_normal((n, n + 3)) / (n + 3) ** 0.5
    C, signs = (factors @ factors.T).astype(dtype), rng.choice([-1, 1], n).astype(dtype)
    x = rng.uniform(0.1, 1, n) * signs
    x = (x / np.sqrt(max(x @ C @ x, 1e-3)) * 1.3).astype(dtype)
    b = rng.uniform(0.5, 1, n).astype(dtype)  # not the budgets of a scaled x, so that errors are not rounding
    return np.array([n != 31]), C, signs, b, x, C @ x


CASES = {"risk_sweep": sweep}
RETURNS_SUM = {"risk_sweep"}
