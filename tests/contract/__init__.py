"""Checks our assumptions about Truto's API: on the sandbox, and with `make verify-live` on the live API.

A test states a fact, and its marker names the code that relies on it. The tests use plain HTTP because the client of
this package would hide details that they observe.
"""
