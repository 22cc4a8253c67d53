"""What this provider costs, beside the provider that most teams write and beside what is possible: ``make bench``."""
