"""The import rule of kernels: modules whose names begin with an underscore."""

from importlinter import Contract, ContractCheck, output

ALLOWED = ("numpy", "numba", "llvmlite", "math", "typing", "__future__")


class KernelContract(Contract):
    """A kernel imports numpy, numba and other kernels, of its own package or of a lower one."""

    def check(self, graph, verbose):
        """Every import of a kernel that is none of these."""
        kernels = {name for name in graph.modules if is_kernel(name)}
        broken = sorted(
            (kernel, imported)
            for kernel in kernels
            for imported in graph.find_modules_directly_imported_by(kernel)
            if imported.partition(".")[0] not in ALLOWED and imported not in kernels
        )
        return ContractCheck(kept=not broken, metadata={"broken": broken, "kernels": len(kernels)})

    def render_broken_contract(self, check):
        """One line for each."""
        for kernel, imported in check.metadata["broken"]:
            output.print_error(f"{kernel} is a kernel, and imports {imported}")


def is_kernel(module):
    """Whether the module's own name begins with one underscore."""
    name = module.rpartition(".")[2]
    return name.startswith("_") and not name.startswith("__")
