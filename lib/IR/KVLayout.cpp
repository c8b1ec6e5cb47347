//===- KVLayout.cpp - Where elements of packed rows lie -----------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/IR/DSA.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::dsa;

static int64_t getBytes(Type type) { return type.getIntOrFloatBitWidth() / 8; }

int64_t KVField::getElementBytes() const { return getBytes(elementType); }
int64_t KVField::getScaleBytes() const {
  return scaleType ? getBytes(scaleType) : 0;
}

//===----------------------------------------------------------------------===//
// Presets
//===----------------------------------------------------------------------===//

namespace {
struct Preset {
  StringLiteral name;
  bool needsPage;
  KVLayoutAttr (*build)(MLIRContext *, int64_t page);
};
} // namespace

/// 512 latent elements in four scaled groups and 64 rotary ones, as FlashMLA
/// stores DeepSeek-V3.2's cache.
static KVLayoutAttr buildMLA656(MLIRContext *context, int64_t page) {
  Builder b(context);
  KVField latent{512, b.getType<Float8E4M3FNType>(), 0, 128, b.getF32Type(),
                 512};
  KVField rotary{64, b.getBF16Type(), 528, 0, Type(), 0};
  return KVLayoutAttr::get(context, {latent, rotary}, 656, page, 0, page * 656);
}

/// The same for DeepSeek-V4: scales behind the records of a page, pages padded
/// to a multiple of the record.
static KVLayoutAttr buildMLA584(MLIRContext *context, int64_t page) {
  Builder b(context);
  KVField latent{448, b.getType<Float8E4M3FNType>(),  0,
                 64,  b.getType<Float8E8M0FNUType>(), 0};
  KVField rotary{64, b.getBF16Type(), 448, 0, Type(), 0};
  return KVLayoutAttr::get(context, {latent, rotary}, 576, page, 8,
                           llvm::divideCeil(page * 584, 576) * 576);
}

/// DeepGEMM's index cache: the scales of a page behind its keys.
static KVLayoutAttr buildIndex132(MLIRContext *context, int64_t page) {
  Builder b(context);
  KVField keys{128, b.getType<Float8E4M3FNType>(), 0, 128, b.getF32Type(), 0};
  return KVLayoutAttr::get(context, {keys}, 128, page, 4, page * 132);
}

static KVLayoutAttr buildDense(MLIRContext *context, int64_t) {
  return KVLayoutAttr::get(context, ArrayRef<KVField>(), 0, 0, 0, 0);
}

static constexpr Preset presets[] = {{"mla_656", false, buildMLA656},
                                     {"mla_584", true, buildMLA584},
                                     {"index_132", true, buildIndex132},
                                     {"dense", false, buildDense}};

/// Pages beyond this are mistakes, and byte offsets in them could overflow.
static constexpr int64_t maxPage = int64_t(1) << 31;

KVLayoutAttr
KVLayoutAttr::getPreset(MLIRContext *context, StringRef name, int64_t page,
                        function_ref<InFlightDiagnostic()> emitError) {
  const Preset *preset = llvm::find_if(
      presets, [&](const Preset &preset) { return preset.name == name; });
  if (preset == std::end(presets)) {
    InFlightDiagnostic error = emitError();
    error << "unknown layout '" << name << "'; the named ones are ";
    llvm::interleaveComma(presets, error,
                          [&](const Preset &preset) { error << preset.name; });
    return {};
  }
  if (page < 0 || page >= maxPage) {
    emitError() << "page is " << page
                << ", but must be positive and below 2^31";
    return {};
  }
  if (preset->needsPage && page == 0) {
    emitError() << "layout '" << name
                << "' has scales at the page's end and needs 'page = n'";
    return {};
  }
  if (preset->build == buildDense && page != 0) {
    emitError() << "layout 'dense' has no page";
    return {};
  }
  return preset->build(context, page);
}

KVLayoutAttr KVLayoutAttr::getDense(MLIRContext *context) {
  return buildDense(context, 0);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

int64_t KVLayoutAttr::getRowElements() const {
  int64_t elements = 0;
  for (const KVField &field : getFields())
    elements += field.count;
  return elements;
}

int64_t KVLayoutAttr::getRowScales() const {
  int64_t scales = 0;
  for (const KVField &field : getFields())
    scales += field.getNumScales();
  return scales;
}

bool KVLayoutAttr::hasOneScalePerRow() const {
  return getFields().size() == 1 && getRowScales() == 1;
}

KVLocation KVLayoutAttr::locate(unsigned field, AffineExpr row,
                                AffineExpr element) const {
  const KVField &f = getFields()[field];
  AffineExpr record = row * getRecordBytes();
  KVLocation location;
  location.element = record + element * f.getElementBytes() + f.offset;
  if (!f.group)
    return location;
  AffineExpr scales = hasScalesInRecord() ? record
                                          : row * getScaleRecordBytes() +
                                                getPage() * getRecordBytes();
  location.scale =
      scales + element.floorDiv(f.group) * f.getScaleBytes() + f.scaleOffset;
  return location;
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

namespace {
/// Bytes that a field takes, for the check that fields do not overlap.
struct Extent {
  int64_t begin, end;
};
} // namespace

LogicalResult KVLayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   ArrayRef<KVField> fields,
                                   int64_t recordBytes, int64_t page,
                                   int64_t scaleRecordBytes,
                                   int64_t pageBytes) {
  if (fields.empty()) {
    if (recordBytes || page || scaleRecordBytes || pageBytes)
      return emitError() << "a layout without fields is dense and has no sizes";
    return success();
  }
  constexpr int64_t maxBytes = int64_t(1) << 24;
  if (recordBytes <= 0 || recordBytes > maxBytes)
    return emitError() << "record_bytes is " << recordBytes
                       << ", but must be positive and at most " << maxBytes;
  if (page < 0 || page >= maxPage)
    return emitError() << "page is " << page
                       << ", but must be positive and below 2^31";
  if (scaleRecordBytes < 0 || scaleRecordBytes > maxBytes)
    return emitError() << "scale_record_bytes is " << scaleRecordBytes
                       << ", but must be positive and at most " << maxBytes;
  if (scaleRecordBytes && !page)
    return emitError() << "scales at the page's end (scale_record_bytes = "
                       << scaleRecordBytes << ") need 'page = n'";
  if (pageBytes && !page)
    return emitError() << "page_bytes = " << pageBytes << " needs 'page = n'";
  int64_t minPageBytes = page * (recordBytes + scaleRecordBytes);
  if (pageBytes < minPageBytes)
    return emitError() << "page_bytes is " << pageBytes << ", but " << page
                       << " rows take " << minPageBytes << " bytes";

  SmallVector<Extent> inRecord, inScaleRecord;
  for (const KVField &field : fields) {
    if (!isa<Float8E4M3FNType, BFloat16Type, Float16Type, Float32Type>(
            field.elementType))
      return emitError() << "field element type is " << field.elementType
                         << ", but must be f8E4M3FN, bf16, f16 or f32";
    if (field.count <= 0 || field.count > maxBytes || field.offset < 0 ||
        field.offset > recordBytes)
      return emitError() << "field of " << field.count << " elements at byte "
                         << field.offset
                         << " must have a positive count and start in the "
                            "record of "
                         << recordBytes << " bytes";
    inRecord.push_back(
        {field.offset, field.offset + field.count * field.getElementBytes()});
    if (!field.scaleType)
      continue;
    if (!isa<Float32Type, Float8E8M0FNUType>(field.scaleType))
      return emitError() << "field scale type is " << field.scaleType
                         << ", but must be f32 or f8E8M0FNU";
    if (field.group <= 0 || field.count % field.group != 0)
      return emitError() << "a scale per " << field.group
                         << " elements does not divide a field of "
                         << field.count;
    if (field.scaleOffset < 0 || field.scaleOffset > maxBytes)
      return emitError() << "scale offset is " << field.scaleOffset
                         << ", but must be in [0, " << maxBytes << "]";
    (scaleRecordBytes ? inScaleRecord : inRecord)
        .push_back(
            {field.scaleOffset,
             field.scaleOffset + field.getNumScales() * field.getScaleBytes()});
  }
  if (scaleRecordBytes && inScaleRecord.empty())
    return emitError() << "scale_record_bytes is " << scaleRecordBytes
                       << ", but no field has scales";
  auto checkExtents = [&](SmallVectorImpl<Extent> &extents, int64_t bytes,
                          StringRef what) -> LogicalResult {
    llvm::sort(extents, [](const Extent &a, const Extent &b) {
      return a.begin < b.begin;
    });
    int64_t last = 0;
    for (const Extent &extent : extents) {
      if (extent.begin < last)
        return emitError() << "bytes " << extent.begin << " to " << last - 1
                           << " of the " << what << " belong to two fields";
      last = extent.end;
      if (last > bytes)
        return emitError() << "a field ends at byte " << last << ", past the "
                           << what << " of " << bytes << " bytes";
    }
    return success();
  };
  if (failed(checkExtents(inRecord, recordBytes, "record")))
    return failure();
  return checkExtents(inScaleRecord, scaleRecordBytes, "scale record");
}

//===----------------------------------------------------------------------===//
// Assembly
//===----------------------------------------------------------------------===//

void KVLayoutAttr::print(AsmPrinter &printer) const {
  for (const Preset &preset : presets) {
    if (preset.build(getContext(), getPage()) != *this)
      continue;
    printer << "<" << preset.name;
    if (getPage())
      printer << ", page = " << getPage();
    printer << ">";
    return;
  }
  printer << "<[";
  llvm::interleaveComma(getFields(), printer, [&](const KVField &field) {
    printer << field.count << " x " << field.elementType;
    if (field.offset)
      printer << " at " << field.offset;
    if (!field.scaleType)
      return;
    printer << " scale " << field.scaleType << " per " << field.group;
    if (field.scaleOffset)
      printer << " at " << field.scaleOffset;
  });
  printer << "], record_bytes = " << getRecordBytes();
  if (getPage())
    printer << ", page = " << getPage();
  if (getScaleRecordBytes())
    printer << ", scale_record_bytes = " << getScaleRecordBytes();
  if (getPageBytes() != getPage() * (getRecordBytes() + getScaleRecordBytes()))
    printer << ", page_bytes = " << getPageBytes();
  printer << ">";
}

/// `count x type [at offset] [scale type per group [at offset]]`
static ParseResult parseField(AsmParser &parser, KVField &field) {
  field = {0, Type(), 0, 0, Type(), 0};
  if (parser.parseInteger(field.count) || parser.parseKeyword("x") ||
      parser.parseType(field.elementType))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("at")) &&
      parser.parseInteger(field.offset))
    return failure();
  if (failed(parser.parseOptionalKeyword("scale")))
    return success();
  if (parser.parseType(field.scaleType) || parser.parseKeyword("per") ||
      parser.parseInteger(field.group))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("at")) &&
      parser.parseInteger(field.scaleOffset))
    return failure();
  return success();
}

Attribute KVLayoutAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  auto emitError = [&] { return parser.emitError(loc); };
  if (parser.parseLess())
    return {};

  SmallVector<KVField> fields;
  StringRef preset;
  if (failed(parser.parseOptionalKeyword(&preset))) {
    auto parseOne = [&] { return parseField(parser, fields.emplace_back()); };
    if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseOne))
      return {};
    if (fields.empty())
      return emitError() << "a layout needs a field, or the name 'dense'",
             Attribute();
  }

  std::optional<int64_t> recordBytes, page, scaleRecordBytes, pageBytes;
  while (succeeded(parser.parseOptionalComma())) {
    StringRef key;
    SMLoc keyLoc = parser.getCurrentLocation();
    if (parser.parseKeyword(&key) || parser.parseEqual())
      return {};
    std::optional<int64_t> *slot =
        key == "page"     ? &page
        : !preset.empty() ? nullptr
                          : llvm::StringSwitch<std::optional<int64_t> *>(key)
                                .Case("record_bytes", &recordBytes)
                                .Case("scale_record_bytes", &scaleRecordBytes)
                                .Case("page_bytes", &pageBytes)
                                .Default(nullptr);
    if (!slot || *slot) {
      parser.emitError(keyLoc)
          << (slot ? "repeated" : "unknown") << " parameter '" << key
          << "'; a layout has "
          << (preset.empty()
                  ? "record_bytes, page, scale_record_bytes and page_bytes"
                  : "page");
      return {};
    }
    if (parser.parseInteger(slot->emplace()))
      return {};
  }
  if (parser.parseGreater())
    return {};

  if (page && *page <= 0)
    return emitError() << "page is " << *page
                       << ", but must be positive and below 2^31",
           Attribute();
  if (!preset.empty())
    return getPreset(parser.getContext(), preset, page.value_or(0), emitError);
  if (!recordBytes)
    return emitError() << "a layout of fields needs 'record_bytes = n'",
           Attribute();
  // Products are checked by the verifier; here they must only not overflow.
  int64_t rows = page.value_or(0), rowBytes = *recordBytes;
  int64_t leastPageBytes = 0;
  if (llvm::AddOverflow(rowBytes, scaleRecordBytes.value_or(0), rowBytes) ||
      llvm::MulOverflow(rows, rowBytes, leastPageBytes))
    return emitError() << "the bytes of a page do not fit 64 bits", Attribute();
  return getChecked(emitError, parser.getContext(), ArrayRef<KVField>(fields),
                    *recordBytes, rows, scaleRecordBytes.value_or(0),
                    pageBytes.value_or(leastPageBytes));
}
