"""Where a reply may lead, and how long it may be: one place decides for every client, and real clients are led astray."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from eventstudy.data import french
from eventstudy.data.network import FRENCH, YAHOO, NotAllowed, follow, refusal
from eventstudy.data.yahoo.client import YahooClient
from eventstudy.errors import MalformedResponse, SourceUnavailable
from tests.conftest import needs
from tests.network.library import library
from tests.network.stand_in import StandIn

START, END = date(2024, 1, 2), date(2025, 4, 30)
CHART = "/v8/finance/chart/NVDA"

# addresses that look like Yahoo's to somebody, with what is wrong in them
ASTRAY = {
    "plain": ("http://query1.finance.yahoo.com" + CHART, "TLS"),
    "other host": ("https://evil.example" + CHART, "another host"),
    "userinfo": ("https://query1.finance.yahoo.com@evil.example" + CHART, "one way only"),
    "userinfo with port": ("https://query1.finance.yahoo.com:443@evil.example" + CHART, "one way only"),
    "name and password": ("https://me:secret@query1.finance.yahoo.com" + CHART, "one way only"),
    "port": ("https://query1.finance.yahoo.com:8443" + CHART, "another port"),
    "port of plain": ("https://query1.finance.yahoo.com:80" + CHART, "another port"),
    "empty port": ("https://query1.finance.yahoo.com:" + CHART, "one way only"),
    "suffix": ("https://query1.finance.yahoo.com.evil.example" + CHART, "another host"),
    "prefix": ("https://notyahoo.com" + CHART, "another host"),
    "dash": ("https://query1-finance.yahoo-com.example" + CHART, "another host"),
    "trailing dot": ("https://yahoo.com." + CHART, "one way only"),
    "other script": ("https://yah\u043eo.com" + CHART, "one way only"),
    "punycode": ("https://xn--yaho-sqa.com" + CHART, "another host"),
    "full width": ("https://yahoo\uff0ecom" + CHART, "one way only"),
    "backslash": ("https://evil.example\\.yahoo.com" + CHART, "one way only"),
    "backslashes": ("https:\\\\evil.example" + CHART, "one way only"),
    "fragment as host": ("https://evil.example#.yahoo.com" + CHART, "one way only"),
    "query as host": ("https://evil.example?.yahoo.com" + CHART, "another host"),
    "address": ("https://127.0.0.1" + CHART, "another host"),
    "number": ("https://2130706433" + CHART, "one way only"),
    "version six": ("https://[::1]" + CHART, "one way only"),
    "no host": ("https:///" + CHART, "one way only"),
    "one slash": ("https:/evil.example" + CHART, "one way only"),
    "file": ("file:///etc/passwd", "one way only"),
    "script": ("javascript:alert(1)", "one way only"),
    "ftp": ("ftp://query1.finance.yahoo.com/x", "one way only"),
    "gopher": ("gopher://query1.finance.yahoo.com/x", "one way only"),
    "line break": ("https://query1.finance.yahoo.com\r\nHost: evil.example" + CHART, "one way only"),
    "tab": ("https://evil.example\t.yahoo.com" + CHART, "one way only"),
    "blank": ("https://query1.finance.yahoo.com evil.example" + CHART, "one way only"),
    "escaped": ("https://query1.finance.yahoo.com%2eevil.example" + CHART, "one way only"),
}


@pytest.mark.parametrize("url,words", ASTRAY.values(), ids=ASTRAY)
def test_an_address_that_is_not_yahoos_is_refused(url: str, words: str) -> None:
    assert words in refusal(url, YAHOO)


def test_addresses_that_are_the_services_own() -> None:
    for url in ("https://fc.yahoo.com", "HTTPS://QUERY2.finance.Yahoo.com:443/x?a=b#c", "https://yahoo.com/a@b"):
        assert refusal(url, YAHOO) == ""
    assert refusal("https://mba.tuck.dartmouth.edu/pages/x.zip", FRENCH) == ""
    assert "TLS" in refusal("http://mba.tuck.dartmouth.edu/pages/x.zip", FRENCH)
    assert "another host" in refusal("https://fc.yahoo.com", FRENCH), "each service has its own hosts"


class _Reply:
    def __init__(self, status: int, target: str = "") -> None:
        self.status_code, self.headers = status, {"Location": target} if target else {}


def test_what_a_redirect_is_asked_with() -> None:
    """The crumb and a posted form stay where they were sent; a relative address is the same host's."""
    asked: list[tuple[str, str, dict[str, object]]] = []
    replies = [_Reply(302, "../b"), _Reply(307, "https://guce.yahoo.com/c"), _Reply(200)]

    def send(method: str, url: str, **options: object) -> _Reply:
        asked.append((method, url, options))
        return replies[len(asked) - 1]

    reply = follow(send, "POST", "https://fc.yahoo.com/x/a", YAHOO, params={"crumb": "s"}, data={"k": 1}, timeout=3)
    assert reply.status_code == 200
    assert asked[0] == ("POST", "https://fc.yahoo.com/x/a", {"params": {"crumb": "s"}, "data": {"k": 1}, "timeout": 3})
    assert asked[1:] == [
        ("GET", "https://fc.yahoo.com/b", {"timeout": 3}),
        ("GET", "https://guce.yahoo.com/c", {"timeout": 3}),
    ]
    with pytest.raises(NotAllowed, match="more than 5"):
        follow(lambda *_, **__: _Reply(301, "/again"), "GET", "https://fc.yahoo.com/", YAHOO)
    for target in ("https://fc.yahoo.com/\r\nX: y", " https://fc.yahoo.com", "//evil.example/x", "/\\evil.example"):
        with pytest.raises(NotAllowed):
            follow(lambda *_, to=target, **__: _Reply(301, to), "GET", "https://fc.yahoo.com/", YAHOO)


@contextmanager
def trap() -> Iterator[tuple[str, list[str]]]:
    """A host that nobody may ask: its address, and what it was asked all the same."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("target", ["chart", "cookie", "crumb"])
def test_the_real_client_is_not_led_to_another_host(yahoo: StandIn, client: YahooClient, target: str) -> None:
    with trap() as (address, asked):
        yahoo.fault("redirect", target, times=None, Location=f"{address}{CHART}?crumb=secret")
        if target == "chart":
            with pytest.raises(MalformedResponse, match=r"one way only|another host|TLS"):
                client.ask("NVDA", START, END)
        else:
            assert len(client.ask("NVDA", START, END).bars.closed()) > 300, "prices come without cookie and crumb"
        yahoo.fault("redirect", target, times=None, Location="https://evil.example/")
        yahoo.then("redirect", target, times=None, Location="//evil.example/")
        if target == "chart":
            with pytest.raises(MalformedResponse, match="another host"):
                client.ask("NVDA", START, END)
    assert not asked
    assert yahoo.tunnels and all(place.endswith(".yahoo.com:443") for place in yahoo.tunnels)


def test_the_real_client_follows_yahoo_to_itself(yahoo: StandIn, client: YahooClient) -> None:
    yahoo.fault(
        "redirect",
        times=1,
        Location="https://query1.finance.yahoo.com" + CHART + "?period1=1704171600&period2=1746057600",
    )
    assert len(client.ask("NVDA", START, END).bars.closed()) > 300
    assert client.requests < 6


def test_a_page_that_leads_on_is_a_page(yahoo: StandIn, client: YahooClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A meta refresh, a script or a form is text of a page; nobody follows it."""
    page = (
        b'<html><meta http-equiv="refresh" content="0;url=https://evil.example/"><form action="https://evil.example/">'
    )
    monkeypatch.setattr(yahoo, "_content", lambda host, path, query: (200, page, {"Content-Type": "text/html"}))
    with pytest.raises(MalformedResponse, match="a web page"):
        client.ask("NVDA", START, END)
    assert all(place.endswith(".yahoo.com:443") for place in yahoo.tunnels)


@pytest.mark.parametrize("kind", ["bomb", "endless"])
def test_a_reply_without_measure_ends_early(yahoo: StandIn, client: YahooClient, kind: str) -> None:
    """What unpacks to 100 MB, and what never ends: neither is held beyond its bound, and neither is asked again."""
    yahoo.fault(kind, times=None)
    with pytest.raises(MalformedResponse, match="larger than 32 MiB"):
        client.ask("NVDA", START, END)
    assert yahoo.charts("NVDA") <= 2
    yahoo.heal()
    yahoo.fault(kind, "crumb", times=None)
    assert len(client.ask("NVDA", START, END).bars.closed()) > 300


@needs("factors")
@pytest.mark.parametrize(
    "leads,fault,words",
    [
        ("http://127.0.0.1:9/x.zip", "", "another host"),
        ("http://mba.tuck.dartmouth.edu/other.zip", "", "TLS"),
        ("https://mba.tuck.dartmouth.edu.evil.example/x.zip", "", "another host"),
        ("//evil.example/x.zip", "", "another host"),
        ("", "bomb", "unpacks to more than"),
        ("", "long", "larger than 32 MiB"),
    ],
)
def test_the_factor_library_leads_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, leads: str, fault: str, words: str
) -> None:
    import numpy as np

    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with library(np.array(["2024-01-02"], dtype="datetime64[D]")) as (shelf, environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("pandas_datareader.base.time.sleep", lambda _: None)
        shelf.leads, shelf.fault = leads, fault
        with pytest.raises(SourceUnavailable, match=words):
            french.fetch(french.THREE)
        assert len(shelf.requested) == 1, "what comes in by TLS is from the host that was named"
        assert not any("secret" in line for line in shelf.sent), "no password of the user's .netrc"


# module that talks to the network -> the files that may import it
TALKING = {
    "curl_cffi": {"data/yahoo/client.py", "data/http.py"},
    "yfinance": {"data/yahoo/client.py"},
    "pandas_datareader": {"data/french.py"},
    "requests": {"data/network.py"},
    "socket": {"data/yahoo/diagnosis.py"},
    "distributed": {"scale/executors.py"},
    **{
        name: set()
        for name in (
            "http",
            "urllib.request",
            "urllib3",
            "httpx",
            "aiohttp",
            "ftplib",
            "smtplib",
            "webbrowser",
            "xmlrpc",
        )
    },
}


def test_no_client_goes_its_own_way() -> None:
    """Whoever asks anything imports something that can; each of them is known here, and takes the one way."""
    import ast

    found: dict[str, set[str]] = {name: set() for name in TALKING}
    package = Path(french.__file__).parent.parent
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                for known in TALKING:
                    if name == known or name.startswith(f"{known}."):
                        found[known].add(path.relative_to(package).as_posix())
    assert found == TALKING
    for file in ("data/yahoo/client.py", "data/http.py", "data/french.py"):
        assert "from eventstudy.data.network import" in (package / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_person_s_own_authorities_and_proxy_keep_working(
    yahoo: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for other in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, str(yahoo.authority))
    if name == "SSL_CERT_FILE":
        # the client looks at this one when it is imported
        import curl_cffi.curl

        monkeypatch.setattr(curl_cffi.curl, "DEFAULT_CACERT", curl_cffi.curl._default_cacert())
    assert len(YahooClient(tmp_path / "yf").ask("NVDA", START, END).bars.closed()) > 300
