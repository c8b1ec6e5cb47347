//===- AttentionBlock.cpp - Tiles of keys, scores and values -------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionBlock.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::dsa;
using arith::CmpIPredicate;

/// Elements of a chunk of 16 bytes.
static constexpr int64_t chunkElements = 8;
/// A step of each depth group is eight chunks.
static constexpr int64_t stepBytes = 8 * SharedTile::chunkBytes;

AttentionBlock::AttentionBlock(Kernel &kernel, const AttentionPlan &plan,
                               const AttentionExtents &extents,
                               const AttentionArguments &arguments,
                               SelectedKeys &keys)
    : kernel(kernel), b(kernel.device), plan(plan), extents(extents),
      arguments(arguments), keys(keys), ring(b, plan.schedule.stages) {
  const AttentionSchedule &s = plan.schedule;
  if (plan.sharedSteps)
    queryTile.emplace(sharedPlan, s.heads, 64 * plan.sharedSteps);
  keyTile.emplace(sharedPlan, s.keys, plan.keyColumns, s.stages);
  if (extents.hasValues)
    valueTile.emplace(sharedPlan, s.keys, plan.valueColumns, s.stages);
  scoresAt =
      sharedPlan.reserve(plan.depthGroups * s.heads * plan.scoreRowBytes);
  weightTile.emplace(sharedPlan, s.heads, s.keys);
  factorsAt = sharedPlan.reserve(s.heads * 4);
  validAt = sharedPlan.reserve(s.stages * s.keys * 4);
}

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

SmallVector<Value> AttentionBlock::pack(const State &state) const {
  SmallVector<Value> packed;
  for (const Fragment &fragment : state.output)
    llvm::append_range(packed, fragment);
  llvm::append_range(packed, state.maxima);
  llvm::append_range(packed, state.sums);
  for (const SelectedKeys::Row &row : state.next)
    llvm::append_range(packed, row.pack());
  return packed;
}

AttentionBlock::State AttentionBlock::unpack(const State &model,
                                             ValueRange packed) const {
  State state;
  auto take = [&](size_t count) {
    ValueRange front = packed.take_front(count);
    packed = packed.drop_front(count);
    return front;
  };
  for (size_t i = 0; i < model.output.size(); ++i)
    state.output.push_back(Fragment(take(4)));
  state.maxima = take(model.maxima.size());
  state.sums = take(model.sums.size());
  for (const SelectedKeys::Row &row : model.next)
    state.next.push_back(row.unpack(take(row.pack().size())));
  return state;
}

SmallVector<Value> AttentionBlock::atRow(ArrayRef<Value> indices) const {
  SmallVector<Value> at(indices);
  if (batch)
    at.insert(at.begin(), batch);
  return at;
}

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

/// What this block, warp and thread work on.
void AttentionBlock::findWork() {
  memory = b.sharedMemory();
  thread = b.threadId();
  lane = b.rem(thread, 32);
  warp = b.div(thread, 32);
  depthGroup = b.rem(warp, plan.depthGroups);
  Value group = b.div(warp, plan.depthGroups);
  headGroup = b.rem(group, plan.headGroups);
  keyGroup = b.div(group, plan.headGroups);

  numHeads = b.toI32(kernel.capture(arguments.numHeads));
  Value headBlocks = b.ceilDiv(numHeads, plan.schedule.heads);
  Value block = b.blockIdX();
  // Blocks of one query row are neighbours: they read the same keys.
  firstHead = b.mul(b.rem(block, headBlocks), plan.schedule.heads);
  rowInLaunch = b.div(block, headBlocks);
  Value row = b.add(rowInLaunch, b.toI32(kernel.capture(arguments.firstRow)));
  t = row;
  if (arguments.query.getRank() == 4) {
    Value numRows = b.toI32(kernel.capture(arguments.numRows));
    batch = b.div(row, numRows);
    t = b.rem(row, numRows);
  }
  split = b.blockIdY();
  isSplit = b.compare(CmpIPredicate::sgt,
                      b.toI32(kernel.capture(arguments.numSplits)), 1);

  keys.enterRow(kernel, batch, t);
  std::tie(firstTile, lastTile) = keys.getTiles(kernel, split);
}

/// The rows of a tile that this thread asks for: neighbouring threads have
/// neighbouring chunks of a row.
SmallVector<SelectedKeys::Row> AttentionBlock::resolveRows(Value tile) {
  SmallVector<SelectedKeys::Row> rows;
  int64_t step = plan.getThreads() / 8;
  for (int64_t i = 0; i < plan.schedule.keys; i += step)
    rows.push_back(
        keys.resolve(kernel, tile, lastTile, b.add(b.div(thread, 8), i)));
  return rows;
}

/// Begins the copy of a row of `columns` columns, the first `firstColumns` of
/// which are at `address`, the others at `tail`.
void AttentionBlock::copyRow(const SharedTile &tile, Value row, Value stage,
                             Value address, Value tail, Value valid,
                             int64_t columns, int64_t firstColumns) {
  Value position = b.rem(thread, 8);
  Value stageOffset = b.mul(stage, tile.getStageBytes());
  Value to =
      b.advance(memory, b.add(tile.getOffset(b, row, position), stageOffset));
  Value whole = b.select(valid, b.i32(16), b.i32(0));
  int64_t chunks = columns / chunkElements;
  int64_t firstChunks = firstColumns / chunkElements;
  for (int64_t i = 0; i < tile.getRowBytes() / 128; ++i) {
    Value chunk = b.add(position, 8 * i);
    Value bytes = whole;
    if (8 * i + 8 > chunks)
      bytes = b.select(b.compare(CmpIPredicate::slt, chunk, chunks), whole,
                       b.i32(0));
    Value from = b.advance(address, b.toI64(b.mul(chunk, 16)));
    if (8 * i + 8 > firstChunks && tail) {
      Value inTail =
          b.advance(tail, b.mul(b.sub(b.toI64(chunk), b.i64(firstChunks)), 16));
      from = 8 * i >= firstChunks
                 ? inTail
                 : b.select(b.compare(CmpIPredicate::slt, chunk, firstChunks),
                            from, inTail);
    }
    // The swizzle is the same 128 bytes further.
    b.copyAsync(b.advance(to, 128 * i), from, bytes);
  }
}

/// Begins the copy of the rows that are next to a stage, as one group.
void AttentionBlock::issue(Value stage, const State &state) {
  int64_t step = plan.getThreads() / 8;
  Value none =
      LLVM::ZeroOp::create(b, LLVM::LLVMPointerType::get(b.getContext(), 1));
  Value someAddress = keys.getSomeAddress(kernel);
  int64_t tailColumns = 0;
  if (arguments.queryTail)
    tailColumns =
        *arguments.queryTail.getStaticExtent(arguments.queryTail.getRank() - 1);
  for (auto [i, next] : llvm::enumerate(state.next)) {
    Value row = b.add(b.div(thread, 8), step * i);
    Value valid =
        LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, next.keys, none);
    auto orSome = [&](Value address) {
      return address ? b.select(valid, address, someAddress) : address;
    };
    copyRow(*keyTile, row, stage, orSome(next.keys), orSome(next.tail), valid,
            extents.dk, extents.dk - tailColumns);
    if (valueTile)
      copyRow(*valueTile, row, stage, orSome(next.values), Value(), valid,
              extents.dv, extents.dv);
    b.ifThen(b.compare(CmpIPredicate::eq, b.rem(thread, 8), 0), [&] {
      Value place = b.add(b.mul(stage, plan.schedule.keys), row);
      b.store(b.select(valid, b.i32(1), b.i32(0)), at(validAt, b.mul(place, 4)),
              4);
    });
  }
  b.commitCopies();
}

AttentionBlock::State AttentionBlock::makeInitialState() {
  State state;
  int64_t fragments = plan.schedule.heads / 16 * 2 * plan.columnTilesOfWarp;
  Value zero = b.f32(0);
  state.output.assign(fragments, Fragment(4, zero));
  state.maxima.assign(plan.softmaxPasses,
                      b.f32(-std::numeric_limits<double>::infinity()));
  state.sums.assign(plan.softmaxPasses, zero);
  return state;
}

void AttentionBlock::emit() {
  findWork();
  loadQuery();
  State state = makeInitialState();
  int64_t tile = 0;
  auto resolveNext = [&] {
    state.next = resolveRows(b.add(firstTile, tile++));
  };
  ring.start([&](Value stage) {
    resolveNext();
    issue(stage, state);
  });
  resolveNext();
  SmallVector<Value> last =
      b.forLoop(b.i32(0), b.sub(lastTile, firstTile), pack(state),
                [&](Value number, ValueRange carried) {
                  State inLoop = unpack(state, carried);
                  emitTile(number, inLoop);
                  return pack(inLoop);
                });
  state = unpack(state, last);
  // Factors are read until then.
  ring.finish();
  emitResults(state);
}

void AttentionBlock::emitTile(Value number, State &state) {
  Value stage = ring.enter(number, [&](Value stage) { issue(stage, state); });
  state.next =
      resolveRows(b.add(b.add(firstTile, number), ring.getAhead() + 1));
  emitScores(stage);
  b.barrier();
  emitWeights(stage, state);
  b.barrier();
  emitValues(stage, state);
  ring.leave();
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// The address of the query's column `column` of the row of a head, both in the
/// kernel; `*inRange` is whether there is such a column, or null if there is.
Value AttentionBlock::getQueryPiece(Value row, Value column, Value *inRange) {
  const GlobalTensor &query = arguments.query, &tail = arguments.queryTail;
  int64_t firstColumns = *query.getStaticExtent(query.getRank() - 1);
  Value head = clampHead(b.add(firstHead, row));
  auto address = [&](const GlobalTensor &tensor, Value column) {
    return b.advance(tensor.at(kernel, atRow({t, head})),
                     b.mul(b.toI64(column), 2));
  };
  *inRange = {};
  Value inside = column;
  if (plan.keyColumns != extents.dk) {
    *inRange = b.compare(CmpIPredicate::slt, column, extents.dk);
    inside = b.select(*inRange, column, b.i32(0));
  }
  if (!tail)
    return address(query, inside);
  Value isFirst = b.compare(CmpIPredicate::slt, inside, firstColumns);
  Value columnInTail = b.max(b.sub(inside, b.i32(firstColumns)), b.i32(0));
  return b.select(isFirst, address(query, b.select(isFirst, inside, b.i32(0))),
                  address(tail, columnInTail));
}

/// The steps of the query: the first of each depth group to registers, in the
/// layout of the left operand, the others to shared memory.
void AttentionBlock::loadQuery() {
  Value firstRow = b.add(b.mul(headGroup, plan.headTiles * 16), b.div(lane, 4));
  Value firstColumn = b.add(b.mul(depthGroup, 16), b.mul(b.rem(lane, 4), 2));
  queryRegisters.resize(plan.headTiles);
  for (int64_t tile = 0; tile < plan.headTiles; ++tile)
    for (int64_t step = 0; step < plan.schedule.querySteps; ++step) {
      Fragment fragment;
      for (int64_t i = 0; i < 4; ++i) {
        Value column =
            b.add(firstColumn, step * 16 * plan.depthGroups + i / 2 * 8);
        Value inRange;
        Value address = getQueryPiece(b.add(firstRow, tile * 16 + i % 2 * 8),
                                      column, &inRange);
        Value pair = b.load(b.getI32Type(), address, 4);
        fragment.push_back(inRange ? b.select(inRange, pair, b.i32(0)) : pair);
      }
      queryRegisters[tile].push_back(fragment);
    }
  if (!queryTile)
    return;
  int64_t rowsAtOnce = plan.getThreads() / 8;
  Value position = b.rem(thread, 8), row = b.div(thread, 8);
  for (int64_t step = 0; step < plan.sharedSteps; ++step) {
    // Eight chunks are a step of each depth group.
    Value chunk = b.add(position, 8 * step);
    Value from = b.add(chunk, 8 * plan.schedule.querySteps);
    for (int64_t first = 0; first < plan.schedule.heads; first += rowsAtOnce) {
      Value inRange;
      Value address = getQueryPiece(b.add(row, first),
                                    b.mul(from, chunkElements), &inRange);
      Value bytes = b.i32(16);
      if (inRange)
        bytes = b.select(inRange, bytes, b.i32(0));
      b.copyAsync(
          b.advance(memory, queryTile->getOffset(b, b.add(row, first), chunk)),
          address, bytes);
    }
  }
}

void AttentionBlock::emitScores(Value stage) {
  const AttentionSchedule &s = plan.schedule;
  Value upper = b.div(lane, 16);
  // Matrix loads take the rows of 16 keys, a step of this depth group.
  Value keyRow = b.add(b.mul(keyGroup, s.keys / plan.keyGroups),
                       b.add(b.rem(lane, 8), b.mul(upper, 8)));
  Value keyChunk = b.add(b.mul(depthGroup, 2), b.rem(b.div(lane, 8), 2));
  Value keys = b.advance(memory, b.add(keyTile->getOffset(b, keyRow, keyChunk),
                                       b.mul(stage, keyTile->getStageBytes())));
  Value query;
  if (queryTile) {
    Value row = b.add(b.mul(headGroup, plan.headTiles * 16), b.rem(lane, 16));
    query = b.advance(memory, queryTile->getOffset(
                                  b, row, b.add(b.mul(depthGroup, 2), upper)));
  }
  auto getQuery = [&](int64_t tile, int64_t step) -> Fragment {
    if (step < s.querySteps)
      return queryRegisters[tile][step];
    return b.loadMatrices(
        b.advance(query, (step - s.querySteps) * stepBytes +
                             tile * 16 * queryTile->getRowBytes()),
        /*transposed=*/false);
  };

  // Where this lane's sums go: two neighbouring keys of a head.
  Value storeRow =
      b.add(b.mul(depthGroup, s.heads),
            b.add(b.mul(headGroup, plan.headTiles * 16), b.div(lane, 4)));
  Value storeKey =
      b.add(b.mul(keyGroup, s.keys / plan.keyGroups), b.mul(b.rem(lane, 4), 2));
  Value storeAt = at(
      scoresAt, b.add(b.mul(storeRow, plan.scoreRowBytes), b.mul(storeKey, 4)));

  int64_t pairsAtOnce = plan.keyPairs / s.scorePasses;
  Fragment zero(4, b.f32(0));
  for (int64_t first = 0; first < plan.keyPairs; first += pairsAtOnce) {
    SmallVector<Fragment> sums(plan.headTiles * pairsAtOnce * 2, zero);
    auto sum = [&](int64_t tile, int64_t keyTile) -> Fragment & {
      return sums[tile * pairsAtOnce * 2 + keyTile];
    };
    for (int64_t step = 0; step < plan.depthSteps; ++step) {
      SmallVector<Fragment> queries;
      for (int64_t tile = 0; tile < plan.headTiles; ++tile)
        queries.push_back(getQuery(tile, step));
      for (int64_t pair = 0; pair < pairsAtOnce; ++pair) {
        Fragment rows = b.loadMatrices(
            b.advance(keys, step * stepBytes +
                                (first + pair) * 16 * keyTile->getRowBytes()),
            /*transposed=*/false);
        for (int64_t tile = 0; tile < plan.headTiles; ++tile)
          for (int64_t side = 0; side < 2; ++side) {
            Fragment &to = sum(tile, 2 * pair + side);
            to = b.multiply(arguments.computeType, queries[tile],
                            ArrayRef(rows).slice(2 * side, 2), to);
          }
      }
    }
    for (int64_t tile = 0; tile < plan.headTiles; ++tile)
      for (int64_t keys8 = 0; keys8 < 2 * pairsAtOnce; ++keys8)
        for (int64_t side = 0; side < 2; ++side) {
          Fragment &from = sum(tile, keys8);
          b.store(
              b.vector({from[2 * side], from[2 * side + 1]}),
              b.advance(storeAt, (tile * 16 + side * 8) * plan.scoreRowBytes +
                                     (2 * first + keys8) * 32),
              8);
        }
  }
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

void AttentionBlock::emitValues(Value stage, State &state) {
  const AttentionSchedule &s = plan.schedule;
  SharedTile &tile = valueTile ? *valueTile : *keyTile;
  Value row = b.rem(lane, 16), upper = b.div(lane, 16);
  // Warps without a tile of columns do what is done already once more.
  auto orZero = [&](Value value, int64_t number) {
    Value has = hasColumns(number);
    return has ? b.select(has, value, b.i32(0)) : value;
  };
  Value firstChunk = b.add(b.mul(orZero(warp, 0), 2), upper);
  Value values = b.advance(memory, b.add(tile.getOffset(b, row, firstChunk),
                                         b.mul(stage, tile.getStageBytes())));
  SmallVector<Value> columns = {values};
  for (int64_t i = 1; i < plan.columnTilesOfWarp; ++i)
    columns.push_back(b.advance(
        values, orZero(b.i32(2 * i * s.warps * SharedTile::chunkBytes), i)));
  SmallVector<Value> weights;
  for (int64_t step = 0; step < s.keys / 16; ++step)
    weights.push_back(b.advance(
        memory, weightTile->getOffset(b, row, b.add(upper, 2 * step))));

  // What the sums so far count less by: of a new maximum.
  int64_t headTiles = s.heads / 16;
  auto sum = [&](int64_t head, int64_t column, int64_t side) -> Fragment & {
    return state.output[(head * plan.columnTilesOfWarp + column) * 2 + side];
  };
  Value factors = at(factorsAt, b.mul(b.div(lane, 4), 4));
  for (int64_t head = 0; head < headTiles; ++head)
    for (int64_t half = 0; half < 2; ++half) {
      Value factor =
          b.load(b.getF32Type(), b.advance(factors, head * 64 + half * 32), 4);
      for (int64_t column = 0; column < plan.columnTilesOfWarp; ++column)
        for (int64_t side = 0; side < 2; ++side)
          for (int64_t e = 0; e < 2; ++e) {
            Value &element = sum(head, column, side)[2 * half + e];
            element = b.mulf(element, factor);
          }
    }
  for (int64_t step = 0; step < s.keys / 16; ++step) {
    SmallVector<Fragment> heads;
    for (int64_t head = 0; head < headTiles; ++head)
      heads.push_back(b.loadMatrices(
          b.advance(weights[step], head * 16 * weightTile->getRowBytes()),
          /*transposed=*/false));
    for (int64_t column = 0; column < plan.columnTilesOfWarp; ++column) {
      Fragment rows = b.loadMatrices(
          b.advance(columns[column], step * 16 * tile.getRowBytes()),
          /*transposed=*/true);
      for (int64_t head = 0; head < headTiles; ++head)
        for (int64_t side = 0; side < 2; ++side) {
          Fragment &to = sum(head, column, side);
          to = b.multiply(arguments.computeType, heads[head],
                          ArrayRef(rows).slice(2 * side, 2), to);
        }
    }
  }
}

/// Whether the warp has columns in its tile `number`; null if all warps have.
Value AttentionBlock::hasColumns(int64_t number) {
  int64_t first = number * plan.schedule.warps;
  if (first + plan.schedule.warps <= plan.columnTiles)
    return {};
  return b.compare(CmpIPredicate::slt, warp, plan.columnTiles - first);
}
