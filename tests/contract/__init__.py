"""Compares what the code rests on with a Truto API: ``python -m tests.contract``, and ``make verify-live``.

`tests.contract.facts` has the facts. Each is probed over plain HTTP, without the client of this package, which would
hide what is to be observed.
"""
