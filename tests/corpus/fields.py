"""Field lines: names, values, and where they end."""

from tests.corpus.case import GET, SMUGGLED, Case, Family, passes, refused, seen

_NOT_IN_A_TOKEN = b'"(),/;<=>?@[\\]{}'
_CONTROLS = bytes((*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F))


def _same(name: str, line: bytes, arrives: bytes | None = None) -> Case:
    return passes(name, GET + line + b"\r\n\r\n", seen(lines=(line if arrives is None else arrives,)))


def _bad(name: str, lines: bytes) -> Case:
    return refused(400, name, GET + lines + b"\r\n\r\n" + SMUGGLED)


FAMILIES = (
    Family(
        "names of fields",
        "RFC 9110 §5.1 and §5.6.2: a token; RFC 9112 §5.1: no white space before the colon",
        (
            _bad("a line without a colon", b"X y"),
            _bad("a line of a name alone", b"X"),
            _bad("a field without a name", b": y"),
            _bad("a colon alone", b":"),
            _bad("a space before the colon", b"X : y"),
            _bad("a tab before the colon", b"X\t: y"),
            _bad("a space within a name", b"X Z: y"),
            _bad("a tab within a name", b"X\tZ: y"),
            *(_bad(f"{chr(sign)} in a name", b"X%cZ: y" % sign) for sign in _NOT_IN_A_TOKEN),
            _bad("NUL in a name", b"X\0Z: y"),
            _bad("a control in a name", b"X\x01Z: y"),
            _bad("NUL before the colon", b"X\0: y"),
            _bad("a byte of Latin-1 in a name", b"X\xe9: y"),
            _bad("a letter in UTF-8 in a name", "Xé: y".encode()),
            _bad("a no-break space before the colon", b"X\xa0: y"),
            _same("a name of all marks that a token may have", b"!#$%&'*+-.^`|~: y"),
            _same("a name of digits", b"123: y"),
            _same("a name of one letter", b"x: y"),
            _same("a name in mixed case goes on as it came", b"x-MiXeD-cAsE: y"),
            _same("a name with an underscore that stands for no other", b"My_Field: y"),
            _same("a name that begins as a framing field does", b"Content-Length-X: 5"),
            _same("a name that ends as a framing field does", b"X-Content-Length: 5"),
            _same("a name with points", b"x.y.z: 5"),
        ),
    ),
    Family(
        "values of fields",
        "RFC 9110 §5.5: visible characters, obs-text, spaces and tabs; CR, LF and NUL are dangerous",
        (
            *(_bad(f"the control 0x{control:02x} in a value", b"X: a%cb" % control) for control in _CONTROLS),
            _bad("NUL at the end of a value", b"X: a\0"),
            _bad("a control at the beginning of a value", b"X:\x0ba"),
            _same("an empty value", b"X:", b"X: "),
            _same("a value of spaces and tabs is empty", b"X: \t \t", b"X: "),
            _same("a value without a space before it", b"X:y", b"X: y"),
            _same("a value with spaces and tabs around", b"X: \t y \t", b"X: y"),
            _same("a tab within a value", b"X: a\tb"),
            _same("spaces within a value", b"X: a   b"),
            _same("colons in a value", b"X: a:b::c"),
            _same("a value that looks like a field", b"X: Content-Length: 5"),
            _same("a value in quotes with a comma", b'X: "a, b", c'),
            _same("a quote that does not end", b'X: "a'),
            _same("a value of Latin-1", b"X: caf\xe9"),
            _same("a value of UTF-8", "X: café ☕".encode()),
            _same("a value of bytes that are not UTF-8", b"X: \xff\xfe\xc0\x80"),
            _same("a value of a next-line character of Latin-1", b"X: a\x85b"),
            _same("a value with a line separator of UTF-8", "X: a\u2028b".encode()),
            _same("a no-break space at the end of a value stays", b"X: a\xa0"),
            _same("a value with escapes of CRLF", b"X: a%0d%0aY: b"),
            passes(
                "a field of several lines goes on in its order",
                GET + b"X: 1\r\nY: 2\r\nx: 3\r\nX: 1\r\n\r\n",
                seen(lines=(b"X: 1", b"Y: 2", b"x: 3", b"X: 1")),
            ),
        ),
    ),
    Family(
        "folded lines",
        "RFC 9112 §5.2: obs-fold is obsolete, and a server must refuse it or make spaces of it; §2.2",
        (
            _bad("a value folded with a space", b"X: a\r\n b"),
            _bad("a value folded with a tab", b"X: a\r\n\tb"),
            _bad("a fold right behind the colon", b"X:\r\n a"),
            _bad("a fold with nothing in it", b"X: a\r\n "),
            _bad("a fold before the head's end", b"X: a\r\n \r\n"),
            _bad("two folds", b"X: a\r\n b\r\n c"),
            _bad("a fold that looks like a field", b"X: a\r\n Content-Length: 5"),
            _bad("a fold of a framing field's name", b"Content-\r\n Length: 5"),
            refused(400, "a space before the first field", b"GET / HTTP/1.1\r\n" + b" " + GET[16:] + b"\r\n"),
            refused(400, "a tab before the first field", b"GET / HTTP/1.1\r\n" + b"\t" + GET[16:] + b"\r\n"),
            refused(
                400,
                "a line of a space before the first field",
                b"GET / HTTP/1.1\r\n \r\n" + GET[16:] + b"\r\n",
            ),
        ),
    ),
    Family(
        "ends of field lines",
        "RFC 9112 §2.2: CRLF; the classes of lone LF and lone CR, which some take for an end and some do not",
        (
            _bad("a lone LF within a value", b"X: a\nb"),
            _bad("a lone LF before another field", b"X: a\nY: b"),
            _bad("a lone LF before a fold", b"X: a\n b"),
            _bad("a lone CR within a value", b"X: a\rb"),
            _bad("a lone CR before another field", b"X: a\rY: b"),
            _bad("a lone CR at the end of a value", b"X: a\r"),
            _bad("a lone CR before the colon", b"X\r: a"),
            _bad("LF and CR the wrong way round between fields", b"X: a\n\rY: b"),
            refused(400, "LF alone at the head's end", GET + b"\n" + SMUGGLED),
            refused(400, "CR alone at the head's end", GET + b"\r" + SMUGGLED),
            refused(400, "a field's LF alone and the head's end", GET + b"X: y\n\r\n" + SMUGGLED),
            refused(400, "a field's CRLF and LF alone at the end", GET + b"X: y\r\n\n" + SMUGGLED),
            refused(400, "LF alone twice at the head's end", GET + b"X: y\n\n" + SMUGGLED),
            refused(400, "CR twice before LF at a field's end", GET + b"X: y\r\r\n\r\n" + SMUGGLED),
            refused(400, "CR twice before LF at the head's end", GET + b"\r\r\n" + SMUGGLED),
            refused(400, "a head of lone LFs", GET.replace(b"\r\n", b"\n") + b"\n"),
            refused(400, "a head of lone CRs", GET.replace(b"\r\n", b"\r") + b"\r"),
        ),
    ),
)
