import { describe, expect, it } from 'vitest';
import { ChangedInputs } from '../../../src/controllers/planner/changed-inputs.ts';
import { record } from '../controllers-rollout/objects.ts';
import { onlineHost, PlannerRoom } from './planner-room.ts';

const FIRST = record('a');
const NAME = FIRST.metadata.name;

/** A cache with a record and a host of which nothing has changed since. */
function quiet(): { room: PlannerRoom; changed: ChangedInputs } {
  const room = new PlannerRoom();
  room.put(room.stores.records, FIRST);
  room.put(room.stores.hosts, onlineHost('a'));
  const changed = new ChangedInputs(room.context);
  changed.take();
  return { room, changed };
}

describe('what changed since the last plan', () => {
  it('is everything at first, and nothing once it was taken', () => {
    const room = new PlannerRoom();
    room.put(room.stores.records, FIRST);
    room.put(room.stores.hosts, onlineHost('a'));
    const changed = new ChangedInputs(room.context);
    const { records, hosts } = changed.take() ?? {};
    expect([[...(records?.keys() ?? [])], [...(hosts?.keys() ?? [])]]).toEqual([[NAME], ['a']]);
    expect(changed.take()).toEqual({ records: new Map(), hosts: new Map() });
  });

  it('is what the caches hold by then, however often it changed', () => {
    const { room, changed } = quiet();
    room.change(FIRST, { state: 'Activating' });
    room.change(FIRST, { state: 'Soaking' });
    room.put(room.stores.hosts, onlineHost('a', 'clo-newer'));
    room.put(room.stores.hosts, onlineHost('a', 'clo-newest'));
    const { records, hosts } = changed.take() ?? {};
    expect(records?.get(NAME)?.state).toBe('Soaking');
    expect(hosts?.get('a')?.closure).toBe('clo-newest');
  });

  it('has records that changed in nothing that a plan reads', () => {
    const { room, changed } = quiet();
    room.change(FIRST, { blockedBy: [] });
    expect([...(changed.take()?.records.keys() ?? [])]).toEqual([NAME]);
  });

  it('has records that are gone', () => {
    const { room, changed } = quiet();
    room.remove(room.stores.records, FIRST);
    expect(changed.take()?.records).toEqual(new Map([[NAME, undefined]]));
  });

  it('has records that somebody wants looked at again', () => {
    const { changed } = quiet();
    changed.addRecord(NAME);
    expect(changed.take()?.records.get(NAME)).toMatchObject({ name: NAME, state: 'Pending' });
  });

  it('may be everything where a Host is gone', () => {
    const { room, changed } = quiet();
    room.remove(room.stores.hosts, onlineHost('a'));
    expect(changed.take()).toBeUndefined();
    expect(changed.take()).toBeDefined();
  });

  it('may be everything where too much changed to name it', () => {
    const { changed } = quiet();
    for (let i = 0; i < 20_000; i++) changed.addRecord(`record-${i}`);
    expect(changed.take()?.records.size).toBe(20_000);
    for (let i = 0; i < 20_001; i++) changed.addRecord(`record-${i}`);
    expect(changed.take()).toBeUndefined();
    expect(changed.take()?.records.size).toBe(0);
  });
});
