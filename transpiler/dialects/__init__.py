"""Op classes, one module a dialect. Importing this package registers them all."""

from . import arith, cf, gpu, llvm, math, scf, tt, ttg, ub

__all__ = ["arith", "cf", "gpu", "llvm", "math", "scf", "tt", "ttg", "ub"]
