"""Runs the reference pipeline through the C API, as a binding in Python would begin."""

import ctypes
import sys

SOURCE = """
func.func @f(%s: tensor<8x99xf32>, %i: tensor<8x7xi32>, %n: tensor<8xi32>) -> tensor<8x7xi32> {
  %indices, %count = dsa.top_k scores(%s : tensor<8x99xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  return %indices : tensor<8x7xi32>
}
"""


class Handle(ctypes.Structure):
    """MlirContext and MlirModule: a pointer each."""

    _fields_ = [("pointer", ctypes.c_void_p)]


class StringRef(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("length", ctypes.c_size_t)]

    def __init__(self, text):
        super().__init__(text.encode(), len(text.encode()))


class Result(ctypes.Structure):
    _fields_ = [("value", ctypes.c_int8)]


lib = ctypes.CDLL(sys.argv[1])
lib.dsaContextCreate.restype = Handle
lib.dsaModuleParse.restype = Handle
lib.dsaModuleRunPipeline.restype = Result
lib.dsaModuleToText.restype = ctypes.c_void_p


def take(pointer):
    """The text of a string that the library returned, which is freed."""
    text = ctypes.string_at(pointer).decode()
    lib.dsaStringFree(ctypes.c_void_p(pointer))
    return text


def check(function, *arguments):
    messages = ctypes.c_void_p()
    result = function(*arguments, ctypes.byref(messages))
    if messages.value:
        raise ValueError(take(messages.value))
    return result


context = lib.dsaContextCreate()
try:
    check(lib.dsaModuleParse, context, StringRef("fun"), StringRef("f.mlir"))
except ValueError as error:
    print("error:", error)
module = check(lib.dsaModuleParse, context, StringRef(SOURCE), StringRef("f.mlir"))
assert check(lib.dsaModuleRunPipeline, module,
             StringRef("builtin.module(dsa-reference-pipeline)")).value
print(take(lib.dsaModuleToText(module)))
lib.mlirModuleDestroy(module)
lib.mlirContextDestroy(context)
