// Verifies deliveries as a receiver in JavaScript does. Standard input: a list of {secret, headers, body in base64}; standard output:
// for each what was wrong with it, or null.

import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

const verdict = ({ secret, headers, body }) => {
  try {
    new Webhook(secret).verify(Buffer.from(body, "base64"), headers);
    return null;
  } catch (error) {
    return error.message;
  }
};

process.stdout.write(JSON.stringify(JSON.parse(await text(process.stdin)).map(verdict)));
