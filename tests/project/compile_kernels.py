"""Compile every kernel once, on all processors, before the tests share them: each worker would compile for itself."""

import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.project.plain_kernels import CASES

# that compile longest, so that they begin first
FIRST = ("microstructure.carbon._coat_domain", "microstructure.carbon._placement", "microstructure.carbon._aggregates")


def compile_module(module):
    """Seconds that the case of a module took."""
    start = time.perf_counter()
    CASES[module]()
    return time.perf_counter() - start


def main():
    """One process for each processor, each with the next module when it is done with one."""
    modules = sorted(CASES, key=lambda module: module not in FIRST)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        for module, seconds in zip(modules, pool.map(compile_module, modules), strict=True):
            sys.stdout.write(f"{module}: {seconds:.1f} s\n")


if __name__ == "__main__":
    main()
