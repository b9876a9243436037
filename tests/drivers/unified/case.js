// Runs one case of one file, from its first entity to the state that it must leave behind.
'use strict';

const { Entities } = require('./entities.js');
const { Lacking } = require('./lacking.js');
const { matchError } = require('./matching/errors.js');
const { matchEvents } = require('./matching/events.js');
const { matchMessages } = require('./matching/logs.js');
const { Mismatch, match, matchWhole } = require('./matching/values.js');
const { execute } = require('./operations/index.js');
const { Malformed } = require('./operations/required.js');
const { plainResult } = require('./operations/results.js');

/** What operations and checks of one case share. */
class Context {
  constructor(deployment) {
    this.deployment = deployment;
    this.entities = new Entities(deployment);
    /** Names of the fail points that the case has configured. */
    this.failPoints = new Set();
  }

  /** Performs one operation and holds it to what is expected of it. */
  async perform(operation, { throwOn = false } = {}) {
    let result;
    try {
      result = await execute(operation, this);
    } catch (error) {
      if (operation.object === 'testRunner') throw error;
      if ([Mismatch, Malformed, Lacking].some(kind => error instanceof kind)) throw error;
      if (operation.ignoreResultAndError) return;
      this.#checkError(operation, error);
      if (throwOn) throw error;
      return;
    }
    if (operation.ignoreResultAndError) return;
    this.#checkResult(operation, result);
  }

  #checkError({ name, expectError }, error) {
    if (expectError === undefined) {
      throw new Error(`${name} failed: ${error.name} ${error.message}`, { cause: error });
    }
    matchError(expectError, error, this);
  }

  #checkResult({ name, expectError, expectResult, saveResultAsEntity }, result) {
    if (expectError !== undefined) throw new Mismatch(`${name} was expected to fail, and did not`);
    if (expectResult !== undefined) match(expectResult, plainResult(result), this);
    if (saveResultAsEntity !== undefined) this.entities.keep(saveResultAsEntity, result);
  }
}

async function checkAfter({ expectEvents = [], expectLogMessages = [] }, context) {
  for (const expected of expectEvents) {
    const observed = context.entities.client(expected.client).eventsOf(expected.eventType);
    matchEvents(expected, observed, context);
  }
  for (const expected of expectLogMessages) {
    matchMessages(expected, context.entities.client(expected.client).messages, context);
  }
}

async function checkOutcome(outcome = [], context) {
  for (const { databaseName, collectionName, documents } of outcome) {
    matchWhole(
      documents,
      await context.deployment.documents(databaseName, collectionName),
      context,
    );
  }
}

async function steps(file, test, context) {
  const time = file.initialData && (await context.deployment.fill(file.initialData));
  await context.entities.create(file.createEntities ?? []);
  if (time) for (const session of context.entities.sessions()) session.advanceClusterTime(time);
  for (const operation of test.operations) await context.perform(operation);
  // Before clients close, as closing tells of events too; sessions end before outcomes are read.
  await checkAfter(test, context);
  await checkOutcome(test.outcome, context);
}

async function within(timeoutMs, work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not end within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when the case passed; rejects with why it did not. */
async function runCase(file, test, deployment, timeoutMs) {
  await deployment.settle();
  const context = new Context(deployment);
  try {
    await within(timeoutMs, steps(file, test, context));
  } catch (error) {
    await deployment.switchOff(context.failPoints);
    await context.entities.close();
    await deployment.killAllSessions();
    throw error;
  }
  await deployment.switchOff(context.failPoints);
  await context.entities.close();
}

module.exports = { runCase };
