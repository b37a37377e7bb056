import asyncio
import gzip
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from telemetry.api import ApiProviders
from telemetry.exporter import Exporter, ExporterError, Limits
from telemetry.health import Health
from telemetry.metrics import Metrics
from telemetry.testing import sample

PATHS = [
    "/api/metrics/circuit-breakers",
    "/api/metrics/orders/daily",
    "/api/metrics/status-changes",
    "/api/metrics/summary",
    "/health",
    "/health/detailed",
    "/health/ready",
    "/metrics",
]

Start = Callable[..., Awaitable[Exporter]]


async def days_asked(days: int) -> object:
    return {"days": days}


async def summary() -> object:
    return {"orders": 3}


async def breakers() -> object:
    return [{"name": "binance:orders", "state": "open"}]


PROVIDERS = ApiProviders(days_asked, days_asked, summary, breakers)


@pytest.fixture
def health() -> Health:
    return Health({"journal": "not open yet"})


@pytest.fixture
async def start(metrics: Metrics, health: Health) -> AsyncIterator[Start]:
    started: list[Exporter] = []

    async def starting(providers: ApiProviders = PROVIDERS, **options: Any) -> Exporter:
        exporter = Exporter(metrics, health, providers, port=0, **options)
        await exporter.start()
        started.append(exporter)
        return exporter

    yield starting
    for exporter in started:
        await exporter.close()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


def url(exporter: Exporter, path: str) -> str:
    return f"http://127.0.0.1:{exporter.port}{path}"


@asynccontextmanager
async def connected(
    exporter: Exporter,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", exporter.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def ends(reader: asyncio.StreamReader) -> bool:
    """Wait until the exporter drops the connection; whether it did without an answer."""
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


async def raw(exporter: Exporter, request: bytes) -> bytes:
    async with connected(exporter) as (reader, writer):
        writer.write(request)
        return await reader.read()


async def test_metrics_with_prometheus_accept_header_is_openmetrics_gzipped(
    start: Start, client: aiohttp.ClientSession
) -> None:
    accept = (
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
        "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    )
    headers = {"Accept": accept, "Accept-Encoding": "gzip"}
    async with client.get(url(await start(), "/metrics"), headers=headers) as answer:
        body = gzip.decompress(await answer.read())
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        assert body.endswith(b"# EOF\n")


@pytest.mark.parametrize(
    "accept", ["", "*/*", "text/plain", "application/openmetrics-text;q=0.1,text/plain", "q=x;,;"]
)
async def test_metrics_with_other_accept_headers_is_the_text_format(
    start: Start, client: aiohttp.ClientSession, accept: str
) -> None:
    headers = {"Accept": accept, "Accept-Encoding": "identity"}
    async with client.get(url(await start(), "/metrics"), headers=headers) as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "Content-Encoding" not in answer.headers
        assert list(parse_text(await answer.text()))


async def test_metrics_with_many_scrapes_at_once_are_all_whole(
    start: Start, metrics: Metrics, client: aiohttp.ClientSession
) -> None:
    exporter = await start()

    async def scrape() -> int:
        metrics.orders.processed()
        async with client.get(url(exporter, "/metrics")) as answer:
            body = await answer.read()
            text = gzip.decompress(body) if "Content-Encoding" in answer.headers else body
            return len(list(parse_text(text.decode())))

    assert len(set(await asyncio.gather(*(scrape() for _ in range(50))))) == 1
    counted = sample(metrics, "cryptobot_http_requests_total", path="/metrics", status="200")
    assert counted == 50


async def test_head_with_any_path_answers_the_headers_of_get(
    start: Start, client: aiohttp.ClientSession
) -> None:
    exporter = await start()
    for path in ("/metrics", "/health"):
        async with client.head(url(exporter, path)) as answer:
            assert answer.status == 200
            assert int(answer.headers["Content-Length"]) > 0
            assert await answer.read() == b""


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_request_with_another_method_is_405_in_json(
    start: Start, client: aiohttp.ClientSession, method: str
) -> None:
    async with client.request(method, url(await start(), "/metrics"), data=b"x") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD"
        assert method in (await answer.json())["error"]


async def test_request_with_an_unknown_path_is_404_that_lists_what_there_is(
    start: Start, metrics: Metrics, client: aiohttp.ClientSession
) -> None:
    async with client.get(url(await start(), "/wp-admin")) as answer:
        assert answer.status == 404
        assert (await answer.json())["paths"] == PATHS
    assert sample(metrics, "cryptobot_http_requests_total", path="other", status="404") == 1


async def test_answer_with_any_status_names_no_versions(
    start: Start, client: aiohttp.ClientSession
) -> None:
    exporter = await start()
    for path in ("/metrics", "/health", "/nowhere"):
        async with client.get(url(exporter, path)) as answer:
            assert answer.headers["Server"] == "cryptobot"
    assert b"Server: cryptobot\r\n" in await raw(exporter, b"NONSENSE\r\n\r\n")


async def test_health_with_a_critical_component_is_503(
    start: Start, health: Health, client: aiohttp.ClientSession
) -> None:
    exporter = await start()
    async with client.get(url(exporter, "/health")) as answer:
        assert answer.status == 200
    health.set("journal", "critical", "disk full")
    async with client.get(url(exporter, "/health")) as answer:
        assert answer.status == 503
        assert await answer.json() == {"status": "critical", "critical": {"journal": "disk full"}}
    async with client.get(url(exporter, "/health/detailed")) as answer:
        assert answer.status == 503
        assert (await answer.json())["components"]["journal"]["detail"] == "disk full"


async def test_readiness_with_an_unmet_condition_is_503_until_it_is_met(
    start: Start, health: Health, client: aiohttp.ClientSession
) -> None:
    exporter = await start()
    async with client.get(url(exporter, "/health/ready")) as answer:
        assert answer.status == 503
    health.met("journal")
    async with client.get(url(exporter, "/health/ready")) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(("query", "days"), [("", 7), ("?days=1", 1), ("?days=366", 366)])
async def test_api_with_good_days_asks_the_provider(
    start: Start, client: aiohttp.ClientSession, query: str, days: int
) -> None:
    exporter = await start()
    for path in PATHS[1:3]:
        async with client.get(url(exporter, path + query)) as answer:
            assert (answer.status, await answer.json()) == (200, {"days": days})
    async with client.get(url(exporter, "/api/metrics/summary")) as answer:
        assert await answer.json() == {"orders": 3}


@pytest.mark.parametrize(
    "days", ["0", "367", "-1", "1.5", "", "x", "٣", "9" * 5000, "1&days=2", "1e1", "+1"]
)
async def test_api_with_bad_days_is_400_naming_parameter_and_range(
    start: Start, client: aiohttp.ClientSession, days: str
) -> None:
    exporter = await start(limits=Limits(line_bytes=8190))
    async with client.get(url(exporter, f"/api/metrics/orders/daily?days={days}")) as answer:
        body = await answer.json()
        assert (answer.status, body["parameter"]) == (400, "days")
        assert body.get("range", [1, 366]) == [1, 366]


async def test_api_with_an_unknown_parameter_is_400_naming_it(
    start: Start, client: aiohttp.ClientSession
) -> None:
    exporter = await start()
    for path in PATHS[1:4]:
        async with client.get(url(exporter, f"{path}?hours=3")) as answer:
            assert (answer.status, (await answer.json())["parameter"]) == (400, "hours")


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        ("Bearer wrong", 401),
        ("Basic opensesame", 401),
        ("Bearer opensesam\u00e9", 401),
        ("Bearer opensesame", 200),
        ("bearer  opensesame", 200),
    ],
)
async def test_api_with_a_token_takes_that_token_only(
    start: Start, client: aiohttp.ClientSession, authorization: str | None, status: int
) -> None:
    exporter = await start(api_token="opensesame")
    headers = {} if authorization is None else {"Authorization": authorization}
    async with client.get(url(exporter, "/api/metrics/summary"), headers=headers) as answer:
        assert answer.status == status
        assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    async with client.get(url(exporter, "/metrics")) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9100", "[", "10.0.0.1"])
async def test_api_without_a_token_under_a_foreign_name_is_403(
    start: Start, client: aiohttp.ClientSession, host: str
) -> None:
    exporter = await start()
    headers = {"Host": host}
    async with client.get(url(exporter, "/api/metrics/summary"), headers=headers) as answer:
        assert answer.status == 403


async def test_api_with_a_provider_that_fails_is_500_without_its_words(
    start: Start, metrics: Metrics, client: aiohttp.ClientSession
) -> None:
    async def failing(_days: int) -> object:
        raise RuntimeError("password is hunter22")

    exporter = await start(ApiProviders(failing, failing, summary, breakers))
    async with client.get(url(exporter, "/api/metrics/orders/daily")) as answer:
        assert answer.status == 500
        assert "hunter22" not in await answer.text()
    assert (
        sample(
            metrics, "cryptobot_http_requests_total", path="/api/metrics/orders/daily", status="500"
        )
        == 1
    )


async def test_api_with_a_provider_that_hangs_is_503(
    start: Start, client: aiohttp.ClientSession
) -> None:
    async def hanging() -> object:
        await asyncio.Event().wait()
        return None

    providers = ApiProviders(days_asked, days_asked, hanging, breakers)
    exporter = await start(providers, limits=Limits(provider_s=0.01))
    async with client.get(url(exporter, "/api/metrics/summary")) as answer:
        assert answer.status == 503


async def test_start_with_a_port_in_use_names_the_port_and_its_owner(start: Start) -> None:
    first = await start()
    second = Exporter(Metrics(), Health(), PROVIDERS, port=first.port)
    with pytest.raises(ExporterError) as raised:
        await second.start()
    await second.close()
    message = str(raised.value)
    assert f"port {first.port}" in message
    assert f"pid {os.getpid()}" in message
    assert "metrics.port" in message


async def test_start_with_an_address_of_another_machine_is_one_clear_line() -> None:
    exporter = Exporter(Metrics(), Health(), PROVIDERS, host="192.0.2.1", port=0)
    with pytest.raises(ExporterError, match=r"192\.0\.2\.1:0 \(metrics\.host, metrics\.port\)"):
        await exporter.start()
    await exporter.close()


async def test_connections_beyond_the_cap_drop_the_longest_silent_one(
    start: Start, client: aiohttp.ClientSession
) -> None:
    exporter = await start(limits=Limits(connections=4))
    async with AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(connected(exporter)) for _ in range(20)]
        async with client.get(url(exporter, "/health")) as answer:
            assert answer.status == 200
        assert await ends(silent[0][0])


async def test_connection_that_just_got_an_answer_outlives_a_silent_one(start: Start) -> None:
    exporter = await start(limits=Limits(connections=2))
    async with connected(exporter) as (reader, writer), connected(exporter) as (silent, _):
        for _ in range(2):
            writer.write(b"HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        async with connected(exporter):
            assert await ends(silent)
        writer.write(b"HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")


async def test_connection_that_sends_half_a_request_is_dropped(start: Start) -> None:
    exporter = await start(limits=Limits(patience_s=0.05))
    async with connected(exporter) as (reader, writer):
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow")
        assert await ends(reader)


async def test_client_that_never_reads_is_dropped(start: Start, metrics: Metrics) -> None:
    exporter = await start(limits=Limits(patience_s=0.2))
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        sock.settimeout(0)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, ("127.0.0.1", exporter.port))
        request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"

        async def ask_for_ever() -> None:
            while True:  # until the answers fill every buffer, and the exporter gives up
                await loop.sock_sendall(sock, request * 100)

        with pytest.raises(ConnectionError):
            await ask_for_ever()
    assert sample(metrics, "cryptobot_http_requests_total", path="/metrics", status="200") > 0


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: 1\r\n" % n for n in range(1000)) + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
async def test_request_with_too_much_or_nonsense_is_refused_and_harms_nothing(
    start: Start, client: aiohttp.ClientSession, request_bytes: bytes
) -> None:
    exporter = await start()
    try:
        answer = await raw(exporter, request_bytes)
    except ConnectionError:
        answer = b""
    assert answer == b"" or b" 400 " in answer.splitlines()[0]
    async with client.get(url(exporter, "/health")) as again:
        assert again.status == 200
