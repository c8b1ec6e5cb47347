"""When an answer counts as right. Every check raises AssertionError or returns its worst error.

Errors are in units of the allowed error: a value passes up to 1. An element passes if its absolute
or its relative error does; -inf, +inf and NaN must stand where they are expected.
"""
from collections import namedtuple

import numpy as np

from . import ops

Tolerance = namedtuple("Tolerance", "out_abs out_rel out_weight cosine lse_abs lse_rel")
# Weights may be rounded to bf16, and so may out: 2^-9 of the sum of |weight value| each.
_NARROW = Tolerance(1e-3, 2.01 / 128, 2.0**-8, 5e-6, 1e-6, 8.01 / 65536)
TOLERANCE = {
    "f32": Tolerance(2e-5, 2e-5, 0.0, None, 1e-5, 1e-5),
    "bf16": _NARROW, "f16": _NARROW, "f8": _NARROW, "packed": _NARROW,
}
# Error of a score per unit of A. Products of bf16, f16 and f8 are exact in f32, so what remains is
# the f32 summation: (number of terms) * 2^-24 * A at worst. Not for sums of less precision than
# f32, such as an f8 tensor core's own; pass a tol of your own there.
SCORE_TOL = {"f32": 2e-5, "bf16": 2e-5, "f16": 2e-5, "f8": 2e-5, "packed": 2e-5}


def denormal_floor(w, width):
    """Extra error of a score T x S (as T x 1) where denormals are flushed: Hi D 2^-126 max|w|."""
    w = np.abs(np.asarray(w).astype(np.float64))
    return w.shape[-1] * width * 2.0**-126 * w.max(axis=-1, initial=0, keepdims=True)


def _units(error, limit):
    """error / limit, where no error is 0 units of any limit, even of 0."""
    with np.errstate(all="ignore"):
        return np.where(error == 0, 0, error / limit)


def _report(operand, got, want, units, note):
    """Raise with the worst position of `units`, or return its value."""
    if not units.size:
        return 0.0
    order = np.where(np.isnan(units), np.inf, units)
    at = np.unravel_index(order.argmax(), units.shape)
    if order[at] > 1:
        where = ", ".join(str(int(i)) for i in at)
        raise AssertionError(
            f"{operand}[{where}]: got {got[at]}, expected {want[at]}; worst error {order[at]:.3g} "
            f"of the allowed, {int((order > 1).sum())} of {units.size} elements wrong ({note})")
    return float(order[at])


def _same_shape(operand, got, want):
    """Both as arrays, after checking that their shapes agree."""
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape:
        raise AssertionError(f"{operand}: got shape {got.shape}, expected {want.shape}")
    return got, want


def _check_non_finite(operand, got, want):
    """NaN, +inf and -inf of got stand where those of want do, want being rounded to got's type.

    Returns both as f64 with these elements as 0."""
    got, want = _same_shape(operand, got, want)
    with np.errstate(all="ignore"):
        target = want.astype(got.dtype).astype(np.float64) if got.dtype.kind != "i" else want
    got, want = got.astype(np.float64), want.astype(np.float64)
    with np.errstate(all="ignore"):
        same = (got == target) | (np.isnan(got) & np.isnan(target))
    odd = ~(np.isfinite(got) & np.isfinite(target))
    _report(operand, got, want, np.where(odd & ~same, np.inf, 0), "NaN and inf positions")
    return np.where(odd, 0, got), np.where(odd, 0, want)


def values_close(operand, got, want, abs_tol, rel_tol):
    """Each element: |got - want| <= abs_tol (one for all, or for each), or <= rel_tol |want|. Both
    0: exact, -0 == +0."""
    x, y = _check_non_finite(operand, got, want)
    error = np.abs(x - y)
    units = np.minimum(_units(error, abs_tol), _units(error, rel_tol * np.abs(y)))
    return _report(operand, x, y, units,
                   f"abs {np.min(np.asarray(abs_tol, float), initial=np.inf):.3g} or rel {rel_tol:.3g}")


def cosine_close(operand, got, want, limit):
    """1 - 2<x,y> / (|x|^2 + |y|^2) <= limit over all finite elements; two zero arrays are equal."""
    x, y = _check_non_finite(operand, got, want)
    norm = (x * x).sum() + (y * y).sum()
    distance = 0.0 if norm == 0 else float(((x - y) ** 2).sum() / norm)
    if distance > limit:
        raise AssertionError(f"{operand}: cosine distance {distance:.3g}, allowed {limit:.3g}")
    return distance / limit


def attention_close(out, lse, want_out, want_lse, type="f32", magnitude=None):
    """out and lse of sparse_attention or merge_attention, for inputs of this type of TOLERANCE.

    magnitude: out of the absolute values (ops.sparse_attention's `absolute`); an element of a
    narrow type may be off by out_weight of it, where terms cancel."""
    tol = TOLERANCE[type]
    out_abs = tol.out_abs
    if magnitude is not None:
        out_abs = np.fmax(out_abs, tol.out_weight * np.asarray(magnitude))
    worst = [values_close("out", out, want_out, out_abs, tol.out_rel),
             values_close("lse", lse, want_lse, tol.lse_abs, tol.lse_rel)]
    if tol.cosine is not None:
        worst.append(cosine_close("out", out, want_out, tol.cosine))
    return max(worst)


def attention_matches(out, lse, *operands, type, **keywords):
    """out and lse against ops.sparse_attention(*operands, **keywords)."""
    want = ops.sparse_attention(*operands, **keywords)
    magnitude, _ = ops.sparse_attention(*operands, absolute=True, **keywords)
    return attention_close(out, lse, *want, type=type, magnitude=magnitude)


def scores_close(scores, want, magnitude, *, type="f32", tol=None, floor=0.0):
    """|I - I64| <= tol A + floor, tol by type unless given; floor: see denormal_floor."""
    tol = SCORE_TOL[type] if tol is None else tol
    x, y = _check_non_finite("scores", scores, want)
    _, magnitude = _same_shape("magnitude", scores, magnitude)
    magnitude = np.where(np.isnan(magnitude), 0, magnitude)
    units = _units(np.abs(x - y), tol * magnitude + floor)
    return _report("scores", x, y, units, f"{tol:.3g} A")


def selection_exact(got, want):
    """(indices, count[, values]) equal to the expected ones; values: -0 == +0, NaN == NaN."""
    for operand, x, y in zip(("count", "indices"), (got[1], got[0]), (want[1], want[0])):
        x, y = _same_shape(operand, x, y)
        _report(operand, x, y, np.where(x != y, np.inf, 0), "exact")
    if len(got) > 2 and len(want) > 2:
        values_close("values", got[2], want[2], 0, 0)
    return 0.0


def selection_from_scores(got, scores, k, **keywords):
    """(indices, count[, values]) exactly those of top_k on the target's own f32 scores."""
    return selection_exact(got, ops.top_k(scores, k, **keywords))


def _columns(row, name, selected, ids, ok):
    """Columns of the selected ids of one row, each of which must be selectable, and only once."""
    columns = np.flatnonzero(ok)
    columns = columns[np.argsort(ids[columns], kind="stable")]
    place = np.searchsorted(ids[columns], selected)
    known = np.zeros(len(selected), bool)
    inside = place < len(columns)
    known[inside] = ids[columns[place[inside]]] == selected[inside]
    for slot in np.flatnonzero(~known):
        raise AssertionError(f"{name}[{row}, {slot}]: got {selected[slot]}, not selectable")
    if len(np.unique(selected)) != len(selected):
        raise AssertionError(f"{name}[{row}]: an index appears twice in {selected.tolist()}")
    return columns[place]


def _pair_units(score, magnitude, x, y, tol, floor):
    """|I64[x] - I64[y]| in units of tol (A[x] + A[y]) + 2 floor, for columns x and y."""
    with np.errstate(all="ignore"):
        gap = np.where(score[x] == score[y], 0, np.abs(score[x] - score[y]))
    return _units(gap, tol * (magnitude[x] + magnitude[y]) + 2 * floor)


def _check_order(row, selected, columns, score, magnitude, order, tol, floor):
    """Slot order of one row: ids ascend, or scores descend up to the tolerance."""
    if order == "index_ascending":
        for slot in np.flatnonzero(np.diff(selected) <= 0):
            raise AssertionError(f"indices[{row}, {slot + 1}]: got {selected[slot + 1]}, which "
                                 f"does not ascend after {selected[slot]}")
        return
    before, after = columns[:-1], columns[1:]
    units = _pair_units(score, magnitude, before, after, tol, floor)
    for slot in np.flatnonzero((score[after] > score[before]) & ~(units <= 1)):
        raise AssertionError(f"indices[{row}, {slot + 1}]: score {score[after[slot]]} does not "
                             f"descend after {score[before[slot]]}")


def selection_close(got, scores, magnitude, k, *, type="f32", tol=None, floor=0.0, exact=False,
                    lo=None, hi=None, ids=None, order="index_ascending"):
    """(indices, count[, values]) against f64 scores and their A, both [B x] T x S.

    exact (inputs whose partial sums are all representable): exactly top_k of the scores. Else
    count, padding, slot order and membership are checked, and every x chosen instead of y must
    satisfy |I64[x] - I64[y]| <= tol (A[x] + A[y]) + 2 floor. Not for translated results."""
    want = ops.top_k(scores, k, lo=lo, hi=hi, ids=ids, order=order)
    if exact:
        return selection_exact(got, want)
    tol, size = SCORE_TOL[type] if tol is None else tol, np.shape(scores)[-1]
    count, _ = _same_shape("count", got[1], want[1])
    indices, _ = _same_shape("indices", got[0], want[0])
    _report("count", count, want[1], np.where(count != want[1], np.inf, 0), "exact")
    tail = np.arange(k) >= count[..., None]
    _report("indices", indices, np.full_like(indices, -1),
            np.where(tail & (indices != -1), np.inf, 0), "padding")
    shape = np.shape(scores) if np.ndim(scores) == 3 else (1,) + np.shape(scores)
    if ids is not None and np.ndim(scores) == 2 and np.ndim(ids) == 2:
        ids = np.asarray(ids)[None]
    ids = ops.expand_ids(ids, shape).reshape(-1, size)
    low, high = ops.bounds(lo, hi, np.shape(scores)[:-1], size)
    low, high, count = low.reshape(-1), high.reshape(-1), count.reshape(-1)
    scores = np.asarray(scores).astype(np.float64).reshape(-1, size)
    magnitude = np.asarray(magnitude).reshape(-1, size)
    indices, wanted = indices.reshape(-1, k), want[0].reshape(-1, k)
    floor = np.broadcast_to(np.asarray(floor, np.float64).reshape(-1), len(scores))
    column, worst = np.arange(size), 0.0
    for r, score in enumerate(scores):
        ok = (ids[r] >= 0) & (low[r] <= column) & (column < high[r]) & (score > -np.inf)
        mine = _columns(r, "indices", indices[r, : count[r]], ids[r], ok)
        theirs = _columns(r, "reference", wanted[r, : count[r]], ids[r], ok)
        _check_order(r, indices[r, : count[r]], mine, score, magnitude[r], order, tol, floor[r])
        x, y = np.setdiff1d(mine, theirs), np.setdiff1d(theirs, mine)
        if len(x):
            pairs = _pair_units(score, magnitude[r], x[:, None], y[None, :], tol, floor[r])
            worst = max(worst, _report(f"indices row {r}, swapped pair", ids[r][x][:, None] + 0 * y,
                                       ids[r][y][None, :] + 0 * x[:, None], pairs, f"{tol:.3g} A"))
        if len(got) > 2:
            values = np.asarray(got[2]).reshape(-1, k)[r]
            bound = np.where(np.isfinite(score), magnitude[r], 0)[mine]
            expected = np.full(k, -np.inf)
            padded = np.zeros(k)
            expected[: count[r]], padded[: count[r]] = score[mine], bound
            worst = max(worst, scores_close(values, expected, padded, tol=tol, floor=floor[r]))
    return worst
