import pytest

from cryptobot.simulator.limit_settings import LimitSettings
from cryptobot.simulator.operations.cancel_replace import ANSWERS, Result
from tests.simulator.exchange_client import Answer, ExchangeClient, exchange
from tests.simulator.scripted_market import ScriptedMarket
from tests.simulator.test_ws_api import PATH, call

REPLACE = "/api/v3/order/cancelReplace"
NEW = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
GOOD, UNPAYABLE = "0.2", "9"


async def resting(client: ExchangeClient) -> int:
    return int((await client.limit("BUY", "0.1", "60000", newClientOrderId="old")).body["orderId"])


async def replace(
    client: ExchangeClient, mode: str, *, quantity: str = GOOD, **more: object
) -> Answer:
    return await client.signed(
        "POST", REPLACE, **NEW, price="61000", quantity=quantity, cancelReplaceMode=mode, **more
    )


async def open_quantities(client: ExchangeClient) -> list[str]:
    return [
        order["origQty"][:3] for order in (await client.signed("GET", "/api/v3/openOrders")).body
    ]


CASES: list[tuple[str, bool, str, Result, Result, list[str]]] = [
    ("STOP_ON_FAILURE", True, GOOD, Result.SUCCESS, Result.SUCCESS, ["0.2"]),
    ("STOP_ON_FAILURE", True, UNPAYABLE, Result.SUCCESS, Result.FAILURE, []),
    ("STOP_ON_FAILURE", False, GOOD, Result.FAILURE, Result.NOT_ATTEMPTED, ["0.1"]),
    ("ALLOW_FAILURE", True, GOOD, Result.SUCCESS, Result.SUCCESS, ["0.2"]),
    ("ALLOW_FAILURE", True, UNPAYABLE, Result.SUCCESS, Result.FAILURE, []),
    ("ALLOW_FAILURE", False, GOOD, Result.FAILURE, Result.SUCCESS, ["0.1", "0.2"]),
    ("ALLOW_FAILURE", False, UNPAYABLE, Result.FAILURE, Result.FAILURE, ["0.1"]),
]


def test_statuses_and_codes_are_those_of_the_documentation() -> None:
    found = {pair: verdict and (verdict.status, verdict.code) for pair, verdict in ANSWERS.items()}
    partial, failed = (409, -2021), (400, -2022)
    assert found == {
        (Result.SUCCESS, Result.SUCCESS): None,
        (Result.SUCCESS, Result.FAILURE): partial,
        (Result.FAILURE, Result.SUCCESS): partial,
        (Result.FAILURE, Result.FAILURE): failed,
        (Result.FAILURE, Result.NOT_ATTEMPTED): failed,
    }


def test_cases_reach_every_answer() -> None:
    assert {(cancel, new) for _, _, _, cancel, new, _ in CASES} == set(ANSWERS)


@pytest.mark.parametrize(("mode", "known", "quantity", "cancel", "new", "left"), CASES)
async def test_answer_tells_what_became_of_both_halves(  # noqa: PLR0917 - one per column
    client: ExchangeClient,
    mode: str,
    known: bool,
    quantity: str,
    cancel: Result,
    new: Result,
    left: list[str],
) -> None:
    order_id = await resting(client)
    answer = await replace(
        client, mode, quantity=quantity, cancelOrderId=order_id if known else 999
    )
    verdict = ANSWERS[cancel, new]
    data = answer.body if verdict is None else answer.body["data"]
    assert (answer.status, answer.code) == (
        (200, None) if verdict is None else (verdict.status, verdict.code)
    )
    assert (data["cancelResult"], data["newOrderResult"]) == (cancel, new)
    if cancel is Result.SUCCESS:
        assert data["cancelResponse"]["origClientOrderId"] == "old"
    else:
        assert data["cancelResponse"] == {"code": -2011, "msg": "Unknown order sent."}
    if new is Result.SUCCESS:
        assert data["newOrderResponse"]["status"] == "NEW"
    elif new is Result.FAILURE:
        assert data["newOrderResponse"]["code"] == -2010
    else:
        assert data["newOrderResponse"] is None
    assert await open_quantities(client) == left


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"cancelReplaceMode": "PERHAPS"}, -1130),
        ({"cancelReplaceMode": None}, -1102),
        ({"orderRateLimitExceededMode": "PERHAPS"}, -1130),
        ({"colour": "red"}, -1104),
        ({"origClientOrderId": "old"}, -1104),
        ({"price": "60000.001"}, -1013),
        ({"side": None}, -1102),
    ],
)
async def test_malformed_request_changes_nothing(
    client: ExchangeClient, change: dict[str, str | None], code: int
) -> None:
    await resting(client)
    base = {**NEW, "price": "61000", "quantity": "0.2", "cancelOrigClientOrderId": "old"}
    base["cancelReplaceMode"] = "STOP_ON_FAILURE"
    params = {name: text for name, text in {**base, **change}.items() if text is not None}
    answer = await client.signed("POST", REPLACE, **params)
    assert (answer.status, answer.code) == (400, code)
    assert await open_quantities(client) == ["0.1"]


async def test_ids_of_cancel_and_new_order_are_kept(client: ExchangeClient) -> None:
    await resting(client)
    answer = await replace(
        client,
        "STOP_ON_FAILURE",
        cancelOrigClientOrderId="old",
        cancelNewClientOrderId="the-cancel",
        newClientOrderId="new",
    )
    assert answer.body["cancelResponse"]["clientOrderId"] == "the-cancel"
    assert answer.body["newOrderResponse"]["clientOrderId"] == "new"
    lines = (await client.get("/sim/orders")).body
    assert [line["client_order_id"] for line in lines] == ["old", "new"]


@pytest.mark.parametrize(
    ("on_limit", "status", "left"), [("DO_NOTHING", 429, ["0.1"]), ("CANCEL_ONLY", 409, [])]
)
async def test_order_limit_stops_all_or_the_new_order_only(
    market: ScriptedMarket, on_limit: str, status: int, left: list[str]
) -> None:
    async with exchange(market, limits=LimitSettings(orders_in_10_s=1)) as client:
        order_id = await resting(client)
        answer = await replace(
            client,
            "STOP_ON_FAILURE",
            cancelOrderId=order_id,
            orderRateLimitExceededMode=on_limit,
        )
        assert answer.status == status
        assert await open_quantities(client) == left


async def test_ws_api_answers_the_same(client: ExchangeClient) -> None:
    await resting(client)
    async with client.socket(PATH) as socket:
        terms = {**NEW, "price": "61000", "quantity": UNPAYABLE, "cancelOrigClientOrderId": "old"}
        answer = await call(
            client, socket, "order.cancelReplace", **terms, cancelReplaceMode="STOP_ON_FAILURE"
        )
    assert (answer["status"], answer["error"]["code"]) == (409, -2021)
    assert answer["error"]["data"]["cancelResult"] == "SUCCESS"
