"""Large JSON decoded in pieces: the same values come out, the same texts are refused, and no piece is large."""

import json
import random
from collections.abc import Callable
from typing import Any, Final

import pytest

from refold_async.codec import json_codec
from refold_async.codec.json_pieces import decode_in_pieces
from support.cases import each_case

LEVELS: Final = 320
SPACES: Final = ["", "", "", " ", "\n\t ", "      \r\n     "]
TEXTS: Final = [
    *("", "a", "é", "客户 🦊", "\\", '"', '\\"', "a\\\\", "},{", '","', "]", "[[", "{", ",", "x" * 50, "\n\x00\u2028"),
]
NUMBERS: Final = ["0", "-1", "12345678901234567890123", "1.5", "-2e5", "1E-3", "true", "false", "null"]


def spelled(chance: random.Random, depth: int) -> str:
    """Return a random JSON text, with white space wherever it may be."""
    kind = chance.random()
    space = chance.choice(SPACES)
    if depth == 0 or kind < 0.2:
        return f"{space}{chance.choice(NUMBERS)}{space}"
    if kind < 0.4:
        text = json.dumps(chance.choice(TEXTS), ensure_ascii=chance.random() < 0.5)
        return f"{space}{text}{space}"
    members = [spelled(chance, depth - 1) for _ in range(chance.choice([0, 1, 2, 5, 30]))]
    if kind < 0.7:
        return f"{space}[{','.join(members) or space}]{space}"
    names = [json.dumps(chance.choice([*TEXTS, str(number)])) for number in range(len(members))]
    pairs = [f"{space}{name}{space}:{member}" for name, member in zip(names, members, strict=True)]
    return f"{space}{{{','.join(pairs) or space}}}{space}"


def outcome(decode: Callable[[], Any]) -> str:
    """Return what comes out, in one form: order and types count."""
    try:
        return repr(decode())
    except (ValueError, RecursionError) as error:
        return "UTF-8" if isinstance(error, UnicodeDecodeError) else "refused"


@pytest.fixture(params=["json", "orjson"])
def decode(request: pytest.FixtureRequest) -> Callable[[bytes, int], Any]:
    """Each of the decoders; orjson's only where it is installed."""
    if request.param == "json":
        return json_codec.decode_at_once_with_json
    pytest.importorskip("orjson")
    return json_codec.decode_at_once_with_orjson


@each_case("seed", range(20))
def test_the_same_values_come_out(decode: Callable[[bytes, int], Any], seed: int) -> None:
    """Wherever the pieces end: in a string, a number, a character, an escape, white space, deep inside."""
    chance = random.Random(seed)
    for _ in range(5):
        body = spelled(chance, 4).encode()
        expected = outcome(lambda body=body: json_codec.decode_with_json(body))  # type: ignore[misc]
        for piece in (chance.randrange(1, 40), chance.randrange(40, 400), len(body) + 1):
            assert outcome(lambda piece=piece, body=body: decode_in_pieces(body, decode, LEVELS, piece)) == expected  # type: ignore[misc]


@each_case("seed", range(20))
def test_the_same_texts_are_refused(decode: Callable[[bytes, int], Any], seed: int) -> None:
    """A text with a byte too many, too few or changed is refused just where it is by the decoder itself."""
    chance = random.Random(seed)
    for _ in range(20):
        body = bytearray(spelled(chance, 3).encode())
        place = chance.randrange(len(body))
        change = chance.choice([b"", b",", b'"', b"]", b"}", b"[", b"{", b":", b"\xff", b"\\", b"x", b"1", b" "])
        body[place : place + chance.choice([0, 1])] = change
        text = bytes(body)
        expected = outcome(lambda text=text: json_codec.decode_with_json(text))  # type: ignore[misc]
        got = outcome(lambda text=text: decode_in_pieces(text, decode, LEVELS, chance.randrange(1, 60)))  # type: ignore[misc]
        assert got == expected or {got, expected} == {"UTF-8", "refused"}, text


OBJECT: Final = {"id": 12, "name": "Zoë", "tags": ["a", {"b": [1, 2]}], "text": 'he said: "},{"'}
SHAPES: Final[dict[str, bytes]] = {
    "objects": json.dumps([OBJECT] * 5000).encode(),
    "indented": json.dumps({"data": {"docs": [OBJECT] * 3000}, "total": 3000}, indent=2).encode(),
    "numbers": json.dumps(list(range(80_000))).encode(),
    "strings": json.dumps(["}],[{"] * 50_000).encode(),
    "wide": json.dumps({f"key {number}": [number] for number in range(30_000)}).encode(),
    "lists of lists": json.dumps([[[1.5] * 10] * 10] * 1000).encode(),
    "long members": json.dumps({str(number): [OBJECT] * 1000 for number in range(5)}).encode(),
    "deep": b'{"a": 1, "b": ' * 50 + json.dumps([OBJECT] * 4000).encode() + b"}" * 50,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_no_piece_is_large(shape: str) -> None:
    """Of lists and objects of every shape, the decoder sees small pieces only, and hardly more of them than it must."""
    pieces: list[int] = []

    def decode(piece: bytes, levels: int) -> Any:
        pieces.append(len(piece))
        return json_codec.decode_at_once_with_json(piece, levels)

    body = SHAPES[shape]
    assert decode_in_pieces(body, decode, LEVELS, 16 * 1024) == json.loads(body)
    assert max(pieces) <= 16 * 1024 + 2
    assert sum(pieces) < 3 * len(body)


def test_a_long_string_is_one_piece() -> None:
    """A string is never taken apart."""
    body = json.dumps({"data": 'a"\\' * 100_000, "after": 1}).encode()
    assert (
        json_codec.decode(body)
        == decode_in_pieces(body, json_codec.decode_at_once_with_json, LEVELS, 1000)
        == json.loads(body)
    )


@pytest.mark.parametrize("body", [b"[" * 2_000_000, b'{"a":' * 500_000, b"[1," * 700_000])
def test_too_deep(body: bytes) -> None:
    """What is nested beyond all measure is refused, as when it is short."""
    with pytest.raises((RecursionError, ValueError)):
        json_codec.decode(body)


@pytest.mark.parametrize(
    "levels", [*range(1, 8), 320, 321, *(pytest.param(levels, marks=pytest.mark.slow) for levels in (319, 322, 400))]
)
@each_case("opening", ["[", '{"a":', '[1,{"b":2,"a":'])
@each_case("large_at", ["inside", "outside", "nowhere"])
def test_levels(decode: Callable[[bytes, int], Any], levels: int, opening: str, large_at: str) -> None:
    """As many levels are read as of a short text, whether the pieces end far inside, far outside or in between."""
    begin = opening * levels
    end = "".join({"[": "]", "{": "}"}[sign] for sign in reversed(begin) if sign in "[{")
    padding = "1,2,3," * 200
    inside = f"[{padding}1]" if large_at == "inside" else "1"
    text = f"{begin}{inside}{end}"
    body = (f"[{padding}{text}]" if large_at == "outside" else text).encode()
    expected = outcome(lambda: json_codec.decode_with_json(body))
    for piece in (7, 100, 500, 1000):
        assert outcome(lambda piece=piece: decode_in_pieces(body, decode, LEVELS, piece)) == expected  # type: ignore[misc]


def test_a_byte_order_mark_is_skipped() -> None:
    """Before a large text as before a small one."""
    body = b"\xef\xbb\xbf [" + b"1," * 600_000 + b"2]"
    assert json_codec.decode(body)[-1] == 2
    assert json_codec.decode(b'\xef\xbb\xbf"' + b"x" * 1_200_000 + b'"')[0] == "x"


def test_where_a_large_text_is_wrong() -> None:
    """The place of what is wrong is told."""
    body = b"[" + b"1," * 600_000 + b"x]"
    with pytest.raises(ValueError, match="byte 1200001"):
        json_codec.decode(body)
    with pytest.raises(UnicodeDecodeError) as caught:
        json_codec.decode(body.replace(b"x", b'"\xff"'))
    assert caught.value.start == 1_200_002
