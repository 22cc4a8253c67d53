"""Small programs that the local engine and the Pulumi CLI must treat alike; `test_differential.py` runs them.

Each module is one scenario: a docstring that says what it shows, and `STEPS`. `KINDS` names the provider kinds where
it is not the dynamic provider alone. What the CLI did is recorded beside it, in a JSON file of the same name.
"""
