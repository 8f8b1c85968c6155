"""The benchmarks of ``scripts/benchmark.py``, one module each.

Their ``measure(context)`` returns results for JSON, ``make_table(results)`` a table.
"""
