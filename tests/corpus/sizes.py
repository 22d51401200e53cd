"""How long a head may be: the longest that goes on, and one more."""

from tests.corpus.case import GET, HOST, KEY, SMUGGLED, Family, passes, refused, seen

MAX_LINE_BYTES = 8190
MAX_FIELD_BYTES = 8192
MAX_FIELDS = 100
MAX_HEAD_BYTES = 65536

_FIELDS = HOST + KEY + b"\r\n"
_LONGEST = b"/" + b"a" * (MAX_LINE_BYTES - len(b"GET / HTTP/1.1"))
_VALUE = b"y" * (MAX_FIELD_BYTES - len(b"X: "))
_NAME = b"x" * (MAX_FIELD_BYTES - len(b": y"))
_OTHERS = MAX_FIELDS - 2

FAMILIES = (
    Family(
        "sizes of heads",
        "RFC 9112 §3: 414 for a long target; RFC 6585 §5: 431 for fields",
        (
            passes(
                "the longest request line", b"GET %b HTTP/1.1\r\n%b" % (_LONGEST, _FIELDS), seen(_LONGEST)
            ),
            refused(
                414,
                "a request line of one byte more",
                b"GET %ba HTTP/1.1\r\n%b%b" % (_LONGEST, _FIELDS, SMUGGLED),
            ),
            refused(414, "a request line that does not end", b"GET /" + b"a" * 2 * MAX_LINE_BYTES),
            refused(414, "a method that does not end", b"A" * 2 * MAX_LINE_BYTES),
            passes(
                "the longest field by its value",
                GET + b"X: " + _VALUE + b"\r\n\r\n",
                seen(lines=(b"X: " + _VALUE,)),
            ),
            refused(431, "a field's value of one byte more", GET + b"X: y" + _VALUE + b"\r\n\r\n" + SMUGGLED),
            passes(
                "the longest field by its name", GET + _NAME + b": y\r\n\r\n", seen(lines=(_NAME + b": y",))
            ),
            refused(431, "a field's name of one byte more", GET + b"x" + _NAME + b": y\r\n\r\n" + SMUGGLED),
            refused(431, "a field that does not end", GET + b"X: " + b"y" * 2 * MAX_FIELD_BYTES),
            refused(431, "a field's name that does not end", GET + b"x" * 2 * MAX_FIELD_BYTES),
            refused(431, "spaces around a value that do not end", GET + b"X:" + b" " * 2 * MAX_FIELD_BYTES),
            passes(
                "the most fields", GET + b"X: y\r\n" * _OTHERS + b"\r\n", seen(lines=(b"X: y",) * _OTHERS)
            ),
            refused(431, "one field more", GET + b"X: y\r\n" * (_OTHERS + 1) + b"\r\n" + SMUGGLED),
            refused(431, "fields that do not end", GET + b"X: y\r\n" * 10 * MAX_FIELDS),
            refused(
                431,
                "a head that is too long in all",
                GET + (b"X: " + _VALUE + b"\r\n") * (MAX_HEAD_BYTES // MAX_FIELD_BYTES + 1) + b"\r\n",
            ),
            refused(400, "a control far behind in a long line", GET + b"X: " + b"y" * 8000 + b"\0"),
        ),
    ),
)
