from collections import Counter

from telemetry.catalogue import CATALOGUE, ORDER_LATENCY_BUCKETS_MS, Kind, Spec

BY_NAME = {spec.name: spec for spec in CATALOGUE}


def test_catalogue_with_all_names_is_prefixed_unique_and_typed_by_its_suffix() -> None:
    assert max(Counter(spec.name for spec in CATALOGUE).values()) == 1
    for spec in CATALOGUE:
        assert spec.name.startswith("cryptobot_")
        assert spec.name.endswith("_total") == (spec.kind is Kind.COUNTER), spec.name
        assert bool(spec.buckets) == (spec.kind is Kind.HISTOGRAM), spec.name
        assert list(spec.buckets) == sorted(set(spec.buckets)), spec.name
        assert spec.help.endswith("."), spec.name


def test_catalogue_with_a_counter_beside_a_gauge_of_its_name_has_one_family_of_each_name() -> None:
    assert max(Counter(spec.family for spec in CATALOGUE).values()) == 1
    assert BY_NAME["cryptobot_dead_letters"].family == "cryptobot_dead_letters"
    assert BY_NAME["cryptobot_dead_letters_total"].family == "cryptobot_dead_letters_total"


def test_catalogue_with_durations_says_so_in_the_name() -> None:
    millisecond = {"cryptobot_order_latency"}
    for spec in CATALOGUE:
        if spec.kind is Kind.HISTOGRAM and spec.name not in millisecond:
            assert spec.name.endswith("_seconds"), spec.name


def test_catalogue_with_the_two_named_metrics_holds_what_the_alert_rules_rely_on() -> None:
    failed = BY_NAME["cryptobot_orders_failed_total"]
    latency = BY_NAME["cryptobot_order_latency"]
    assert (failed.kind, dict(failed.labels)) == (Kind.COUNTER, {})
    assert (latency.kind, dict(latency.labels)) == (Kind.HISTOGRAM, {})
    assert latency.buckets == ORDER_LATENCY_BUCKETS_MS
    assert [int(edge) for edge in latency.buckets] == [
        10, 25, 50, 100, 150, 250, 400, 500, 600, 700, 750, 800, 900, 1000, 1500, 2500, 5000,
        10000, 30000,
    ]  # fmt: skip


def test_catalogue_with_labels_of_the_contract_has_them_by_name_and_order() -> None:
    def labels(name: str) -> str:
        spec: Spec = BY_NAME[f"cryptobot_{name}"]
        return ",".join(spec.labels)

    assert labels("orders_total") == "mode,exchange,side,type,outcome"
    assert labels("order_failures_by_reason_total") == "exchange,reason"
    assert labels("mode_changes_total") == "from,to,trigger"
    assert labels("websocket_disconnections_total") == "exchange,channel,reason"
    assert labels("exchange_requests_total") == "exchange,operation,outcome"
    assert labels("http_requests_total") == "path,status"
    assert labels("telemetry_lost_total") == "sink,reason"
    assert labels("build_info") == "version,python,ccxt"
