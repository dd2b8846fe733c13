"""MPS files: what they mean, and what is refused."""

import bz2
import gzip
import io
import lzma

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.linear_programs import FOLDER, small

from numsolve.monotone import LP, read_mps, write_mps

inf = np.inf
HEAD = "NAME\nROWS\n N obj\n L a\n G b\n E c\nCOLUMNS\n x a 1 b 2\n x c 3 obj 1\n y a 1 obj -1\n"


def read(text, **options):
    return read_mps(io.StringIO(text), **options)


def same(lp, other):
    """Tell whether two programs have the same numbers, to the last bit."""
    assert lp.maximize == other.maximize
    for name in ("c", "rl", "ru", "l", "u", "offset"):
        np.testing.assert_array_equal(getattr(lp, name), getattr(other, name))
    assert lp.shape == other.shape
    assert (lp.A != other.A).nnz == 0


def test_every_section():
    lp = read(
        "* a comment\nNAME a name\nOBJSENSE\n    MAX\nOBJNAME\n    gain\n"
        "ROWS\n N other\n N gain\n L a\n G b\n E c\n E d\n"
        "COLUMNS\n x a 1 b 2\n x gain 3\n MARK 'MARKER' 'INTEND'\n y c 4.5D1 $ a remark\n y d 1 other 7\n"
        " z gain -1e-3\nRHS\n a 10 gain -2.5\n b -1 c 5\nRANGES\n a 4 b 3\n c -2\n d 6\n"
        "BOUNDS\n LO x -1\n UP x 8\n MI y\n UP y 2\n FR z\nENDATA\nwhat follows is not read\n"
    )
    assert lp.maximize
    assert lp.names.problem == "a"
    assert lp.names.objective == "gain"
    assert lp.names.rows == ("a", "b", "c", "d")
    assert lp.names.columns == ("x", "y", "z")
    assert lp.offset == 2.5
    np.testing.assert_array_equal(lp.c, [3, 0, -1e-3])
    np.testing.assert_array_equal(lp.A.toarray(), [[1, 0, 0], [2, 0, 0], [0, 45, 0], [0, 1, 0]])
    np.testing.assert_array_equal(lp.rl, [6, -1, 3, 0])
    np.testing.assert_array_equal(lp.ru, [10, 2, 5, 6])
    np.testing.assert_array_equal(lp.l, [-1, -inf, -inf])
    np.testing.assert_array_equal(lp.u, [8, 2, inf])


def test_the_constant_is_minus_the_right_hand_side_of_the_objective():
    for value in (7.0, -7.0):
        assert read(HEAD + f"RHS\n RHS obj {value}\nENDATA\n").offset == -value


@pytest.mark.parametrize(
    ("bounds", "l", "u"),
    [
        (" UP B x 4", 0, 4),
        (" LO B x -3", -3, inf),
        (" FX B x 2.5", 2.5, 2.5),
        (" FR B x", -inf, inf),
        (" FR x", -inf, inf),
        (" MI B x", -inf, inf),
        (" MI B x\n UP B x 1", -inf, 1),
        (" PL B x", 0, inf),
        (" LO B x 5\n UP B x -1", 5, -1),
        (" UP B x 1e30", 0, inf),
        (" LO B x -1e31", -inf, inf),
    ],
)
def test_bounds(bounds, l, u):
    lp = read(HEAD + f"BOUNDS\n{bounds}\nENDATA\n")
    assert (lp.l[0], lp.u[0]) == (l, u)


def test_what_is_taken_with_a_warning():
    with pytest.warns(UserWarning, match=r"line 12: 'x' has a negative upper bound"):
        assert read(HEAD + "BOUNDS\n UP B x -4\nENDATA\n").l[0] == -inf
    with pytest.warns(UserWarning, match="integer variables are taken as real"):
        lp = read(HEAD + "BOUNDS\n BV B y\nENDATA\n")
    assert (lp.l[1], lp.u[1]) == (0, 1)
    with pytest.warns(UserWarning, match="integer"):
        read(HEAD.replace(" y a", " M 'MARKER' 'INTORG'\n y a") + "ENDATA\n")
    with pytest.warns(UserWarning, match="1 entries are given twice"):
        lp = read(HEAD + " y a 5\nENDATA\n")
    assert lp.A.toarray()[0, 1] == 6


def test_fixed_form_has_names_with_blanks():
    text = (
        "NAME          OLD\nROWS\n N  COST\n L  LIM 1\nCOLUMNS\n"
        "    X ONE     COST               1.0   LIM 1              2.0\n"
        "RHS\n    RHS       LIM 1              4.0\nBOUNDS\n UP BND       X ONE              3.0\nENDATA\n"
    )
    for form in ("auto", "fixed"):
        lp = read(text, form=form)
        assert lp.names.rows == ("LIM 1",)
        assert lp.names.columns == ("X ONE",)
        assert (lp.c[0], lp.A.toarray()[0, 0], lp.ru[0], lp.u[0]) == (1, 2, 4, 3)
    with pytest.raises(ValueError, match="line 4"):
        read(text, form="free")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 0: the file ends without ENDATA"),
        (HEAD, "cut off"),
        (HEAD.replace("COLUMNS", "QUADOBJ"), "line 7: the section QUADOBJ means a quadratic objective"),
        (HEAD + "SOS\n", "special ordered sets"),
        (HEAD + "INDICATORS\n", "indicator constraints"),
        (HEAD + "BOUNDS\n SC B x 3\nENDATA\n", "semicontinuous"),
        (HEAD + "WHAT\n", "unknown section 'WHAT'"),
        (HEAD + "RHS\nRHS\n", "line 12: the section RHS is there twice"),
        (HEAD.replace(" L a", " X a"), "line 4: the type 'X'"),
        (HEAD.replace(" G b", " G a"), "line 5: the row 'a' is there twice"),
        (HEAD + " z nowhere 1\nENDATA\n", "line 11: the row 'nowhere' is not in ROWS"),
        (HEAD + " x a 1\nENDATA\n", "the column 'x' is there twice"),
        (HEAD + " z a one\nENDATA\n", "'one' is not a number"),
        (HEAD + " z a nan\nENDATA\n", "'nan' is not a finite number"),
        (HEAD + " z a 1e40\nENDATA\n", "not a finite number"),
        (HEAD + " z a\nENDATA\n", "3 or 5 fields"),
        (HEAD + "BOUNDS\n UP B w 1\nENDATA\n", "the column 'w' is not in COLUMNS"),
        (HEAD + "BOUNDS\n QQ B x 1\nENDATA\n", "the type 'QQ' of a bound"),
        (HEAD + "RHS\n RHS obj inf\nENDATA\n", "not finite"),
        (HEAD + "RHS\n RHS a 1\n RHS a 2\nENDATA\n", "two right-hand sides"),
        (" x 1\n", "data before the first section"),
        ("NAME\nCOLUMNS\n", "COLUMNS comes before ROWS"),
        ("NAME\nOBJSENSE UP\n", "neither MAX nor MIN"),
        ("NAME\nOBJNAME z\nROWS\n N a\nCOLUMNS\nENDATA\n", "'z' of OBJNAME"),
        (HEAD + "BOUNDS\n LO B x inf\nENDATA\n", "impossible data"),
    ],
)
def test_bad_files(text, message):
    with pytest.raises(ValueError, match=message):
        read(text)


def test_compressed_and_damaged_files(tmp_path):
    lp = read(HEAD + "ENDATA\n")
    for suffix, opener in ((".gz", gzip), (".bz2", bz2), (".xz", lzma)):
        path = tmp_path / f"a.mps{suffix}"
        write_mps(path, lp)
        same(read_mps(path), lp)
        data = path.read_bytes()
        assert opener.decompress(data).startswith(b"NAME")
        path.write_bytes(data[: len(data) // 2])
        with pytest.raises(ValueError, match=r"damaged|ENDATA"):
            read_mps(path)
    path = tmp_path / "rubbish.mps"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(ValueError, match="no MPS file"):
        read_mps(path)
    with pytest.raises(FileNotFoundError):
        read_mps(tmp_path / "missing.mps")


@given(seed=st.integers(0, 2**32 - 1))
def test_what_is_written_is_read_to_the_last_bit(seed):
    rng = np.random.default_rng(seed)
    lp = small(rng)
    factor = rng.standard_normal()
    lp = LP(lp.c * factor, lp.A * factor, lp.rl, lp.ru, lp.l, lp.u, lp.offset * factor, lp.maximize)
    file = io.StringIO()
    write_mps(file, lp)
    file.seek(0)
    same(read_mps(file), lp)


def test_names_that_no_file_can_have_are_replaced():
    lp = read(HEAD + "ENDATA\n")
    names = lp.names._replace(columns=("a b", "c"), rows=("", "q", "r"))
    file = io.StringIO()
    write_mps(file, LP(lp.c, lp.A, lp.rl, lp.ru, names=names))
    assert " C0 R0 1.0" in file.getvalue()
    with pytest.raises(TypeError, match="an LP is needed"):
        write_mps(file, lp.c)


@pytest.mark.extended
def test_real_files_as_highs_reads_them():
    highspy = pytest.importorskip("highspy")
    files = sorted(FOLDER.glob("*.mps.gz"))
    if not files:
        pytest.skip("the folder of programs is not there")
    for path in files:
        lp, other = read_mps(path), highspy.Highs()
        other.setOptionValue("output_flag", False)
        other.readModel(str(path))
        found = other.getLp()
        matrix = found.a_matrix_
        A = sp.csc_array((matrix.value_, matrix.index_, matrix.start_), (found.num_row_, found.num_col_))
        same(
            lp,
            LP(
                found.col_cost_,
                A,
                found.row_lower_,
                found.row_upper_,
                found.col_lower_,
                found.col_upper_,
                found.offset_,
            ),
        )
