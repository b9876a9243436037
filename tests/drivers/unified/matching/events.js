// Whether the events that a client told of are those that a test file expects.
'use strict';

const { Mismatch, matchField, shown } = require('./values.js');

/** What an event may be asked for: name of the field -> what stands there in the driver's event. */
const READERS = {
  command: event => event.command,
  reply: event => event.reply,
  commandName: event => event.commandName,
  databaseName: event => event.databaseName,
  reason: event => event.reason,
  awaited: event => event.awaited,
  interruptInUseConnections: event => event.interruptInUseConnections,
  hasServiceId: event => event.serviceId != null,
  hasServerConnectionId: event => event.serverConnectionId != null,
  previousDescription: event => ({ type: event.previousDescription.type }),
  newDescription: event => ({ type: event.newDescription.type }),
};

/** Throws a Mismatch unless this observed event is the expected one. */
function matchEvent(expected, observed, context) {
  const [[name, fields]] = Object.entries(expected);
  if (observed.name !== name) {
    throw new Mismatch(`expected ${name}, found ${observed.name}`);
  }
  for (const [field, value] of Object.entries(fields)) {
    const read = READERS[field];
    if (read === undefined) throw new Error(`${name} has a field unknown here: ${field}`);
    matchField(field, value, read(observed.event), context);
  }
}

function isEvent(expected, observed, context) {
  try {
    matchEvent(expected, observed, context);
    return true;
  } catch (error) {
    if (error instanceof Mismatch) return false;
    throw error;
  }
}

const summary = observed =>
  observed
    .map(({ name, event }) => `${name}(${event.commandName ?? event.address ?? ''})`)
    .join(' ');

/** Holds one client's events to one element of `expectEvents`. */
function matchEvents({ events: expected, ignoreExtraEvents }, observed, context) {
  const enough = ignoreExtraEvents
    ? observed.length >= expected.length
    : observed.length === expected.length;
  if (!enough) {
    throw new Mismatch(
      `expected ${expected.length} events, found ${observed.length}: ${summary(observed)}; ` +
        `expected ${shown(expected.map(event => Object.keys(event)[0]))}`,
    );
  }
  expected.forEach((event, index) => {
    try {
      matchEvent(event, observed[index], context);
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      throw new Mismatch(`event ${index} of ${summary(observed)}: ${error.message}`);
    }
  });
}

module.exports = { isEvent, matchEvents };
