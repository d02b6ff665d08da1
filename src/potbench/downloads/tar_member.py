"""Headers of .tar archives that are read strictly: tarfile takes a damaged one for the end of the archive."""

from __future__ import annotations

import tarfile
from typing import IO, Self

from typing_extensions import override

KINDS = (*tarfile.SUPPORTED_TYPES, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
LARGEST_HEADER = 2**20
"""Bytes of a long name or of further facts about a member."""


class TarMember(tarfile.TarInfo):
    """Member of an archive; given to tarfile as the kind of its members."""

    @classmethod
    @override
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            member = super().frombuf(buf, encoding, errors)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            # of another kind than HeaderError, which tarfile passes over
            raise tarfile.ReadError(f"the header of a member is damaged or missing: {error}") from error
        if member.type not in KINDS or (not member.isreg() and member.size > LARGEST_HEADER):
            raise tarfile.ReadError(f"the header of {member.name} is damaged")
        return member


def require_end(stream: IO[bytes]) -> None:
    """Raise ReadError unless only zeros are left in a .tar archive behind its last member."""
    while chunk := stream.read(2**16):
        if chunk.strip(b"\0"):
            raise tarfile.ReadError("a header is lost: members follow the end of the archive")
