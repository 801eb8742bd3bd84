"""Text with units, at random: what is accepted has its plain reading, and nothing takes a tenth of a second."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.reliability.tally import Tally
from benchmarks.reliability.trial import clear, in_child, scratch

STRINGS = 20_000
LONGEST = 0.1  # s
STALLED = 3.0  # s without an answer: that text hangs
SEED = 19
SI = ("m", "S/m", "kg", "m2/kg", "kg/m3", "1")

# value in SI, and powers of metre, kilogram, siemens
UNITS: dict[str, tuple[float, tuple[int, int, int]]] = {
    "nm": (1e-9, (1, 0, 0)),
    "um": (1e-6, (1, 0, 0)),
    "µm": (1e-6, (1, 0, 0)),  # micro sign
    "μm": (1e-6, (1, 0, 0)),  # Greek letter
    "mm": (1e-3, (1, 0, 0)),
    "cm": (1e-2, (1, 0, 0)),
    "m": (1.0, (1, 0, 0)),
    "g": (1e-3, (0, 1, 0)),
    "mg": (1e-6, (0, 1, 0)),
    "kg": (1.0, (0, 1, 0)),
    "S": (1.0, (0, 0, 1)),
    "mS": (1e-3, (0, 0, 1)),
    "%": (1e-2, (0, 0, 0)),
    "wt%": (1e-2, (0, 0, 0)),
    "vol%": (1e-2, (0, 0, 0)),
}
WANTED = {"m": (1, 0, 0), "S/m": (-1, 0, 1), "kg": (0, 1, 0), "m2/kg": (2, -1, 0), "kg/m3": (-3, 1, 0), "1": (0, 0, 0)}
NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*)", re.ASCII | re.DOTALL)
FACTOR = re.compile(r"([A-Za-zµμ%]+)(?:(?:\^|\*\*)?([+-]?\d)|([²³]|⁻[¹²³]))?", re.ASCII)
RAISED = {"²": 2, "³": 3, "⁻¹": -1, "⁻²": -2, "⁻³": -3}
PIECES = (
    *"0123456789", *"+-.,;:'_eE()[]*/^ ", "  ", "\t", "\n", "**", "+-", "+/-", "±", " nm", "nm", "um", "µm", "mS", "S", "cm",
    " mS/cm", " S/m", "cm-1", " S cm-1", " mS cm^-1", "m2", " m2/g", " m2 g-1", " g/cm3", " g cm-3", "%", " %", " wt%",
    "vol%", "mg", "g", "kg", "m", "nan", "inf", "1e9", "9**9", "0x1", "1_0", "٣", "½", "²", "\u00a0", "\u2212", "\u2009", "a", "$x$",
)  # fmt: skip
PLAIN = (
    "{} nm", "{}nm", "{} um", "{} µm", "{} mS/cm", "{} S/m", "{} S cm-1", "{} mS cm^-1", "{} m2/g", "{} m2 g-1", "{} g/cm3",
    "{} %", "{}%", "{} wt%", "{}", "{} mg", "{} S/cm", "{} mm", " {} nm ", "{} m2/kg",
)  # fmt: skip


def run() -> Iterator[Tally]:
    """Read every string as every kind of quantity that it could be."""
    tally, texts = Tally("grammar: random text with units"), strings(STRINGS)
    folder, answers = scratch(), {}
    begin = 0
    while begin < len(texts):
        diary = folder / f"from{begin}"
        ending = in_child(partial(_read_all, texts[begin:], diary), folder=folder, seconds=1200.0)
        known = [json.loads(line) for line in diary.read_text("utf-8").splitlines() if line.endswith("]")]
        answers |= {begin + number: answer for number, answer in enumerate(known)}
        begin += len(known)
        if begin < len(texts):
            hung = ending.status == -signal.SIGALRM
            answers[begin] = ["lost", "no answer for 3 s" if hung else ending.disaster, STALLED if hung else 0.0]
            begin += 1
    for number, text in enumerate(texts):
        tally.count(repr(text[0]), _judged(text, answers[number]))
        tally.slowest = round(max(tally.slowest, answers[number][2]), 3)
    clear(folder)
    yield tally


def strings(count: int) -> list[tuple[str, str]]:
    """Random texts, each with the SI unit that is asked for: half of pieces, half a number with a unit, changed a little."""
    rng, found = np.random.default_rng(SEED), []
    while len(found) < count:
        if len(found) % 2:
            text = "".join(rng.choice(PIECES, rng.integers(1, 9)))
        else:
            text = _changed(str(rng.choice(PLAIN)).format(_number(rng)), rng)
        found.append((text, str(rng.choice(SI))))
    return found


def plain(text: str, unit: str) -> float | None:
    """The value in SI as a person reads the text, one number and one unit; None if there is no such reading."""
    found = NUMBER.fullmatch(text)
    if found is None:
        return None
    number, rest = float(found[1]), found[2].strip()
    if not rest:
        return number if unit == "1" and math.isfinite(number) else None
    read = _unit(rest)
    if read is None or read[1] != WANTED[unit] or not math.isfinite(number * read[0]):
        return None
    return number * read[0]


def _unit(text: str) -> tuple[float, tuple[int, ...]] | None:
    """Factor and powers of a product of units, with at most one stroke and one unit behind it."""
    top, stroke, bottom = text.partition("/")
    parts = [(part, 1) for part in re.split(r"[\s*·]+(?!\*)", top.strip().replace("**", "^"))]
    parts += [(bottom.strip().replace("**", "^"), -1)] if stroke else []
    factor, powers = 1.0, [0, 0, 0]
    for part, sign in parts:
        found = FACTOR.fullmatch(part)
        if found is None or found[1] not in UNITS:
            return None
        power = sign * (int(found[2]) if found[2] else RAISED[found[3]] if found[3] else 1)
        value, own = UNITS[found[1]]
        factor *= value**power
        powers = [one + power * more for one, more in zip(powers, own, strict=True)]
    return factor, tuple(powers)


def _judged(text: tuple[str, str], answer: list) -> str:
    kind, value, seconds = answer
    if kind == "lost":
        return str(value)
    if seconds > LONGEST:
        return f"takes {seconds:.2f} s"
    if kind == "raw":
        return f"raw {value}"
    if kind == "refused":
        return ""
    wanted = plain(*text)
    if wanted is None:
        return f"accepted as {value!r} {text[1]}, has no plain reading"
    close = value == wanted or math.isclose(value, wanted, rel_tol=1e-9)
    return "" if close else f"read as {value!r} {text[1]}, plainly {wanted!r}"


def _read_all(texts: list[tuple[str, str]], diary: Path) -> None:
    from microstructure.units import parse_quantity

    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the default ends the process, even inside of one long sum
    file = os.open(diary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for text, unit in texts:
        signal.setitimer(signal.ITIMER_REAL, STALLED)
        begin = time.process_time()
        answer = _read(parse_quantity, text, unit)
        seconds = time.process_time() - begin
        os.write(file, (json.dumps([*answer, seconds]) + "\n").encode())
    signal.setitimer(signal.ITIMER_REAL, 0.0)


def _read(parse, text: str, unit: str) -> list:
    try:
        return ["read", float(parse(text, unit))]
    except (ValueError, TypeError) as error:
        return ["refused", str(error)[:80]] if len(str(error).split()) > 2 else ["raw", repr(error)[:120]]
    except Exception as error:
        return ["raw", repr(error)[:120]]


def _number(rng: np.random.Generator) -> str:
    value = 10.0 ** rng.uniform(-6, 6) * rng.choice([1, 1, 1, -1])
    form = rng.choice(["{:.0f}", "{:.3f}", "{:g}", "{:.2e}", "{:.1f}", "{:+g}", "{:,.1f}", "{:_.0f}"])
    return str(form).format(value)


def _changed(text: str, rng: np.random.Generator) -> str:
    """The text as it is, or with a piece put in, taken out or exchanged."""
    for _ in range(rng.integers(0, 3)):
        at = int(rng.integers(0, len(text) + 1))
        piece, cut = str(rng.choice(PIECES)), int(rng.integers(0, 2))
        text = text[:at] + (piece if rng.random() < 0.7 else "") + text[at + cut :]
    return text
