"""Between a trainer and its vLLM server: names, addresses, ports and proxies, looked at before either is in use."""

import socket
from contextlib import closing
from urllib.parse import urlsplit

from ..core.errors import EndpointError

LOOPBACK = ("localhost", "0.0.0.0", "127.0.0.1", "::1")  # TRL's default host is 0.0.0.0, which means this machine


def host_of(url: str) -> str:
    return str(urlsplit(url).hostname)


def port_of(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def check_way(url: str, own: str) -> None:
    """
    Refuses a proxy in between, an unknown name, and a way back for the weights that leads nowhere.

    Args:
        url (`str`): The server's.
        own (`str`): Where the server is told to find this process.
    """
    from requests.utils import get_environ_proxies, select_proxy

    host = host_of(url)
    if proxy := select_proxy(url, get_environ_proxies(url)):
        raise EndpointError(
            f"requests to {url} would go to the proxy {shown_proxy(proxy)}, as the environment says",
            f"export NO_PROXY=$NO_PROXY,{host}",
        )
    try:
        socket.getaddrinfo(host, port_of(url))
    except OSError as error:
        raise EndpointError(
            f"{url}: the name {host} is unknown on this machine ({error.strerror or error})",
            "correct `vllm_server_base_url`, or write the server's IP address",
        ) from None
    if not is_here(host) and (own in LOOPBACK or own.startswith("127.")):
        raise EndpointError(
            f"the server at {url} would look for this process at {own}, which is itself",
            "export VLLM_HOST_IP=<address of this machine that the server reaches>",
        )


def shown_proxy(proxy: str) -> str:
    """A proxy's address without user and password."""
    parts = urlsplit(proxy)
    return f"{parts.hostname}:{parts.port}" if parts.hostname else proxy.rpartition("@")[2]


def is_here(host: str) -> bool:
    """Whether a host is this machine: only then a socket can be bound to its address."""
    if host in LOOPBACK:
        return True
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind)) as probe:
            probe.bind(address)
    except OSError:
        return False
    return True


def check_group_port(port: int, url: str) -> None:
    """The port at which this process waits for the server's workers is free, and not the server's own."""
    if port == port_of(url) and is_here(host_of(url)):
        raise EndpointError(
            f"`vllm_group_port: {port}` is the port of the server itself", "choose another `vllm_group_port`"
        )
    if problem := why_taken(port):
        raise EndpointError(
            f"`vllm_group_port: {port}` cannot be used on this machine: {problem}",
            "set `vllm_group_port` to a free port, or end the run that holds it",
        )


def why_taken(port: int) -> str:
    """Why a port of this machine cannot be listened on; empty for one that can."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else the last run's closed connections count
        try:
            probe.bind(("", port))
            probe.listen()
        except OSError as error:
            return error.strerror or str(error)
    return ""
