"""Independent float64 NumPy reference of the `dsa` ops, for the executed tests.

Written from the definition of the ops alone, never from their implementation, so that an error in
one does not hide in the other.

    layouts   packed key rows: where each element and scale lies, encode, decode
    ops       the six ops in float64
    compare   when an answer counts as right: tolerances, selection rules
    inputs    seeded inputs: like real models, exactly representable, tied, hostile

Use: put the folder above this package on `sys.path`, then `from reference import ops`.
Needs numpy and ml_dtypes.
"""
