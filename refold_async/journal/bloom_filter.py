"""A Bloom filter of the keys that a run has looked up."""

__all__ = ["BloomFilter"]


class BloomFilter:
    """Knows for most keys, in constant memory, that they were not added before."""

    def __init__(self, size: int) -> None:
        self._bytes = bytearray(size)

    def add(self, key: str) -> bool:
        """Add a key. Return False if it certainly was not added before, True if it may have been."""
        number, size = hash(key), len(self._bytes)
        there = True
        for probe in (number, number >> 32):
            place, bit = (probe >> 3) % size, 1 << (probe & 7)
            if not self._bytes[place] & bit:
                self._bytes[place] |= bit
                there = False
        return there
