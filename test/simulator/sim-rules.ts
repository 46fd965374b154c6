import { KubeError } from '../../src/kube/errors.ts';
import type { KubeObject } from '../../src/kube/resource.ts';

type Status = Readonly<Record<string, unknown>>;

/** What the API server knows of a kind beyond storing it (kubernetes-api.md; the CEL rules of src/api/kinds). */
interface KindRules {
  /** The status that a new object gets, and the defaults of its members. */
  readonly defaults?: Status;
  /** Names of numbers in the status that never fall. */
  readonly rising?: readonly string[];
  /** States that are never left. */
  readonly endStates?: readonly string[];
}

const RULES: Readonly<Record<string, KindRules>> = {
  fleets: { defaults: {}, rising: ['term'] },
  rollouts: { defaults: { state: 'Opening', currentWave: 0 }, rising: ['currentWave'] },
  hostrolloutrecords: {
    defaults: { state: 'Pending', lastEventSeq: 0 },
    rising: ['lastEventSeq'],
    endStates: ['Converged', 'Reverted'],
  },
  hosts: {},
};

/** Whether objects of this collection have a status of their own. */
export function hasStatus(plural: string): boolean {
  return plural in RULES;
}

/** A status with its defaults. */
export function withDefaults(plural: string, status: unknown): unknown {
  const defaults = RULES[plural]?.defaults;
  return defaults === undefined ? status : { ...defaults, ...(status as Status | undefined) };
}

/** Throws as the API server does where a transition rule of the kind is broken. */
export function checkTransition(plural: string, before: KubeObject, next: KubeObject): void {
  const { rising = [], endStates = [] } = RULES[plural] ?? {};
  const old = statusOf(before);
  const status = statusOf(next);
  for (const name of rising) {
    const [was, is] = [old[name], status[name]];
    if (typeof was === 'number' && !(typeof is === 'number' && is >= was)) throw invalid(`${name} falls`);
  }
  const state = old['state'];
  if (typeof state === 'string' && endStates.includes(state) && status['state'] !== state) {
    throw invalid(`${state} is left`);
  }
}

function statusOf(object: KubeObject): Status {
  return (object as { readonly status?: Status }).status ?? {};
}

function invalid(message: string): KubeError {
  return new KubeError({ status: 422, reason: 'Invalid', message });
}
