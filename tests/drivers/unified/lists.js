// The two lists kept beside the runner, of cases by file and description: those that the driver
// cannot run (`driver.json`), and those that are known to fail (`known.json`). Each entry has a
// reason.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

/** In a list: every case of the file. */
const ALL = '*';

class CaseList {
  /** @param {{reason: string, cases: Object<string, string[]|'*'>}[]} entries */
  constructor(entries) {
    this.reasons = new Map();
    for (const { reason, cases } of entries) {
      for (const [file, descriptions] of Object.entries(cases)) {
        for (const description of [descriptions].flat()) {
          const key = `${file}: ${description}`;
          if (this.reasons.has(key)) throw new Error(`listed twice: ${key}`);
          this.reasons.set(key, reason);
        }
      }
    }
  }

  static read(name) {
    return new CaseList(JSON.parse(fs.readFileSync(path.join(__dirname, name), 'utf8')));
  }

  /** Takes cases off a list in its file, and reasons that no case is left for. */
  static prune(name, results) {
    const file = path.join(__dirname, name);
    const entries = JSON.parse(fs.readFileSync(file, 'utf8'));
    for (const entry of entries) {
      for (const { file: of, description } of results) {
        const left = entry.cases[of];
        if (Array.isArray(left)) entry.cases[of] = left.filter(one => one !== description);
        if (entry.cases[of]?.length === 0) delete entry.cases[of];
      }
    }
    const kept = entries.filter(({ cases }) => Object.keys(cases).length > 0);
    fs.writeFileSync(file, `${JSON.stringify(kept, null, 2)}\n`);
  }

  static empty() {
    return new CaseList([]);
  }

  /** Why this case is listed; nothing when it is not. */
  reasonFor(file, description) {
    return this.reasons.get(`${file}: ${description}`) ?? this.reasons.get(`${file}: ${ALL}`);
  }
}

module.exports = { CaseList };
