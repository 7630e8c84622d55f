"""Compress records with a dictionary of strings common in FHIR AuditEvents (RFC 8878).

    zstd frame with its content size, and with dictionary 40001, `fhir-1.zdict`, beside this file

The dictionary is public and fixed: records sealed with it need it to be opened, so a better one
gets another number and this one remains. Its construction and savings:
docs/decisions/0005-dictionary-for-records.md.
"""

from functools import cache
from importlib.resources import files

import zstandard

from audit_ledger.errors import FormatError

MAX_RECORD_BYTES = 512 * 1024  # an event has 256 KB at most; nothing larger is ever unpacked
DICTIONARY_ID = 40_001
LEVEL = 3


@cache
def _dictionary() -> zstandard.ZstdCompressionDict:
    data = files("audit_ledger.records").joinpath("fhir-1.zdict").read_bytes()
    dictionary = zstandard.ZstdCompressionDict(data, dict_type=zstandard.DICT_TYPE_FULLDICT)
    dictionary.precompute_compress(level=LEVEL)
    return dictionary


@cache
def _compressor() -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(level=LEVEL, dict_data=_dictionary())


@cache
def _decompressor() -> zstandard.ZstdDecompressor:
    return zstandard.ZstdDecompressor(dict_data=_dictionary())


def compress_record(record: bytes) -> bytes:
    """Return one zstd frame."""
    return _compressor().compress(record)


def decompress_record(frame: bytes) -> bytes:
    """Return the record; raise FormatError unless it is one frame of at most MAX_RECORD_BYTES."""
    if not frame.startswith(zstandard.FRAME_HEADER):  # a skippable frame may claim 4 GiB
        raise FormatError("sealed record: what was sealed is no frame of zstd")
    try:
        parameters = zstandard.get_frame_parameters(frame)
        if not 0 <= parameters.content_size <= MAX_RECORD_BYTES:
            raise FormatError(f"sealed record: claims more than {MAX_RECORD_BYTES} bytes")
        if parameters.dict_id not in (0, DICTIONARY_ID):
            raise FormatError(f"sealed record: zstd dictionary {parameters.dict_id} is unknown")
        return _decompressor().decompress(frame, allow_extra_data=False)
    except zstandard.ZstdError:
        raise FormatError("sealed record: what was sealed is not zstd") from None
