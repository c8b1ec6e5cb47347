"""Binary numbers of any format and rounding, from their definition.

Slow and plain: what tests compare conversions with.
"""

import fractions
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    bits: int
    exponent: int  # its bits

    @property
    def fraction(self):
        return self.bits - 1 - self.exponent

    @property
    def bias(self):
        return (1 << (self.exponent - 1)) - 1

    @property
    def infinity(self):
        return ((1 << self.exponent) - 1) << self.fraction

    @property
    def sign(self):
        return 1 << (self.bits - 1)


F16, BF16, F32, F64 = Format(16, 5), Format(16, 8), Format(32, 8), Format(64, 11)
ROUND = {"rn": round, "rz": math.trunc, "rd": math.floor, "ru": math.ceil}


def encode(value, format, rounding="rn"):
    """The bits of a number (int, float or Fraction), or None for a NaN."""
    if isinstance(value, float) and not math.isfinite(value):
        if math.isnan(value):
            return None
        return format.infinity | (format.sign if value < 0 else 0)
    sign = format.sign if value < 0 or (value == 0 and math.copysign(1, value) < 0) else 0
    size = abs(fractions.Fraction(value))
    # Towards zero is what downwards is for a positive number, and so on.
    rounding = {"rd": "ru", "ru": "rd"}.get(rounding, rounding) if sign else rounding
    if size == 0:
        return sign
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    if size < fractions.Fraction(2) ** exponent:
        exponent -= 1
    exponent = max(exponent, 1 - format.bias)
    steps = ROUND[rounding](size / fractions.Fraction(2) ** (exponent - format.fraction))
    # A carry goes into the exponent by itself.
    bits = ((exponent + format.bias - 1) << format.fraction) + steps
    if bits >= format.infinity:
        bits = format.infinity - (0 if rounding in ("rn", "ru") else 1)
    return sign | bits


def decode(bits, format):
    """The number as a float, which F64 and all smaller formats fit."""
    bits = int(bits)
    size, sign = bits & (format.sign - 1), -1.0 if bits & format.sign else 1.0
    if size >= format.infinity:
        return sign * math.inf if size == format.infinity else math.nan
    exponent, steps = size >> format.fraction, size & ((1 << format.fraction) - 1)
    if exponent:
        steps |= 1 << format.fraction
    return sign * math.ldexp(steps, max(exponent, 1) - format.bias - format.fraction)


def to_integer(value, bits, signed, rounding, from_f64=False):
    """As PTX's cvt: saturates; a NaN gives 0, or the sign bit alone where an
    operand has 64 bits."""
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    if math.isnan(value):
        return (low if signed else 1 << (bits - 1)) if from_f64 or bits == 64 else 0
    if math.isinf(value):
        return low if value < 0 else high
    return min(max(ROUND[rounding](fractions.Fraction(value)), low), high)


def fma(a, b, c, format):
    """The bits of a * b + c, rounded once."""
    if all(map(math.isfinite, (a, b, c))):
        value = fractions.Fraction(a) * fractions.Fraction(b) + fractions.Fraction(c)
        # An exact zero is positive unless both terms are negative zeros.
        return encode(value if value else a * b + c, format)
    return encode(a * b + c, format)
