"""The command line: refuses what is not meant, runs the suite, shows what it found."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import requests

from pulumi_truto.config import API_TOKEN_VARIABLE, Settings, resolve_settings
from tests.contract.control import Control
from tests.contract.fact import Fact, Finding
from tests.contract.facts import FACTS
from tests.contract.receiver import Receiver, running_receiver
from tests.contract.report import header, row, summary, to_json
from tests.contract.suite import WEBHOOKS, Options, Unusable, verify

__all__ = ["main"]

_OTHER_TOKEN_VARIABLE: Final = "TRUTO_OTHER_API_TOKEN"
_NAME_WIDTH: Final = max(len(fact.name) for fact in FACTS)
_SELF_CHECK: Final = "/self-check"


class _Refused(Exception):
    """Nothing was sent to Truto."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the suite. The exit code is that of `Outcome.exit_code`, or 2 if nothing was created."""
    options = _parser().parse_args(arguments)
    control = Control(options.time_limit)
    try:
        settings = _settings(options)
        with control.handling_signals(), _receiver(options, settings) as receiver:
            return _verify(options, settings, receiver, control)
    except (_Refused, Unusable) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.contract",
        description="Compares what the code rests on with the Truto API of TRUTO_API_TOKEN and TRUTO_BASE_URL. With "
        f"{_OTHER_TOKEN_VARIABLE}, a token of another environment, it also probes what one sees of the other.",
    )
    parser.add_argument(
        "--yes-create-and-delete", action="store_true", help="create webhooks in the environment, and delete them"
    )
    parser.add_argument(
        "--public-url", metavar="URL", help="the URL of a tunnel that leads to the port on this machine"
    )
    parser.add_argument("--port", type=int, metavar="N", help="the port on this machine for test events")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write what was found to this file")
    parser.add_argument(
        "--fact", action="append", metavar="NAME", choices=[fact.name for fact in FACTS], help="probe only this fact"
    )
    parser.add_argument(
        "--settle-seconds",
        type=float,
        default=Options.settle_seconds,
        metavar="S",
        help="how long to wait for the list",
    )
    parser.add_argument(
        "--time-limit",
        type=float,
        default=Options.time_limit_seconds,
        metavar="S",
        help="probe nothing after this time",
    )
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    if not os.environ.get(API_TOKEN_VARIABLE):
        raise _Refused(f"{API_TOKEN_VARIABLE} is not set: set it to an API token of a Truto environment for tests")
    settings = resolve_settings(lambda _: None, os.environ)
    if settings.errors:
        raise _Refused("; ".join(settings.errors))
    other = os.environ.get(_OTHER_TOKEN_VARIABLE, "")
    if not other.isascii() or not other.isprintable() or " " in other:
        raise _Refused(f"{_OTHER_TOKEN_VARIABLE} contains whitespace or other characters that no token has")
    if not options.yes_create_and_delete:
        raise _Refused(
            f"this creates about {WEBHOOKS} webhooks in the environment of {API_TOKEN_VARIABLE} at "
            f"{settings.base_url}, a few at a time, at URLs of its own, and deletes them. It touches no other webhook. "
            "Add --yes-create-and-delete to run it"
        )
    if (options.public_url is None) is not (options.port is None):
        raise _Refused("--public-url and --port belong together: the URL has to lead to the port")
    try:
        if options.json is not None:
            options.json.touch()
    except OSError as error:
        raise _Refused(f"cannot write {options.json}: {error.strerror or error}") from None
    return settings


@contextlib.contextmanager
def _receiver(options: argparse.Namespace, settings: Settings) -> Iterator[Receiver | None]:
    """A receiver that the API can reach, if there is one."""
    if options.public_url is None and not settings.is_loopback:
        yield None
        return
    with contextlib.ExitStack() as stack:
        try:
            receiver = stack.enter_context(running_receiver(options.port or 0, options.public_url))
        except OSError as error:
            raise _Refused(f"the receiver cannot listen on port {options.port}: {error.strerror or error}") from None
        if options.public_url is not None:
            _check_tunnel(receiver)
        yield receiver


def _check_tunnel(receiver: Receiver) -> None:
    try:
        response = requests.post(receiver.url + _SELF_CHECK, timeout=20, allow_redirects=False)
        found = f"{urlsplit(receiver.url).hostname} returned {response.status_code}"
    except requests.RequestException as error:
        found = type(error).__name__
    if not receiver.deliveries(_SELF_CHECK):
        raise _Refused(f"--public-url does not lead to --port on this machine: a request did not arrive ({found})")


def _verify(options: argparse.Namespace, settings: Settings, receiver: Receiver | None, control: Control) -> int:
    facts = [fact for fact in FACTS if not options.fact or fact.name in options.fact]
    width = max(shutil.get_terminal_size((120, 24)).columns, 2 * _NAME_WIDTH)

    def show(fact: Fact, finding: Finding) -> None:
        print(row(fact, finding, name_width=_NAME_WIDTH, width=width), flush=True)

    print(f"Verifying {len(facts)} facts about {settings.base_url}\n\n{header(_NAME_WIDTH)}", flush=True)
    outcome = verify(
        Options(
            base_url=settings.base_url,
            token=settings.api_token,
            other_token=os.environ.get(_OTHER_TOKEN_VARIABLE) or None,
            receiver=receiver,
            facts=facts,
            settle_seconds=options.settle_seconds,
            time_limit_seconds=options.time_limit,
        ),
        control,
        on_finding=show,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    print("\n".join(["", *summary(outcome)]), flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(to_json(outcome), indent=2) + "\n", encoding="utf-8")
    return outcome.exit_code
