"""What is counted: trials of one kind, and those of them that failed, with the reason."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict, dataclass, field
from typing import Any

WORDS = 240  # of a reason, in characters
FOLDERS = re.compile(r"(?<![\w.])/(?:[\w.+-]+/)+")  # of this machine: they say nothing elsewhere


@dataclass
class Tally:
    """The trials of one kind of fault."""

    kind: str
    tried: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict, metadata={"what": "how often something else was seen"})
    increase: float = field(default=0.0, metadata={"unit": "MB", "what": "largest peak over the imported package"})
    peak: float = field(default=0.0, metadata={"unit": "MB", "what": "largest peak"})
    slowest: float = field(default=0.0, metadata={"unit": "s"})

    def count(self, name: str, reason: str, *, ending: Any = None) -> None:
        """One more trial; it failed if there is a reason."""
        self.tried += 1
        while reason and name in self.failures:
            name += "'"
        if reason:
            self.failures[name] = FOLDERS.sub("", " ".join(reason.split()))[:WORDS]
            sys.stderr.write(f"  failed: {self.kind}: {name}: {self.failures[name]}\n")
        if ending is not None:
            self.increase = round(max(self.increase, ending.increase), 1)
            self.peak = round(max(self.peak, ending.peak), 1)
            self.slowest = round(max(self.slowest, ending.seconds), 2)

    def skip(self, name: str, reason: str) -> None:
        """A trial that this machine does not allow."""
        self.skipped[name] = reason
        sys.stderr.write(f"  skipped: {self.kind}: {name}: {reason}\n")

    def note(self, what: str) -> None:
        """Something worth a word that is no failure."""
        self.notes[what] = self.notes.get(what, 0) + 1

    def content(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)
