import type { Observer, WorldView } from '../observer.ts';
import type { ApiChange } from '../sim-api.ts';
import { isOrphan, nameOf, recordChange } from './records.ts';

/**
 * An event that was stored is never lost: it leaves the inbox only in the write that counts it, or, behind a heartbeat
 * that changed the record, refused; and no record goes while something waits in it.
 */
export class StoredEvents implements Observer {
  onChange(change: ApiChange, world: WorldView): void {
    const record = recordChange(change);
    if (record === undefined) return;
    const { before, after } = record;
    const waiting = before?.status?.inbox ?? [];
    if (change.type === 'DELETED') {
      const lost = waiting.length + (before?.status?.pendingEffects?.length ?? 0);
      if (lost > 0 && change.by !== 'user' && !isOrphan(world.api, after)) {
        world.violated('stored-events', `${nameOf(after)} is deleted with ${lost} things undecided`);
      }
      return;
    }
    const kept = new Set((after.status?.inbox ?? []).map((entry) => JSON.stringify(entry)));
    let heartbeat = false;
    for (const entry of waiting) {
      heartbeat ||= entry.event.kind === 'Heartbeat';
      if (kept.has(JSON.stringify(entry)) || entry.seq === undefined) continue;
      if ((after.status?.lastEventSeq ?? 0) >= entry.seq || heartbeat) continue;
      world.violated('stored-events', `${entry.event.kind} (event ${entry.seq}) of ${nameOf(after)} is gone`);
    }
    const done = new Set((after.status?.pendingEffects ?? []).map(({ seq }) => seq));
    for (const { seq, channel, closure } of before?.status?.pendingEffects ?? []) {
      if (done.has(seq)) continue;
      // A person may have lifted it since.
      if (!world.everQuarantined.has(`${channel} ${closure}`))
        world.violated(
          'stored-events',
          `the quarantine that event ${seq} of ${nameOf(after)} calls for is missing`,
        );
    }
  }
}
