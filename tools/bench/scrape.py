"""Time of a scrape of ``/metrics``."""

import http.client
import time
from urllib.parse import urlsplit

from prometheus_client import generate_latest

from bench.processes import engine, simulator
from bench.result import Bench, Result, compared
from cryptobot.engine import jobs
from cryptobot.engine.metrics_feed import CHANNELS
from telemetry.metrics import Metrics

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")


def run(bench: Bench) -> list[Result]:
    """Scrape the demo's engine over HTTP, and compare the encoder with the client library's."""
    return [*_http(bench), *_encoder(bench)]


def _http(bench: Bench) -> list[Result]:
    folder = bench.folder("scrape")
    scrapes: list[float] = []
    health: list[float] = []
    with simulator(folder) as venue, engine(venue, folder) as demo:
        url = urlsplit(demo.metrics_url)
        connection = http.client.HTTPConnection(url.hostname or "127.0.0.1", url.port, timeout=5)
        for _ in range(bench.times(300, 20)):
            health.append(_get_ms(connection, "/health"))
            scrapes.append(_get_ms(connection, "/metrics"))
        connection.close()
    return compared("scrape.http", "ms", scrapes, health, "GET /health of the same engine")


def _get_ms(connection: http.client.HTTPConnection, path: str) -> float:
    began = time.perf_counter_ns()
    connection.request("GET", path)
    connection.getresponse().read()
    return (time.perf_counter_ns() - began) / 1e6


def _encoder(bench: Bench) -> list[Result]:
    metrics = Metrics(
        exchanges=("binance",),
        symbols=SYMBOLS,
        currencies=("USDT",),
        channels=CHANNELS,
        jobs=jobs.NAMES,
    )
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(bench.times(200, 10)):
        began = time.perf_counter_ns()
        metrics.exposition(openmetrics=False)
        middle = time.perf_counter_ns()
        generate_latest(metrics.registry)
        ours.append((middle - began) / 1e6)
        theirs.append((time.perf_counter_ns() - middle) / 1e6)
    return compared("scrape.encoder", "ms", ours, theirs, "prometheus_client generate_latest")
