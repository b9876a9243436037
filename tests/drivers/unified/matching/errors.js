// Whether a failure is the one that a test file expects.
'use strict';

const {
  MongoBulkWriteError,
  MongoClientBulkWriteError,
  MongoOperationTimeoutError,
  MongoServerError,
} = require('mongodb');
const { clientBulkResult, plainResult } = require('../operations/results.js');
const { Mismatch, match } = require('./values.js');

/** What a bulk write failed with: its own error wraps another, and hides of what class that was. */
function originOf(error) {
  const { errorResponse } = error;
  return error instanceof MongoBulkWriteError && errorResponse instanceof Error
    ? errorResponse
    : error;
}

/** Whether the server said no; anything else is the driver's own, a broken connection included. */
function isFromServer(error) {
  const origin = originOf(error);
  if (!(origin instanceof MongoServerError)) return false;
  return (
    !(origin instanceof MongoClientBulkWriteError && origin.cause) || isFromServer(origin.cause)
  );
}

function ensure(condition, what, error) {
  if (!condition)
    throw new Mismatch(`expected an error ${what}, got ${error.name}: ${error.message}`);
}

const codeOf = error => error.code ?? error.cause?.code;
const codeNameOf = error =>
  error.codeName ?? error.errorResponse?.codeName ?? error.cause?.codeName;

function partialResultOf(error) {
  if (error instanceof MongoBulkWriteError) return plainResult(error.result);
  return clientBulkResult(error.partialResult);
}

/** The reply behind a failure, be it in the error of a bulk write or in the one that this wraps. */
const responseOf = error => error.cause?.errorResponse ?? originOf(error).errorResponse;

const hasLabel = (error, label) =>
  [error, error.cause].some(one => one?.hasErrorLabel?.(label) === true);

/** `expectError`: name of the requirement -> check. */
const CHECKS = {
  isError() {},
  isClientError(expected, error) {
    ensure(isFromServer(error) !== expected, expected ? 'of the client' : 'of the server', error);
  },
  isTimeoutError(expected, error) {
    const timedOut = [originOf(error), error.cause].some(
      one => one instanceof MongoOperationTimeoutError,
    );
    ensure(
      timedOut === expected,
      expected ? 'of timeoutMS' : 'other than that of timeoutMS',
      error,
    );
  },
  errorContains(expected, error) {
    const holds = error.message.toLowerCase().includes(expected.toLowerCase());
    ensure(holds, `that says "${expected}"`, error);
  },
  errorCode(expected, error) {
    ensure(codeOf(error) === expected, `with code ${expected} (not ${codeOf(error)})`, error);
  },
  errorCodeName(expected, error) {
    const found = codeNameOf(error);
    ensure(found === expected, `with the code name ${expected} (not ${found})`, error);
  },
  errorLabelsContain(expected, error) {
    for (const label of expected) {
      ensure(hasLabel(error, label), `with the label ${label}`, error);
    }
  },
  errorLabelsOmit(expected, error) {
    for (const label of expected) {
      ensure(!hasLabel(error, label), `without the label ${label}`, error);
    }
  },
  errorResponse(expected, error, context) {
    match(expected, responseOf(error), context);
  },
  expectResult(expected, error, context) {
    match(expected, partialResultOf(error), context);
  },
  writeErrors(expected, error, context) {
    const found = plainResult(error.writeErrors);
    const [wanted, there] = [expected, found].map(errors => Object.keys(errors ?? {}).join());
    ensure(there === wanted, `of the operations ${wanted} (not ${there})`, error);
    // Each may tell more than is asked for.
    for (const [index, one] of Object.entries(expected)) match(one, found[index], context);
  },
  writeConcernErrors(expected, error, context) {
    match(expected, plainResult(error.writeConcernErrors), context);
  },
};

function matchError(expected, error, context) {
  for (const [name, value] of Object.entries(expected)) {
    const check = CHECKS[name];
    if (check === undefined) throw new Error(`expectError has a requirement unknown here: ${name}`);
    check(value, error, context);
  }
}

module.exports = { matchError };
