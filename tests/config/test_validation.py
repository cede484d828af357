"""What callers pass in: what is accepted, what is refused, and that no message shows a secret."""

import enum
import math
import traceback
from collections.abc import Callable
from typing import Any, Final

import pytest

from refold_async import ConfigurationError
from refold_async.config.validation import (
    check_base_url,
    check_bool,
    check_header_value,
    check_path,
    check_positive,
    check_proxy,
    check_secret,
    check_whole_number,
    quote_segment,
)
from support.cases import each_case

Check = Callable[[str, Any], str]

LINKED_ACCOUNT_IDS: Final = [
    "user_12345",
    "ada+test@example.com",
    "acme/eu west",
    "a",
    "0",
    "x" * 200,
    "café",
    "客户-42",
    "🦊",
    "e\u0301",  # a letter and a combining accent
    'quotes "and\\backslashes"',
    "50%",
    "#?&=;,:",
]
UNSENDABLE: Final[dict[str, Any]] = {
    "empty": "",
    "null": "\x00",
    "tab": "a\tb",
    "line feed": "a\nb",
    "line feed at the end": "a\n",
    "carriage return": "a\r\nX-Injected: 1",
    "escape": "a\x1bb",
    "delete": "a\x7f",
    "next line": "a\x85b",
    "high lone surrogate": "a\ud800b",
    "low lone surrogate": "\udfffb",
    "None": None,
    "bytes": b"user_12345",
    "int": 12345,
    "bool": True,
    "list": ["user_12345"],
    "dict": {"id": "user_12345"},
}
WHITE_EDGES: Final = [" a", "a ", " ", "\u00a0a", "a\u2003", "a\u2028", "\u3000"]


def refusal(check: Callable[[], object]) -> str:
    """Return the whole text of the error that `check` raises, with whatever it is chained to."""
    with pytest.raises(ConfigurationError) as caught:
        check()
    return "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("value", LINKED_ACCOUNT_IDS)
def test_header_values(value: str) -> None:
    """Ids, keys and tokens travel as they are, whatever letters and signs they have."""
    assert check_header_value("linked_account_id", value) == value


class Customer(str, enum.Enum):  # noqa: UP042 - callers use them
    """An id as an enum of the caller's own, whose text is another than its value."""

    ACME = "acme"


@pytest.mark.parametrize("check", [check_header_value, quote_segment])
def test_members_of_an_enum(check: Check) -> None:
    """A member of an enum of strings is taken for the string it is, not for what it shows."""
    sent = check("linked_account_id", Customer.ACME)
    assert sent == "acme"
    assert str(sent) == f"{sent}" == "acme"


@each_case("value", UNSENDABLE.values())
@each_case("check", [check_header_value, quote_segment])
def test_what_cannot_be_sent(check: Check, value: Any) -> None:
    """What would not arrive as it is, or is no str, is refused by the argument's name."""
    with pytest.raises(ConfigurationError, match=r"^linked_account_id ") as caught:
        check("linked_account_id", value)
    assert caught.value.effect == "none"


@pytest.mark.parametrize("value", WHITE_EDGES, ids=ascii)
def test_header_values_with_white_edges(value: str) -> None:
    """White space at an edge is lost on the wire, and another account addressed."""
    with pytest.raises(ConfigurationError, match=r"^linked_account_id starts or ends with white space"):
        check_header_value("linked_account_id", value)


@pytest.mark.parametrize("name", ["api_key", "session_token", "REFOLD_API_KEY"])
@pytest.mark.parametrize(
    "value", ["tk_S3CRET\n", " tk_S3CRET", "tk_S3CRET\ud800", b"tk_S3CRET", ["tk_S3CRET"]], ids=ascii
)
def test_no_message_shows_a_key(name: str, value: Any) -> None:
    """The message names the argument and not its value, which may be a secret but for a slip."""
    for check in (check_header_value, check_secret):
        text = refusal(lambda check=check: check(name, value))  # type: ignore[misc]
        assert name in text
        assert "S3CRET" not in text


@pytest.mark.parametrize("secret", ["tk_1-2_3", "pk~!@#$%^&*()+=", "a b", "tk'", "a", '"', "'a\"", "tk\u2010"[:2]])
def test_secrets(secret: str) -> None:
    """Keys and tokens of printable ASCII stay as they are."""
    assert check_secret("api_key", secret) == secret


@pytest.mark.parametrize(
    ("secret", "place"),
    [
        ("tk_\u200bS3CRET", "U+200B ZERO WIDTH SPACE at position 4 of 10"),
        ("\ufefftk_S3CRET", "U+FEFF ZERO WIDTH NO-BREAK SPACE at position 1 of 10"),
        ("tk_S3\u00adCRET", "U+00AD SOFT HYPHEN at position 6 of 10"),
        ("tk_S3CRET\u00a0", "U+00A0 NO-BREAK SPACE at position 10 of 10"),
        ("tk\u2010S3CRET", "U+2010 HYPHEN at position 3 of 9"),
        ("tk\u2013S3CRET", "U+2013 EN DASH at position 3 of 9"),
        ("\u201ctk_S3CRET\u201d", "U+201C LEFT DOUBLE QUOTATION MARK at position 1 of 11"),
        ("\u2018tk_S3CRET\u2019", "U+2018 LEFT SINGLE QUOTATION MARK at position 1 of 11"),
        ("t\u043a_S3CRET", "U+043A CYRILLIC SMALL LETTER KA at position 2 of 9"),
        ("tk_S3CRET\n", "U+000A LINE FEED at position 10 of 10"),
        ("tk_S3CRET\x00", "U+0000 control or unassigned character at position 10 of 10"),
        ("tk_S3CRET\ud800", "U+D800 lone surrogate at position 10 of 10"),
        (" tk_S3CRET", "U+0020 SPACE at position 1 of 10"),
        ("tk_S3CRET ", "U+0020 SPACE at position 10 of 10"),
        ('"tk_S3CRET"', "U+0022 QUOTATION MARK at positions 1 and 11 of 11"),
        ("'tk_S3CRET'", "U+0027 APOSTROPHE at positions 1 and 11 of 11"),
    ],
    ids=ascii,
)
def test_secrets_with_something_in_them(secret: str, place: str) -> None:
    """What looks like nothing, or like another character, is named with its place, and the rest is not shown."""
    with pytest.raises(ConfigurationError, match=r"^api_key ") as caught:
        check_secret("api_key", secret)
    assert place in caught.value.message
    traceback_ = caught.value.__traceback__
    while (traceback_ := traceback_ and traceback_.tb_next) is not None:
        assert "S3" not in repr(traceback_.tb_frame.f_locals)
    assert "S3" not in str(caught.value)


def test_place_of_a_bad_character() -> None:
    """The message says which character is in the way, and where."""
    assert r"'\n' at position 3" in refusal(lambda: check_header_value("api_key", "tk_\nx"))


@pytest.mark.parametrize(
    ("segment", "quoted"),
    [
        ("hubspot", "hubspot"),
        ("get_contact-1.2~x", "get_contact-1.2~x"),
        ("ada+test@example.com", "ada%2Btest%40example.com"),
        ("a/b", "a%2Fb"),
        ("../../etc", "..%2F..%2Fetc"),
        ("a b", "a%20b"),
        (" a ", "%20a%20"),
        ("a?b=c&d#e", "a%3Fb%3Dc%26d%23e"),
        ("50%", "50%25"),
        ("%2e%2e", "%252e%252e"),
        ("café", "caf%C3%A9"),
        ("🦊", "%F0%9F%A6%8A"),
        ("\\", "%5C"),
        ("...", "..."),
        ("x" * 200, "x" * 200),
    ],
)
def test_segments(segment: str, quoted: str) -> None:
    """An id stays one segment of the path, whatever is in it."""
    assert quote_segment("slug", segment) == quoted


@pytest.mark.parametrize("segment", [".", ".."])
def test_dot_segments(segment: str) -> None:
    """A dot segment would address another path, quoted or not."""
    with pytest.raises(ConfigurationError, match=r"^action_id is '\.+', which would change the path"):
        quote_segment("action_id", segment)


@pytest.mark.parametrize(
    ("path", "on_the_wire"),
    [
        ("/api/v2/public/execution", "/api/v2/public/execution"),
        ("/", "/"),
        ("/a/", "/a/"),
        ("/a%2Fb%20c", "/a%2Fb%20c"),
        ("/a b", "/a%20b"),
        ("/café", "/caf%C3%A9"),
        ('/"<>[]{}|^`', "/%22%3C%3E%5B%5D%7B%7D%7C%5E%60"),
        ("/:@!$&'()*+,;=-._~", "/:@!$&'()*+,;=-._~"),
        ("/.../a..b/.c", "/.../a..b/.c"),
    ],
)
def test_paths(path: str, on_the_wire: str) -> None:
    """A path is sent as given: what is quoted stays, what must be quoted is."""
    assert check_path("path", path) == on_the_wire


@each_case(
    "path",
    [
        "",
        None,
        b"/a",
        5,
        "api/v2",
        " /a",
        "//elsewhere.example/a",
        "https://elsewhere.example/a",
        "/a?b=c",
        "/a#b",
        "/a%",
        "/a%2",
        "/a%zz",
        "/a\\b",
        "/a\nb",
        "/a\x00",
        "/\ud800",
        "/..",
        "/.",
        "/a/../b",
        "/a/./b",
        "/a/..",
        "/%2e%2e/b",
        "/%2E./b",
        "/.%2e",
        "/%2e",
    ],
)
def test_refused_paths(path: Any) -> None:
    """A path that could lead to another host or resource, or that holds a query, is refused."""
    with pytest.raises(ConfigurationError, match=r"^path "):
        check_path("path", path)


@pytest.mark.parametrize(
    ("given", "base_url"),
    [
        ("https://app.refold.ai", "https://app.refold.ai"),
        ("https://app.refold.ai/", "https://app.refold.ai"),
        ("https://app.refold.ai//", "https://app.refold.ai"),
        ("https://gateway.example:8443/refold/", "https://gateway.example:8443/refold"),
        ("HTTPS://app.refold.ai", "https://app.refold.ai"),
        ("https://gateway.example/r\u00e9fold/a%20b", "https://gateway.example/r%C3%A9fold/a%20b"),
        ("https://[2001:db8::1]:443", "https://[2001:db8::1]:443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://LOCALHOST", "http://LOCALHOST"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://127.200.3.4", "http://127.200.3.4"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_base_urls(given: str, base_url: str) -> None:
    """https:// goes anywhere, http:// to this machine; the trailing slash goes."""
    assert check_base_url("base_url", given, allow_http=False) == base_url


@pytest.mark.parametrize(
    "url",
    [
        "http://app.refold.ai",
        "http://10.0.0.1:8080",
        "http://0.0.0.0",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://[2001:db8::1]",
    ],
)
def test_plain_http_to_elsewhere(url: str) -> None:
    """The key goes over the network in the clear only where that is asked for."""
    with pytest.raises(ConfigurationError, match=r"^base_url is plain http:// .*allow_http=True"):
        check_base_url("base_url", url, allow_http=False)
    assert check_base_url("base_url", url, allow_http=True) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        None,
        5,
        b"https://app.refold.ai",
        "app.refold.ai",
        "//app.refold.ai",
        "ftp://app.refold.ai",
        "https://",
        "https:///path",
        "https://:443",
        "https://app.refold.ai:port",
        "https://app.refold.ai:65536",
        "https://[::1",
        "https://app.refold.ai?a=b",
        "https://app.refold.ai/#top",
        " https://app.refold.ai",
        "https://app.refold.ai\n",
        "https://app refold.ai",
        "https://app.refold.ai/a b",
        "https://app.refold.ai/a/../b",
        "https://app.refold.ai/50%",
    ],
    ids=ascii,
)
def test_refused_base_urls(url: Any) -> None:
    """What is no URL of a server is refused by the argument's name, before anything is sent."""
    with pytest.raises(ConfigurationError, match=r"^REFOLD_BASE_URL "):
        check_base_url("REFOLD_BASE_URL", url, allow_http=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://ada:S3CRET@app.refold.ai",
        "https://S3CRET@app.refold.ai",
        "https://:S3CRET@app.refold.ai",
        "https://ada:S3CRET@app.refold.ai:port",
        "https://ada:S3CRET/x@app.refold.ai",
        "https://ada:S3CRET@\u2100.example",
    ],
)
def test_base_urls_with_credentials(url: str) -> None:
    """Credentials do not belong into the base URL, and no message repeats them."""
    text = refusal(lambda: check_base_url("base_url", url, allow_http=False))
    assert "base_url" in text
    assert "S3CRET" not in text


@pytest.mark.parametrize(
    "url",
    [
        "http://proxy.example:3128",
        "https://proxy.example",
        "http://ada:S3CRET@proxy.example:3128",
        "http://ada:p%40ss%2Fword@10.0.0.1:3128",
        "http://[::1]:3128",
    ],
)
def test_proxies(url: str) -> None:
    """A proxy may be anywhere, and may hold credentials."""
    assert check_proxy("proxy", url) == url


@pytest.mark.parametrize(
    "url",
    [
        "ada:S3CRET@proxy.example:3128",
        "socks5://ada:S3CRET@proxy.example",
        "http://ada:S3CRET@",
        "http://ada:S3CRET@proxy.example:port",
        "http://ada:S3CRET@proxy.example:65536",
        "http://ada:S3CRET@[::1",
        "http://ada:S3CRET/x@proxy.example:3128",
        "http://ada:S3CRET#x@proxy.example:3128",
        "http://ada:S3CRET?x@proxy.example:3128",
        "http://ada:S3CRET@\u2100.example:3128",
        "http://ada:S3CRET@proxy.example\n",
        b"http://ada:S3CRET@proxy.example",
    ],
    ids=ascii,
)
def test_refused_proxies(url: Any) -> None:
    """A URL with a slip is refused without repeating the password, however the slip cuts it up."""
    text = refusal(lambda: check_proxy("proxy", url))
    assert "proxy " in text
    assert "S3CRET" not in text


@pytest.mark.parametrize(("value", "at_least"), [(0, 0), (1, 1), (10**30, 1)])
def test_whole_numbers(value: int, at_least: int) -> None:
    """A whole number is returned as it is."""
    assert check_whole_number("concurrency", value, at_least=at_least) == value


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "5", None, math.nan, math.inf, [1]], ids=repr)
def test_no_whole_numbers(value: Any) -> None:
    """All else is refused by the argument's name, with the least it takes and the value."""
    with pytest.raises(ConfigurationError) as caught:
        check_whole_number("concurrency", value, at_least=1)
    assert caught.value.message == f"concurrency must be a whole number of at least 1, got {value!r}."


@pytest.mark.parametrize("value", [1, 0.001, 10**9])
def test_positive_numbers(value: float) -> None:
    """A number above 0 is returned as it is."""
    assert check_positive("keepalive_timeout", value) == value


@pytest.mark.parametrize("value", [0, -1, 0.0, True, "5", None, math.nan, [1]], ids=repr)
def test_no_positive_numbers(value: Any) -> None:
    """All else is refused by the argument's name, with the value."""
    with pytest.raises(ConfigurationError) as caught:
        check_positive("keepalive_timeout", value)
    assert caught.value.message == f"keepalive_timeout must be a number above 0, got {value!r}."


@pytest.mark.parametrize("value", [True, False])
def test_flags(value: bool) -> None:
    """True and False are returned as they are."""
    assert check_bool("idempotent", value) is value


@pytest.mark.parametrize("value", [1, 0, "false", "", None, []], ids=repr)
def test_no_flags(value: Any) -> None:
    """What is only like true or false is refused."""
    with pytest.raises(ConfigurationError, match=r"^idempotent must be True or False, got "):
        check_bool("idempotent", value)
