"""Problems for the attention kernel: operands of sparse_attention, and whether results match."""

import dataclasses

import numpy as np

import harness
from harness import BF16, DTYPES
from reference import compare, inputs

# A tile of keys of the default schedules.
TILE = 32


@dataclasses.dataclass
class Problem:
    """Operands and keywords of sparse_attention."""
    q: np.ndarray
    keys: list
    indices: list
    keywords: dict

    def run(self, folder, **more):
        return harness.sparse_attention(folder, self.q, self.keys, self.indices, **self.keywords,
                                        **more)

    def check(self, folder, out_type=None, dynamic=False, options=()):
        """out and lse, after comparing them with the float64 reference."""
        out, lse = self.run(folder, out_type=out_type, dynamic=dynamic, options=options)
        self.compare(out, lse)
        return out, lse

    def compare(self, out, lse):
        return compare.attention_matches(out, lse, self.q, self.keys, self.indices,
                                         type=harness.TYPES[self.q.dtype], **self.keywords)


def rows(rng, shape, type_name):
    return rng.standard_normal(shape).astype(DTYPES[type_name])


def make(rng, t, h, sets, dk, dv, *, batch=None, type_name="bf16", cut=0, values=False, page=None,
         table=False, row_ids=False, counts=False, sink=False, invalid=0.1, duplicates=0.1,
         peak=2.0):
    """`sets`: (rows, slots) of each key set. `cut`: columns of the tail. `page`: of each set,
    with or without a table. The first row has all its slots; the others have fewer, or none."""
    lead = () if batch is None else (batch,)
    lines = batch or (3 if row_ids else 1)
    q = rows(rng, lead + (t, h, dk), type_name)
    keywords = dict(scale=peak / np.sqrt(dk), dv=dv)
    keys, own, tables, indices = [], [], [], []
    for i, (s, k) in enumerate(sets):
        positions = s
        if page:
            page_rows = page[i]
            columns = -(-s // page_rows)
            positions = columns * page_rows
            pages = lines * columns + 2 if table else columns
            shape = (pages, page_rows)
            if table:
                order = rng.permutation(pages)[:lines * columns].reshape(lines, columns)
                order = inputs.poison_table(rng, order.astype(np.int32), pages, 0.1)
                order[:, 1:2] = pages
                tables.append(order)
        else:
            shape = lead + (s,)
        keys.append(rows(rng, shape + (dk,), type_name))
        if values:
            own.append(rows(rng, shape + (dv,), type_name))
        idx = inputs.indices(rng, t, positions, k, batch=batch, invalid=invalid,
                             duplicates=duplicates)
        if t and positions:
            # Whatever the other rows are, one is long and in no order.
            first, hole = rng.integers(0, positions, (2, *lead, k))
            hole = np.where(hole % 2, -1, positions)
            idx[..., 0, :] = np.where(rng.random(first.shape) < invalid, hole, first)
        indices.append(idx)
    poison(rng, keys, own, indices, tables, page, batch, row_ids)
    if page:
        keywords["paged"] = True
    if tables:
        keywords["block_tables"] = tables
    if row_ids:
        ids = rng.integers(0, lines, t)
        ids[1:] = np.where(rng.random(len(ids[1:])) < 0.2,
                           rng.choice([-1, lines, 2**31 - 1], len(ids[1:])), ids[1:])
        ids[3:4] = lines
        keywords["row_ids"] = ids.astype(np.int32)
    if counts:
        keywords["counts"] = [inputs.counts(rng, t, k, batch=batch) for _, k in sets]
        for x in keywords["counts"]:
            x[..., :1] = 2**31 - 1
    if sink:
        keywords["sink"] = np.where(rng.random(h) < 0.3, rng.choice([np.inf, -np.inf], h),
                                    rng.standard_normal(h)).astype(np.float32)
    if values:
        keywords["values"] = own
    if cut:
        keywords["q_tail"] = np.ascontiguousarray(q[..., dk - cut:])
        keywords["key_tails"] = [np.ascontiguousarray(x[..., dk - cut:]) for x in keys]
        q = np.ascontiguousarray(q[..., :dk - cut])
        keys = [np.ascontiguousarray(x[..., :dk - cut]) for x in keys]
    return Problem(q, keys, indices, keywords)


def poison(rng, keys, own, indices, tables, page, batch, row_ids):
    """NaN in rows that no index of any row names, whatever counts and row ids say."""
    for i, kv in enumerate(keys):
        at = kv.shape[:-1]
        used = np.zeros(at, bool)
        named = indices[i]
        if tables:
            size = page[i]
            lines = tables[i]
            for b in range(len(lines)):
                mine = named[b] if batch is not None else named
                good = mine[(mine >= 0) & (mine < lines.shape[1] * size)]
                pages = lines[b][good // size]
                inside = (pages >= 0) & (pages < at[0])
                used[pages[inside], good[inside] % size] = True
        elif batch is not None:
            for b in range(batch):
                good = named[b][(named[b] >= 0) & (named[b] < at[1])]
                used[b, good] = True
        else:
            flat = used.reshape(-1)
            flat[named[(named >= 0) & (named < flat.size)]] = True
        kv[~used] = np.nan
        if own:
            own[i][~used] = np.nan
