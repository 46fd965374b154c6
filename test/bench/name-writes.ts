import type { HostStatus } from '../../src/api/kinds/host.ts';
import type { HostRolloutRecordStatus } from '../../src/api/kinds/host-rollout-record.ts';
import type { LoggedWrite } from './audit-log.ts';

/** How often each write was made, by name. */
export type NamedWrites = ReadonlyMap<string, number>;

type Status = Readonly<Record<string, unknown>>;

/** Gives every write of the operator a name that says what it was for, by comparing it with the write before. */
export class WriteNamer {
  readonly #counts = new Map<string, number>();
  readonly #last = new Map<string, Status>();
  #lost = 0;

  /** Writes that lost their compare-and-swap. */
  get lost(): number {
    return this.#lost;
  }

  get counts(): NamedWrites {
    return this.#counts;
  }

  /** `counted`: false for a write that only shows what later ones are compared with. */
  add(write: LoggedWrite, counted = true): void {
    if (write.code >= 300) {
      if (counted) this.#lost += 1;
      return;
    }
    const name = this.#nameOf(write);
    if (counted) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  #nameOf(write: LoggedWrite): string {
    const { verb, resource, subresource, name } = write;
    if (resource === 'events') return 'Event';
    if (verb !== 'update' || subresource !== 'status') return `${resource}: ${verb}`;
    const key = `${resource}/${name}`;
    const before = this.#last.get(key) ?? {};
    const after = statusOf(write.object);
    this.#last.set(key, after);
    if (resource === 'hostrolloutrecords') return `record: ${recordWrite(before, after)}`;
    if (resource === 'hosts') return `host: ${hostWrite(before, after)}`;
    return `${resource}: status`;
  }
}

function statusOf(object: Readonly<Record<string, unknown>>): Status {
  const { status } = object;
  return typeof status === 'object' && status !== null ? Object.fromEntries(Object.entries(status)) : {};
}

function recordWrite(old: Partial<HostRolloutRecordStatus>, next: Partial<HostRolloutRecordStatus>): string {
  const waiting = next.inbox ?? [];
  if (waiting.length > (old.inbox?.length ?? 0)) return `stored ${waiting.at(-1)?.event.kind ?? 'event'}`;
  if ((old.state ?? 'Pending') !== next.state) return `folded to ${next.state ?? ''}`;
  if ((old.inbox?.length ?? 0) > 0) return 'folded without transition';
  if (old.dispatch === undefined && next.dispatch !== undefined) return 'marked';
  if (old.dispatch !== undefined && next.dispatch === undefined) return 'mark withdrawn';
  if (old.dispatch?.lastDeliveredAt !== next.dispatch?.lastDeliveredAt) return 'delivered';
  return same(old.blockedBy, next.blockedBy) ? 'other' : 'gates that hold it';
}

function hostWrite(old: HostStatus, next: HostStatus): string {
  if (old.firstSeenTime !== next.firstSeenTime) return 'first report';
  if (old.settledTime !== next.settledTime) return 'settled';
  if (old.closure !== next.closure) return 'new closure';
  if (old.lastSeenTime !== next.lastSeenTime) return 'last seen';
  return `verdict ${next.state ?? ''}`.trimEnd();
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
