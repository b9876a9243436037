// Whether the servers under test are such as a case wants to run on, and whose doing it is when
// they are not.
'use strict';

const numbersOf = version => version.split('-')[0].split('.').map(Number);

function compareVersions(left, right) {
  const [a, b] = [numbersOf(left), numbersOf(right)];
  // A bound that names fewer parts (4.2 as a maximum is 4.2.99 in the files) counts them as zero.
  for (let index = 0; index < 3; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whose doing it is that a case cannot run. */
const CLASS = {
  requirement: 'requirement of the case',
  driver: 'driver lacks it',
  gap: 'server gap',
};

const sameParameter = (expected, actual) =>
  typeof expected === 'boolean' || typeof actual === 'boolean'
    ? Boolean(expected) === Boolean(actual)
    : expected === actual;

/** Each requirement: (wanted, deployment) -> nothing when met, else why not and the class. */
const CHECKS = {
  minServerVersion: (wanted, { version }) =>
    compareVersions(version, wanted) < 0 && [CLASS.requirement, `server ${wanted} or newer`],
  maxServerVersion: (wanted, { version }) =>
    compareVersions(version, wanted) > 0 && [CLASS.requirement, `server ${wanted} or older`],
  topologies: (wanted, { topology }) =>
    !wanted.includes(topology) && [CLASS.requirement, `topology ${wanted.join(' or ')}`],
  serverless: wanted => wanted === 'require' && [CLASS.requirement, 'serverless'],
  csfle: wanted => wanted && [CLASS.driver, 'client-side encryption'],
  auth: (wanted, { authenticates }) =>
    wanted !== authenticates &&
    (wanted ? [CLASS.gap, 'access control'] : [CLASS.requirement, 'no access control']),
  authMechanism: wanted => [CLASS.gap, `authentication by ${wanted}`],
  serverParameters(wanted, { parameters }) {
    for (const [name, value] of Object.entries(wanted)) {
      if (sameParameter(value, parameters[name])) continue;
      // A parameter that is not there at all is a gap; one set to something else was chosen so.
      const own = name in parameters ? CLASS.requirement : CLASS.gap;
      return [own, `${name}=${value}`];
    }
    return false;
  },
};

const SEVERITY = [CLASS.gap, CLASS.driver, CLASS.requirement];

/** What one alternative lacks; nothing when it is met. */
function lackOf(alternative, deployment) {
  const lacks = Object.entries(alternative)
    .map(([name, wanted]) => {
      if (!(name in CHECKS)) throw new Error(`a requirement unknown here: ${name}`);
      return CHECKS[name](wanted, deployment);
    })
    .filter(Boolean);
  if (lacks.length === 0) return undefined;
  // Where the case could not run here anyway, what else is missing does not matter.
  lacks.sort(([a], [b]) => SEVERITY.indexOf(b) - SEVERITY.indexOf(a));
  return { class: lacks[0][0], reason: `needs ${lacks.map(([, what]) => what).join(', ')}` };
}

/**
 * Of alternatives of which one must be met, nothing when one is, else what the nearest lacks: one
 * that only the server keeps from being met comes before one that was never meant for such servers.
 */
function unmetRequirement(alternatives, deployment) {
  if (alternatives === undefined) return undefined;
  const lacks = alternatives.map(alternative => lackOf(alternative, deployment));
  if (lacks.some(lack => lack === undefined)) return undefined;
  return lacks.sort((a, b) => SEVERITY.indexOf(a.class) - SEVERITY.indexOf(b.class))[0];
}

module.exports = { CLASS, unmetRequirement };
