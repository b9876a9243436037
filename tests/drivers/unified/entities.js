// The named things of one case: clients and what comes of them, threads, and values kept by name.
'use strict';

const { GridFSBucket } = require('mongodb');
const { ENCRYPTION, Lacking } = require('./lacking.js');
const { ObservedClient } = require('./observed_client.js');
const { driverOptions } = require('./operations/options.js');
const { TestThread } = require('./thread.js');

/** Kind of an entity -> how one is made of its description. */
const MAKERS = {
  async client(description, { deployment }) {
    if (description.autoEncryptOpts) throw new Lacking(ENCRYPTION);
    const observed = new ObservedClient(deployment.uri, description);
    try {
      await observed.client.connect();
      if (description.awaitMinPoolSizeMS !== undefined) {
        await observed.fillPools(
          description.uriOptions?.minPoolSize ?? 0,
          description.awaitMinPoolSizeMS,
        );
        observed.events.length = 0;
      }
    } catch (error) {
      await observed.close();
      throw error;
    }
    return observed;
  },
  database({ client, databaseName, databaseOptions }, entities) {
    return entities.client(client).client.db(databaseName, driverOptions(databaseOptions));
  },
  collection({ database, collectionName, collectionOptions }, entities) {
    return entities.get(database).collection(collectionName, driverOptions(collectionOptions));
  },
  session({ client, sessionOptions }, entities) {
    const { defaultTransactionOptions, ...options } = driverOptions(sessionOptions);
    if (defaultTransactionOptions) {
      options.defaultTransactionOptions = driverOptions(defaultTransactionOptions);
    }
    return entities.client(client).client.startSession(options);
  },
  bucket({ database, bucketOptions }, entities) {
    return new GridFSBucket(entities.get(database), driverOptions(bucketOptions));
  },
  thread() {
    return new TestThread();
  },
  clientEncryption() {
    throw new Lacking(ENCRYPTION);
  },
};

class Entities {
  #byName = new Map();
  #sessionIds = new Map();

  /** @param {import('./deployment.js').Deployment} deployment */
  constructor(deployment) {
    this.deployment = deployment;
  }

  /** Makes what is described, in the order of the description. */
  async create(descriptions) {
    for (const description of descriptions) {
      const [[kind, details]] = Object.entries(description);
      if (!(kind in MAKERS)) throw new Error(`no such kind of entity: ${kind}`);
      const made = await MAKERS[kind](details, this);
      this.keep(details.id, made);
      // A session that has ended has no id to ask for any more.
      if (kind === 'session') this.#sessionIds.set(details.id, made.id);
    }
  }

  keep(name, value) {
    if (this.#byName.has(name)) throw new Error(`there is an entity ${name} already`);
    this.#byName.set(name, value);
  }

  get(name) {
    if (!this.#byName.has(name)) throw new Error(`there is no entity ${name}`);
    return this.#byName.get(name);
  }

  /** @returns {ObservedClient} */
  client(name) {
    const found = this.get(name);
    if (!(found instanceof ObservedClient)) throw new Error(`${name} is not a client`);
    return found;
  }

  sessionId(name) {
    return this.#sessionIds.get(name) ?? this.get(name).id;
  }

  clients() {
    return [...this.#byName.values()].filter(value => value instanceof ObservedClient);
  }

  sessions() {
    return [...this.#sessionIds.keys()].map(name => this.get(name));
  }

  /** Ends everything, cursors before their clients; nothing here can fail a case. */
  async close() {
    const named = [...this.#byName.values()];
    const ended = Promise.allSettled(
      named
        .filter(value => typeof value?.close === 'function' && !(value instanceof ObservedClient))
        .map(value => value.close()),
    );
    await Promise.race([ended, new Promise(resolve => setTimeout(resolve, 2_000).unref())]);
    await Promise.allSettled(this.sessions().map(session => session.endSession()));
    await Promise.allSettled(this.clients().map(client => client.close()));
  }
}

module.exports = { Entities };
