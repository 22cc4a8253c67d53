"""Runs a Pulumi program in a process of its own, the way Pulumi's Python host does.

``python -m pulumi_truto.local_engine.run_program '{...}'``: the argument is JSON with the settings of
`pulumi.runtime.Settings` and the program's file. The configuration comes in ``PULUMI_CONFIG``.
"""

from __future__ import annotations

import asyncio
import json
import logging
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pulumi_truto.local_engine.language_host import SHOWN


def main(arguments: dict[str, Any]) -> int:
    """Runs the program; the exit code is 0 unless it failed, and `SHOWN` where it has shown why."""
    import pulumi
    import pulumi.runtime
    from pulumi.runtime import config

    program, threads = Path(arguments.pop("program")), arguments.pop("threads")
    pulumi.runtime.set_all_config(config.get_config_env(), config.get_config_secret_keys_env())
    pulumi.runtime.configure(pulumi.runtime.Settings(**arguments))
    # Abandoned tasks are normal at the end of a failed run, and no news to the user.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    sys.argv = [str(program)]
    sys.path.insert(0, str(program.parent))

    def run() -> None:
        runpy.run_path(str(program), run_name="__main__")

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_default_executor(ThreadPoolExecutor(threads))
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(run))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return SHOWN
    except Exception:  # noqa: BLE001 - whatever a program raises is reported
        pulumi.log.error("Program failed with an unhandled exception:\n" + traceback.format_exc())
        return SHOWN
    finally:
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
