"""Where a request may go, how large an answer may be, and what a key may meet."""

from __future__ import annotations

import pytest

from eventstudy.data import http
from eventstudy.data.http import Web, may_go
from eventstudy.data.keys import hidden
from eventstudy.errors import MalformedResponse
from tests.network.services import Answer, Request, Services

SEC = ("sec.gov",)
KEY = "k3y-CANARY-77"


@pytest.mark.parametrize("url", ["https://sec.gov/a", "https://www.sec.gov/a?b=c", "https://DATA.sec.gov:443/"])
def test_hosts_of_the_service(url: str) -> None:
    assert may_go(url, SEC)


@pytest.mark.parametrize(
    "url",
    [
        "http://www.sec.gov/a", "https://sec.gov.example.org/", "https://example.org/sec.gov", "https://notsec.gov/",
        "https://www.sec.gov:8443/", "https://user:pass@www.sec.gov/", "https://www.sec.gov@example.org/", "//www.sec.gov/a",
        "https://www.sec.gov\\.example.org/", "https://www.sec.gov\n.example.org/", "https://[::1]/", "https://127.0.0.1/",
        "https://www.s\u0435c.gov/", "file:///etc/passwd", "ftp://www.sec.gov/", "https://www.sec.gov:x/", "", "https://",
    ],
)  # fmt: skip
def test_other_places(url: str) -> None:
    assert not may_go(url, SEC)


def test_a_key_goes_to_the_host_that_was_asked_alone(services: Services) -> None:
    web = Web(service="Tiingo", domains=("tiingo.com", "finnhub.io"), secret_headers={"Authorization": f"Token {KEY}"})
    services.handlers["api.tiingo.com"] = lambda request: Answer(302, b"", {"Location": "https://finnhub.io/next"})
    services.handlers["finnhub.io"] = lambda request: Answer(200, b"[]")
    assert web.get("https://api.tiingo.com/a").body == b"[]"
    first, second = services.log
    assert first.headers["authorization"] == f"Token {KEY}" and "authorization" not in second.headers


def test_a_redirect_to_an_address_read_in_two_ways(services: Services) -> None:
    web = Web(service="Tiingo", domains=("tiingo.com",))
    services.handlers["api.tiingo.com"] = lambda request: Answer(
        302, b"", {"Location": "https://api.tiingo.com\\.example.org/"}
    )
    with pytest.raises(MalformedResponse, match="redirects to"):
        web.get("https://api.tiingo.com/a")
    assert len(services.log) == 1


def test_an_answer_is_bounded_also_unpacked(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LARGEST_BODY", 100_000)
    web = Web(service="EODHD", domains=("eodhd.com",), headers={"Accept-Encoding": "gzip"})

    def bomb(request: Request) -> Answer:
        return Answer(200, b"0" * 5_000_000)

    services.handlers["eodhd.com"] = bomb
    with pytest.raises(MalformedResponse, match="sends more than"):
        web.get("https://eodhd.com/a")
    assert web.get("https://eodhd.com/a", until=b"000").body == b"000"


def test_keys_in_text_from_outside() -> None:
    text = hidden(f"bad {KEY}\n at ?token={KEY}%2F and Token {KEY}", [f"Token {KEY}"])
    assert KEY not in text and "\n" not in text
    assert "a%2Fb%3D" not in hidden("x a%2Fb%3Dc y", ["a/b=c"])
