// The servers under test: what they are, and what is done to them beside the driver's clients.
'use strict';

const { MongoClient } = require('mongodb');

const MAJORITY = { writeConcern: { w: 'majority' } };
const CODES = { interrupted: 11601, namespaceNotFound: 26 };

const options = { serverSelectionTimeoutMS: 20_000, retryReads: true };

class Deployment {
  #client;
  /** Address of a member -> client connected to it alone, so that it answers whatever it is. */
  #direct = new Map();

  constructor(uri) {
    this.uri = uri;
    this.#client = new MongoClient(uri, options);
  }

  /** Connects, and learns what cases may require. */
  async open() {
    const admin = this.#client.db('admin');
    const hello = await admin.command({ hello: 1 });
    this.members = hello.hosts ?? [];
    this.topology = hello.setName ? 'replicaset' : hello.msg === 'isdbgrid' ? 'sharded' : 'single';
    this.version = (await admin.command({ buildInfo: 1 })).version;
    this.parameters = await admin.command({ getParameter: '*' });
    const { parsed } = await admin.command({ getCmdLineOpts: 1 });
    this.authenticates = parsed?.security?.authorization === 'enabled';
    const addresses = this.members.length > 0 ? this.members : [new URL(this.uri).host];
    for (const address of addresses) {
      const client = new MongoClient(`mongodb://${address}/?directConnection=true`, options);
      this.#direct.set(address, client);
    }
    return this;
  }

  async commandOn(address, command) {
    return this.#direct.get(address).db('admin').command(command);
  }

  /** Waits until there is a primary: a case may have left an election behind. */
  async settle() {
    await this.#client.db('admin').command({ ping: 1 }, { readPreference: 'primary' });
  }

  async switchOff(failPoints) {
    for (const name of failPoints) {
      await Promise.all(
        [...this.#direct.keys()].map(address =>
          this.commandOn(address, { configureFailPoint: name, mode: 'off' }),
        ),
      );
    }
  }

  /** Takes away what a failed case may have left: open transactions hold locks. */
  async killAllSessions() {
    for (const address of this.#direct.keys()) {
      try {
        await this.commandOn(address, { killAllSessions: [] });
      } catch (error) {
        // It ends its own operation too.
        if (error.code !== CODES.interrupted) throw error;
      }
    }
  }

  /** Has collections hold exactly what a case starts from; returns the time of the last write. */
  async fill(collections) {
    const session = this.#client.startSession();
    try {
      for (const { databaseName, collectionName, documents, createOptions } of collections) {
        const database = this.#client.db(databaseName);
        const collection = database.collection(collectionName);
        await collection.drop({ ...MAJORITY, session }).catch(error => {
          if (error.code !== CODES.namespaceNotFound) throw error;
        });
        if (createOptions || documents.length === 0) {
          await database.createCollection(collectionName, {
            ...createOptions,
            ...MAJORITY,
            session,
          });
        }
        if (documents.length > 0) await collection.insertMany(documents, { ...MAJORITY, session });
      }
      return session.clusterTime;
    } finally {
      await session.endSession();
    }
  }

  /** Everything in a collection, as the primary has it. */
  async documents(databaseName, collectionName) {
    return this.#client
      .db(databaseName)
      .collection(collectionName, { readPreference: 'primary', readConcern: { level: 'local' } })
      .find({}, { sort: { _id: 1 } })
      .toArray();
  }

  async collectionNames(databaseName) {
    const found = await this.#client
      .db(databaseName)
      .listCollections({}, { nameOnly: true })
      .toArray();
    return found.map(({ name }) => name);
  }

  async indexNames(databaseName, collectionName) {
    try {
      const indexes = await this.#client.db(databaseName).collection(collectionName).indexes();
      return indexes.map(({ name }) => name);
    } catch (error) {
      if (error.code === CODES.namespaceNotFound) return [];
      throw error;
    }
  }

  async close() {
    await Promise.all([this.#client, ...this.#direct.values()].map(client => client.close()));
  }
}

module.exports = { Deployment };
