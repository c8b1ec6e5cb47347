"""The operands of a test as the GPU kernel of dsa.sparse_attention takes them: rows of bf16 or f16
in whole 16s of columns. Columns of zeros change no dot product."""

import numpy as np

from harness import BF16, DTYPES, TYPES, is_gpu

# Columns come in multiples of it.
UNIT = 16
NARROW = (BF16, np.dtype(np.float16))


def whole(columns):
    """The least number of columns from `columns` on that the kernel takes."""
    return max(UNIT, -(-columns // UNIT) * UNIT)


def padded(array):
    """`array` with columns of zeros up to whole 16s."""
    more = whole(array.shape[-1]) - array.shape[-1]
    return np.concatenate([array, np.zeros(array.shape[:-1] + (more,), array.dtype)], axis=-1)


def fitted(q, keys, **keywords):
    """(q, keys, keywords) of sparse_attention as the target of this context takes
    them."""
    return narrowed(q, keys, **keywords) if is_gpu() else (q, keys, keywords)


def narrowed(q, keys, *, dv, q_tail=None, key_tails=(), values=(), compute_type=None, **others):
    """(q, keys, keywords) with rows of f32 rounded to the compute type, or to bf16 where that is
    f32 or not given, and all rows padded."""
    narrow = np.dtype(DTYPES[compute_type]) if compute_type in ("bf16", "f16") else BF16

    def fit(array):
        with np.errstate(all="ignore"):
            return padded(array.astype(narrow) if array.dtype == np.float32 else array)

    keywords = dict(others, dv=whole(dv), q_tail=None if q_tail is None else fit(q_tail),
                    key_tails=[fit(x) for x in key_tails], values=[fit(x) for x in values],
                    compute_type=compute_type)
    return fit(q), [fit(x) for x in keys], keywords


def is_covered(q, keys, compute_type=None):
    """Whether the kernel takes rows of these types; the reason that it gives else is tested where
    it is."""
    return (q.dtype in NARROW and all(x.dtype == q.dtype for x in keys)
            and compute_type in (None, TYPES[q.dtype]))
