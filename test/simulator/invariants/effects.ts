import type { QuarantinedClosure } from '../../../src/api/kinds/quarantined-closure.ts';
import { quarantineName } from '../../../src/core/naming.ts';
import type { Observer, WorldView } from '../observer.ts';
import type { ApiChange } from '../sim-api.ts';
import { recordChange } from './records.ts';

/** A closure is quarantined only on behalf of a decision that was stored (architecture.md §1, Events 3). */
export class Effects implements Observer {
  readonly #due = new Set<string>();

  onChange(change: ApiChange, world: WorldView): void {
    const record = recordChange(change);
    for (const { channel, seq } of record?.after.status?.pendingEffects ?? []) {
      this.#due.add(quarantineName(channel, record?.after.metadata.uid ?? '', seq));
    }
    if (change.plural !== 'quarantinedclosures' || change.type !== 'ADDED') return;
    const { metadata, spec } = change.object as unknown as QuarantinedClosure;
    if (change.by !== 'user' && !this.#due.has(metadata.name)) {
      world.violated('effects', `${spec.closure} is quarantined, but no stored decision calls for it`);
    }
  }
}
