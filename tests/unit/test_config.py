"""Where the API token and the base URL come from, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st

from pulumi_truto.config import DEFAULT_BASE_URL, Settings, resolve_settings
from pulumi_truto.urls import is_loopback

TOKEN = "ttt-the-token"


def resolve_from(config: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    return resolve_settings(config.get, environ)


def resolved(config: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings for a stack's config and the environment, a valid token being there unless it is given."""
    return resolve_from({"truto:apiToken": TOKEN, **(config or {})}, environ or {})


def problem(config: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None) -> str:
    """The one problem that the settings have."""
    (found,) = resolved(config, environ).errors
    return found


# Precedence ------------------------------------------------------------------------------------------------


def test_the_config_comes_first() -> None:
    """What the stack's config says counts, whatever the environment variables say."""
    config = {"truto:apiToken": "of-the-config", "truto:baseUrl": "https://config.example.com"}
    environ = {"TRUTO_API_TOKEN": "of-the-environment", "TRUTO_BASE_URL": "https://environment.example.com"}
    settings = resolve_from(config, environ)
    assert (settings.api_token, settings.base_url) == ("of-the-config", "https://config.example.com")
    assert settings.errors == ()


def test_the_environment_variables_come_second() -> None:
    """Where the config says nothing, the environment variables count."""
    environ = {"TRUTO_API_TOKEN": "of-the-environment", "TRUTO_BASE_URL": "https://environment.example.com"}
    settings = resolve_from({}, environ)
    assert (settings.api_token, settings.base_url) == ("of-the-environment", "https://environment.example.com")
    assert settings.errors == ()


def test_each_setting_is_looked_up_on_its_own() -> None:
    """The token may come from the environment and the base URL from the config."""
    settings = resolve_from({"truto:baseUrl": "https://config.example.com"}, {"TRUTO_API_TOKEN": TOKEN})
    assert (settings.api_token, settings.base_url) == (TOKEN, "https://config.example.com")


def test_the_default_base_url() -> None:
    """Without a base URL it is Truto's own."""
    assert resolved().base_url == DEFAULT_BASE_URL == "https://api.truto.one"


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_value_is_not_set(empty: str | None) -> None:
    """An empty value counts as not set, so that the next place is looked at."""
    settings = resolve_from(
        {"truto:apiToken": empty, "truto:baseUrl": empty},
        {"TRUTO_API_TOKEN": TOKEN, "TRUTO_BASE_URL": "https://environment.example.com"},
    )
    assert (settings.api_token, settings.base_url) == (TOKEN, "https://environment.example.com")
    assert resolved(environ={"TRUTO_BASE_URL": ""}).base_url == DEFAULT_BASE_URL


# The token -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("environ", [{}, {"TRUTO_API_TOKEN": ""}])
def test_no_token(environ: dict[str, str]) -> None:
    """Without a token the message names both ways to set one."""
    settings = resolve_from({}, environ)
    (found,) = settings.errors
    assert "pulumi config set --secret truto:apiToken" in found
    assert "TRUTO_API_TOKEN" in found
    assert settings.api_token == ""


@pytest.mark.parametrize(
    "token",
    [
        "ttt-the-token\n",
        "\nttt-the-token",
        "ttt-the-token\r\n",
        "ttt-the-\ntoken",
        " ttt-the-token",
        "ttt-the-token\t",
        "ttt the token",
        "ttt-the-tok\u00e9n",
        "ttt-the-token\u00a0",
        "ttt-the-token\u200b",
        "ttt-the-token\x00",
        "ttt-the-token\x7f",
        "\ud800ttt-the-token",
        "\n",
        " ",
    ],
)
@pytest.mark.parametrize("place", ["truto:apiToken", "TRUTO_API_TOKEN"])
def test_a_token_that_was_copied_wrongly(token: str, place: str) -> None:
    """A token with white space or foreign characters is refused, by the name of its place and never by its value."""
    settings = resolve_from({}, {place: token}) if place.isupper() else resolve_from({place: token}, {})
    (found,) = settings.errors
    assert place in found
    assert "Set it again" in found
    assert settings.api_token == ""
    assert "ttt" not in found + repr(settings)


@pytest.mark.parametrize("token", [5, True, ["ttt-the-token"], {"ttt": "the-token"}, b"ttt-the-token"])
def test_a_token_that_is_no_text(token: object) -> None:
    """A token of another type is refused and not shown either."""
    settings = resolved({"truto:apiToken": token})
    assert len(settings.errors) == 1
    assert settings.api_token == ""
    assert "ttt" not in repr(settings)


def test_the_token_is_not_shown() -> None:
    """Settings can be printed without showing the token."""
    settings = resolved()
    assert settings.api_token == TOKEN
    assert TOKEN not in repr(settings) + str(settings)


def test_a_wrong_token_does_not_fall_back() -> None:
    """A wrong token in the config is a problem: the one of the environment could be another environment's."""
    settings = resolve_from({"truto:apiToken": "wrong token"}, {"TRUTO_API_TOKEN": TOKEN})
    assert settings.api_token == ""
    assert len(settings.errors) == 1


# The base URL ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base_url", "used"),
    [
        ("https://api.truto.one", "https://api.truto.one"),
        ("https://api.truto.one/", "https://api.truto.one"),
        ("https://api.truto.one//", "https://api.truto.one"),
        ("https://eu.example.com:8443/truto/", "https://eu.example.com:8443/truto"),
        ("HTTPS://api.truto.one", "HTTPS://api.truto.one"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
    ],
)
@pytest.mark.parametrize("place", ["truto:baseUrl", "TRUTO_BASE_URL"])
def test_base_urls_that_are_fine(base_url: str, used: str, place: str) -> None:
    """An https URL is fine, and http on this machine; a slash at its end does not count."""
    settings = resolved(environ={place: base_url}) if place.isupper() else resolved({place: base_url})
    assert (settings.base_url, settings.errors) == (used, ())


@pytest.mark.parametrize(
    ("base_url", "said"),
    [
        ("http://api.truto.one", "must start with https://, or the token would be sent in plain text"),
        ("http://192.0.2.1:8080", "must start with https://"),
        ("http://localhost.example.com", "must start with https://"),
        ("api.truto.one", "is not an https:// URL"),
        ("//api.truto.one", "is not an https:// URL"),
        ("ftp://api.truto.one", "is not an https:// URL"),
        ("https://", "is not an https:// URL"),
        ("https:///webhook", "is not an https:// URL"),
        ("https://:443", "is not an https:// URL"),
        ("https://[::1", "is not a URL"),
        ("https://api.truto.one:port", "is not a URL"),
        ("https://api.truto.one:99999", "is not a URL"),
        ("https://api.truto.one ", "contains whitespace"),
        (" https://api.truto.one", "contains whitespace"),
        ("https://api.truto.one\n", "contains whitespace"),
        ("https://api.tru\tto.one", "contains whitespace"),
        ("https://user:hunter2@api.truto.one", "must not contain a user name or password"),
        ("https://user@api.truto.one", "must not contain a user name or password"),
        ("https://api.truto.one?x=1", "must not have a query or fragment"),
        ("https://api.truto.one/?", "must not have a query or fragment"),
        ("https://api.truto.one#x", "must not have a query or fragment"),
        ("https://api.truto.one#", "must not have a query or fragment"),
        (5, "is not a string"),
        (["https://api.truto.one"], "is not a string"),
    ],
)
def test_base_urls_that_are_refused(base_url: object, said: str) -> None:
    """A base URL that could not work, or would give the token away, is refused with what is usual."""
    found = problem({"truto:baseUrl": base_url})
    assert said in found
    assert "truto:baseUrl" in found
    assert DEFAULT_BASE_URL in found
    assert "hunter2" not in found
    assert resolved({"truto:baseUrl": base_url}).base_url == DEFAULT_BASE_URL
    if isinstance(base_url, str):
        assert "TRUTO_BASE_URL" in problem(environ={"TRUTO_BASE_URL": base_url})


def test_every_problem_in_one_go() -> None:
    """A missing token and a wrong base URL are told at once."""
    settings = resolve_from({}, {"TRUTO_BASE_URL": "http://api.truto.one"})
    assert ["token is set" in settings.errors[0], "TRUTO_BASE_URL" in settings.errors[1]] == [True, True]
    assert len(settings.errors) == 2


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LocalHost", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("128.0.0.1", False),
        ("0.0.0.0", False),
        ("::2", False),
        ("", False),
        (None, False),
    ],
)
def test_is_loopback(host: str | None, expected: bool) -> None:
    """Only names of this machine itself count as this machine."""
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("base_url", "expected"), [("http://127.0.0.1:1", True), ("https://[::1]", True), ("https://api.truto.one", False)]
)
def test_settings_on_this_machine(base_url: str, expected: bool) -> None:
    """The settings tell whether the API is on this machine."""
    assert resolved({"truto:baseUrl": base_url}).is_loopback is expected


# Properties ------------------------------------------------------------------------------------------------

#: A busy machine is slow, and that is no failure.
patient = hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

TEXTS = st.text() | st.text(alphabet="htps:/[]@#?.%0189aZ \n\t\x00\ud800\u2100\u00e9", max_size=40)
VALUES: st.SearchStrategy[Any] = (
    st.none() | TEXTS | TEXTS.map(lambda text: "https://" + text) | st.integers() | st.binary() | st.lists(TEXTS)
)


@patient
@given(st.fixed_dictionaries({"token": VALUES, "base": VALUES}), st.fixed_dictionaries({"token": TEXTS, "base": TEXTS}))
def test_resolve_never_raises(config: dict[str, Any], environ: dict[str, str]) -> None:
    """Whatever is set, the outcome is usable or says on one line each what is wrong."""
    settings = resolve_from(
        {"truto:apiToken": config["token"], "truto:baseUrl": config["base"]},
        {"TRUTO_API_TOKEN": environ["token"], "TRUTO_BASE_URL": environ["base"]},
    )
    assert isinstance(settings.is_loopback, bool)
    assert settings.api_token or settings.errors
    assert settings.api_token.isascii()
    assert settings.api_token.isprintable()
    assert settings.base_url.lower().startswith(("https://", "http://"))
    assert all(len(each.splitlines()) == 1 for each in settings.errors)


@patient
@given(
    st.text(alphabet="0123456789", min_size=8),
    st.sampled_from(["", " ", "\n", "\u00e9", "\x00", "\ud800"]),
    st.booleans(),
    VALUES,
)
def test_resolve_never_shows_the_token(digits: str, end: str, in_config: bool, base_url: Any) -> None:
    """No message and no repr shows the token, be it right or wrong."""
    token = "q" + digits + end
    config = {"truto:apiToken": token if in_config else None, "truto:baseUrl": base_url}
    settings = resolve_from(config, {} if in_config else {"TRUTO_API_TOKEN": token})
    shown = repr(Settings(settings.api_token, DEFAULT_BASE_URL, settings.errors)) + "".join(settings.errors)
    assert "q" + digits not in shown
