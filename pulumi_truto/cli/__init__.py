"""The command `pulumi-truto`: ``import-file`` imports existing webhooks and notification destinations,
``orphans`` finds those that no stack knows.

Token, base URL and environment come from ``TRUTO_API_TOKEN``, ``TRUTO_BASE_URL`` and ``TRUTO_ENVIRONMENT_ID``. Only
``orphans --delete`` changes anything at Truto.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pulumi_truto.cli.files import parse_json, read_secrets, write_private
from pulumi_truto.cli.terminal import ask, log, show
from pulumi_truto.config import API_TOKEN_VARIABLE, Settings, resolve_settings
from pulumi_truto.errors import TrutoError
from pulumi_truto.resource_types import REST_TYPES
from pulumi_truto.session import connect
from pulumi_truto.webhook.webhook_type import WEBHOOK

if TYPE_CHECKING:
    from pulumi_truto.cli.environment import Existing
    from pulumi_truto.cli.orphans import Known

__all__ = ["main"]

#: The oldest Pulumi CLI that imports the inputs and outputs of the file.
_OLDEST_CLI: Final = (3, 254)
#: The exit code of ``orphans`` if there is a difference.
DIFFERENCE: Final = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. The exit code is 0 for success, 1 for a failure, 2 for wrong arguments, 3 for a difference."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # like Ctrl-C, so that no temporary file stays
    options = _parser().parse_args(arguments)
    try:
        run = _import_file if options.command == "import-file" else _orphans
        return run(options)
    except BrokenPipeError:
        return 141  # the reader has enough, like `head`; a shell shows this code for a program that SIGPIPE ends
    except KeyboardInterrupt:
        log("interrupted")
        return 130
    except (TrutoError, OSError, ValueError) as error:
        log(f"error: {error}")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pulumi-truto", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_import_file(commands)
    _add_orphans(commands)
    return parser


def _add_import_file(commands: Any) -> None:  # argparse has no public name for the type
    parser = commands.add_parser(
        "import-file",
        help="write the file that imports existing webhooks and destinations into a stack",
        description="Reads the webhooks and notification destinations of the environment, and writes the file for "
        "`pulumi import --file`. Importing makes no API call, and the next preview is unchanged. Say which ones: if "
        "two stacks manage a webhook, it is deleted as soon as one of them no longer declares it. An import does not "
        "change a webhook that the stack has: to give it its secret, run `pulumi state delete <urn>` first, which "
        "deletes nothing at Truto.",
    )
    parser.add_argument(
        "--provider-kind", choices=["dynamic", "native"], required=True, help="the provider kind that will manage them"
    )
    parser.add_argument("--secrets", metavar="FILE", help="a JSON object of secrets by webhook id; - is standard input")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help="the file to write; only you can read it"
    )
    parser.add_argument(
        "--stack-export",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="leave out those that are in these outputs of `pulumi stack export`",
    )
    parser.add_argument("--all", action="store_true", help="everything, also if a stack manages it already")
    parser.add_argument("--id", action="append", default=[], help="only the one with this id; several times if needed")
    parser.add_argument("--target-url", help="only webhooks with this URL")
    parser.add_argument("--event-type", help="only webhooks that are subscribed to this event type")
    parser.add_argument(
        "--name", action="append", default=[], type=_pair, metavar="ID=NAME", help="the resource name for an id"
    )


def _add_orphans(commands: Any) -> None:
    parser = commands.add_parser(
        "orphans",
        help="find the webhooks and destinations that no stack knows",
        description="Compares the webhooks and notification destinations of the environment with the exports of all "
        f"stacks that use it. The exit code is 0 if there is no difference, and {DIFFERENCE} if there is one.",
    )
    parser.add_argument(
        "--stack-export",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="the output of `pulumi stack export`",
    )
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument(
        "--delete",
        action="store_true",
        help="delete the orphans, each after a question. Give the exports of all stacks",
    )
    parser.add_argument("--yes", action="store_true", help="with --delete: ask nothing")
    parser.add_argument(
        "--type",
        action="append",
        choices=[kind.name for kind in REST_TYPES.values()],
        help="only this resource type; can be given several times. Default: all",
    )


def _import_file(options: argparse.Namespace) -> int:
    _check_output(options)
    known = _known_to_skip(options)
    settings = _settings()
    from pulumi_truto.cli.environment import read_environment
    from pulumi_truto.cli.import_file import build, names_for, python_program

    secrets = read_secrets(options.secrets)
    environment = read_environment(connect(settings, _warn), _warn)
    ids = {existing.id for existing in environment.items}
    if not ids.isdisjoint(secrets.values()):
        raise ValueError("--secrets maps secrets to webhook ids: it must map webhook ids to secrets")
    # For all of them, so that a filter changes no name.
    names = names_for(environment.items, dict(options.name))
    named = {*options.id, *dict(options.name), *secrets}
    if unreadable := sorted(named & environment.unreadable):
        raise ValueError(f"{', '.join(unreadable)} cannot be read: see the warning above")
    if unknown := sorted(named - ids):
        raise ValueError(f"the environment of this token has no {', '.join(unknown)}")
    selected = [
        existing for existing in environment.items if existing.id not in known and _is_selected(existing, options)
    ]
    selected = [existing for existing in selected if _can_be_declared(existing, settings)]
    if not selected:
        raise ValueError("there is nothing to import: the stacks have all that the options select")
    import_file = build(selected, names, secrets, options.provider_kind, settings)
    for id_ in import_file.without_secret:
        _warn(f"the secret of webhook {id_} ({names[id_]}) is not in --secrets: it will be null in the stack")
    _warn_of_old_cli()
    is_dynamic = options.provider_kind == "dynamic"
    write_private(options.output, json.dumps(import_file.document, indent=2) + "\n")
    show(
        *(python_program(selected, names).split("\n") if is_dynamic else []),
        f"# {len(selected)} of {len(ids)} resources are in {options.output}. Import them into the stack with:",
        f"#     pulumi import --file {options.output}{' --generate-code=false' if is_dynamic else ''}",
        "# then put the code into the program and run `pulumi up`, which changes nothing. Until then they are",
        "# protected: an `up` without the code fails, and does not delete them.",
        f"# {options.output} contains secrets in plain text: delete it after the import.",
    )
    return 0


def _can_be_declared(existing: Existing, settings: Settings) -> bool:
    """Whether a program can declare the item as it is; warns if not."""
    errors = existing.kind.check(existing.inputs, {}, api_on_loopback=settings.is_loopback).errors
    if errors:
        reasons = "; ".join(error.message(str) for error in errors)
        _warn(f"{existing.kind.noun} {existing.id} is left out because no program can declare it: {reasons}")
    return not errors


def _check_output(options: argparse.Namespace) -> None:
    """Checks that the output replaces none of the inputs. Truto shows a secret only once."""
    inputs = [*options.stack_export, *([options.secrets] if options.secrets not in (None, "-") else [])]
    if options.output == Path("-"):
        raise ValueError("--output must be a file because the secrets in it must not be shown")
    if options.output.exists() and any(options.output.samefile(file) for file in inputs):
        raise ValueError(f"{options.output} is an input of this command. Name another file for --output")


def _known_to_skip(options: argparse.Namespace) -> set[str]:
    """The ids of the resources that the given stacks have."""
    if not (options.all or options.stack_export or options.id or options.target_url or options.event_type):
        raise ValueError(
            "say which resources to import: --stack-export FILE ... leaves out those that these stacks have; --id, "
            "--target-url and --event-type select; --all takes everything, also if a stack manages it already"
        )
    known = {resource.id: resource.urn for resource in _known(options.stack_export)}
    if managed := [f"{id_}, as {known[id_]}" for id_ in options.id if id_ in known]:
        raise ValueError(f"a stack has {'; '.join(managed)} already")
    return set(known)


def _orphans(options: argparse.Namespace) -> int:
    settings = _settings()
    from pulumi_truto.cli.environment import read_environment
    from pulumi_truto.cli.orphans import compare, to_lines

    known = _known(options.stack_export)
    client = connect(settings, _warn)
    environment = read_environment(client, _warn)
    if options.type:
        items = [existing for existing in environment.items if existing.kind.name in options.type]
        listed = [kind for kind in environment.listed if kind.name in options.type]
        environment = replace(environment, items=items, listed=listed)
    report = compare(environment, known, settings)
    if options.format == "json":
        show(*json.dumps(report.to_json(), indent=2).split("\n"))
    else:
        show(*to_lines(report))
    if options.delete:
        deleted = [orphan for orphan in report.orphans if options.yes or _confirms(orphan)]
        for orphan in deleted:
            getattr(client, orphan.kind.collection).delete(orphan.id)
            log(f"deleted  {orphan.id}")
        left = [existing for existing in environment.items if existing not in deleted]
        report = compare(replace(environment, items=left), known, settings)
    return DIFFERENCE if report.has_difference else 0


def _confirms(orphan: Existing) -> bool:
    """Asks whether to delete an orphan. Without a terminal, or anything but "y", it stays."""
    state = "active" if orphan.item.is_active else "switched off"
    noun = "webhook " if orphan.kind is WEBHOOK else ""
    answer = ask(f"Delete {noun}{orphan.id} ({state}, {orphan.description})? [y/N]")
    return answer.strip().lower() in ("y", "yes")


def _known(exports: Sequence[Path]) -> list[Known]:
    """The resources in the exports of stacks."""
    from pulumi_truto.cli.orphans import read_export

    known = []
    for file in {file.resolve(): file for file in exports}.values():
        try:
            known += [replace(resource, export=str(file)) for resource in read_export(parse_json(file.read_bytes()))]
        except ValueError as error:
            raise ValueError(f"{file} cannot be read: {error}") from None
    return known


def _settings() -> Settings:
    if not os.environ.get(API_TOKEN_VARIABLE):
        raise ValueError(f"set the environment variable {API_TOKEN_VARIABLE} to a token of the environment")
    settings = resolve_settings(lambda _: None, os.environ)
    if settings.errors:
        raise ValueError("; ".join(settings.errors))
    return settings


def _is_selected(existing: Existing, options: argparse.Namespace) -> bool:
    """Whether the options select it. Only webhooks have a URL and event types of Truto's."""
    from pulumi_truto.api.models import Webhook
    from pulumi_truto.webhook.lookup import matches

    filters = {"target_url": options.target_url, "event_type": options.event_type}
    if options.id and existing.id not in options.id:
        return False
    return not any(filters.values()) or (isinstance(existing.item, Webhook) and matches(existing.item, **filters))


def _warn_of_old_cli() -> None:
    """Warns if the Pulumi CLI on PATH is too old for the file."""
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        return
    version_output = subprocess.run([pulumi, "version"], capture_output=True, text=True, check=False).stdout  # noqa: S603 - on PATH
    version = re.match(r"v?(\d+)\.(\d+)", version_output.strip())
    if version and (int(version[1]), int(version[2])) < _OLDEST_CLI:
        oldest = ".".join(map(str, _OLDEST_CLI))
        _warn(f"the Pulumi CLI on PATH is {version_output.strip()}: importing from this file needs {oldest} or later")


def _warn(message: str) -> None:
    log(f"warning: {message}")


def _pair(text: str) -> tuple[str, str]:
    id_, equals, name = text.partition("=")
    if not id_ or not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form ID=NAME")
    return id_, name
