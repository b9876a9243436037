// A client of the driver under test, with everything that it told of while a case ran.
'use strict';

const { EventEmitter, once } = require('node:events');
const { MongoClient } = require('mongodb');

/** Name in the format -> name of the driver's event. */
const EVENTS = {
  commandStartedEvent: 'commandStarted',
  commandSucceededEvent: 'commandSucceeded',
  commandFailedEvent: 'commandFailed',
  poolCreatedEvent: 'connectionPoolCreated',
  poolReadyEvent: 'connectionPoolReady',
  poolClearedEvent: 'connectionPoolCleared',
  poolClosedEvent: 'connectionPoolClosed',
  connectionCreatedEvent: 'connectionCreated',
  connectionReadyEvent: 'connectionReady',
  connectionClosedEvent: 'connectionClosed',
  connectionCheckOutStartedEvent: 'connectionCheckOutStarted',
  connectionCheckOutFailedEvent: 'connectionCheckOutFailed',
  connectionCheckedOutEvent: 'connectionCheckedOut',
  connectionCheckedInEvent: 'connectionCheckedIn',
  serverOpeningEvent: 'serverOpening',
  serverClosedEvent: 'serverClosed',
  serverDescriptionChangedEvent: 'serverDescriptionChanged',
  serverHeartbeatStartedEvent: 'serverHeartbeatStarted',
  serverHeartbeatSucceededEvent: 'serverHeartbeatSucceeded',
  serverHeartbeatFailedEvent: 'serverHeartbeatFailed',
  topologyOpeningEvent: 'topologyOpening',
  topologyClosedEvent: 'topologyClosed',
  topologyDescriptionChangedEvent: 'topologyDescriptionChanged',
};

/** Commands that carry secrets; the format keeps them out unless a case asks for them. */
const SENSITIVE = new Set([
  ...['authenticate', 'saslStart', 'saslContinue', 'getnonce', 'createUser', 'updateUser'],
  ...['copydbgetnonce', 'copydbsaslstart', 'copydb'],
]);
const HELLO = new Set(['hello', 'ismaster', 'isMaster']);

const familyOf = name => {
  if (name.startsWith('command')) return 'command';
  return /^(pool|connection)/.test(name) ? 'cmap' : 'sdam';
};

const isSensitive = ({ commandName, command, reply }) => {
  if (SENSITIVE.has(commandName)) return true;
  // The driver empties what it redacts, so an empty hello was a speculative authentication.
  const body = command ?? reply;
  return HELLO.has(commandName) && body !== undefined && Object.keys(body).length === 0;
};

/** The address with a case's `uriOptions`, as an application would write them. */
function uriWith(uri, options) {
  const [, hosts, query = ''] = /^mongodb:\/\/([^/?]+)\/?(?:\?(.*))?$/.exec(uri);
  const parameters = new URLSearchParams(query);
  for (const [name, value] of Object.entries(options)) {
    parameters.set(name, typeof value === 'object' ? JSON.stringify(value) : String(value));
  }
  // A direct connection is to one host, whichever.
  const seeds = options.directConnection ? hosts.split(',')[0] : hosts;
  return `mongodb://${seeds}/?${parameters}`;
}

class ObservedClient {
  /**
   * @param {string} uri
   * @param {object} description the entity, as the case describes it
   */
  constructor(uri, description) {
    this.id = description.id;
    this.events = [];
    this.messages = [];
    this.arrived = new EventEmitter().setMaxListeners(0);
    this.closed = false;
    this.client = new MongoClient(
      uriWith(uri, description.uriOptions ?? {}),
      this.#options(description),
    );
    this.#observe(description);
  }

  #options({ serverApi, observeLogMessages }) {
    // Connecting by itself, as for a first operation, the driver takes no connection from the pool.
    const options = { monitorCommands: true, __skipPingOnConnect: true };
    if (serverApi) options.serverApi = serverApi;
    if (observeLogMessages) {
      options.mongodbLogComponentSeverities = observeLogMessages;
      options.mongodbLogMaxDocumentLength = 1_000_000;
      options.mongodbLogPath = {
        write: ({ t: _time, c: component, s: level, ...data }) => {
          // The driver looks for a server when it connects too; no case asked for that.
          if (data.operation === 'handshake') return;
          this.messages.push({ component, level, data });
        },
      };
    }
    return options;
  }

  #observe(description) {
    const ignored = new Set([
      'configureFailPoint',
      ...(description.ignoreCommandMonitoringEvents ?? []),
    ]);
    for (const name of description.observeEvents ?? []) {
      if (!(name in EVENTS)) throw new Error(`no such event: ${name}`);
      this.client.on(EVENTS[name], event => {
        if (familyOf(name) === 'command') {
          if (ignored.has(event.commandName)) return;
          if (!description.observeSensitiveCommands && isSensitive(event)) return;
        }
        this.events.push({ name, family: familyOf(name), event });
        this.arrived.emit('event');
      });
    }
  }

  /** What was observed of one family: command, cmap or sdam. */
  eventsOf(family = 'command') {
    return this.events.filter(event => event.family === family);
  }

  /** Resolves once `holds()` does; it is asked again after every event. */
  async until(holds, timeoutMs, what) {
    const signal = AbortSignal.timeout(timeoutMs);
    while (!holds()) {
      try {
        await once(this.arrived, 'event', { signal });
      } catch {
        throw new Error(`not within ${timeoutMs} ms: ${what}`);
      }
    }
  }

  /** How many connections are in use, over all pools. */
  checkedOut() {
    const servers = [...(this.client.topology?.s.servers.values() ?? [])];
    return servers.reduce((sum, server) => sum + server.pool.currentCheckedOutCount, 0);
  }

  /** Waits until every pool of a server that holds data has as many connections as it must keep. */
  async fillPools(minPoolSize, timeoutMs) {
    const deadline = Date.now() + timeoutMs;
    const full = () => {
      const servers = [...this.client.topology.s.servers.values()];
      return (
        servers.length > 0 &&
        servers.every(({ pool }) => pool.availableConnectionCount >= minPoolSize)
      );
    };
    while (!full()) {
      if (Date.now() > deadline) throw new Error(`pools were not filled within ${timeoutMs} ms`);
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  }

  async close() {
    this.closed = true;
    await this.client.close();
  }
}

module.exports = { ObservedClient };
