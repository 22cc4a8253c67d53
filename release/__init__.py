"""The conditions of a release."""
