import base64
from urllib.parse import quote, quote_plus, urlencode

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from telemetry.redaction import MIN_SECRET, REDACTED, RedactionError, Redactor

SECRETS = st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=64) | st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=", min_size=16
)


def knowing(*secrets: str) -> Redactor:
    redactor = Redactor()
    for secret in secrets:
        assert redactor.add(secret)
    return redactor


def written_ways(secret: str) -> list[str]:
    raw = secret.encode()
    return [
        secret,
        repr(secret),
        repr(raw),
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        urlencode({"secret": secret}),
        raw.hex(),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        orjson.dumps({"secret": secret}).decode(),
    ]


def strings_in(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in strings_in(part)]
    if isinstance(value, list):
        return [text for item in value for text in strings_in(item)]
    return [value] if isinstance(value, str) else [str(value)]


@settings(max_examples=300)
@given(secret=SECRETS, before=st.text(max_size=20), after=st.text(max_size=20), data=st.data())
def test_redaction_with_any_secret_in_any_form_and_place_leaves_none(
    secret: str, before: str, after: str, data: st.DataObject
) -> None:
    try:
        orjson.dumps([before, after])
    except TypeError:
        assume(condition=False)
    form = data.draw(st.sampled_from(written_ways(secret)))
    text = before + form + after
    record = {
        "event": text,
        text: 1,
        "nested": [{"deep": [text, {"error": ValueError(text).args[0]}]}],
    }
    clean = knowing(secret).redact_json(orjson.dumps(record))
    for shown in strings_in(orjson.loads(clean)):
        for way in written_ways(secret):
            assert way.strip("'") not in shown


@given(
    key=st.binary(min_size=0, max_size=20),
    secret=st.binary(min_size=12, max_size=64).filter(lambda raw: raw.isascii()),
    tail=st.binary(max_size=20),
)
def test_redaction_with_a_secret_inside_base64_of_more_hides_its_part(
    key: bytes, secret: bytes, tail: bytes
) -> None:
    text = base64.b64encode(key + b":" + secret + b":" + tail).decode()
    clean = knowing(secret.decode()).redact(f"Authorization: Basic {text}")
    assert REDACTED in clean
    assert text not in clean


@given(
    record=st.dictionaries(st.text("abcdef"), st.text("ghijk ") | st.integers(0, 99) | st.none())
)
def test_redaction_with_nothing_to_hide_returns_the_very_same_bytes(
    record: dict[str, object],
) -> None:
    line = orjson.dumps(record)
    assert knowing("S3CR3T-zzzz").redact_json(line) is line


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (
            "GET /order?symbol=A&signature=0a1b2c&x=1",
            "GET /order?symbol=A&signature=[redacted]&x=1",
        ),
        ("/ws?listenKey=pqia91ma19a5s", "/ws?listenKey=[redacted]"),
        ("apiKey=abc timestamp=5", "apiKey=[redacted] timestamp=5"),
        ("{'X-MBX-APIKEY': 'abc'}", "{'X-MBX-APIKEY': '[redacted]'}"),
        ('{"listenKey":"abc"}', '{"listenKey":"[redacted]"}'),
        (r"{\"listenKey\":\"abc\"}", r"{\"listenKey\":\"[redacted]\"}"),
        ("X-MBX-APIKEY: 0123456789abcdef0123", "X-MBX-APIKEY: [redacted]"),
        ("the signature: please check it", "the signature: please check it"),
        ("signature=[redacted]", "signature=[redacted]"),
    ],
)
def test_redaction_with_values_known_by_name_hides_them(text: str, clean: str) -> None:
    redactor = Redactor()
    assert redactor.redact(text) == clean
    assert orjson.loads(redactor.redact_json(orjson.dumps({"event": text}))) == {"event": clean}


def test_redaction_with_a_field_named_for_a_key_hides_its_value() -> None:
    line = orjson.dumps({"headers": {"X-MBX-APIKEY": "abc", "listenKey": "def", "symbol": "A"}})
    assert orjson.loads(Redactor().redact_json(line)) == {
        "headers": {"X-MBX-APIKEY": REDACTED, "listenKey": REDACTED, "symbol": "A"}
    }


def test_redaction_with_a_secret_of_digits_hides_the_number_too() -> None:
    line = orjson.dumps({"pin": 12345678, "other": 1})
    assert orjson.loads(knowing("12345678").redact_json(line)) == {"pin": REDACTED, "other": 1}


def test_redaction_with_a_secret_in_another_case_lets_the_text_pass() -> None:
    line = b'{"event":"TESTKEY"}'
    assert knowing("testkey").redact_json(line) == line


def test_redaction_with_a_pem_key_hides_its_lines_one_by_one() -> None:
    body = base64.b64encode(bytes(range(96))).decode()
    pem = f"-----BEGIN PRIVATE KEY-----\n{body[:64]}\n{body[64:]}\n-----END PRIVATE KEY-----\n"
    assert body[:64] not in knowing(pem).redact(f"line 2: {body[:64]}")
    assert body[:64] not in knowing(pem).redact(repr(pem))


def test_redaction_with_a_secret_that_cannot_be_removed_refuses() -> None:
    with pytest.raises(RedactionError):
        knowing("redacted").redact_json(b'{"event":"redacted"}')


def test_redaction_with_bytes_that_are_no_json_refuses_when_in_doubt() -> None:
    with pytest.raises(RedactionError):
        knowing("hunter22").redact_json(b'{"event": hunter22')


def test_secret_with_too_few_characters_is_not_registered() -> None:
    redactor = Redactor()
    assert not redactor.add("")
    assert not redactor.add("x" * (MIN_SECRET - 1))
    assert redactor.redact("xxx") == "xxx"
