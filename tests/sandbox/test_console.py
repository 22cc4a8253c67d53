"""The console of the sandbox, in a headless Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from pulumi_truto.sandbox import Sandbox
from tests.support.browser import open_browser
from tests.support.sandbox_client import CREATE_BODY, Receiver, call_admin_api, call_api, create_webhook, expect_success

pytest.importorskip("selenium", reason="selenium is not installed")
from selenium.webdriver.common.keys import Keys  # after the check that it is installed
from selenium.webdriver.support.ui import Select, WebDriverWait

_SECONDS = 60  # a limit for a busy machine; a quiet one needs about one


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Chromium with a large screen."""
    with open_browser(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


class Console:
    """The console of a sandbox, as a person uses it."""

    def __init__(self, browser: Any, sandbox: Sandbox) -> None:
        self.browser = browser
        browser.get(f"{sandbox.base_url}/__sandbox__/")

    def wait_for(self, table: str, text: str) -> str:
        """Waits until a table shows a text; returns all that the table shows."""
        WebDriverWait(self.browser, _SECONDS).until(lambda _: text in self.text(table))
        return self.text(table)

    def text(self, element_id: str) -> str:
        """The visible text of an element."""
        return str(self.find(f"#{element_id}").get_property("innerText"))

    def find(self, selector: str) -> Any:
        """The first element that matches a CSS selector."""
        return self.browser.find_element("css selector", selector)

    def fill(self, form: str, **fields: str) -> None:
        """Fills in and submits a form with the keyboard."""
        for name, value in fields.items():
            element = self.find(f"#{form} [name={name}]")
            if element.tag_name == "select":
                Select(element).select_by_visible_text(value)
            else:
                element.clear()
                element.send_keys(value)
        self.find(f"#{form} button").send_keys(Keys.ENTER)

    def errors(self) -> list[str]:
        """The browser's reports, for example a violation of the content security policy."""
        return [entry["message"] for entry in self.browser.get_log("browser") if "favicon" not in entry["message"]]


@pytest.fixture
def console(browser: Any, sandbox: Sandbox) -> Iterator[Console]:
    """The console of the test's sandbox. Its page calls the sandbox all the time, and is left before that stops."""
    browser.get("about:blank")
    browser.get_log("browser")  # reading deletes them: no message of an earlier page remains
    yield Console(browser, sandbox)
    browser.get("about:blank")


def test_events_are_shown_as_they_happen(console: Console, sandbox: Sandbox, receiver: Receiver) -> None:
    """Webhooks, calls and deliveries appear without a reload, with outcome and signature."""
    console.wait_for("webhooks", "No webhook yet.")
    console.wait_for("environments", sandbox.environment_id)
    assert sandbox.token in console.text("environments")
    webhook = create_webhook(sandbox, target_url=receiver.url)
    console.wait_for("webhooks", webhook["id"])
    assert "POST /webhook" in console.wait_for("calls", "create")
    console.fill("event", event="record:updated", payload='{"number": 7}')
    text = console.wait_for("deliveries", "record:updated")
    [(headers, _)] = receiver.received
    assert headers["x-truto-signature"] in text
    assert receiver.messages[0]["payload"] == {"number": 7}
    assert "200" in text
    assert webhook["secret"] not in console.text("webhooks")
    assert console.errors() == []


def test_notifications_are_shown_as_they_happen(console: Console, sandbox: Sandbox) -> None:
    """Destinations and their notifications appear without a reload, and a person switches a destination off."""
    console.wait_for("destinations", "No destination yet.")
    destinations = sandbox.backend.notification_destinations
    body = {"type": "email", "config": {"to": ["ops@example.com"]}, "label": "ops", "event_types": ["record:created"]}
    destination = destinations.create(sandbox.environment_id, body)
    text = console.wait_for("destinations", destination["id"])
    assert all(part in text for part in ("email", "ops@example.com", "record:created", "active"))
    call_api(sandbox, "POST", "/notification-destination/test", json={"id": destination["id"]})
    assert destination["id"] in console.wait_for("notifications", "This is a test notification.")
    console.find("[aria-label$='destination ops']").send_keys(Keys.ENTER)
    console.wait_for("destinations", "Switch on")
    assert not destinations.items()[0].is_active
    assert console.errors() == []


def test_person_controls_the_sandbox(console: Console, sandbox: Sandbox) -> None:
    """A person injects a fault, clears it, moves the clock, and switches a webhook off and on."""
    webhook = create_webhook(sandbox)
    console.fill("fault", kind="rate_limited", operation="create", times="2")
    console.wait_for("faults", "rate_limited on create, 2")
    assert call_api(sandbox, "POST", "/webhook", json=CREATE_BODY).status_code == 429
    console.wait_for("faults", "rate_limited on create, 1")
    console.find("#clear").send_keys(Keys.ENTER)
    console.wait_for("faults", "No fault is planned.")
    assert call_api(sandbox, "POST", "/webhook", json=CREATE_BODY).status_code == 200

    old_time = sandbox.backend.clock.now()
    console.fill("time", advance_seconds="86400")
    console.wait_for("status", "Clock moved")
    assert (sandbox.backend.clock.now() - old_time).total_seconds() >= 86400

    console.find(f"[aria-label$='{webhook['target_url']}']").send_keys(Keys.ENTER)
    console.wait_for("webhooks", "Switch on")
    assert not sandbox.webhooks()[0].is_active
    assert console.errors() == []


def test_errors_are_shown_and_announced(console: Console, sandbox: Sandbox) -> None:
    """An error is the text of a live region, so that a screen reader announces it; a lost sandbox is one."""
    status = console.find("#status")
    assert status.aria_role == "status"
    console.fill("event", payload="not JSON")
    console.wait_for("status", "JSON")
    console.fill("fault", kind="html", operation="delivery")
    console.wait_for("status", "is not a fault of a receiver")
    sandbox.stop()
    console.wait_for("status", "The sandbox does not respond")
    sandbox.start()
    console.wait_for("status", "Connected again")


def test_foreign_text_is_not_markup(console: Console, sandbox: Sandbox, receiver: Receiver) -> None:
    """Values from programs are shown as text, never as markup."""
    markup = "<img src=x onerror=document.title='changed'>"
    create_webhook(sandbox, target_url=receiver.url)
    sandbox.publish(markup)
    console.wait_for("deliveries", markup)
    assert console.browser.title == "Truto sandbox"
    assert console.browser.find_elements("css selector", "main img") == []


def test_every_control_has_a_name(console: Console, sandbox: Sandbox) -> None:
    """A screen reader has a name for every control, and every table has headings."""
    create_webhook(sandbox)
    console.wait_for("webhooks", "Switch off")
    controls = console.browser.find_elements("css selector", "input, select, textarea, button, [tabindex]")
    assert len(controls) > 10
    assert [control.get_attribute("outerHTML") for control in controls if not control.accessible_name] == []
    assert console.browser.find_elements("css selector", "#webhooks th[scope=col]")
    assert console.find("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_page_fits_screen_and_scheme(console: Console, sandbox: Sandbox, width: int, scheme: str) -> None:
    """The page is no wider than the screen, and follows the light or dark scheme with legible text."""
    create_webhook(sandbox, target_url="https://hooks.example.com/" + "long" * 100)
    console.wait_for("webhooks", "long")
    console.browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    console.browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        assert console.browser.execute_script("return document.documentElement.scrollWidth") <= width
        colors = console.browser.execute_script(
            "const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]"
        )
        text, background = (_brightness(color) for color in colors)
        assert (text < 60 and background > 200) if scheme == "light" else (text > 200 and background < 60)
    finally:
        console.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def _brightness(color: str) -> float:
    """The mean of the channels of ``rgb(r, g, b)``, 0 to 255."""
    channels = [float(value) for value in color.partition("(")[2].rstrip(")").split(",")[:3]]
    return sum(channels) / 3


def test_programs_get_the_routes_as_json(sandbox: Sandbox) -> None:
    """Without a browser the same URL lists every route with its method, path and body, and each exists."""
    routes = expect_success(call_admin_api(sandbox, "GET", ""))["routes"]
    by_route = {(route["method"], route["path"]): route["body"] for route in routes}
    assert by_route["POST", "/__sandbox__/time"] == {"advance_seconds": "float", "frozen": "bool"}
    assert by_route["POST", "/__sandbox__/faults"]["kind"] == "str"
    assert by_route["GET", "/__sandbox__/calls"] == {}
    for method, path in by_route:
        response = requests.request(method, sandbox.base_url + re.sub(r"{.*}", "unknown", path), timeout=20)
        assert "no admin route" not in response.text


def test_page_is_for_this_machine_only(sandbox: Sandbox) -> None:
    """The guards of the admin API hold for the page, which allows no code and no frame from elsewhere."""
    html = {"Accept": "text/html,application/xhtml+xml"}
    page = call_admin_api(sandbox, "GET", "", **html)
    policy = page.headers["Content-Security-Policy"]
    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "Access-Control-Allow-Origin" not in page.headers
    assert sandbox.token not in page.text
    assert call_admin_api(sandbox, "GET", "", **html).headers["Content-Security-Policy"] != policy
    for foreign in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        assert call_admin_api(sandbox, "GET", "", **html, **foreign).status_code == 403


def test_page_loads_nothing_from_elsewhere() -> None:
    """The page names no other file and no other host."""
    import pulumi_truto.sandbox

    page = (Path(pulumi_truto.sandbox.__file__).parent / "console.html").read_text(encoding="utf-8")
    assert "http://" not in page
    assert "https://" not in page
    assert " src=" not in page
    assert "<link" not in page
