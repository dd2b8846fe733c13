"""Nonlinear least squares on the stand-in for CuPy."""

import numpy as np
import pytest
import scipy.sparse as sp

from numsolve import to_device, to_host
from numsolve.newton import least_squares


@pytest.mark.extended
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("method", ["levenberg-marquardt", "dogleg"])
def test_results_are_those_of_numpy(cupy, sparse, bounded, method):
    n = 6
    J = sp.eye_array(n, format="csr") * 2 + sp.eye_array(n, k=1, format="csr")
    b = np.arange(1.0, n + 1)
    x0 = np.full(n, 0.5)

    def problem(xp, A, b):
        return {"fun": lambda x: (A @ x + 0.1 * x * x) - b, "jac": lambda x: A}

    host = problem(np, J.toarray(), b)
    bounds = (0.2, 1.1) if bounded else None
    options = {"bounds": bounds, "method": method, "rtol": 1e-6, "maxiter": 200}
    A = to_device(sp.csr_matrix(J)) if sparse else to_device(J.toarray())
    device = problem(cupy, A, to_device(b))
    want = least_squares(host["fun"], x0, jac=host["jac"], **options)
    found = least_squares(device["fun"], to_device(x0), jac=device["jac"], **options)
    assert type(found.x).__module__ == "cupy"
    assert found.linear_solver == ("lsmr" if sparse else "normal")
    np.testing.assert_allclose(to_host(found.x), want.x, atol=1e-4)
    assert found.status == want.status
