/** D3, D6, D10, D20, D22 and a graceful stop (architecture.md §1, §3): a whole operator on a real API server. */
import { afterEach, describe, expect, test } from 'vitest';
import { addMillis, millisBetween } from '../../src/api/time.ts';
import { hostRolloutRecordResource, rolloutResource } from '../../src/api/kinds/resources.ts';
import { commitOf, targetOf } from '../support/small-fleet.ts';
import { OperatorRoom } from './support/operator-room.ts';
import { untilGates, untilMarked, untilRollout, untilState } from './support/waits.ts';

let room: OperatorRoom;

afterEach(() => room?.close());

const MINUTE = 60_000;
const ONE_HOST = { stable: { waves: [['web-01']] } };

test('D3: soaking counts from the queueing of the dispatch that was acknowledged, in every wave', async () => {
  room = await OperatorRoom.open();
  await room.begin({ channels: { stable: { waves: [['web-01'], ['web-02']], soakMinutes: 5 } } });
  const openedAt = (await room.rollout())?.status?.openedAt ?? room.clock.now();
  for (const name of ['web-01', 'web-02']) {
    const host = await room.host(name);
    expect((await room.record(name))?.status?.dispatchAckedAt).toBeUndefined();
    const dispatch = await host.activate();
    await host.complete(dispatch.target_closure);
    await untilState(room, name, 'Soaking');
    const soakDueAt = (await room.record(name))?.status?.soakDueAt;
    expect(soakDueAt).toBe(addMillis(dispatch.enqueued_at, 5 * MINUTE));
    expect(soakDueAt).not.toBe(addMillis(openedAt, 5 * MINUTE));
    await host.converge();
    await expect.poll(() => room.state(name)).toBe('Soaking'); // too early: refused
    room.clock.leap(5 * MINUTE);
    await host.heartbeat();
    await host.converge();
    await untilState(room, name, 'Converged');
  }
});

describe('D6', () => {
  test('a mark that nobody fetched is taken back when its host is offline, and its slot goes to the next', async () => {
    room = await OperatorRoom.open({ fleet: { offline: { after: '3m', policy: 'Wait' } } });
    await room.begin({
      channels: { stable: { waves: [['web-01', 'web-02']] } },
      budgets: [{ hosts: ['web-01', 'web-02'], max: 1 }],
    });
    await untilMarked(room, 'web-01');
    room.clock.leap(4 * MINUTE);
    await (await room.host('web-02')).heartbeat();
    await untilGates(room, 'web-01', ['host-offline']);
    expect((await room.record('web-01'))?.status?.dispatch).toBeUndefined();
    await (await room.host('web-02')).goThrough();
  });

  test('a delivered mark of a silent host keeps its slot, is not sent again, and goes on when the host is back', async () => {
    room = await OperatorRoom.open({ fleet: { offline: { after: '3m', policy: 'Wait' } } });
    await room.begin({
      channels: { stable: { waves: [['web-01', 'web-02']] } },
      budgets: [{ hosts: ['web-01', 'web-02'], max: 1 }],
    });
    const host = await room.host('web-01');
    await host.dispatched();
    room.clock.leap(4 * MINUTE);
    await (await room.host('web-02')).heartbeat();
    const mark = async () => (await room.record('web-01'))?.status?.dispatch;
    await expect.poll(async () => (await mark())?.suspended).toBe(true);
    await untilGates(room, 'web-02', ['disruption-budget']);
    expect(await host.look()).toBeUndefined();
    const delivered = await mark();
    await host.heartbeat();
    const again = await host.dispatched();
    expect(again.enqueued_at).toBe(delivered?.queuedAt);
    expect(await mark()).toMatchObject({ deliveredAt: delivered?.deliveredAt });
  });

  test('a new leader raises the term and stamps the marks of the one before anew', async () => {
    room = await OperatorRoom.open();
    await room.begin({ channels: ONE_HOST });
    await untilMarked(room, 'web-01');
    const before = (await room.record('web-01'))?.status?.dispatch;
    await room.stopOperator();
    await room.startOperator();
    await expect
      .poll(async () => (await room.record('web-01'))?.status?.dispatch)
      .toEqual({ ...before, term: (before?.term ?? 0) + 1 });
    expect((await room.fleet()).status?.term).toBe((before?.term ?? 0) + 1);
    await (await room.host('web-01')).goThrough();
  });
});

describe('D20', () => {
  test('a superseded host in mid-switch goes on counting in the budget until it ends', async () => {
    room = await OperatorRoom.open();
    const fleet = {
      channels: { stable: { waves: [['web-01', 'web-02']] } },
      budgets: [{ hosts: ['web-01', 'web-02'], max: 1 }],
    };
    await room.begin(fleet);
    const first = await room.host('web-01');
    const { target_closure: target } = await first.activate();
    await room.publish({ ...fleet, digit: '2' });
    await expect.poll(async () => (await room.rollout())?.spec.channelRef).toBe(commitOf('2'));
    await untilGates(room, 'web-02', ['disruption-budget']);
    await untilGates(room, 'web-01', ['host-busy']);
    await first.complete(target);
    await first.converge();
    await first.heartbeat();
    expect(await first.dispatched()).toMatchObject({ target_closure: targetOf('web-01', '2') });
  });

  test('a host that soaks for a superseded release goes on to the next at once, and still counts (ADR 0033)', async () => {
    room = await OperatorRoom.open();
    const fleet = {
      channels: { stable: { waves: [['web-01', 'web-02']], soakMinutes: 30 } },
      budgets: [{ hosts: ['web-01', 'web-02'], max: 1 }],
    };
    await room.begin(fleet);
    const first = await room.host('web-01');
    const { target_closure: target } = await first.activate();
    await first.complete(target);
    await first.heartbeat();
    await untilGates(room, 'web-02', ['disruption-budget']);
    await room.publish({ ...fleet, digit: '2' });
    expect(await first.dispatched()).toMatchObject({ target_closure: targetOf('web-01', '2') });
    await untilGates(room, 'web-02', ['disruption-budget']);
  });

  test('a host that is busy for a superseded rollout is dispatched again after ten minutes at the latest', async () => {
    room = await OperatorRoom.open();
    await room.begin({ channels: ONE_HOST });
    const host = await room.host('web-01');
    await host.activate();
    await room.publish({ channels: ONE_HOST, digit: '2' });
    await untilGates(room, 'web-01', ['host-busy']);
    room.clock.leap(10 * MINUTE);
    await host.heartbeat();
    await untilMarked(room, 'web-01');
  });

  test('a host on the target of a switch that was superseded half-way has to soak', async () => {
    room = await OperatorRoom.open();
    const channels = { stable: { waves: [['web-01']], soakMinutes: 5 } };
    await room.begin({ channels });
    const host = await room.host('web-01');
    const { target_closure: target } = await host.activate();
    await room.publish({ channels, digit: '2', targets: { 'web-01': target } });
    await untilGates(room, 'web-01', ['host-busy']);
    host.closure = target;
    await host.heartbeat();
    room.clock.leap(5_000);
    await expect.poll(async () => (await room.record('web-01'))?.status?.lastReport?.closure).toBe(target);
    room.clock.leap(10 * MINUTE);
    const returned = room.clock.now();
    await host.heartbeat();
    await untilState(room, 'web-01', 'Soaking');
    const { spec, status } = (await room.record('web-01')) ?? {};
    expect(spec?.rolloutId).toBe(`stable@${commitOf('2')}`);
    expect(millisBetween(returned, status?.soakDueAt ?? returned)).toBeGreaterThan(4 * MINUTE);
  });
});

describe('D22', () => {
  test('a host that is new is not dispatched before it has said the same twice', async () => {
    room = await OperatorRoom.open();
    await room.publish({ channels: ONE_HOST });
    await untilGates(room, 'web-01', ['host-unsettled']);
    const host = await room.host('web-01');
    await host.heartbeat();
    room.clock.leap(50_000);
    await host.heartbeat();
    await untilGates(room, 'web-01', ['host-unsettled']);
    room.clock.leap(6_000);
    await host.heartbeat();
    await host.goThrough();
  });

  test('one that says something else each time is settled 330 seconds after its first report', async () => {
    room = await OperatorRoom.open();
    await room.publish({ channels: ONE_HOST });
    await untilGates(room, 'web-01', ['host-unsettled']);
    const host = await room.host('web-01');
    for (let report = 0; report < 5; report += 1) {
      host.closure = targetOf('web-01', String(5 + report));
      await host.heartbeat();
      expect(await room.gates('web-01')).toEqual(['host-unsettled']);
      room.clock.leap(MINUTE);
    }
    room.clock.leap(31_000);
    await untilMarked(room, 'web-01');
  });

  test('a host whose Rollout and record are deleted in its mid-switch is not switched a second time', async () => {
    room = await OperatorRoom.open();
    await room.begin({ channels: ONE_HOST });
    const host = await room.host('web-01');
    const { target_closure: target } = await host.activate();
    await untilState(room, 'web-01', 'Activating');
    const [rollout, record] = [await room.rollout(), await room.record('web-01')];
    if (rollout === undefined || record === undefined) throw new Error('nothing is open');
    await room.client.delete(rolloutResource, rollout.metadata);
    await room.client.delete(hostRolloutRecordResource, record.metadata);
    await untilGates(room, 'web-01', ['host-unsettled']);
    room.clock.leap(5 * MINUTE);
    await host.heartbeat();
    expect(await host.look()).toBeUndefined();
    host.closure = target;
    await host.heartbeat();
    await untilState(room, 'web-01', 'Converged');
  });

  test('a host that has switched before the operator knew it is not switched a second time', async () => {
    room = await OperatorRoom.open();
    await room.publish({ channels: ONE_HOST });
    await untilGates(room, 'web-01', ['host-unsettled']);
    const host = await room.host('web-01');
    await host.heartbeat();
    host.closure = targetOf('web-01');
    room.clock.leap(MINUTE);
    await host.heartbeat();
    await untilState(room, 'web-01', 'Converged');
    expect((await room.record('web-01'))?.status?.history?.every(({ cause }) => cause === 'Heartbeat')).toBe(
      true,
    );
    await untilRollout(room, 'Terminal');
  });
});
