"""What ``scripts/benchmark.py`` measures, one module for each benchmark.

``setting`` is what a run was asked for, ``worker`` the processes in which things are
measured, ``plain`` and ``ours`` what is compared, each in a process of its own.
"""
