"""Counts and prints the steps of a session; shared by the scripts beside it.

Each step is one line. A failed one prints what was wrong and the session goes on, so that one run tells everything.
"""

import contextlib
import json
import os
import sys
import traceback


class Session:
    """The steps of one program that speaks to a server."""

    def __init__(self, who):
        self.who = who
        self.failed = 0
        self.held = 0

    @contextlib.contextmanager
    def step(self, what):
        """Runs a step: whatever it raises is a failure of this step alone."""
        try:
            yield
        except Exception as error:  # a stranger may raise anything
            self.failed += 1
            own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == os.path.abspath(sys.argv[0])]
            line = f"line {own[-1].lineno}: {own[-1].line}" if own else "outside of the script"
            print(f"FAILED  {self.who}: {what}: {type(error).__name__}: {error}\n        {line}", flush=True)
        else:
            self.held += 1
            print(f"ok      {self.who}: {what}", flush=True)

    def close(self):
        """Ends the program with the session's verdict."""
        sys.exit(1 if self.failed or not self.held else 0)


@contextlib.contextmanager
def refused(kind, *words):
    """Expects an exception of a kind whose text has all these words."""
    try:
        yield
    except kind as error:
        for word in words:
            assert word in str(error), f"{word!r} is not in {error}"
    else:
        raise AssertionError(f"nothing was refused; expected {words}")


def same(found, expected):
    """Asserts that two values are equal and shows both when they are not."""
    assert found == expected, f"{found!r} is not {expected!r}"


def simulator():
    """Returns what the simulator printed about itself, as written down by `run`."""
    with open(os.environ["STRANGERS_SIMULATOR"], encoding="utf-8") as file:
        return json.load(file)
