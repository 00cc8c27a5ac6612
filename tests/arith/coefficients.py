"""Prints the coefficients in templates/functions: `python -m tests.arith.coefficients`.

Each is a polynomial of least maximum error (Lawson's algorithm: least squares, weighted anew where
the error is largest), with coefficients rounded to float one after the other, lowest power first.
Needs mpmath.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy

mp: Any = importlib.import_module("mpmath")  # which has no annotations
np: Any = numpy
Real = Callable[[Any], Any]

_POINTS = 300
_ROUNDS = 200


@dataclass(frozen=True)
class Fit:
    """A polynomial of `terms` coefficients for a function on an interval; errors count `weight`
    times (1 / the function without one)."""

    function: Real
    low: float
    high: float
    terms: int
    weight: Real | None = None

    def coefficients(self) -> tuple[list[float], float]:
        """The coefficients, lowest power first, and the largest weighted error."""
        turns = np.cos(np.pi * (np.arange(_POINTS) + 0.5) / _POINTS)
        x = (self.low + self.high) / 2 + (self.high - self.low) / 2 * turns
        y = np.array([float(self.function(mp.mpf(v))) for v in x])
        weight = 1 / np.abs(y)
        if self.weight is not None:
            weight = np.array([float(self.weight(mp.mpf(v))) for v in x])
        powers = np.vander(x, self.terms, increasing=True)
        importance = np.full(_POINTS, 1 / _POINTS)
        for _ in range(_ROUNDS):
            scale = np.sqrt(importance) * weight
            found = np.linalg.lstsq(powers * scale[:, None], y * scale, rcond=None)[0]
            importance *= np.abs((powers @ found - y) * weight) + 1e-30
            importance /= importance.sum()
        scale = np.sqrt(importance) * weight
        rounded = np.zeros(self.terms)
        for i in range(self.terms):
            rest = y - powers[:, :i] @ rounded[:i]
            found = np.linalg.lstsq(powers[:, i:] * scale[:, None], rest * scale, rcond=None)[0]
            rounded[i] = np.float32(found[0])
        error = np.abs((powers @ rounded - y) * weight).max()
        return [float(c) for c in rounded], float(error)


def _one(_: Any) -> Any:
    return mp.mpf(1)


# erf(x) = x + x * p(x * x), and 1 - exp(-(t + t * p(t))).
def _erf_near(s: Any) -> Any:
    return mp.erf(mp.sqrt(s)) / mp.sqrt(s) - 1


def _erf_near_weight(s: Any) -> Any:
    return mp.sqrt(s) / mp.erf(mp.sqrt(s))


def _erf_far(t: Any) -> Any:
    return -mp.log(mp.erfc(t)) / t - 1


def _erf_far_weight(t: Any) -> Any:
    return mp.erfc(t) * t / mp.erf(t)


def _scaled_erfc(q: Any) -> Any:
    """exp(x * x) * erfc(x) * (1 + 2 * x) of q = (x - 2) / (x + 2)."""
    if q > 1 - 1e-9:
        return 2 / mp.sqrt(mp.pi)
    x = 2 * (1 + q) / (1 - q)
    if x > 40:
        terms, term = mp.mpf(0), mp.mpf(1)
        for k in range(30):
            terms += term
            term *= -(2 * k + 1) / (2 * x * x)
        return terms / (x * mp.sqrt(mp.pi)) * (1 + 2 * x)
    return mp.exp(x * x) * mp.erfc(x) * (1 + 2 * x)


# Bessel functions below 5, of u = x * x / 12.5 - 1; without the zero, and Y without its logarithm.
def _x_of(u: Any) -> Any:
    return max(mp.sqrt((u + 1) * 12.5), mp.mpf("1e-9"))


def _j0(u: Any) -> Any:
    x = _x_of(u)
    return mp.besselj(0, x) / (x * x - mp.besseljzero(0, 1) ** 2)


def _j1(u: Any) -> Any:
    x = _x_of(u)
    return mp.besselj(1, x) / x / (x * x - mp.besseljzero(1, 1) ** 2)


def _y0(u: Any) -> Any:
    x = _x_of(u)
    return mp.bessely(0, x) - 2 / mp.pi * mp.log(x) * mp.besselj(0, x)


def _y1(u: Any) -> Any:
    x = _x_of(u)
    return (mp.bessely(1, x) - 2 / mp.pi * (mp.log(x) * mp.besselj(1, x) - 1 / x)) / x


# From 5 on, of z = 1 / (x * x): sqrt(2 / (pi * x)) * modulus * cos(x - ... + phase / x).
def _modulus(order: int) -> Real:
    def function(z: Any) -> Any:
        x = 1 / mp.sqrt(max(z, mp.mpf("1e-12")))
        size = mp.sqrt(mp.besselj(order, x) ** 2 + mp.bessely(order, x) ** 2)
        return size * mp.sqrt(mp.pi * x / 2)

    return function


def _phase(order: int) -> Real:
    def function(z: Any) -> Any:
        x = 1 / mp.sqrt(max(z, mp.mpf("1e-12")))
        angle = mp.atan2(mp.bessely(order, x), mp.besselj(order, x))
        angle -= x - mp.pi / 4 - order * mp.pi / 2
        return (angle - 2 * mp.pi * mp.nint(angle / (2 * mp.pi))) * x

    return function


# Modified: below 5 of q = x * x / 4, from there on of t = 1 / x.
def _i_near(order: int) -> Real:
    return lambda q: mp.besseli(order, 2 * mp.sqrt(q)) / mp.sqrt(q) ** order


def _i_far(order: int) -> Real:
    return lambda t: mp.besseli(order, 1 / t) * mp.exp(-1 / t) / mp.sqrt(t)


FITS = {
    "erf": Fit(_erf_near, 1e-9, 0.9375**2, 7, _erf_near_weight),
    "erf, far": Fit(_erf_far, 0.9375, 4.0, 7, _erf_far_weight),
    "scaled_erfc": Fit(_scaled_erfc, -1.0, 1.0, 13),
    "j0": Fit(_j0, -1.0, 1.0, 9),
    "j1": Fit(_j1, -1.0, 1.0, 8),
    "y0": Fit(_y0, -1.0, 1.0, 9, _one),
    "y1": Fit(_y1, -1.0, 1.0, 9, _one),
    "bessel_far_0, modulus": Fit(_modulus(0), 1e-9, 0.04, 5),
    "bessel_far_0, phase": Fit(_phase(0), 1e-9, 0.04, 5, _one),
    "bessel_far_1, modulus": Fit(_modulus(1), 1e-9, 0.04, 5),
    "bessel_far_1, phase": Fit(_phase(1), 1e-9, 0.04, 5, _one),
    "i0": Fit(_i_near(0), 1e-9, 6.25, 9),
    "i0, far": Fit(_i_far(0), 1e-3, 0.2, 8),
    "i1": Fit(_i_near(1), 1e-9, 6.25, 9),
    "i1, far": Fit(_i_far(1), 1e-3, 0.2, 8),
}


def main() -> None:
    """Print every fit."""
    with mp.workdps(40):
        for name, fit in FITS.items():
            coefficients, error = fit.coefficients()
            print(f"{name}: error {error:.2g}")
            print("    " + ", ".join(f"{c:.9g}" for c in coefficients))


if __name__ == "__main__":
    main()
