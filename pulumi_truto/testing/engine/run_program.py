"""Runs a Pulumi program in its own process, as Pulumi's Python language host does.

The command is ``python -m pulumi_truto.testing.engine.run_program '{...}'``. Its argument is a JSON object with the
program, "." or a file in the working directory, and the fields of `pulumi.runtime.Settings`. The stack's configuration
is in ``PULUMI_CONFIG``.
"""

from __future__ import annotations

import asyncio
import json
import logging
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

__all__ = ["EXIT_CODE_ERROR_SHOWN", "main"]

#: The exit code of a program that has failed and has already shown the error, as in Pulumi's Python language host.
EXIT_CODE_ERROR_SHOWN: Final = 32


def main(arguments: dict[str, Any]) -> int:
    """Runs the program. The exit code is 0 for success and `EXIT_CODE_ERROR_SHOWN` for a failure."""
    import pulumi
    import pulumi.runtime
    from pulumi.runtime import config

    program, threads = arguments.pop("program"), arguments.pop("threads")
    pulumi.runtime.set_all_config(config.get_config_env(), config.get_config_secret_keys_env())
    pulumi.runtime.configure(pulumi.runtime.Settings(**arguments))
    # Abandoned tasks are normal at the end of a failed run: asyncio must not warn about them.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    sys.argv = [program]
    if not getattr(sys.flags, "safe_path", False):
        del sys.path[0]  # the working directory, from ``python -m``: Pulumi's host is a script in another folder

    def run() -> None:
        runpy.run_path(program, run_name="__main__")

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_default_executor(ThreadPoolExecutor(threads))
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(run))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return EXIT_CODE_ERROR_SHOWN
    except Exception:  # noqa: BLE001 - a program can raise anything
        pulumi.log.error("Program failed with an unhandled exception:\n" + traceback.format_exc())
        return EXIT_CODE_ERROR_SHOWN
    finally:
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
