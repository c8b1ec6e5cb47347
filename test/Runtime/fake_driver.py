"""The runtime, linked with a driver that does as the test says (fake_driver.c)."""

import ctypes

from gpu_runtime import Runtime


class Fake(Runtime):
    def __init__(self, path):
        super().__init__(path)
        self.texts = []  # that the library points to

    def set(self, **values):
        for name, value in values.items():
            variable = f"fake{name}"
            if isinstance(value, bytes):
                self.texts.append(value)
                ctypes.c_char_p.in_dll(self.library, variable).value = value
            elif isinstance(value, list):
                (ctypes.c_int * 2).in_dll(self.library, variable)[:] = value
            else:
                ctypes.c_int.in_dll(self.library, variable).value = value

    def get(self, name):
        return ctypes.c_int.in_dll(self.library, f"fake{name}").value

    def log(self):
        text = (ctypes.c_char * 4096).in_dll(self.library, "fakeLog").value.decode()
        return text.splitlines()

    def loads(self):
        return [line.split()[1] for line in self.log() if line.startswith("load")]
