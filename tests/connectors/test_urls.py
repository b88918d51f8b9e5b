import httpx
import pytest

from engine.connectors.auth import OriginAuth, by_password, by_token
from engine.connectors.urls import key_segment, own_link, query, service_root, shown
from engine.model.errors import ConfigError, ConnectionLost

ROOT = service_root("https://org.example/api/data/v9.2")


@pytest.mark.parametrize(
    "text",
    [
        "http://org.example/api",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "http://[::2]/",
        "ftp://127.0.0.1/",
        "org.example/api",
        "https://",
        "https://user:pw@org.example/",
        "https://org.example/api?x=1",
        "https://org.example/api?",
        "https://org.example/api#x",
        "https://org.exa\nmple/",
        "",
    ],
)
def test_an_address_that_must_not_be_used_is_a_fault_of_the_configuration(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        service_root(text)
    assert "pw" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "text", ["https://org.example/api/", "http://127.0.0.1:7048/BC", "http://[::1]:1/x", "http://localhost/x"]
)
def test_tls_is_needed_except_on_this_machine(text: str) -> None:
    assert str(service_root(text)) == text.rstrip("/")


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/api/data/v9.2/accounts",
        "//evil.example/api/data/v9.2/accounts",
        "http://org.example/api/data/v9.2/accounts",
        "https://org.example:444/api/data/v9.2/accounts",
        "https://org.example@evil.example/api/data/v9.2/accounts",
        "https://user@org.example/api/data/v9.2/accounts",
        "https://org.example\\@evil.example/api/data/v9.2/accounts",
        "https://org.example.evil.example/api/data/v9.2/accounts",
        "https://org.example/api/data/v9.1/accounts",
        "https://org.example/api/data/v9.2",
        "https://org.example/api/data/v9.2evil/accounts",
        "https://org.example/api/data/v9.2/../v9.1/accounts",
        "https://org.example/api/data/v9.2/%2e%2e/v9.1/accounts",
        "https://org.example/api/data/v9.2/%252e%252e/v9.1/accounts",
        "https://org.example/api/data/v9.2/..%5cv9.1%5caccounts",
        "https://org.example/api/data/v9.2/..;/v9.1/accounts",
        "https://org.example/api/data/v9.2/.%00./v9.1",
        "https://org.example/api/data/v9.2/%25252525252e",
        "\\\\evil.example\\x",
        " https://evil.example/",
        "https:evil.example/x",
        "https://",
        "../accounts",
        "/etc/passwd",
        "file:///etc/passwd",
        "javascript:1",
        "https://org.example/api/data/v9.2/a\r\nb",
        "https://[::1/",
        None,
        7,
        ["https://org.example/api/data/v9.2/accounts"],
    ],
)
def test_a_link_that_leads_away_is_not_followed(link: object) -> None:
    with pytest.raises(ConnectionLost):
        own_link(ROOT, link)


@pytest.mark.parametrize(
    "link",
    [
        "https://org.example/api/data/v9.2/accounts?$skiptoken=%3Ccookie%20a=%252f%3E",
        "https://org.example:443/api/data/v9.2/accounts?$skiptoken=%3Ccookie%20a=%252f%3E",
        "accounts?$skiptoken=%3Ccookie%20a=%252f%3E",
    ],
)
def test_a_link_within_the_service_is_kept_as_it_is(link: str) -> None:
    url = own_link(ROOT, link)
    assert (url.host, url.raw_path) == (
        "org.example",
        b"/api/data/v9.2/accounts?$skiptoken=%3Ccookie%20a=%252f%3E",
    )


@pytest.mark.parametrize("name", ["100%25%20AG", "A%5CB%20..C", "Søn & x;y"])
def test_a_company_of_any_name_has_links(name: str) -> None:
    assert own_link(ROOT, f"Company('{name}')/Customer?$skiptoken=2").host == "org.example"


def test_a_query_is_encoded_once_and_blank_options_are_left_out() -> None:
    text = query([("$filter", "a eq 'b+c&d #%/é'"), ("$orderby", ""), ("$select", "a,b")])
    assert text == "$filter=a%20eq%20%27b%2Bc%26d%20%23%25%2F%C3%A9%27&$select=a,b"
    assert httpx.URL(f"https://x/?{text}").query.decode() == text, "httpx sends it unchanged"


def test_a_company_is_quoted_for_a_path() -> None:
    assert key_segment("O'Hara & Söhne/1") == "'O%27%27Hara%20%26%20S%C3%B6hne%2F1'"


def test_addresses_in_messages_have_no_query_and_no_user() -> None:
    assert shown(httpx.URL("https://u:p@h:1/a?b=c#d")) == "https://h:1/a"
    assert shown(httpx.URL("http://[::1]:5/a")) == "http://[::1]:5/a"


async def _authorization(auth: OriginAuth, url: str) -> str | None:
    request = await anext(auth.async_auth_flow(httpx.Request("GET", url)))
    value: str | None = request.headers.get("Authorization")
    return value


async def test_the_secret_goes_to_its_origin_only() -> None:
    auth = OriginAuth(ROOT, by_token("secret"))
    assert await _authorization(auth, "https://org.example/x") == "Bearer secret"
    assert await _authorization(auth, "https://org.example:443/x") == "Bearer secret"
    for other in ("http://org.example/x", "https://org.example:8443/x", "https://example/x", "https://a.org.example/x"):
        assert await _authorization(auth, other) is None
    assert "secret" not in repr(auth)


async def test_a_secret_is_fetched_once_and_again_when_the_service_refuses_it() -> None:
    tokens = iter(["one", "two\n"])
    auth = OriginAuth(ROOT, by_token(lambda: next(tokens)))
    for _ in range(2):
        assert await _authorization(auth, "https://org.example/x") == "Bearer one"
    refused = httpx.Request("GET", "https://org.example/x", headers={"Authorization": "Bearer one"})
    assert await auth.renewed(refused)
    assert await _authorization(auth, "https://org.example/x") == "Bearer two"
    assert await auth.renewed(refused), "another request was told already"


async def test_a_password_goes_with_its_user() -> None:
    assert (
        await _authorization(OriginAuth(ROOT, by_password("zoé", "pw é")), "https://org.example/x")
        == "Basic em/DqTpwdyDDqQ=="
    )


@pytest.mark.parametrize("secret", ["", "a b", "a\r\nX: y", "é", "a\x00"])
async def test_a_token_that_is_no_header_value_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(ConfigError) as caught:
        await _authorization(OriginAuth(ROOT, by_token(secret)), "https://org.example/x")
    assert not secret or secret not in caught.value.message
