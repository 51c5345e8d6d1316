"""The measuring side of `tests/bench/run`: contenders, rows, rounds, reports."""
