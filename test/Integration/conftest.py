import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import pytest  # noqa: E402

import harness  # noqa: E402


def pytest_generate_tests(metafunc):
    """Tests of a module run once for each target that its TARGETS list."""
    targets = getattr(metafunc.module, "TARGETS", None)
    if targets:
        metafunc.parametrize("target", targets, indirect=True, scope="module")


@pytest.fixture(autouse=True, scope="module")
def target(request):
    name = getattr(request, "param", "reference")
    with harness.compiled_for(name):
        yield name
