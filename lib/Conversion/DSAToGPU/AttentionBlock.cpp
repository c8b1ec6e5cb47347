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

AttentionBlock::AttentionBlock(Kernel &kernel, const AttentionPlan &plan,
                               const AttentionExtents &extents,
                               const AttentionArguments &arguments,
                               SelectedKeys &keys)
    : kernel(kernel), b(kernel.device), plan(plan), extents(extents),
      arguments(arguments), keys(keys) {
  const AttentionSchedule &s = plan.schedule;
  if (plan.sharedSteps)
    queryTile.emplace(sharedPlan, s.heads,
                      plan.depthGroups * plan.sharedSteps * 16);
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
  Value perSplit = b.toI32(kernel.capture(arguments.tilesPerSplit));
  firstTile = b.min(b.mul(split, perSplit), keys.getNumTiles());
  lastTile = b.min(b.add(firstTile, perSplit), keys.getNumTiles());

  // The warps behind the last column sum up the last columns once more.
  int64_t chunks =
      (extents.hasValues ? plan.valueColumns : plan.keyColumns) / chunkElements;
  int64_t own = plan.outputColumns / chunkElements;
  outputChunk = b.min(b.mul(warp, own), b.i32(chunks - own));
}

Value AttentionBlock::getStage(Value number) {
  return b.rem(number, plan.schedule.stages);
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
  int64_t fragments =
      plan.schedule.heads / 16 * (plan.outputColumns / chunkElements);
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
  int64_t ahead = plan.schedule.stages - 1;
  for (int64_t i = 0; i < ahead; ++i) {
    state.next = resolveRows(b.add(firstTile, i));
    issue(b.i32(i), state);
  }
  state.next = resolveRows(b.add(firstTile, ahead));
  SmallVector<Value> last =
      b.forLoop(b.i32(0), b.sub(lastTile, firstTile), pack(state),
                [&](Value number, ValueRange carried) {
                  State inLoop = unpack(state, carried);
                  emitTile(number, inLoop);
                  return pack(inLoop);
                });
  state = unpack(state, last);
  b.barrier();
  emitResults(state);
}

void AttentionBlock::emitTile(Value number, State &state) {
  int64_t ahead = plan.schedule.stages - 1;
  Value stage = getStage(number);
  // The barrier tells that copies of all threads have arrived, and that all
  // have left the tile before: its stage is free.
  if (ahead == 0) {
    issue(b.i32(0), state);
    b.waitForCopies(0);
    b.barrier();
  } else {
    b.waitForCopies(ahead - 1);
    b.barrier();
    issue(getStage(b.add(number, ahead)), state);
  }
  state.next = resolveRows(b.add(b.add(firstTile, number), ahead + 1));
  emitScores(stage);
  b.barrier();
  emitWeights(stage, state);
  b.barrier();
  emitValues(stage, state);
  if (ahead == 0)
    b.barrier();
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
  Value firstStep = b.mul(depthGroup, plan.depthSteps);
  Value firstRow = b.add(b.mul(headGroup, plan.headTiles * 16), b.div(lane, 4));
  queryRegisters.resize(plan.headTiles);
  for (int64_t tile = 0; tile < plan.headTiles; ++tile)
    for (int64_t step = 0; step < plan.schedule.querySteps; ++step) {
      Fragment fragment;
      for (int64_t i = 0; i < 4; ++i) {
        Value column = b.add(b.mul(b.add(firstStep, step), 16),
                             b.add(b.mul(b.rem(lane, 4), 2), i / 2 * 8));
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
  int64_t chunksOfGroup = 2 * plan.sharedSteps;
  for (int64_t i = 0; i < queryTile->getRowBytes() / 128; ++i) {
    Value chunk = b.add(position, 8 * i);
    Value group = b.div(chunk, chunksOfGroup);
    Value from = b.add(
        b.add(b.mul(group, 2 * plan.depthSteps), b.rem(chunk, chunksOfGroup)),
        2 * plan.schedule.querySteps);
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
  Value half = b.rem(b.div(lane, 8), 2), row8 = b.rem(lane, 8);
  Value upper = b.div(lane, 16);
  Value keyRow = b.add(b.mul(keyGroup, s.keys / plan.keyGroups),
                       b.add(row8, b.mul(upper, 8)));
  Value firstChunk = b.add(b.mul(depthGroup, 2 * plan.depthSteps), half);
  SharedTile::Walk keyWalk =
      keyTile->walk(b, memory, keyRow, firstChunk, plan.depthSteps,
                    b.mul(stage, keyTile->getStageBytes()));
  SharedTile::Walk queryWalk;
  if (queryTile) {
    Value row = b.add(b.mul(headGroup, plan.headTiles * 16), b.rem(lane, 16));
    Value chunk = b.add(b.mul(depthGroup, 2 * plan.sharedSteps), upper);
    queryWalk = queryTile->walk(b, memory, row, chunk, plan.sharedSteps);
  }
  auto getQuery = [&](int64_t tile, int64_t step) -> Fragment {
    if (step < s.querySteps)
      return queryRegisters[tile][step];
    return b.loadMatrices(queryWalk.at(b, step - s.querySteps,
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
            keyWalk.at(b, step, (first + pair) * 16 * keyTile->getRowBytes()),
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
  int64_t headTiles = s.heads / 16;
  int64_t columnTiles = plan.outputColumns / chunkElements;
  SharedTile::Walk values =
      tile.walk(b, memory, row, b.add(outputChunk, upper), columnTiles / 2,
                b.mul(stage, tile.getStageBytes()));
  SharedTile::Walk weights =
      weightTile->walk(b, memory, row, upper, s.keys / 16);
  // What the sums so far count less by: of a new maximum.
  Value factors = at(factorsAt, b.mul(b.div(lane, 4), 4));
  for (int64_t i = 0; i < headTiles; ++i)
    for (int64_t side = 0; side < 2; ++side) {
      Value factor =
          b.load(b.getF32Type(), b.advance(factors, i * 64 + side * 32), 4);
      for (int64_t j = 0; j < columnTiles; ++j)
        for (int64_t e = 0; e < 2; ++e) {
          Value &sum = state.output[i * columnTiles + j][2 * side + e];
          sum = b.mulf(sum, factor);
        }
    }
  for (int64_t step = 0; step < s.keys / 16; ++step) {
    SmallVector<Fragment> heads;
    for (int64_t i = 0; i < headTiles; ++i)
      heads.push_back(b.loadMatrices(
          weights.at(b, step, i * 16 * weightTile->getRowBytes()),
          /*transposed=*/false));
    for (int64_t j = 0; j < columnTiles / 2; ++j) {
      Fragment columns =
          b.loadMatrices(values.at(b, j, step * 16 * tile.getRowBytes()),
                         /*transposed=*/true);
      for (int64_t i = 0; i < headTiles; ++i)
        for (int64_t side = 0; side < 2; ++side) {
          Fragment &sum = state.output[i * columnTiles + 2 * j + side];
          sum = b.multiply(arguments.computeType, heads[i],
                           ArrayRef(columns).slice(2 * side, 2), sum);
        }
    }
  }
}
