import type { Observer, WorldView } from '../observer.ts';
import type { ApiChange } from '../sim-api.ts';

const RISING: Readonly<Record<string, string>> = {
  fleets: 'term',
  rollouts: 'currentWave',
  hostrolloutrecords: 'lastEventSeq',
};

/** Terms, waves and event numbers never fall, and no record leaves an end state. */
export class Monotone implements Observer {
  onChange({ plural, type, before, object }: ApiChange, world: WorldView): void {
    const member = RISING[plural];
    if (member === undefined || type !== 'MODIFIED') return;
    const [old, status] = [statusOf(before), statusOf(object)];
    const [was, is] = [Number(old[member] ?? 0), Number(status[member] ?? 0)];
    if (is < was)
      world.violated('monotone', `${member} of ${object.metadata.name} falls from ${was} to ${is}`);
    const from = String(old['state']);
    if (plural === 'hostrolloutrecords' && /^(Converged|Reverted)$/.test(from) && status['state'] !== from) {
      world.violated('monotone', `${object.metadata.name} leaves ${from} for ${String(status['state'])}`);
    }
  }
}

function statusOf(object: unknown): Readonly<Record<string, unknown>> {
  return (object as { status?: Record<string, unknown> } | undefined)?.status ?? {};
}
