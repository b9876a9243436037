// Whether a client logged what a test file expects.
'use strict';

const { Mismatch, match, shown } = require('./values.js');

function matchMessage(expected, logged, context) {
  const { failureIsRedacted, data, level = logged.level, component = logged.component } = expected;
  match({ level, component }, { level: logged.level, component: logged.component }, context);
  match(data, logged.data, context);
  if (failureIsRedacted === undefined) return;
  const { failure } = logged.data;
  if (failure === undefined || (failure === '(redacted)') !== failureIsRedacted) {
    throw new Mismatch(
      `expected the failure to be ${failureIsRedacted ? '' : 'un'}redacted, ` +
        `found ${shown(failure)}`,
    );
  }
}

function isMessage(expected, logged, context) {
  try {
    matchMessage(expected, logged, context);
    return true;
  } catch (error) {
    if (error instanceof Mismatch) return false;
    throw error;
  }
}

/** Holds one client's messages to one element of `expectLogMessages`. */
function matchMessages({ messages, ignoreMessages = [], ignoreExtraMessages }, logged, context) {
  const kept = logged.filter(
    one => !ignoreMessages.some(pattern => isMessage(pattern, one, context)),
  );
  const enough = ignoreExtraMessages
    ? kept.length >= messages.length
    : kept.length === messages.length;
  if (!enough) {
    const found = kept.map(({ data }) => data.message).join(', ');
    throw new Mismatch(`expected ${messages.length} log messages, found ${kept.length}: ${found}`);
  }
  messages.forEach((message, index) => matchMessage(message, kept[index], context));
}

module.exports = { matchMessages };
