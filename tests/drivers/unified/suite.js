// Runs files case by case, one after the other: fail points are a node's, so cases cannot share it.
'use strict';

const { MUST_FAIL } = require('./areas.js');
const { runCase } = require('./case.js');
const { filesOf, requireKnownVersion } = require('./corpus.js');
const { Lacking } = require('./lacking.js');
const { CLASS, unmetRequirement } = require('./requirements.js');

const CASE_MS = 60_000;

/** What an outcome means in this area. */
function turn(area, outcome) {
  if (!MUST_FAIL.has(area)) return outcome;
  return outcome.status === 'passed'
    ? { status: 'failed', reason: 'the runner let this pass, and must not' }
    : { status: 'passed' };
}

class Suite {
  /**
   * @param {import('./deployment.js').Deployment} deployment
   * @param {import('./report.js').Report} report
   * @param {import('./lists.js').CaseList} lacking cases that the driver cannot run
   * @param {{matching?: RegExp, verbose: boolean}} options
   */
  constructor(deployment, report, lacking, { matching, verbose }) {
    this.deployment = deployment;
    this.report = report;
    this.lacking = lacking;
    this.matching = matching;
    this.verbose = verbose;
  }

  async runArea(root, area) {
    for (const file of filesOf(root, area)) {
      for (const test of file.tests) {
        const { description } = test;
        if (this.matching && !this.matching.test(`${file.name}: ${description}`)) continue;
        const started = Date.now();
        const outcome = this.#skip(file, test) ?? turn(area, await this.#run(file, test));
        const result = { area, file: file.name, description, ...outcome, ms: Date.now() - started };
        this.report.add(result);
        if (this.verbose) this.#tell(result);
      }
    }
  }

  #skip(file, test) {
    const reason = this.lacking.reasonFor(file.name, test.description);
    const unmet =
      unmetRequirement(file.runOnRequirements, this.deployment) ??
      unmetRequirement(test.runOnRequirements, this.deployment) ??
      (test.skipReason && {
        class: CLASS.requirement,
        reason: `the file says: ${test.skipReason}`,
      }) ??
      (reason && { class: CLASS.driver, reason });
    return unmet && { status: 'skipped', ...unmet };
  }

  async #run(file, test) {
    try {
      requireKnownVersion(file);
      await runCase(file, test, this.deployment, CASE_MS);
      return { status: 'passed' };
    } catch (error) {
      if (error instanceof Lacking) {
        return { status: 'skipped', class: CLASS.driver, reason: error.message };
      }
      return { status: 'failed', reason: `${error.name}: ${error.message}` };
    }
  }

  #tell({ file, description, status, reason, ms }) {
    console.log(
      `${status.padEnd(8)}${String(ms).padStart(6)} ms  ${file}: ${description}` +
        (reason ? `\n                     ${reason}` : ''),
    );
  }
}

module.exports = { Suite };
