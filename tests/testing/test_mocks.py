"""The fixture `pulumi_mocks`, as a user's unit tests see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.user_project import UserProject

PROGRAM = """
import pulumi, pulumi_truto as truto

config = pulumi.Config()
orders = truto.Webhook("orders", target_url=config.require("url"), is_active=config.get_bool("active"))
billing = truto.Webhook("billing", target_url=orders.id.apply(lambda id: f"https://{id}.example.com"))
pulumi.export("secret", orders.require_secret())
pulumi.export("token", config.get_secret("token"))
"""
#: Tests that see what an earlier one has left behind.
TESTS = """
import asyncio, runpy
import pulumi, pytest
from pulumi.runtime import settings

def run():
    return runpy.run_path("__main__.py", run_name="__main__")

def state():
    return (
        pulumi.get_project(), pulumi.get_stack(), pulumi.runtime.is_dry_run(), pulumi.runtime.get_root_directory(),
        settings.get_monitor(), pulumi.runtime.get_root_resource(), pulumi.Config("mine").get("url"),
        pulumi.runtime.is_config_secret("mine:token"),
    )

BEFORE = state()

@pytest.fixture(autouse=True)
def nothing_is_left():
    assert state() == BEFORE
    yield

@pytest.mark.parametrize("active", [True, False])
def test_program(pulumi_mocks, active):
    config = {"url": "https://mine.example.com", "active": active}
    mocks = pulumi_mocks(project="mine", stack="dev", config=config, secrets={"token": {"a": 1}})
    program = run()
    assert pulumi_mocks.value(program["orders"].is_active) is active
    assert pulumi_mocks.value({"urls": [program["billing"].target_url]}) == {"urls": ["https://orders-id.example.com"]}
    assert pulumi_mocks.outputs() == {"secret": "orders-secret", "token": '{"a": 1}'}
    assert pulumi_mocks.value(program["orders"].secret.is_secret())
    [orders] = [resource for resource in mocks.resources if resource.name == "orders"]
    assert orders.inputs == {"target_url": "https://mine.example.com", "is_active": active}
    assert state()[:3] == ("mine", "dev", False)

def test_preview(pulumi_mocks):
    pulumi_mocks(preview=True)
    assert pulumi.runtime.is_dry_run()
    assert pulumi_mocks.outputs() == {}

def test_own_mocks(pulumi_mocks):
    class Mocks(pulumi.runtime.Mocks):
        def new_resource(self, args):
            return "an-id", {**args.inputs, "secret": "mine"}

        def call(self, args):
            return {}

    mocks = Mocks()
    assert pulumi_mocks(mocks, config={"url": "https://mine.example.com"}) is mocks
    run()
    assert pulumi_mocks.outputs()["secret"] == "mine"

def test_function(pulumi_mocks):
    mocks = pulumi_mocks()
    result = pulumi.runtime.invoke_output("random:index:lookup", {"key": "value"})
    assert pulumi_mocks.value(result) == {"key": "value"}
    assert [call.token for call in mocks.calls] == ["random:index:lookup"]

def test_first_error(pulumi_mocks):
    pulumi_mocks(config={"url": "https://mine.example.com"})

    def check(url):
        raise AssertionError(f"{url} is wrong")

    run()["orders"].target_url.apply(check)
    with pytest.raises(AssertionError, match="mine.example.com is wrong"):
        pulumi_mocks.value()

def test_decorator(pulumi_mocks):
    pulumi_mocks(config={"url": "https://mine.example.com"})
    seen = []

    @pulumi.runtime.test
    def check():
        return run()["orders"].target_url.apply(seen.append)

    check()
    assert seen == ["https://mine.example.com"]

def test_nothing_is_awaited(pulumi_mocks):
    pulumi_mocks(config={"url": "https://mine.example.com"})
    run()

def test_event_loop_of_a_user(pulumi_mocks):
    async def main():
        pulumi_mocks(config={"url": "https://mine.example.com"})
        return await run()["orders"].target_url.future()

    assert asyncio.run(main()) == "https://mine.example.com"
"""
ASYNC_TESTS = """
@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.MARK
@pytest.mark.parametrize("number", range(2))
async def test_async(pulumi_mocks, number):
    assert state() == BEFORE
    pulumi_mocks(config={"url": f"https://mine.example.com/{number}"})
    orders = run()["orders"]
    assert await orders.target_url.future() == f"https://mine.example.com/{number}"
    assert pulumi_mocks.value(orders.id) == "orders-id"
"""
#: The rule of Python 3.14, for earlier ones: an event loop is there only after somebody has set it.
POLICY = """
import asyncio, sys

if sys.version_info < (3, 14):
    class Policy(asyncio.DefaultEventLoopPolicy):
        def get_event_loop(self):
            if self._local._loop is None:
                raise RuntimeError("There is no current event loop")
            return self._local._loop

    asyncio.set_event_loop_policy(Policy())
"""
#: pytest-asyncio warns where it is not configured.
WITHOUT_ASYNCIO = ("-p", "no:asyncio")


@pytest.fixture
def user(tmp_path: Path) -> UserProject:
    """A user's project in which every warning is an error, for example that of an event loop that is not closed."""
    user = UserProject(tmp_path, PROGRAM)
    (user.folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    return user


@pytest.mark.parametrize("processes", ["0", "2"])
def test_unit_tests_are_independent(user: UserProject, processes: str) -> None:
    """Mocks, names, preview, configuration and event loop are those of one test, also in parallel."""
    assert "9 passed" in user.run_tests(TESTS, "auto", *WITHOUT_ASYNCIO, "-n", processes)


def test_without_an_implicit_event_loop(user: UserProject) -> None:
    """The fixture works where nothing makes an event loop by itself, as in Python 3.14."""
    (user.folder / "tests" / "conftest.py").write_text(POLICY)
    assert "9 passed" in user.run_tests(TESTS, "auto", *WITHOUT_ASYNCIO)


@pytest.mark.parametrize(
    ("module", "mark", "options"),
    [
        ("anyio", "anyio", WITHOUT_ASYNCIO),
        ("pytest_asyncio", "asyncio", ("-o", "asyncio_default_fixture_loop_scope=function")),
    ],
)
def test_async_tests(user: UserProject, module: str, mark: str, options: tuple[str, ...]) -> None:
    """Async tests of both usual plugins can use the fixture."""
    pytest.importorskip(module)
    assert "11 passed" in user.run_tests(TESTS + ASYNC_TESTS.replace("MARK", mark), "auto", *options)


def test_tests_without_the_fixture_keep_their_event_loop(user: UserProject) -> None:
    """Tests that set mocks in the usual way, when they are imported, work before and after those with the fixture."""
    tests = """
        import asyncio, pulumi

        class Mocks(pulumi.runtime.Mocks):
            def new_resource(self, args):
                return "an-id", args.inputs

            def call(self, args):
                return {}

        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        pulumi.runtime.set_mocks(Mocks(), project="old")
        import pulumi_truto as truto
        orders = truto.Webhook("orders", target_url="https://old.example.com")

        @pulumi.runtime.test
        def test_before():
            return orders.id.apply(lambda id: id == "an-id" or 1 / 0)

        def test_fixture(pulumi_mocks):
            pulumi_mocks(project="new")
            assert pulumi.get_project() == "new"

        @pulumi.runtime.test
        def test_after():
            assert pulumi.get_project() == "old"
            other = truto.Webhook("other", target_url=orders.target_url)
            return other.target_url.apply(lambda url: url == "https://old.example.com" or 1 / 0)
    """
    assert "3 passed" in user.run_tests(tests, "auto", *WITHOUT_ASYNCIO, "-W", "ignore::ResourceWarning")
