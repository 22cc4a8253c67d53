"""Where the API token and the base URL come from, and which values are valid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, strategies as st

from pulumi_truto.config import DEFAULT_BASE_URL, Settings, resolve_settings
from tests.support.strategies import ODD_STRINGS, no_deadline

TOKEN = "ttt-the-token"


def resolve(config: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """The settings from a stack's configuration and environment variables."""
    return resolve_settings(config.get, environ)


def resolve_with_token(
    config: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """The same with a valid token in the configuration, unless another one is given."""
    return resolve({"truto:apiToken": TOKEN, **(config or {})}, environ or {})


def only_error(config: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None) -> str:
    """The error of settings that have exactly one; see `resolve_with_token`."""
    (error,) = resolve_with_token(config, environ).errors
    return error


# Precedence ------------------------------------------------------------------------------------------------


def test_config_takes_precedence() -> None:
    """The stack's configuration takes precedence over environment variables."""
    config = {"truto:apiToken": "config-token", "truto:baseUrl": "https://config.example.com"}
    environ = {"TRUTO_API_TOKEN": "environment-token", "TRUTO_BASE_URL": "https://environment.example.com"}
    settings = resolve(config, environ)
    assert (settings.api_token, settings.base_url) == ("config-token", "https://config.example.com")
    assert settings.errors == ()


def test_environment_variables_are_the_fallback() -> None:
    """Without a configuration, the environment variables are used."""
    environ = {"TRUTO_API_TOKEN": "environment-token", "TRUTO_BASE_URL": "https://environment.example.com"}
    settings = resolve({}, environ)
    assert (settings.api_token, settings.base_url) == ("environment-token", "https://environment.example.com")
    assert settings.errors == ()


def test_settings_may_come_from_different_sources() -> None:
    """The token may come from the environment and the base URL from the configuration."""
    settings = resolve({"truto:baseUrl": "https://config.example.com"}, {"TRUTO_API_TOKEN": TOKEN})
    assert (settings.api_token, settings.base_url) == (TOKEN, "https://config.example.com")


def test_default_base_url() -> None:
    """The default base URL is Truto's."""
    assert resolve_with_token().base_url == DEFAULT_BASE_URL == "https://api.truto.one"


@pytest.mark.parametrize("empty", [None, ""])
def test_empty_value_counts_as_not_set(empty: str | None) -> None:
    """An empty value counts as not set, so the next source is used."""
    settings = resolve(
        {"truto:apiToken": empty, "truto:baseUrl": empty},
        {"TRUTO_API_TOKEN": TOKEN, "TRUTO_BASE_URL": "https://environment.example.com"},
    )
    assert (settings.api_token, settings.base_url) == (TOKEN, "https://environment.example.com")
    assert resolve_with_token(environ={"TRUTO_BASE_URL": ""}).base_url == DEFAULT_BASE_URL


# The token -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("environ", [{}, {"TRUTO_API_TOKEN": ""}])
def test_missing_token_is_an_error(environ: dict[str, str]) -> None:
    """The error for a missing token names both ways to set one."""
    settings = resolve({}, environ)
    (error,) = settings.errors
    assert "pulumi config set --secret truto:apiToken" in error
    assert "TRUTO_API_TOKEN" in error
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
@pytest.mark.parametrize("source", ["truto:apiToken", "TRUTO_API_TOKEN"])
def test_token_with_invalid_characters_is_rejected(token: str, source: str) -> None:
    """A token with whitespace or non-ASCII characters is an error that names its source and does not show it."""
    settings = resolve({}, {source: token}) if source.isupper() else resolve({source: token}, {})
    (error,) = settings.errors
    assert source in error
    assert "Set it again" in error
    assert settings.api_token == ""
    assert "ttt" not in error + repr(settings)


@pytest.mark.parametrize("token", [5, True, ["ttt-the-token"], {"ttt": "the-token"}, b"ttt-the-token"])
def test_token_must_be_a_string(token: object) -> None:
    """A token of another type is an error, and is not shown either."""
    settings = resolve_with_token({"truto:apiToken": token})
    assert len(settings.errors) == 1
    assert settings.api_token == ""
    assert "ttt" not in repr(settings)


def test_repr_does_not_show_the_token() -> None:
    """Printed settings do not show the token."""
    settings = resolve_with_token()
    assert settings.api_token == TOKEN
    assert TOKEN not in repr(settings) + str(settings)


def test_invalid_token_does_not_fall_back() -> None:
    """An invalid token in the configuration is an error: the environment variable could be for another environment."""
    settings = resolve({"truto:apiToken": "invalid token"}, {"TRUTO_API_TOKEN": TOKEN})
    assert settings.api_token == ""
    assert len(settings.errors) == 1


# The base URL ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base_url", "normalized"),
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
@pytest.mark.parametrize("source", ["truto:baseUrl", "TRUTO_BASE_URL"])
def test_valid_base_urls(base_url: str, normalized: str, source: str) -> None:
    """An https:// URL is valid, and http:// on loopback. A trailing slash is removed."""
    setting = {source: base_url}
    settings = resolve_with_token(environ=setting) if source.isupper() else resolve_with_token(setting)
    assert (settings.base_url, settings.errors) == (normalized, ())


@pytest.mark.parametrize(
    ("base_url", "reason"),
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
def test_invalid_base_url_is_rejected(base_url: object, reason: str) -> None:
    """A base URL that cannot work, or would expose the token, is an error that shows the default."""
    error = only_error({"truto:baseUrl": base_url})
    assert reason in error
    assert "truto:baseUrl" in error
    assert DEFAULT_BASE_URL in error
    assert "hunter2" not in error
    assert resolve_with_token({"truto:baseUrl": base_url}).base_url == DEFAULT_BASE_URL
    if isinstance(base_url, str):
        assert "TRUTO_BASE_URL" in only_error(environ={"TRUTO_BASE_URL": base_url})


def test_all_errors_are_reported_at_once() -> None:
    """A missing token and an invalid base URL are reported together."""
    settings = resolve({}, {"TRUTO_BASE_URL": "http://api.truto.one"})
    token_error, base_url_error = settings.errors
    assert "token is set" in token_error
    assert "TRUTO_BASE_URL" in base_url_error


@pytest.mark.parametrize(
    ("base_url", "expected"), [("http://127.0.0.1:1", True), ("https://[::1]", True), ("https://api.truto.one", False)]
)
def test_settings_on_loopback(base_url: str, expected: bool) -> None:
    """The settings know whether the API is on this machine."""
    assert resolve_with_token({"truto:baseUrl": base_url}).is_loopback is expected


# Arbitrary values ------------------------------------------------------------------------------------------

VALUES: st.SearchStrategy[Any] = (
    st.none()
    | ODD_STRINGS
    | ODD_STRINGS.map(lambda suffix: "https://" + suffix)
    | st.integers()
    | st.binary()
    | st.lists(ODD_STRINGS)
)


@no_deadline
@given(
    st.fixed_dictionaries({"truto:apiToken": VALUES, "truto:baseUrl": VALUES}),
    st.fixed_dictionaries({"TRUTO_API_TOKEN": ODD_STRINGS, "TRUTO_BASE_URL": ODD_STRINGS}),
)
def test_resolve_never_raises(config: dict[str, Any], environ: dict[str, str]) -> None:
    """Whatever is set, the settings are usable or have one-line errors."""
    settings = resolve(config, environ)
    assert isinstance(settings.is_loopback, bool)
    assert settings.api_token or settings.errors
    assert settings.api_token.isascii()
    assert settings.api_token.isprintable()
    assert settings.base_url.lower().startswith(("https://", "http://"))
    assert all(len(message.splitlines()) == 1 for message in settings.errors)


@no_deadline
@given(
    st.text(alphabet="0123456789", min_size=8),
    st.sampled_from(["", " ", "\n", "\u00e9", "\x00", "\ud800"]),
    st.booleans(),
    VALUES,
)
def test_token_is_never_shown(digits: str, suffix: str, in_config: bool, base_url: Any) -> None:
    """No error and no repr shows the token, whether it is valid or not."""
    token = "q" + digits + suffix
    config = {"truto:apiToken": token if in_config else None, "truto:baseUrl": base_url}
    settings = resolve(config, {} if in_config else {"TRUTO_API_TOKEN": token})
    text = repr(Settings(settings.api_token, DEFAULT_BASE_URL, settings.errors)) + "".join(settings.errors)
    assert "q" + digits not in text


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        *((f"truto:{name}", "truto:apiToken") for name in ("apitoken", "api_token", "api-token", "token")),
        *((f"truto:{name}", "truto:baseUrl") for name in ("base_url", "baseURL", "baseurl")),
        *((f"truto:{name}", "truto:environmentId") for name in ("environment_id", "environmentID", "environment")),
    ],
)
def test_misspelt_setting_is_an_error(key: str, meant: str) -> None:
    """A key that looks like a setting is refused, so that no run uses another token or the real Truto by mistake."""
    settings = resolve_settings({"truto:apiToken": TOKEN, key: "x"}.get, {}, keys=["truto:apiToken", key])
    assert settings.errors == (f"{key} is not a setting: did you mean {meant}?",)


@pytest.mark.parametrize("key", ["truto:apiToken", "truto:providerName", "truto:version", "truto:region", "app:token"])
def test_other_keys_are_no_error(key: str) -> None:
    """A setting, a key of Pulumi's or of another namespace, and one of the program are accepted."""
    assert resolve_settings({"truto:apiToken": TOKEN}.get, {}, keys=[key]).errors == ()


def test_environment_of_the_settings() -> None:
    """The environment comes from the configuration, then from the variable; an explicit provider has its own."""
    environ = {"TRUTO_ENVIRONMENT_ID": "of-the-variable"}
    assert resolve_with_token(environ=environ).environment_id == "of-the-variable"
    assert resolve_with_token({"truto:environmentId": "e"}, environ).environment_id == "e"
    config = {"truto:apiToken": TOKEN}
    assert resolve_settings(config.get, environ, provider="staging").environment_id == ""
    assert "is not the id" in only_error({"truto:environmentId": "not an id"})
