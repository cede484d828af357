"""A Bloom filter of the keys that a run has looked up."""

__all__ = ["BloomFilter"]


class BloomFilter:
    """Tells of most keys that they were not added before, in constant memory."""

    def __init__(self, size: int) -> None:
        self._bytes = bytearray(size)

    def add(self, key: str) -> bool:
        """Add a key; return whether it may have been added before, which is certain if not."""
        number, size = hash(key), len(self._bytes)
        there = True
        for probe in (number, number >> 32):
            place, bit = (probe >> 3) % size, 1 << (probe & 7)
            if not self._bytes[place] & bit:
                self._bytes[place] |= bit
                there = False
        return there
