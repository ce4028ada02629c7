"""The documented examples of the cache do what they say; those of frameworks run in test_frameworks."""

from __future__ import annotations

import runpy
from pathlib import Path

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


def test_the_options_and_helpers_of_cached_functions_work_as_shown() -> None:
    runpy.run_path(str(EXAMPLES / "cached_functions.py"), run_name="__main__")


def test_tests_of_code_that_caches_work_as_shown() -> None:
    shown = runpy.run_path(str(EXAMPLES / "test_your_code.py"))
    tests = [value for name, value in shown.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()
