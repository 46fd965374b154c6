import type { PlanHost, PlanRecord, FleetPlanChanges } from '../../../src/core/planner/fleet-input.ts';
import type { FleetPlan } from '../../../src/core/planner/fleet-plan-result.ts';
import { minute } from './fleet-fixture.ts';
import {
  addRecord,
  changedRecord,
  inputOf,
  oneIn,
  pick,
  randomHost,
  randomRecord,
  randomState,
  ROLLOUT_STATES,
  type Chance,
  type RandomFleet,
} from './random-fleet.ts';

/** Names of what changed since the last plan. */
export interface Changed {
  readonly records: Set<string>;
  readonly hosts: Set<string>;
}

type Change = (chance: Chance, fleet: RandomFleet, changed: Changed, plan: FleetPlan) => void;

/** What the memory of a plan is told about the changes. */
export function changesOf(fleet: RandomFleet, { records, hosts }: Changed): FleetPlanChanges {
  const { records: _records, hosts: _hosts, ...frame } = inputOf(fleet, false);
  return {
    ...frame,
    records: new Map([...records].map((name) => [name, fleet.records.get(name)])),
    hosts: new Map([...hosts].map((name) => [name, fleet.hosts.get(name)])),
  };
}

/** Changes a few things; most of them such as happen all the time. */
export function changeSome(chance: Chance, fleet: RandomFleet, plan: FleetPlan): Changed {
  const changed: Changed = { records: new Set(), hosts: new Set() };
  for (let i = chance.below(3); i >= 0; i--) {
    pick(chance, oneIn(chance, 8) ? RARE : COMMON)(chance, fleet, changed, plan);
  }
  return changed;
}

function put(fleet: RandomFleet, changed: Changed, next: PlanRecord): void {
  addRecord(fleet, next);
  changed.records.add(next.name);
}

const moveRecord: Change = (chance, fleet, changed) => {
  if (fleet.records.size === 0) return;
  const known = pick(chance, [...fleet.records.values()]);
  put(fleet, changed, changedRecord(chance, fleet, known, randomState(chance)));
};

const moveHost: Change = (chance, fleet, changed) => {
  if (fleet.hosts.size === 0) return;
  const { hostname } = pick(chance, [...fleet.hosts.values()]);
  fleet.hosts.set(hostname, randomHost(chance, fleet, hostname));
  changed.hosts.add(hostname);
};

/** Does what the plan says, or a part of it. */
const carryOut: Change = (chance, fleet, changed, { waves, marks, withdrawals, suspensions }) => {
  for (const { rollout, to } of waves) fleet.rollouts.set(rollout.name, { ...rollout, currentWave: to });
  for (const { record, queuedAt, term, soakDueAt } of marks) {
    if (oneIn(chance, 4) || fleet.records.get(record.name) !== record) continue;
    put(fleet, changed, { ...record, dispatch: { queuedAt, term }, soakDueAt });
  }
  for (const { record } of withdrawals) {
    if (fleet.records.get(record.name) !== record) continue;
    const { dispatch: _mark, soakDueAt: _due, ...rest } = record;
    put(fleet, changed, rest);
  }
  for (const { record } of suspensions) {
    if (record.dispatch === undefined || fleet.records.get(record.name) !== record) continue;
    put(fleet, changed, { ...record, dispatch: { ...record.dispatch, suspended: true } });
  }
};

/** The next step of a host that was let through. */
const follow: Change = (chance, fleet, changed) => {
  const inFlight = [...fleet.records.values()].filter(
    ({ state, dispatch }) => state === 'Activating' || state === 'Soaking' || dispatch !== undefined,
  );
  if (inFlight.length === 0) return;
  const known = pick(chance, inFlight);
  const now = minute(fleet.minutes);
  if (known.state === 'Pending') put(fleet, changed, { ...known, state: 'Activating', dispatchAckedAt: now });
  else if (known.state === 'Activating') put(fleet, changed, { ...known, state: 'Soaking' });
  else put(fleet, changed, { ...known, state: 'Converged' });
};

const wait: Change = (chance, fleet) => {
  fleet.minutes += pick(chance, [0.25, 0.5, 3, 6]);
  fleet.now = minute(fleet.minutes);
};

const waitUntilDue: Change = (_chance, fleet, _changed, { wakeAt }) => {
  if (wakeAt !== undefined && wakeAt > fleet.now) fleet.now = wakeAt;
};

const turnBack: Change = (_chance, fleet) => {
  fleet.minutes -= 2;
  fleet.now = minute(fleet.minutes);
};

const moveRollout: Change = (chance, fleet) => {
  const known = pick(chance, [...fleet.rollouts.values()]);
  const next = pick(chance, [
    { paused: !known.paused },
    { opened: !known.opened },
    { currentWave: known.currentWave + 1 },
    { state: pick(chance, ROLLOUT_STATES) },
    { state: pick(chance, ROLLOUT_STATES) },
    { outdated: oneIn(chance, 2) },
    { budgets: known.budgets.slice(1) },
  ]);
  fleet.rollouts.set(known.name, { ...known, ...next });
};

const addTry: Change = (chance, fleet, changed) => {
  const name = pick(chance, [...fleet.rollouts.keys()]);
  const hostname = `h0${chance.below(4)}`;
  put(fleet, changed, randomRecord(chance, fleet, name, hostname));
};

const loseRecord: Change = (chance, fleet, changed) => {
  if (fleet.records.size === 0) return;
  const name = pick(chance, [...fleet.records.keys()]);
  fleet.records.delete(name);
  changed.records.add(name);
};

const comeOrGo: Change = (chance, fleet, changed) => {
  const hostname = `h0${chance.below(4)}`;
  if (fleet.hosts.has(hostname)) fleet.hosts.delete(hostname);
  else fleet.hosts.set(hostname, randomHost(chance, fleet, hostname) satisfies PlanHost);
  changed.hosts.add(hostname);
};

const quarantine: Change = (chance, { channels, quarantines }) => {
  const channel = pick(chance, channels);
  if (quarantines.has(channel)) quarantines.delete(channel);
  else quarantines.set(channel, new Set([pick(chance, ['new', 'other'])]));
};

const set: Change = (chance, fleet) => {
  const { offlinePolicy, fleetHold } = fleet.settings;
  fleet.settings = oneIn(chance, 2)
    ? { ...fleet.settings, fleetHold: !fleetHold }
    : { ...fleet.settings, offlinePolicy: offlinePolicy === 'Wait' ? 'Skip' : 'Wait' };
};

const newTerm: Change = (_chance, fleet) => {
  fleet.term++;
};

const signAnew: Change = (chance, fleet) => {
  const manifests = new Map(fleet.manifests);
  const channel = pick(chance, fleet.channels);
  if (oneIn(chance, 3)) manifests.delete(channel);
  else manifests.set(channel, { channelRef: pick(chance, ['r0', 'r1']), signedAt: minute(fleet.minutes) });
  fleet.manifests = manifests;
};

const newRollout: Change = (_chance, fleet) => {
  const [channel = 'a'] = fleet.channels;
  const name = `${channel}-r1-2`;
  const first = fleet.rollouts.get(`${channel}-r1`);
  if (fleet.rollouts.has(name)) fleet.rollouts.delete(name);
  else if (first !== undefined) fleet.rollouts.set(name, { ...first, name, attempt: 2 });
};

const COMMON: readonly Change[] = [
  moveRecord,
  moveRecord,
  follow,
  follow,
  moveHost,
  carryOut,
  carryOut,
  wait,
  waitUntilDue,
  comeOrGo,
];
const RARE: readonly Change[] = [
  moveRollout,
  moveRollout,
  addTry,
  loseRecord,
  quarantine,
  set,
  newTerm,
  signAnew,
  newRollout,
  turnBack,
];
