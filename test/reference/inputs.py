"""Seeded inputs: like real models, exactly representable, tied, non-finite, hostile.

Every generator takes a numpy Generator (`rng(seed)`) first and returns new arrays.
"""
import numpy as np

from . import layouts as kv

INVALID = np.array([-(2**31), -123456, -1, 114514, 1919810, 2147480000, 2**31 - 1], np.int64)
TIES = ("zero", "equal", "few", "low_bits", "plateau")


def rng(seed):
    """The random generator of a seed."""
    return np.random.Generator(np.random.PCG64(seed))


def _low_rank(rng, rows, width, rank, channels, noise=0.3):
    """rows x width of unit size: low rank plus heavy-tailed noise, over uneven channels."""
    basis = rng.standard_normal((rank, width)) / np.sqrt(rank)
    x = rng.standard_t(5, (rows, rank)) @ basis + noise * rng.standard_t(4, (rows, width))
    return x * channels


def _channels(rng, width):
    """Uneven channel sizes, two of them outliers."""
    sizes = np.exp(0.5 * rng.standard_normal(width))
    sizes[rng.integers(0, width, 2)] *= 4
    return sizes


def index_inputs(rng, T, S, Hi, D, *, type="bf16", plateau=0.2, duplicates=0.05):
    """q T x Hi x D, k S x D of `type` and w T x Hi f32, as a real indexer sees them.

    A fraction `plateau` of the keys has only negative dot products, so that under ReLU the score is
    exactly 0; a fraction `duplicates` repeats another key, with exactly equal scores."""
    channels, rank = _channels(rng, D), max(1, min(16, D // 2))
    q = _low_rank(rng, T * Hi, D, rank, channels).reshape(T, Hi, D)
    k = _low_rank(rng, S, D, rank, 1 / channels)
    w = rng.standard_normal((T, Hi)) * np.exp(0.5 * rng.standard_normal(Hi)) / np.sqrt(Hi * D)
    if D:
        q[..., 0] = np.abs(q[..., 0]) + 0.25 * np.linalg.norm(q[..., 1:], axis=-1) + 0.01
    flat = rng.permutation(S)[: int(plateau * S)]
    if D and q.size:
        k[flat] /= 8
        lean = (np.linalg.norm(q[..., 1:], axis=-1) / q[..., 0]).max()
        k[flat, 0] = -1.5 * lean * np.linalg.norm(k[flat, 1:], axis=-1) - 0.01
    twins = rng.permutation(S)[: int(duplicates * S)]
    if S:
        k[twins] = k[rng.integers(0, S, len(twins))]
    return {"q": kv.cast(q, type), "k": kv.cast(k, type), "w": w.astype(np.float32)}


def attention_inputs(rng, T, S, H, Dk, *, type="bf16", peak=3.0):
    """q T x H x Dk, kv S x Dk of `type`, sink H f32 and scale: logits have a spread of `peak`."""
    channels, rank = _channels(rng, Dk), max(1, min(64, Dk // 2))
    q = _low_rank(rng, T * H, Dk, rank, 1 / channels).reshape(T, H, Dk)
    rows = _low_rank(rng, S, Dk, rank, channels)
    q, rows = np.clip(q, -10, 10), np.clip(rows, -10, 10)
    logits = q.reshape(-1, Dk)[:64] @ rows[:256].T
    scale = np.float32(peak / max(float(logits.std()) if logits.size else 1.0, 1e-3))
    sink = rng.standard_normal(H).astype(np.float32)
    return {"q": kv.cast(q, type), "kv": kv.cast(rows, type), "sink": sink, "scale": float(scale)}


def real_model(rng, T, S, Hi, D, H, Dk, *, type="bf16", plateau=0.2, duplicates=0.05, peak=3.0):
    """Inputs of a whole layer: index_q, index_k, index_w, q, kv, sink, scale."""
    index = index_inputs(rng, T, S, Hi, D, type=type, plateau=plateau, duplicates=duplicates)
    out = {f"index_{name}": x for name, x in index.items()}
    return out | attention_inputs(rng, T, S, H, Dk, type=type, peak=peak)


def small_integers(rng, T, S, Hi, D, *, type="f32", batch=None, size=3):
    """Index q, k, w and key_scale whose partial sums are all exact in f32, in any order.

    q and k are integers of at most `size`, w of at most 2, key_scale is 1, 2 or 4 (rows of zeros
    and repeats included), so every backend must select exactly what the reference selects."""
    if 4 * Hi * 2 * D * size * size > 2**24 or size > 16:
        raise ValueError("partial sums would not be exact")
    lead = () if batch is None else (batch,)
    q = rng.integers(-size, size + 1, lead + (T, Hi, D))
    k = rng.integers(-size, size + 1, lead + (S, D))
    k[rng.random(lead + (S,)) < 0.1] = 0
    if S:
        twins = rng.permutation(S)[: S // 8]
        k[..., twins, :] = k[..., rng.integers(0, S, len(twins)), :]
    w = rng.integers(-2, 3, lead + (T, Hi)).astype(np.float32)
    scale = 2.0 ** rng.integers(0, 3, lead + (S,))
    return {"q": kv.cast(q, type), "k": kv.cast(k, type), "w": w,
            "key_scale": scale.astype(np.float32)}


def tie_scores(rng, T, S, kind):
    """f32 scores T x S full of ties: kind is one of TIES.

    zero: zeros of both signs; equal: one value per row; few: four values; low_bits: values that
    differ in their last 10 bits only; plateau: seven of ten are 0, the rest is random."""
    if kind == "zero":
        return np.where(rng.random((T, S)) < 0.5, -0.0, 0.0).astype(np.float32)
    if kind == "equal":
        return np.repeat(rng.standard_normal((T, 1)), S, axis=1).astype(np.float32)
    if kind == "few":
        return rng.choice(np.array([-1, -0.0, 0.0, 2.5], np.float32), (T, S))
    if kind == "low_bits":
        bits = 0x3F900000 + rng.integers(0, 1024, (T, S))
        return bits.astype(np.uint32).view(np.float32)
    if kind == "plateau":
        x = np.maximum(rng.standard_normal((T, S)), 0)
        return np.where(rng.random((T, S)) < 0.4, 0, x).astype(np.float32)
    raise ValueError(f"kind {kind}")


def tie_inputs(rng, T, S, Hi, D, kind, *, type="f32"):
    """Index q, k, w whose scores are all 0 (kind 'zero') or all equal in each row ('equal')."""
    data = small_integers(rng, T, S, Hi, D, type=type)
    if kind == "zero":
        data["k"] = np.zeros_like(data["k"])
    elif kind == "equal":
        data["k"] = np.repeat(data["k"][:1], S, axis=0)
    else:
        raise ValueError(f"kind {kind}")
    data["key_scale"] = np.ones(S, np.float32)
    return data


def inject(rng, x, value, fraction=0.02, rows=False):
    """(copy of x with `value` at random places, mask of the places): of elements, or whole rows
    (last axis). At least one place unless x is empty."""
    shape = x.shape[:-1] if rows else x.shape
    mask = rng.random(shape) < fraction
    if mask.size and not mask.any():
        mask.reshape(-1)[rng.integers(mask.size)] = True
    y = x.copy()
    y[mask] = np.asarray(value, np.float32).astype(x.dtype)
    return y, mask


def indices(rng, T, S, K, *, invalid=0.05, duplicates=0.0, empty=0.05, batch=None):
    """i32 indices [B x] T x K below S: distinct and ascending where S allows it, a tail of -1 in
    some rows, then `invalid` of them replaced by -1 or values outside [0, S), `duplicates` by their
    left neighbour; a fraction `empty` of the rows has no valid index."""
    lines = T * (1 if batch is None else batch)
    bad = np.concatenate([INVALID[(INVALID < 0) | (INVALID >= S)], [S]])
    out = np.full((lines, K), -1, np.int64)
    for row in out:
        n = min(K, S) if rng.random() < 0.5 else int(rng.integers(0, min(K, S) + 1))
        row[:n] = np.sort(rng.choice(S, n, replace=False)) if n else 0
        again = np.flatnonzero(rng.random(max(n - 1, 0)) < duplicates) + 1
        row[again] = row[again - 1]
        gone = rng.random(K) < (1.1 if rng.random() < empty else invalid)
        row[gone] = rng.choice(bad, int(gone.sum()))
    shape = (T, K) if batch is None else (batch, T, K)
    return out.reshape(shape).astype(np.int32)


def counts(rng, T, K, batch=None):
    """i32 counts [B x] T: mostly in [0, K], some negative or above K (to be clamped)."""
    shape = (T,) if batch is None else (batch, T)
    x = rng.integers(0, K + 1, shape)
    odd = rng.choice(np.array([-(2**31), -1, 0, K, K + 1, 2**31 - 1]), shape)
    return np.where(rng.random(shape) < 0.3, odd, x).astype(np.int32)


def causal_bounds(T, S, ratio=1):
    """(lo, hi) of the last T of S * ratio positions, S keys each of `ratio` positions."""
    position = S * ratio - T + np.arange(T)
    return np.zeros(T, np.int32), ((position + 1) // ratio).astype(np.int32)


def hostile_bounds(rng, T, S):
    """(lo, hi) T i32: random, reversed, empty, negative, above S, INT_MIN, INT_MAX."""
    pool = np.array([-(2**31), -5, -1, 0, 1, S // 2, S - 1, S, S + 1, 2**31 - 1])
    lo, hi = rng.integers(0, S + 1, T), rng.integers(0, S + 1, T)
    lo = np.where(rng.random(T) < 0.5, rng.choice(pool, T), lo)
    hi = np.where(rng.random(T) < 0.5, rng.choice(pool, T), hi)
    return lo.astype(np.int32), hi.astype(np.int32)


def paginate(rng, rows, page, *, extra=3, fill=np.nan):
    """Dense rows B x S x .. -> (pool P x page x .., block table B x ceil(S/page) i32).

    Pages are shuffled; `extra` unused pages and the rest of each last page hold `fill`. Positions
    from S up to N*page read these rows: bound or index accordingly. An unbatched pool: rows[None];
    scales (S per row) page likewise."""
    batch, size = rows.shape[:2]
    blocks = -(-size // page)
    pages = batch * blocks + extra
    table = rng.permutation(pages)[: batch * blocks].reshape(batch, blocks).astype(np.int32)
    pool = np.full((pages, page) + rows.shape[2:], fill, np.float32).astype(rows.dtype)
    padded = np.full((batch, blocks * page) + rows.shape[2:], fill, np.float32).astype(rows.dtype)
    padded[:, :size] = rows
    pool[table] = padded.reshape((batch, blocks, page) + rows.shape[2:])
    return pool, table


def poison_table(rng, table, pages, fraction=0.2):
    """A block table with some entries outside [0, pages): negative, pages, INT_MIN, INT_MAX."""
    bad = np.array([-1, -(2**31), pages, 2**31 - 1])
    mask = rng.random(table.shape) < fraction
    return np.where(mask, rng.choice(bad, table.shape), table).astype(np.int32)
