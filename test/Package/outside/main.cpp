// A compiler of somebody else's: reads an MLIR file with dsa ops and prints it
// as the LLVM dialect.

#include "dsa/Pipelines.h"
#include "dsa/Register.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::dsa::registerDialect(registry);
  mlir::MLIRContext context(registry);
  mlir::ParserConfig config(&context);
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(argv[argc - 1], config);

  mlir::PassManager passes(&context);
  mlir::dsa::buildReferencePipeline(passes, {});
  if (!module || mlir::failed(passes.run(*module)))
    return 1;
  module->print(llvm::outs());
  return 0;
}
