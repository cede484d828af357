"""The proxy that the environment names."""

import fnmatch
import ipaddress
import re
import urllib.request
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final
from urllib.parse import urlsplit

from refold_async.config.secret import Secret, hide
from refold_async.config.validation import check_proxy

__all__ = ["is_exempt", "proxy_from_environment"]

_PORTS: Final = {"http": 80, "https": 443}
_MAPPED: Final = 96
"""How many bits precede an IPv4 address that is mapped into IPv6."""


def proxy_from_environment(base_url: str) -> Secret | None:
    """Return the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name, or None.

    The `trust_env` of aiohttp would read them at every call, and search ~/.netrc for credentials to add. HTTP_PROXY is
    ignored in a program that runs as a CGI script, because there it may be a header of the incoming request.
    """
    url = urlsplit(base_url)
    # On macOS and Windows, the system settings apply if the environment names no proxy.
    proxies: dict[str, Secret] = {name: hide(value) for name, value in urllib.request.getproxies().items()}
    proxy = proxies.get(url.scheme)
    if not proxy or url.hostname is None:
        return None
    if is_exempt(url.hostname, url.port or _PORTS.get(url.scheme, 0), proxies.get("no", "")):
        return None
    if urllib.request.proxy_bypass(url.hostname):
        return None
    return check_proxy(f"{url.scheme.upper()}_PROXY", proxy if "://" in proxy else hide(f"http://{proxy}"))


def is_exempt(host: str, port: int, no_proxy: str) -> bool:
    """Return whether NO_PROXY exempts a host, by the same rules as curl, requests and httpx.

    Args:
        host: A name or an address, without brackets.
        port: The port, or the default port of the scheme.
        no_proxy: Entries, separated by commas or spaces. An entry is a domain, with or without a leading dot, which
            includes all its subdomains; an address; a network such as `10.0.0.0/8`; a pattern such as `*.example.com`,
            which does not include the domain itself; or `*` for all hosts. Domains, addresses and patterns may have a
            port; IPv6 addresses are then in brackets: `[::1]:8080`.
    """
    address = _address(host)
    names = {host.lower().rstrip("."), _in_ascii(host)}
    return any(_fits(entry.lower(), names, address, port) for entry in re.split(r"[\s,]+", no_proxy) if entry)


def _fits(entry: str, names: set[str], address: IPv4Address | IPv6Address | None, port: int) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        return address is not None and _is_within(address, entry)
    entry, wanted = _without_port(entry)
    if wanted not in {None, port}:
        return False
    if (exempt := _address(entry)) is not None:
        return exempt == address
    if "*" in entry:
        return any(fnmatch.fnmatchcase(name, entry) for name in names)
    domain = entry.strip(".")
    if not domain or address is not None:
        return False
    return any(f".{name}".endswith((f".{domain}", f".{_in_ascii(domain)}")) for name in names)


def _without_port(entry: str) -> tuple[str, int | None]:
    """Return the host of an entry, and its port if it has one."""
    match = re.fullmatch(r"(?:\[([^\]]*)\]|([^:]*)):(\d+)", entry, re.ASCII)
    if match is None:
        return entry, None  # an IPv6 address has more colons
    return match[1] or match[2] or "", int(match[3])


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """Return `host` as an address, or None if it is a name.

    An IPv4 address mapped into IPv6 becomes an IPv4 address.
    """
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_within(address: IPv4Address | IPv6Address, network: str) -> bool:
    try:
        given = ipaddress.ip_network(network.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return False
    if isinstance(given, IPv6Network) and (mapped := given.network_address.ipv4_mapped) and given.prefixlen >= _MAPPED:
        given = ipaddress.ip_network((mapped, given.prefixlen - _MAPPED))
    return address in given


def _in_ascii(name: str) -> str:
    try:
        return name.lower().rstrip(".").encode("idna").decode()
    except UnicodeError:
        return name
