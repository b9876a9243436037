// The command line: runs test files of the unified test format with the stock Node.js driver,
// against servers that are up (--uri) or three members started for it, and holds the result to
// known.json.
'use strict';

const { parseArgs } = require('node:util');
const { ReplicaSet } = require('../node/replica_set.js');
const { AREAS, DEFAULT } = require('./areas.js');
const { Deployment } = require('./deployment.js');
const { CaseList } = require('./lists.js');
const { Report } = require('./report.js');
const { Suite } = require('./suite.js');

const USAGE = `usage: run.js [options]
  --files DIRECTORY  PyMongo's test/ (QUIRE_UNIFIED_FILES unless given)
  --uri URI          servers to test; three members of QUIRE_BIN unless given
  --only AREAS       some areas, with commas between them, of
                     ${Object.keys(AREAS).join(' ')}
                     (all but csot unless given)
  --match REGEXP     only cases whose "file: description" it finds
  --json FILE        writes every result there
  --known FILE       another list of known failures than known.json; "none" for none
  --prune            takes cases that did not fail off that list
  --verbose          a line for every case
`;

function settings() {
  const { values } = parseArgs({
    options: {
      files: { type: 'string', default: process.env.QUIRE_UNIFIED_FILES },
      uri: { type: 'string' },
      only: { type: 'string' },
      match: { type: 'string' },
      json: { type: 'string' },
      known: { type: 'string', default: 'known.json' },
      prune: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const areas = values.only?.split(',') ?? DEFAULT;
  const unknown = areas.filter(area => !(area in AREAS));
  if (unknown.length > 0) throw new Error(`no such area: ${unknown.join(', ')}`);
  return { ...values, areas };
}

async function test(options, uri) {
  const known = options.known === 'none' ? CaseList.empty() : CaseList.read(options.known);
  const report = new Report(known);
  const deployment = await new Deployment(uri).open();
  try {
    const suite = new Suite(deployment, report, CaseList.read('driver.json'), {
      matching: options.match && new RegExp(options.match),
      verbose: options.verbose,
    });
    for (const area of options.areas) await suite.runArea(options.files, area);
  } finally {
    await deployment.close();
  }
  return report;
}

async function main() {
  const options = settings();
  if (options.help || options.files === undefined) {
    console.error(USAGE);
    return options.help ? 0 : 2;
  }
  const members =
    options.uri === undefined && new ReplicaSet({ parameters: ['enableTestCommands=1'] });
  try {
    if (members) await members.start();
    const report = await test(options, options.uri ?? members.uri);
    console.log(report.lines().join('\n'));
    if (options.json) report.write(options.json);
    if (options.prune) CaseList.prune(options.known, report.unfailed());
    return report.surprises().length === 0 && report.results.length > 0 ? 0 : 1;
  } finally {
    if (members) await members.destroy();
  }
}

main().then(
  code => process.exit(code),
  error => {
    console.error(error);
    process.exit(2);
  },
);
