// Which files belong to which area: the areas are named as those of PyMongo's suite are.
'use strict';

/** Area -> directories of PyMongo's test/. */
const AREAS = {
  retryable_writes: ['retryable_writes/unified'],
  retryable_reads: ['retryable_reads/unified'],
  sessions: ['sessions'],
  causal_consistency: ['causal_consistency'],
  discovery_and_monitoring: ['discovery_and_monitoring/unified'],
  command_monitoring: ['command_monitoring'],
  logging: ['command_logging', 'connection_logging', 'server_selection_logging'],
  run_command: ['run_command/unified'],
  read_write_concern: ['read_write_concern'],
  'versioned-api': ['versioned-api'],
  crud: ['crud/unified'],
  csot: ['csot'],
  backpressure: ['client-backpressure'],
  collection_management: ['collection_management'],
  index_management: ['index_management'],
  gridfs: ['gridfs'],
  handshake: ['handshake/unified'],
  auth: ['auth/unified'],
  load_balancer: ['load_balancer'],
  unified_format: ['unified-test-format/valid-pass'],
  unified_format_faults: ['unified-test-format/valid-fail'],
  transactions: ['transactions/unified', 'transactions-convenient-api/unified'],
  change_streams: ['change_streams/unified'],
};

/** Areas whose every case must fail: they try the runner, not the server. */
const MUST_FAIL = new Set(['unified_format_faults']);

/** What is run unless told otherwise: timeoutMS is for a driver that has it (see timeouts/). */
const DEFAULT = Object.keys(AREAS).filter(area => area !== 'csot');

module.exports = { AREAS, DEFAULT, MUST_FAIL };
