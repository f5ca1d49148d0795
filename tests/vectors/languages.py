"""Writes core/src/seal/phrase/languages.bin: by which words the other BIP39 lists are told.

Run it by hand, with the packages of requirements.txt, should a list ever change.
"""

import unicodedata
from pathlib import Path

from mnemonic import Mnemonic

LANGUAGES = ["czech", "french", "italian", "portuguese", "spanish"]
TARGET = Path(__file__).parents[2] / "core/src/seal/phrase/languages.bin"


def number(word):
    letters = [c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c)]
    value = 0x811C9DC5
    for letter in letters:
        value = (value ^ ord(letter)) * 0x01000193 & 0xFFFFFFFF
    return value >> 16


def main():
    with TARGET.open("wb") as target:
        for language in LANGUAGES:
            for value in sorted(number(word) for word in Mnemonic(language).wordlist):
                target.write(value.to_bytes(2, "big"))


if __name__ == "__main__":
    main()
