// `exchange` and `wait` with a backend that answers what a test says.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { exchange, wait } from '../src/backend.js';

// The engine of the component has it; Node.js has it from version 25 on.
Uint8Array.fromBase64 ??= (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

const bytes = (text) => new TextEncoder().encode(text);
const reply = (status, headers, body) => ({ status, headers, body: bytes(body) });

const listed = `{"changes": [{"id": "aaaaaaaa", "revision": "1.x", "envelope": "AP8="}],
  "position": "1", "more": false, "head": {"number": 1, "tag": "x"}}`;

/** What `exchange` answers if the PUT is answered so, and the PUTs. */
function answered(mutation, put, page = listed) {
  let sent;
  const http = {
    send: ({ url }) => {
      assert.equal(url, '/changes?after=0&limit=10');
      return reply(200, [], page);
    },
    sendAll: (requests) => {
      sent = requests;
      return requests.map(() => ({ tag: 'ok', val: put }));
    },
  };
  const cursor = { position: '0', head: { number: 1n, tag: 'x' } };
  return { ...exchange({ cursor, mutations: [mutation], limit: 10 }, http), sent };
}

test('what was written is accepted, told, and not listed', () => {
  const taken = '{"revision": "2.y", "position": "2", "head": {"number": 2, "tag": "y"}}';
  const mutation = { id: 'aaaaaaaa', guard: '1.x', envelope: Uint8Array.of(0, 255), tombstone: false };
  const { val, sent } = answered(mutation, reply(200, [], taken));
  assert.deepEqual(val.outcomes, [{ tag: 'accepted', val: '2.y' }]);
  assert.deepEqual(val.changes, []);
  assert.deepEqual(val.written, { after: '1', until: '2' });
  assert.deepEqual(val.cursor, { position: '1', head: { number: 2n, tag: 'y' } });
  assert.deepEqual(sent[0].body, Uint8Array.of(0, 255));
  assert.deepEqual(new Map(sent[0].headers).get('if-match'), '"1.x"');
  assert.deepEqual(new Map(sent[0].headers).get('x-practice-head'), '1.x');
});

test('a conflict brings the version that is held', () => {
  const mutation = { id: 'aaaaaaaa', guard: undefined, envelope: bytes('ours'), tombstone: false };
  const { val, sent } = answered(mutation, reply(412, [['etag', '"1.x"']], 'theirs'));
  assert.deepEqual(val.outcomes, [{ tag: 'conflict', val: { revision: '1.x', envelope: bytes('theirs') } }]);
  assert.equal(val.changes.length, 1);
  assert.deepEqual(new Map(sent[0].headers).get('if-none-match'), '*');
});

test('a reason counts in the backend’s own words alone', () => {
  const mutation = { id: 'bbbbbbbb', guard: undefined, envelope: bytes('ours'), tombstone: false };
  const rejected = answered(mutation, reply(413, [], '{"error": "too-large"}'));
  assert.equal(rejected.val.outcomes[0].tag, 'rejected');
  assert.throws(() => answered(mutation, reply(413, [], '<html>')), { tag: 'protocol' });
  assert.equal(answered(mutation, reply(409, [], '{"error": "new-epoch"}')).tag, 'new-epoch');
});

test('a wait asks for what comes after the cursor, and hears of it', () => {
  const cursor = { position: '7', head: { number: 7n, tag: 'x' } };
  const waited = (answer, asked = cursor) => {
    const send = ({ url }) => {
      assert.equal(url, '/changes/wait?after=7&wait=20');
      return answer;
    };
    return wait(asked, 20_500, { send });
  };
  assert.equal(waited(reply(200, [], '{"changed": true}')), true);
  assert.equal(waited(reply(200, [], '{"changed": false}')), false);
  assert.equal(waited(reply(410, [], '{"error": "expired"}')), true);
  assert.equal(waited(undefined, { position: undefined, head: undefined }), true);
  assert.throws(() => waited(reply(410, [], '<html>')), { tag: 'protocol' });
  assert.throws(() => waited(reply(200, [], '{"changed": "no"}')), { tag: 'protocol' });
});

test('what cannot be read is the server’s failure', () => {
  const mutation = { id: 'bbbbbbbb', guard: undefined, envelope: bytes('ours'), tombstone: false };
  for (const page of ['<html>', listed.slice(0, -9), listed.replace('"1"', '1'), listed.replace('AP8=', '*')]) {
    assert.throws(() => answered(mutation, reply(200, [], ''), page), { tag: 'protocol' });
  }
});
