"""The counts as a table in the terminal, and before and after as a page."""

from __future__ import annotations

from typing import Any


def failures(found: dict[str, Any]) -> str:
    rows = [tally for kind in found["kinds"].values() for tally in kind]
    return "".join(f"{t['kind']:40s} tried {t['tried']:6d} failed {len(t['failures']):4d}\n" for t in rows)


def page(before: dict[str, Any], after: dict[str, Any]) -> str:
    return ""
