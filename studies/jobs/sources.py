"""The code that numbers come from: a module and all of the project that it imports, whatever its comments say."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import CodeType

PACKAGES = ("microstructure", "percolation", "transport", "studies")
DATA = re.compile(r"[\w-]+\.(toml|csv|json)")


def source_digest(modules: Sequence[str]) -> str:
    """SHA-256 of modules, of all that they import from the project, and of the data files that these name.

    Comments, docstrings and blank lines do not count: what is compiled does.
    """
    digest = hashlib.sha256()
    for name, path in sorted(imported(modules).items()):
        digest.update(f"{name} {_compiled(path.read_bytes()).digest}\n".encode())
    for path in data_files(modules):
        digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def imported(modules: Sequence[str]) -> dict[str, Path]:
    """File of each module, and of each that it imports from the project, directly or through others, by name."""
    there = project_modules()
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in there and name not in found:
            found[name] = there[name]
            waiting += [name.rpartition(".")[0], *_project_names(_compiled(there[name].read_bytes()).names)]
    return found


def data_files(modules: Sequence[str]) -> list[Path]:
    """Data files beside the modules that are named in them, or in what they import."""
    files = imported(modules).values()
    named = {text for path in files for text in _compiled(path.read_bytes()).files}
    beside = {folder / name for folder in {path.parent for path in files} for name in named}
    return sorted(path for path in beside if path.is_file())


def project_modules() -> dict[str, Path]:
    """Source file of every module of the project, by name."""
    found = {}
    for package in PACKAGES:
        home = Path(str(resources.files(package)))
        for path in home.rglob("*.py"):
            parts = path.relative_to(home).with_suffix("").parts
            found[".".join((package, *(part for part in parts if part != "__init__")))] = path
    return found


class _Compiled:
    """What is compiled from one source: its digest, all names in it, and the data files that it names."""

    def __init__(self, source: bytes) -> None:
        # docstrings are left out
        code = compile(source, "source", "exec", dont_inherit=True, optimize=2)
        parts = list(_parts(code))
        self.digest = hashlib.sha256("\n".join(map(_text, parts)).encode()).hexdigest()
        self.names = frozenset(name for part in parts for name in part.co_names)
        texts = (text for part in parts for text in part.co_consts if isinstance(text, str))
        self.files = frozenset(text for text in texts if DATA.fullmatch(text))


_compiled = lru_cache(maxsize=None)(_Compiled)


def _project_names(names: frozenset[str]) -> Iterator[str]:
    """Modules among names: `a.b` as `import a.b` has it, and `a.c` as `from a import c` has it."""
    for name in names:
        if name.partition(".")[0] in PACKAGES:
            yield name
            yield from (f"{name}.{other}" for other in names if other.isidentifier())


def _parts(code: CodeType) -> Iterator[CodeType]:
    """A code object and all inside it, in their order."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)


def _text(code: CodeType) -> str:
    """All of a code object that decides what it does; where its lines stand does not."""
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    return repr((code.co_name, code.co_code, names, counts, getattr(code, "co_exceptiontable", b""))) + "".join(
        _constant_text(constant) for constant in code.co_consts
    )


def _constant_text(constant: object) -> str:
    """Sets in order: they have another one in each process."""
    if isinstance(constant, CodeType):
        return constant.co_name
    if isinstance(constant, frozenset):
        return f"{{{','.join(sorted(map(_constant_text, constant)))}}}"
    if isinstance(constant, tuple):
        return f"({','.join(map(_constant_text, constant))})"
    return f"{type(constant).__name__}:{constant!r}"
