// Operations of the runner itself: fail points, waits and assertions.
'use strict';

const { isEvent } = require('../matching/events.js');
const { Mismatch, shown } = require('../matching/values.js');

const EVENT_MS = 10_000;
const THREAD_MS = 10_000;

function ensure(condition, what) {
  if (!condition) throw new Mismatch(what);
}

/** The last two commands that a client told of having sent. */
function lastTwoSessionIds(context, client) {
  const started = context.entities
    .client(client)
    .eventsOf('command')
    .filter(({ name }) => name === 'commandStartedEvent');
  ensure(started.length >= 2, `expected two commands, found ${started.length}`);
  return started.slice(-2).map(({ event }) => shown(event.command.lsid));
}

const matching = (context, client, event) =>
  context.entities.client(client).events.filter(observed => isEvent(event, observed, context));

const TRANSACTION_STATES = {
  none: ['NO_TRANSACTION'],
  starting: ['STARTING_TRANSACTION'],
  in_progress: ['TRANSACTION_IN_PROGRESS'],
  committed: ['TRANSACTION_COMMITTED', 'TRANSACTION_COMMITTED_EMPTY'],
  aborted: ['TRANSACTION_ABORTED'],
};

const primaryOf = description =>
  [...description.servers.values()].find(({ type }) => type === 'RSPrimary')?.address;

module.exports = {
  async failPoint({ client, failPoint }, context) {
    context.failPoints.add(failPoint.configureFailPoint);
    await context.entities.client(client).client.db('admin').command(failPoint);
  },
  async targetedFailPoint({ session, failPoint }, context) {
    const { pinnedConnection, transaction } = context.entities.get(session);
    const address = pinnedConnection?.address ?? transaction.server?.address;
    ensure(address !== undefined, 'the session is not pinned to a server');
    context.failPoints.add(failPoint.configureFailPoint);
    await context.deployment.commandOn(address, failPoint);
  },
  async createEntities({ entities }, context) {
    await context.entities.create(entities);
  },
  async wait({ ms }) {
    await new Promise(resolve => setTimeout(resolve, ms));
  },

  async waitForEvent({ client, event, count }, context) {
    const enough = () => matching(context, client, event).length >= count;
    await context.entities.client(client).until(enough, EVENT_MS, `${count} × ${shown(event)}`);
  },
  async assertEventCount({ client, event, count }, context) {
    const found = matching(context, client, event).length;
    ensure(found === count, `expected ${count} × ${shown(event)}, found ${found}`);
  },

  async runOnThread({ thread, operation }, context) {
    context.entities.get(thread).run(() => context.perform(operation));
  },
  async waitForThread({ thread }, context) {
    await context.entities.get(thread).wait(THREAD_MS);
  },

  async recordTopologyDescription({ client, id }, context) {
    context.entities.keep(id, context.entities.client(client).client.topology.description);
  },
  async assertTopologyType({ topologyDescription, topologyType }, context) {
    const { type } = context.entities.get(topologyDescription);
    ensure(type === topologyType, `expected a topology ${topologyType}, found ${type}`);
  },
  async waitForPrimaryChange({ client, priorTopologyDescription, timeoutMS }, context) {
    const prior = primaryOf(context.entities.get(priorTopologyDescription));
    const { topology } = context.entities.client(client).client;
    const deadline = Date.now() + (timeoutMS ?? 10_000);
    const changed = () => ![undefined, prior].includes(primaryOf(topology.description));
    while (!changed()) {
      ensure(Date.now() < deadline, `still no other primary than ${prior}`);
      await new Promise(resolve => setTimeout(resolve, 10));
    }
  },

  async assertSameLsidOnLastTwoCommands({ client }, context) {
    const [first, second] = lastTwoSessionIds(context, client);
    ensure(first === second, `expected one session, found ${first} and ${second}`);
  },
  async assertDifferentLsidOnLastTwoCommands({ client }, context) {
    const [first, second] = lastTwoSessionIds(context, client);
    ensure(first !== second, `expected two sessions, found ${first} twice`);
  },
  async assertSessionDirty({ session }, context) {
    ensure(context.entities.get(session).serverSession.isDirty, 'the session is not dirty');
  },
  async assertSessionNotDirty({ session }, context) {
    ensure(!context.entities.get(session).serverSession.isDirty, 'the session is dirty');
  },
  async assertSessionPinned({ session }, context) {
    ensure(context.entities.get(session).isPinned, 'the session is not pinned');
  },
  async assertSessionUnpinned({ session }, context) {
    ensure(!context.entities.get(session).isPinned, 'the session is pinned');
  },
  async assertSessionTransactionState({ session, state }, context) {
    const found = context.entities.get(session).transaction.state;
    ensure(
      TRANSACTION_STATES[state].includes(found),
      `expected a transaction ${state}, found ${found}`,
    );
  },

  async assertNumberConnectionsCheckedOut({ client, connections }, context) {
    const found = context.entities.client(client).checkedOut();
    ensure(found === connections, `expected ${connections} connections in use, found ${found}`);
  },
  async assertCollectionExists({ databaseName, collectionName }, context) {
    const names = await context.deployment.collectionNames(databaseName);
    ensure(
      names.includes(collectionName),
      `there is no collection ${databaseName}.${collectionName}`,
    );
  },
  async assertCollectionNotExists({ databaseName, collectionName }, context) {
    const names = await context.deployment.collectionNames(databaseName);
    ensure(
      !names.includes(collectionName),
      `there is a collection ${databaseName}.${collectionName}`,
    );
  },
  async assertIndexExists({ databaseName, collectionName, indexName }, context) {
    const names = await context.deployment.indexNames(databaseName, collectionName);
    ensure(names.includes(indexName), `there is no index ${indexName}`);
  },
  async assertIndexNotExists({ databaseName, collectionName, indexName }, context) {
    const names = await context.deployment.indexNames(databaseName, collectionName);
    ensure(!names.includes(indexName), `there is an index ${indexName}`);
  },
};
