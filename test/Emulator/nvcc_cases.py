"""The kernels of kernels/ with inputs of odd sizes and what they must give.

Integers, and floats that happen to be exact, are compared exactly; of other
floats each comparison says its tolerance and why.
"""

import address_cases
import block_cases
import divergence_cases
import idiom_cases
import math_cases
import scalar_cases
import warp_cases

CASES = [case for module in (scalar_cases, math_cases, idiom_cases, divergence_cases, warp_cases,
                             block_cases, address_cases) for case in module.CASES]
