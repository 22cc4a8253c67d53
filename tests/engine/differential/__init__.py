"""Small programs with which the local engine is compared with the Pulumi CLI; `test_differential.py` runs them.

Each module is one scenario: its docstring says what it shows, and `STEPS` has its steps. `KINDS` names the provider
kinds; without it, the scenario runs with the dynamic provider only. A JSON file with the same name records
the results of the Pulumi CLI.
"""
