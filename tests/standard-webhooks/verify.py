"""Verifies deliveries as a receiver in Python does. Standard input: a list of {secret, headers, body in base64}; standard output:
for each what was wrong with it, or null."""

import base64
import json
import sys

from standardwebhooks import Webhook


def verdict(delivery):
    try:
        Webhook(delivery["secret"]).verify(base64.b64decode(delivery["body"]), delivery["headers"])
    except Exception as error:
        return str(error)


json.dump([verdict(delivery) for delivery in json.load(sys.stdin)], sys.stdout)
