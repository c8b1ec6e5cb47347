// Uses of the pipeline by name that are errors, not the end of the program.

// RUN: not dsa-opt %s --pass-pipeline='builtin.module(func.func(dsa-reference-pipeline))' 2>&1 | FileCheck %s --check-prefix=NESTED
// NESTED: error: 'dsa-reference-pipeline' runs on 'builtin.module', not on 'func.func'

// RUN: not dsa-opt %s --pass-pipeline='builtin.module(dsa-reference-pipeline{type=f32})' 2>&1 | FileCheck %s --check-prefix=OPTION
// OPTION: error: {{.*}}no such option type

func.func @f() {
  return
}
