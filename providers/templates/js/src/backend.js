// One exchange, as requests to the practice backend and back. To be replaced by what your backend speaks.
//
// It lists first, for only the listing can say that this device was away for too long (`expired`), and after that nothing
// may have been written. Then it sends a PUT for each record; the guard in its header makes check and write one step.

/** The changes since the cursor, and what became of each mutation. `http` has `send` and `sendAll` of the contract. */
export function exchange(request, http) {
  const { cursor, mutations, limit } = request;
  const listed = sent(() => http.send(listing(cursor, limit)));
  if (listed.status === 410 && says(listed, 'expired')) return { tag: 'expired' };
  if (listed.status === 409 && says(listed, 'new-epoch')) return { tag: 'new-epoch' };
  if (listed.status !== 200) throw failure(listed);
  const page = body(listed, readPage);

  const replies = http.sendAll(mutations.map((mutation) => put(mutation, cursor)));
  const puts = replies.map((reply) => sent(() => unwrap(reply)));
  if (puts.some((reply) => reply.status === 409 && says(reply, 'new-epoch'))) return { tag: 'new-epoch' };
  const results = puts.map(result);

  const commits = results.flatMap(({ commit }) => commit ?? []);
  const heads = [page.head, ...commits.map(({ head }) => head)];
  const own = new Set(mutations.filter((_, n) => results[n].commit).map(({ id }) => id));
  const wantsPage = limit > 0;
  const reply = {
    outcomes: results.map(({ outcome }) => outcome),
    // What was just written is newer than what the page has of it.
    changes: wantsPage ? page.changes.filter(({ id }) => !own.has(id)) : [],
    cursor: {
      position: wantsPage ? page.position : cursor.position,
      head: heads.reduce((newest, head) => (head.number > newest.number ? head : newest)),
    },
    more: wantsPage && page.more,
    written: span(commits.map(({ position }) => position)),
    requestId: header(listed, 'x-request-id'),
  };
  return { tag: 'page', val: reply };
}

/** Whether there is something after the cursor, as soon as there is; `false` when the time is over. */
export function wait(cursor, waitMs, http) {
  // Before the first listing there is all to ask for.
  if (cursor.position === undefined) return true;
  const query = `after=${encodeURIComponent(cursor.position)}&wait=${Math.floor(waitMs / 1000)}`;
  const reply = sent(() => http.send(ask('GET', `/changes/wait?${query}`, cursor)));
  // The next exchange says what it is.
  if (reply.status === 410 && says(reply, 'expired')) return true;
  if (reply.status === 409 && says(reply, 'new-epoch')) return true;
  if (reply.status !== 200) throw failure(reply);
  return body(reply, ({ changed }) => flag(changed));
}

function listing(cursor, limit) {
  const after = cursor.position === undefined ? '' : `after=${encodeURIComponent(cursor.position)}&`;
  // A push alone (limit 0) wants no page, but has to hear of `expired` all the same.
  return ask('GET', `/changes?${after}limit=${limit}`, cursor);
}

function put({ id, guard, envelope }, cursor) {
  const condition = guard === undefined ? ['if-none-match', '*'] : ['if-match', `"${guard}"`];
  const headers = [condition, ['content-type', 'application/octet-stream']];
  return ask('PUT', `/records/${id}`, cursor, headers, envelope);
}

/** Every request names the newest commit that this device knows, so that a backend out of a backup notices. */
function ask(method, url, cursor, headers = [], envelope = new Uint8Array()) {
  const head = cursor.head ? [['x-practice-head', `${cursor.head.number}.${cursor.head.tag}`]] : [];
  return { method, url, headers: [...headers, ...head], body: envelope, credential: 'login', compress: false };
}

/** What became of one PUT: its outcome, and its commit if there was one. */
function result(reply) {
  switch (reply.status) {
    case 200: {
      const commit = body(reply, readCommit);
      return { outcome: { tag: 'accepted', val: commit.revision }, commit };
    }
    case 412:
      return { outcome: { tag: 'conflict', val: held(reply) } };
    // These are for one record, if the backend itself says so: a proxy has the same numbers.
    case 413:
      if (says(reply, 'too-large')) return rejected('too-large', 'the server takes no record of this size');
      break;
    case 422:
      if (says(reply, 'invalid')) return rejected('invalid', 'the server does not take this record');
      break;
  }
  throw failure(reply);
}

const rejected = (reason, message) => ({ outcome: { tag: 'rejected', val: { reason, message } } });

/** The version that the backend holds; undefined: none. */
function held(reply) {
  const etag = header(reply, 'etag');
  if (etag === undefined && reply.body.length === 0) return undefined;
  const revision = /^"(.+)"$/.exec(etag ?? '')?.[1];
  if (revision === undefined) throw { tag: 'protocol', val: 'a conflict came without the revision that is held' };
  return { revision, envelope: reply.body };
}

/** A position is the number of a commit. If ours have no gap, nobody else's are among them. */
function span(positions) {
  const sorted = positions.sort((a, b) => (a < b ? -1 : 1));
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last - first + 1n !== BigInt(sorted.length)) return undefined;
  return { after: String(first - 1n), until: String(last) };
}

/** The failure that a status means where it has no meaning of its own. */
function failure(reply) {
  const { status } = reply;
  if (status === 401) return { tag: 'auth-required', val: 'the server refused the sign-in' };
  if (status === 403) return { tag: 'forbidden', val: 'the server does not allow this' };
  if (status === 429 || status === 503) {
    const seconds = /^\d{1,9}$/.exec(header(reply, 'retry-after') ?? '')?.[0];
    return { tag: 'busy', val: seconds === undefined ? undefined : BigInt(seconds) * 1000n };
  }
  return { tag: status >= 500 ? 'backend' : 'protocol', val: `the server answered with status ${status}` };
}

/** The reply, or the failure that Orkee's own refusal is. */
function sent(call) {
  try {
    return call();
  } catch (error) {
    const why = error.payload ?? error;
    if (why.tag === undefined) throw error;
    const tag = why.tag === 'auth-required' ? 'auth-required' : 'http';
    throw { tag, val: String(why.val ?? why.tag) };
  }
}

function unwrap(result) {
  if (result.tag === 'err') throw result.val;
  return result.val;
}

const header = (reply, name) => reply.headers.find(([given]) => given === name)?.[1];

/** Whether it is the backend that gives this reason. */
function says(reply, reason) {
  try {
    return body(reply, ({ error }) => error) === reason;
  } catch {
    return false;
  }
}

// What a body holds, checked: what is not as expected is the server's failure, not this provider's.

function body(reply, read) {
  try {
    return read(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(reply.body)));
  } catch (error) {
    throw { tag: 'protocol', val: `the server's reply cannot be read: ${error.message}` };
  }
}

const readPage = ({ changes, position, more, head }) => ({
  changes: list(changes).map(({ id, revision, envelope }) => ({
    id: text(id),
    revision: text(revision),
    envelope: Uint8Array.fromBase64(text(envelope)),
  })),
  position: text(position),
  more: more === true,
  head: readHead(head),
});

const readCommit = ({ revision, position, head }) => ({
  revision: text(revision),
  position: BigInt(text(position)),
  head: readHead(head),
});

const readHead = ({ number, tag }) => ({ number: BigInt(whole(number)), tag: text(tag) });

const text = (value) => expected(value, typeof value === 'string', 'a text');
const whole = (value) => expected(value, Number.isSafeInteger(value) && value >= 0, 'a number');
const flag = (value) => expected(value, typeof value === 'boolean', 'yes or no');
const list = (value) => expected(value, Array.isArray(value), 'a list');

function expected(value, holds, what) {
  if (!holds) throw new TypeError(`${what} is missing`);
  return value;
}
