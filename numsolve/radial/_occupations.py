"""Electron configurations of neutral atoms and ions, and their notation as text."""

import re
from typing import Any

from .. import _validate
from ._orbital import LETTERS, name

SYMBOL_TABLE = """
H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr
Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W
Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt
Ds Rg Cn Nh Fl Mc Lv Ts Og
"""
SYMBOLS: tuple[str, ...] = tuple(SYMBOL_TABLE.split())

# Differences from Madelung's rule of the ground states chosen by NIST for Z <= 92 (Kotochigova et al., Phys.
# Rev. A 55, 191, 1997, doi:10.1103/PhysRevA.55.191): from which shell, to which, how many electrons.
MADELUNG_EXCEPTIONS = {
    **dict.fromkeys((24, 29), ("4s", "3d", 1)),
    **dict.fromkeys((41, 42, 44, 45, 47), ("5s", "4d", 1)),
    46: ("5s", "4d", 2),
    **dict.fromkeys((57, 58, 64), ("4f", "5d", 1)),
    **dict.fromkeys((78, 79), ("6s", "5d", 1)),
    **dict.fromkeys((89, 91, 92), ("5f", "6d", 1)),
    90: ("5f", "6d", 2),
}
MADELUNG_ORDER = sorted(
    ((n, l) for n in range(1, 9) for l in range(n)), key=lambda shell: (sum(shell), shell[0])
)


def neutral(Z):
    """Return the configuration of a neutral atom: a dictionary from (n, l) to electrons."""
    shells = _fill({}, float(Z))
    if Z in MADELUNG_EXCEPTIONS:
        source, target, moved = MADELUNG_EXCEPTIONS[Z]
        shells[_shell(source)] -= moved
        shells[_shell(target)] = shells.get(_shell(target), 0.0) + moved
    return {shell: shells[shell] for shell in sorted(shells) if shells[shell]}


def ion(Z, charge):
    """Return the configuration of an ion; its charge need not be a whole number.

    Electrons are removed from the largest n first, and among these from the largest l. For a negative charge
    they are added to the first shells of Madelung's rule that are not full.
    """
    shells = neutral(Z)
    if charge < 0:
        return dict(sorted(_fill(shells, -charge).items()))
    while charge > 1e-12 and shells:
        outer = max(shells)
        taken = min(charge, shells[outer])
        shells[outer] -= taken
        charge -= taken
        if shells[outer] <= 1e-12:
            del shells[outer]
    return shells


def configuration(given: Any, Z, charge):
    """Check and return the caller's configuration, or the default: a dictionary from (n, l) to electrons."""
    if given is None:
        return ion(Z, charge)
    shells = _from_text(given) if isinstance(given, str) else _from_dict(given)
    for (n, l), electrons in shells.items():
        if not 0 <= l < n:
            raise ValueError(f"configuration has the shell n={n}, l={l}; 0 <= l < n is needed")
        if not 0 <= electrons <= 4 * l + 2:
            raise ValueError(
                f"configuration has {electrons:g} electrons in {name(n, l)}; 0 to {4 * l + 2} are needed"
            )
    total = sum(shells.values())
    if abs(total - (Z - charge)) > 1e-9:
        raise ValueError(
            f"configuration has {total:g} electrons, but Z - charge = {Z - charge:g}: change one of them"
        )
    return dict(sorted(shells.items()))


def as_text(shells):
    """Return a configuration as text."""
    return " ".join(f"{name(n, l)}{electrons:g}" for (n, l), electrons in shells.items())


def _fill(shells, electrons):
    """Add electrons by Madelung's rule, in place, and return the shells."""
    for n, l in MADELUNG_ORDER:
        room = min(electrons, 4 * l + 2 - shells.get((n, l), 0.0))
        if room > 0:
            shells[n, l] = shells.get((n, l), 0.0) + room
            electrons -= room
    return shells


def _shell(text):
    """Return (n, l) of "3d"."""
    match = re.fullmatch(r"(\d+)([a-z])", text)
    if not match or match[2] not in LETTERS:
        raise ValueError(f"configuration has the shell {text!r}; one like '3d' is needed")
    return int(match[1]), LETTERS.index(str(match[2]))


def _from_text(text):
    """Return the configuration of a text like "[Ne] 3s2 3p3.5"."""
    shells = {}
    for word in text.replace(",", " ").split():
        core = re.fullmatch(r"\[([A-Z][a-z]?)\]", word)
        if core and core[1] in SYMBOLS:
            shells.update(neutral(SYMBOLS.index(core[1]) + 1))
            continue
        match = re.fullmatch(r"(\d+[a-z])(\d+(?:\.\d*)?|\.\d+)", word)
        if not match:
            raise ValueError(f"configuration has the word {word!r}; words like '3d6' or '[Ar]' are needed")
        if _shell(match[1]) in shells:
            raise ValueError(f"configuration names the shell {match[1]} twice; once is needed")
        shells[_shell(match[1])] = float(match[2])
    return shells


def _from_dict(given):
    """Return the configuration of a dictionary whose keys are (n, l) or "3d"."""
    if not hasattr(given, "items"):
        raise TypeError(f"configuration is a {type(given).__name__}; a text or a dictionary is needed")
    shells = {}
    for key, electrons in given.items():
        n, l = _shell(key) if isinstance(key, str) else key
        shell = _validate.count(n, "n of configuration", least=1), _validate.count(l, "l of configuration")
        shells[shell] = _validate.number(electrons, f"configuration[{key!r}]")
    return shells
