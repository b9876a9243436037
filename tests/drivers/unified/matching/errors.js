// Whether a failure is the one that a test file expects.
'use strict';

const { MongoBulkWriteError, MongoClientBulkWriteError, MongoOperationTimeoutError, MongoServerError } =
  require('mongodb');
const { plainResult } = require('../operations/results.js');
const { Mismatch, match } = require('./values.js');

/** Whether the server said no; everything else is the driver's own, a broken connection included. */
const isFromServer = error =>
  error instanceof MongoServerError &&
  !(error instanceof MongoClientBulkWriteError && error.cause && !isFromServer(error.cause));

function require_(condition, what, error) {
  if (!condition) throw new Mismatch(`expected an error ${what}, got ${error.name}: ${error.message}`);
}

const codeOf = error => error.code ?? error.cause?.code;
const codeNameOf = error => error.codeName ?? error.errorResponse?.codeName ?? error.cause?.codeName;

function partialResultOf(error) {
  if (error instanceof MongoBulkWriteError) return plainResult(error.result);
  return plainResult(error.partialResult);
}

/** `expectError`: name of the requirement -> check. */
const CHECKS = {
  isError() {},
  isClientError(expected, error) {
    require_(isFromServer(error) !== expected, expected ? 'of the client' : 'of the server', error);
  },
  isTimeoutError(expected, error) {
    const timedOut = error instanceof MongoOperationTimeoutError ||
      error.cause instanceof MongoOperationTimeoutError;
    require_(timedOut === expected, expected ? 'of timeoutMS' : 'other than that of timeoutMS', error);
  },
  errorContains(expected, error) {
    const holds = error.message.toLowerCase().includes(expected.toLowerCase());
    require_(holds, `that says "${expected}"`, error);
  },
  errorCode(expected, error) {
    require_(codeOf(error) === expected, `with code ${expected} (not ${codeOf(error)})`, error);
  },
  errorCodeName(expected, error) {
    const found = codeNameOf(error);
    require_(found === expected, `with the code name ${expected} (not ${found})`, error);
  },
  errorLabelsContain(expected, error) {
    for (const label of expected) {
      require_(error.hasErrorLabel?.(label), `with the label ${label}`, error);
    }
  },
  errorLabelsOmit(expected, error) {
    for (const label of expected) {
      require_(!error.hasErrorLabel?.(label), `without the label ${label}`, error);
    }
  },
  errorResponse(expected, error, context) {
    match(expected, error.errorResponse, context);
  },
  expectResult(expected, error, context) {
    match(expected, partialResultOf(error), context);
  },
  writeErrors(expected, error, context) {
    match(expected, plainResult(error.writeErrors), context);
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
