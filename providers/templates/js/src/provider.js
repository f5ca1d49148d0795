// What Orkee calls: the interfaces `provider` and `watch` of wit/orkee-sync.wit. What the backend wants to hear is in backend.js.
import { send, sendAll } from 'orkee:sync/http@1.0.0';
import { write } from 'orkee:sync/log@1.0.0';

import { exchange, wait } from './backend.js';

export const provider = {
  describe: () => ({
    id: 'my-provider',
    name: 'My Provider',
    version: '0.1.0',
    signIn: 'login',
    limits: {
      // A request for each, and Orkee allows a call 1000.
      maxMutations: 100,
      maxBytes: 4n << 20n,
      maxRecordBytes: 1n << 20n,
      maxPage: 500,
    },
  }),

  exchange: (request) => told(() => exchange(request, { send, sendAll })),
};

// Optional: without it, and without its line in wit/this-provider.wit, Orkee asks for changes now and then.
export const watch = {
  wait: (cursor, waitMs) => told(() => wait(cursor, waitMs, { send })),
};

function told(call) {
  try {
    return call();
  } catch (error) {
    // A failure of the contract is an object of its own, and thrown on purpose. Anything else is a mistake in here, of
    // which Orkee would see only that it happened: the log has where.
    if (error instanceof Error) write('error', `${error}\n${error.stack}`);
    throw error;
  }
}
