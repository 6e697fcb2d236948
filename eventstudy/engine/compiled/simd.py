"""The vector instructions of the compiled kernel, with the order of every addition spelt out.

A row is a stretch of ``work``, a 2-d array of doubles whose width is a multiple of 32. A sum over a row runs in 32
lanes, as four vectors of eight, and is folded 16-8-4-2-1. LLVM breaks a vector of eight into what the machine has and
never regroups it, so the digits are the same on any of them, and the same freshly compiled or out of a cache. Each
function is one pass; the compiler removes sums that are not read.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

VECTOR, LANES = 8, 32
LINE = 64  # bytes that memory hands over at once
_INDEX, _SMALL, _SHORT, _DOUBLE = ir.IntType(64), ir.IntType(32), ir.IntType(16), ir.DoubleType()
_ROW, _WHOLE, _SHORTS = (ir.VectorType(kind, VECTOR) for kind in (_DOUBLE, _SMALL, _SHORT))
_int, _float = types.int64, types.float64


def _all(kind: Any, value: float) -> Any:
    return ir.Constant(kind, [value] * VECTOR)


def _spread(builder: Any, value: Any, kind: Any) -> Any:
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, _SMALL(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(_SMALL, VECTOR), [0] * VECTOR))


def _start(context: Any, builder: Any, kind: Any, array: Any, place: Sequence[Any]) -> Any:
    """Address of an element of a C-ordered array, from its leading indices."""
    made = context.make_array(kind)(context, builder, array)
    at = place[0]
    for axis, index in enumerate(place[1:], 1):
        at = builder.add(builder.mul(at, builder.extract_value(made.shape, axis)), index)
    for axis in range(len(place), kind.ndim):
        at = builder.mul(at, builder.extract_value(made.shape, axis))
    return builder.gep(made.data, [at])


def _load(builder: Any, row: Any, at: Any, kind: Any = _ROW, align: int = 8) -> Any:
    return builder.load(builder.bitcast(builder.gep(row, [at]), kind.as_pointer()), align=align)


def _store(builder: Any, value: Any, row: Any, at: Any) -> None:
    builder.store(value, builder.bitcast(builder.gep(row, [at]), _ROW.as_pointer()), align=8)


def _loop(builder: Any, n: Any, step: int, body: Callable[[Any, list[Any]], list[Any]], carried: int) -> list[Any]:
    """``body`` at 0, step, 2 step ... below n, handing ``carried`` vectors on from zero."""
    before, loop, done = builder.basic_block, builder.append_basic_block(), builder.append_basic_block()
    builder.cbranch(builder.icmp_signed(">", n, _INDEX(0)), loop, done)
    builder.position_at_end(loop)
    at = builder.phi(_INDEX)
    old = [builder.phi(_ROW) for _ in range(carried)]
    new = body(at, old)
    following = builder.add(at, _INDEX(step))
    at.add_incoming(_INDEX(0), before)
    at.add_incoming(following, loop)
    builder.cbranch(builder.icmp_signed("<", following, n), loop, done)
    builder.position_at_end(done)
    final = [builder.phi(_ROW) for _ in range(carried)]
    for value, phi, last in zip(new, old, final, strict=True):
        phi.add_incoming(_all(_ROW, 0.0), before)
        phi.add_incoming(value, loop)
        last.add_incoming(_all(_ROW, 0.0), before)
        last.add_incoming(value, loop)
    return final


def _summed(builder: Any, n: Any, terms: Callable[[Any], list[Any]], count: int) -> list[Any]:
    """Sums of ``count`` terms over n places, n a multiple of 32."""
    each = LANES // VECTOR

    def body(at: Any, lanes: list[Any]) -> list[Any]:
        new: list[Any] = [None] * len(lanes)
        for u in range(each):
            for k, term in enumerate(terms(builder.add(at, _INDEX(u * VECTOR)))):
                new[k * each + u] = builder.fadd(lanes[k * each + u], term)
        return new

    lanes = _loop(builder, n, LANES, body, each * count)
    return [_folded(builder, *lanes[k * each : (k + 1) * each]) for k in range(count)]


def _folded(builder: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """32 lanes onto 16, 8, 4, 2, 1."""
    vector, half = builder.fadd(builder.fadd(a, c), builder.fadd(b, d)), VECTOR // 2
    while half:
        pick = [ir.Constant(ir.VectorType(_SMALL, half), list(range(k, k + half))) for k in (0, half)]
        lower, upper = (builder.shuffle_vector(vector, vector, places) for places in pick)
        vector, half = builder.fadd(lower, upper), half // 2
    return builder.extract_element(vector, _SMALL(0))


@intrinsic
def dot(typingctx, work, i, j, n):
    """Sum of row i times row j."""
    del typingctx, i, j, n

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        a, b = (_start(context, builder, signature.args[0], args[0], [row]) for row in args[1:3])
        return _summed(builder, args[3], lambda at: [builder.fmul(_load(builder, a, at), _load(builder, b, at))], 1)[0]

    return _float(work, _int, _int, _int), generate


@intrinsic
def product(typingctx, work, out, i, j, k, n):
    """Row ``out`` = row i times row j; the sums of its squares and of it times row k."""
    del typingctx, out, i, j, k, n

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        made, a, b, c = (_start(context, builder, signature.args[0], args[0], [row]) for row in args[1:5])

        def terms(at: Any) -> list[Any]:
            value = builder.fmul(_load(builder, a, at), _load(builder, b, at))
            _store(builder, value, made, at)
            return [builder.fmul(value, value), builder.fmul(value, _load(builder, c, at))]

        return context.make_tuple(builder, signature.return_type, _summed(builder, args[5], terms, 2))

    return types.UniTuple(_float, 2)(work, _int, _int, _int, _int, _int), generate


@intrinsic
def remainder(typingctx, work, out, i, share, j, k, n):
    """Row ``out`` = row i - share * row j; the sums of its squares and of it times row k, which is not ``out``."""
    del typingctx, out, i, share, j, k, n

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows = (args[1], args[2], args[4], args[5])
        made, a, b, c = (_start(context, builder, signature.args[0], args[0], [row]) for row in rows)
        share = _spread(builder, args[3], _ROW)

        def terms(at: Any) -> list[Any]:
            value = builder.fsub(_load(builder, a, at), builder.fmul(share, _load(builder, b, at)))
            _store(builder, value, made, at)
            return [builder.fmul(value, value), builder.fmul(value, _load(builder, c, at))]

        return context.make_tuple(builder, signature.return_type, _summed(builder, args[6], terms, 2))

    return types.UniTuple(_float, 2)(work, _int, _int, _float, _int, _int, _int), generate


@intrinsic
def scaled_pair(typingctx, work, b, i, c, j, weight, root, n):
    """Row b = row i times ``weight``, row c = row j times ``weight``; the sums of root b, root c, b b and c c."""
    del typingctx, b, i, c, j, weight, root, n

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows = [_start(context, builder, signature.args[0], args[0], [row]) for row in args[1:7]]
        first, x, second, y, weight, root = rows

        def terms(at: Any) -> list[Any]:
            by, over = _load(builder, weight, at), _load(builder, root, at)
            b, c = builder.fmul(_load(builder, x, at), by), builder.fmul(_load(builder, y, at), by)
            _store(builder, b, first, at)
            _store(builder, c, second, at)
            return [builder.fmul(over, b), builder.fmul(over, c), builder.fmul(b, b), builder.fmul(c, c)]

        return context.make_tuple(builder, signature.return_type, _summed(builder, args[7], terms, 4))

    return types.UniTuple(_float, 4)(work, _int, _int, _int, _int, _int, _int, _int), generate


@intrinsic
def swept_pair(typingctx, work, b, share, c, other, root, n):
    """Take ``share`` of row ``root`` out of row b and ``other`` out of row c; the sums of root b, b b, b c and c c."""
    del typingctx, b, share, c, other, root, n

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first, second, root = (
            _start(context, builder, signature.args[0], args[0], [row]) for row in (args[1], args[3], args[5])
        )
        share, other = _spread(builder, args[2], _ROW), _spread(builder, args[4], _ROW)

        def terms(at: Any) -> list[Any]:
            over = _load(builder, root, at)
            b = builder.fsub(_load(builder, first, at), builder.fmul(share, over))
            c = builder.fsub(_load(builder, second, at), builder.fmul(other, over))
            _store(builder, b, first, at)
            _store(builder, c, second, at)
            return [builder.fmul(over, b), builder.fmul(b, b), builder.fmul(b, c), builder.fmul(c, c)]

        return context.make_tuple(builder, signature.return_type, _summed(builder, args[6], terms, 4))

    return types.UniTuple(_float, 4)(work, _int, _float, _int, _float, _int, _int), generate


@intrinsic
def errors_pair(typingctx, work, out, i, share, j, other, k, scaled, weight, n):
    """Row ``out`` = row i - share row j - other row k; row ``scaled`` = that times ``weight``, and its squares' sum."""
    del typingctx, out, i, share, j, other, k, scaled, weight, n

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows = (args[1], args[2], args[4], args[6], args[7], args[8])
        made, a, b, c, last, weight = (_start(context, builder, signature.args[0], args[0], [row]) for row in rows)
        share, other = _spread(builder, args[3], _ROW), _spread(builder, args[5], _ROW)

        def terms(at: Any) -> list[Any]:
            value = builder.fsub(_load(builder, a, at), builder.fmul(share, _load(builder, b, at)))
            value = builder.fsub(value, builder.fmul(other, _load(builder, c, at)))
            _store(builder, value, made, at)
            value = builder.fmul(value, _load(builder, weight, at))
            _store(builder, value, last, at)
            return [builder.fmul(value, value)]

        return _summed(builder, args[9], terms, 1)[0]

    return _float(work, _int, _int, _float, _int, _float, _int, _int, _int, _int), generate


@intrinsic
def take_returns(typingctx, work, value, sessions, seen, low, returns, span, s, start, n, most):
    """n days of a series, n a multiple of 8, into the rows ``value``, ``sessions`` and ``seen`` from column ``low`` on.

    A day counts as observed with a finite return that covers 1 to ``most`` sessions; else it holds 0, 1, 0.
    """
    del typingctx, value, sessions, seen, low, s, start, n, most

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        work, *rows, low, returns, span, s, start, n, most = args
        kinds = signature.args
        outs = [_start(context, builder, kinds[0], work, [row, low]) for row in rows]
        values = _start(context, builder, kinds[5], returns, [s, start])
        covered = _start(context, builder, kinds[6], span, [s, start])
        limit = _spread(builder, builder.trunc(most, _SMALL), _WHOLE)
        one, zero = _all(_ROW, 1.0), _all(_ROW, 0.0)

        def body(at: Any, carried: list[Any]) -> list[Any]:
            value, sessions = _load(builder, values, at), _load(builder, covered, at, _SHORTS, 2)
            sessions = builder.sext(sessions, _WHOLE)
            finite = builder.fcmp_ordered("==", builder.fsub(value, value), zero)
            some = builder.icmp_signed(">", sessions, _all(_WHOLE, 0))
            fine = builder.and_(finite, builder.and_(some, builder.icmp_signed("<=", sessions, limit)))
            _store(builder, builder.select(fine, value, zero), outs[0], at)
            _store(builder, builder.select(some, builder.sitofp(sessions, _ROW), one), outs[1], at)
            _store(builder, builder.select(fine, one, zero), outs[2], at)
            return carried

        _loop(builder, n, VECTOR, body, 0)
        return context.get_dummy_value()

    return types.void(work, _int, _int, _int, _int, returns, span, _int, _int, _int, _int), generate


@intrinsic
def take_factor(typingctx, work, row, observed, low, factors, f, k, start, n):
    """n days of a factor, n a multiple of 8, into a row; a day without one is no longer observed."""
    del typingctx, row, observed, low, f, k, start, n

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        work, row, observed, low, factors, f, k, start, n = args
        made, seen = (_start(context, builder, signature.args[0], work, [at, low]) for at in (row, observed))
        values, zero = _start(context, builder, signature.args[4], factors, [f, k, start]), _all(_ROW, 0.0)

        def body(at: Any, carried: list[Any]) -> list[Any]:
            value = _load(builder, values, at)
            fine = builder.fcmp_ordered("==", builder.fsub(value, value), zero)
            _store(builder, builder.select(fine, value, zero), made, at)
            _store(builder, builder.select(fine, _load(builder, seen, at), zero), seen, at)
            return carried

        _loop(builder, n, VECTOR, body, 0)
        return context.get_dummy_value()

    return types.void(work, _int, _int, _int, factors, _int, _int, _int, _int), generate


@intrinsic
def fetch_ahead(typingctx, returns, span, s, start, n):
    """Ask for n days of a series from memory while something else is computed; changes no value.

    Where a security has few events its days come from far away, and an event would wait for them.
    """
    del typingctx, s, start, n

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        *arrays, s, start, n = args
        address = ir.IntType(8).as_pointer()
        wanted = builder.module.declare_intrinsic(
            "llvm.prefetch", [address], ir.FunctionType(ir.VoidType(), [address, _SMALL, _SMALL, _SMALL])
        )
        for kind, array in zip(signature.args, arrays, strict=False):
            row = _start(context, builder, kind, array, [s, start])

            def body(at: Any, carried: list[Any], row: Any = row) -> list[Any]:
                # to read, to be kept, data
                place = builder.bitcast(builder.gep(row, [at]), address)
                builder.call(wanted, [place, _SMALL(0), _SMALL(3), _SMALL(1)])
                return carried

            _loop(builder, n, LINE // (kind.dtype.bitwidth // 8), body, 0)
        return context.get_dummy_value()

    return types.void(returns, span, _int, _int, _int), generate
