"""Runs a pipeline on a module from Python, with nothing but the library.

usage: run_pipeline.py LIBRARY PIPELINE < MODULE
"""

import ctypes
import sys

POINTER = ctypes.c_void_p


class StringRef(ctypes.Structure):
    # No c_char_p, which would look for a zero at the end.
    _fields_ = [("data", ctypes.POINTER(ctypes.c_char)), ("length", ctypes.c_size_t)]


class LogicalResult(ctypes.Structure):
    _fields_ = [("value", ctypes.c_int8)]


class Handle(ctypes.Structure):
    """MlirContext, MlirModule, MlirOperation: a struct around one pointer."""

    _fields_ = [("ptr", POINTER)]


CALLBACK = ctypes.CFUNCTYPE(None, StringRef, POINTER)


def declare(library, name, result, *arguments):
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return function


def ref(text):
    data = text.encode()
    return StringRef(ctypes.create_string_buffer(data), len(data))


class Collector:
    """A callback and the text that it was given."""

    def __init__(self):
        self.text = ""
        self.callback = CALLBACK(self.add)

    def add(self, text, _):
        self.text += text.data[:text.length].decode()


def main():
    library = ctypes.CDLL(sys.argv[1])
    create = declare(library, "dsaContextCreate", Handle, ctypes.c_bool)
    parse = declare(library, "dsaModuleCreateParse", Handle, Handle, StringRef,
                    StringRef, CALLBACK, POINTER)
    run = declare(library, "dsaModuleRunPipeline", LogicalResult, Handle, StringRef,
                  CALLBACK, POINTER)
    get_operation = declare(library, "mlirModuleGetOperation", Handle, Handle)
    show = declare(library, "mlirOperationPrint", None, Handle, CALLBACK, POINTER)
    destroy_module = declare(library, "mlirModuleDestroy", None, Handle)
    destroy_context = declare(library, "mlirContextDestroy", None, Handle)

    output, errors = Collector(), Collector()
    context = create(True)
    module = parse(context, ref(sys.stdin.read()), ref("<stdin>"), errors.callback, None)
    succeeded = False
    if module.ptr:
        succeeded = run(module, ref(sys.argv[2]), errors.callback, None).value != 0
        if succeeded:
            show(get_operation(module), output.callback, None)
        destroy_module(module)
    destroy_context(context)
    print(output.text, end="")
    print(errors.text, end="", file=sys.stderr)
    return 0 if succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
