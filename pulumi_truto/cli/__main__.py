"""``python -m pulumi_truto.cli``: the same as the command `pulumi-truto`."""

import sys

from pulumi_truto.cli import main

sys.exit(main())
