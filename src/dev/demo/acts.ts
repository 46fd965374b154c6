import type { Rollout } from '../../api/kinds/rollout.ts';
import type { FleetDesign } from '../local/release.ts';
import { closureOf, faultyHost } from './design.ts';
import { currentRollout, recordsOf, type FleetState } from './observed-fleet.ts';

/** One release of the demo, and the end that is expected of it. */
export interface Act {
  readonly title: string;
  /** Part of every closure's name. */
  readonly release: string;
  readonly commit: string;
  /** What still keeps the act from its end; empty when it is over. */
  readonly missing: (state: FleetState) => string[];
}

const FAULTY_COMMIT = '4f1d0c3b2a594877665544332211ffeeddccbbaa';
const FIXED_COMMIT = 'a1b2c3d4e5f60718293a4b5c6d7e8f9001122334';

/** The release with the fault. */
export const faultyRelease = '26.05.1';
const fixedRelease = '26.05.2';

/** What every host runs before the demo. */
export const firstRelease = '25.11';

/** The acts in order: one good release, or a faulty one and then its fix. */
export function actsOf(count: 1 | 2, fleet: FleetDesign): Act[] {
  const good: Act = {
    title: 'a signed release takes every host to Converged',
    release: fixedRelease,
    commit: FIXED_COMMIT,
    missing: (state) => missingToConverge(state, fleet, FIXED_COMMIT, fixedRelease),
  };
  if (count === 1) return [good];
  const faulty: Act = {
    title: `a release whose closure fails its probe on ${faultyHost} is rolled back there and halted`,
    release: faultyRelease,
    commit: FAULTY_COMMIT,
    missing: (state) => missingToHalt(state, fleet),
  };
  return [faulty, { ...good, title: 'a fixed release supersedes it and takes every host to Converged' }];
}

function missingToConverge(state: FleetState, fleet: FleetDesign, commit: string, release: string): string[] {
  const missing: string[] = [];
  for (const channel of Object.keys(fleet.waves)) {
    const rollout = rolloutOf(state, channel, commit);
    if (rollout?.status?.state !== 'Terminal') missing.push(`the rollout of ${channel} is not Terminal`);
  }
  for (const { name, channel } of fleet.hosts) {
    const rollout = rolloutOf(state, channel, commit);
    const record = recordsOf(state, rollout).find(({ spec }) => spec.hostname === name);
    if (record?.status?.state !== 'Converged') missing.push(`${name} is not Converged`);
    const host = state.hosts.find(({ spec }) => spec.hostname === name);
    if (host?.status?.closure !== closureOf(name, release))
      missing.push(`${name} does not report ${release}`);
    else if (host?.status?.state !== 'Converged' || host.status.declared !== true) {
      missing.push(`the Host ${name} does not say so`);
    }
  }
  const ready = state.fleet?.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status !== 'True') missing.push('the Fleet is not Ready');
  return missing;
}

function missingToHalt(state: FleetState, fleet: FleetDesign): string[] {
  const missing: string[] = [];
  const closure = closureOf(faultyHost, faultyRelease);
  const rollout = rolloutOf(state, 'stable', FAULTY_COMMIT);
  const records = recordsOf(state, rollout);
  const stateOf = (host: string): string =>
    records.find(({ spec }) => spec.hostname === host)?.status?.state ?? 'absent';
  if (stateOf(faultyHost) !== 'Reverted') missing.push(`${faultyHost} is not Reverted`);
  if (!state.quarantines.some(({ spec }) => spec.closure === closure))
    missing.push('its closure is not quarantined');
  if (!rollout?.status?.blocked?.some(({ gate }) => gate === 'rollout-halted'))
    missing.push('the rollout is not halted');
  for (const [index, wave] of (fleet.waves['stable'] ?? []).entries()) {
    for (const host of wave.filter((name) => name !== faultyHost)) {
      const wanted = index < 2 ? 'Converged' : 'Pending';
      if (stateOf(host) !== wanted) missing.push(`${host} is not ${wanted}`);
    }
  }
  return missing;
}

function rolloutOf(state: FleetState, channel: string, commit: string): Rollout | undefined {
  const rollout = currentRollout(state, channel);
  return rollout?.spec.channelRef === commit ? rollout : undefined;
}
