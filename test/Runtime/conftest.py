import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import pytest  # noqa: E402

import gpu_runtime  # noqa: E402
from fake_driver import Fake  # noqa: E402


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("runtime") / "fake.so"
    renamed = [f"-D{name}=fake_{name}" for name in ("dlopen", "dlsym", "dlerror")]
    source = pathlib.Path(__file__).parent / "fake_driver.c"
    gpu_runtime.build(path, source, options=renamed)
    return path


@pytest.fixture
def fake(library, tmp_path):
    """A library that nothing has called yet."""
    copy = tmp_path / "fake.so"
    shutil.copy(library, copy)
    loaded = Fake(copy)
    yield loaded
    assert loaded.library.fakeDepth() == 0, "a context was left current"
