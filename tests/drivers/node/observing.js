// What a client under test told of: commands with their outcomes, and what befell its pools.
'use strict';

/** Records the commands that a client sends, but for the switching of fail points. */
class Commands {
  constructor(client) {
    this.clear();
    client.on('commandStarted', ({ commandName, command, requestId }) => {
      if (commandName === 'configureFailPoint') return;
      this.sent.push({ name: commandName, command, requestId, reply: undefined });
    });
    client.on('commandSucceeded', ({ requestId, reply }) => this.#answered(requestId, reply));
    // A connection that broke has no reply.
    client.on('commandFailed', ({ requestId, failure }) =>
      this.#answered(requestId, failure.errorResponse ?? null),
    );
  }

  #answered(requestId, reply) {
    const sent = this.sent.find(one => one.requestId === requestId);
    if (sent) sent.reply = reply;
  }

  clear() {
    this.sent = [];
  }

  names() {
    return this.sent.map(({ name }) => name);
  }

  replies() {
    return this.sent.map(({ reply }) => reply);
  }

  /** The transaction number of every command; undefined where there is none. */
  numbers() {
    return this.sent.map(({ command }) => command.txnNumber && Number(command.txnNumber));
  }
}

/** Counts how often pools were cleared and connections made. */
class Pools {
  constructor(client) {
    this.cleared = 0;
    this.created = 0;
    client.on('connectionPoolCleared', () => (this.cleared += 1));
    client.on('connectionCreated', () => (this.created += 1));
  }

  counts() {
    return { cleared: this.cleared, created: this.created };
  }
}

module.exports = { Commands, Pools };
