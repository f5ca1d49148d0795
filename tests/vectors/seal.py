"""A second implementation of Orkee's sealed form, after docs/sealing.md and nothing else: libsodium, Zstandard and the standard library."""

import base64
import hmac
import json
import os
import struct
from pathlib import Path

import zstandard
from mnemonic import Mnemonic
from nacl import bindings as sodium
from nacl.pwhash import argon2id

MAGIC = b"\xa7ork"
FORMAT = 1
STEP = 256
MAX_PAYLOAD = 1_000_000
FILES = {packing: Path(__file__).parents[2] / f"core/src/seal/projects-{packing}.dict" for packing in (1, 2)}
DICTIONARIES = {packing: zstandard.ZstdCompressionDict(file.read_bytes()) for packing, file in FILES.items()}


class Refused(Exception):
    """What was read is not what it has to be."""


def b64(data):
    return base64.b64encode(data).decode()


def unb64(text):
    return base64.b64decode(text, validate=True)


def hkdf_extract(salt, secret):
    return hmac.digest(salt, secret, "sha256")


def hkdf_expand(extracted, info, length):
    out, block = b"", b""
    while len(out) < length:
        block = hmac.digest(extracted, block + info + bytes([len(out) // 32 + 1]), "sha256")
        out += block
    return out[:length]


def derive(salt, secret, info):
    return hkdf_expand(hkdf_extract(salt, secret), info, 32)


# Records


def bound(place, epoch):
    def text(value):
        return struct.pack(">I", len(value.encode())) + value.encode()

    head = b"orkee sealed record\0" + struct.pack(">BIB", FORMAT, epoch, place["tombstone"]) + bytes.fromhex(place["key_id"])
    names = b"".join(text(place[name]) for name in ("tenant", "record", "ancestry", "device", "at"))
    return head + names + bytes([place["author"] is not None]) + text(place["author"] or "")


def pack(payload):
    packer = zstandard.ZstdCompressor(level=19, dict_data=DICTIONARIES[2], write_content_size=True, write_dict_id=False)
    packed = packer.compress(payload)
    body = struct.pack(">BI", 2, len(packed)) + packed if len(packed) < len(payload) else struct.pack(">BI", 0, len(payload)) + payload
    return body + bytes(-len(body) % STEP)


def unpack(packed):
    how, length = struct.unpack(">BI", packed[:5])
    body, padding = packed[5 : 5 + length], packed[5 + length :]
    if len(body) != length or len(padding) >= STEP or any(padding) or how > 2:
        raise Refused("packing")
    if how == 0:
        return body
    if zstandard.frame_content_size(body) not in range(MAX_PAYLOAD + 1):
        raise Refused("size")
    return zstandard.ZstdDecompressor(dict_data=DICTIONARIES[how]).decompress(body)


def seal(key, epoch, place, payload):
    nonce = os.urandom(24)
    plain = b"" if place["tombstone"] else pack(payload)
    sealed = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, bound(place, epoch), nonce, key)
    return MAGIC + struct.pack(">BI", FORMAT, epoch) + nonce + sealed


def open_sealed(keys, place, sealed):
    if sealed[:4] != MAGIC or sealed[4] != FORMAT:
        raise Refused("magic or format")
    epoch = struct.unpack(">I", sealed[5:9])[0]
    plain = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed[33:], bound(place, epoch), sealed[9:33], keys[epoch])
    return b"" if place["tombstone"] else unpack(plain)


# HPKE (RFC 9180), base mode: X25519, HKDF-SHA256, ChaCha20-Poly1305

KEM_SUITE = b"KEM" + struct.pack(">H", 0x0020)
HPKE_SUITE = b"HPKE" + struct.pack(">HHH", 0x0020, 0x0001, 0x0003)


def labeled_extract(suite, salt, label, secret):
    return hkdf_extract(salt, b"HPKE-v1" + suite + label + secret)


def labeled_expand(suite, extracted, label, info, length):
    return hkdf_expand(extracted, struct.pack(">H", length) + b"HPKE-v1" + suite + label + info, length)


def hpke_cipher(shared, encapsulated, public, info):
    extracted = labeled_extract(KEM_SUITE, b"", b"eae_prk", shared)
    secret = labeled_expand(KEM_SUITE, extracted, b"shared_secret", encapsulated + public, 32)
    psk_id = labeled_extract(HPKE_SUITE, b"", b"psk_id_hash", b"")
    context = b"\0" + psk_id + labeled_extract(HPKE_SUITE, b"", b"info_hash", info)
    extracted = labeled_extract(HPKE_SUITE, secret, b"secret", b"")
    return labeled_expand(HPKE_SUITE, extracted, b"key", context, 32), labeled_expand(HPKE_SUITE, extracted, b"base_nonce", context, 12)


def hpke_seal(public, info, plain):
    ephemeral = os.urandom(32)
    encapsulated = sodium.crypto_scalarmult_base(ephemeral)
    key, nonce = hpke_cipher(sodium.crypto_scalarmult(ephemeral, public), encapsulated, public, info)
    return encapsulated + sodium.crypto_aead_chacha20poly1305_ietf_encrypt(plain, b"", nonce, key)


def hpke_open(secret, info, wrapped):
    encapsulated, public = wrapped[:32], sodium.crypto_scalarmult_base(secret)
    key, nonce = hpke_cipher(sodium.crypto_scalarmult(secret, encapsulated), encapsulated, public, info)
    return sodium.crypto_aead_chacha20poly1305_ietf_decrypt(wrapped[32:], b"", nonce, key)


# Recipients


def phrase_of(entropy):
    return Mnemonic("english").to_mnemonic(entropy)


def phrase_secret(words):
    entropy = bytes(Mnemonic("english").to_entropy(words.split()))
    return derive(b"orkee recovery phrase", entropy, b"orkee recipient")


def stretch(passphrase, params):
    if params["lanes"] != 1:
        raise Refused("libsodium knows one lane")
    return argon2id.kdf(32, passphrase.encode(), unb64(params["salt"]), params["passes"], params["memory"] * 1024)


def passphrase_secret(passphrase, params):
    return derive(b"orkee passphrase", stretch(passphrase, params), b"orkee recipient")


def public_of(secret):
    return sodium.crypto_scalarmult_base(secret)


def wrap_info(key_id, epoch, kind):
    return b"orkee account key\0" + key_id + struct.pack(">I", epoch) + kind.encode()


def proof(secret, key_id, epoch, key):
    proof_key = derive(b"orkee recipient", secret, b"orkee proof")
    return hmac.digest(proof_key, b"orkee proof\0" + key_id + struct.pack(">I", epoch) + key, "sha256")


# The key document


def account_derived(key, info):
    return derive(b"orkee account key", key, info)


def check_value(key):
    return account_derived(key, b"orkee check value")[:8].hex()


def tags(signed, keys):
    chain = hmac.digest(account_derived(keys[-2], b"orkee key document chain"), signed, "sha256") if len(keys) > 1 else b""
    return chain, hmac.digest(account_derived(keys[-1], b"orkee key document mac"), signed + chain, "sha256")


def older_bound(key_id, epoch):
    return b"orkee older keys\0" + key_id + struct.pack(">I", epoch)


def write_document(key_id, number, seals, floor, tenant, made, recipients, keys, sealings=0):
    """`recipients`: kind, id, secret, added, and what else the document says of each."""
    epoch = len(keys)
    head = {"keys": 1, "id": key_id.hex(), "number": number, "seals": seals, "epoch": epoch, "floor": floor}
    head |= {"sealings": sealings} if sealings else {}
    entries = []
    for recipient in recipients:
        entry = {name: value for name, value in recipient.items() if name != "secret"}
        public = public_of(recipient["secret"])
        entry["key"] = b64(public)
        entry["wrapped"] = b64(hpke_seal(public, wrap_info(key_id, epoch, recipient["kind"]), keys[-1]))
        entry["proof"] = {"epoch": 1, "tag": b64(proof(recipient["secret"], key_id, 1, keys[0]))}
        entries.append(entry)
    body = {"tenant": tenant, "made": made, "recipients": entries}
    if epoch > 1:
        nonce = os.urandom(24)
        sealing = account_derived(keys[-1], b"orkee older keys")
        sealed = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(b"".join(keys[:-1]), older_bound(key_id, epoch), nonce, sealing)
        body["older"] = b64(nonce + sealed)
    signed = (json.dumps(head) + "\n" + json.dumps(body) + "\n").encode()
    chain, mac = tags(signed, keys)
    return signed + json.dumps({"chain": b64(chain) if chain else None, "mac": b64(mac)}).encode()


def open_document(document, secret):
    """The head, the body and all keys, that of epoch 1 first; believed because of a recipient's secret."""
    first, second, third = document.split(b"\n")
    head, body, tail = json.loads(first), json.loads(second), json.loads(third)
    if head["keys"] != 1:
        raise Refused("format")
    key_id, epoch = bytes.fromhex(head["id"]), head["epoch"]
    mine = next(r for r in body["recipients"] if r["key"] == b64(public_of(secret)))
    current = hpke_open(secret, wrap_info(key_id, epoch, mine["kind"]), unb64(mine["wrapped"]))
    keys = []
    if epoch > 1:
        older = unb64(body["older"])
        opening = account_derived(current, b"orkee older keys")
        plain = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(older[24:], older_bound(key_id, epoch), older[:24], opening)
        keys = [plain[at : at + 32] for at in range(0, len(plain), 32)]
    keys.append(current)
    if len(keys) != epoch:
        raise Refused("older keys")
    chain, mac = tags(first + b"\n" + second + b"\n", keys)
    said = unb64(tail["chain"]) if tail["chain"] else b""
    if not hmac.compare_digest(chain, said) or not hmac.compare_digest(mac, unb64(tail["mac"])):
        raise Refused("mac")
    known = mine["proof"]["epoch"]
    if not hmac.compare_digest(proof(secret, key_id, known, keys[known - 1]), unb64(mine["proof"]["tag"])):
        raise Refused("proof")
    return head, body, keys
