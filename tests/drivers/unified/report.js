// What a run gave: one result per case, and the words for it.
'use strict';

const fs = require('node:fs');
const { CLASS } = require('./requirements.js');

class Report {
  /** @param {import('./lists.js').CaseList} known cases that are known to fail */
  constructor(known) {
    this.known = known;
    this.results = [];
  }

  /**
   * @param {{area: string, file: string, description: string, status: string, ms: number,
   *   class?: string, reason?: string}} result `status` is passed, failed or skipped
   */
  add(result) {
    const reason = this.known.reasonFor(result.file, result.description);
    this.results.push({ ...result, ...(reason && { known: reason }) });
  }

  /** Failures that nobody knew of, and cases known to fail that did not: both are news. */
  surprises() {
    return this.results.filter(
      ({ status, known }) => (status === 'failed') !== (known !== undefined),
    );
  }

  /** Cases known to fail that ran and did not. */
  unfailed() {
    return this.results.filter(({ status, known }) => status === 'passed' && known !== undefined);
  }

  #areas() {
    const areas = new Map();
    for (const { area, status, class: cause } of this.results) {
      if (!areas.has(area)) {
        areas.set(area, {
          passed: 0,
          failed: 0,
          skipped: 0,
          ...Object.fromEntries(Object.values(CLASS).map(name => [name, 0])),
        });
      }
      const counts = areas.get(area);
      counts[status] += 1;
      if (status === 'skipped') counts[cause] += 1;
    }
    return areas;
  }

  #table() {
    const columns = ['passed', 'failed', 'skipped', ...Object.values(CLASS)];
    const rows = [...this.#areas()];
    const total = Object.fromEntries(
      columns.map(column => [column, rows.reduce((sum, [, counts]) => sum + counts[column], 0)]),
    );
    const line = (name, cells) =>
      name.padEnd(26) +
      cells.map((cell, i) => String(cell).padStart(columns[i].length + 2)).join('');
    return [
      line('area', columns),
      ...rows.map(([area, counts]) =>
        line(
          area,
          columns.map(column => counts[column]),
        ),
      ),
      line(
        'all',
        columns.map(column => total[column]),
      ),
    ];
  }

  /** Reasons of one status with how often each was given, the most frequent first. */
  #reasons(status, reasonOf) {
    const counts = new Map();
    for (const result of this.results.filter(one => one.status === status)) {
      const reason = reasonOf(result);
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
    return [...counts]
      .sort((a, b) => b[1] - a[1])
      .map(([reason, n]) => `${String(n).padStart(6)}  ${reason}`);
  }

  /** The run in words, surprises last. */
  lines() {
    const lines = [...this.#table(), ''];
    const skips = this.#reasons('skipped', ({ class: cause, reason }) => `${cause}: ${reason}`);
    if (skips.length > 0) lines.push('skipped:', ...skips, '');
    const known = this.#reasons('failed', result => result.known ?? 'NOT KNOWN');
    if (known.length > 0) lines.push('failed:', ...known, '');
    for (const { file, description, status, known: reason, reason: why } of this.surprises()) {
      lines.push(
        status === 'failed'
          ? `FAILED ${file}: ${description}\n    ${why}`
          : `NOT FAILED (${status}), though known to: ${file}: ${description}\n    ${reason}`,
      );
    }
    return lines;
  }

  write(file) {
    const areas = Object.fromEntries(this.#areas());
    fs.writeFileSync(file, `${JSON.stringify({ areas, cases: this.results }, null, 1)}\n`);
  }
}

module.exports = { Report };
