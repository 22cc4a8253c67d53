"""Runs the facts on the sandbox, under each of its forms, or with `--live` on the API of TRUTO_API_TOKEN."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import requests

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.urls import is_loopback
from tests.contract.client import Client, Pace
from tests.contract.receiver import Receiver, running_receiver
from tests.contract.truto import HOST, Observed, Truto
from tests.support.commands import REPOSITORY
from tests.support.sandbox_client import create_webhook

#: The sandbox in the forms that Truto's sources allow; a fact has to hold in each.
FORMS: Final[dict[str, dict[str, Any]]] = {
    "default": {},
    "second": {
        "timestamp_format": "space",
        "empty_event_types_as": "null",
        "delete_response": "no_content",
        "digest": "base64",
        "event_id": "per_webhook",
        "page_default": 2,
        "list_lag_seconds": 0.3,
        "omitted_event_types": "all",
        "destination_list_key": "results",
    },
    "third": {"empty_event_types_as": "absent", "has_delivery_log": False, "page_maximum": 2},
    "plan-limit": {"webhook_limit": 3},  # one more than the foreign ones
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options of a live run."""
    group = parser.getgroup("contract")
    group.addoption("--live", action="store_true", help="check the API of TRUTO_API_TOKEN and TRUTO_BASE_URL")
    group.addoption("--yes-create-and-delete", action="store_true", help="create items there, and delete them")
    group.addoption("--public-url", metavar="URL", help="the URL of a tunnel that leads to the port on this machine")
    group.addoption("--port", type=int, metavar="N", help="the port on this machine for test events")
    group.addoption("--settle-seconds", type=float, default=30, metavar="S", help="how long to wait for the list")


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker, and refuses a live run that is not meant."""
    config.addinivalue_line("markers", "rests_on(file): the code that relies on the fact")
    if config.getoption("live", False):
        problem = _refusal(config)
        if problem:
            raise pytest.UsageError(problem)


def _refusal(config: pytest.Config) -> str | None:
    base_url = _base_url()
    if not os.environ.get("TRUTO_API_TOKEN"):
        return "TRUTO_API_TOKEN is not set: set it to an API token of a Truto environment for tests"
    if not base_url.startswith("https://") and not is_loopback(urlsplit(base_url).hostname):
        return "TRUTO_BASE_URL must start with https://"
    if not config.getoption("yes_create_and_delete"):
        return (
            "this creates about 65 webhooks and 15 notification destinations in the environment of TRUTO_API_TOKEN at "
            f"{base_url}, a few at a time, at separate URLs, and deletes them. It touches no others. "
            "Add --yes-create-and-delete to run it"
        )
    if (config.getoption("public_url") is None) is not (config.getoption("port") is None):
        return "--public-url and --port belong together: the URL has to lead to the port"
    if config.getoption("numprocesses", None):
        return "--live runs in one process: omit -n"
    return None


def _base_url() -> str:
    return os.environ.get("TRUTO_BASE_URL", "https://api.truto.one").rstrip("/")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves out the tests of a live run, in a live run."""
    return True if config.getoption("live", False) and collection_path.name == "test_live_run.py" else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs each fact once on the live API, or on each form of the sandbox."""
    if "run" in metafunc.fixturenames:
        forms = ["live"] if metafunc.config.getoption("live", False) else [*FORMS]
        metafunc.parametrize("run", forms, indirect=True, scope="session")


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> Iterator[Truto]:
    """All tests of one run share this. At the end none of its webhooks is left."""
    with _live(request.config) if request.param == "live" else _sandbox(request.param) as truto:
        yield truto


@pytest.fixture
def truto(run: Truto, request: pytest.FixtureRequest) -> Iterator[Truto]:
    """The run, whose webhooks are deleted after each test."""
    file = _rests_on(request.node)
    assert (REPOSITORY / file).is_file(), f"{file} does not exist: name the code that relies on the fact"
    yield run
    # After a signal an error here would keep pytest from finishing the fixture `run`.
    if not run.client.pace.is_stopped:
        run.delete_existing()


@pytest.fixture
def destinations(truto: Truto) -> Truto:
    """The notification destinations of the run, which are deleted after each test."""
    assert truto.destinations is not None
    return truto.destinations


@pytest.fixture
def observed(request: pytest.FixtureRequest) -> Observed:
    """Records an observation. A live run lists it at the end."""
    # Not record_property, which with --junitxml warns about the default form of the file.
    return lambda observation: request.node.user_properties.append(("observed", str(observation)))


def _rests_on(item: pytest.Item) -> str:
    marker = item.get_closest_marker("rests_on")
    assert marker is not None, "a fact needs the marker rests_on"
    return str(marker.args[0])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds the statement to a failure, and the code that relies on it."""
    report = yield
    if report.failed and report.when != "teardown" and item.get_closest_marker("rests_on") is not None:
        assert isinstance(item, pytest.Function)
        statement = " ".join((item.obj.__doc__ or "").split())
        report.longrepr = f"{report.longrepr}\n\nexpected: {statement}\nrelied on by: {_rests_on(item)}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Lists the observations of a live run."""
    if config.getoption("live", False):
        terminalreporter.section("observed")
        for report in terminalreporter.getreports("passed"):
            for _, observation in report.user_properties:
                terminalreporter.write_line(f"{report.nodeid.partition('::')[2]}: {observation}")


@pytest.fixture
def foreign(sandbox: Sandbox) -> list[Any]:
    """Webhooks of others on a sandbox of one test."""
    return _add_foreign_webhooks(sandbox)


@contextmanager
def _sandbox(form: str) -> Iterator[Truto]:
    with Sandbox(rate_limit=10**6) as sandbox, running_receiver() as receiver:
        foreign = _add_foreign_webhooks(sandbox)
        sandbox.backend.change_settings(FORMS[form])
        other_token = sandbox.add_environment("other").token
        truto = _truto(sandbox.base_url, sandbox.token, other_token, Pace(0), receiver, settle_seconds=10)
        truto.publish, truto.must_observe = sandbox.publish, form == "default"
        yield truto
        assert _clean_up(truto) == ""
        assert sandbox.webhooks() == foreign
        assert sandbox.backend.notification_destinations.items() == []


def _add_foreign_webhooks(sandbox: Sandbox) -> list[Any]:
    for body in (
        {"target_url": "https://hooks.example.com/orders", "event_types": ["record:created"]},
        {"target_url": f"https://{HOST}/c0123456789abcdef/0", "is_active": False},  # like one of another run
    ):
        create_webhook(sandbox, **body)
    return sandbox.webhooks()


@contextmanager
def _live(config: pytest.Config) -> Iterator[Truto]:
    pace = Pace()
    with ExitStack() as stack:
        stack.enter_context(pace.handling_signals())
        receiver = stack.enter_context(_receiver(config))
        token, other_token = os.environ["TRUTO_API_TOKEN"], os.environ.get("TRUTO_OTHER_API_TOKEN")
        truto = _truto(_base_url(), token, other_token, pace, receiver, config.getoption("settle_seconds"))
        for name, environment in (("TRUTO_API_TOKEN", truto), ("TRUTO_OTHER_API_TOKEN", truto.other)):
            if environment is not None and not (response := environment.page(limit="1")).is_success:
                pytest.exit(f"the API cannot be used with {name}: {response}", returncode=4)
        yield truto
        if pace.is_stopped:
            with suppress(OSError):  # a terminal that is closed
                print("stopping: cleaning up, please wait", file=sys.stderr, flush=True)
        if problem := _clean_up(truto):
            pytest.exit(problem, returncode=1)  # after a signal pytest would not show a failure


def _truto(
    base_url: str, token: str, other_token: str | None, pace: Pace, receiver: Receiver | None, settle_seconds: float
) -> Truto:
    truto = Truto(Client(base_url, token, pace), f"c{uuid.uuid4().hex[:16]}", settle_seconds, receiver)
    truto.destinations = Truto(truto.client, truto.run_id, settle_seconds, path="/notification-destination")
    if other_token:
        truto.other = Truto(Client(base_url, other_token, pace), truto.run_id, settle_seconds, own=truto.own)
    return truto


def _clean_up(truto: Truto) -> str:
    destinations = truto.destinations
    # Not every Truto may have this resource: without a create nothing is listed.
    used_destinations = destinations if destinations and (destinations.own or destinations.unknown_creates) else None
    problems = [items.clean_up() for items in (truto, truto.other, used_destinations) if items is not None]
    return "; ".join(filter(None, problems))


@contextmanager
def _receiver(config: pytest.Config) -> Iterator[Receiver | None]:
    """A receiver that the API can reach, if there is one."""
    port, public_url = config.getoption("port"), config.getoption("public_url")
    if public_url is None and not is_loopback(urlsplit(_base_url()).hostname):
        yield None
        return
    with ExitStack() as stack:
        try:
            receiver = stack.enter_context(running_receiver(port or 0, public_url))
        except OSError as error:
            pytest.exit(f"the receiver cannot listen on port {port}: {error.strerror or error}", returncode=4)
        with suppress(requests.RequestException):
            requests.post(f"{receiver.url}/self-check", timeout=20, allow_redirects=False)
        if not receiver.received:
            pytest.exit("--public-url does not lead to --port: a request did not arrive", returncode=4)
        yield receiver
