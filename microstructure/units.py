"""Text with a unit in, SI out: "150 nm" becomes 1.5e-7 m.

A quantity is one number and one unit; nothing else is read.

- The number: a sign if you like, ASCII digits, a decimal point, an exponent (``150``, ``-0.7``, ``2.2e-3``). A comma,
  a space or an underscore inside it, ``10^-3``, ``inf`` and ``nan`` are refused.
- The unit: a product of symbols with whole powers, as people and papers write it (``mS/cm``, ``S cm-1``, ``mS cm^-1``,
  ``S·cm⁻¹``, ``m2/g``, ``A*s/kg``, ``ohm*m^2``). After a ``/`` stands one symbol, and no symbol stands twice.
- Symbols are those of this field with the prefixes in use (`_SYMBOLS`), upper and lower case as in SI: ``A`` is an
  ampere and ``Å`` 0.1 nm; there is no ``NM``, and no ``Mm`` or ``MS``, which the shift key makes of ``mm`` and ``mS``.
- A ratio is a bare number, ``%``, ``wt%`` or ``vol%``, or two units of a kind (``15 mg/g``). Anything else needs its
  unit.
"""

from __future__ import annotations

import difflib
import functools
import math
import numbers
import re
import sys
from fractions import Fraction
from typing import NamedTuple

LONGEST = 80  # characters of a quantity

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?"
_GAP = "[ \u00a0\u2009\u202f]"  # spaces as people and papers set them
_QUANTITY = re.compile(rf" *({_NUMBER}){_GAP}*([A-Za-z%\u00b5\u03bc\u00c5\u212b\u03a9\u2126].*?)? *")
_PART = r"([A-Za-z\u00c5]{1,10})(?:(?:\^|\*\*)?(-?[1-9]))?"
_ONE = _PART.replace("(-", "(?:-").replace("([", "(?:[")
_UNIT = re.compile(rf"({_ONE}(?:(?: | ?\* ?){_ONE}){{0,4}})(?: ?/ ?({_ONE}))?")
_SHARE = re.compile(r"(?:(?:wt|mass|vol)\.?[ -]?)?%")
_TEN = re.compile(r"\s*[-+]?[0-9.]+ ?(?:[x*\u00d7\u00b7] ?)?10 ?(?:\^|\*\*|[\u2070\u00b9\u00b2\u00b3\u2074-\u207b])")
_ERROR = re.compile(r"\u00b1|\+/?-")
_SPELT = str.maketrans(
    {"\u00b5": "u", "\u03bc": "u", "\u03a9": "ohm", "\u2126": "ohm", "\u212b": "\u00c5"}  # micro, ohm, angstrom
    | dict.fromkeys("\u00b7\u22c5", "*")
    | dict.fromkeys("\u2212\u207b", "-")
    | {"\u00b9": "1", "\u00b2": "2", "\u00b3": "3", "\u2074": "4"}
    | dict.fromkeys("\u00a0\u2009\u202f", " ")
)
_PREFIXES = {"": 0, "p": -12, "n": -9, "u": -6, "m": -3, "c": -2, "d": -1, "k": 3, "M": 6, "G": 9}
# symbol: the prefixes it takes, its value in SI, its powers of m, kg, s and A
_SYMBOLS = {
    "m": ("pnumcd", "1", (1, 0, 0, 0)),
    "\u00c5": ("", "1e-10", (1, 0, 0, 0)),
    "micron": ("", "1e-6", (1, 0, 0, 0)),
    "L": ("um", "1e-3", (3, 0, 0, 0)),
    "l": ("um", "1e-3", (3, 0, 0, 0)),
    "g": ("numk", "1e-3", (0, 1, 0, 0)),
    "s": ("num", "1", (0, 0, 1, 0)),
    "min": ("", "60", (0, 0, 1, 0)),
    "h": ("", "3600", (0, 0, 1, 0)),
    "A": ("pnumk", "1", (0, 0, 0, 1)),
    "Ah": ("umk", "3600", (0, 0, 1, 1)),
    "C": ("um", "1", (0, 0, 1, 1)),
    "V": ("num", "1", (2, 1, -3, -1)),
    "S": ("pnumk", "1", (-2, -1, 3, 2)),
    "ohm": ("umkMG", "1", (2, 1, -3, -2)),
    "Pa": ("kMG", "1", (-1, 1, -2, 0)),
    "J": ("umk", "1", (2, 1, -2, 0)),
    "W": ("pnumk", "1", (2, 1, -3, 0)),
}
_EXAMPLES = {"1": "15 %", "m": "150 nm", "S/m": "0.7 mS/cm", "kg/m^3": "4.75 g/cm3", "m^2/kg": "0.78 m2/g"}
_EXAMPLES |= {"A*s/kg": "200 mAh/g", "kg": "15 mg", "S": "500 uS", "ohm*m^2": "1e-5 ohm m2"}


class _Unit(NamedTuple):
    factor: Fraction
    powers: tuple[int, ...]
    symbols: tuple[str, ...]


def parse_quantity(text: object, unit: str) -> float:
    """Read a quantity such as "0.7 mS/cm" and give its value in `unit`.

    Parameters
    ----------
    text : str or number
        A number with a unit, as the module says. A bare number is accepted only where `unit` is "1" (a ratio).
    unit : str
        The SI unit wanted, for example "S/m"; "1" for a ratio (then "5 %" is read as 0.05).

    Returns
    -------
    float
        The value in `unit`, to 15 digits.

    Raises
    ------
    TypeError
        If `text` is neither text nor a number, or a bare number stands where a unit is needed.
    ValueError
        If the text is no quantity, has another dimension, or is out of the range of floating-point numbers.

    Examples
    --------
    >>> parse_quantity("0.7 mS/cm", "S/m")
    0.07
    >>> parse_quantity("15 wt%", "1")
    0.15
    """
    if isinstance(text, bool) or not isinstance(text, (str, numbers.Real)):
        raise TypeError(f"{_kind(unit)} is text such as '{_example(unit)}'; got {shown(text)}")
    return _read(text, unit) if isinstance(text, str) else _bare_number(text, unit)


def parse_number(text: str) -> float:
    """Read a plain number such as "0.5" or "2.2e-3", with a decimal point and without a unit.

    Raises
    ------
    ValueError
        If the text is no such number, or out of the range of floating-point numbers.
    """
    if len(text) > LONGEST or not re.fullmatch(f" *{_NUMBER} *", text):
        raise ValueError(f"a number is wanted, got {shown(text)}; {_advice(text, '0.5')}")
    return _finite(float(text), text)


def parse_whole(text: str) -> int:
    """Read a whole number such as "12": ASCII digits, and a sign if there is one.

    Raises
    ------
    ValueError
        If the text is something else ("1_0", "1e3", "2.0").
    """
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise ValueError(f"a whole number is digits alone, such as 12; got {shown(text)}")
    return int(text)


def shown(value: object) -> str:
    """What came, for a message: its repr, cut where it is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # Python refuses to write thousands of digits
        text = f"a {type(value).__name__} too large to be shown"
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}..."


def _bare_number(number: numbers.Real, unit: str) -> float:
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise ValueError(f"{_kind(unit)} must be finite; got {shown(number)}")
    if unit != "1":
        raise TypeError(f"a bare number has no unit: write '{value:g} {unit}' or another unit of that kind")
    return value


def _read(text: str, unit: str) -> float:
    found = _QUANTITY.fullmatch(text) if len(text) <= LONGEST else None
    if not found or _TEN.match(text) or _ERROR.search(text):
        raise ValueError(f"cannot read {shown(text)} as {_kind(unit)}: {_advice(text, _example(unit))}")
    number, name = found.groups()
    if name is None and unit != "1":
        raise ValueError(f"{text!r} has no unit: write '{number} {unit}' or another unit of that kind")
    value, wanted = _finite(float(number), text), _find_unit(unit)
    try:
        own = _find_unit(name or "1")
    except ValueError as error:
        raise ValueError(f"cannot read {shown(text)} as {_kind(unit)}: {error}") from None
    if own.powers != wanted.powers:
        raise ValueError(f"{text!r} is no {_kind(unit)[2:]}: write one such as '{_example(unit)}'")
    if unit != "1" and len(set(own.symbols)) < len(own.symbols):
        raise ValueError(f"cannot read {text!r} as {_kind(unit)}: a symbol stands twice in its unit")
    if value != 0.0:
        try:  # exact, so that 0.7 mS/cm is 0.07 S/m and not 0.06999...
            value = float(Fraction(number) * own.factor / wanted.factor)
        except OverflowError:
            value = math.inf
    return float(f"{_finite(value, text):.15g}")


def _finite(value: float, text: str) -> float:
    """The value, if floating-point numbers hold it with all its digits."""
    zero_written = not re.match(r" *[+-]?[0.]*[1-9]", text)
    if not math.isfinite(value) or (abs(value) < sys.float_info.min and not zero_written):
        raise ValueError(f"a quantity is zero or from 1e-307 to 1e308, and finite; got {shown(text)}")
    return value


@functools.lru_cache(maxsize=512)
def _find_unit(text: str) -> _Unit:
    """What a unit is in SI; "1" stands for a ratio."""
    if text == "1" or _SHARE.fullmatch(text):
        return _Unit(Fraction(1) if text == "1" else Fraction(1, 100), (0, 0, 0, 0), ())
    found = _UNIT.fullmatch(text.translate(_SPELT))
    if not found:
        raise ValueError(f"{shown(text)} is no unit; write one as in 'mS/cm', 'S cm-1' or 'm2/g'")
    over, under = ([(name, int(power or 1)) for name, power in re.findall(_PART, one or "")] for one in found.groups())
    if any(power < 0 for _, power in under):
        raise ValueError(f"{shown(text)} divides by a negative power: write one or the other")
    factor, powers, symbols = Fraction(1), [0, 0, 0, 0], []
    for name, power in [*over, *((name, -power) for name, power in under)]:
        symbol, value, own = _known(name)
        factor *= value**power
        powers = [one + power * further for one, further in zip(powers, own, strict=True)]
        symbols.append(symbol)
    return _Unit(factor, tuple(powers), tuple(symbols))


def _known(name: str) -> tuple[str, Fraction, tuple[int, ...]]:
    names = _names()
    if name not in names:
        same = [one for one in names if one.lower() == name.lower()]
        near = " or ".join(f"'{one}'" for one in same or difflib.get_close_matches(name, names, n=1))
        hint = f"did you mean {near}?" if near else "write it in symbols, as in 'nm', 'mS/cm' or 'g/cm3'"
        raise ValueError(f"'{name}' is no unit known here; {hint}")
    return names[name]


@functools.cache
def _names() -> dict[str, tuple[str, Fraction, tuple[int, ...]]]:
    """Every name of a unit, its prefix included: symbol, value in SI, powers."""
    return {
        f"{prefix}{symbol}": (symbol, Fraction(value) * Fraction(10) ** _PREFIXES[prefix], powers)
        for symbol, (prefixes, value, powers) in _SYMBOLS.items()
        for prefix in ("", *prefixes)
    }


def _kind(unit: str) -> str:
    return "a ratio" if unit == "1" else f"a quantity in {unit}"


def _example(unit: str) -> str:
    return _EXAMPLES.get(unit, f"1.5 {unit}")


def _advice(text: str, example: str) -> str:
    """What to write in place of what cannot be read."""
    if len(text) > LONGEST:
        return f"longer than {LONGEST} characters; write one such as '{example}'"
    if _ERROR.search(text):
        return f"a value with its error stands in [measured] alone; write the value by itself, such as '{example}'"
    parts = re.match(r"\s*([-+]?[0-9.,]*)", text)
    number = parts.group(1) if parts else ""
    if "," in number:
        rest = text[parts.end() :].rstrip() if parts else ""
        rest = rest if rest.isprintable() else ""
        return _without_commas(number, rest) or f"write one number with a decimal point, such as '{example}'"
    grouped = re.match(r"\s*[-+]?[0-9]{1,3}(?:[ _\u00a0\u2009\u202f'][0-9]{3})+(?![0-9])", text)
    if grouped or re.match(r"\s*[-+]?[0-9]+_[0-9]", text):
        return "write the digits of a number without anything between them"
    if _TEN.match(text):
        return "write a power of ten as in 2.2e-3"
    return f"write one number and no more than one unit, such as '{example}'"


def _without_commas(number: str, rest: str) -> str:
    head, _, tail = number.rpartition(",")
    if re.fullmatch(r"[-+]?[1-9][0-9]{0,2},[0-9]{3}", number):
        return f"a comma is ambiguous: write {head}.{tail}{rest} if it marks decimals, {head}{tail}{rest} if thousands"
    if re.fullmatch(r"[-+]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]*)?", number):
        return f"write {number.replace(',', '')}{rest}, without commas"
    if re.fullmatch(r"[-+]?[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]*", number) or re.fullmatch(r"[-+]?[0-9]+,[0-9]+", number):
        return f"write {head.replace('.', '')}.{tail}{rest}, with a decimal point"
    return ""
