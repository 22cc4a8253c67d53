"""Which target URLs are valid."""

from __future__ import annotations

import pytest

from tests.support.validation import URL, error_messages, validate


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://hooks.example.com",
        "HTTPS://Hooks.Example.COM/Truto",
        "https://hooks.example.com:8443/truto?tenant=1&x=%20",
        "https://192.0.2.1/truto",
        "https://[2001:db8::1]/truto",
        "https://[2001:db8::1]:8443/truto",
        "https://localhost/truto",
        "https://hooks.example.com/@user",
        "https://hooks.example.com/?mail=a@example.com",
    ],
)
def test_https_url_is_accepted_unchanged(url: str) -> None:
    """An https:// URL is accepted and keeps its spelling."""
    result = validate(target_url=url)
    assert result.errors == []
    assert result.inputs["target_url"] == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (None, "is required"),
        ("", "is required"),
        (5, "must be a string, the https:// URL that Truto posts to, not a number"),
        (2.5, "not a number"),
        (True, "not a boolean"),
        ([URL], "not a list"),
        ({"url": URL}, "not an object"),
        (URL.encode(), "not a value of the type bytes"),
        (f" {URL}", "whitespace or control characters, including at either end"),
        (f"{URL} ", "whitespace"),
        (f"{URL}\n", "whitespace or control characters"),
        ("https://hooks.exa\nmple.com/truto", "control characters"),
        ("https://hooks.example.com/a\tb", "whitespace or control characters"),
        ("https://hooks.example.com/a\x00b", "control characters"),
        ("https://hooks.example.com/a\u00a0b", "whitespace"),
        ("https://hooks.example.com/a\u200bb", "control characters"),
        ("https://hooks.example.com/truto#top", "must not have a fragment"),
        ("https://hooks.example.com/truto#", "must not have a fragment"),
        ("https://user:hunter2@hooks.example.com/", "must not contain a user name or password"),
        ("https://user@hooks.example.com/", "must not contain a user name or password"),
        ("https://@hooks.example.com/", "must not contain a user name or password"),
        ("http://hooks.example.com/truto", "must start with https://"),
        ("ftp://hooks.example.com/truto", "must start with https://"),
        ("//hooks.example.com/truto", "It has no scheme"),
        ("http://localhost:8080/truto", "is on your own machine, which Truto cannot reach"),
        ("http://127.0.0.1/truto", "is on your own machine, which Truto cannot reach"),
        ("http://[::1]:8080/truto", "is on your own machine, which Truto cannot reach"),
        ("https://", "must name a host, as in https://hooks.example.com/truto"),
        ("https:///truto", "must name a host"),
        ("https://:8443/truto", "must name a host"),
        ("https:hooks.example.com", "must name a host"),
        ("https://[2001:db8::1/truto", "is not a URL"),
        ("https://hooks.example.com:port/", "is not a URL"),
        ("https://hooks.example.com:99999/", "is not a URL"),
        ("https://hooks.example.com:-1/", "is not a URL"),
        ("https://hooks.example.com:1:2/", "is not a URL"),
        ("https://hooks.example.com/" + "x" * 2023, "must have at most 2,048 characters, but has 2,049"),
    ],
)
def test_invalid_url_is_rejected(url: object, reason: str) -> None:
    """A target URL that Truto could not use is an error with one line that says what to change."""
    (message,) = error_messages(target_url=url)
    assert message.startswith("target_url ")
    assert reason in message
    assert "hunter2" not in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("url", ["hooks.example.com", "hooks.example.com/truto", "/truto", "truto"])
def test_url_without_scheme_is_rejected_with_an_example(url: str) -> None:
    """The error for a URL without a scheme shows what a URL looks like."""
    messages = "; ".join(error_messages(target_url=url))
    assert "must start with https://. It has no scheme" in messages
    assert "https://hooks.example.com/truto" in messages


@pytest.mark.parametrize("host", ["hooks.example.com", "hooks.exam\u2100ple.com", "hooks.example.com:port"])
def test_errors_do_not_show_a_password_in_the_url(host: str) -> None:
    """The error for a URL with a password does not show the password."""
    messages = error_messages(target_url=f"https://user:hunter2@{host}/")
    assert messages
    assert "hunter2" not in "".join(messages)


@pytest.mark.parametrize(
    "url", ["http://localhost:1/x", "http://127.0.0.2/x", "http://[::1]:8080/x", "HTTP://LOCALHOST"]
)
def test_http_on_loopback_needs_an_api_on_loopback(url: str) -> None:
    """A receiver on this machine may use http://, but only if the API is on this machine too."""
    assert error_messages(api_on_loopback=True, target_url=url) == []
    assert len(error_messages(api_on_loopback=False, target_url=url)) == 1


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com/x", "http://localhost.example.com/x", "http://192.0.2.1/", "ftp://localhost/x"]
)
def test_remote_receiver_needs_https(url: str) -> None:
    """A receiver on another machine needs https://, even if the API is on this machine."""
    (message,) = error_messages(api_on_loopback=True, target_url=url)
    assert "must start with https://" in message


def test_url_of_maximum_length_is_accepted() -> None:
    """A URL may have 2,048 characters."""
    assert error_messages(target_url="https://hooks.example.com/" + "x" * 2022) == []
