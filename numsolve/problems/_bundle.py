"""Bundle adjustment: cameras on a ring look at points, and both are to be found from the images."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from .. import _validate

LENS = 800.0, -0.05, 0.005  # focal length in pixels, and the two coefficients of the radial distortion
RADIUS, HEIGHT = 5.0, 1.0  # of the ring of cameras; the points lie in the unit ball
ERRORS = (0.01,) * 3 + (0.05,) * 3 + (20.0, 0.02, 0.002)  # of the start, for each variable of a camera
POINT_ERROR = 0.05
PART = 4096  # observations that are computed at a time


@dataclass(frozen=True, eq=False)
class BundleAdjustment:
    r"""A bundle adjustment with known parameters.

    A camera has nine variables: a rotation vector, a translation, the focal length f and the coefficients
    :math:`k_1, k_2` of the radial distortion. A point has three. A point at :math:`p = R X + t` in the
    coordinates of a camera appears at :math:`f (1 + k_1 s + k_2 s^2) q` with :math:`q = (p_1, p_2) / p_3`
    and :math:`s = \lVert q \rVert^2`.

    Attributes
    ----------
    cameras, points : int
        Their numbers.
    camera_of, point_of : numpy.ndarray of int, shape (observations,)
        The camera and the point of each observation.
    observed : numpy.ndarray, shape (observations, 2)
        The pixels.
    x0, x_true : numpy.ndarray, shape (9 * cameras + 3 * points,)
        A start, and the parameters from which the observations were made. Images do not tell where the
        whole scene lies, nor its size: seven combinations of the variables are free.
    """

    cameras: int
    points: int
    camera_of: Any
    point_of: Any
    observed: Any
    x0: Any
    x_true: Any

    @property
    def point_variables(self):
        """The variables of the points, a slice: what `eliminate` of `numsolve.newton.least_squares` takes."""
        return slice(9 * self.cameras, None)

    def fun(self, x):
        """Return the residuals, projected less observed pixels.

        Parameters
        ----------
        x : numpy.ndarray, shape (n,)
            The variables.

        Returns
        -------
        numpy.ndarray, shape (2 * observations,)
            The residuals.
        """
        found = np.empty((len(self.camera_of), 2))
        for part in self._parts():
            _, _, _, seen, lens = self._seen(x, part)
            q, _, radial = _image(seen, lens)
            found[part] = (lens[0] * radial * q).T
        found -= self.observed
        return found.ravel()

    def jac(self, x):
        """Return the Jacobian of the residuals.

        Parameters
        ----------
        x : numpy.ndarray, shape (n,)
            The variables.

        Returns
        -------
        scipy.sparse.csr_matrix, shape (2 * observations, n)
            Twelve entries in each row.
        """
        from scipy.sparse import csr_matrix

        data = np.empty((len(self.camera_of), 2, 12))
        for part in self._parts():
            self._derivatives(x, part, data[part])
        indptr = np.arange(0, data.size + 1, 12, dtype=np.int32)
        return csr_matrix((data.ravel(), self._columns, indptr), shape=(2 * len(data), len(x)))

    def _derivatives(self, x, part, out):
        """Write the derivatives of some observations, shape (k, 2, 12)."""
        R, turns, turned, seen, lens = self._seen(x, part)
        q, s, radial = _image(seen, lens)
        f, k1, k2 = lens
        slope, inverse = 2 * f * (k1 + 2 * s * k2), 1 / seen[2]
        for i in range(2):
            row = np.empty_like(seen)  # the derivatives by the point in the coordinates of the camera
            row[:2] = slope * q[i] * q
            row[i] += f * radial
            row[2] = -(row[0] * q[0] + row[1] * q[1])
            row *= inverse
            out[:, i, :3] = _times(_cross(turned, row), turns).T
            out[:, i, 3:6] = row.T
            out[:, i, 6:9] = (q[i] * np.stack([radial, f * s, f * s**2])).T
            out[:, i, 9:] = _times(row, R).T

    def _parts(self):
        """Yield slices of the observations whose arrays fit into a cache."""
        for begin in range(0, len(self.camera_of), PART):
            yield slice(begin, begin + PART)

    @cached_property
    def _columns(self):
        columns = np.empty((len(self.camera_of), 2, 12), np.int32)
        columns[:, :, :9] = (9 * self.camera_of[:, None] + np.arange(9))[:, None]
        columns[:, :, 9:] = (9 * self.cameras + 3 * self.point_of[:, None] + np.arange(3))[:, None]
        return columns.ravel()

    def _seen(self, x, part):
        """Return for each observation of a slice, in the last axis, what its camera and its point give.

        That is the rotation R, its derivative T, the turned point, the point in the coordinates of the
        camera, and the lens.
        """
        x = np.asarray(x, float)
        cameras, points = x[: 9 * self.cameras].reshape(-1, 9), x[9 * self.cameras :].reshape(-1, 3)
        R, turns = (
            M.reshape(-1, 9).T[:, self.camera_of[part]].reshape(3, 3, -1) for M in _rotations(cameras[:, :3])
        )
        rest = cameras[:, 3:].T[:, self.camera_of[part]]
        turned = _times(points.T[:, self.point_of[part]], R.swapaxes(0, 1))
        return R, turns, turned, turned + rest[:3], rest[3:]


def bundle_adjustment(cameras=10, points=200, views=5, *, noise=0.5, rng=None):
    """Return a bundle adjustment: cameras on a ring look at points in the unit ball.

    Parameters
    ----------
    cameras, points : int
        Their numbers.
    views : int
        How many cameras observe each point: neighbours on the ring, the first of which is drawn at random.
    noise : float
        Standard deviation of the noise, in pixels.
    rng : int or numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    BundleAdjustment
        ``fun``, ``jac``, ``x0``, ``x_true`` and ``point_variables``.

    Raises
    ------
    ValueError
        A number is less than 1, or there are more views than cameras.

    Examples
    --------
    >>> from numsolve.problems import bundle_adjustment
    >>> scene = bundle_adjustment(cameras=4, points=30, views=3, rng=0)
    >>> scene.jac(scene.x0).shape
    (180, 126)
    """
    cameras, points = (_validate.count(v, k, 1) for v, k in ((cameras, "cameras"), (points, "points")))
    views, noise = _validate.count(views, "views", 1), _validate.tolerance(noise, "noise")
    if views > cameras:
        raise ValueError(f"views is {views}; at most the number of cameras, {cameras}, is possible")
    rng = np.random.default_rng(rng)
    directions = rng.standard_normal((points, 3))
    places = directions * (rng.random((points, 1)) ** (1 / 3) / np.linalg.norm(directions, axis=1)[:, None])
    camera_of = ((rng.integers(cameras, size=points)[:, None] + np.arange(views)) % cameras).ravel()
    poses = np.concatenate([_ring(cameras), np.tile(LENS, (cameras, 1))], axis=1)
    x_true = np.concatenate([poses.ravel(), places.ravel()])
    errors = rng.standard_normal((cameras, 9)) * ERRORS, POINT_ERROR * rng.standard_normal((points, 3))
    x0 = x_true + np.concatenate([error.ravel() for error in errors])
    exact = BundleAdjustment(cameras, points, camera_of, np.repeat(np.arange(points), views), 0.0, x0, x_true)
    observed = exact.fun(x_true).reshape(-1, 2) + noise * rng.standard_normal((len(camera_of), 2))
    return replace(exact, observed=observed)


def _ring(count):
    """Return the poses of cameras on a ring that look at the centre, shape (count, 6)."""
    from scipy.spatial.transform import Rotation

    angle = 2 * np.pi * np.arange(count) / count
    centre = np.stack([RADIUS * np.cos(angle), RADIUS * np.sin(angle), np.full(count, HEIGHT)], axis=1)
    forward = -centre / np.linalg.norm(centre, axis=1)[:, None]
    right = np.stack([-np.sin(angle), np.cos(angle), np.zeros(count)], axis=1)
    R = np.stack([right, np.cross(forward, right), forward], axis=1)
    shifts = -np.einsum("kij,kj->ki", R, centre)
    return np.concatenate([Rotation.from_matrix(R).as_rotvec(), shifts], axis=1)


def _rotations(vectors):
    r"""Return the rotation matrices R of rotation vectors w by Rodrigues' formula, and their derivatives T.

    ``R(w + d) v`` is ``R v + (T d) x (R v)`` to first order in d, with
    :math:`T = I + \frac{1 - \cos\theta}{\theta^2} K + \frac{\theta - \sin\theta}{\theta^3} K^2`,
    :math:`K v = w \times v`, :math:`\theta = \lVert w \rVert`.
    """
    square = (vectors**2).sum(axis=1)
    small = square < 1e-6
    theta = np.sqrt(np.where(small, 1.0, square))
    a = np.where(small, 1 - square / 6, np.sin(theta) / theta)
    b = np.where(small, 0.5 - square / 24, (1 - np.cos(theta)) / theta**2)
    c = np.where(small, 1 / 6 - square / 120, (theta - np.sin(theta)) / theta**3)
    K = np.zeros((len(vectors), 3, 3))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        K[:, i, j], K[:, j, i] = -vectors[:, k], vectors[:, k]
    K2 = K @ K
    one = np.eye(3)
    R = one + a[:, None, None] * K + b[:, None, None] * K2
    return R, one + b[:, None, None] * K + c[:, None, None] * K2


def _times(v, M):
    """Return ``v^T M`` for vectors v, shape (3, k), and matrices M, shape (3, 3, k)."""
    return v[0] * M[0] + v[1] * M[1] + v[2] * M[2]


def _cross(v, w):
    """Return the cross products of vectors, shape (3, k)."""
    return np.stack([v[i] * w[j] - v[j] * w[i] for i, j in ((1, 2), (2, 0), (0, 1))])


def _image(seen, lens):
    """Return the image of points without a lens, its squared distance from the centre, and the distortion."""
    q = seen[:2] / seen[2]
    s = q[0] ** 2 + q[1] ** 2
    return q, s, 1 + s * (lens[1] + s * lens[2])
