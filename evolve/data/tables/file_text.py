"""Content of a text file of prices as UTF-8, within bounds of size and of the length of lines."""

from __future__ import annotations

import codecs
import gzip
import os
import re
import zlib
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from evolve.errors import EvolveError
from evolve.files import open_regular

MAX_BYTES = 250_000_000  # about 4 million bars
MAX_GZIP_BYTES = 100_000_000  # inflated; such a file is read in less than 1 GB of memory
MAX_GZIP_RATIO = 100  # of prices as text: from 3 to 30
ALWAYS_INFLATED_BYTES = 10_000_000
MAX_LINE_BYTES = 1_000_000
SAMPLE_BYTES = 4096
_CHUNK_BYTES = 1 << 20
_GZIP_ERRORS = (OSError, EOFError, zlib.error)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_KNOWN_FORMATS = (  # the first bytes, the name and the fix
    (b"\x1f\x8b", "a gzip file", "end its name with .csv.gz"),
    (b"PK\x03\x04", "a zip archive or an Excel file", "unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file", "save the sheet as CSV"),
    (b"PAR1", "a Parquet file", "give it as parquet:PATH"),
)


def read_utf8(path: Path, origin: str) -> bytes:
    r"""Return the content of a text file as UTF-8 without a byte order mark; lines end with `\n`.

    Accepted are UTF-8, UTF-16 and Windows-1252; a file whose name ends with `.gz` is inflated.

    Args:
        path: the file.
        origin: its name for messages.

    Raises:
        EvolveError: if the file cannot be read, is too large, empty or no text.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > MAX_BYTES:
            raise EvolveError(
                f"{origin} is too large: expected at most {MAX_BYTES:,} bytes, found {size:,}",
                "split it into files of one symbol or period, or save it as Parquet",
            )
        is_gzip = path.name.lower().endswith(".gz")
        content = _inflate(file, size, origin) if is_gzip else file.read(size)
    if not content:
        raise EvolveError(f"{origin} is empty", "expected a header and one row per bar")
    content = _decode(content, origin)
    if b"\n" not in content and b"\r" in content:
        content = content.replace(b"\r", b"\n")
    _check_lines(content, origin)
    return content


def _inflate(file: BinaryIO, size: int, origin: str) -> bytes:
    """Return the content of a gzip file up to a limit, which bounds the memory."""
    limit = min(MAX_GZIP_BYTES, max(ALWAYS_INFLATED_BYTES, MAX_GZIP_RATIO * size))
    inflated = BytesIO()
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            while chunk := unpacked.read(_CHUNK_BYTES):
                inflated.write(chunk)
                if inflated.tell() > limit:
                    break
    except _GZIP_ERRORS as error:
        reason = str(error) or type(error).__name__
        raise _refuse(origin, f"its gzip data are broken: {reason}", "fetch it again") from None
    if inflated.tell() > limit:
        raise EvolveError(
            f"{origin} is too large: expected at most {limit:,} bytes after decompression",
            "unpack it first, or save it as Parquet",
        )
    return inflated.getvalue()


def _decode(content: bytes, origin: str) -> bytes:
    encoding = _find_encoding(content)
    for mark, name in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            content, encoding = content[len(mark) :], name
    if encoding != "ascii":
        try:
            content = _transcode(content, encoding)
        except UnicodeError:
            reason = f"its text is not {'UTF-8' if encoding == 'cp1252' else encoding.upper()}"
            raise _refuse(origin, reason, "save it as CSV in UTF-8") from None
    head = content[:SAMPLE_BYTES]
    for start, name, fix in _KNOWN_FORMATS:
        if head.startswith(start):
            raise _refuse(origin, f"found {name}", fix)
    nul = content.find(b"\0")
    found = _CONTROLS.search(head)
    offset = found.start() if found else nul
    if offset >= 0:
        line = content.count(b"\n", 0, offset) + 1
        reason = f"line {line} has a control character, 0x{content[offset]:02x}"
        raise _refuse(origin, reason, "save it as CSV")
    return content


def _find_encoding(content: bytes) -> str:
    """Return the encoding of a text without a byte order mark."""
    sample = content[:SAMPLE_BYTES]
    most = len(sample) * 0.4
    for encoding, low, high in (("utf-16-le", 0, 1), ("utf-16-be", 1, 0)):
        if 2 * sample[high::2].count(0) > most and not sample[low::2].count(0):
            return encoding
    if content.isascii():
        return "ascii"
    try:
        _transcode(content, "utf-8")
    except UnicodeError:
        return "cp1252"
    return "utf-8"


def _transcode(content: bytes, encoding: str) -> bytes:
    """Return text as UTF-8; a chunk at a time needs less memory than the whole as `str`."""
    decoder = codecs.getincrementaldecoder(encoding)()
    output = BytesIO()
    for start in range(0, len(content), _CHUNK_BYTES):
        stop = start + _CHUNK_BYTES
        output.write(decoder.decode(content[start:stop], stop >= len(content)).encode())
    return output.getvalue()


def _check_lines(content: bytes, origin: str) -> None:
    """Raise EvolveError for a line longer than MAX_LINE_BYTES."""
    position = 0
    while len(content) - position > MAX_LINE_BYTES:
        end = content.rfind(b"\n", position, position + MAX_LINE_BYTES + 1)
        if end < 0:
            line = content.count(b"\n", 0, position) + 1
            reason = f"line {line} is longer than {MAX_LINE_BYTES:,} bytes"
            raise _refuse(origin, reason, "write one bar per line")
        position = end + 1


def _refuse(origin: str, reason: str, hint: str) -> EvolveError:
    return EvolveError(f"{origin} is not a CSV file: {reason}", hint)
