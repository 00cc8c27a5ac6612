"""Op classes, one module a dialect. Importing this package registers them all."""

from . import amdg, arith, cf, gpu, llvm, math, scf, tt, ttg, ttng, ub

__all__ = ["amdg", "arith", "cf", "gpu", "llvm", "math", "scf", "tt", "ttg", "ttng", "ub"]
