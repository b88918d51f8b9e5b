"""How config.toml says by whom and how each side is signed in to."""

from pathlib import Path

import pytest

from engine.config import Settings, load
from engine.model.errors import ConfigError

URLS = {"nav": "https://nav.example/BC/ODataV4", "crm": "https://org.crm4.dynamics.com"}
APP = 'client_id = "app-1"\ntenant = "contoso.example"'


def loaded(tmp_path: Path, *, nav: str = "", crm: str = "") -> Settings:
    path = tmp_path / "config.toml"
    path.write_text(
        f'environment = "uat"\n[nav]\nurl = "{URLS["nav"]}"\ncompany = "CRONUS"\nsecret = "env:A"\n{nav}\n'
        f'[crm]\nurl = "{URLS["crm"]}"\nsecret = "env:B"\n{crm}\n[store]\nurl = "sqlite:///x.db"\n'
    )
    return load(path)


def refused(tmp_path: Path, **more: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, **more)
    return "\n".join(caught.value.problems)


def test_without_more_the_secret_is_a_token_and_with_a_user_a_password(tmp_path: Path) -> None:
    plain = loaded(tmp_path)
    assert (plain.nav.auth, plain.crm.auth) == ("token", "token")
    users = loaded(tmp_path, nav='user = "COUPLER"', crm='user = "CORP\\\\svc"')
    assert (users.nav.auth, users.nav.user) == ("basic", "COUPLER")
    assert (users.crm.auth, users.crm.user) == ("ntlm", "CORP\\svc")


def test_ntlm_is_said_for_nav(tmp_path: Path) -> None:
    nav = loaded(tmp_path, nav='auth = "ntlm"\nuser = "CORP\\\\svc"').nav
    assert (nav.auth, nav.user) == ("ntlm", "CORP\\svc")


def test_an_application_signs_in_at_the_directory_for_the_service_itself(tmp_path: Path) -> None:
    settings = loaded(tmp_path, nav=APP, crm=APP)
    assert (settings.nav.auth, settings.crm.auth) == ("entra", "entra")
    assert settings.crm.client_id == "app-1"
    assert settings.crm.token_url == "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token"
    assert settings.crm.scope == "https://org.crm4.dynamics.com/.default"
    assert settings.nav.scope == "https://nav.example/.default"


@pytest.mark.parametrize(
    ("cloud", "host"), [("usgov", "login.microsoftonline.us"), ("china", "login.partner.microsoftonline.cn")]
)
def test_national_clouds_have_directories_of_their_own(tmp_path: Path, cloud: str, host: str) -> None:
    crm = loaded(tmp_path, crm=f'{APP}\ncloud = "{cloud}"').crm
    assert crm.token_url == f"https://{host}/contoso.example/oauth2/v2.0/token"


def test_another_token_endpoint_and_scope_can_be_named(tmp_path: Path) -> None:
    crm = loaded(
        tmp_path, crm='client_id = "a"\ntoken_url = "https://sts.example/adfs/oauth2/token"\nscope = "api://x/.default"'
    ).crm
    assert (crm.auth, crm.token_url, crm.scope) == (
        "entra",
        "https://sts.example/adfs/oauth2/token",
        "api://x/.default",
    )


@pytest.mark.parametrize(
    ("side", "text", "problem"),
    [
        ("crm", 'auth = "kerberos"', 'crm.auth: "kerberos" is not known'),
        ("crm", 'auth = "basic"\nuser = "u"', 'crm.auth: "basic" is not known'),
        ("nav", 'auth = "basic"', 'nav.auth: "basic" needs the key user'),
        ("nav", 'auth = "ntlm"', 'nav.auth: "ntlm" needs the key user'),
        ("nav", 'auth = "token"\nuser = "u"', "nav.user: is only for auth = 'basic' or 'ntlm'"),
        ("crm", 'auth = "entra"', 'crm.auth: "entra" needs the key client_id'),
        ("crm", 'client_id = "a"', 'crm.auth: "entra" needs the key tenant, or token_url'),
        ("crm", f'{APP}\nuser = "u"', 'crm.user: is not for auth = "entra"'),
        ("crm", 'auth = "token"\nscope = "x/.default"', 'crm.scope: is only for auth = "entra"'),
        ("crm", f'{APP}\ncloud = "germany"', 'crm.cloud: "germany" is not known; it can be public, usgov, china'),
        ("crm", f'{APP}\ntoken_url = "https://a.example/t"', "crm.tenant: is part of token_url already"),
        ("crm", 'client_id = "a"\ntoken_url = "http://a.example/t"', "crm.token_url: must begin with https://"),
        ("crm", 'client_id = "a b"\ntenant = "t"', "crm.client_id: must be a text without spaces"),
    ],
)
def test_what_does_not_go_together_is_said(tmp_path: Path, side: str, text: str, problem: str) -> None:
    assert problem in refused(tmp_path, **{side: text})


@pytest.mark.parametrize(
    ("side", "text", "fault"),
    [
        ("crm", f'auth = "entr"\n{APP}\ncloud = "usgov"', 'crm.auth: "entr" is not known; did you mean "entra"?'),
        ("nav", 'auth = "basci"', 'nav.auth: "basci" is not known; did you mean "basic"?'),
        ("crm", f"{APP}\ncloud = 5", "crm.cloud: must be text in quotes, not a whole number"),
    ],
)
def test_one_mistake_is_said_once(tmp_path: Path, side: str, text: str, fault: str) -> None:
    (line,) = refused(tmp_path, **{side: text}).splitlines()
    assert line.endswith(fault)


def test_a_tenant_cannot_lead_to_another_path(tmp_path: Path) -> None:
    crm = loaded(tmp_path, crm='client_id = "a"\ntenant = "x/../y?z"').crm
    assert crm.token_url == "https://login.microsoftonline.com/x%2F..%2Fy%3Fz/oauth2/v2.0/token"
