// Three members of a replica set on this machine, each a `quired` with a data directory of its own.
'use strict';

const { MongoClient } = require('mongodb');
const { Quired } = require('./quired.js');

const NAME = 'rs0';

class ReplicaSet {
  /** @param {{parameters?: string[], flags?: string[], size?: number}} options */
  constructor({ parameters = [], flags = [], size = 3 } = {}) {
    const settings = parameters.flatMap(parameter => ['--setParameter', parameter]);
    const all = ['--replSet', NAME, ...settings, ...flags];
    this.members = Array.from({ length: size }, () => new Quired(all));
  }

  get uri() {
    return `mongodb://${this.members.map(({ address }) => address).join(',')}/?replicaSet=${NAME}`;
  }

  client(options = {}) {
    return new MongoClient(this.uri, { serverSelectionTimeoutMS: 20_000, ...options });
  }

  /** A client of one member only, whatever that member is. */
  direct(address, options = {}) {
    return new MongoClient(`mongodb://${address}/?directConnection=true`, options);
  }

  /** Starts the members, makes a set of them and waits until everyone in it can be read from. */
  async start() {
    await Promise.all(this.members.map(member => member.start()));
    const first = this.direct(this.members[0].address);
    try {
      const members = this.members.map(({ address }, _id) => ({ _id, host: address }));
      await first.db('admin').command({ replSetInitiate: { _id: NAME, members } });
    } finally {
      await first.close();
    }
    await this.whole();
    return this;
  }

  /** Waits for a primary, and nothing but secondaries beside it. */
  async whole(timeoutMs = 30_000) {
    const wanted = ['PRIMARY', ...this.members.slice(1).map(() => 'SECONDARY')].join();
    const deadline = Date.now() + timeoutMs;
    const client = this.client();
    try {
      for (;;) {
        const { members } = await client.db('admin').command({ replSetGetStatus: 1 });
        if (
          members
            .map(({ stateStr }) => stateStr)
            .sort()
            .join() === wanted
        )
          return;
        if (Date.now() > deadline) {
          const states = members.map(({ name, stateStr }) => `${name} ${stateStr}`).join(', ');
          throw new Error(`the set is not whole within ${timeoutMs} ms: ${states}`);
        }
        await new Promise(resolve => setTimeout(resolve, 50));
      }
    } finally {
      await client.close();
    }
  }

  async destroy() {
    await Promise.all(this.members.map(member => member.destroy()));
  }
}

module.exports = { ReplicaSet };
