/** D11, D14–D16, D21 (architecture.md §3): a whole operator on a real API server, hosts moved by hand. */
import { afterEach, describe, expect, test } from 'vitest';
import { hostRolloutRecordResource } from '../../src/api/kinds/resources.ts';
import { DEFAULT_SETTINGS } from '../../src/controllers/settings.ts';
import { commitOf, priorOf, targetOf } from '../support/small-fleet.ts';
import { OperatorRoom } from './support/operator-room.ts';
import { untilGates, untilMarked, untilRollout, untilState } from './support/waits.ts';

let room: OperatorRoom;

afterEach(() => room?.close());

const MINUTE = 60_000;
const ONE_HOST = { stable: { waves: [['web-01']] } };

/** A further attempt waits until a heartbeat's answer has told its host where it goes on counting (ADR 0025). */
async function isToldFirst(name: string): Promise<void> {
  await untilGates(room, name, ['host-unsettled']);
  const record = await room.record(name);
  const [snapshot] = await (await room.host(name)).heartbeat();
  expect(snapshot).toMatchObject({ state: 'Pending', lastEventSeq: record?.spec.firstSeq });
  await untilGates(room, name, ['host-unsettled']);
  room.clock.leap(DEFAULT_SETTINGS.toldAfterMs);
}

describe('D11', () => {
  const rollbackAndHalt = { stable: { waves: [['web-01']], onHealthFailure: 'rollback-and-halt' } } as const;

  test('a rollback that nobody reported is seen by what the host ran before its dispatch, not by what it said then', async () => {
    room = await OperatorRoom.open();
    await room.begin({ channels: rollbackAndHalt });
    const host = await room.host('web-01');
    const { target_closure: target } = await host.activate();
    expect((await room.record('web-01'))?.status?.closureBeforeDispatch).toBe(priorOf('web-01'));
    await host.complete(target);
    const failing = {
      sustainedDurationSecs: 120,
      failingProbes: ['nginx'],
      policyApplied: 'rollback-and-halt',
    };
    await host.say('Failed', { ...failing, failedAt: host.now });
    await untilState(room, 'web-01', 'Failed');
    await host.heartbeat(); // still on the target, which its acknowledgement named, too
    expect(await room.state('web-01')).toBe('Failed');
    host.closure = priorOf('web-01');
    await host.heartbeat();
    await untilState(room, 'web-01', 'Reverted');
    await expect
      .poll(async () => (await room.quarantines()).map(({ spec }) => spec.closure))
      .toEqual([target]);
  });

  test('under the policy halt nobody rolls back, so nothing is made up', async () => {
    room = await OperatorRoom.open();
    await room.begin({ channels: ONE_HOST });
    const host = await room.host('web-01');
    await host.activate();
    await host.fail();
    await untilState(room, 'web-01', 'Failed');
    await host.heartbeat();
    room.clock.leap(MINUTE);
    await host.heartbeat();
    await untilRollout(room, 'Failed');
    expect(await room.state('web-01')).toBe('Failed');
    expect(await room.quarantines()).toEqual([]);
  });

  test('a Pending host on its target is neither dispatched nor told so, and converges when its gates open', async () => {
    room = await OperatorRoom.open();
    await room.begin({ channels: { stable: { waves: [['web-01'], ['web-02']] } } });
    const second = await room.host('web-02');
    second.closure = targetOf('web-02');
    expect(await second.heartbeat()).toEqual([]);
    await untilGates(room, 'web-02', ['wave-promotion']);
    await (await room.host('web-01')).goThrough();
    await untilState(room, 'web-02', 'Converged');
    expect(await second.look()).toBeUndefined();
  });
});

test('D14: records of a superseded rollout are no longer active: no snapshot, no recovery', async () => {
  room = await OperatorRoom.open();
  await room.begin({ channels: ONE_HOST });
  const host = await room.host('web-01');
  const { target_closure: target, rollout_id: first } = await host.activate();
  expect((await host.heartbeat()).map(({ rolloutId }) => rolloutId)).toEqual([first]);
  await room.publish({ channels: ONE_HOST, digit: '2' });
  await untilGates(room, 'web-01', ['host-busy']);
  const second = `stable@${commitOf('2')}`;
  await expect.poll(async () => (await host.heartbeat()).map(({ rolloutId }) => rolloutId)).toEqual([second]);
  host.closure = target;
  await host.heartbeat();
  const old = (await room.records()).find(({ spec }) => spec.rolloutId === first);
  expect(old?.status).toMatchObject({ state: 'Activating' });
  expect(old?.status?.inbox).toBeUndefined();
});

describe('D15', () => {
  test('a valid certificate reads nothing about others: no views, no metrics, no routes of people', async () => {
    room = await OperatorRoom.open();
    await room.begin({ channels: ONE_HOST });
    const { wire } = await room.host('web-01');
    expect((await wire.get('/v1/whoami')).status).toBe(200);
    for (const path of [
      '/v1/hosts',
      '/v1/rollouts',
      `/v1/rollouts/stable@${commitOf()}/hosts`,
      '/v1/channels',
      '/v1/quarantines',
      '/v1/events',
      '/v1/deferrals',
      '/metrics',
      '/readyz',
    ]) {
      expect([path, (await wire.get(path)).status]).toEqual([path, 404]);
    }
  });
});

describe('D16', () => {
  test('re-applying an earlier release opens another attempt, whose records count on', async () => {
    room = await OperatorRoom.open();
    await room.begin({ channels: ONE_HOST });
    const host = await room.host('web-01');
    await host.goThrough();
    await untilRollout(room, 'Terminal');
    const counted = (await room.record('web-01'))?.status?.lastEventSeq ?? 0;
    expect(counted).toBeGreaterThan(0);
    await room.publish({ channels: ONE_HOST, digit: '2' });
    await host.goThrough();
    await untilRollout(room, 'Terminal');
    await room.publish({ channels: ONE_HOST });
    await expect.poll(async () => (await room.rollout())?.spec.attempt).toBe(2);
    await isToldFirst('web-01');
    await untilMarked(room, 'web-01');
    expect((await room.record('web-01'))?.spec).toMatchObject({ firstSeq: counted, attempt: 1 });
    await host.goThrough();
    await untilRollout(room, 'Terminal');
    expect(host.closure).toBe(targetOf('web-01'));
    expect((await room.rollouts()).map(({ status }) => status?.state ?? '').toSorted()).toEqual([
      'Superseded',
      'Superseded',
      'Terminal',
    ]);
  });

  test('the same id with other targets is another attempt; the same content signed again is not', async () => {
    room = await OperatorRoom.open();
    await room.begin({ channels: ONE_HOST });
    await untilMarked(room, 'web-01');
    const signedAt = async (): Promise<string | undefined> =>
      (await room.rollout())?.status?.manifest?.signedAt;
    const before = await signedAt();
    room.clock.leap(MINUTE);
    await room.publish({ channels: ONE_HOST });
    await expect.poll(signedAt).not.toBe(before);
    expect((await room.rollouts()).length).toBe(1);
    await room.publish({ channels: ONE_HOST, targets: { 'web-01': targetOf('web-01', '7') } });
    await expect.poll(async () => (await room.rollout())?.spec.attempt).toBe(2);
    // The mark of the first attempt is taken back; until then the host could have fetched it.
    const marks = async (): Promise<string[]> =>
      (await room.records()).flatMap(({ spec, status }) => (status?.dispatch ? [spec.targetClosure] : []));
    await expect.poll(marks).toEqual([targetOf('web-01', '7')]);
    await (await room.host('web-01')).goThrough();
    await untilRollout(room, 'Terminal');
    expect((await room.host('web-01')).closure).toBe(targetOf('web-01', '7'));
  });

  test('a retried host gets one more try, which counts on and is dispatched', async () => {
    room = await OperatorRoom.open();
    await room.begin({ channels: ONE_HOST });
    const host = await room.host('web-01');
    await host.activate();
    await host.fail();
    await untilRollout(room, 'Failed');
    const first = await room.record('web-01');
    await room.intend({ retry: [{ host: 'web-01', at: room.clock.now(), reason: 'disk was full' }] });
    await expect
      .poll(async () => (await room.records()).map(({ metadata }) => metadata.name))
      .toEqual([`${first?.metadata.name ?? ''}.2`]);
    expect((await room.record('web-01'))?.spec.firstSeq).toBe(first?.status?.lastEventSeq);
    await isToldFirst('web-01');
    await host.goThrough();
    await untilRollout(room, 'Terminal');
  });
});

describe('D21', () => {
  test('a rollout whose opening was cut short is completed, and ends with exactly its hosts', async () => {
    room = await OperatorRoom.open();
    await room.begin({ channels: { stable: { waves: [['web-01', 'web-02', 'web-03']] } } });
    await (await room.host('web-01')).goThrough();
    await (await room.host('web-02')).goThrough();
    await untilState(room, 'web-02', 'Converged');
    await room.stopOperator();
    const lost = await room.record('web-03');
    if (lost === undefined) throw new Error('web-03 has no record');
    await room.client.delete(hostRolloutRecordResource, lost.metadata);
    // What somebody else left behind under a name of ours.
    const { name, namespace, labels } = lost.metadata;
    const owner = lost.metadata.ownerReferences?.[0];
    await room.client.create(hostRolloutRecordResource, {
      ...lost,
      metadata: {
        name,
        namespace,
        labels,
        ownerReferences: [{ ...owner, uid: '00000000-0000-4000-8000-000000000000' }],
      },
    } as typeof lost);
    await room.startOperator();
    await expect
      .poll(async () => (await room.record('web-03'))?.metadata.ownerReferences?.[0]?.uid)
      .toBe(owner?.uid);
    expect((await room.rollout())?.status?.state).not.toBe('Terminal');
    // Nobody knows any more whether the host was in the middle of a switch.
    await untilGates(room, 'web-03', ['host-unsettled']);
    room.clock.leap(5.5 * MINUTE);
    await (await room.host('web-03')).goThrough();
    await untilRollout(room, 'Terminal');
    expect((await room.rollout())?.status?.hosts).toMatchObject({ total: 3, converged: 3 });
  });
});
