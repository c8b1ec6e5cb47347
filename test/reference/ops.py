"""The six ops in float64.

Shapes are unbatched; every op also takes a leading batch dimension, read from the rank of q (of
scores for `top_k`, of the outs for `merge_attention`; `unpack` has none), on everything but page
pools and sinks. Sizes: T query rows, S key rows, H heads, Hi index heads, D index width, Dk and Dv
key and value width, K selected, P pages, N block-table columns.

What is masked or invalid is selected away, never multiplied by zero. Rows are computed one by one,
each from its own inputs; equal key rows have scores with equal bits.
"""
import numpy as np

from . import layouts as kv

NEG_INF = -np.inf
INT_MAX = 2**31 - 1
ORDERS = ("index_ascending", "score_descending")


def _f64(x):
    """x as f64, exactly; None stays None."""
    return None if x is None else np.asarray(x).astype(np.float64)


def _lead(x, batched):
    """x with a batch dimension: as it is, or with a new one of size 1; None stays None."""
    return None if x is None else np.asarray(x) if batched else np.asarray(x)[None]


def _join(x, tail):
    """x, with tail appended to its columns if there is one."""
    return np.asarray(x) if tail is None else np.concatenate([x, tail], axis=-1)


def bounds(lo, hi, shape, size):
    """lo and hi of each row (shape), clamped to [0, size]; missing lo is 0, missing hi is size."""
    lo = np.zeros(shape, np.int64) if lo is None else np.asarray(lo).astype(np.int64)
    hi = np.full(shape, size, np.int64) if hi is None else np.asarray(hi).astype(np.int64)
    if lo.shape != shape or hi.shape != shape:
        raise ValueError(f"bounds {lo.shape}, {hi.shape} for rows {shape}")
    return np.clip(lo, 0, size), np.clip(hi, 0, size)


def _table_rows(batch, rows, table, row_ids):
    """B x T row number in a block table for each query row, or -1 where a row id names none."""
    if row_ids is not None:
        ids = np.asarray(row_ids).astype(np.int64)
        if batch != 1 or ids.shape != (rows,) or table is None:
            raise ValueError("row_ids: one per row of an unbatched op with a table")
        return np.where((ids >= 0) & (ids < len(table)), ids, -1)[None]
    if table is not None and len(table) != batch:
        raise ValueError(f"block table of {len(table)} rows for {batch}, and no row_ids")
    return np.repeat(np.arange(batch)[:, None], rows, axis=1)


class _Rows:
    """The key rows of one set, and how a position names one.

    rows: a batch of dense rows B x S x .., or a pool P x page x .. with an optional block table.
    """

    def __init__(self, rows, paged, table):
        self.rows, self.paged = rows, paged
        self.table = None if table is None else np.asarray(table).astype(np.int64)
        if table is not None and not paged:
            raise ValueError("a block table needs a paged key source")
        self.page = rows.shape[1]
        self.flat = rows.reshape((rows.shape[0] * self.page,) + rows.shape[2:]) if paged else None

    @property
    def size(self):
        """S, the number of positions."""
        if not self.paged:
            return self.rows.shape[1]
        return (len(self.rows) if self.table is None else self.table.shape[1]) * self.page

    def find(self, position, line):
        """(slots, valid) of positions for table row (or batch) `line`; -1: all invalid.

        slot = table[line][position // page] * page + position % page."""
        ok = (position >= 0) & (position < self.size) & (line >= 0)
        slot = np.where(ok, position, 0)
        if self.table is not None and ok.any():
            entry = self.table[line][slot // self.page]
            ok = ok & (entry >= 0) & (entry < len(self.rows))
            slot = np.where(ok, entry * self.page + slot % self.page, 0)
        return slot, ok

    def take(self, slots, line):
        """The rows in these valid slots."""
        return (self.flat if self.paged else self.rows[line])[slots]


def _key_rows(keys, tail, batched, paged, layout, round_to):
    """Key rows in f64 for _Rows: decoded and joined, rounded once to `round_to` if that is set."""
    if layout is not None:
        if paged != (layout.page is not None) or tail is not None:
            raise ValueError(f"{layout.name}: layout and key source do not fit")
        rows = kv.decode(keys, layout)
    else:
        rows = _join(keys, tail).astype(np.float64)
    rows = rows if round_to is None else kv.rounded(rows, round_to)
    return rows if paged else _lead(rows, batched)


# ------------------------------------------------------------------------------------------ SCORE


def _score_rows(q, keys, w, key_scale, activation):
    """(I, A) of one query row against M key rows: q Hi x D, keys M x D, w Hi, key_scale M or None.

    I[s] = key_scale[s] * sum_j w[j] act(<q[j], keys[s]>); relu(x) = x > 0 or NaN ? x : 0
    A[s] = |key_scale[s]| * sum_j |w[j]| sum_d |q[j,d] keys[s,d]|

    einsum, not matmul: each score is then summed in one order, whatever its position."""
    dot = np.einsum("sd,jd->sj", keys, q)
    if activation == "relu":
        dot = np.where(0 > dot, 0, dot)
    score = np.einsum("sj,j->s", dot, w)
    magnitude = np.abs(keys) @ (np.abs(w) @ np.abs(q))
    if key_scale is not None:
        score, magnitude = key_scale * score, np.abs(key_scale) * magnitude
    return score, magnitude


def indexer_scores(q, k, w, *, q_tail=None, k_tail=None, key_scale=None, block_table=None,
                   row_ids=None, lo=None, hi=None, activation="relu", paged=False, layout=None):
    """(I, A), each T x S in f64; I[t,s] for lo[t] <= s < hi[t] on a valid page, else -inf (A: 0).

    q T x Hi x D, w T x Hi, k S x D; paged: P x page x D with block_table; with a layout: bytes.
    A layout of one f8 field under one scale per row: the scale is the key_scale. Any other: the
    elements are dequantised to bf16. A bounds the rounding error, see compare.scores_close."""
    if activation not in ("relu", "none"):
        raise ValueError(f"activation {activation}")
    if layout is not None and key_scale is not None:
        raise ValueError("key_scale beside a packed source")
    if paged != (block_table is not None):
        raise ValueError("SCORE reads a paged source through a block table, a flat one without")
    batched = np.ndim(q) == 4
    q, w = _f64(_lead(_join(q, q_tail), batched)), _f64(_lead(w, batched))
    lo, hi = _lead(lo, batched), _lead(hi, batched)
    if layout is not None and layout.row_scale:
        codes, key_scale = kv.decode_codes(k, layout)
        keys = codes.astype(np.float64)
        keys = keys if paged else _lead(keys, batched)
    else:
        keys = _key_rows(k, k_tail, batched, paged, layout, "bf16" if layout else None)
    source = _Rows(keys, paged, block_table)
    scale = None
    if key_scale is not None:
        scale = _Rows(_f64(key_scale if paged else _lead(key_scale, batched)), paged, block_table)
    batch, rows, size = q.shape[0], q.shape[1], source.size
    lines = _table_rows(batch, rows, block_table, row_ids)
    lo, hi = bounds(lo, hi, (batch, rows), size)
    scores, magnitude = np.full((batch, rows, size), NEG_INF), np.zeros((batch, rows, size))
    with np.errstate(all="ignore"):
        for b, t in np.ndindex(batch, rows):
            position = np.arange(lo[b, t], hi[b, t])
            slot, ok = source.find(position, lines[b, t])
            slot, position = slot[ok], position[ok]
            scores[b, t, position], magnitude[b, t, position] = _score_rows(
                q[b, t], source.take(slot, lines[b, t]), w[b, t],
                None if scale is None else scale.take(slot, lines[b, t]), activation)
    return (scores, magnitude) if batched else (scores[0], magnitude[0])


# ----------------------------------------------------------------------------------------- SELECT


def expand_ids(ids, shape):
    """The ids of every cell of scores of this shape, B x T x S: from S, B x S or B x T x S."""
    batch, rows, size = shape
    if ids is None:
        ids = np.arange(size)
    ids = np.asarray(ids).astype(np.int64)
    if ids.ndim == 2:
        ids = ids[:, None]
    return np.broadcast_to(ids, (batch, rows, size))


def _translated(ids, table, page):
    """(slots, valid): slot = table[id // page] * page + id % page; invalid: an id on a page behind
    the table, a negative entry, a slot that is no i32. Negative ids are invalid."""
    where = ids // page
    ok = (ids >= 0) & (where < len(table))
    entry = np.full(ids.shape, -1, np.int64)
    entry[ok] = table[where[ok]]
    slot = entry * page + ids % page
    return slot, ok & (entry >= 0) & (slot <= INT_MAX)


def _select(scores, ids, slots, ok, k, order):
    """One row's (indices, count, values): the k best among `ok`, as slots, by (score desc, id asc).

    All of S: f32 scores, ids, slots, ok. -0 equals +0. Padding -1, values -inf."""
    columns = np.flatnonzero(ok & ~np.isnan(scores) & (scores > NEG_INF))
    best = columns[np.lexsort((ids[columns], -scores[columns]))][:k]
    if order == "index_ascending":
        best = best[np.argsort(ids[best], kind="stable")]
    indices, values = np.full(k, -1, np.int32), np.full(k, NEG_INF, np.float32)
    indices[: len(best)], values[: len(best)] = slots[best], scores[best]
    return indices, len(best), values


def top_k(scores, k, *, lo=None, hi=None, ids=None, translate=None, translate_row_ids=None,
          order="index_ascending"):
    """(indices T x K i32, count T i32, values T x K f32) of scores T x S f32.

    The best k columns in [lo, hi) by (score descending, id ascending), NaN and -inf never; packed
    left in `order`, then -1 (values -inf). Results hold ids (S or T x S; default the columns; < 0:
    never selected). translate = (table, page): slots replace the ids, after the order is fixed."""
    if order not in ORDERS or k < 1:
        raise ValueError(f"order {order}, k {k}")
    batched = np.ndim(scores) == 3
    with np.errstate(over="ignore"):
        scores = _lead(scores, batched).astype(np.float32)
    batch, rows, size = scores.shape
    ids = _lead(ids, True if batched else np.ndim(ids) == 1)
    ids = expand_ids(ids, scores.shape)
    lo, hi = bounds(_lead(lo, batched), _lead(hi, batched), (batch, rows), size)
    table, page = (None, 1) if translate is None else (np.asarray(translate[0]), translate[1])
    lines = _table_rows(batch, rows, table, translate_row_ids)
    indices, values = np.zeros((batch, rows, k), np.int32), np.zeros((batch, rows, k), np.float32)
    count = np.zeros((batch, rows), np.int32)
    for b, t in np.ndindex(batch, rows):
        row, line, column = ids[b, t], lines[b, t], np.arange(size)
        slots, ok = row, (row >= 0) & (line >= 0) & (lo[b, t] <= column) & (column < hi[b, t])
        if table is not None:
            slots, known = _translated(row, table[max(line, 0)] if len(table) else table, page)
            ok = ok & known
        indices[b, t], count[b, t], values[b, t] = _select(scores[b, t], row, slots, ok, k, order)
    return (indices, count, values) if batched else (indices[0], count[0], values[0])


def lightning_indexer(q, k, w, top, *, ids=None, translate=None, translate_row_ids=None,
                      order="index_ascending", **score_keywords):
    """top_k (of `top`) of the f32-rounded indexer_scores, with the keywords of both."""
    scores, _ = indexer_scores(q, k, w, **score_keywords)
    return top_k(scores, top, ids=ids, translate=translate, translate_row_ids=translate_row_ids,
                 order=order)


# ----------------------------------------------------------------------------------------- ATTEND


def _softmax_row(logits, values, sink):
    """(out H x Dv, lse H) of one query row: logits H x M, values M x Dv, sink H or None.

    lse = ln sum_c exp z_c;  out = sum_c exp z_c values_c / (sum_c exp z_c + exp sink)
    All logits -inf: out 0, lse -inf. A NaN or +inf logit: both NaN."""
    peak = logits.max(axis=1, initial=NEG_INF)
    empty, bad = peak == NEG_INF, ~(peak < np.inf)
    base = np.where(empty | bad, 0, peak)
    # By the peak, not by lse: of large logits, lse has lost ln of how many there are.
    weights = np.exp(logits - base[:, None])
    total = weights.sum(axis=1)
    lse = base + np.log(total)
    if sink is not None:
        total = total + np.exp(sink - base)
    out = (weights / total[:, None]) @ values
    return (np.where(bad[:, None], np.nan, np.where(empty[:, None], 0, out)),
            np.where(bad, np.nan, np.where(empty, NEG_INF, lse)))


class _KeySet:
    """One key set: rows, values (None: the first columns of the rows), indices and counts."""

    def __init__(self, rows, values, indices, count):
        self.rows, self.values = rows, values
        self.indices = indices.astype(np.int64)
        top = indices.shape[-1]
        self.count = np.full(indices.shape[:-1], top) if count is None else np.clip(count, 0, top)

    def gather(self, b, t, line, dv):
        """(keys M x Dk, values M x Dv) of the valid indices of row (b, t), repeats included."""
        slot, ok = self.rows.find(self.indices[b, t], line)
        slot = slot[ok & (np.arange(len(ok)) < self.count[b, t])]
        keys = self.rows.take(slot, line)
        return keys, keys[:, :dv] if self.values is None else self.values.take(slot, line)


def _or_none(group, sets, name):
    """A group of operands as a list with one entry per set; an empty group is all None."""
    if len(group) not in (0, sets):
        raise ValueError(f"{name}: {len(group)} for {sets} key sets")
    return list(group) or [None] * sets


def sparse_attention(q, keys, indices, *, scale, dv, q_tail=None, key_tails=(), counts=(),
                     values=(), block_tables=(), row_ids=None, sink=None, paged=False, layouts=(),
                     compute_type=None, absolute=False):
    """(out T x H x Dv, lse T x H) in f64: one softmax over the rows the indices of all sets name.

    q T x H x Dk. Lists with one entry per set: keys (as in indexer_scores, with the same layouts
    and paging), indices T x K_i; each of key_tails, counts (T), values, block_tables, layouts may
    be empty. Without block tables the indices of a pool are slots. A set's values default to the
    first dv columns of its keys. q, keys and values are rounded to compute_type ('f32', 'f16',
    'bf16'; default q's type, or bf16 if any keys are f8 or packed). With `absolute`, out is of the
    absolute values: what errors of weights are in proportion to. See _softmax_row."""
    sets, batched = len(keys), np.ndim(q) == 4
    layouts, tails = _or_none(layouts, sets, "layouts"), _or_none(key_tails, sets, "key_tails")
    tables, counts = _or_none(block_tables, sets, "block_tables"), _or_none(counts, sets, "counts")
    values = _or_none(values, sets, "values")
    if len(indices) != sets or (batched and paged and not block_tables):
        raise ValueError("indices: one per key set; a batched pool needs block tables")
    if compute_type is None:
        narrow = any(la is not None or np.asarray(x).dtype == kv.DTYPES["f8E4M3FN"]
                     for la, x in zip(layouts, keys))
        compute_type = "bf16" if narrow else kv.type_name(np.asarray(q).dtype)
    if compute_type not in ("f32", "f16", "bf16"):
        raise ValueError(f"compute_type {compute_type}")
    q = kv.rounded(_lead(_join(q, q_tail), batched), compute_type)
    members = []
    for i in range(sets):
        rows = _key_rows(keys[i], tails[i], batched, paged, layouts[i], compute_type)
        own = None
        if values[i] is not None:
            own = _key_rows(values[i], None, batched, paged, None, compute_type)
            own = _Rows(own, paged, tables[i])
        members.append(_KeySet(_Rows(rows, paged, tables[i]), own, _lead(indices[i], batched),
                               _lead(counts[i], batched)))
    batch, length, heads, width = q.shape
    lines = [_table_rows(batch, length, table, row_ids if table is not None else None)
             for table in tables]
    sink, scale = _f64(sink), np.float64(np.float32(scale))
    out, lse = np.zeros((batch, length, heads, dv)), np.full((batch, length, heads), NEG_INF)
    with np.errstate(all="ignore"):
        for b, t in np.ndindex(batch, length):
            found = [m.gather(b, t, line[b, t], dv) for m, line in zip(members, lines)]
            rows = np.concatenate([np.zeros((0, width))] + [k for k, _ in found])
            cols = np.concatenate([np.zeros((0, dv))] + [v for _, v in found])
            cols = np.abs(cols) if absolute else cols
            out[b, t], lse[b, t] = _softmax_row(scale * (q[b, t] @ rows.T), cols, sink)
    return (out, lse) if batched else (out[0], lse[0])


def merge_attention(outs, lses, sink=None):
    """(out T x H x Dv, lse T x H) in f64 of parts: outs N_i x T x H x Dv, lses N_i x T x H.

    lse = ln sum_i exp lse_i;  out = sum_i exp(lse_i - ln(exp lse + exp sink)) out_i
    A part with lse -inf adds nothing, whatever its out; an lse of NaN or +inf makes both NaN; all
    -inf: out 0, lse -inf. The sink (H) is in no lse."""
    outs = np.concatenate([_f64(x) for x in outs])
    lses = np.concatenate([_f64(x) for x in lses])
    if outs.shape[:-1] != lses.shape or outs.ndim not in (4, 5):
        raise ValueError(f"outs {outs.shape}, lses {lses.shape}")
    with np.errstate(all="ignore"):
        peak = lses.max(axis=0, initial=NEG_INF)
        empty, bad = peak == NEG_INF, ~(peak < np.inf)
        base = np.where(empty | bad, 0, peak)
        lse = base + np.log(np.exp(lses - base).sum(axis=0))
        total = lse if sink is None else np.logaddexp(lse, _f64(sink))
        weight = np.exp(lses - total)[..., None]
        out = np.where(lses[..., None] == NEG_INF, 0, weight * outs).sum(axis=0)
    return (np.where(bad[..., None], np.nan, np.where(empty[..., None], 0, out)),
            np.where(bad, np.nan, np.where(empty, NEG_INF, lse)))


def unpack(src, layout, paged, to="f32"):
    """Packed source -> rows: P x page_bytes -> P x page x D, S x bytes -> S x D.

    to 'f32' or 'bf16': product in f32, rounded once. 'codes': (f8 codes, f32 scales)."""
    if paged != (layout.page is not None) or np.ndim(src) != 2:
        raise ValueError(f"{layout.name}: layout and source {np.shape(src)} do not fit")
    if to == "codes":
        return kv.decode_codes(src, layout)
    if to not in ("f32", "bf16"):
        raise ValueError(f"to {to}")
    return kv.cast(kv.decode(src, layout), to)
