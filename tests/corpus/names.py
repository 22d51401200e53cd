"""Names that one reader takes for a field that matters, and another does not."""

from tests.corpus.case import GET, KEY, POST, SMUGGLED, Case, Family, passes, refused, seen


def _bad(name: str, line: bytes) -> Case:
    return refused(400, name, POST + line + b"\r\n\r\n" + SMUGGLED)


FAMILIES = (
    Family(
        "underscores for hyphens",
        "RFC 3875 §4.1.18: CGI, and WSGI after it, makes one variable of X_Y and X-Y",
        (
            _bad("Content_Length", b"Content_Length: 5"),
            _bad("content_length in small letters", b"content_length: 5"),
            _bad("CONTENT_LENGTH beside the real one", b"Content-Length: 0\r\nCONTENT_LENGTH: 5"),
            _bad("Transfer_Encoding", b"Transfer_Encoding: chunked"),
            _bad("X_API_Key beside the real one", b"X_API_Key: other"),
            _bad("X-API_Key with one of each", b"X-API_Key: other"),
            refused(400, "X_API_Key for the real one", POST.replace(KEY, b"X_API_Key: key-1\r\n") + b"\r\n"),
            _bad("X_Forwarded_For", b"X_Forwarded_For: 127.0.0.1"),
            _bad("X_Forwarded-Proto", b"X_Forwarded-Proto: https"),
            _bad("X_Forwarded_Host", b"X_Forwarded_Host: other.example"),
            _bad("X_Real_IP", b"X_Real_IP: 127.0.0.1"),
            _bad("Content_Type beside the real one", b"Content-Type: a/b\r\nContent_Type: c/d"),
            _bad("Content.Length, which some make a variable of too", b"Content.Length: 5"),
            _bad("X.Real.IP", b"X.Real.IP: 127.0.0.1"),
            _bad("X!Forwarded~For", b"X!Forwarded~For: 127.0.0.1"),
            _bad("SCRIPT_NAME, which gunicorn takes for the path's beginning", b"SCRIPT_NAME: /x"),
            _bad("a name beside its own other spelling", b"X-Mine: 1\r\nX_Mine: 2"),
            passes(
                "a name with an underscore alone",
                GET + b"X_Mine: 2\r\n\r\n",
                seen(lines=(b"X_Mine: 2",)),
            ),
        ),
    ),
    Family(
        "framing fields in disguise",
        "Linhart et al.: HTTP Request Smuggling (2005); Klein: HTTP Request Smuggling in 2020; "
        "Kettle: HTTP Desync Attacks (2019); CVE-2021-40346 (HAProxy)",
        (
            _bad("Content-Length and a space before the colon", b"Content-Length : 5"),
            _bad("Content-Length and a tab before the colon", b"Content-Length\t: 5"),
            _bad("Content-Length and a word before the colon", b"Content-Length abcde: 5"),
            _bad("Content-Length and a CR before the colon", b"Content-Length\rabcde: 5"),
            _bad("Content-Length and NUL before the colon", b"Content-Length\0: 5"),
            _bad("Content-Length behind a space", b"X: y\r\n Content-Length: 5"),
            _bad("Content-Length behind a lone CR", b"X: y\rContent-Length: 5"),
            _bad("Content-Length behind a lone LF", b"X: y\nContent-Length: 5"),
            _bad("Content-Length with an equals sign", b"Content-Length= 5"),
            _bad("Content-Length without its colon", b"Content-Length 5"),
            _bad("Content-Length in quotes", b'"Content-Length": 5'),
            _bad("Content-Length with a dash of Unicode", "Content\u2010Length: 5".encode()),
            _bad("Content-Length with a letter of full width", "\uff23ontent-Length: 5".encode()),
            _bad("Content-Length behind a byte above ASCII", b"\xa0Content-Length: 5"),
            _bad("Content-Length behind a control", b"\x0bContent-Length: 5"),
            _bad("Transfer-Encoding and a space before the colon", b"Transfer-Encoding : chunked"),
            _bad("Transfer-Encoding and a tab before the colon", b"Transfer-Encoding\t: chunked"),
            _bad("Transfer-Encoding and a vertical tab before the colon", b"Transfer-Encoding\x0b: chunked"),
            _bad("Transfer-Encoding and a line break before the colon", b"Transfer-Encoding\r\n : chunked"),
            _bad("Transfer-Encoding behind a space", b"X: y\r\n Transfer-Encoding: chunked"),
            _bad("Transfer-Encoding behind a lone LF", b"X: y\nTransfer-Encoding: chunked"),
            _bad("Transfer-Encoding behind a lone CR", b"X: y\rTransfer-Encoding: chunked"),
            _bad(
                "Transfer-Encoding behind LF and CR the wrong way round",
                b"X: y\n\rTransfer-Encoding: chunked",
            ),
            _bad("Transfer-Encoding behind a colon", b": Transfer-Encoding: chunked"),
            _bad("Transfer-Encoding with a space in its name", b"Transfer Encoding: chunked"),
            _bad(
                "Transfer-Encoding with the Kelvin sign's kind of letter",
                "Tran\u017ffer-Encoding: chunked".encode(),
            ),
            _bad("Transfer-Encoding without a colon", b"Transfer-Encoding chunked"),
            passes(
                "a name of 270 letters that ends where another's length byte wraps",
                GET + b"Content-Length0" + b"a" * 255 + b": \r\nX: y\r\n\r\n",
                seen(lines=(b"Content-Length0" + b"a" * 255 + b": ", b"X: y")),
            ),
        ),
    ),
)
