"""What people type as an address: read kindly, stored in one spelling, and refused with a reason where it is unsafe."""

import ipaddress
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.delivery.addresses import mail_channel
from core.delivery.channels import check_destination, read_channel
from core.delivery.policy import DestinationPolicy
from core.errors import Code, SoonishError

DISCORD = "https://discord.com/api/webhooks/123456789012345678/" + "aB-_" * 17
SLACK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7"


@pytest.mark.parametrize(
    ("url", "scheme", "kind", "host"),
    [
        ("json://example.org/hook", "json", "Webhook", "example.org:80"),
        ("jsons://user:pw@Example.ORG:8443/hook", "jsons", "Webhook", "example.org:8443"),
        ("JSONS://example.org", "jsons", "Webhook", "example.org:443"),
        ("forms://example.org/hook", "forms", "Webhook", "example.org:443"),
        ("json://[2606:4700::1111]:8080/x", "json", "Webhook", "[2606:4700::1111]:8080"),
        (DISCORD, "discord", "Discord", "discord.com:443"),
        (DISCORD.replace("discord.com", "discordapp.com"), "discord", "Discord", "discord.com:443"),
        (SLACK, "slack", "Slack", "slack.com:443"),
        ("slack://xoxb-1234-1234-abc124/#general", "slack", "Slack", "slack.com:443"),
        ("ntfy://topic", "ntfy", "ntfy", "ntfy.sh:443"),
        ("https://ntfy.sh/topic", "ntfys", "ntfy", "ntfy.sh:443"),
        ("ntfys://tk_abc@ntfy.example.org/topic", "ntfys", "ntfy", "ntfy.example.org:443"),
        ("gotify://example.org:8080/sub/token", "gotify", "Gotify", "example.org:8080"),
        ("mailto://bob@example.org", "systemmail", "E-mail", "smtp"),
        ("mailto://bob@example.org/", "systemmail", "E-mail", "smtp"),
        ("systemmail://bob%40example.org", "systemmail", "E-mail", "smtp"),
        ("tgram://123456789:abcdefg_hijklmnop/12315544", "tgram", "Telegram", "telegram"),
        ("mmosts://chat.example.org/3ccdd113474722377935511fc85d3dd4", "mmosts", "Mattermost", "chat.example.org:443"),
    ],
)  # fmt: skip
def test_an_address_is_understood(url: str, scheme: str, kind: str, host: str) -> None:
    channel = read_channel(f"  {url}\n")
    assert (channel.scheme, channel.kind, channel.host) == (scheme, kind, host)
    assert read_channel(channel.url).destination == channel.destination
    assert read_channel(channel.url).url == channel.url


@pytest.mark.parametrize(
    "spellings",
    [
        ["json://example.org/hook", "JSON://EXAMPLE.org:80/hook", "json://example.org./hook", "json://example.org/hook?retry=3"],
        ["json://example.org", "json://example.org/"],
        ["json://bücher.example/", "json://BÜCHER.example/", "json://xn--bcher-kva.example/"],
        ["json://example.org/a%62c", "json://example.org/abc"],
        ["jsons://example.org/?-b=2&-a=1", "jsons://example.org:443/?-a=1&-b=2"],
        ["json://[::ffff:1.1.1.1]/", "json://1.1.1.1/"],
        [DISCORD, DISCORD.replace("https://discord.com/api/webhooks", "discord:/"), DISCORD + "?tts=yes"],
        [SLACK, "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7"],
        ["ntfy://topic", "ntfys://ntfy.sh/topic", "https://ntfy.sh/topic", "ntfy://topic?priority=high"],
        ["mailto://Bob@Example.org", "mailto://bob@example.ORG", "systemmail://bob%40example.org"],
        ["mailto://bob@bücher.example", "mailto://bob@xn--bcher-kva.example"],
        ["tgram://123456789:abcdefg_hijklmnop/12315544", "tgram://123456789:abcdefg_hijklmnop/12315544/?silent=no"],
    ],
)  # fmt: skip
def test_one_place_has_one_destination_however_it_is_typed(spellings: list[str]) -> None:
    assert len({read_channel(url).destination for url in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("json://example.org/a", "json://example.org/b"),
        ("json://example.org/a", "jsons://example.org/a"),
        ("json://example.org/a", "json://example.org:81/a"),
        ("json://example.org/?-room=1", "json://example.org/?-room=2"),
        ("json://example.org/?:channel=a", "json://example.org/?:channel=b"),
        ("form://example.org/?:message=text", "form://example.org/"),
        (DISCORD, DISCORD + "?thread=123"),
        ("ntfy://topic", "ntfy://example.org/topic"),
        ("mailto://bob@example.org", "mailto://alice@example.org"),
        ("tgram://123456789:abcdefg_hijklmnop/1", "tgram://123456789:abcdefg_hijklmnop/2"),
    ],
)
def test_two_places_have_two_destinations(one: str, other: str) -> None:
    assert read_channel(one).destination != read_channel(other).destination


def refused(url: str) -> SoonishError:
    with pytest.raises(SoonishError) as caught:
        read_channel(url)
    error = caught.value
    assert error.code is Code.INVALID
    assert error.field == "apprise_url"
    assert error.hint
    assert error.message.endswith(".")
    return error


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "syslog://", "syslog://local0", "dbus://x", "gnome://x", "macosx://x", "windows://x",
        "kde://x", "mqtt://example.org/topic", "mqtts://example.org/t", "xmpp://u:p@example.org", "irc://example.org/x",
        "ircs://example.org/x", "rsyslog://example.org", "ssh://example.org", "ftp://example.org", "gopher://example.org",
        "unknown://example.org", "apprise://example.org/token", "mailgun://u@example.org/key/bob@example.org",
        "growl://example.org", "smpp://u:p@example.org/1/2", "blink1://x", "javascript://x", "data://x", "ldap://x",
    ],
)  # fmt: skip
def test_a_service_that_is_not_offered_is_refused(url: str) -> None:
    assert "jsons://" in str(refused(url).hint)


@pytest.mark.parametrize(
    "url",
    [
        "json://a.example,json://b.example", "json://a.example, json://b.example", "json://a.example json://b.example",
        "json://a.example;json://b.example", "json://a.example/json://b.example", "json://a.example|json://b.example",
        "json://a.example\njson://b.example", "json://a.example\tx", "json://a.example/\x00", "json://a.example/\x7f",
        "json://a.example/\u200b", "json://a.example/\u2028x", "json://a.example\\@b.example/", "json:\\\\a.example",
        "json://" + "a" * 2000, "", " ", "json", "json:", "json://", "://example.org", "json:/example.org",
        "json://example.org:0/", "json://example.org:65536/", "json://example.org:x/", "json://exa mple.org/",
        "json://127.1/", "json://0x7f.1/", "json://2130706433/", "json://017700000001/", "json://a@b@example.org/",
        "json://[fe80::1%25eth0]/", "json://\u0301.example/",
        "ntfy://example.org/one/two", "ntfy://example.org/one?to=two", "slack://xoxb-1-1-a/#one/#two",
        "discord://only-an-id", "slack://T1JJ3T3L2", "gotify://example.org", "tgram://nonsense",
        "https://example.org/hook", "http://example.org/hook", "https://discord.com/channels/1/2",
        "https://user:pw@example.org/", "slack://xoxb-1234-1234-abc124/bob@example.org", "matrix://" + "a" * 64,
    ],
)  # fmt: skip
def test_what_is_not_one_usable_address_is_refused(url: str) -> None:
    refused(url)


@pytest.mark.parametrize(
    "option",
    ["template=/etc/passwd", "Template=x", "%74emplate=x", "a=1&template=x", "a=1;template=x", "keyfile=x", "subfile=x",
     "pgppub=x", "pgpprv=x", "wkd=yes", "attach=file:///etc/passwd", "port=22", " template=x"],
)  # fmt: skip
@pytest.mark.parametrize("url", ["discord://123/abc/", "json://example.org/", "tgram://123456789:abcdefg_hijklmnop/1/"])
def test_options_that_read_files_or_move_the_target_are_refused(url: str, option: str) -> None:
    refused(f"{url}?{option}".replace("? ", "?%20"))


def test_how_soonish_sends_is_not_for_the_url_to_say() -> None:
    options = "retry=5&wait=9&rto=99&cto=99&redirect=yes&verify=no&overflow=split&store=yes&tz=UTC&optional=yes&tags=a"
    assert read_channel(f"json://example.org/?method=put&{options}").url == "json://example.org/?method=put"
    telegram = "tgram://123456789:abcdefg_hijklmnop/1"
    assert read_channel(f"{telegram}?{options}").url == telegram


def test_nobody_is_pinged_by_an_option() -> None:
    assert read_channel("discord://123/abc/?ping=@everyone").url == "discord://123/abc/"


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Connection", "X:Y"])
def test_headers_that_steer_the_connection_are_refused(name: str) -> None:
    refused(f"json://example.org/?+{name}=x")


def test_header_values_cannot_begin_another_header() -> None:
    refused("json://example.org/?+X=a%250d%250aHost:%20evil")
    refused("json://example.org/?+X=a%0d%0aHost:%20evil")


@pytest.mark.parametrize("method", ["delete", "HEAD", "options", "update"])
def test_a_webhook_is_only_ever_written_to(method: str) -> None:
    refused(f"json://example.org/?method={method}")


@pytest.mark.parametrize(
    "url",
    [
        "mailto://user:pass@gmail.com", "mailto://user:pass@smtp.example.org?to=eve@example.org", "mailtos://bob@example.org",
        "mailto://bob@example.org?to=eve@example.org", "mailto://bob@example.org?cc=eve@example.org",
        "mailto://bob@example.org?bcc=eve@example.org", "mailto://bob@example.org?from=x", "mailto://bob@example.org?",
        "mailto://bob@example.org/eve@example.org", "mailto://bob%40example.org%2Ceve%40example.org",
        "mailto://z%40y.org&bcc=eve@example.org", "mailto://z%40y.org%26bcc=eve", "mailto://bob@example.org,eve@example.org",
        "mailto://Bob%20<bob@example.org>", "mailto://%22Bob%22%40example.org", "mailto://bob%0a@example.org",
        "mailto://bob%0d%0aBcc:eve@example.org", "mailto://bob@example.org#x", "mailto://bob@example.org:25",
        "mailto://smtp.example.org", "mailto://@example.org", "mailto://bob@", "mailto://bob@localhost",
        "mailto://bob@[127.0.0.1]", "mailto://%ff%40example.org", "systemmail://bob%40example.org?bcc=eve",
        "mailto://bob@example..org", "mailto://b..b@example.org", "mailto://bob%2540example.org", "mailto://bób@example.org",
        "mailto://(x)bob@example.org", "mailto://bob@exam%E2%80%AEple.org",
    ],
)  # fmt: skip
def test_nobody_is_smuggled_into_a_mail_address(url: str) -> None:
    refused(url)


def test_ones_own_mail_server_is_answered_with_the_way_that_works() -> None:
    assert "mailto://you@example.org" in str(refused("mailtos://user:pass@gmail.com").hint)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("bob@example.org", "bob@example.org"),
        (" Bob.Smith+tag@Example.COM ", "bob.smith+tag@example.com"),
        ("bob@bücher.example", "bob@xn--bcher-kva.example"),
        ("o'brien@example.net", "o'brien@example.net"),
        ("bob@mail.test", "bob@mail.test"),
    ],
)
def test_a_bare_address_becomes_a_mail_channel(typed: str, stored: str) -> None:
    channel = mail_channel(typed)
    assert (channel.address, channel.destination, channel.kind) == (stored, f"mailto:{stored}", "E-mail")
    assert read_channel(channel.url) == channel


@pytest.mark.parametrize(
    "typed",
    ["", "bob", "bob@", "@example.org", "a@example.org, b@example.org", "a@example.org b@example.org",
     "Bob <bob@example.org>",
     "bob@example.org\r\nBcc: eve@example.org", "bob@example.org\x00", "b" * 250 + "@example.org",
     "bob@" + "a." * 130 + "org",
     "bob@localhost", "bob%40example.org", "bob@example.org?bcc=x", '"b b"@example.org', "bob@@example.org"],
)  # fmt: skip
def test_what_is_not_one_bare_address_is_refused_for_its_field(typed: str) -> None:
    with pytest.raises(SoonishError) as caught:
        mail_channel(typed)
    assert (caught.value.code, caught.value.field) == (Code.INVALID, "email")


@given(st.text(max_size=80))
def test_no_text_whatever_breaks_the_reader(text: str) -> None:
    for prefix in ("", "json://", "discord://", "slack://", "ntfy://", "gotify://h/", "mailto://", "systemmail://"):
        _read_or_refuse(prefix + text)


@given(st.text(alphabet=string.ascii_letters + string.digits + "@%.,;:/?&=#+-_<>\"'[]", max_size=60))
def test_whatever_mail_url_is_accepted_names_one_recipient(text: str) -> None:
    channel = _read_or_refuse(f"mailto://{text}")
    if channel is not None:
        assert channel.address.count("@") == 1
        assert not set(channel.address) & set(' ,;<>?&"\r\n%')
        assert channel.url == "systemmail://" + channel.address.replace("@", "%40").replace("+", "%2B").replace(
            "=", "%3D"
        ).replace("'", "%27")


def _read_or_refuse(url: str) -> Any:
    try:
        return read_channel(url)
    except SoonishError:
        return None


@pytest.mark.parametrize(
    "url",
    ["json://127.0.0.1/", "json://localhost/", "json://localhost:8080/", "json://localhost./", "json://0.0.0.0/",
     "json://１２７.0.0.1/", "json://127。0。0。1/", "json://ⓛocalhost/", "json://①②⑦.0.0.1/",
     "json://[::1]/", "json://[::]/", "json://[::ffff:127.0.0.1]/",
     "json://[::ffff:7f00:1]/", "json://169.254.169.254/latest/meta-data", "json://[fd00:ec2::254]/", "json://10.0.0.8/",
     "json://[64:ff9b::7f00:1]/", "json://[2002:7f00:1::]/", "json://100.64.0.1/", "json://[fe80::1]/",
     "gotify://192.168.1.1/token", "ntfy://10.0.0.1/topic", "mmost://10.0.0.1/3ccdd113474722377935511fc85d3dd4"],
)  # fmt: skip
async def test_an_address_inside_is_refused_when_it_is_typed(url: str) -> None:
    with pytest.raises(SoonishError) as caught:
        await check_destination(read_channel(url), DestinationPolicy())
    assert caught.value.code is Code.INVALID
    assert "not on the public internet" in caught.value.message


async def test_a_public_or_allowed_address_passes() -> None:
    await check_destination(read_channel("json://1.1.1.1/"), DestinationPolicy())
    await check_destination(read_channel("mailto://bob@example.org"), DestinationPolicy())
    await check_destination(
        read_channel(DISCORD.replace("https://discord.com/api/webhooks", "discord:/")), DestinationPolicy()
    )
    opened = DestinationPolicy([ipaddress.ip_network("127.0.0.0/8")])
    await check_destination(read_channel("json://127.0.0.1:9/"), opened)


async def test_a_name_that_does_not_exist_is_refused_as_such() -> None:
    with pytest.raises(SoonishError, match="could not be found"):
        await check_destination(read_channel("json://nowhere.invalid/"), DestinationPolicy())
