"""Several Python threads at once, whatever layer numba shares its loops by."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import microstructure

HOME = Path(microstructure.__file__).parents[1]
PACKAGES = ("microstructure", "percolation", "transport", "studies")
THREADS = """
import threading
import numba
import numpy as np
from percolation import find_clusters
from transport import effective_conductivity

mask = np.random.default_rng(1).random((24, 24, 24)) < 0.6
count = find_clusters(mask).count
value = effective_conductivity(mask.astype(np.uint8), {0: 0.0, 1: 1.0}, 1.0).value
found = []

def label():
    found.extend(find_clusters(mask).count == count for _ in range(200))

def solve():
    found.append(effective_conductivity(mask.astype(np.uint8), {0: 0.0, 1: 1.0}, 1.0).value == value)

threads = [threading.Thread(target=work) for work in (label, label, solve, solve)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(numba.threading_layer(), len(found), all(found))
"""


def test_two_threads_at_once_get_what_one_gets_with_the_layer_that_aborts_else():
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "NUMBA_THREADING_LAYER": "workqueue", "NUMBA_NUM_THREADS": "2", "PYTHONPATH": path}
    run = subprocess.run([sys.executable, "-c", THREADS], env=environment, capture_output=True, text=True)
    assert (run.returncode, run.stdout.split()) == (0, ["workqueue", "402", "True"]), run.stderr


def test_every_parallel_kernel_is_run_in_turn():
    files = {path: path.read_text("utf-8") for package in PACKAGES for path in (HOME / package).rglob("*.py")}
    kernels = {}
    for path, text in files.items():
        if "parallel=True" in text:
            module = importlib.import_module(".".join(path.relative_to(HOME).with_suffix("").parts))
            for name, kernel in vars(module).items():
                if getattr(kernel, "targetoptions", {}).get("parallel"):
                    kernels[name] = module.__name__
    assert len(kernels) > 20
    for path, text in files.items():
        if path.name.startswith("_") and path.name != "__init__.py":
            continue
        for name, module in kernels.items():
            if re.search(rf"^from {re.escape(module)} import [^)]*?\b{name}\b", text, re.MULTILINE):
                assert not re.search(rf"(?<!def )(?<![.\w]){name}\(", text), (
                    f"{name} in {path.name} is called outside of in_turn"
                )
