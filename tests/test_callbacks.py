"""Callbacks: whether one gets the residual norm too is decided by its arguments."""

from collections import deque
from functools import partial
from unittest.mock import Mock

import numpy as np
import pytest

from numsolve import Status, krylov, relaxation
from numsolve._callbacks import OfIterate, checked, takes_one
from numsolve.problems import poisson


class OneArgument:
    def __call__(self, x): ...

    def method(self, x): ...

    def of_both(self, x, norm): ...


def with_default(x, seen=()): ...


ONE = {
    "lambda": lambda x: None,
    "list.append": [].append,
    "deque.append": deque().append,  # without a signature
    "set.add": set().add,
    "object": OneArgument(),
    "method": OneArgument().method,
    "default": with_default,
    "partial": partial(lambda a, x: None, 1),
    "keywords": lambda x, *, norm=None: None,
    "optional": lambda x=None: None,
}
TWO = {
    "lambda": lambda x, norm: None,
    "print": print,
    "star": lambda *both: None,
    "one and star": lambda x, *rest: None,
    "method": OneArgument().of_both,
    "mock": Mock(),
    "both optional": lambda x=None, norm=None: None,
    "partial": partial(lambda x, norm, a: None, a=1),
}


@pytest.mark.parametrize("name", ONE)
def test_callbacks_of_the_iterate(name):
    assert takes_one(ONE[name])
    assert isinstance(checked(ONE[name]), OfIterate)


@pytest.mark.parametrize("name", TWO)
def test_callbacks_of_the_iterate_and_the_norm(name):
    assert not takes_one(TWO[name])
    assert checked(TWO[name]) is TWO[name]


def test_no_callback_and_bad_ones():
    assert checked(None) is None
    with pytest.raises(TypeError, match="callback is a int"):
        checked(3)
    for bad in (lambda: None, lambda x, norm, more: None, lambda *, norm: None):
        with pytest.raises(TypeError, match=r"called as callback\(x, residual_norm\) or callback\(x\)"):
            checked(bad)


METHODS = [krylov.cg, krylov.minres, krylov.bicgstab, krylov.lsqr, krylov.lsmr, relaxation.jacobi]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)
def test_a_callback_of_one_argument_gets_copies_and_never_stops(method, rng):
    A, b, both, alone = poisson((6, 7)), rng.standard_normal(42), [], []
    method(A, b, callback=lambda x, norm: both.append(x.copy()))
    result = method(A, b, callback=lambda x: alone.append(x) or True).check()
    assert len(alone) == len(both) >= result.nit
    np.testing.assert_array_equal(alone, both)
    assert method(A, b, callback=lambda x, norm: True).status == Status.STOPPED


def test_a_callback_of_one_argument_gets_the_columns_of_a_block(rng):
    B, seen = rng.standard_normal((42, 2)), []
    krylov.cg(poisson((6, 7)), B, callback=seen.append)
    assert {x.shape for x in seen} == {(42, 2)}
