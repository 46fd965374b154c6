/** D1, D2, D4, D5, D7–D9, D17–D19 (architecture.md §3): a whole operator on a real API server, hosts moved by hand. */
import { afterEach, expect, test } from 'vitest';
import { asText, signed } from '../support/release.ts';
import { commitOf, smallFleetDocuments, targetOf } from '../support/small-fleet.ts';
import { OperatorRoom, type OperatorRoomOptions } from './support/operator-room.ts';
import { untilFleet, untilGates, untilMarked, untilRollout, untilState } from './support/waits.ts';

let room: OperatorRoom;

afterEach(() => room?.close());

const MINUTE = 60_000;

async function open(options?: OperatorRoomOptions): Promise<void> {
  room = await OperatorRoom.open(options);
}

test('D1: a quarantined closure is held until the object is deleted', async () => {
  await open();
  const quarantine = await room.quarantine(targetOf('web-01'));
  await room.begin({ channels: { stable: { waves: [['web-01', 'web-02']] } } });
  await (await room.host('web-02')).goThrough();
  await untilGates(room, 'web-01', ['quarantine']);
  const held = await room.host('web-01');
  expect(await held.look()).toBeUndefined();
  await room.lift(quarantine);
  await held.goThrough();
  await untilRollout(room, 'Terminal');
});

test('D2: a failed host halts its rollout; clearing it with a reason lets the others go and leaves it behind', async () => {
  await open();
  await room.begin({
    channels: { stable: { waves: [['web-01', 'web-02'], ['web-03']] } },
    budgets: [{ hosts: ['web-01', 'web-02', 'web-03'], max: 1 }],
  });
  const [first, second, third] = [
    await room.host('web-01'),
    await room.host('web-02'),
    await room.host('web-03'),
  ];
  await first.activate();
  await first.fail();
  await untilRollout(room, 'Failed');
  await untilGates(room, 'web-02', ['rollout-halted']);
  expect(await second.look()).toBeUndefined();
  await room.intend({ clear: { at: room.clock.now(), reason: 'a broken fan' } });
  await untilRollout(room, 'Active');
  expect((await room.record('web-01'))?.status).toMatchObject({
    state: 'Failed',
    clearedAt: expect.anything(),
  });
  await second.goThrough();
  await third.goThrough();
  await untilRollout(room, 'Terminal');
  expect((await room.rollout())?.status?.hosts).toMatchObject({ converged: 2, failed: 1, leftBehind: 1 });
});

test('D4: an outstanding failure in an earlier wave holds the later ones, and lets go with the next pass', async () => {
  await open();
  await room.begin({ channels: { stable: { waves: [['web-01'], ['web-02']] } } });
  const first = await room.host('web-01');
  const { target_closure: target } = await first.activate();
  // A deferred host counts as done for promotion, so its probes can fail while the next wave is on its way.
  await first.say('ActivationDeferred', { component: 'kernel', deferredAt: first.now });
  await untilMarked(room, 'web-02');
  await first.complete(target);
  const probe = { probeName: 'nginx', mode: 'enforce' };
  await first.say('ProbeResult', { ...probe, status: 'fail', observedAt: first.now });
  room.clock.leap(5_000);
  await untilGates(room, 'web-02', ['compliance-wave']);
  expect((await room.record('web-02'))?.status?.dispatch).toBeUndefined();
  await first.say('ProbeResult', { ...probe, status: 'pass', observedAt: first.now });
  room.clock.leap(5_000);
  await untilMarked(room, 'web-02');
});

test('D5: a release goes into force whole or not at all', async () => {
  await open();
  const channels = { edge: { waves: [['edge-01']] }, stable: { waves: [['web-01']] } };
  await room.begin({ channels });
  const next = new Map(smallFleetDocuments({ channels, digit: '2' }, room.clock.now()));
  next.delete('stable.manifest.json');
  await room.site.put(asText(signed(next)));
  await untilFleet(room, 'Verified', 'False ManifestMissing');
  expect((await room.fleet()).status?.artifact?.ciCommit).toBe(commitOf('1'));
  expect((await room.rollouts()).map(({ spec }) => spec.channelRef)).toEqual([commitOf('1'), commitOf('1')]);
  await (await room.host('edge-01')).goThrough();
  await untilRollout(room, 'Terminal', 'edge');
});

test('D5: what blocks dispatch blocks recovery, but for what only holds marks', async () => {
  await open();
  await room.publish({ channels: { stable: { waves: [['web-01', 'web-02']] } } });
  await untilRollout(room, 'Active');
  await room.intend({ hold: 'Pause' });
  await untilGates(room, 'web-01', ['rollout-paused', 'host-unsettled']);
  const host = await room.host('web-01');
  host.closure = targetOf('web-01');
  await host.heartbeat();
  await expect
    .poll(async () => (await room.record('web-01'))?.status?.lastReport?.closure)
    .toBe(host.closure);
  const declared = async (): Promise<boolean | undefined> =>
    (await room.hostObjects()).find(({ spec }) => spec.hostname === 'web-01')?.status?.declared;
  await expect.poll(declared).toBe(true);
  expect(await room.state('web-01')).toBe('Pending');
  await room.intend({ hold: 'None' });
  await untilState(room, 'web-01', 'Converged');
});

test('D7: an offline host holds its wave, under Skip it is left behind, and once it returns it may go at once', async () => {
  await open();
  await room.begin({ channels: { stable: { waves: [['web-01', 'web-02'], ['web-03']] } } });
  const [silent, second, third] = [
    await room.host('web-01'),
    await room.host('web-02'),
    await room.host('web-03'),
  ];
  await second.goThrough();
  room.clock.leap(16 * MINUTE);
  await second.heartbeat();
  await third.heartbeat();
  await untilGates(room, 'web-01', ['host-offline']);
  await untilGates(room, 'web-03', ['wave-promotion']);
  await room.setFleet({ offline: { policy: 'Skip' } });
  await third.goThrough();
  await untilRollout(room, 'Terminal');
  expect((await room.rollout())?.status?.hosts).toMatchObject({ converged: 2, offline: 1, leftBehind: 1 });
  await silent.heartbeat();
  await silent.goThrough();
  await untilState(room, 'web-01', 'Converged');
});

test('D7: silence alone promotes no wave, whatever the policy', async () => {
  await open({ fleet: { offline: { after: '3m', policy: 'Skip' } } });
  await room.begin({ channels: { stable: { waves: [['web-01'], ['web-02']] } } });
  room.clock.leap(4 * MINUTE);
  await (await room.host('web-02')).heartbeat();
  await untilGates(room, 'web-01', ['host-offline']);
  await untilGates(room, 'web-02', ['wave-promotion']);
  expect((await room.rollout())?.status).toMatchObject({ state: 'Active', currentWave: 0 });
});

test('D7: a leader that has just come calls nobody offline', async () => {
  await open();
  await room.begin({ channels: { stable: { waves: [['web-01']] } } });
  await untilMarked(room, 'web-01');
  await room.stopOperator();
  room.clock.leap(20 * MINUTE);
  await room.startOperator();
  await expect.poll(async () => (await room.fleet()).status?.term).toBe(2);
  const online = async (): Promise<string | undefined> =>
    (await room.hostObjects())[0]?.status?.conditions?.find(({ type }) => type === 'Online')?.reason;
  await expect.poll(online).toBe('NotJudgedYet');
  expect((await room.hostObjects())[0]?.status?.offline).toBe(false);
  room.clock.leap(16 * MINUTE);
  await expect.poll(online).toBe('Silent');
});

test('D8: empty waves are passed, hosts that are not built are not waited for', async () => {
  await open();
  await room.begin(
    {
      channels: { stable: { waves: [[], ['web-01', 'web-09'], [], ['web-02']] } },
      targets: { 'web-09': null },
    },
    ['web-01', 'web-02'],
  );
  await (await room.host('web-01')).goThrough();
  await (await room.host('web-02')).goThrough();
  await untilRollout(room, 'Terminal');
  await untilFleet(room, 'Deadlocked', 'False NoDeadlock');
});

test('D8: what can never clear is called a deadlock, and names its cause', async () => {
  await open();
  await room.begin({
    channels: { stable: { waves: [['web-01', 'web-02', 'web-03']], unstaged: ['web-04'] } },
    edges: [
      ['web-01', 'web-02'],
      ['web-02', 'web-01'],
    ],
    budgets: [{ hosts: ['web-03'], max: 0 }],
  });
  await untilFleet(room, 'Deadlocked', 'True NeverClears');
  const message = async (): Promise<string | undefined> =>
    (await room.fleet()).status?.conditions?.find(({ type }) => type === 'Deadlocked')?.message;
  await expect.poll(message).toContain('in a circle');
  expect(await message()).toContain('no wave of channel');
  expect(await message()).toContain('a budget allows no host at all');
});

test('D9: every gate that holds a host is listed in order, the rollout says of each what clears it', async () => {
  await open();
  await room.quarantine(targetOf('web-02'));
  await room.publish({
    channels: { edge: { waves: [['edge-01']] }, stable: { waves: [['web-01'], ['web-02']] } },
    edges: [['web-01', 'web-02']],
    channelEdges: [['edge', 'stable']],
    budgets: [{ hosts: ['web-02'], max: 0 }],
    ageMs: 56 * MINUTE,
  });
  await untilRollout(room, 'Active');
  await room.intend({ hold: 'Pause' });
  const all = [
    'rollout-paused',
    'quarantine',
    'channel-edges',
    'wave-promotion',
    'host-edge',
    'disruption-budget',
    'host-unsettled',
    'artifact-stale',
  ];
  await untilGates(room, 'web-02', all);
  const keys = ((await room.record('web-02'))?.status?.blockedBy ?? []).map(({ key }) => key ?? '');
  expect(keys[2]).toBe('edge');
  expect(keys[4]).toBe('web-01');
  expect(keys[5]).not.toMatch(/\d+\/\d+/);
  const blocked = async () => (await room.rollout())?.status?.blocked ?? [];
  await expect.poll(async () => (await blocked()).map(({ gate }) => gate)).toEqual(all);
  for (const { reason } of await blocked()) expect(reason).toMatch(/clears when|clears with/);
});

test('D17: a percentage is a limit, rounded down but never to nothing; of two the smaller holds', async () => {
  await open();
  const names = ['web-01', 'web-02', 'web-03'];
  await room.begin({
    channels: { stable: { waves: [names] } },
    budgets: [{ hosts: names, max: 2, pct: 60 }],
  });
  await (await room.host('web-01')).activate();
  await untilGates(room, 'web-02', ['disruption-budget']);
  await untilGates(room, 'web-03', ['disruption-budget']);
  await (await room.host('web-01')).complete(targetOf('web-01'));
  await (await room.host('web-01')).converge();
  await (await room.host('web-02')).goThrough();
  await (await room.host('web-03')).goThrough();
  await untilRollout(room, 'Terminal');
});

test('D18: a slot that comes free goes by rollout id, then by host, not to who waited longest', async () => {
  await open();
  const names = ['a-01', 'a-02', 'b-01', 'b-02'];
  await room.begin(
    {
      channels: { alpha: { waves: [['a-02', 'a-01']] }, beta: { waves: [['b-01', 'b-02']] } },
      budgets: [{ hosts: names, max: 1 }],
    },
    ['b-01', 'b-02'],
  );
  const first = await room.host('b-01');
  const { target_closure: target } = await first.activate();
  await untilGates(room, 'b-02', ['disruption-budget']);
  for (const name of ['a-02', 'a-01']) await (await room.host(name)).heartbeat();
  room.clock.leap(MINUTE);
  for (const name of ['a-02', 'a-01']) await (await room.host(name)).heartbeat();
  await untilGates(room, 'a-01', ['disruption-budget']);
  await untilGates(room, 'a-02', ['disruption-budget']);
  await first.complete(target);
  await first.converge();
  for (const name of ['a-01', 'a-02', 'b-02']) {
    await untilMarked(room, name);
    await (await room.host(name)).goThrough();
  }
});

test('D19: nothing is marked while agents would refuse the artifacts as too old; signing again is enough', async () => {
  await open();
  const channels = { stable: { waves: [['web-01']] } };
  await room.begin({ channels, ageMs: 56 * MINUTE });
  await untilGates(room, 'web-01', ['artifact-stale']);
  const before = await room.rollout();
  await room.publish({ channels });
  await (await room.host('web-01')).goThrough();
  await untilRollout(room, 'Terminal');
  expect((await room.rollout())?.metadata.uid).toBe(before?.metadata.uid);
});
