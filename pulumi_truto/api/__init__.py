"""Truto's API over HTTP."""
