"""The costs of this provider, of the one that most teams write, and of the lowest possible: ``make bench``."""
