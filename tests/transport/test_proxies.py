"""Which proxy the environment asks for, and for whom it asks for none."""

from typing import Final

import pytest

from refold_async import APIConnectionError, AsyncRefold, RetryPolicy
from refold_async.transport.proxies import is_exempt, proxy_from_environment
from support.cases import each_case
from support.raw_server import http_response, raw_server

# (host, port, NO_PROXY, whether it exempts the host)
CASES: Final = [
    ("api.example.com", 443, "", False),
    ("api.example.com", 443, "*", True),
    ("api.example.com", 443, "other.org, *", True),
    ("api.example.com", 443, "example.com", True),
    ("example.com", 443, "example.com", True),
    ("example.com", 443, ".example.com", True),
    ("api.example.com", 443, ".example.com", True),
    ("badexample.com", 443, "example.com", False),
    ("badexample.com", 443, ".example.com", False),
    ("example.com.org", 443, "example.com", False),
    ("API.Example.COM", 443, "eXample.com", True),
    ("api.example.com.", 443, "example.com", True),
    ("api.example.com", 443, "example.com.", True),
    ("api.example.com", 443, "other.org,example.com", True),
    ("api.example.com", 443, "other.org example.com", True),
    ("api.example.com", 443, " other.org , , example.com ,", True),
    ("api.example.com", 443, "*.example.com", True),
    ("a.b.example.com", 443, "*.example.com", True),
    ("example.com", 443, "*.example.com", False),
    ("badexample.com", 443, "*.example.com", False),
    ("api.example.com", 443, "api.*", True),
    ("api.example.com", 443, "example.com:443", True),
    ("api.example.com", 8080, "example.com:443", False),
    ("api.example.com", 8080, "*.example.com:8080", True),
    ("api.example.com", 80, "*.example.com:8080", False),
    ("api.example.com", 443, "com", True),
    ("api.example.com", 443, ".", False),
    ("bücher.example", 443, "xn--bcher-kva.example", True),
    ("xn--bcher-kva.example", 443, "bücher.example", True),
    ("localhost", 8000, "localhost", True),
    ("localhost", 8000, "localhost:8000", True),
    ("localhost", 8000, "localhost:9000", False),
    ("localhost", 8000, "127.0.0.1", False),
    ("10.1.2.3", 80, "10.1.2.3", True),
    ("10.1.2.3", 80, "10.1.2.30", False),
    ("110.1.2.3", 80, "10.1.2.3", False),
    ("10.1.2.3", 80, "1.2.3", False),
    ("10.1.2.3", 8080, "10.1.2.3:8080", True),
    ("10.1.2.3", 80, "10.1.2.3:8080", False),
    ("10.1.2.3", 80, "10.0.0.0/8", True),
    ("10.1.2.3", 80, "10.1.2.9/24", True),
    ("11.1.2.3", 80, "10.0.0.0/8", False),
    ("10.1.2.3", 80, "0.0.0.0/0", True),
    ("10.1.2.3", 80, "10.*", True),
    ("10.1.2.3", 80, "10.0.0.0/99", False),
    ("10.example.com", 80, "10.0.0.0/8", False),
    ("::1", 80, "::1", True),
    ("::1", 80, "[::1]", True),
    ("::1", 8080, "[::1]:8080", True),
    ("::1", 80, "[::1]:8080", False),
    ("0:0:0:0:0:0:0:1", 80, "::1", True),
    ("::2", 80, "::1", False),
    ("fd00::5", 80, "fd00::/8", True),
    ("fd00::5", 80, "[fd00::]/8", True),
    ("fe80::1%eth0", 80, "fe80::1", True),
    ("fd00::5", 80, "10.0.0.0/8", False),
    ("::ffff:10.1.2.3", 80, "10.1.2.3", True),
    ("10.1.2.3", 80, "::ffff:10.1.2.3", True),
    ("::ffff:10.1.2.3", 80, "10.0.0.0/8", True),
    ("10.1.2.3", 80, "::ffff:10.0.0.0/104", True),
    ("11.1.2.3", 80, "::ffff:10.0.0.0/104", False),
    ("api.example.com", 443, "http://example.com, a/b/c, :::, [", False),
]
NAMES: Final = ("NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "REQUEST_METHOD")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the proxies of whoever runs the tests out of them."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@each_case(("host", "port", "no_proxy", "exempt"), CASES)
def test_whom_no_proxy_exempts(host: str, port: int, no_proxy: str, exempt: bool) -> None:
    """As curl, requests and httpx read it."""
    assert is_exempt(host, port, no_proxy) is exempt


@pytest.mark.parametrize(
    ("base_url", "environment", "proxy"),
    [
        ("https://api.example.com", {"HTTPS_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ("https://api.example.com", {"HTTPS_PROXY": "proxy:3128"}, "http://proxy:3128"),
        ("https://api.example.com", {"HTTP_PROXY": "http://proxy:3128"}, None),
        ("https://api.example.com", {"HTTPS_PROXY": "http://proxy", "NO_PROXY": "example.com:443"}, None),
        (
            "https://api.example.com:8443",
            {"HTTPS_PROXY": "http://proxy", "NO_PROXY": "example.com:443"},
            "http://proxy",
        ),
        ("http://api.example.com", {"HTTP_PROXY": "http://proxy", "NO_PROXY": "*.example.com:80"}, None),
        ("http://10.1.2.3:8000", {"HTTP_PROXY": "http://proxy", "no_proxy": "10.0.0.0/8"}, None),
        ("http://[::1]:8000", {"HTTP_PROXY": "http://proxy", "no_proxy": "[::1]"}, None),
        ("http://[::1]:8000", {"HTTP_PROXY": "http://proxy", "no_proxy": "[::1]:9000"}, "http://proxy"),
        ("http://api.example.com", {"HTTP_PROXY": "http://proxy", "REQUEST_METHOD": "GET"}, None),
        ("http://api.example.com", {"http_proxy": "http://proxy", "REQUEST_METHOD": "GET"}, "http://proxy"),
    ],
)
def test_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, base_url: str, environment: dict[str, str], proxy: str | None
) -> None:
    """By the scheme, but for whom NO_PROXY exempts; a header of a CGI request is not taken for a setting."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_from_environment(base_url) == proxy


@pytest.mark.parametrize("exempt", [True, False])
async def test_an_exempt_host_is_called_directly(monkeypatch: pytest.MonkeyPatch, exempt: bool) -> None:
    """The server sees the call; the proxy, where nobody listens, is not asked."""
    async with raw_server(http_response()) as server:
        port = server.base_url.rpartition(":")[2]
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("NO_PROXY", f"127.0.0.0/8:1, 127.0.0.1:{port if exempt else 1}")
        policy = RetryPolicy(max_retries=0)
        async with AsyncRefold("tk_test", base_url=server.base_url, trust_env=True, retry=policy) as refold:
            write = refold.account("user_1").execute_action("hubspot", "create_contact")
            if exempt:
                assert (await write).data == 1
            else:
                with pytest.raises(APIConnectionError) as caught:
                    await write
                assert caught.value.effect == "none"
        assert len(server.seen) == exempt
