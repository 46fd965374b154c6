import { sameJson } from '../../../src/kube/same-json.ts';
import type { Observer, WorldView } from '../observer.ts';
import type { ApiChange } from '../sim-api.ts';

const FACTS = [
  'closure',
  'closureSince',
  'firstSeenTime',
  'settledTime',
  'lastSeenTime',
  'certificate',
  'clockSkewSeconds',
];

type Members = Readonly<Record<string, unknown>>;

/** Every role writes what is its own and nothing else (architecture.md, Who writes what). */
export class Ownership implements Observer {
  onChange({ plural, type, before, object, by }: ApiChange, world: WorldView): void {
    if (type !== 'MODIFIED' || by === 'user') return;
    const [old, status] = [statusOf(before), statusOf(object)];
    if (old === status) return;
    const webhook = by.endsWith('/webhook');
    for (const name of [...Object.keys(status), ...Object.keys(old).filter((gone) => !(gone in status))]) {
      if (sameJson(old[name], status[name])) continue;
      if (mayWrite(plural, name, webhook, old, status)) continue;
      world.violated('ownership', `${by} writes ${name} of ${plural} ${object.metadata.name}`);
    }
  }
}

function mayWrite(plural: string, name: string, webhook: boolean, old: Members, status: Members): boolean {
  if (plural === 'hosts') return FACTS.includes(name) === webhook;
  if (!webhook) return true;
  if (plural !== 'hostrolloutrecords') return false;
  if (name === 'dispatch') return sameMark(old[name] as Members, status[name] as Members);
  const [was, is] = [(old[name] ?? []) as unknown[], (status[name] ?? []) as unknown[]];
  return name === 'inbox' && is.length === was.length + 1 && sameJson(is.slice(0, -1), was);
}

/** Whether a mark has changed in nothing but its delivery. */
function sameMark(old: Members | undefined, mark: Members | undefined): boolean {
  const rest = ({ deliveredAt: _first, lastDeliveredAt: _last, ...others }: Members): Members => others;
  return old !== undefined && mark !== undefined && sameJson(rest(old), rest(mark));
}

function statusOf(object: unknown): Members {
  return (object as { status?: Members } | undefined)?.status ?? {};
}
