"""Foreign texts as a terminal may show them."""


def printable(text: str) -> str:
    """`text` with its escape (``\\x1b``) for every character that is not printable, line ends included.

    Node ids, addresses, plans and reasons come from Redis: they are to draw no title, colour or line.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
