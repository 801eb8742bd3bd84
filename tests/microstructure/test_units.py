"""Text with a unit: what is read equals its plain reading, and everything else is refused in a sentence."""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from microstructure.units import parse_number, parse_quantity, parse_whole

# an independent reading: powers of ten and the powers of metre, kilogram, second and ampere, by hand
FACTORS = {
    "nm": (-9, (1, 0, 0, 0)), "um": (-6, (1, 0, 0, 0)), "µm": (-6, (1, 0, 0, 0)), "μm": (-6, (1, 0, 0, 0)),
    "mm": (-3, (1, 0, 0, 0)), "cm": (-2, (1, 0, 0, 0)), "m": (0, (1, 0, 0, 0)), "Å": (-10, (1, 0, 0, 0)),
    "pm": (-12, (1, 0, 0, 0)), "dm": (-1, (1, 0, 0, 0)), "mg": (-6, (0, 1, 0, 0)), "g": (-3, (0, 1, 0, 0)),
    "kg": (0, (0, 1, 0, 0)), "ug": (-9, (0, 1, 0, 0)), "s": (0, (0, 0, 1, 0)), "mA": (-3, (0, 0, 0, 1)),
    "A": (0, (0, 0, 0, 1)), "S": (0, (-2, -1, 3, 2)), "mS": (-3, (-2, -1, 3, 2)), "uS": (-6, (-2, -1, 3, 2)),
    "µS": (-6, (-2, -1, 3, 2)), "ohm": (0, (2, 1, -3, -2)), "Ω": (0, (2, 1, -3, -2)), "MPa": (6, (-1, 1, -2, 0)),
}  # fmt: skip
WANTED = {"m": (1, 0, 0, 0), "S/m": (-3, -1, 3, 2), "kg/m^3": (-3, 1, 0, 0), "m^2/kg": (2, -1, 0, 0)}
WANTED |= {"A*s/kg": (0, -1, 1, 1), "S": (-2, -1, 3, 2), "ohm*m^2": (4, 1, -3, -2), "kg": (0, 1, 0, 0), "1": (0,) * 4}
SUPERSCRIPTS = {"⁻": "-", "¹": "1", "²": "2", "³": "3"}


def plainly(text: str, unit: str) -> Decimal | None:
    """The value, read word by word; None where the text is no number followed by known units."""
    text = text.replace("\u00a0", " ").strip(" ")
    number = re.match(r"[-+]?[0-9]*\.?[0-9]*(?:[eE][-+]?[0-9]+)?", text).group()
    rest = text[len(number) :].strip(" ")
    try:
        value = Decimal(number)
    except InvalidOperation:
        return None
    if rest in ("%", "wt%", "vol%"):
        return value / 100 if unit == "1" else None
    tens, powers, sign = 0, [0, 0, 0, 0], 1
    for word in re.split(r"( |/|(?<!\*)\*(?!\*)|·)", "".join(SUPERSCRIPTS.get(one, one) for one in rest)):
        if word in ("", " ", "*", "·"):
            continue
        if word == "/":
            sign = -1
            continue
        name = re.match(r"[^-0-9*^]+", word)
        if not name or name.group() not in FACTORS:
            return None
        power = sign * int(word[name.end() :].strip("*^") or 1)
        own, exponents = FACTORS[name.group()]
        tens += power * own
        powers = [one + power * further for one, further in zip(powers, exponents, strict=True)]
    return value.scaleb(tens) if tuple(powers) == WANTED[unit] else None


NUMBERS = st.one_of(
    st.from_regex(r"[-+]?[0-9]{1,6}(\.[0-9]{0,6})?([eE][-+]?[0-9]{1,2})?", fullmatch=True),
    st.sampled_from(["1e400", "0,5", "1 000", "1_0", "nan", "inf", "0x1", "9**9", "1/0", "１", ".", "", "2.2+-0.1"]),
)
POWERS = st.sampled_from(["", "", "", "2", "3", "-1", "^2", "^-1", "**2", "⁻¹", "²", "-", "0", "^(2)"])
PARTS = st.builds("{}{}".format, st.sampled_from([*FACTORS, "NM", "Nm", "n", "degC", "day", "e", "("]), POWERS)
NEAT = ["nm", "mS/cm", "S cm-1", "mS cm^-1", "S·cm⁻¹", "m2/g", "m2 g-1", "g/cm3", "ohm*m^2", "A*s/kg", "%", "wt%", "mg"]
UNITS = st.one_of(
    st.sampled_from(NEAT),
    st.lists(st.one_of(PARTS, st.sampled_from([" ", "/", "*", "·", "**", ";"])), max_size=5).map("".join),
)
TEXTS = st.one_of(
    st.builds("{}{}{}".format, NUMBERS, st.sampled_from(["", " ", "  ", "\u00a0", "\n"]), UNITS),
    st.text(alphabet="0123456789.,eE+-*/^()_ nmuµSgcA%Å±;\n１²", max_size=100),
    st.text(max_size=30),
)


@settings(max_examples=600, deadline=None)
@given(text=TEXTS, unit=st.sampled_from(list(WANTED)))
@example("1e-320 nm", "m")
@example("123456.123456 ohm*m^2", "ohm*m^2")
def test_what_is_read_equals_its_plain_reading(text, unit):
    try:
        found = parse_quantity(text, unit)
    except (TypeError, ValueError) as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said
    assert len(said) < 400
    if said:
        return
    expected = plainly(text, unit)
    assert expected is not None
    assert found == pytest.approx(float(expected), rel=1e-14, abs=0.0)


@settings(max_examples=200, deadline=None)
@given(value=st.floats(1e-9, 1e9), unit=st.sampled_from(["nm", "µm", " nm", "um ", "mm"]))
def test_what_people_write_is_read(value, unit):
    number = f"{value:.12g}"
    assert parse_quantity(f"{number} {unit}", "m") == float(Decimal(number).scaleb(FACTORS[unit.strip()][0]))


@settings(max_examples=200, deadline=None)
@given(text=st.one_of(NUMBERS, st.text(alphabet="0123456789.,eE+-_ naif１", max_size=30)))
def test_plain_numbers(text):
    for parse in (parse_number, parse_whole):
        try:
            found = parse(text)
        except ValueError:
            continue
        assert found == float(Decimal(text.strip(" ")))
        assert re.fullmatch(r"[-+.eE0-9 ]+", text)


@pytest.mark.parametrize(
    ("text", "unit", "said"),
    [
        ("120,5 nm", "m", "write 120.5 nm, with a decimal point"),
        ("2,2 mS/cm", "S/m", "write 2.2 mS/cm"),
        ("0,336", "1", "write 0.336"),
        ("1,200 nm", "m", "ambiguous: write 1.200 nm if it marks decimals, 1200 nm if thousands"),
        ("1.200,5 nm", "m", "write 1200.5 nm"),
        ("1,200,300.5 nm", "m", "write 1200300.5 nm"),
        ("1 200 nm", "m", "digits of a number without anything between"),
        ("1_0 nm", "m", "digits of a number without anything between"),
        ("2.2 +- 0.3 mS/cm", "S/m", "error stands in .measured. alone"),
        ("2.2±0.3 mS/cm", "S/m", "error stands in .measured. alone"),
        ("65 % +/- 5 %", "1", "error stands in .measured. alone"),
        ("2.2 x 10^-3 S/cm", "S/m", r"power of ten as in 2\.2e-3"),
        ("2.2×10⁻³ S/cm", "S/m", r"power of ten as in 2\.2e-3"),
        ("9**9**9 nm", "m", "one number"),
        ("1/0 nm", "m", "one number"),
        ("2*3 nm", "m", "one number"),
        ("(" * 5000 + "1 nm", "m", "longer than 80"),
        ("9" * 5000 + " nm", "m", "longer than 80"),
        ("150nm;", "m", "'nm;' is no unit"),
        ("150 nm 3", "m", "'nm 3' is no unit"),
        ("150 nm\n", "m", "one number"),
        ("\n150 nm", "m", "one number"),
        ("", "m", "one number"),
        ("nm", "m", "one number"),
        ("１２ nm", "m", "one number"),
        ("nan nm", "m", "one number"),
        ("1e400 nm", "m", "finite"),
        ("1e-400 nm", "m", "finite"),
        ("1e-305 nm", "m", "finite"),
        ("0x10 nm", "m", "no unit"),
        ("150", "m", "no unit: write '150 m'"),
        ("150 NM", "m", "'NM' is no unit known here; did you mean 'nm'"),
        ("150 Nm", "m", "'Nm' is no unit known here"),
        ("150 Mm", "m", "did you mean 'mm'"),
        ("0.7 MS/cm", "S/m", "did you mean .*'mS'"),
        ("200 mah/g", "A*s/kg", "did you mean 'mAh'"),
        ("150 n m", "m", "'n' is no unit known here"),
        ("150 nauticalmile", "m", "is no unit"),
        ("1 A", "m", "no quantity in m: write one such as '150 nm'"),
        ("25 degC", "1", "is no unit known here"),
        ("1 m S/cm", "S", "stands twice"),
        ("1 m", "1", "is no ratio: write one such as '15 %'"),
        ("5 S/cm-1", "S/m", "negative power"),
        ("5 mS/cm/m", "S/m", "is no unit"),
        ("5 nm^0.5", "m", "is no unit"),
        ("15 %%", "1", "is no unit"),
        ("15 % %", "1", "is no unit"),
        ("inf", "1", "one number"),
    ],
)
def test_what_is_no_quantity_says_what_to_write(text, unit, said):
    with pytest.raises(ValueError, match=said) as refused:
        parse_quantity(text, unit)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("value", [None, True, False, [1], {}, 1j, b"150 nm", 10**400, math.nan, -math.inf, 1.5])
def test_what_is_no_text_and_no_length(value):
    with pytest.raises((TypeError, ValueError), match=r"quantity|no unit") as refused:
        parse_quantity(value, "m")
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("150nm", "m", 1.5e-7),
        (" 150 nm ", "m", 1.5e-7),
        ("150\u00a0nm", "m", 1.5e-7),
        ("3.3 µm", "m", 3.3e-6),
        ("3.3 μm", "m", 3.3e-6),
        ("+.5 nm", "m", 5e-10),
        ("5. nm", "m", 5e-9),
        ("-5e-1nm", "m", -5e-10),
        ("3 Å", "m", 3e-10),
        ("2.2e-3 S cm-1", "S/m", 0.22),
        ("mS".join(("1 ", " cm^-1")), "S/m", 0.1),
        ("1 S·cm⁻¹", "S/m", 100.0),
        ("1 S*cm**-1", "S/m", 100.0),
        ("1 mS * cm−1", "S/m", 0.1),
        ("14.1 µS/cm", "S/m", 1.41e-3),
        ("0.78 m2 g-1", "m^2/kg", 780.0),
        ("4.75 g / cm3", "kg/m^3", 4750.0),
        ("4.75 g/mL", "kg/m^3", 4750.0),
        ("4.75 g cm⁻³", "kg/m^3", 4750.0),
        ("200 mAh/g", "A*s/kg", 720000.0),
        ("200 mA*h/g", "A*s/kg", 720000.0),
        ("200 mA h g-1", "A*s/kg", 720000.0),
        ("720 C/g", "A*s/kg", 720000.0),
        ("1.435e-5 ohm*m^2", "ohm*m^2", 1.435e-5),
        ("5 Ω cm2", "ohm*m^2", 5e-4),
        ("511 uS", "S", 5.11e-4),
        ("15 mg", "kg", 15e-6),
        ("380 MPa", "Pa", 3.8e8),
        ("15 %", "1", 0.15),
        ("15%", "1", 0.15),
        ("15 wt%", "1", 0.15),
        ("15 wt.%", "1", 0.15),
        ("15 vol%", "1", 0.15),
        ("0.15", "1", 0.15),
        (0.15, "1", 0.15),
        (1, "1", 1.0),
        ("150 mg/g", "1", 0.15),
        ("0 nm", "m", 0.0),
    ],
)
def test_what_is_written_in_many_ways_is_exact(text, unit, value):
    assert parse_quantity(text, unit) == value
