"""`check.py open FILE`: opens every vector of a file, or ends with a failure. `check.py make`: prints vectors made here."""

import hashlib
import json
import os
import sys
from pathlib import Path

import seal
from nacl.exceptions import CryptoError

AT = "2026-01-02T03:04:05.000Z"


def place(**other):
    first = {
        "key_id": os.urandom(16).hex(), "tenant": "personal", "record": "abcd1234", "ancestry": '{"w1":7,"w2":9}',
        "device": 'a "quoted" laptop', "at": AT, "author": None, "tombstone": False,
    }
    return first | other


def record(key, epoch, where, payload):
    sealed = seal.b64(seal.seal(key, epoch, where, payload))
    return {"by": "python", "key": key.hex(), "epoch": epoch, "place": where, "payload": seal.b64(payload), "sealed": sealed}


def make():
    project = json.dumps({"id": "abcd1234", "name": "Näme", "description": "Add a login page. " * 30, "status": "planning"}, ensure_ascii=False)
    records = [
        record(os.urandom(32), 1, place(), project.encode()),
        record(os.urandom(32), 4_000_000_000, place(author="ann@example.org", tenant="company/team-1"), project.encode()),
        record(os.urandom(32), 2, place(author=""), os.urandom(700)),
        record(os.urandom(32), 3, place(ancestry="{}"), b"x"),
        record(os.urandom(32), 7, place(tombstone=True), b""),
    ]
    phrases = [phrase(entropy) for entropy in (bytes(32), os.urandom(32))]
    return {"records": records, "phrases": phrases, "passphrases": [passphrase()], "documents": [document(1), document(4), document(2, sealings=2)]}


def phrase(entropy):
    words = seal.phrase_of(entropy)
    secret = seal.phrase_secret(words)
    return {"by": "python", "bytes": entropy.hex(), "words": words, "secret": secret.hex(), "key": seal.b64(seal.public_of(secret))}


def params():
    return {"salt": seal.b64(os.urandom(16)), "memory": 8192, "passes": 2, "lanes": 1}


def passphrase():
    text, how = "correct horse, bättery staple", params()
    secret = seal.passphrase_secret(text, how)
    return {"by": "python", "passphrase": text, "params": how, "secret": secret.hex(), "key": seal.b64(seal.public_of(secret))}


def document(epochs, sealings=0):
    keys, key_id, how = [os.urandom(32) for _ in range(epochs)], os.urandom(16), params()
    recipients = [
        {"kind": "recovery", "id": "recovery", "secret": seal.phrase_secret(seal.phrase_of(os.urandom(32))), "added": AT},
        {"kind": "passphrase", "id": "passphrase", "secret": seal.passphrase_secret("horse", how), "stretch": how, "added": AT},
        {"kind": "device", "id": "d-0123456789", "name": "läptop", "device": "dev_1", "secret": os.urandom(32), "added": AT},
    ]
    text = seal.write_document(key_id, epochs + 3, epochs != 4, epochs - 1, "personal", {"at": AT, "device": "laptop"}, recipients, keys, sealings)
    return {
        "by": "python", "document": text.decode(), "secrets": [r["secret"].hex() for r in recipients], "keys": [key.hex() for key in keys],
        "id": key_id.hex(), "number": epochs + 3, "seals": epochs != 4, "epoch": epochs, "floor": epochs - 1,
        "sealings": sealings, "check": seal.check_value(keys[-1]),
    }


def open_all(vectors):
    for number, vector in enumerate(vectors["records"]):
        key, sealed = bytes.fromhex(vector["key"]), seal.unb64(vector["sealed"])
        payload = seal.open_sealed({vector["epoch"]: key}, vector["place"], sealed)
        assert payload == seal.unb64(vector["payload"]), f"record {number}"
        refuses_changes(number, vector, key, sealed)
    for vector in vectors["phrases"]:
        assert seal.phrase_of(bytes.fromhex(vector["bytes"])) == vector["words"]
        assert seal.phrase_secret(vector["words"]).hex() == vector["secret"]
        assert seal.b64(seal.public_of(bytes.fromhex(vector["secret"]))) == vector["key"]
    for vector in vectors["passphrases"]:
        assert seal.passphrase_secret(vector["passphrase"], vector["params"]).hex() == vector["secret"]
        assert seal.b64(seal.public_of(bytes.fromhex(vector["secret"]))) == vector["key"]
    for number, vector in enumerate(vectors["documents"]):
        for secret in vector["secrets"]:
            head, _, keys = seal.open_document(vector["document"].encode(), bytes.fromhex(secret))
            assert [key.hex() for key in keys] == vector["keys"], f"document {number}"
            assert all(head[name] == vector[name] for name in ("id", "number", "seals", "epoch", "floor")), f"document {number}"
            assert head.get("sealings", 0) == vector.get("sealings", 0), f"document {number}"
            assert seal.check_value(keys[-1]) == vector["check"], f"document {number}"
    return sum(len(group) for group in vectors.values() if isinstance(group, list))


def refuses_changes(number, vector, key, sealed):
    flipped = bytearray(sealed)
    flipped[-1] ^= 1
    for where, text in [
        (vector["place"], bytes(flipped)),
        (vector["place"] | {"record": "other123"}, sealed),
        (vector["place"] | {"author": "eve@example.org"}, sealed),
        (vector["place"] | {"tombstone": not vector["place"]["tombstone"]}, sealed),
    ]:
        try:
            seal.open_sealed({vector["epoch"]: key}, where, text)
        except CryptoError:
            continue
        raise AssertionError(f"record {number} is opened although it was changed")


if __name__ == "__main__":
    if sys.argv[1] == "make":
        json.dump(make(), sys.stdout)
    else:
        vectors = json.loads(Path(sys.argv[2]).read_text())
        count = open_all(vectors)
        for packing, file in seal.FILES.items():
            now = hashlib.sha256(file.read_bytes()).hexdigest()
            assert vectors.get(f"dictionary_{packing}", now) == now, "a dictionary changed"
        print(f"{count} vectors opened")
