"""Counts the tests of a JUnit XML file, as lit and pytest write it.

Prints "PASSED FAILED SKIPPED". A file that is missing, cannot be read or holds
no test that ran counts as one failure: a runner that died is not a success.
"""

import sys
import xml.etree.ElementTree as ElementTree


def count(path):
    passed = failed = skipped = 0
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        print(f"no results in {path}: {error}", file=sys.stderr)
        return 0, 1, 0
    for case in cases:
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    if passed + failed == 0:
        print(f"no test ran, says {path}", file=sys.stderr)
        failed = 1
    return passed, failed, skipped


if __name__ == "__main__":
    print(*count(sys.argv[1]))
