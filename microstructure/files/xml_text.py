"""XML of somebody else: read without document types, entities, or elements beyond number."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree

MOST_ELEMENTS = 10_000
LONGEST_TAG = 2**16  # bytes: the time that a tag takes grows with its square
TOO_LONG = re.compile(rb"<[^<>]{%d}" % LONGEST_TAG)


class _Builder(ElementTree.TreeBuilder):
    count = 0

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("it has a document type (DOCTYPE), which an image file has no use for")

    def start(self, tag: str, attrs: dict[str, str], /) -> ElementTree.Element:
        self.count += 1
        if self.count > MOST_ELEMENTS:
            raise ValueError(f"it has more than {MOST_ELEMENTS} elements: it is damaged")
        return super().start(tag, attrs)


def parse_xml(parts: Iterable[bytes]) -> ElementTree.Element:
    """The root of a document that comes in parts.

    Raises
    ------
    ValueError
        If it is no XML, names a document type, or has too many elements.
    """
    parser = ElementTree.XMLParser(target=_Builder())
    end = b""
    try:
        for part in parts:
            end = end[-LONGEST_TAG - 1 :] + part
            if TOO_LONG.search(end):
                raise ValueError(f"it has a tag of more than {LONGEST_TAG} bytes: it is damaged")
            parser.feed(part)
        return parser.close()
    except (ElementTree.ParseError, LookupError) as error:
        raise ValueError(f"it is no XML: {error}") from None
