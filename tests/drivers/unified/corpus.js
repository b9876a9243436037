// The test files: where they are, and which of them are of the unified test format.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { BSON } = require('mongodb');
const { AREAS } = require('./areas.js');

/** The newest version of the format that is understood here. */
const NEWEST = [1, 26];

/** Throws when a file is of a version of the format that is not understood here. */
function requireKnownVersion({ schemaVersion }) {
  const [major, minor] = schemaVersion.split('.').map(Number);
  if (major !== NEWEST[0] || minor > NEWEST[1]) {
    throw new Error(`version ${schemaVersion} of the format is unknown here`);
  }
}

const isUnified = document =>
  document !== null && typeof document.schemaVersion === 'string' && Array.isArray(document.tests);

/** The files of one directory, below it too, in the order of their names. */
function* filesBelow(root, directory) {
  const entries = fs.readdirSync(path.join(root, directory), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const below = path.posix.join(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(root, below);
    else if (entry.name.endsWith('.json')) yield below;
  }
}

function read(root, name) {
  // Numbers become JavaScript's own, as an application would give them to the driver.
  const document = BSON.EJSON.parse(fs.readFileSync(path.join(root, name), 'utf8'), {
    relaxed: true,
  });
  return isUnified(document) ? { name, ...document } : undefined;
}

/** The files of an area, each with its name. */
function filesOf(root, area) {
  const names = AREAS[area].flatMap(directory => [...filesBelow(root, directory)]);
  return names.map(name => read(root, name)).filter(Boolean);
}

module.exports = { filesOf, requireKnownVersion };
